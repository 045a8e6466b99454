//! The subject.

use crate::address::HeaderText;
use crate::finding::Finding;

/// The subject as a header: one line, and no longer than a mail program can show.
pub(super) fn header(subject: &str) -> Result<HeaderText, Finding> {
    const LONGEST: usize = 1_000;
    let bad = |error: &str, next_step: &str| {
        Finding::fault(format!("the subject cannot be used: {error}"), next_step)
    };
    let length = subject.chars().count();
    if length > LONGEST {
        return Err(bad(
            &format!("it has {length} characters, more than {LONGEST}"),
            "look at the cells that the subject shows",
        ));
    }
    if subject.trim().is_empty() {
        return Err(Finding::fault(
            "the subject is empty",
            "fill in the cell that it shows, or add words of your own",
        ));
    }
    HeaderText::parse(subject).map_err(|error| {
        bad(
            &error.to_string(),
            "take the line break out of the cell that the subject shows",
        )
    })
}
