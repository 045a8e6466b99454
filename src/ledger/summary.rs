//! What happened to each letter.

use jiff::Timestamp;
use serde::Serialize;

use super::{Ledger, LedgerError, Refusal, State};

/// How many letters stand where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Not sent yet.
    pub pending: u64,
    /// Taken.
    pub accepted: u64,
    /// Refused for good.
    pub rejected: u64,
    /// May have gone out.
    pub in_doubt: u64,
}

impl Counts {
    /// All letters.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.pending + self.accepted + self.rejected + self.in_doubt
    }
}

/// One letter's record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LetterStatus {
    /// The recipient.
    pub id: String,
    /// Where it stands.
    pub state: State,
    /// Its Message-ID.
    pub message_id: String,
    /// To, Cc and Bcc as JSON.
    pub addresses: String,
    /// Its attachments as JSON.
    pub attachments: String,
    /// How often it was claimed.
    pub attempts: u32,
    /// When it was accepted.
    pub accepted_at: Option<Timestamp>,
    /// What the far side said when it took the letter.
    pub receipt: Option<String>,
    /// Addresses that were refused while others were accepted.
    pub refused: Vec<Refusal>,
    /// The last failure: code and text.
    pub error: Option<(String, String)>,
}

impl Ledger {
    /// How many letters stand where.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn counts(&self) -> Result<Counts, LedgerError> {
        let mut counts = Counts::default();
        let mut read = || -> rusqlite::Result<()> {
            let mut statement = self
                .db
                .prepare("SELECT state, count(*) FROM letters GROUP BY state")?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let count = row.get::<_, i64>(1)?.unsigned_abs();
                match self.shown(&row.get::<_, String>(0)?) {
                    Some(State::Pending) => counts.pending += count,
                    Some(State::Accepted) => counts.accepted += count,
                    Some(State::Rejected) => counts.rejected += count,
                    Some(State::InDoubt) => counts.in_doubt += count,
                    None => {}
                }
            }
            Ok(())
        };
        read().map_err(|error| LedgerError::of(&self.path, &error))?;
        Ok(counts)
    }

    /// How many letters were accepted although some of their addresses were refused.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn partly_refused(&self) -> Result<u64, LedgerError> {
        self.db
            .query_row(
                "SELECT count(*) FROM letters WHERE refused IS NOT NULL",
                [],
                |row| row.get::<_, i64>(0),
            )
            .map(i64::unsigned_abs)
            .map_err(|error| LedgerError::of(&self.path, &error))
    }

    /// Visits every letter in the order of the manifest; those it no longer has come last.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn each_letter(&self, visit: &mut dyn FnMut(LetterStatus)) -> Result<(), LedgerError> {
        let mut read = || -> rusqlite::Result<()> {
            let mut statement = self.db.prepare(
                "SELECT id, state, message_id, addresses, attachments, attempts, accepted_at, receipt,
                    refused, error_code, error_text
                 FROM letters ORDER BY position IS NULL, position, seq",
            )?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let Some(state) = self.shown(&row.get::<_, String>(1)?) else {
                    continue;
                };
                let refused: Option<String> = row.get(8)?;
                let code: Option<String> = row.get(9)?;
                let text: Option<String> = row.get(10)?;
                visit(LetterStatus {
                    id: row.get(0)?,
                    state,
                    message_id: row.get(2)?,
                    addresses: row.get(3)?,
                    attachments: row.get(4)?,
                    attempts: row.get(5)?,
                    accepted_at: row
                        .get::<_, Option<i64>>(6)?
                        .and_then(|at| Timestamp::from_millisecond(at).ok()),
                    receipt: row.get(7)?,
                    refused: refused
                        .and_then(|json| serde_json::from_str(&json).ok())
                        .unwrap_or_default(),
                    error: code.zip(text),
                });
            }
            Ok(())
        };
        read().map_err(|error| LedgerError::of(&self.path, &error))
    }

    /// A stored state as people see it. A claim of a run that works right now is a letter in
    /// flight; one without its run may have gone out.
    fn shown(&self, stored: &str) -> Option<State> {
        match stored {
            "claimed" if self.in_use || self.run.is_some() => Some(State::Pending),
            "claimed" => Some(State::InDoubt),
            "withdrawn" => None,
            other => State::parse(other),
        }
    }
}
