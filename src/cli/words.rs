//! Figures and findings in words.

pub(super) use crate::figures::{bytes, count, duration, expected, plural};

use crate::finding::{Finding, NextStep, Severity};
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
