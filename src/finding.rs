//! What the checks find: one fault is one thing to mend, with its place and the next step.

use std::borrow::Cow;
use std::error::Error;

use serde::Serialize;

/// An error that knows what its reader can do. Its `Display` says what is wrong and nothing of the next
/// step: the two are put together where they are printed, and nobody takes them apart again.
pub trait NextStep: Error {
    /// What to do.
    fn next_step(&self) -> Cow<'_, str>;
}

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing is sent until it is mended.
    Fault,
    /// Worth a look before anything is sent.
    Warning,
    /// Said for the record.
    Notice,
}

/// One finding of the checks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How much it weighs.
    pub severity: Severity,
    /// The file it was found in, as the batch file writes it.
    pub file: Option<String>,
    /// The row: the line of a CSV file or the row of a sheet, counted from 1.
    pub row: Option<u32>,
    /// The column's header.
    pub column: Option<String>,
    /// The recipient.
    pub id: Option<String>,
    /// What is wrong, with what was read.
    pub text: String,
    /// What to do.
    pub next_step: String,
    /// What findings of the same cause have in common, as the end of a sentence that begins with how
    /// many there are: they are shown together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cow<'static, str>>,
}

impl Finding {
    /// A fault: nothing is sent until it is mended.
    pub fn fault(text: impl Into<String>, next_step: impl Into<String>) -> Self {
        Self::of(Severity::Fault, text.into(), next_step.into())
    }

    /// A warning: worth a look before anything is sent.
    pub fn warning(text: impl Into<String>, next_step: impl Into<String>) -> Self {
        Self::of(Severity::Warning, text.into(), next_step.into())
    }

    /// A notice: said for the record.
    pub fn notice(text: impl Into<String>, next_step: impl Into<String>) -> Self {
        Self::of(Severity::Notice, text.into(), next_step.into())
    }

    /// An error as a fault: nothing is sent until it is mended.
    pub fn from_error(error: &impl NextStep) -> Self {
        Self::fault(error.to_string(), error.next_step())
    }

    fn of(severity: Severity, text: String, next_step: String) -> Self {
        Self {
            severity,
            file: None,
            row: None,
            column: None,
            id: None,
            text,
            next_step,
            cause: None,
        }
    }

    /// Says what this finding has in common with others of the same cause: the end of a sentence that
    /// begins with how many there are, such as `cells are no address`.
    #[must_use]
    pub fn same_cause(mut self, cause: impl Into<Cow<'static, str>>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Adds the file.
    #[must_use]
    pub fn file(mut self, file: impl Into<String>) -> Self {
        self.file = Some(file.into());
        self
    }

    /// Adds the row.
    #[must_use]
    pub fn row(mut self, row: u32) -> Self {
        self.row = Some(row);
        self
    }

    /// Adds the column.
    #[must_use]
    pub fn column(mut self, column: impl Into<String>) -> Self {
        self.column = Some(column.into());
        self
    }

    /// Adds the recipient.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// File, row and column in a few words; empty when none is known.
    #[must_use]
    pub fn place(&self) -> String {
        let mut place = self.file.clone().unwrap_or_default();
        if let Some(row) = self.row {
            place.push_str(&format!(":{row}"));
        }
        if let Some(column) = &self.column {
            place.push_str(&format!(" [{}]", quote(column)));
        }
        place
    }

    /// Whether it stops the batch.
    #[must_use]
    pub fn is_fault(&self) -> bool {
        self.severity == Severity::Fault
    }
}

/// A text as a shell takes it for one word.
#[must_use]
pub(crate) fn shell_word(text: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_alphanumeric() || "_.,@%+:/-".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.into()
    } else if text.contains(['"', '$', '`', '\\', '!']) {
        format!("'{}'", text.replace('\'', r"'\''")).into()
    } else {
        format!("\"{text}\"").into()
    }
}

/// Makes text from outside safe to quote in one line of a message: control, bidirectional and
/// other invisible characters are written as escapes, and a long text is cut with its length said.
#[must_use]
pub(crate) fn quote(text: &str) -> String {
    quote_up_to(80, text)
}

/// The same for texts that may be longer than a cell's.
#[must_use]
pub(crate) fn quote_up_to(longest: usize, text: &str) -> String {
    let mut quoted: String = text.chars().take(longest).flat_map(escape).collect();
    let length = text.chars().count();
    if length > longest {
        quoted.push_str(&format!("… ({length} characters)"));
    }
    quoted
}

/// Whether a terminal would act on a character or not show it.
#[must_use]
pub(crate) fn is_unseen(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// One character as itself, or as an escape when a terminal would act on it or not show it.
pub(crate) fn escape(character: char) -> impl Iterator<Item = char> {
    let (escaped, plain) = if is_unseen(character) {
        (Some(character.escape_default()), None)
    } else {
        (None, Some(character))
    };
    escaped.into_iter().flatten().chain(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting_escapes_what_a_terminal_acts_on() {
        assert_eq!(
            quote("a\u{1b}[31mb\0\u{202e}c"),
            "a\\u{1b}[31mb\\u{0}\\u{202e}c"
        );
        assert_eq!(quote("Lycée — St Mary’s"), "Lycée — St Mary’s");
    }

    #[test]
    fn quoting_cuts_a_long_text_and_says_how_long_it_was() {
        let quoted = quote(&"x".repeat(1_000_000));
        assert!(quoted.len() < 200);
        assert!(quoted.ends_with("… (1000000 characters)"), "{quoted}");
    }
}
