//! What changed since a batch was begun, in words.

use crate::finding::shell_word;
use crate::ledger::{Change, LedgerKind, PlanDifference};
use crate::lifecycle::{ChangedPart, LetterState};
use crate::mailing::{MailingError, Moved};

/// The refusal of a plan that is not the one that was begun, with its letters and where they go.
pub(super) fn listed(
    error: &MailingError,
    differences: &[PlanDifference],
    moved: Option<&Moved>,
) -> String {
    const MOST_SHOWN: usize = 20;
    let mut text = format!("{error}, so nothing was sent:");
    if let Some(moved) = moved {
        text.push_str(&format!("\n  {moved}"));
    }
    for difference in differences.iter().take(MOST_SHOWN) {
        text.push_str(&format!("\n  {}: {}", difference.id, in_words(difference)));
    }
    if differences.len() > MOST_SHOWN {
        text.push_str(&format!(
            "\n  and {} more; `postroom check` lists all",
            differences.len() - MOST_SHOWN
        ));
    }
    text
}

/// A difference in words.
pub(super) fn in_words(difference: &PlanDifference) -> String {
    let text = match (difference.change, difference.state) {
        (Change::Added, _) => "new in the dispatch list",
        (Change::Removed, LetterState::Accepted) => {
            "no longer in the dispatch list, accepted already"
        }
        (Change::Removed, LetterState::InDoubt | LetterState::Claimed) => {
            "no longer in the dispatch list, in doubt"
        }
        (
            Change::Removed,
            LetterState::Pending | LetterState::Rejected | LetterState::Withdrawn,
        ) => "no longer in the dispatch list, not sent",
        (Change::Changed, state) => {
            let what = parts(&difference.parts);
            return match state {
                LetterState::Accepted => format!("{what} changed after it was accepted"),
                LetterState::InDoubt | LetterState::Claimed => {
                    format!("{what} changed while it was in doubt")
                }
                LetterState::Pending | LetterState::Rejected | LetterState::Withdrawn => {
                    format!("{what} changed, not sent yet")
                }
            };
        }
    };
    text.to_owned()
}

/// What to do about a letter that went out and would be another by now; it is named where it is the only one.
pub(super) fn once_more(
    difference: &PlanDifference,
    kind: LedgerKind,
    is_only_one: bool,
) -> String {
    match kind {
        LedgerKind::Mail => {}
        LedgerKind::Outbox => {
            return "send leaves it as it was; `postroom send --fresh` makes all letters anew"
                .to_owned();
        }
        LedgerKind::Rehearsal => return "the next rehearsal makes all letters anew".to_owned(),
    }
    if difference.change == Change::Removed {
        return "it stays in the record; nothing is left to do".to_owned();
    }
    // Where it is written to somebody new, those who have it need not get it again.
    let to_all = !difference.parts.contains(&ChangedPart::Addresses);
    // The same for all of them, so that they are shown together.
    format!(
        "send leaves it as it was; {} sends it again",
        resend_command(if is_only_one { &difference.id } else { "ID" }, to_all)
    )
}

/// The command that sends a letter again.
pub(super) fn resend_command(id: &str, to_all: bool) -> String {
    let to_all = if to_all { " --all-addresses" } else { "" };
    format!(
        "`postroom resend --only {}{to_all} --because TEXT`",
        shell_word(id)
    )
}

fn parts(parts: &[ChangedPart]) -> String {
    let named: Vec<&str> = parts.iter().map(|part| part.in_words()).collect();
    match named.as_slice() {
        [] => "it".to_owned(),
        [others @ .., last] if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        [one, ..] => (*one).to_owned(),
    }
}
