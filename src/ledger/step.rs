//! One letter's steps: claimed before the wire, settled after.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Transaction, params};
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

    /// The letters in doubt with their Message-IDs, for the transport to look up.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn in_doubt(&self) -> Result<Vec<(Claimed, String, String)>, LedgerError> {
        let read = || -> rusqlite::Result<Vec<_>> {
            let mut statement = self.db.prepare(
                "SELECT l.seq, l.id, l.message_id,
                    (SELECT max(a.seq) FROM attempts a WHERE a.letter = l.seq)
                 FROM letters l WHERE l.state = 'in_doubt' ORDER BY l.seq",
            )?;
            statement
                .query_map([], |row| {
                    let claim = Claimed {
                        seq: row.get(0)?,
                        attempt: row.get(3)?,
                    };
                    Ok((claim, row.get(1)?, row.get(2)?))
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

    /// Makes rejected letters pending again, as `--retry-rejected` asks, and says how many.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn retry_rejected(&mut self) -> Result<usize, LedgerError> {
        self.db
            .execute(
                "UPDATE letters SET state = 'pending' WHERE state = 'rejected' AND position IS NOT NULL",
                [],
            )
            .map_err(|error| LedgerError::of(&self.path, &error))
    }

    /// Settles letters in doubt by a person's word: all of them, or none when one is not in doubt.
    ///
    /// # Errors
    /// When a letter is not in doubt, or the file cannot be written.
    pub fn resolve(
        &mut self,
        ids: &[String],
        accepted: bool,
        at: Timestamp,
    ) -> Result<(), LedgerError> {
        let path = self.path.clone();
        let of = |error: rusqlite::Error| LedgerError::of(&path, &error);
        let run = self.run;
        let transaction = self.db.transaction().map_err(of)?;
        for id in ids {
            let found: Option<(i64, String, String)> = transaction
                .query_row(
                    "SELECT seq, state, message_id FROM letters WHERE id = ?1",
                    [id],
                    |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
                )
                .optional()
                .map_err(of)?;
            let (seq, message_id) = match found {
                Some((seq, state, message_id)) if state == "in_doubt" => (seq, message_id),
                Some((_, state, _)) => {
                    return Err(LedgerError::NotInDoubt {
                        id: id.clone(),
                        state: format!("is {state}"),
                    });
                }
                None => {
                    return Err(LedgerError::NotInDoubt {
                        id: id.clone(),
                        state: "is not in this batch".into(),
                    });
                }
            };
            by_hand(&transaction, seq, run, &message_id, accepted, at).map_err(of)?;
        }
        transaction.commit().map_err(of)
    }
}

fn by_hand(
    transaction: &Transaction<'_>,
    seq: i64,
    run: Option<i64>,
    message_id: &str,
    accepted: bool,
    at: Timestamp,
) -> rusqlite::Result<()> {
    let (state, text) = if accepted {
        ("accepted", "resolved by hand as accepted")
    } else {
        ("pending", "resolved by hand as unsent")
    };
    transaction.execute(
        "UPDATE letters SET state = ?2, error_code = NULL, error_text = NULL,
            accepted_at = iif(?2 = 'accepted', ?3, NULL), receipt = iif(?2 = 'accepted', ?4, NULL)
         WHERE seq = ?1",
        params![seq, state, at.as_millisecond(), text],
    )?;
    transaction.execute(
        "INSERT INTO attempts (letter, run, message_id, claimed_at, settled_at, bytes, addresses, outcome, code, text)
         VALUES (?1, ?2, ?3, ?4, ?4, 0, 0, 'resolved', ?5, ?6)",
        params![seq, run, message_id, at.as_millisecond(), state, text],
    )?;
    Ok(())
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
            "UPDATE letters SET state = ?2, accepted_at = ?3, receipt = ?4, refused = ?5,
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
