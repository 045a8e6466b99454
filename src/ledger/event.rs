//! What the log tells of: the kinds of events, and what stands in each.

use serde::{Deserialize, Serialize};

use super::{Difference, Refusal};

/// What an event tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The file is older than the log: what was before is not in it.
    EarlierHistory,
    RunBegun,
    RunEnded,
    /// A run ended before the answer to a letter was known.
    CutOff,
    PlanTaken,
    ChangesAccepted,
    RehearsalCleared,
    RetryRejected,
    Claimed,
    Settled,
    /// A letter in doubt was settled by looking where it was given to.
    LookedUp,
    /// A letter in doubt was settled by a person's word.
    Resolved,
    /// The far side asked to wait.
    Throttled,
}

impl Kind {
    const ALL: [(Self, &'static str); 13] = [
        (Self::EarlierHistory, "earlier_history"),
        (Self::RunBegun, "run_begun"),
        (Self::RunEnded, "run_ended"),
        (Self::CutOff, "cut_off"),
        (Self::PlanTaken, "plan_taken"),
        (Self::ChangesAccepted, "changes_accepted"),
        (Self::RehearsalCleared, "rehearsal_cleared"),
        (Self::RetryRejected, "retry_rejected"),
        (Self::Claimed, "claimed"),
        (Self::Settled, "settled"),
        (Self::LookedUp, "looked_up"),
        (Self::Resolved, "resolved"),
        (Self::Throttled, "throttled"),
    ];

    pub fn word(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(kind, _)| *kind == self)
            .map_or("", |(_, word)| word)
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(_, other)| *other == word)
            .map(|(kind, _)| *kind)
    }
}

/// The body of an event that says all by its kind and letter.
#[derive(Serialize, Deserialize)]
pub(super) struct Nothing {}

#[derive(Serialize, Deserialize)]
pub(super) struct EarlierHistory {
    pub text: String,
    pub format: i64,
}

#[derive(Serialize, Deserialize)]
pub(super) struct RunBegun {
    pub program: String,
    pub command: String,
    pub transport: String,
    pub pid: u32,
    pub host: String,
}

#[derive(Serialize, Deserialize)]
pub(super) struct RunEnded {
    pub ending: String,
}

#[derive(Serialize, Deserialize)]
pub(super) struct PlanTaken {
    pub plan: String,
    pub letters: u64,
}

#[derive(Serialize, Deserialize)]
pub(super) struct ChangesAccepted {
    pub changes: Vec<Difference>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct ClaimMade {
    pub attempt: i64,
    pub trace: String,
    pub message_id: String,
    pub bytes: u64,
    pub addresses: u32,
    /// A digest over what the letter's row says of who gets what.
    pub record: String,
}

#[derive(Serialize, Deserialize)]
pub(super) struct ClaimEnded {
    pub attempt: i64,
    pub outcome: String,
    pub code: Option<String>,
    pub text: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<Refusal>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub request_ids: Vec<String>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Resolved {
    pub accepted: bool,
    pub by: String,
    pub because: Option<String>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Throttled {
    pub milliseconds: u64,
}
