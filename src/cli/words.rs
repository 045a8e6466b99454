//! Figures and findings in words.

use std::time::Duration;

use crate::fault::{Fault, NextStep, Severity};
use crate::letter::Verdict;
use crate::plan::Plan;

/// A number with commas: 12,345.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number with its noun: `1 letter`, `24 letters`.
pub(super) fn plural(number: u64, noun: &str) -> String {
    let ending = match (number, noun.ends_with('s')) {
        (1, _) => "",
        (_, true) => "es",
        _ => "s",
    };
    format!("{} {noun}{ending}", count(number))
}

/// Bytes in kB or MB (10^3 and 10^6).
pub(super) fn bytes(number: u64) -> String {
    match number {
        0..1_000 => format!("{number} B"),
        1_000..1_000_000 => format!("{:.0} kB", number as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", number as f64 / 1e6),
        _ => format!("{:.1} GB", number as f64 / 1e9),
    }
}

/// A span of time in its two largest units.
pub(super) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

/// How long a run takes at least.
pub(super) fn expected(time: Duration) -> String {
    if time.is_zero() {
        "no waiting under the limits".to_owned()
    } else {
        format!("at least {}", duration(time))
    }
}

/// What is wrong and the next step, where the place needs no telling.
pub(super) fn next(fault: &Fault) -> String {
    let text = format!("{}\n  nothing was sent", fault.text);
    with_next(&text, &fault.next_step)
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

/// How many attachments there are, and what the proofs told of them.
pub(super) fn attachments(plan: &Plan) -> String {
    let mut text = count(plan.attachments() as u64);
    let told: Vec<_> = [
        (Verdict::Confirmed, "shown to be the recipient's"),
        (Verdict::Silent, "without the recipient's name or id"),
        (Verdict::Unreadable, "that cannot be read"),
    ]
    .into_iter()
    .map(|(verdict, words)| (plan.with_verdict(verdict) as u64, words))
    .filter(|(number, _)| *number > 0)
    .map(|(number, words)| format!("{} {words}", count(number)))
    .collect();
    if !told.is_empty() {
        text.push_str(&format!(": {}", told.join(", ")));
    }
    text
}

/// A finding in two lines: the place and what is wrong, then the next step.
pub(super) fn fault(fault: &Fault) -> String {
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
    fn figures_are_written_for_people() {
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(plural(1, "letter"), "1 letter");
        assert_eq!(plural(24, "address"), "24 addresses");
        assert_eq!(bytes(14_600), "15 kB");
        assert_eq!(bytes(2_340_000), "2.3 MB");
        assert_eq!(duration(Duration::from_millis(1)), "1 s");
        assert_eq!(duration(Duration::from_secs(3_700)), "1 h 1 min");
    }

    #[test]
    fn a_fault_says_the_place_the_thing_and_the_next_step() {
        let found = Fault::new("`x` is not a mail address", "correct it")
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
