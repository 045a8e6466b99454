//! One letter's steps: claimed before the wire, settled after.

use jiff::Timestamp;
use rusqlite::{Transaction, params};
use serde::{Deserialize, Serialize};

use super::{Ledger, LedgerError};

/// A letter that is left to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Its number in the ledger.
    pub seq: i64,
    /// Its place in the manifest.
    pub position: usize,
    /// The recipient.
    pub id: String,
}

/// A letter about to leave.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Its number in the ledger.
    pub seq: i64,
    /// Its size on the wire.
    pub bytes: u64,
    /// How many addresses it goes to.
    pub addresses: u32,
    /// When.
    pub at: Timestamp,
}

/// A claim that is on the disk. Only with one in hand may a letter be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// The letter's number in the ledger.
    pub seq: i64,
    attempt: i64,
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
}

/// What the far side said, for the record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The reply code or the kind of failure.
    pub code: String,
    /// The words.
    pub text: String,
}

/// An address that was refused while others of the same letter were accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The address.
    pub address: String,
    /// What the far side said.
    pub answer: String,
}

/// How a claim ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The far side took the letter.
    Accepted {
        /// What it said.
        receipt: String,
        /// Addresses that it refused.
        refused: Vec<Refusal>,
    },
    /// The far side refused it for good.
    Rejected(Answer),
    /// It may have gone out.
    InDoubt(Answer),
    /// The far side did not take it: the letter is pending again.
    NotTaken(Answer),
}

/// The end of a claim.
#[derive(Clone, Debug)]
pub struct Settlement {
    /// The claim.
    pub claim: Claimed,
    /// How it ended.
    pub outcome: Outcome,
    /// When.
    pub at: Timestamp,
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
}

impl Ledger {
    /// Settles and claims in one commit, which is on the disk when this returns.
    ///
    /// # Errors
    /// When the file cannot be written; then neither was recorded.
    pub fn commit(
        &mut self,
        settlements: &[Settlement],
        claims: &[Claim],
    ) -> Result<Vec<Claimed>, LedgerError> {
        let path = self.path.clone();
        let run = self.run;
        let mut write = || -> rusqlite::Result<Vec<Claimed>> {
            let transaction = self.db.transaction()?;
            for settlement in settlements {
                settle(&transaction, settlement)?;
            }
            let claimed = claims
                .iter()
                .map(|wanted| claim(&transaction, wanted, run))
                .collect::<rusqlite::Result<Vec<_>>>()?;
            transaction.commit()?;
            Ok(claimed)
        };
        write().map_err(|error| LedgerError::of(&path, &error))
    }

