//! tera, set up so that a slip in a template is a fault with its place, and a cell is only data.

use std::collections::HashSet;

use tera::{Context, ErrorKind, Tera};

use super::body::{Bodies, BodyFile, RenderedBody};
use super::bounded::{Bounded, LARGEST_BODY};
use super::files::with_stars;
use super::markdown;
use super::place;
use super::source::{gather, read};
use super::tags;
use super::watch::Watch;
use crate::config::{Batch, is_template};
use crate::finding::{Finding, quote, quote_up_to};

/// The name under which the subject is kept beside the files.
pub(super) const SUBJECT: &str = "[letter] subject";

/// The name under which the style sheet is kept.
const STYLESHEET: &str = "[letter] stylesheet";

/// The names of the other templates that stand in the batch file.
pub(super) const FROM: &str = "[letter] from";
pub(super) const REPLY_TO: &str = "[letter] reply_to";
pub(super) const IN_REPLY_TO: &str = "[letter] in_reply_to";

/// The name of the template of a header field's value.
pub(super) fn header(name: &str) -> String {
    format!("[letter.headers] {name}")
}

/// The name of the template of what an attachment is locked with.
pub(super) fn attachment_password(index: usize) -> String {
    format!("[[attachment]] {} password", index + 1)
}

/// The name of an attachment's path template.
pub(super) fn attachment_path(index: usize) -> String {
    format!("[[attachment]] {} path", index + 1)
}

/// The name of an attachment's name template.
pub(super) fn attachment_name(index: usize) -> String {
    format!("[[attachment]] {} name", index + 1)
}

/// The name of a text that an attachment must or must not show.
pub(super) fn attachment_text(index: usize, key: &str, text: usize) -> String {
    format!("[[attachment]] {} {key} {}", index + 1, text + 1)
}

/// Whether values are escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Escape {
    /// For the body, HTML or Markdown, whatever the template file is called.
    Body,
    /// For subject, text and paths.
    None,
}

/// The templates of a batch. The same files stand in two engines, one that escapes and one that
/// does not, so that a text file included in HTML is escaped there.
#[derive(Debug)]
pub(super) struct Templates {
    body_engine: Tera,
    text_engine: Tera,
    /// The templates of the bodies.
    pub bodies: Bodies,
    /// Every template by its name.
    pub sources: Vec<(String, String)>,
    /// Watches what is made of them.
    pub watch: Watch,
}

