//! State files of older formats: brought up to date in one step that is done or not.
//!
//! Format 4 has all but one table of this one, formats 5 and 6 all but a column or two, and their logs
//! are whole as they are.
//!
//! Formats 1 and 2 have no log. Format 3 has one beside its tables, and neither follows from the other:
//! what differs between them is noted for good. From the event `upgraded` on, everything follows from
//! the log; the events before it stay as they are and keep their hashes.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior};
use serde::Deserialize;

use super::create::mark;
use super::log::Log;
use super::projection::{Projection, ProjectionError};
use super::rows::{self, moment, time, word};
use super::schema::{
    FIRST_OF_EVENTS, FIRST_WITH_MAIL, FIRST_WITH_RESTS, MAIL, PARTS, RESTS, SCHEMA, VERSION,
};
use crate::digest::{Parts, Sha256Digest, hex};
use crate::lifecycle::{
    AddressState, Addresses, Attempt, AttemptOutcome, CarriedOver, Event, Fate, LegacyRun,
    LegacyWait, LetterHistory, LetterState, PlannedMessage, Refusal, Reply, RunBegun, Sending,
    SendingState, SentAttachment, Upgraded,
};

/// The first format with a log of events.
const FIRST_WITH_LOG: i64 = 3;

/// What format 3 says of a letter whose run ended before the answer.
const CUT_OFF: (&str, &str) = ("interrupted", "the run ended before the answer was known");
/// The receipt that format 3 gives a letter that a person says went out.
const ACCEPTED_BY_HAND: &str = "resolved by hand as accepted";

/// The tables of an older format, out of the way of those of this one.
const MOVE_AWAY: &str = "
DROP INDEX letters_by_state;
DROP INDEX attempts_by_time;
DROP INDEX attempts_by_letter;
ALTER TABLE attempts RENAME TO old_attempts;
ALTER TABLE letters RENAME TO old_letters;
ALTER TABLE runs RENAME TO old_runs;
ALTER TABLE meta RENAME TO old_meta;
";

const MOVE_LOG_AWAY: &str = "
DROP TRIGGER events_stay;
DROP TRIGGER events_are_kept;
ALTER TABLE events RENAME TO old_events;
";

const KEEP_LOG: &str = "
INSERT INTO events SELECT seq, at, kind, letter, run, body, hash FROM old_events;
DROP TABLE old_events;
";

const REMOVE: &str = "
DROP TABLE old_attempts;
DROP TABLE old_letters;
DROP TABLE old_runs;
DROP TABLE old_meta;
";

/// Brings a file of an older format up to date.
pub(super) fn upgrade(db: &mut Connection, at: Timestamp) -> Result<(), ProjectionError> {
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let from: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if from >= VERSION {
        return Ok(());
    }
    if from >= FIRST_OF_EVENTS {
        if from < FIRST_WITH_MAIL {
            transaction.execute_batch(MAIL)?;
        }
        if from < FIRST_WITH_RESTS {
            transaction.execute_batch(RESTS)?;
        }
        transaction.execute_batch(PARTS)?;
        mark(&transaction)?;
        transaction.commit()?;
        return Ok(());
    }
    let has_log = from >= FIRST_WITH_LOG;
    let flaw = if has_log {
        legacy_flaw(&transaction)?
    } else {
        None
    };
    transaction.execute_batch(MOVE_AWAY)?;
    if has_log {
        transaction.execute_batch(MOVE_LOG_AWAY)?;
    }
    transaction.execute_batch(SCHEMA)?;
    transaction.execute_batch(MAIL)?;
    transaction.execute_batch(RESTS)?;
    transaction.execute_batch(PARTS)?;
    if has_log {
        transaction.execute_batch(KEEP_LOG)?;
    }
    let upgraded = Upgraded {
        batch: meta(&transaction, "batch")?.ok_or(rusqlite::Error::QueryReturnedNoRows)?,
        from,
        flaw,
        plan: meta(&transaction, "plan")?,
        sources: meta(&transaction, "sources")?,
        runs: runs(&transaction)?,
        waits: waits(&transaction)?,
    };
    let mut projection = Projection::default();
    let mut log = Log::begin(&transaction, &mut projection, &upgraded.batch)?;
    log.append(at, None, &Event::Upgraded(Box::new(upgraded)))?;
    let mut letters = transaction.prepare(
        "SELECT seq, id, position, digest, state, message_id, addresses, attachments, accepted_at,
            receipt, refused, error_code, error_text FROM old_letters ORDER BY seq",
    )?;
    let mut rows = letters.query([])?;
    while let Some(row) = rows.next()? {
        let id: String = row.get(1)?;
        let attempts = attempts(&transaction, row.get(0)?, from)?;
        let carried = carry_over(row, attempts)?;
        log.append(at, Some(&id), &Event::CarriedOver(Box::new(carried)))?;
    }
    drop(rows);
    drop(letters);
    transaction.execute_batch(REMOVE)?;
    mark(&transaction)?;
    transaction.commit()?;
    Ok(())
}

