//! What the readers of a letter would stumble over, though it could go out.

use std::path::Path;

use memchr::memmem;
use tera::Context;

use super::markup::{elements, visible};
use super::remote::remote;
use super::{Letter, Letters};
use crate::finding::{Finding, quote};

/// A mark that is longer is ordinary text in such brackets.
const LONGEST_MARK: usize = 40;

/// How marks for a value begin and end in Word and other programs.
const BRACKETS: [(&str, &str); 4] = [("«", "»"), ("<<", ">>"), ("{{", "}}"), ("{", "}")];

impl Letters {
    /// Warnings about what a letter's readers will be shown.
    pub(super) fn looked_over(&self, index: usize, letter: &Letter) -> Vec<Finding> {
        let mut warnings: Vec<Finding> = Vec::new();
        let html = letter.html.as_deref().unwrap_or_default();
        warnings.extend(remote(html).into_iter().map(|what| {
            Finding::warning(
                format!(
                    "the letter loads something from elsewhere: {}",
                    quote(&what)
                ),
                "leave it out, or put it into the letter: most mail programs do not show it, \
                 and where one does, the other server learns who reads the letter",
            )
        }));
        warnings.extend(other_charset(html));
        let seen = visible(html);
        let subject = letter.subject.as_str();
        let texts = [
            subject,
            &seen,
            letter.own_text.as_deref().unwrap_or_default(),
        ];
        if let Some(mark) = texts.iter().find_map(|text| left_over(text)) {
            warnings.push(Finding::warning(
                format!("the letter shows `{}`, as it stands there", quote(&mark)),
                "write {{ name }}, {{ id }} or {{ row['Column'] }} where a value is to stand, and {{ year }} \
                 where it is the same for all, with year = \"2026\" under [vars] of the batch file; text \
                 that is meant so may stay",
            ));
        }
        if let Some(gap) = texts.iter().find_map(|text| gap(text)) {
            warnings.push(Finding::warning(
                format!(
                    "the letter has a gap before a mark: `{}`{}",
                    quote(&gap),
                    self.empty_values(index)
                ),
                "fill in the cell, or say what stands there without it: \
                 {{ contact or \"colleagues\" }}, {% if contact %}…{% endif %}",
            ));
        }
        if self.plan.extras.answers_to_none(&letter.extras) {
            warnings.push(Finding::notice(
                "in_reply_to is empty, so the letter begins a new conversation",
                "fill in the Message-ID of the first letter, as the CSV record has it, if it is to be shown below that one",
            ));
        }
        let file = self.templates.bodies.shown();
        let mut warnings: Vec<Finding> = warnings
            .into_iter()
            .map(|warning| warning.file(file.clone()).id(&letter.id))
            .collect();
        let names = [&letter.to, &letter.cc, &letter.bcc].into_iter().flatten();
        let mut texts = names
            .filter_map(|mailbox| mailbox.name.as_ref())
            .chain([&letter.subject]);
        if let Some(text) = texts.find(|text| text.as_str().contains("=?")) {
            warnings.push(
                Finding::warning(
                    format!(
                        "the subject or a name holds `=?`, as encoded text does: `{}`",
                        quote(text.as_str())
                    ),
                    "write the text that is meant: it goes out letter for letter",
                )
                .id(&letter.id),
            );
        }
        warnings.extend(names_of_files(letter));
        warnings
    }

    /// The values that the letter uses and that are empty for a recipient, in a few words.
    fn empty_values(&self, index: usize) -> String {
        let context = self.context(&self.recipient(index).1);
        let names = self.templates.empty_values(&context);
        match names.len() {
            0 => String::new(),
            1 => format!(" (`{}` is empty)", names[0]),
            _ => format!(" (`{}` are empty)", names.join("`, `")),
        }
    }
}

