//! What happened, for the record: runs, waits, a person's word.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Transaction;

use super::event::{Kind, Resolved, Throttled};
use super::left::time;
use super::{Ledger, LedgerError};

/// One run of the program on this file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRecord {
    /// Its number.
    pub number: i64,
    /// The version of the program.
    pub program: String,
    /// The verb.
    pub command: String,
    /// The way out and its far side.
    pub transport: String,
    /// The machine.
    pub host: String,
    /// When it began.
    pub began: Timestamp,
    /// When it ended; none for a run that was cut off, or goes on.
    pub ended: Option<Timestamp>,
    /// How it ended.
    pub ending: Option<String>,
}

/// A wait that the far side asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// When it was asked for.
    pub at: Timestamp,
    /// How long.
    pub length: Duration,
}

/// A person's word on a letter in doubt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// When it was given.
    pub at: Timestamp,
    /// Whether the letter went out.
    pub accepted: bool,
    /// Who said so.
    pub by: String,
    /// Why.
    pub because: Option<String>,
}

/// While it lives, everything that is read is of one moment, whatever a run writes meanwhile.
#[derive(Debug)]
pub struct Snapshot<'a> {
    _transaction: Transaction<'a>,
}

impl Ledger {
    /// Holds what is read still.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn snapshot(&self) -> Result<Snapshot<'_>, LedgerError> {
        self.db
            .unchecked_transaction()
            .map(|transaction| Snapshot {
                _transaction: transaction,
            })
            .map_err(|error| LedgerError::of(&self.path, &error))
    }

    /// Whether a run works with the file right now and has letters on their way.
    #[must_use]
    pub fn is_in_use(&self) -> bool {
        self.in_use
    }

    /// All runs, in order.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn runs(&self) -> Result<Vec<RunRecord>, LedgerError> {
        let read = || -> rusqlite::Result<Vec<RunRecord>> {
            let mut statement = self.db.prepare(
                "SELECT seq, program, command, transport, host, started_at, ended_at, ending
                 FROM runs ORDER BY seq",
            )?;
            statement
                .query_map([], |row| {
                    Ok(RunRecord {
                        number: row.get(0)?,
                        program: row.get(1)?,
                        command: row.get(2)?,
                        transport: row.get(3)?,
                        host: row.get(4)?,
                        began: time(row.get(5)?).unwrap_or_default(),
                        ended: time(row.get(6)?),
                        ending: row.get(7)?,
                    })
                })?
                .collect()
        };
        read().map_err(|error| LedgerError::of(&self.path, &error))
    }

    /// The waits that far sides asked for, in order.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn waits(&self) -> Result<Vec<Wait>, LedgerError> {
        let events = self.events_of(Kind::Throttled)?;
        Ok(events
            .into_iter()
            .filter_map(|(at, _, body)| {
                let body: Throttled = serde_json::from_str(&body).ok()?;
                Some(Wait {
                    at,
                    length: Duration::from_millis(body.milliseconds),
                })
            })
            .collect())
    }

    /// The last word that a person gave on each letter.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn resolutions(&self) -> Result<HashMap<String, Resolution>, LedgerError> {
        let events = self.events_of(Kind::Resolved)?;
        Ok(events
            .into_iter()
            .filter_map(|(at, letter, body)| {
                let body: Resolved = serde_json::from_str(&body).ok()?;
                let resolution = Resolution {
                    at,
                    accepted: body.accepted,
                    by: body.by,
                    because: body.because,
                };
                Some((letter?, resolution))
            })
            .collect())
    }

    fn events_of(
        &self,
        kind: Kind,
    ) -> Result<Vec<(Timestamp, Option<String>, String)>, LedgerError> {
        let read = || -> rusqlite::Result<Vec<_>> {
            if !self.has_log()? {
                return Ok(Vec::new());
            }
            // What was cleared with an earlier rehearsal tells of other letters.
            let mut statement = self.db.prepare(
                "SELECT at, letter, body FROM events WHERE kind = ?1 AND seq >
                    (SELECT coalesce(max(seq), 0) FROM events WHERE kind = ?2) ORDER BY seq",
            )?;
            statement
                .query_map([kind.word(), Kind::RehearsalCleared.word()], |row| {
                    let at = time(row.get(0)?).unwrap_or_default();
                    Ok((at, row.get(1)?, row.get(2)?))
                })?
                .collect()
        };
        read().map_err(|error| LedgerError::of(&self.path, &error))
    }
}