fn meta(db: &Connection, key: &str) -> rusqlite::Result<Option<String>> {
    db.query_row("SELECT value FROM old_meta WHERE key = ?1", [key], |row| {
        row.get(0)
    })
    .optional()
}

fn runs(db: &Connection) -> rusqlite::Result<Vec<LegacyRun>> {
    db.prepare(
        "SELECT seq, program, command, transport, pid, host, started_at, ended_at, ending
         FROM old_runs ORDER BY seq",
    )?
    .query_map([], |row| {
        Ok(LegacyRun {
            number: row.get(0)?,
            begun: RunBegun {
                program: row.get(1)?,
                command: row.get(2)?,
                transport: row.get(3)?,
                pid: row.get(4)?,
                host: row.get(5)?,
                place: None,
            },
            began_at: moment(row, 6)?,
            ended_at: time(row, 7)?,
            ending: row.get(8)?,
        })
    })?
    .collect()
}

/// The waits in the log of format 3, since the last rehearsal was cleared.
fn waits(db: &Connection) -> rusqlite::Result<Vec<LegacyWait>> {
    db.prepare(
        "SELECT run, at, body ->> '$.milliseconds' FROM events WHERE kind = 'throttled' AND seq >
            (SELECT coalesce(max(seq), 0) FROM events WHERE kind = 'rehearsal_cleared')
         ORDER BY seq",
    )?
    .query_map([], |row| {
        Ok(LegacyWait {
            run: row.get(0)?,
            at: moment(row, 1)?,
            milliseconds: row.get::<_, i64>(2)?.unsigned_abs(),
        })
    })?
    .collect()
}

/// The attempts of a letter, each with the Message-ID that it carried. What a person's word had left
/// among them was none.
fn attempts(db: &Connection, letter: i64, format: i64) -> rusqlite::Result<Vec<(String, Attempt)>> {
    let more = if format >= 2 {
        "trace, request_ids, note"
    } else {
        "NULL, NULL, NULL"
    };
    db.prepare_cached(&format!(
        "SELECT seq, message_id, run, claimed_at, settled_at, bytes, addresses, outcome, code, text,
            {more} FROM old_attempts
         WHERE letter = ?1 AND coalesce(outcome, '') <> 'resolved' ORDER BY seq"
    ))?
    .query_map([letter], |row| {
        let outcome = match row.get::<_, Option<String>>(7)? {
            None => None,
            Some(_) => Some(word(row, 7, AttemptOutcome::parse)?),
        };
        let is_failure = outcome.is_some_and(|outcome| outcome != AttemptOutcome::Accepted);
        let attempt = Attempt {
            number: row.get(0)?,
            sending: 0,
            run: row.get(2)?,
            claimed_at: moment(row, 3)?,
            settled_at: time(row, 4)?,
            bytes: row.get::<_, i64>(5)?.unsigned_abs(),
            addresses: row.get(6)?,
            outcome,
            code: row.get(8)?,
            text: row.get::<_, Option<String>>(9)?.filter(|_| is_failure),
            trace: row.get(10)?,
            request_ids: row.get(11)?,
            note: row.get(12)?,
        };
        Ok((row.get(1)?, attempt))
    })?
    .collect()
}

