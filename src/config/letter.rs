//! `[letter]` of `batch.toml`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::ConfigError;
use crate::address::Mailbox;
use crate::finding::quote;

/// The most header fields of one's own: Microsoft Graph accepts no more (Microsoft Graph,
/// "internetMessageHeader"), and a batch must not depend on its transport.
const MOST_HEADERS: usize = 5;

/// The longest name of a header field, so that a line has room for its value.
const LONGEST_HEADER: usize = 64;

/// `[letter]`: subject, bodies, and what stands in the header besides.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LetterConfig {
    /// The From mailbox, a template; `send_emails_as` of the secrets file if not given.
    pub from: Option<String>,
    /// The subject, a template.
    pub subject: String,
    /// The letter in Markdown, a template; its path may be one too.
    pub markdown: Option<PathBuf>,
    /// The letter in HTML, a template; its path may be one too.
    pub html: Option<PathBuf>,
    /// The plain text, a template; derived from the HTML if not given. Alone, the letter is plain text.
    pub text: Option<PathBuf>,
    /// The style sheet of a letter in Markdown, in place of postroom's own.
    pub stylesheet: Option<PathBuf>,
    /// The mailbox that answers go to, a template.
    pub reply_to: Option<String>,
    /// Mailboxes that get a copy of every letter.
    #[serde(default)]
    pub always_cc: Vec<String>,
    /// Mailboxes that get a copy of every letter, unseen by the others.
    #[serde(default)]
    pub always_bcc: Vec<String>,
    /// How important the letter is said to be.
    pub importance: Option<Importance>,
    /// The Message-ID of the message that the letter answers to, a template.
    pub in_reply_to: Option<String>,
    /// Header fields of one's own, whose values are templates.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
}

/// How important a letter is said to be (RFC 2156 section 5.3.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Importance {
    /// Less than others.
    Low,
    /// Like others.
    Normal,
    /// More than others.
    High,
}

impl Importance {
    /// The word of the header field.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
        }
    }
}

/// A path with the separators that every system knows. On Windows a backslash is one too, but not where
/// it stands in the marks of a template.
pub(super) fn with_slashes(path: &str) -> String {
    let mut slashed = String::new();
    let mut rest = path;
    while let Some(open) = [rest.find("{{"), rest.find("{%")]
        .into_iter()
        .flatten()
        .min()
    {
        let (outside, mark) = rest.split_at(open);
        slashed.push_str(&outside.replace('\\', "/"));
        let end = if mark.starts_with("{{") { "}}" } else { "%}" };
        let length = mark.find(end).map_or(mark.len(), |at| at + end.len());
        slashed.push_str(&mark[..length]);
        rest = &mark[length..];
    }
    slashed.push_str(&rest.replace('\\', "/"));
    slashed
}

/// Whether a text is a template, and not the same for every recipient.
#[must_use]
pub(crate) fn is_template(text: &str) -> bool {
    text.contains("{{") || text.contains("{%")
}

impl LetterConfig {
    /// The files of the bodies as they are written: Markdown or HTML first.
    pub fn bodies(&self) -> impl Iterator<Item = &PathBuf> {
        [&self.markdown, &self.html, &self.text]
            .into_iter()
            .flatten()
    }

    pub(super) fn validate(&self, file: &Path) -> Result<(), ConfigError> {
        let refuse = |key: &str, text: &str, next_step: &str| {
            Err(ConfigError::value(file, key, text, next_step))
        };
        if self.bodies().next().is_none() {
            return refuse(
                "letter",
                "names no file with the letter",
                "write markdown = \"letter.md\", html = \"letter.html\" or text = \"letter.txt\"",
            );
        }
        if self.markdown.is_some() && self.html.is_some() {
            return refuse(
                "letter",
                "names both markdown and html",
                "leave one of them out: HTML is made from Markdown",
            );
        }
        if self.stylesheet.is_some() && self.markdown.is_none() {
            return refuse(
                "letter.stylesheet",
                "is for a letter in Markdown",
                "put the styles into the HTML itself, or leave the line out",
            );
        }
        if self.from.as_ref().is_some_and(|from| from.contains("{%")) {
            return refuse(
                "letter.from",
                "has `{%` in it",
                "write values alone, such as \"{{ region }} <reports@study.example>\"",
            );
        }
        let mailboxes = [
            ("letter.from", &self.from),
            ("letter.reply_to", &self.reply_to),
        ];
        let mailboxes = mailboxes
            .into_iter()
            .filter_map(|(key, text)| Some((key, text.as_ref()?)))
            .filter(|(_, text)| !is_template(text));
        let always = [
            ("letter.always_cc", &self.always_cc),
            ("letter.always_bcc", &self.always_bcc),
        ];
        let always = always
            .into_iter()
            .flat_map(|(key, list)| list.iter().map(move |text| (key, text)));
        for (key, text) in mailboxes.chain(always) {
            if let Err(error) = Mailbox::parse(text) {
                return refuse(
                    key,
                    &format!("cannot be used: {error}"),
                    "write one address, or Name <address>",
                );
            }
        }
        self.validate_headers(file)
    }