impl super::template::Templates {
    /// The values that bodies and subject use and that are empty.
    fn empty_values(&self, context: &Context) -> Vec<String> {
        let mut names: Vec<String> = self
            .used_values()
            .filter(|name| {
                let value = context.get(name);
                value.is_some_and(|value| value.as_str().is_some_and(|text| text.trim().is_empty()))
            })
            .map(str::to_owned)
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// The first mark for a value that nobody filled in.
fn left_over(text: &str) -> Option<String> {
    BRACKETS.iter().find_map(|(open, close)| {
        memmem::find_iter(text.as_bytes(), open.as_bytes()).find_map(|at| {
            let inside = &text[at + open.len()..];
            let end = inside.find(close)?;
            let name = &inside[..end];
            // Quotation marks of that form have blanks inside in French, and longer text elsewhere.
            let is_spaced = name.starts_with(char::is_whitespace) && *open == "«";
            let is_name = name.chars().count() <= LONGEST_MARK
                && name.trim().starts_with(char::is_alphabetic)
                && name
                    .trim()
                    .chars()
                    .all(|c| c.is_alphanumeric() || " _-.'".contains(c));
            (is_name && !is_spaced)
                .then(|| text[at..at + open.len() + end + close.len()].to_owned())
        })
    })
}

/// The first comma or full stop that a blank stands before, with the word before it.
fn gap(text: &str) -> Option<String> {
    text.lines().find_map(|line| {
        line.char_indices().find_map(|(at, c)| {
            if !matches!(c, ',' | '.') {
                return None;
            }
            let next = line[at + 1..].chars().next();
            // `.pdf`, `...` and figures such as `,5` begin a word.
            if next.is_some_and(|next| next.is_alphanumeric() || matches!(next, '.' | ',')) {
                return None;
            }
            let before = &line[..at];
            if before.is_empty() {
                return (c == ',').then(|| ",".to_owned());
            }
            let word = before.strip_suffix([' ', '\u{a0}'])?.trim_end();
            let word = word.rsplit(char::is_whitespace).next().unwrap_or_default();
            Some(format!("{word} {c}"))
        })
    })
}

/// The warning about HTML that says it is written otherwise than letters are.
fn other_charset(html: &str) -> Option<Finding> {
    let metas = elements(html).filter(|element| element.name.eq_ignore_ascii_case("meta"));
    let said = metas.filter_map(|meta| {
        let charset = meta.attribute("charset").map(str::to_owned);
        charset.or_else(|| {
            let content = meta.attribute("content")?.to_ascii_lowercase();
            let (_, charset) = content.split_once("charset=")?;
            Some(charset.split([';', ' ']).next()?.to_owned())
        })
    });
    let other = said
        .map(|charset| charset.trim_matches(['"', '\'', ' ']).to_owned())
        .find(|charset| !["utf-8", "utf8"].contains(&charset.to_ascii_lowercase().as_str()))?;
    Some(Finding::warning(
        format!(
            "the HTML says that it is in `{}`, and letters go out in UTF-8",
            quote(&other)
        ),
        "write <meta charset=\"utf-8\">, and save the file as UTF-8",
    ))
}

/// Warnings about the names that attachments are seen under.
fn names_of_files(letter: &Letter) -> Vec<Finding> {
    let mut warnings = Vec::new();
    let folded = |name: &str| name.to_lowercase();
    for (place, attachment) in letter.attachments.iter().enumerate() {
        let name = &attachment.name;
        let before = letter.attachments[..place].iter();
        if before
            .map(|other| folded(&other.name))
            .any(|other| other == folded(name))
        {
            warnings.push(Finding::warning(
                format!("two attachments are called `{}`", quote(name)),
                "give each a name of its own in [[attachment]] name",
            ));
        }
        let ending = |path: &Path| {
            let ending = path.extension()?.to_string_lossy();
            Some(folded(&ending))
        };
        if let Some(real) = ending(&attachment.path)
            && ending(Path::new(&**name)) != Some(real.clone())
        {
            warnings.push(Finding::warning(
                format!("the attachment `{}` is seen without its ending .{real}", quote(name)),
                format!("write it in [[attachment]] name, such as \"Report.{real}\": mail programs open files by it"),
            ));
        }
    }
    let with_id = warnings.into_iter();
    with_id.map(|warning| warning.id(&letter.id)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_that_nobody_filled_in_are_found() {
        for (text, mark) in [
            ("Dear «School»,", Some("«School»")),
            ("Dear «School Name»,", Some("«School Name»")),
            ("Dear { name },", Some("{ name }")),
            ("Dear {School},", Some("{School}")),
            ("Dear {{ name }},", Some("{{ name }}")),
            ("Dear <<School>>,", Some("<<School>>")),
            ("Il dit « oui ».", None),
            ("a < b, c > d, {1, 2}, {}", None),
            ("« a", None),
        ] {
            assert_eq!(left_over(text).as_deref(), mark, "{text}");
        }
    }

    #[test]
    fn gaps_are_found_where_no_language_has_a_blank() {
        for (text, found) in [
            ("Dear ,", Some("Dear ,")),
            ("the report of .\nx", Some("of .")),
            ("\n, please", Some(",")),
            ("Dear A,\nsee report .pdf and ... or ,5", None),
            ("Voilà : oui ! Non ; ça ?", None),
        ] {
            assert_eq!(gap(text).as_deref(), found, "{text}");
        }
    }

    #[test]
    fn a_charset_that_letters_do_not_have_is_found() {
        for (html, found) in [
            ("<meta charset=utf-8>", false),
            (
                "<meta http-equiv=Content-Type content='text/html; charset=UTF-8'>",
                false,
            ),
            (
                "<meta http-equiv=Content-Type content='text/html; charset=iso-8859-1'>",
                true,
            ),
            ("<META CHARSET=\"windows-1252\">", true),
            ("<meta name=viewport content='width=device-width'>", false),
        ] {
            assert_eq!(other_charset(html).is_some(), found, "{html}");
        }
    }
}