fn carry_over(
    row: &Row<'_>,
    mut attempts: Vec<(String, Attempt)>,
) -> Result<CarriedOver, rusqlite::Error> {
    let digest: Sha256Digest = row.get(3)?;
    let state = word(row, 4, LetterState::parse)?;
    let message_id: String = row.get(5)?;
    let position: Option<i64> = row.get(2)?;
    let mut sendings: Vec<Sending> = Vec::new();
    for (other, _) in &attempts {
        let is_known = |sending: &Sending| sending.message.message_id == *other;
        if *other != message_id && !sendings.iter().any(is_known) {
            // Whom it was written to is not known any more.
            sendings.push(message(other, [0; 32], Addresses::default(), Vec::new()));
        }
    }
    let mut last = message(&message_id, digest, json(row, 6)?, json(row, 7)?);
    last.state = match state {
        LetterState::Pending | LetterState::Withdrawn => SendingState::Ready,
        LetterState::Claimed => SendingState::Claimed,
        LetterState::Accepted => SendingState::Accepted,
        LetterState::Rejected => SendingState::Rejected,
        LetterState::InDoubt => SendingState::InDoubt,
    };
    last.accepted_at = time(row, 8)?;
    last.receipt = row.get(9)?;
    let refused: Option<Vec<Refusal>> = match row.get::<_, Option<String>>(10)? {
        Some(_) => Some(json(row, 10)?),
        None => None,
    };
    last.fates = refused.into_iter().flatten().map(refused_fate).collect();
    sendings.push(last);
    for (other, attempt) in &mut attempts {
        for (number, sending) in (1..).zip(&mut sendings) {
            if sending.message.message_id == *other {
                attempt.sending = number;
                sending.attempts += 1;
            }
        }
    }
    let (code, text): (Option<String>, Option<String>) = (row.get(11)?, row.get(12)?);
    Ok(CarriedOver {
        position: position.map(i64::unsigned_abs),
        letter: LetterHistory {
            state,
            is_listed: position.is_some(),
            planned: None,
            error: code.zip(text).map(|(code, text)| Reply { code, text }),
            sendings,
            mail: Vec::new(),
        },
        attempts: attempts.into_iter().map(|(_, attempt)| attempt).collect(),
    })
}

fn message(
    message_id: &str,
    digest: Sha256Digest,
    addresses: Addresses,
    attachments: Vec<SentAttachment>,
) -> Sending {
    let message = PlannedMessage {
        message_id: message_id.to_owned(),
        digest,
        addresses,
        attachments,
        parts: None,
    };
    Sending::of(message, digest, None)
}

fn refused_fate(refusal: Refusal) -> Fate {
    Fate {
        address: refusal.address,
        state: AddressState::Refused,
        refusal: Some(Reply {
            code: refusal.code,
            text: refusal.answer,
        }),
        returned: None,
    }
}

fn json<T: serde::de::DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    rows::parsed(column, row.get_ref(column)?.as_str()?)
}

/// What the log of format 3 has about a letter.
#[derive(Default)]
struct LoggedLetter {
    state: Option<LetterState>,
    claims: u32,
    accepted_at: Option<i64>,
    record: Option<String>,
    receipt: Option<String>,
    refused: Vec<Refusal>,
    error: Option<Reply>,
}

/// What the bodies of events of format 3 have that matters here.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Body {
    outcome: String,
    code: Option<String>,
    text: String,
    refused: Vec<Refusal>,
    accepted: bool,
    record: Option<String>,
    plan: Option<String>,
    letters: u64,
    changes: Vec<LegacyChange>,
}

#[derive(Deserialize)]
struct LegacyChange {
    id: String,
    change: String,
}