    fn validate_headers(&self, file: &Path) -> Result<(), ConfigError> {
        let refuse = |text: &str, next_step: &str| {
            Err(ConfigError::value(file, "letter.headers", text, next_step))
        };
        if self.headers.len() > MOST_HEADERS {
            return refuse(
                &format!("has more than {MOST_HEADERS} header fields"),
                "leave some out: Microsoft Graph accepts no more",
            );
        }
        for name in self.headers.keys() {
            let is_own = name
                .get(..2)
                .is_some_and(|start| start.eq_ignore_ascii_case("x-"));
            let is_plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
            if !is_own || !is_plain || !(3..=LONGEST_HEADER).contains(&name.len()) {
                return refuse(
                    &format!("has `{}`, which is no name for a header field", quote(name)),
                    "write a name that begins with X-, of letters, digits and hyphens, such as X-Study",
                );
            }
            let is_twice = |other: &&String| other.eq_ignore_ascii_case(name);
            if self.headers.keys().filter(is_twice).count() > 1 {
                return refuse(
                    &format!("has `{}` twice", quote(name)),
                    "leave one of them out",
                );
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(lines: &str) -> Result<(), ConfigError> {
        let letter: LetterConfig = toml::from_str(&format!("subject = \"x\"\n{lines}")).unwrap();
        letter.validate(Path::new("batch.toml"))
    }

    #[test]
    fn a_letter_has_one_form_or_text_besides() {
        for lines in [
            "markdown = \"a.md\"",
            "html = \"a.html\"\ntext = \"a.txt\"",
            "text = \"a.txt\"",
            "markdown = \"a.md\"\nstylesheet = \"a.css\"",
        ] {
            parsed(lines).unwrap();
        }
        for lines in [
            "",
            "markdown = \"a.md\"\nhtml = \"a.html\"",
            "html = \"a.html\"\nstylesheet = \"a.css\"",
        ] {
            assert!(parsed(lines).is_err(), "{lines}");
        }
    }

    #[test]
    fn only_header_fields_of_ones_own_are_taken() {
        for (headers, taken) in [
            ("X-Study = \"a\"", true),
            ("x-a = \"{{ id }}\"", true),
            ("Bcc = \"a@b.example\"", false),
            ("X- = \"a\"", false),
            ("\"X-a b\" = \"a\"", false),
            ("\"X-a\\r\\nBcc\" = \"a\"", false),
            ("X-a = \"1\"\nx-A = \"2\"", false),
            (
                "X-a=\"\"\nX-b=\"\"\nX-c=\"\"\nX-d=\"\"\nX-e=\"\"\nX-f=\"\"",
                false,
            ),
        ] {
            let found = parsed(&format!("text = \"a\"\n[headers]\n{headers}"));
            assert_eq!(found.is_ok(), taken, "{headers}");
        }
    }

    #[test]
    fn a_mailbox_that_stands_for_itself_is_parsed_at_once() {
        assert!(parsed("text = \"a\"\nfrom = \"nobody\"").is_err());
        assert!(parsed("text = \"a\"\nalways_bcc = [\"a@b.example\", \"c\"]").is_err());
        parsed("text = \"a\"\nfrom = \"{{ sender }}\"").unwrap();
    }
}
