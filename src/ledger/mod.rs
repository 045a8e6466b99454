//! The state file: which letter is where, kept so that no crash can lose it.
//!
//! It is an SQLite file in write-ahead mode with `synchronous = FULL`: a commit is on the disk when
//! it returns. A letter is claimed before its first byte leaves and settled when the answer is
//! known. What was claimed and not settled when a run ended may have gone out: it is in doubt, and
//! nothing here ever makes it pending again by itself.
//!
//! The log is the store. Appending an event is the only way to change anything: the event goes into
//! the log, chained to the one before it by its hash, and the tables of letters, sendings, addresses,
//! attempts, runs and waits follow from it in the same transaction, by the functions of
//! [`crate::lifecycle`]. Verifying is replaying the log into an empty file and comparing every column.
//!
//! The lock beside it is marked when a run hands its first letter over, so that a state file that is
//! missing, or does not know that run, is not taken for a new one.

mod append;
mod compare;
mod create;
mod error;
mod file_identity;
mod history;
mod letters;
mod lock;
mod log;
mod network;
mod open;
mod place;
mod plan;
mod projection;
mod queue;
mod returns;
mod rows;
mod schema;
mod upgrade;
mod verify;

pub(crate) use append::Claimed;
pub use append::{Claim, Settlement};
pub(crate) use error::LedgerError;
pub(crate) use history::{Resolution, RunRecord, Wait};
pub(crate) use letters::{Counts, LetterRecord, Outcomes, Outdated, OutdatedResend};
pub(crate) use log::LogEnd;
pub use open::{BatchIdentity, Holder, LedgerKind};
pub use plan::AdoptedLetter;
pub(crate) use plan::{Change, PlanDifference};
pub use queue::Pending;
pub(crate) use queue::{EarlierTry, InDoubt, Spent};
pub(crate) use returns::{Entered, ReturnedMail, ReturnsLedger};
pub(crate) use verify::{Flaw, LogCheck};

use std::ops::Deref;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, Transaction};

use self::projection::Projection;

/// A state file that is open for reading.
#[derive(Debug)]
pub struct LedgerView {
    db: Connection,
    path: PathBuf,
    /// The format that the file has on the disk.
    format: i64,
    /// Whether a claim is a letter on its way, and not one whose run was cut off.
    claims_are_in_flight: bool,
}

/// A state file that this process alone may append to, for one run.
#[derive(Debug)]
pub struct Ledger {
    view: LedgerView,
    projection: Projection,
    /// Held while this process may send.
    lock: lock::Lock,
    /// Where its files were when it was opened.
    place: file_identity::FileIdentity,
    /// Whether it leaves a mark when letters are handed over. Losing a rehearsal harms nobody.
    is_marked: bool,
    /// The number of this run.
    run: i64,
    /// When the run began.
    began: Timestamp,
    /// Waits that servers asked for, for the log: the next commit appends them.
    waits: Vec<(Timestamp, Duration)>,
}

impl Deref for Ledger {
    type Target = LedgerView;

    /// What is appended can be read at once.
    fn deref(&self) -> &LedgerView {
        &self.view
    }
}

/// While it lives, everything that is read is of one moment, whatever a run writes meanwhile.
#[derive(Debug)]
pub struct Snapshot<'a> {
    _transaction: Transaction<'a>,
}

impl LedgerView {
    /// Holds what is read still.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn snapshot(&self) -> Result<Snapshot<'_>, LedgerError> {
        let transaction = self.read(Connection::unchecked_transaction)?;
        Ok(Snapshot {
            _transaction: transaction,
        })
    }

    /// Reads with errors that name the file.
    fn read<'a, T>(
        &'a self,
        read: impl FnOnce(&'a Connection) -> rusqlite::Result<T>,
    ) -> Result<T, LedgerError> {
        read(&self.db).map_err(|error| LedgerError::of(&self.path, &error))
    }
}

#[cfg(test)]
mod tests;