impl Templates {
    /// Reads and parses all templates of a batch.
    pub(super) fn load(batch: &Batch) -> Result<Self, Vec<Finding>> {
        let letter = &batch.letter;
        let mut files: Vec<(String, String)> = Vec::new();
        let mut faults = Vec::new();
        let bodies = Bodies::of(letter);
        for (name, path) in bodies.files(batch, &mut faults) {
            if files.iter().any(|(other, _)| *other == name) {
                continue;
            }
            match read(batch, &path) {
                Ok(source) => files.push((name, source)),
                Err(fault) => faults.push(fault.file(path.display().to_string())),
            }
        }
        // What a path by value fits; the engine has what these include besides.
        let named: Vec<String> = files.iter().map(|(name, _)| name.clone()).collect();
        let mut strings = vec![(SUBJECT.to_owned(), letter.subject.clone())];
        strings.extend(bodies.paths());
        for (name, text) in [
            (FROM, &letter.from),
            (REPLY_TO, &letter.reply_to),
            (IN_REPLY_TO, &letter.in_reply_to),
        ] {
            // What is the same for all was parsed with the batch file.
            if let Some(text) = text
                && (name == IN_REPLY_TO || is_template(text))
            {
                strings.push((name.to_owned(), text.clone()));
            }
        }
        for (name, value) in &letter.headers {
            strings.push((header(name), value.clone()));
        }
        for (index, attachment) in batch.attachments.iter().enumerate() {
            if attachment.files.is_none() {
                strings.push((attachment_path(index), with_stars(&attachment.path)));
            }
            if let Some(password) = &attachment.password {
                strings.push((attachment_password(index), password.clone()));
            }
            if let Some(name) = &attachment.name {
                strings.push((attachment_name(index), name.clone()));
            }
            for (key, texts) in [
                ("must_contain", &attachment.must_contain),
                ("must_not_contain", &attachment.must_not_contain),
                ("may_show", &attachment.may_show),
            ] {
                for (number, text) in texts.iter().enumerate() {
                    strings.push((attachment_text(index, key, number), text.clone()));
                }
            }
        }
        faults.extend(gather(&batch.resolve(&bodies.folder), &strings, &mut files));
        let style = Bodies::style(batch).unwrap_or_else(|fault| {
            faults.push(fault);
            None
        });
        let mut body_engine = engine();
        // An empty suffix fits every name.
        body_engine.autoescape_on([""]);
        if bodies.is_markdown() {
            body_engine.set_escape_fn(markdown::hide);
        }
        let mut text_engine = engine();
        text_engine.autoescape_on(Vec::<&str>::new());
        let borrowed = |list: &[(String, String)]| -> Vec<(String, String)> { list.to_vec() };
        let added = body_engine
            .add_raw_templates(borrowed(&files))
            .and_then(|()| text_engine.add_raw_templates(borrowed(&files)));
        if let Err(error) = added {
            faults.push(fault(&error, &bodies.shown(), &files));
        }
        for (name, source) in strings {
            if let Err(error) = text_engine.add_raw_templates([(name.clone(), source.clone())]) {
                let own = [(name.clone(), source.clone())];
                faults.push(fault(&error, &name, &own));
            }
            files.push((name, source));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        if let Some(style) = &style {
            files.push((STYLESHEET.to_owned(), style.clone()));
        }
        Ok(Self {
            body_engine,
            text_engine,
            bodies: bodies.with(named, style),
            sources: files,
            watch: Watch::default(),
        })
    }

    /// One fault for each value that a template uses and no letter has. It finds what rendering
    /// would not: tera takes an undefined value in a condition for false.
    pub(super) fn unknown_values(&self, known: &HashSet<&str>) -> Vec<Finding> {
        let own = self
            .text_engine
            .get_template_names()
            .filter(|name| name.starts_with('['));
        let mut names: Vec<&str> = own
            .chain(self.bodies.named.iter().map(String::as_str))
            .collect();
        names.sort_unstable();
        names.dedup();
        let mut faults = Vec::new();
        for name in names {
            let Ok(used) = self.text_engine.get_template_variables(name) else {
                continue;
            };
            let mut unknown: Vec<_> = used
                .into_iter()
                .filter(|value| !known.contains(value))
                .collect();
            unknown.sort_unstable();
            for value in unknown {
                let fault = self.unknown_value(name, value, known);
                // A file that two templates include is reported once.
                if !faults.contains(&fault) {
                    faults.push(fault);
                }
            }
        }
        faults
    }

    /// The values that subject and bodies use.
    pub(super) fn used_values(&self) -> impl Iterator<Item = &str> {
        let named = self.bodies.named.iter().map(String::as_str);
        let used = named
            .chain([SUBJECT])
            .filter_map(|name| self.text_engine.get_template_variables(name).ok());
        used.flatten()
    }

    /// Whether any template uses a column, by its template name or by its header. What a name inside
    /// `row` is worked out from is not seen.
    pub(super) fn use_column(&self, name: &str, header: &str) -> bool {
        let names: Vec<&str> = self.text_engine.get_template_names().collect();
        let variables = names
            .iter()
            .filter_map(|template| self.text_engine.get_template_variables(template).ok());
        let (mut by_name, mut by_row) = (false, false);
        for variable in variables.flatten() {
            by_name |= variable == name;
            by_row |= variable == "row" || variable == "rows";
        }
        let spelled = |source: &str| {
            let literal = |text: &str| {
                source.contains(&format!("'{text}'")) || source.contains(&format!("\"{text}\""))
            };
            literal(header) || literal(name) || source.contains(&format!(".{name}"))
        };
        by_name || (by_row && self.sources.iter().any(|(_, source)| spelled(source)))
    }

    fn unknown_value(&self, name: &str, value: &str, known: &HashSet<&str>) -> Finding {
        let found = |(name, source): &'_ (String, String)| {
            place::of_value(source, value).map(|place| (name.clone(), place))
        };
        let (own, others): (Vec<_>, Vec<_>) =
            self.sources.iter().partition(|(other, _)| other == name);
        let used = format!(
            "the template uses `{}`, which no column and no [vars] gives",
            quote(value)
        );
        // What it does not use itself stands in a file that it extends or includes.
        match own.into_iter().chain(others).find_map(found) {
            Some((file, (line, column))) => Finding::fault(
                format!("line {line}, column {column}: {used}"),
                near(value, known),
            )
            .file(file),
            None => Finding::fault(used, near(value, known)).file(name),
        }
    }

