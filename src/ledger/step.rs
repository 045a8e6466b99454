//! One letter's steps: claimed before the wire, settled after.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Transaction, params};
use serde::{Deserialize, Serialize};

use super::event::{ClaimEnded, ClaimMade, Kind, Throttled};
use super::log::{Log, record_digest};
use super::place::Place;
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
    /// When the file cannot be written or is no longer in its place; then no letter may be sent.
    pub fn commit(
        &mut self,
        settlements: &[Settlement],
        claims: &[Claim],
    ) -> Result<Vec<Claimed>, LedgerError> {
        self.is_in_place()?;
        let claimed = self.write(Kind::Settled, settlements, claims)?;
        if !claims.is_empty() {
            self.mark()?;
        }
        Ok(claimed)
    }

    /// Settles what is known of a run that cannot go on, wherever the file may be by now.
    ///
    /// # Errors
    /// When the file cannot be written; then it was not recorded.
    pub fn commit_last(&mut self, settlements: &[Settlement]) -> Result<(), LedgerError> {
        self.write(Kind::Settled, settlements, &[]).map(drop)
    }

    /// Marks the lock before the first letter of a run leaves, and after the file knows of it: a
    /// mark without its file is a file that is lost.
    fn mark(&mut self) -> Result<(), LedgerError> {
        match (&mut self.lock, self.run) {
            (Some(lock), Some(run)) if self.is_marked && lock.marked() < run => {
                lock.mark(&self.path, run)
            }
            _ => Ok(()),
        }
    }

    /// Refuses to go on with files that no later run would find.
    pub(super) fn is_in_place(&self) -> Result<(), LedgerError> {
        match self.place.as_ref().and_then(Place::lost) {
            Some(lost) => Err(LedgerError::Moved {
                path: lost.to_owned(),
            }),
            None => Ok(()),
        }
    }

    /// Settles a letter in doubt by what a look-up found.
    ///
    /// # Errors
    /// When the file cannot be written; then it was not recorded.
    pub fn commit_look_up(&mut self, settlement: &Settlement) -> Result<(), LedgerError> {
        self.write(Kind::LookedUp, std::slice::from_ref(settlement), &[])
            .map(drop)
    }

    /// Takes down that the far side asked to wait. It goes into the log with the settlement of the
    /// answer that asked for it, by the next commit.
    pub fn throttled(&mut self, at: Timestamp, wait: Duration) {
        self.waits.push((at, wait));
    }

    fn write(
        &mut self,
        kind: Kind,
        settlements: &[Settlement],
        claims: &[Claim],
    ) -> Result<Vec<Claimed>, LedgerError> {
        let path = self.path.clone();
        let run = self.run;
        let mut write = || -> rusqlite::Result<Vec<Claimed>> {
            let transaction = self.db.transaction()?;
            let mut log = Log::end(&transaction, run)?;
            for settlement in settlements {
                settle(&transaction, &mut log, kind, settlement)?;
            }
            for (at, wait) in &self.waits {
                let body = Throttled {
                    milliseconds: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
                };
                log.append(&transaction, *at, Kind::Throttled, None, &body)?;
            }
            let claimed = claims
                .iter()
                .map(|wanted| claim(&transaction, &mut log, wanted, run))
                .collect::<rusqlite::Result<Vec<_>>>()?;
            transaction.commit()?;
            self.waits.clear();
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
        self.is_in_place()?;
        self.db
            .prepare_cached("UPDATE attempts SET note = ?2 WHERE seq = ?1")
            .and_then(|mut statement| statement.execute(params![claim.attempt, text]))
            .map(drop)
            .map_err(|error| LedgerError::of(&self.path, &error))
    }
}

fn claim(
    transaction: &Transaction<'_>,
    log: &mut Log,
    wanted: &Claim,
    run: Option<i64>,
) -> rusqlite::Result<Claimed> {
    let letter: Option<(String, String, String, String)> = transaction
        .prepare_cached(
            "UPDATE letters SET state = 'claimed', attempts = attempts + 1
             WHERE seq = ?1 AND state = 'pending'
             RETURNING id, message_id, addresses, attachments",
        )?
        .query_row([wanted.seq], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .optional()?;
    // Whoever asks holds the lock and has just read the letter as pending.
    let Some((id, message_id, addresses, attachments)) = letter else {
        return Err(rusqlite::Error::StatementChangedRows(0));
    };
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
    let attempt = transaction.last_insert_rowid();
    let made = ClaimMade {
        attempt,
        trace: wanted.trace.clone(),
        record: record_digest(&message_id, &addresses, &attachments),
        message_id,
        bytes: wanted.bytes,
        addresses: wanted.addresses,
    };
    log.append(transaction, wanted.at, Kind::Claimed, Some(&id), &made)?;
    Ok(Claimed {
        seq: wanted.seq,
        attempt,
    })
}

fn settle(
    transaction: &Transaction<'_>,
    log: &mut Log,
    kind: Kind,
    settlement: &Settlement,
) -> rusqlite::Result<()> {
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
    let id: String = transaction
        .prepare_cached(
            "UPDATE letters SET state = iif(?2 = 'pending' AND position IS NULL, 'withdrawn', ?2), accepted_at = ?3, receipt = ?4, refused = ?5,
                error_code = ?6, error_text = ?7 WHERE seq = ?1 RETURNING id",
        )?
        .query_row(
            params![
                settlement.claim.seq,
                state,
                accepted_at,
                receipt,
                refused_json,
                code,
                error
            ],
            |row| row.get(0),
        )?;
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
    let ended = ClaimEnded {
        attempt: settlement.claim.attempt,
        outcome: outcome.to_owned(),
        code: code.cloned(),
        text: text.clone(),
        refused: match &settlement.outcome {
            Outcome::Accepted { refused, .. } => refused.clone(),
            _ => Vec::new(),
        },
        request_ids: settlement.request_ids.clone(),
    };
    log.append(transaction, settlement.at, kind, Some(&id), &ended)
}
