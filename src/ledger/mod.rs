//! The state file: which letter is where, kept so that no crash can lose it.
//!
//! It is an SQLite file in write-ahead mode with `synchronous = FULL`: a commit is on the disk when
//! it returns. A letter is claimed before its first byte leaves and settled when the answer is
//! known. What was claimed and not settled when a run ended may have gone out: it is in doubt, and
//! nothing here ever makes it pending again by itself.
//!
//! The lock beside it is marked when a run hands its first letter over, so that a state file that is
//! missing, or does not know that run, is told from a new one.
//!
//! Beside the states stands a log of all steps, each chained to the one before it by its hash, so
//! that what is changed afterwards can be seen.

mod create;
mod error;
mod event;
mod history;
mod left;
mod lock;
mod log;
mod network;
mod open;
mod place;
mod record;
mod resolve;
mod run;
mod schema;
mod step;
mod summary;
mod told;
mod verify;

pub use error::LedgerError;
pub use history::{Resolution, RunRecord, Snapshot, Wait};
pub use left::{InDoubt, Pending, Spent, Tried};
pub use log::LogEnd;
pub use open::{Holder, Identity, Kind};
pub use record::{Begun, Change, Difference, LetterRecord};
pub use resolve::Word;
pub use step::{Answer, Claim, Claimed, Outcome, Refusal, Settlement};
pub use summary::{Counts, LetterStatus};
pub use verify::{Flaw, LogCheck};

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};

/// Where a letter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Not sent yet.
    Pending,
    /// A server or folder took it.
    Accepted,
    /// A server refused it for good.
    Rejected,
    /// It may have gone out.
    InDoubt,
}

impl State {
    /// The word for people and JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::InDoubt => "in_doubt",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Pending, Self::Accepted, Self::Rejected, Self::InDoubt]
            .into_iter()
            .find(|state| state.word() == word)
    }
}

/// An open state file.
#[derive(Debug)]
pub struct Ledger {
    db: Connection,
    path: PathBuf,
    /// Held while this process may send; none when the file is only read.
    lock: Option<lock::Lock>,
    /// Where its files were when it was opened to work with.
    place: Option<place::Place>,
    /// Whether it leaves a mark when letters are handed over. Losing a rehearsal harms nobody.
    is_marked: bool,
    run: Option<i64>,
    /// When the run began.
    began: Timestamp,
    /// Waits that the far side asked for, for the log: the next commit writes them.
    waits: Vec<(Timestamp, Duration)>,
    /// Whether another process holds the lock, so that its claims are letters in flight.
    in_use: bool,
}

#[cfg(test)]
mod tests;