    /// The HTML or Markdown, as HTML, and the text that a recipient gets, with the name of the file
    /// that it was made of first. A letter of plain text has no HTML.
    pub(super) fn bodies(
        &self,
        title: &str,
        context: &Context,
        id: &str,
    ) -> Result<RenderedBody, Vec<Finding>> {
        let mut faults = Vec::new();
        let mut made = |file: &Option<BodyFile>, escape| -> Option<(String, String)> {
            let file = file.as_ref()?;
            let rendered = self.body_file(file, context, id).and_then(|name| {
                self.render(&name, escape, context, id)
                    .map(|text| (name, text))
            });
            rendered.map_err(|fault| faults.push(fault)).ok()
        };
        let main = made(&self.bodies.main, Escape::Body);
        let text = made(&self.bodies.text, Escape::None);
        if !faults.is_empty() {
            return Err(faults);
        }
        let file = main.iter().chain(&text).map(|(name, _)| name.clone());
        let file = file.into_iter().next().unwrap_or_default();
        let html = main.map(|(_, body)| {
            if self.bodies.is_markdown() {
                markdown::document(&body, title, self.bodies.style.as_deref())
            } else {
                body
            }
        });
        Ok(RenderedBody {
            html,
            text: text.map(|(_, text)| text),
            file,
        })
    }

    /// The name of the file that a recipient's body is made of.
    fn body_file(&self, file: &BodyFile, context: &Context, id: &str) -> Result<String, Finding> {
        let key = match file {
            BodyFile::Fixed { name, .. } => return Ok(name.clone()),
            BodyFile::ByValue { key, .. } => *key,
        };
        let path = self.render(key, Escape::None, context, id)?;
        self.bodies
            .chosen(path.trim())
            .map_err(|fault| fault.file(key).id(id))
    }

    /// Renders one template for one recipient.
    pub(super) fn render(
        &self,
        name: &str,
        escape: Escape,
        context: &Context,
        id: &str,
    ) -> Result<String, Finding> {
        let engine = match escape {
            Escape::Body => &self.body_engine,
            Escape::None => &self.text_engine,
        };
        let mut body = Bounded::default();
        let rendered = self
            .watch
            .over(id, name, || engine.render_to(name, context, &mut body));
        if let Err(error) = rendered {
            return Err(fault(&error, name, &self.sources).id(id));
        }
        // tera writes strings, so the bytes are UTF-8.
        Ok(String::from_utf8(body.0).unwrap_or_default())
    }
}

/// What a template makes of a value `v`, within the bound on what is written; escaped as in HTML or not.
pub(super) fn tried(source: &str, value: &str, is_escaped: bool) -> Result<String, Finding> {
    const NAME: &str = "tried";
    let mut engine = engine();
    let escaped: &[&str] = if is_escaped { &[""] } else { &[] };
    engine.autoescape_on(escaped.iter().copied());
    let sources = [(NAME.to_owned(), source.to_owned())];
    engine
        .add_raw_templates([(NAME, source)])
        .map_err(|error| fault(&error, NAME, &sources))?;
    let mut context = Context::new();
    context.insert("v", value);
    let mut body = Bounded::default();
    engine
        .render_to(NAME, &context, &mut body)
        .map_err(|error| fault(&error, NAME, &sources))?;
    Ok(String::from_utf8(body.0).unwrap_or_default())
}

/// A tera engine without functions that read files or the environment: tera 2 ships none. `now` is
/// left out too, since a letter must be the same letter when it is made again.
fn engine() -> Tera {
    let mut tera = Tera::new();
    tera.register_filter("date", super::dates::date);
    tera.register_filter(
        "filesize_format",
        tera_contrib::filesize_format::filesize_format,
    );
    tera.register_filter("format", tera_contrib::format::format);
    tera.register_test("before", super::dates::is_before);
    tera.register_test("after", super::dates::is_after);
    tera
}

fn near(value: &str, known: &HashSet<&str>) -> String {
    let mut names: Vec<_> = known
        .iter()
        .map(|name| (strsim::normalized_damerau_levenshtein(value, name), *name))
        .collect();
    names.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    match names.first() {
        Some((alike, name)) if *alike >= 0.7 => format!("did you mean `{name}`?"),
        _ => {
            let mut all: Vec<_> = known.iter().copied().collect();
            all.sort_unstable();
            format!(
                "the values are {}; one that is the same for all is written under [vars] of the batch file",
                all.join(", ")
            )
        }
    }
}

