//! tera, set up so that a slip in a template is a fault with its place, and a cell is only data.

use std::collections::HashSet;
use std::path::Path;

use tera::{Context, ErrorKind, Tera};

use super::bounded::{Bounded, LARGEST_BODY};
use super::place;
use super::source::{gather, name_of, read};
use super::watch::Watch;
use crate::config::Batch;
use crate::fault::{Fault, quote, quote_up_to};

/// The name under which the subject is kept beside the files.
pub(super) const SUBJECT: &str = "[letter] subject";

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
    /// For HTML, whatever the template file is called.
    Html,
    /// For subject, text and paths.
    None,
}

/// The templates of a batch. The same files stand in two engines, one that escapes and one that
/// does not, so that a text file included in HTML is escaped there.
#[derive(Debug)]
pub(super) struct Templates {
    html_engine: Tera,
    text_engine: Tera,
    /// The name of the HTML template.
    pub html: String,
    /// The name of the text template, if there is one.
    pub text: Option<String>,
    /// Every template by its name.
    pub sources: Vec<(String, String)>,
    /// Watches what is made of them.
    pub watch: Watch,
}

impl Templates {
    /// Reads and parses all templates of a batch.
    pub fn load(batch: &Batch) -> Result<Self, Vec<Fault>> {
        let letter = &batch.letter;
        let folder = letter.html.parent().unwrap_or(Path::new("")).to_owned();
        let mut files: Vec<(String, String)> = Vec::new();
        let html = name_of(&letter.html, &folder);
        let text = letter.text.as_ref().map(|text| name_of(text, &folder));
        let mut faults = Vec::new();
        for (name, path) in [
            (Some(&html), Some(&letter.html)),
            (text.as_ref(), letter.text.as_ref()),
        ] {
            let (Some(name), Some(path)) = (name, path) else {
                continue;
            };
            if batch.is_led_out(path) {
                let fault = Fault::new(
                    "the template is a link that leaves the batch's folder",
                    "put the file itself there, or set allow_outside = true in [batch]",
                );
                faults.push(fault.file(path.display().to_string()));
            } else if !files.iter().any(|(other, _)| other == name) {
                match read(&batch.resolve(path)) {
                    Ok(source) => files.push((name.clone(), source)),
                    Err(fault) => faults.push(fault.file(path.display().to_string())),
                }
            }
        }
        let mut strings = vec![(SUBJECT.to_owned(), letter.subject.clone())];
        for (index, attachment) in batch.attachments.iter().enumerate() {
            strings.push((attachment_path(index), attachment.path.clone()));
            if let Some(name) = &attachment.name {
                strings.push((attachment_name(index), name.clone()));
            }
            for (key, texts) in [
                ("must_contain", &attachment.must_contain),
                ("must_not_contain", &attachment.must_not_contain),
            ] {
                for (number, text) in texts.iter().enumerate() {
                    strings.push((attachment_text(index, key, number), text.clone()));
                }
            }
        }
        faults.extend(gather(&batch.resolve(&folder), &strings, &mut files));
        let mut html_engine = engine();
        // An empty suffix fits every name.
        html_engine.autoescape_on([""]);
        let mut text_engine = engine();
        text_engine.autoescape_on(Vec::<&str>::new());
        let borrowed = |list: &[(String, String)]| -> Vec<(String, String)> { list.to_vec() };
        let added = html_engine
            .add_raw_templates(borrowed(&files))
            .and_then(|()| text_engine.add_raw_templates(borrowed(&files)));
        if let Err(error) = added {
            faults.push(fault(&error, &html));
        }
        for (name, source) in strings {
            if let Err(error) = text_engine.add_raw_templates([(name.clone(), source.clone())]) {
                faults.push(fault(&error, &name));
            }
            files.push((name, source));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Self {
            html_engine,
            text_engine,
            html,
            text,
            sources: files,
            watch: Watch::default(),
        })
    }

    /// One fault for each value that a template uses and no letter has. It finds what rendering
    /// would not: tera takes an undefined value in a condition for false.
    pub fn unknown_values(&self, known: &HashSet<&str>) -> Vec<Fault> {
        let own = self
            .text_engine
            .get_template_names()
            .filter(|name| name.starts_with('['));
        let mut names: Vec<&str> = own
            .chain([self.html.as_str()])
            .chain(self.text.as_deref())
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

    fn unknown_value(&self, name: &str, value: &str, known: &HashSet<&str>) -> Fault {
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
            Some((file, (line, column))) => Fault::new(
                format!("line {line}, column {column}: {used}"),
                near(value, known),
            )
            .file(file),
            None => Fault::new(used, near(value, known)).file(name),
        }
    }

    /// Renders one template for one recipient.
    pub fn render(
        &self,
        name: &str,
        escape: Escape,
        context: &Context,
        id: &str,
    ) -> Result<String, Fault> {
        let engine = match escape {
            Escape::Html => &self.html_engine,
            Escape::None => &self.text_engine,
        };
        let mut body = Bounded::default();
        let rendered = self
            .watch
            .over(id, name, || engine.render_to(name, context, &mut body));
        if let Err(error) = rendered {
            return Err(fault(&error, name).id(id));
        }
        // tera writes strings, so the bytes are UTF-8.
        Ok(String::from_utf8(body.0).unwrap_or_default())
    }
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
            format!("the values are {}", all.join(", "))
        }
    }
}

/// A tera error as a fault with template, line and column.
fn fault(error: &tera::Error, template: &str) -> Fault {
    let (file, text) = match error.kind() {
        ErrorKind::SyntaxError(report) | ErrorKind::RenderingError(report) => {
            let span = report.span();
            let place = format!(
                "line {}, column {}: {}",
                span.start_line,
                span.start_col + 1,
                report.message()
            );
            (report.filename().to_owned(), place)
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
    Fault::new(
        quote_lines(&text),
        "correct the template, or the value it uses",
    )
    .file(file)
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
