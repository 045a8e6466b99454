//! The life of a letter: what a letter, a sending, an address and a run can be, every event that
//! changes one of them, and what follows from each.
//!
//! It is pure: no file, no clock, no terminal. The ledger appends [`Event`]s and keeps tables; both
//! are made by the functions here, so that a new state or event is added in one place.
//!
//! ```text
//! pending ── claimed ──┬─ accepted ── (reopened by a person) ── pending
//!    │                 ├─ accepted for some of its addresses ── pending, for the rest
//!    │                 ├─ rejected ── (tried again on purpose) ── pending
//!    │                 ├─ in doubt ── (looked up, resolved by a person, or mail about it came back)
//!    │                 │               ── accepted | pending
//!    │                 └─ pending
//!    └ withdrawn, while the list does not have the recipient
//! ```
//!
//! No letter waits to be sent to an address that has it, unless a person wanted just that: whatever
//! becomes known, and in whichever order, such a letter is accepted instead of pending.
//!
//! A letter is handed over as a *sending*: one message with a Message-ID of its own. Each address of
//! a sending is accepted or refused with it, and has an outcome later. An address that the server
//! defers while it takes the message for others is written to next by a sending of its own, the *rest*
//! of the letter: never by the whole letter again.

mod address;
mod attempt;
mod event;
mod letter;
mod mail;
mod parts;
mod reason;
mod run;
mod sending;

pub use address::Addresses;
pub(crate) use address::{AddressKind, AddressOutcome, AddressState, Fate, Returned};
pub(crate) use attempt::{Attempt, AttemptOutcome};
pub use event::{Accepted, PersonalWord, Refusal, SettledAs};
pub(crate) use event::{
    AddressReturn, CarriedOver, Claiming, Event, LegacyRun, LegacyWait, Narrowing, PlanAdopted,
    Planned, Reopening, RunBegun, Settling, Upgraded,
};
pub(crate) use letter::{Changes, LetterHistory, LetterState};
pub(crate) use mail::{LetterMail, LetterMailKind, MailEvidence};
pub(crate) use parts::{ChangedPart, MessageParts};
pub(crate) use reason::{BounceReason, reason_in_words};
pub(crate) use run::{Run, RunState};
pub use sending::{PlannedMessage, SentAttachment};
pub(crate) use sending::{Sending, SendingState};

use serde::{Deserialize, Serialize};

/// What a server said, or what happened instead.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reply {
    /// The reply code, or a word for the kind of failure.
    pub code: String,
    /// The words.
    pub text: String,
}

impl Reply {
    /// Code and words; what older programs wrote has the code among the words.
    #[must_use]
    pub fn in_one_line(&self) -> String {
        if self.code.is_empty() {
            self.text.clone()
        } else {
            format!("{} {}", self.code, self.text)
        }
    }
}

/// Why an event cannot follow on what was before it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Illegal {
    /// The state does not allow it.
    #[error("`{event}` cannot follow on `{state}`")]
    Step {
        /// The state.
        state: &'static str,
        /// The event's kind.
        event: &'static str,
    },
    /// It is about a letter that no event planned.
    #[error("`{event}` is about a letter that no plan has")]
    NoLetter {
        /// The event's kind.
        event: &'static str,
    },
    /// It is about an attempt that is not in hand.
    #[error("`{event}` is about attempt {attempt}, which is not in hand")]
    NoAttempt {
        /// The event's kind.
        event: &'static str,
        /// The attempt.
        attempt: i64,
    },
    /// It is about a run that is not at work.
    #[error("`{event}` is not of a run that is at work")]
    NoRun {
        /// The event's kind.
        event: &'static str,
    },
    /// It is about a message that no sending of the letter carried.
    #[error("`{event}` is about a message that was never handed over")]
    NoSending {
        /// The event's kind.
        event: &'static str,
    },
    /// It is about an address that the message was not written to.
    #[error("`{event}` is about an address that the message was not written to")]
    NoAddress {
        /// The event's kind.
        event: &'static str,
    },
    /// A message to be sent again needs a Message-ID of its own.
    #[error("the new sending has the Message-ID of an earlier one")]
    SameMessageId,
    /// An address that has the letter gets it again only when that was asked for.
    #[error("an address of the new sending has the letter already")]
    HasIt,
    /// The rest of a message goes to addresses that it was deferred for.
    #[error("the rest goes to an address that the message was not deferred for")]
    NotDeferred,
    /// A message to nobody cannot be sent.
    #[error("the new sending has no address")]
    Nobody,
    /// The event is not about what it was applied to.
    #[error("`{event}` is about something else")]
    Elsewhere {
        /// The event's kind.
        event: &'static str,
    },
}

#[cfg(test)]
pub(crate) mod tests;
