//! One letter's steps: claimed before the wire, settled after.

use jiff::Timestamp;
use rusqlite::{Transaction, params};
use serde::{Deserialize, Serialize};

use super::{Ledger, LedgerError};

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
    /// Names the attempt to the far side.
    pub trace: String,
}

/// A claim that is on the disk. Only with one in hand may a letter be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// The letter's number in the ledger.
    pub seq: i64,
    pub(super) attempt: i64,
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
    /// The far side's names of the requests that it answered.
    pub request_ids: Vec<String>,
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

    /// Writes down what a transport must know of a letter in flight if the run is cut off. It is on
    /// the disk when this returns.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn note(&mut self, claim: Claimed, text: &str) -> Result<(), LedgerError> {
        self.db
            .prepare_cached("UPDATE attempts SET note = ?2 WHERE seq = ?1")
            .and_then(|mut statement| statement.execute(params![claim.attempt, text]))
            .map(drop)
            .map_err(|error| LedgerError::of(&self.path, &error))
    }
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
            "INSERT INTO attempts (letter, run, message_id, claimed_at, bytes, addresses, trace)
             SELECT seq, ?2, message_id, ?3, ?4, ?5, ?6 FROM letters WHERE seq = ?1",
        )?
        .execute(params![
            wanted.seq,
            run,
            wanted.at.as_millisecond(),
            i64::try_from(wanted.bytes).unwrap_or(i64::MAX),
            wanted.addresses,
            wanted.trace,
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
            "UPDATE attempts SET settled_at = ?2, outcome = ?3, code = ?4, text = ?5,
                request_ids = nullif(trim(coalesce(request_ids, '') || ' ' || ?6), '') WHERE seq = ?1",
        )?
        .execute(params![
            settlement.claim.attempt,
            at,
            outcome,
            code,
            text,
            settlement.request_ids.join(" ")
        ])?;
    Ok(())
}
