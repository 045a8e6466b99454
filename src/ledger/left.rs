//! What is left of a batch and of its limits: letters to send, letters in doubt, what was spent.

use jiff::Timestamp;

use super::event::{Kind, Nothing};
use super::log::Log;
use super::{Claimed, Ledger, LedgerError};

/// A letter that is left to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Its number in the ledger.
    pub seq: i64,
    /// Its place in the manifest.
    pub position: usize,
    /// The recipient.
    pub id: String,
    /// The try before, if there was one.
    pub earlier: Option<Tried>,
}

/// A try of a letter that was not taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tried {
    /// What the transport wrote down while it had the letter, as it is now, in hand.
    pub note: Option<String>,
}

/// A letter that may have gone out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InDoubt {
    /// Its last claim.
    pub claim: Claimed,
    /// The recipient.
    pub id: String,
    /// The Message-ID.
    pub message_id: String,
    /// The way out that it was given to.
    pub transport: String,
    /// What the transport wrote down while it had the letter in hand.
    pub note: Option<String>,
    /// The last moment at which it can have been given there; none when only its claim is known.
    pub settled_at: Option<Timestamp>,
    /// When it was claimed.
    pub claimed_at: Timestamp,
}

/// What an earlier attempt took of the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    /// The last moment at which it can have been taken; none when only its claim is known.
    pub at: Option<Timestamp>,
    /// Bytes on the wire.
    pub bytes: u64,
    /// Addresses.
    pub addresses: u32,
    /// Whether the far side took the letter, or may have. If not, its bytes were sent all the same.
    pub taken: bool,
}

impl Ledger {
    /// The next letters left to send after a place in the manifest, in its order.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn pending(&self, after: Option<usize>, most: usize) -> Result<Vec<Pending>, LedgerError> {
        let read = || -> rusqlite::Result<Vec<Pending>> {
            let mut statement = self.db.prepare_cached(
                "SELECT l.seq, l.position, l.id, l.attempts,
                    iif(l.attempts = 0, NULL, (SELECT a.note FROM attempts a
                        WHERE a.letter = l.seq AND a.note IS NOT NULL
                            AND a.message_id = l.message_id
                        ORDER BY a.seq DESC LIMIT 1))
                 FROM letters l
                 WHERE l.state = 'pending' AND l.position > ?1 ORDER BY l.position LIMIT ?2",
            )?;
            let after = after.map_or(-1, |after| i64::try_from(after).unwrap_or(i64::MAX));
            let most = i64::try_from(most).unwrap_or(i64::MAX);
            statement.query_map([after, most], pending)?.collect()
        };
        read().map_err(|error| LedgerError::of(&self.path, &error))
    }

    /// Whether no letter was ever claimed.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn is_untouched(&self) -> Result<bool, LedgerError> {
        self.db
            .query_row("SELECT NOT EXISTS (SELECT 1 FROM attempts)", [], |row| {
                row.get(0)
            })
            .map_err(|error| LedgerError::of(&self.path, &error))
    }

    /// The letters in doubt, for the transport to look up.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn in_doubt(&self) -> Result<Vec<InDoubt>, LedgerError> {
        let read = || -> rusqlite::Result<Vec<InDoubt>> {
            let mut statement = self.db.prepare(
                "SELECT l.seq, a.seq, l.id, a.message_id, coalesce(r.transport, ''), a.note,
                    a.settled_at, a.claimed_at
                 FROM letters l
                 JOIN attempts a ON a.seq = (SELECT max(seq) FROM attempts WHERE letter = l.seq)
                 LEFT JOIN runs r ON r.seq = a.run
                 WHERE l.state = 'in_doubt' ORDER BY l.seq",
            )?;
            statement
                .query_map([], |row| {
                    Ok(InDoubt {
                        claim: Claimed {
                            seq: row.get(0)?,
                            attempt: row.get(1)?,
                        },
                        id: row.get(2)?,
                        message_id: row.get(3)?,
                        transport: row.get(4)?,
                        note: row.get(5)?,
                        settled_at: time(row.get(6)?),
                        claimed_at: time(row.get(7)?).unwrap_or_default(),
                    })
                })?
                .collect()
        };
        read().map_err(|error| LedgerError::of(&self.path, &error))
    }

    /// What attempts since a moment took of the limits.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn spent_since(&self, since: Timestamp) -> Result<Vec<Spent>, LedgerError> {
        let read = || -> rusqlite::Result<Vec<Spent>> {
            let mut statement = self.db.prepare(
                "SELECT settled_at, bytes, addresses, coalesce(outcome, '') <> 'not_taken'
                 FROM attempts
                 WHERE claimed_at >= ?1 AND coalesce(outcome, '') <> 'resolved'
                 ORDER BY claimed_at",
            )?;
            statement
                .query_map([since.as_millisecond()], |row| {
                    Ok(Spent {
                        at: time(row.get(0)?),
                        bytes: row.get::<_, i64>(1)?.unsigned_abs(),
                        addresses: row.get(2)?,
                        taken: row.get(3)?,
                    })
                })?
                .collect()
        };
        read().map_err(|error| LedgerError::of(&self.path, &error))
    }

    /// Makes rejected letters pending again, as `--retry-rejected` asks: those of these recipients,
    /// or all if none is named. Says how many.
    ///
    /// # Errors
    /// When the file cannot be written; then none is.
    pub fn retry_rejected(&mut self, only: &[String], at: Timestamp) -> Result<usize, LedgerError> {
        const RETRY: &str = "UPDATE letters SET state = 'pending'
             WHERE state = 'rejected' AND position IS NOT NULL";
        let (path, run) = (self.path.clone(), self.run);
        let mut write = || -> rusqlite::Result<usize> {
            let transaction = self.db.transaction()?;
            let mut ids: Vec<String> = Vec::new();
            if only.is_empty() {
                let mut retry = transaction.prepare(&format!("{RETRY} RETURNING id"))?;
                ids = retry
                    .query_map([], |row| row.get(0))?
                    .collect::<rusqlite::Result<_>>()?;
            }
            for id in only {
                if transaction.execute(&format!("{RETRY} AND id = ?1"), [id])? > 0 {
                    ids.push(id.clone());
                }
            }
            let mut log = Log::end(&transaction, run)?;
            for id in &ids {
                log.append(&transaction, at, Kind::RetryRejected, Some(id), &Nothing {})?;
            }
            transaction.commit()?;
            Ok(ids.len())
        };
        write().map_err(|error| LedgerError::of(&path, &error))
    }
}

fn pending(row: &rusqlite::Row<'_>) -> rusqlite::Result<Pending> {
    Ok(Pending {
        seq: row.get(0)?,
        position: usize::try_from(row.get::<_, i64>(1)?).unwrap_or(usize::MAX),
        id: row.get(2)?,
        earlier: (row.get::<_, i64>(3)? > 0)
            .then(|| row.get(4).map(|note| Tried { note }))
            .transpose()?,
    })
}

pub(super) fn time(millisecond: Option<i64>) -> Option<Timestamp> {
    millisecond.and_then(|at| Timestamp::from_millisecond(at).ok())
}
