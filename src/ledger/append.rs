//! What a run appends: claims before the wire and settlements after, a person's words, its own
//! beginning and end.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Connection;

use super::log::Log;
use super::projection::{Projection, ProjectionError};
use super::rows::{self, Key, LetterRow};
use super::{Holder, Ledger, LedgerError, LedgerView, LogEnd};
use crate::lifecycle::{
    Claiming, Event, Illegal, LetterHistory, LetterState, Narrowing, PersonalWord, Planned,
    Refusal, Reopening, RunBegun, SettledAs, Settling,
};

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
    /// Names the attempt to the server.
    pub trace: String,
}

/// A claim that is on the disk. Only with one in hand may a letter be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// The letter's number in the ledger.
    pub seq: i64,
    pub(super) attempt: i64,
}

/// The end of a claim.
#[derive(Clone, Debug)]
pub struct Settlement {
    /// The claim.
    pub claim: Claimed,
    /// How it ended.
    pub ended: SettledAs,
    /// When.
    pub at: Timestamp,
    /// The server's names of the requests that it answered.
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
        let claimed = self.write(settlements, claims)?;
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
        self.write(settlements, &[]).map(drop)
    }

    /// Settles a letter in doubt by what a look-up found.
    ///
    /// # Errors
    /// When the file cannot be written; then it was not recorded.
    pub fn commit_look_up(&mut self, settlement: Settlement) -> Result<(), LedgerError> {
        self.append(|log| settle(log, settlement, Event::LookedUp))
    }

    /// When this run began.
    #[must_use]
    pub fn began(&self) -> Timestamp {
        self.began
    }

    /// Takes down that the server asked to wait. It goes into the log with the settlement of the
    /// answer that asked for it, by the next commit.
    pub fn throttled(&mut self, at: Timestamp, wait: Duration) {
        self.waits.push((at, wait));
    }

    fn write(
        &mut self,
        settlements: &[Settlement],
        claims: &[Claim],
    ) -> Result<Vec<Claimed>, LedgerError> {
        let waits = std::mem::take(&mut self.waits);
        let written = self.append(|log| {
            for settlement in settlements {
                settle(log, settlement.clone(), Event::Settled)?;
            }
            for (at, wait) in &waits {
                let milliseconds = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                log.append(*at, None, &Event::Throttled { milliseconds })?;
            }
            claims.iter().map(|wanted| claim(log, wanted)).collect()
        });
        if written.is_err() {
            self.waits = waits;
        }
        written
    }

    /// Writes down what a transport must know of a letter in flight if the run is cut off. It is on
    /// the disk when this returns.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn note(&mut self, claim: Claimed, text: &str) -> Result<(), LedgerError> {
        self.is_in_place()?;
        let noted = Event::Noted {
            attempt: claim.attempt,
            text: text.to_owned(),
        };
        self.append(|log| {
            let id = id_of(log, claim.seq, &noted)?;
            log.append_at_claim(claim, &id, &noted)
        })
    }

    /// Writes down for which addresses of a letter in flight the server does not take it. It is on the
    /// disk when this returns.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn narrow(
        &mut self,
        claim: Claimed,
        refused: Vec<Refusal>,
        deferred: Vec<Refusal>,
    ) -> Result<(), LedgerError> {
        self.is_in_place()?;
        let narrowed = Event::Narrowed(Narrowing {
            attempt: claim.attempt,
            refused,
            deferred,
        });
        self.append(|log| {
            let id = id_of(log, claim.seq, &narrowed)?;
            log.append_at_claim(claim, &id, &narrowed)
        })
    }

    /// Makes rejected letters pending again, as `--retry-rejected` asks: those of these recipients,
    /// or all if none is named. Says how many.
    ///
    /// # Errors
    /// When the file cannot be written; then none is.
    pub fn retry_rejected(&mut self, only: &[String], at: Timestamp) -> Result<usize, LedgerError> {
        let rejected: Vec<String> = self.read(|db| {
            db.prepare(
                "SELECT id FROM letters WHERE state = 'rejected' AND position IS NOT NULL
                 ORDER BY position",
            )?
            .query_map([], |row| row.get(0))?
            .collect()
        })?;
        let wanted = |id: &&String| only.is_empty() || only.contains(*id);
        let wanted: Vec<&String> = rejected.iter().filter(wanted).collect();
        self.append(|log| {
            for id in &wanted {
                log.append(at, Some(id), &Event::RetryRejected {})?;
            }
            Ok(wanted.len())
        })
    }

    /// Settles letters in doubt by a person's word: all of them, or none when one is not in doubt.
    ///
    /// # Errors
    /// When a letter is not in doubt, or the file cannot be written.
    pub fn resolve(
        &mut self,
        ids: &[String],
        word: &PersonalWord,
        at: Timestamp,
    ) -> Result<(), LedgerError> {
        for id in ids {
            let state = self.letter(id)?.map(|record| record.letter.state);
            if state != Some(LetterState::InDoubt) {
                return Err(LedgerError::NotInDoubt {
                    id: id.clone(),
                    state,
                });
            }
        }
        let event = Event::Resolved(word.clone());
        self.append_to_each(ids, at, &event)
    }

    /// Opens accepted letters again, as a person asks: all of them or none.
    ///
    /// # Errors
    /// When one cannot be, or the file cannot be written.
    pub fn reopen(
        &mut self,
        letters: Vec<(String, Reopening)>,
        at: Timestamp,
    ) -> Result<(), LedgerError> {
        self.append(|log| {
            for (id, reopening) in letters {
                log.append(at, Some(&id), &Event::Reopened(Box::new(reopening)))?;
            }
            Ok(())
        })
    }

    /// Takes what the list has now of single letters, without the rest of its plan.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn plan_again(
        &mut self,
        letters: &[(String, Planned)],
        at: Timestamp,
    ) -> Result<(), LedgerError> {
        self.append(|log| {
            letters.iter().try_for_each(|(id, planned)| {
                log.append(at, Some(id), &Event::Planned(Box::new(planned.clone())))
            })
        })
    }

    /// Ends what a person opened again without sending it.
    ///
    /// # Errors
    /// When a letter was not opened again, or the file cannot be written.
    pub fn close(
        &mut self,
        ids: &[String],
        by: &str,
        because: &str,
        at: Timestamp,
    ) -> Result<(), LedgerError> {
        let event = Event::Closed {
            by: by.to_owned(),
            because: because.to_owned(),
        };
        self.append_to_each(ids, at, &event)
    }

    /// Appends events of letters in one commit.
    ///
    /// # Errors
    /// When one of them cannot follow, or the file cannot be written; then none is appended.
    pub fn append_all(
        &mut self,
        events: &[(String, Event)],
        at: Timestamp,
    ) -> Result<(), LedgerError> {
        self.append(|log| {
            events
                .iter()
                .try_for_each(|(id, event)| log.append(at, Some(id), event))
        })
    }

    fn append_to_each(
        &mut self,
        ids: &[String],
        at: Timestamp,
        event: &Event,
    ) -> Result<(), LedgerError> {
        self.append(|log| {
            ids.iter()
                .try_for_each(|id| log.append(at, Some(id), event))
        })
    }

    /// Notes how the run ended, lets go of the file and says where its log ends, or why that could not
    /// be noted: nothing is lost by that.
    pub fn end_run(
        mut self,
        now: Timestamp,
        ending: &str,
    ) -> (LedgerView, Result<LogEnd, LedgerError>) {
        let ended = Event::RunEnded {
            ending: ending.to_owned(),
        };
        // The lock is held until the note is on the disk, before which no other run may begin.
        let end = self.append(|log| {
            log.append(now, None, &ended)?;
            Ok(log.reached())
        });
        self.view.claims_are_in_flight = false;
        (self.view, end)
    }

    /// Marks the lock before the first letter of a run leaves, and after the file knows of it: a
    /// mark without its file is a file that is lost.
    fn mark(&mut self) -> Result<(), LedgerError> {
        if self.is_marked && self.lock.marked() < self.run {
            self.lock.mark(&self.view.path, self.run)
        } else {
            Ok(())
        }
    }

    /// Refuses to go on with files that no later run would find.
    fn is_in_place(&self) -> Result<(), LedgerError> {
        match self.place.lost() {
            Some(lost) => Err(LedgerError::Moved {
                path: lost.to_owned(),
            }),
            None => Ok(()),
        }
    }
}

