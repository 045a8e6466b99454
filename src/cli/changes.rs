//! What changed since a batch was begun, in words.

use super::exit::{Exit, Stop};
use super::words;
use crate::ledger::{Change, Difference, State};

/// The refusal of a plan that is not the one that was begun.
pub(super) fn refused(differences: &[Difference]) -> Stop {
    const MOST_SHOWN: usize = 20;
    let mut text = format!(
        "{} since the batch was begun, so nothing was sent:",
        words::plural(differences.len() as u64, "change")
    );
    for difference in differences.iter().take(MOST_SHOWN) {
        text.push_str(&format!("\n  {}: {}", difference.id, in_words(difference)));
    }
    if differences.len() > MOST_SHOWN {
        text.push_str(&format!(
            "\n  and {} more; `postroom check` lists all",
            differences.len() - MOST_SHOWN
        ));
    }
    text.push_str(
        "\n  next: put them back, or take them for letters not yet sent with --accept-changes",
    );
    Stop::new(Exit::Faults, text)
}

/// A difference in words.
pub(super) fn in_words(difference: &Difference) -> &'static str {
    match (difference.change, difference.state) {
        (Change::Added, _) => "new in the manifest",
        (Change::Removed, State::Pending | State::Rejected) => {
            "no longer in the manifest, not sent"
        }
        (Change::Removed, State::Accepted) => "no longer in the manifest, accepted already",
        (Change::Removed, State::InDoubt) => "no longer in the manifest, in doubt",
        (Change::Changed, State::Pending | State::Rejected) => {
            "addresses, text, report or sender changed, not sent yet"
        }
        (Change::Changed, State::Accepted) => "changed after it was accepted; it is not sent again",
        (Change::Changed, State::InDoubt) => "changed while in doubt",
    }
}
