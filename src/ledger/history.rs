//! What happened, for the record: runs, waits, a person's word.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

use super::log::event_of;
use super::rows::{moment, time, word};
use super::{Ledger, LedgerError, LedgerView};
use crate::lifecycle::{Event, PersonalWord, Run, RunBegun, RunState};

/// One run of the program on this file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRecord {
    /// Its number.
    pub number: i64,
    /// The run.
    pub run: Run,
}

/// A wait that a server asked for.
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
    /// What was said.
    pub word: PersonalWord,
}

impl LedgerView {
    /// Whether a run works with the file right now and has letters on their way.
    #[must_use]
    pub fn is_in_use(&self) -> bool {
        self.claims_are_in_flight
    }

    /// All runs, in order.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn runs(&self) -> Result<Vec<RunRecord>, LedgerError> {
        self.read(|db| {
            db.prepare(
                "SELECT seq, program, command, transport, pid, host, started_at, ended_at, ending,
                    state, place
                 FROM runs ORDER BY seq",
            )?
            .query_map([], |row| {
                Ok(RunRecord {
                    number: row.get(0)?,
                    run: Run {
                        begun: RunBegun {
                            program: row.get(1)?,
                            command: row.get(2)?,
                            transport: row.get(3)?,
                            pid: row.get(4)?,
                            host: row.get(5)?,
                            place: row.get(10)?,
                        },
                        began_at: moment(row, 6)?,
                        ended_at: time(row, 7)?,
                        ending: row.get(8)?,
                        state: word(row, 9, RunState::parse)?,
                    },
                })
            })?
            .collect()
        })
    }

    /// When the first letter was handed over; none before that.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn first_hand_over(&self) -> Result<Option<Timestamp>, LedgerError> {
        self.read(|db| {
            db.query_row("SELECT min(claimed_at) FROM attempts", [], |row| {
                time(row, 0)
            })
        })
    }

    /// The waits that servers asked for, in order.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn waits(&self) -> Result<Vec<Wait>, LedgerError> {
        self.read(|db| {
            db.prepare("SELECT at, milliseconds FROM waits ORDER BY seq")?
                .query_map([], |row| {
                    Ok(Wait {
                        at: moment(row, 0)?,
                        length: Duration::from_millis(row.get::<_, i64>(1)?.unsigned_abs()),
                    })
                })?
                .collect()
        })
    }

    /// The last word that a person gave on each letter.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn resolutions(&self) -> Result<HashMap<String, Resolution>, LedgerError> {
        self.read(|db| {
            // What was cleared with an earlier rehearsal is about other letters.
            let mut statement = db.prepare(
                "SELECT at, letter, kind, body FROM events WHERE kind = 'resolved' AND seq >
                    (SELECT coalesce(max(seq), 0) FROM events WHERE kind = 'rehearsal_cleared')
                 ORDER BY seq",
            )?;
            let mut rows = statement.query([])?;
            let mut resolutions = HashMap::new();
            while let Some(row) = rows.next()? {
                let event = event_of(row.get_ref(2)?.as_str()?, row.get_ref(3)?.as_str()?);
                let at = moment(row, 0)?;
                if let (Some(id), Ok(Event::Resolved(word))) = (row.get(1)?, event) {
                    resolutions.insert(id, Resolution { at, word });
                }
            }
            Ok(resolutions)
        })
    }
}

impl LedgerView {
    /// The batch that the file belongs to.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn batch(&self) -> Result<String, LedgerError> {
        self.read(|db| {
            db.query_row("SELECT value FROM meta WHERE key = 'batch'", [], |row| {
                row.get(0)
            })
        })
    }

    /// Where the file lay at each of its runs. A place where it no longer lies may hold what it is a
    /// copy of.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn places(&self) -> Result<Vec<PathBuf>, LedgerError> {
        self.read(|db| {
            db.prepare("SELECT DISTINCT place FROM runs WHERE place IS NOT NULL")?
                .query_map([], |row| row.get::<_, String>(0).map(PathBuf::from))?
                .collect()
        })
    }
}

impl Ledger {
    /// Whether earlier runs worked with the file in another place, and none handed a letter over here.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn was_moved(&self) -> Result<bool, LedgerError> {
        let run = self.run;
        self.read(|db| {
            db.query_row(
                "WITH here AS (SELECT place FROM runs WHERE seq = ?1)
                 SELECT EXISTS (SELECT 1 FROM runs, here WHERE seq < ?1 AND runs.place <> here.place)
                    AND NOT EXISTS (SELECT 1 FROM runs, here, attempts
                        WHERE runs.seq < ?1 AND runs.place = here.place AND attempts.run = runs.seq)",
                [run],
                |row| row.get(0),
            )
        })
    }
}