impl Log<'_> {
    /// A note has no moment of its own: it belongs to the attempt.
    fn append_at_claim(
        &mut self,
        claim: Claimed,
        id: &str,
        event: &Event,
    ) -> Result<(), ProjectionError> {
        let attempt = rows::load_attempt(self.db(), claim.seq, claim.attempt)?
            .ok_or(rusqlite::Error::QueryReturnedNoRows)?;
        self.append(attempt.claimed_at, Some(id), event)
    }
}

/// Appends the beginning of a run. Letters that an earlier run claimed and did not settle are in doubt
/// from here on.
pub(super) fn begin_run(
    db: &mut Connection,
    projection: &mut Projection,
    holder: &Holder,
    path: &Path,
) -> Result<i64, ProjectionError> {
    let place = std::path::absolute(path).ok();
    let place = place.map(|place| place.display().to_string());
    let transaction = db.transaction()?;
    let run = 1 + transaction.query_row("SELECT coalesce(max(seq), 0) FROM runs", [], |row| {
        row.get::<_, i64>(0)
    })?;
    let cut_off: Vec<String> = transaction
        .prepare("SELECT id FROM letters WHERE state = 'claimed' ORDER BY seq")?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut log = Log::end(&transaction, projection, Some(run))?;
    let begun = Event::RunBegun(RunBegun {
        program: env!("CARGO_PKG_VERSION").to_owned(),
        command: holder.command.clone(),
        transport: holder.transport.clone(),
        pid: holder.pid,
        host: holder.host.clone(),
        place: place.clone(),
    });
    log.append(holder.started, None, &begun)?;
    for id in cut_off {
        log.append(holder.started, Some(&id), &Event::CutOff {})?;
    }
    transaction.commit()?;
    Ok(run)
}