/// A tera error as a fault with template, line and column, given the texts of the templates.
fn fault(error: &tera::Error, template: &str, sources: &[(String, String)]) -> Finding {
    let source = |file: &str| {
        let found = sources.iter().find(|(name, _)| name == file);
        found.map(|(_, source)| source.as_str())
    };
    let (file, text) = match error.kind() {
        ErrorKind::SyntaxError(report) => {
            let file = report.filename();
            if let Some(slip) = source(file).and_then(tags::slip) {
                let text = format!(
                    "line {}, column {}: {}",
                    slip.line,
                    slip.column,
                    quote_up_to(400, &slip.text)
                );
                return Finding::fault(text, slip.next_step).file(file);
            }
            (file.to_owned(), reported(report, None))
        }
        ErrorKind::RenderingError(report) => {
            let file = report.filename();
            (file.to_owned(), reported(report, source(file)))
        }
        ErrorKind::Io(_) => {
            let text = format!(
                "the template makes more than {} MB of text",
                LARGEST_BODY >> 20
            );
            (template.to_owned(), text)
        }
        _ => {
            let report = error.to_string();
            match several(&report) {
                Some((file, text)) => (file.to_owned(), text),
                None => (template.to_owned(), report),
            }
        }
    };
    Finding::fault(
        quote_lines(&text),
        "correct the template, or the value it uses",
    )
    .file(file)
}

/// What tera reports, with its place, and what stands there if it is a part of one line.
fn reported(report: &tera::ReportError, source: Option<&str>) -> String {
    let span = report.span();
    let is_part = span.start_line == span.end_line && span.end_col > span.start_col;
    let line = source
        .filter(|_| is_part)
        .and_then(|source| source.lines().nth(span.start_line.saturating_sub(1)));
    // The span of `row["x"]` ends before its bracket.
    let behind = line.and_then(|line| line.chars().nth(span.end_col));
    let shown: String = line
        .unwrap_or_default()
        .chars()
        .take(span.end_col)
        .skip(span.start_col)
        .chain(behind.filter(|next| *next == ']'))
        .collect();
    let shown = shown.trim();
    let at = if shown.is_empty() {
        String::new()
    } else {
        format!(" `{}`", quote_up_to(60, shown))
    };
    format!(
        "line {}, column {}{at}: {}",
        span.start_line,
        span.start_col + 1,
        types_in_words(report.message())
    )
}

/// tera names types as programs do, and has them in its text alone (tera 2.4, `ReportError`). They are said
/// in words for people; nothing is decided by it, and a text of another form is shown as it is.
fn types_in_words(message: &str) -> String {
    const PHRASES: [(&str, &str); 5] = [
        (
            "Iteration not possible on type ",
            "this has to be a list, and is ",
        ),
        ("Invalid type for the value, expected ", "this has to be "),
        (" but got ", ", and is "),
        (
            "Math operations can only be done on numbers, found",
            "only numbers can be counted with, not",
        ),
        (
            "requires both operands to be numbers, found",
            "adds numbers, not",
        ),
    ];
    const TYPES: [(&[&str], &str); 6] = [
        (&["string", "&str", "String"], "text"),
        (&["bool"], "true or false"),
        (&["array", "&[Value]", "Vec<Value>"], "a list"),
        (&["map/struct", "Map"], "a group of values"),
        (&["none", "undefined"], "nothing"),
        (
            &[
                "f32", "f64", "i32", "i64", "i128", "isize", "u8", "u32", "u64", "u128", "usize",
                "Number",
            ],
            "a number",
        ),
    ];
    let mut words = message.to_owned();
    for (said, instead) in PHRASES {
        words = words.replace(said, instead);
    }
    for (names, instead) in TYPES {
        for name in names {
            words = words.replace(&format!("`{name}`"), instead);
        }
    }
    words
}

/// tera reports what it finds between templates, such as unknown filters, as one drawn text: each
/// finding is a line `error: …` and below it `--> file:line:column`. There is no type that holds them
/// (tera 2.4, `ErrorKind::Msg`), so the drawing is laid out anew for people; nothing is decided by it,
/// and a text of another form is shown as it is.
fn several(report: &str) -> Option<(&str, String)> {
    let messages = report
        .lines()
        .filter_map(|line| line.trim().strip_prefix("error: "));
    let places = report
        .lines()
        .filter_map(|line| line.trim().strip_prefix("--> "));
    let mut file = None;
    let mut found = Vec::new();
    for (message, place) in messages.zip(places) {
        let mut parts = place.rsplitn(3, ':');
        let (column, line) = (parts.next()?, parts.next()?);
        file = file.or(parts.next());
        found.push(format!("line {line}, column {column}: {message}"));
    }
    Some((file?, found.join("\n")))
}

fn quote_lines(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(|line| quote_up_to(400, line)).collect();
    lines.join("; ")
}
