//! What changed since a batch was begun, in words.

use crate::ledger::{Change, PlanDifference};
use crate::lifecycle::LetterState;
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
pub(super) fn in_words(difference: &PlanDifference) -> &'static str {
    match (difference.change, difference.state) {
        (Change::Added, _) => "new in the manifest",
        (Change::Removed, LetterState::Accepted) => "no longer in the manifest, accepted already",
        (Change::Removed, LetterState::InDoubt | LetterState::Claimed) => {
            "no longer in the manifest, in doubt"
        }
        (
            Change::Removed,
            LetterState::Pending | LetterState::Rejected | LetterState::Withdrawn,
        ) => "no longer in the manifest, not sent",
        (Change::Changed, LetterState::Accepted) => {
            "changed after it was accepted; only `postroom resend` sends it again"
        }
        (Change::Changed, LetterState::InDoubt | LetterState::Claimed) => "changed while in doubt",
        (
            Change::Changed,
            LetterState::Pending | LetterState::Rejected | LetterState::Withdrawn,
        ) => "addresses, text, report or sender changed, not sent yet",
    }
}