/// The first of the letters of format 3 that is not where its log has it, in words.
fn legacy_flaw(db: &Connection) -> rusqlite::Result<Option<String>> {
    let mut letters: HashMap<String, LoggedLetter> = HashMap::new();
    let (mut is_older, mut plan) = (false, None::<(String, u64)>);
    let mut events = db.prepare("SELECT at, kind, letter, body FROM events ORDER BY seq")?;
    let mut rows = events.query([])?;
    while let Some(row) = rows.next()? {
        let at: i64 = row.get(0)?;
        let Ok(body) = serde_json::from_str::<Body>(row.get_ref(3)?.as_str()?) else {
            return Ok(Some("an event of its log cannot be read".to_owned()));
        };
        let id: Option<String> = row.get(2)?;
        let id = id.unwrap_or_default();
        match row.get_ref(1)?.as_str()? {
            "earlier_history" => is_older = true,
            "rehearsal_cleared" => (letters, plan) = (HashMap::new(), None),
            "plan_taken" => plan = body.plan.map(|plan| (plan, body.letters)),
            "changes_accepted" => follow(&body.changes, &mut letters),
            "claimed" => {
                let letter = letters.entry(id).or_default();
                letter.state = Some(LetterState::Claimed);
                letter.claims += 1;
                letter.record = body.record;
            }
            "settled" | "looked_up" => {
                let letter = letters.entry(id).or_default();
                letter.state = match body.outcome.as_str() {
                    "not_taken" => Some(LetterState::Pending),
                    outcome => LetterState::parse(outcome),
                };
                letter.accepted_at = (letter.state == Some(LetterState::Accepted)).then_some(at);
                letter.refused = body.refused;
                (letter.receipt, letter.error) = match body.code {
                    Some(code) => (
                        None,
                        Some(Reply {
                            code,
                            text: body.text,
                        }),
                    ),
                    None => (Some(body.text), None),
                };
            }
            "cut_off" => {
                let letter = letters.entry(id).or_default();
                letter.state = Some(LetterState::InDoubt);
                letter.error = Some(Reply {
                    code: CUT_OFF.0.to_owned(),
                    text: CUT_OFF.1.to_owned(),
                });
            }
            "retry_rejected" => letters.entry(id).or_default().state = Some(LetterState::Pending),
            "resolved" => {
                let letter = letters.entry(id).or_default();
                letter.accepted_at = body.accepted.then_some(at);
                letter.receipt = body.accepted.then(|| ACCEPTED_BY_HAND.to_owned());
                letter.error = None;
                letter.state = Some(if body.accepted {
                    LetterState::Accepted
                } else {
                    LetterState::Pending
                });
            }
            _ => {}
        }
    }
    let stored: Option<(String, i64)> = db
        .query_row(
            "SELECT value, (SELECT count(*) FROM letters WHERE position IS NOT NULL)
             FROM meta WHERE key = 'plan'",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    let stored = stored.map(|(plan, letters)| (plan, letters.unsigned_abs()));
    if stored != plan && !(is_older && plan.is_none()) {
        return Ok(Some(
            "its plan, or the number of its letters, was not as its log had it".to_owned(),
        ));
    }
    compare(db, letters, is_older)
}

fn follow(changes: &[LegacyChange], letters: &mut HashMap<String, LoggedLetter>) {
    for change in changes {
        let Some(letter) = letters.get_mut(&change.id) else {
            continue;
        };
        letter.state = match (change.change.as_str(), letter.state) {
            ("removed", Some(LetterState::Pending | LetterState::Rejected)) => {
                Some(LetterState::Withdrawn)
            }
            ("added", Some(LetterState::Withdrawn)) => Some(LetterState::Pending),
            (_, state) => state,
        };
    }
}

fn compare(
    db: &Connection,
    mut letters: HashMap<String, LoggedLetter>,
    is_older: bool,
) -> rusqlite::Result<Option<String>> {
    let mut stored = db.prepare(
        "SELECT id, state, position, attempts, accepted_at, message_id, addresses, attachments, receipt,
            refused, error_code, error_text
         FROM letters ORDER BY seq",
    )?;
    let mut rows = stored.query([])?;
    while let Some(row) = rows.next()? {
        let id: String = row.get(0)?;
        let state = LetterState::parse(row.get_ref(1)?.as_str()?);
        let is_listed = row.get::<_, Option<i64>>(2)?.is_some();
        let attempts: u32 = row.get(3)?;
        let logged = match letters.remove(&id) {
            None if is_older && attempts > 0 => continue,
            logged => logged.unwrap_or_default(),
        };
        let unsent = if is_listed {
            LetterState::Pending
        } else {
            LetterState::Withdrawn
        };
        let expected = match logged.state {
            None | Some(LetterState::Pending | LetterState::Withdrawn) => unsent,
            Some(state) => state,
        };
        let is_fixed = matches!(
            expected,
            LetterState::Accepted | LetterState::InDoubt | LetterState::Claimed
        );
        let record = {
            let mut parts = Parts::default();
            for column in 5..8 {
                parts.add(row.get_ref(column)?.as_str()?.as_bytes());
            }
            hex(&parts.finish())
        };
        let receipt: Option<String> = row.get(8)?;
        let refused: Option<String> = row.get(9)?;
        let refused = refused.map(|json| rows::parsed::<Vec<Refusal>>(9, &json));
        let refused = refused.transpose()?.unwrap_or_default();
        let (code, text): (Option<String>, Option<String>) = (row.get(10)?, row.get(11)?);
        let error = code.zip(text).map(|(code, text)| Reply { code, text });
        let what = if state != Some(expected) {
            "its state"
        } else if logged.accepted_at != row.get(4)? && !(is_older && logged.state.is_none()) {
            "when it was accepted"
        } else if logged.claims != attempts && !is_older {
            "the number of its attempts"
        } else if is_fixed && logged.record.is_some_and(|logged| logged != record) {
            "its Message-ID, addresses or attachments"
        } else if logged.receipt != receipt || logged.refused != refused {
            "what the server said of it"
        } else if logged.error != error && !(is_older && logged.error.is_none()) {
            "its error"
        } else {
            continue;
        };
        return Ok(Some(format!("of {id}, {what} was not as its log had it")));
    }
    let gone = letters.keys().min();
    Ok(gone.map(|id| format!("its log had {id}, which the file did not have")))
}