fn claim(log: &mut Log<'_>, wanted: &Claim) -> Result<Claimed, ProjectionError> {
    let row = rows::load(log.db(), Key::Seq(wanted.seq))?;
    let row = row.ok_or(Illegal::NoLetter { event: "claimed" })?;
    let attempt = 1 + log
        .db()
        .prepare_cached("SELECT coalesce(max(seq), 0) FROM attempts")?
        .query_row([], |row| row.get::<_, i64>(0))?;
    let claiming = Claiming {
        attempt,
        trace: wanted.trace.clone(),
        message_id: message_id(&row.letter),
        bytes: wanted.bytes,
        addresses: wanted.addresses,
    };
    log.append(wanted.at, Some(&row.id), &Event::Claimed(claiming))?;
    Ok(Claimed {
        seq: wanted.seq,
        attempt,
    })
}

fn message_id(letter: &LetterHistory) -> String {
    letter
        .sending()
        .map(|sending| sending.message.message_id.clone())
        .unwrap_or_default()
}

fn settle(
    log: &mut Log<'_>,
    settlement: Settlement,
    event: impl FnOnce(Settling) -> Event,
) -> Result<(), ProjectionError> {
    let Settlement {
        claim,
        ended,
        at,
        request_ids,
    } = settlement;
    let settled = |ended| {
        event(Settling {
            attempt: claim.attempt,
            ended,
            request_ids,
        })
    };
    let (id, is_for_those_without) = of_claimed(log, claim.seq, "settled", |row| {
        (row.id.clone(), row.letter.is_for_those_without())
    })?;
    let ended = match ended {
        SettledAs::Rejected(reply) if is_for_those_without => SettledAs::Refused(reply),
        other => other,
    };
    log.append(at, Some(&id), &settled(ended))
}

fn id_of(log: &Log<'_>, seq: i64, event: &Event) -> Result<String, ProjectionError> {
    of_claimed(log, seq, event.kind(), |row| row.id.clone())
}

/// What is wanted of a claimed letter, which is kept in memory while it is in hand.
fn of_claimed<T>(
    log: &Log<'_>,
    seq: i64,
    event: &'static str,
    wanted: impl Fn(&LetterRow) -> T,
) -> Result<T, ProjectionError> {
    if let Some(row) = log.projection().claimed(seq) {
        return Ok(wanted(row));
    }
    let row = rows::load(log.db(), Key::Seq(seq))?;
    let row = row.ok_or(Illegal::NoLetter { event })?;
    Ok(wanted(&row))
}