    /// The next letters left to send after a place in the manifest, in its order.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn pending(&self, after: Option<usize>, most: usize) -> Result<Vec<Pending>, LedgerError> {
        let read = || -> rusqlite::Result<Vec<Pending>> {
            let mut statement = self.db.prepare_cached(
                "SELECT seq, position, id FROM letters
                 WHERE state = 'pending' AND position > ?1 ORDER BY position LIMIT ?2",
            )?;
            let after = after.map_or(-1, |after| i64::try_from(after).unwrap_or(i64::MAX));
            let most = i64::try_from(most).unwrap_or(i64::MAX);
            statement.query_map([after, most], pending)?.collect()
        };
        read().map_err(|error| LedgerError::of(&self.path, &error))
    }

    /// The letters in doubt, for the transport to look up.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn in_doubt(&self) -> Result<Vec<InDoubt>, LedgerError> {
        let read = || -> rusqlite::Result<Vec<InDoubt>> {
            let mut statement = self.db.prepare(
                "SELECT l.seq, a.seq, l.id, l.message_id, coalesce(r.transport, '')
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
                    })
                })?
                .collect()
        };
        read().map_err(|error| LedgerError::of(&self.path, &error))
    }

    /// What attempts since a moment took of the limits. Attempts that the far side did not take
    /// count for nothing.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn spent_since(&self, since: Timestamp) -> Result<Vec<Spent>, LedgerError> {
        let read = || -> rusqlite::Result<Vec<Spent>> {
            let mut statement = self.db.prepare(
                "SELECT settled_at, bytes, addresses FROM attempts
                 WHERE claimed_at >= ?1 AND coalesce(outcome, '') NOT IN ('not_taken', 'resolved')
                 ORDER BY claimed_at",
            )?;
            statement
                .query_map([since.as_millisecond()], |row| {
                    let at: Option<i64> = row.get(0)?;
                    Ok(Spent {
                        at: at.and_then(|at| Timestamp::from_millisecond(at).ok()),
                        bytes: row.get::<_, i64>(1)?.unsigned_abs(),
                        addresses: row.get(2)?,
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
    pub fn retry_rejected(&mut self, only: &[String]) -> Result<usize, LedgerError> {
        const RETRY: &str = "UPDATE letters SET state = 'pending'
             WHERE state = 'rejected' AND position IS NOT NULL";
        let path = self.path.clone();
        let mut write = || -> rusqlite::Result<usize> {
            if only.is_empty() {
                return self.db.execute(RETRY, []);
            }
            let transaction = self.db.transaction()?;
            let mut count = 0;
            for id in only {
                count += transaction.execute(&format!("{RETRY} AND id = ?1"), [id])?;
            }
            transaction.commit()?;
            Ok(count)
        };
        write().map_err(|error| LedgerError::of(&path, &error))
    }
}

fn pending(row: &rusqlite::Row<'_>) -> rusqlite::Result<Pending> {
    Ok(Pending {
        seq: row.get(0)?,
        position: usize::try_from(row.get::<_, i64>(1)?).unwrap_or(usize::MAX),
        id: row.get(2)?,
    })
}

fn claim(
    transaction: &Transaction<'_>,
    wanted: &Claim,
    run: Option<i64>,
) -> rusqlite::Result<Claimed> {
    let changed = transaction
        .prepare_cached(
            "UPDATE letters SET state = 'claimed', attempts = attempts + 1
             WHERE seq = ?1 AND state = 'pending'",
        )?
        .execute([wanted.seq])?;
    // Whoever asks holds the lock and has just read the letter as pending.
    if changed != 1 {
        return Err(rusqlite::Error::StatementChangedRows(changed));
    }
    transaction
        .prepare_cached(
            "INSERT INTO attempts (letter, run, message_id, claimed_at, bytes, addresses)
             SELECT seq, ?2, message_id, ?3, ?4, ?5 FROM letters WHERE seq = ?1",
        )?
        .execute(params![
            wanted.seq,
            run,
            wanted.at.as_millisecond(),
            i64::try_from(wanted.bytes).unwrap_or(i64::MAX),
            wanted.addresses,
        ])?;
    Ok(Claimed {
        seq: wanted.seq,
        attempt: transaction.last_insert_rowid(),
    })
}

fn settle(transaction: &Transaction<'_>, settlement: &Settlement) -> rusqlite::Result<()> {
    let at = settlement.at.as_millisecond();
    let mut accepted_at = None;
    let mut refused_json = None;
    let (state, outcome, code, text) = match &settlement.outcome {
        Outcome::Accepted { receipt, refused } => {
            accepted_at = Some(at);
            if !refused.is_empty() {
                refused_json = serde_json::to_string(refused).ok();
            }
            ("accepted", "accepted", None, receipt)
        }
        Outcome::Rejected(answer) => ("rejected", "rejected", Some(&answer.code), &answer.text),
        Outcome::InDoubt(answer) => ("in_doubt", "in_doubt", Some(&answer.code), &answer.text),
        Outcome::NotTaken(answer) => ("pending", "not_taken", Some(&answer.code), &answer.text),
    };
    let (receipt, error) = match code {
        None => (Some(text), None),
        Some(_) => (None, Some(text)),
    };
    transaction
        .prepare_cached(
            "UPDATE letters SET state = iif(?2 = 'pending' AND position IS NULL, 'withdrawn', ?2), accepted_at = ?3, receipt = ?4, refused = ?5,
                error_code = ?6, error_text = ?7 WHERE seq = ?1",
        )?
        .execute(params![
            settlement.claim.seq,
            state,
            accepted_at,
            receipt,
            refused_json,
            code,
            error
        ])?;
    transaction
        .prepare_cached(
            "UPDATE attempts SET settled_at = ?2, outcome = ?3, code = ?4, text = ?5 WHERE seq = ?1",
        )?
        .execute(params![settlement.claim.attempt, at, outcome, code, text])?;
    Ok(())
}
