//! Figures and findings in words.

pub(super) use crate::figures::{bytes, count, duration, expected, plural};

use std::path::Path;

use crate::finding::{Finding, NextStep, Severity, shell_word};
use crate::letter::Verdict;
use crate::plan::Plan;

/// A text from a file, as a terminal may show it in one line.
pub(super) fn one_line(text: &str) -> String {
    crate::finding::quote_up_to(400, text)
}

/// An error with its next step.
pub(super) fn in_full(error: &impl NextStep) -> String {
    with_next(&error.to_string(), &error.next_step())
}

/// What is to be said and, in a line of its own, the next step. Here the two are put together, for
/// the eye; whatever looks at an error looks at its fields.
pub(super) fn with_next(text: &str, next_step: &str) -> String {
    format!("{text}\n  next: {next_step}")
}

/// A path as an argument of a command.
pub(super) fn argument(path: &Path) -> String {
    let path = path.display().to_string();
    let is_plain = |c: char| c.is_alphanumeric() || "_.:/\\-".contains(c);
    match cfg!(windows) {
        false => shell_word(&path).into_owned(),
        true if path.chars().all(is_plain) => path,
        true => format!("\"{path}\""),
    }
}

/// A text whose commands name the batch.
pub(super) fn naming_batch(text: &str, batch: &str) -> String {
    const COMMAND: &str = "`postroom ";
    let mut named = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(COMMAND) {
        let (before, command) = rest.split_at(at + COMMAND.len());
        named.push_str(before);
        let end = command.find('`').unwrap_or(command.len());
        let (command, after) = command.split_at(end);
        named.push_str(command);
        // `init` makes a batch, and names it itself.
        if !command.starts_with("init") && after.starts_with('`') {
            named.push(' ');
            named.push_str(batch);
        }
        rest = after;
    }
    named + rest
}

/// How many attachments there are, and what the proofs found.
pub(super) fn attachments(plan: &Plan) -> String {
    let mut text = count(plan.attachments() as u64);
    let found: Vec<_> = [
        (Verdict::Confirmed, "shown to be the recipient's"),
        (Verdict::Contradicted, "that show another recipient"),
        (
            Verdict::Ambiguous,
            "that show nothing of the recipient's alone",
        ),
        (Verdict::Silent, "without the recipient's name or id"),
        (Verdict::Unreadable, "that cannot be read"),
    ]
    .into_iter()
    .map(|(verdict, words)| (plan.with_verdict(verdict) as u64, words))
    .filter(|(number, _)| *number > 0)
    .map(|(number, words)| format!("{} {words}", count(number)))
    .collect();
    if !found.is_empty() {
        text.push_str(&format!(": {}", found.join(", ")));
    }
    let locked = plan.locked() as u64;
    if locked > 0 {
        text.push_str(&format!("; {} locked with a password", count(locked)));
    }
    text
}

/// A finding in two lines: the place and what is wrong, then the next step.
pub(super) fn fault(fault: &Finding) -> String {
    let severity = match fault.severity {
        Severity::Fault => "fault",
        Severity::Warning => "warning",
        Severity::Notice => "notice",
    };
    let mut place = fault.place();
    if let Some(id) = &fault.id {
        place.push_str(&format!(" {id}"));
    }
    let separator = if place.is_empty() { "" } else { ": " };
    let text = format!("{severity}: {}{separator}{}", place.trim(), fault.text);
    with_next(&text, &fault.next_step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_name_the_batch_that_was_named() {
        let text = "see `status`, then `postroom login` or `postroom resolve ID --accepted`; `postroom init DIR` makes one";
        assert_eq!(
            naming_batch(text, "spring"),
            "see `status`, then `postroom login spring` or `postroom resolve ID --accepted spring`; \
             `postroom init DIR` makes one"
        );
        assert_eq!(naming_batch("`postroom cut", "spring"), "`postroom cut");
        assert_eq!(argument(Path::new("../año/b-1.toml")), "../año/b-1.toml");
        assert_eq!(argument(Path::new("Reports 2026")), "\"Reports 2026\"");
        #[cfg(unix)]
        assert_eq!(argument(Path::new("a $b")), "'a $b'");
    }

    #[test]
    fn a_fault_says_the_place_the_thing_and_the_next_step() {
        let found = Finding::fault("`x` is not a mail address", "correct it")
            .file("list.csv")
            .row(14)
            .column("Email")
            .id("RRS1");
        assert_eq!(
            fault(&found),
            "fault: list.csv:14 [Email] RRS1: `x` is not a mail address\n  next: correct it"
        );
    }
}
