//! Letters and attempts as rows: how they are read and written.

use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::lifecycle::{
    AddressOutcome, AddressState, Attempt, AttemptOutcome, Fate, LetterHistory, LetterMail,
    LetterState, PlannedMessage, Reply, Returned, Sending, SendingState,
};

/// A letter with what its row has beside it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LetterRow {
    pub seq: i64,
    pub id: String,
    pub position: Option<u64>,
    pub letter: LetterHistory,
}

/// By what a letter is found.
#[derive(Clone, Copy, Debug)]
pub(super) enum Key<'a> {
    Seq(i64),
    Id(&'a str),
}

pub(super) const LETTER_COLUMNS: &str =
    "seq, id, position, state, planned, error_code, error_text FROM letters";

/// Reads a letter; none when no plan had it.
pub(super) fn load(db: &Connection, key: Key<'_>) -> rusqlite::Result<Option<LetterRow>> {
    let read = |mut statement: CachedStatement<'_>, key: &dyn rusqlite::ToSql| {
        statement
            .query_row([key], |row| letter_row(db, row))
            .optional()
    };
    match key {
        Key::Seq(seq) => read(
            db.prepare_cached(&format!("SELECT {LETTER_COLUMNS} WHERE seq = ?1"))?,
            &seq,
        ),
        Key::Id(id) => read(
            db.prepare_cached(&format!("SELECT {LETTER_COLUMNS} WHERE id = ?1"))?,
            &id,
        ),
    }
}

/// The letter of a row of [`LETTER_COLUMNS`].
pub(super) fn letter_row(db: &Connection, row: &Row<'_>) -> rusqlite::Result<LetterRow> {
    let seq = row.get(0)?;
    let position: Option<i64> = row.get(2)?;
    let code: Option<String> = row.get(5)?;
    let text: Option<String> = row.get(6)?;
    let planned: Option<String> = row.get(4)?;
    let mut sendings = sendings(db, seq)?;
    fates(db, seq, &mut sendings)?;
    let mail = mail(db, seq)?;
    Ok(LetterRow {
        seq,
        id: row.get(1)?,
        position: position.map(i64::unsigned_abs),
        letter: LetterHistory {
            state: word(row, 3, LetterState::parse)?,
            is_listed: position.is_some(),
            planned: planned.map(|json| parsed(4, &json)).transpose()?,
            error: code.zip(text).map(|(code, text)| Reply { code, text }),
            sendings,
            mail,
        },
    })
}

fn mail(db: &Connection, letter: i64) -> rusqlite::Result<Vec<LetterMail>> {
    db.prepare_cached("SELECT mail FROM mail WHERE letter = ?1 ORDER BY number")?
        .query_map([letter], |row| json(row, 0))?
        .collect()
}

fn sendings(db: &Connection, letter: i64) -> rusqlite::Result<Vec<Sending>> {
    db.prepare_cached(
        "SELECT message_id, digest, made_from, addresses, attachments, state, attempts, accepted_at,
            receipt, because, to_all, rest, parts FROM sendings WHERE letter = ?1 ORDER BY number",
    )?
    .query_map([letter], |row| {
        let digest = row.get(1)?;
        let parts: Option<String> = row.get(12)?;
        Ok(Sending {
            message: PlannedMessage {
                message_id: row.get(0)?,
                digest,
                addresses: json(row, 3)?,
                attachments: json(row, 4)?,
                parts: parts.map(|json| parsed(12, &json)).transpose()?,
            },
            made_from: row.get::<_, Option<_>>(2)?.unwrap_or(digest),
            state: word(row, 5, SendingState::parse)?,
            attempts: row.get(6)?,
            accepted_at: time(row, 7)?,
            receipt: row.get(8)?,
            because: row.get(9)?,
            to_all: row.get(10)?,
            is_rest: row.get(11)?,
            fates: Vec::new(),
        })
    })?
    .collect()
}

fn fates(db: &Connection, letter: i64, sendings: &mut [Sending]) -> rusqlite::Result<()> {
    let mut statement = db.prepare_cached(
        "SELECT sending, address, state, refusal, outcome, hard, reason, code, text, at, evidence,
            refusal_code FROM addresses WHERE letter = ?1 ORDER BY sending, number",
    )?;
    let mut rows = statement.query([letter])?;
    while let Some(row) = rows.next()? {
        let number: i64 = row.get(0)?;
        let place = usize::try_from(number - 1).ok();
        let Some(sending) = place.and_then(|place| sendings.get_mut(place)) else {
            continue;
        };
        let returned = match row.get::<_, Option<String>>(4)? {
            None => None,
            Some(_) => Some(Returned {
                outcome: word(row, 4, AddressOutcome::parse)?,
                hard: row.get(5)?,
                reason: row.get(6)?,
                code: row.get(7)?,
                text: row.get(8)?,
                at: moment(row, 9)?,
                evidence: row.get(10)?,
            }),
        };
        sending.fates.push(Fate {
            address: row.get(1)?,
            state: word(row, 2, AddressState::parse)?,
            refusal: match (row.get(11)?, row.get(3)?) {
                (Some(code), Some(text)) => Some(Reply { code, text }),
                _ => None,
            },
            returned,
        });
    }
    Ok(())
}

/// Writes a letter; `before` is what is there.
pub(super) fn store(
    db: &Connection,
    before: Option<&LetterRow>,
    after: &mut LetterRow,
) -> rusqlite::Result<()> {
    let letter = &after.letter;
    let is_same = before.is_some_and(|before| {
        (before.position, &before.letter.planned) == (after.position, &letter.planned)
            && before.letter.wanted().map(|message| message.digest)
                == letter.wanted().map(|message| message.digest)
    });
    let open = count(letter.open_addresses().len());
    let (code, text) = match &letter.error {
        Some(reply) => (Some(&reply.code), Some(&reply.text)),
        None => (None, None),
    };
    if is_same {
        // Most events change no more than this, and what is not set costs nothing.
        db.prepare_cached(
            "UPDATE letters SET state = ?2, open = ?3, error_code = ?4, error_text = ?5
             WHERE seq = ?1",
        )?
        .execute(params![after.seq, letter.state.word(), open, code, text])?;
    } else {
        let wanted = letter.wanted();
        db.prepare_cached(
            "INSERT INTO letters (seq, id, position, state, digest, planned, open, error_code,
                error_text)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
             ON CONFLICT (seq) DO UPDATE SET position = ?3, state = ?4, digest = ?5, planned = ?6,
                open = ?7, error_code = ?8, error_text = ?9",
        )?
        .execute(params![
            before.map(|before| before.seq),
            after.id,
            after.position.map(signed),
            letter.state.word(),
            wanted.map(|message| message.digest).unwrap_or_default(),
            letter.planned.as_ref().map(to_json).transpose()?,
            open,
            code,
            text
        ])?;
        if before.is_none() {
            after.seq = db.last_insert_rowid();
        }
    }
    let known: &[Sending] = before.map_or(&[], |before| &before.letter.sendings);
    for (index, sending) in after.letter.sendings.iter().enumerate() {
        let before = known.get(index);
        if before != Some(sending) {
            store_sending(db, after.seq, count(index + 1), before, sending)?;
        }
    }
    for number in after.letter.sendings.len() + 1..=known.len() {
        let number = count(number);
        db.prepare_cached("DELETE FROM sendings WHERE letter = ?1 AND number = ?2")?
            .execute(params![after.seq, number])?;
        forget_fates(db, after.seq, number)?;
    }
    let known: &[LetterMail] = before.map_or(&[], |before| &before.letter.mail);
    for (index, mail) in after.letter.mail.iter().enumerate() {
        if known.get(index) != Some(mail) {
            db.prepare_cached("INSERT OR REPLACE INTO mail VALUES (?1, ?2, ?3)")?
                .execute(params![after.seq, count(index + 1), to_json(mail)?])?;
        }
    }
    Ok(())
}

fn store_sending(
    db: &Connection,
    letter: i64,
    number: i64,
    before: Option<&Sending>,
    sending: &Sending,
) -> rusqlite::Result<()> {
    let message = &sending.message;
    let accepted_at = sending.accepted_at.map(Timestamp::as_millisecond);
    let is_same = |before: &Sending| {
        (
            &before.message,
            before.made_from,
            before.to_all,
            before.is_rest,
        ) == (message, sending.made_from, sending.to_all, sending.is_rest)
    };
    if before.is_some_and(is_same) {
        db.prepare_cached(
            "UPDATE sendings SET state = ?3, attempts = ?4, accepted_at = ?5, receipt = ?6,
                because = ?7 WHERE letter = ?1 AND number = ?2",
        )?
        .execute(params![
            letter,
            number,
            sending.state.word(),
            sending.attempts,
            accepted_at,
            sending.receipt,
            sending.because
        ])?;
    } else {
        let made_from = (sending.made_from != message.digest).then_some(sending.made_from);
        db.prepare_cached(
            "INSERT OR REPLACE INTO sendings (letter, number, message_id, digest, made_from,
                addresses, attachments, state, attempts, accepted_at, receipt, because, to_all, rest,
                parts)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14,
                ?15)",
        )?
        .execute(params![
            letter,
            number,
            message.message_id,
            message.digest,
            made_from,
            to_json(&message.addresses)?,
            to_json(&message.attachments)?,
            sending.state.word(),
            sending.attempts,
            accepted_at,
            sending.receipt,
            sending.because,
            sending.to_all,
            sending.is_rest,
            message.parts.as_ref().map(to_json).transpose()?
        ])?;
    }
    let known: &[Fate] = before.map_or(&[], |before| &before.fates);
    if known == sending.fates {
        return Ok(());
    }
    if !known.is_empty() {
        forget_fates(db, letter, number)?;
    }
    for (place, fate) in (0..).zip(&sending.fates) {
        store_fate(db, (letter, number, place), fate)?;
    }
    Ok(())
}

fn store_fate(
    db: &Connection,
    (letter, sending, number): (i64, i64, i64),
    fate: &Fate,
) -> rusqlite::Result<()> {
    let returned = fate.returned.as_ref();
    db.prepare_cached(
        "INSERT INTO addresses (letter, sending, number, address, state, refusal_code, refusal,
            outcome, hard, reason, code, text, at, evidence)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
    )?
    .execute(params![
        letter,
        sending,
        number,
        fate.address,
        fate.state.word(),
        fate.refusal.as_ref().map(|reply| &reply.code),
        fate.refusal.as_ref().map(|reply| &reply.text),
        returned.map(|returned| returned.outcome.word()),
        returned.map(|returned| returned.hard),
        returned.map(|returned| &returned.reason),
        returned.and_then(|returned| returned.code.as_ref()),
        returned.and_then(|returned| returned.text.as_ref()),
        returned.map(|returned| returned.at.as_millisecond()),
        returned.map(|returned| &returned.evidence),
    ])?;
    Ok(())
}

fn forget_fates(db: &Connection, letter: i64, sending: i64) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM addresses WHERE letter = ?1 AND sending = ?2")?
        .execute(params![letter, sending])?;
    Ok(())
}

/// Writes an attempt that begins.
pub(super) fn insert_attempt(
    db: &Connection,
    letter: i64,
    attempt: &Attempt,
) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO attempts (seq, letter, sending, run, claimed_at, settled_at, bytes, addresses,
            outcome, code, text, trace, request_ids, note)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
    )?
    .execute(params![
        attempt.number,
        letter,
        attempt.sending,
        attempt.run,
        attempt.claimed_at.as_millisecond(),
        attempt.settled_at.map(Timestamp::as_millisecond),
        signed(attempt.bytes),
        attempt.addresses,
        attempt.outcome.map(AttemptOutcome::word),
        attempt.code,
        attempt.text,
        attempt.trace,
        attempt.request_ids,
        attempt.note,
    ])?;
    Ok(())
}

/// Writes what an attempt has become.
pub(super) fn update_attempt(db: &Connection, attempt: &Attempt) -> rusqlite::Result<()> {
    db.prepare_cached(
        "UPDATE attempts SET settled_at = ?2, outcome = ?3, code = ?4, text = ?5, request_ids = ?6,
            note = ?7 WHERE seq = ?1",
    )?
    .execute(params![
        attempt.number,
        attempt.settled_at.map(Timestamp::as_millisecond),
        attempt.outcome.map(AttemptOutcome::word),
        attempt.code,
        attempt.text,
        attempt.request_ids,
        attempt.note,
    ])?;
    Ok(())
}

/// Reads the last attempt of a letter; none when it has another number: what ends an earlier one
/// must not be taken for the end of this one.
pub(super) fn load_attempt(
    db: &Connection,
    letter: i64,
    number: i64,
) -> rusqlite::Result<Option<Attempt>> {
    db.prepare_cached(
        "SELECT seq, sending, run, claimed_at, settled_at, bytes, addresses, outcome, code, text,
            trace, request_ids, note FROM attempts
         WHERE seq = ?1 AND seq = (SELECT max(seq) FROM attempts WHERE letter = ?2)",
    )?
    .query_row([number, letter], |row| {
        let outcome = match row.get::<_, Option<String>>(7)? {
            None => None,
            Some(_) => Some(word(row, 7, AttemptOutcome::parse)?),
        };
        Ok(Attempt {
            number: row.get(0)?,
            sending: row.get(1)?,
            run: row.get(2)?,
            claimed_at: moment(row, 3)?,
            settled_at: time(row, 4)?,
            bytes: row.get::<_, i64>(5)?.unsigned_abs(),
            addresses: row.get(6)?,
            outcome,
            code: row.get(8)?,
            text: row.get(9)?,
            trace: row.get(10)?,
            request_ids: row.get(11)?,
            note: row.get(12)?,
        })
    })
    .optional()
}

/// A column with a word that one of these types has.
pub(super) fn word<T>(
    row: &Row<'_>,
    column: usize,
    parse: impl FnOnce(&str) -> Option<T>,
) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    parse(&text).ok_or_else(|| {
        let error = format!("`{text}` is no such word");
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error.into())
    })
}

fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    parsed(column, row.get_ref(column)?.as_str()?)
}

pub(super) fn parsed<T: DeserializeOwned>(column: usize, json: &str) -> rusqlite::Result<T> {
    serde_json::from_str(json).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error.into())
    })
}

pub(super) fn to_json(value: &impl Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

/// A column with a moment; none where there is none.
pub(super) fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    let Some(millisecond) = row.get::<_, Option<i64>>(column)? else {
        return Ok(None);
    };
    Timestamp::from_millisecond(millisecond)
        .map(Some)
        .map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(column, Type::Integer, error.into())
        })
}

/// A column with a moment that is always there.
pub(super) fn moment(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    let text = || "a moment is missing".into();
    time(row, column)?
        .ok_or_else(|| rusqlite::Error::FromSqlConversionFailure(column, Type::Null, text()))
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// SQLite's numbers have a sign. What does not fit is no number that the program ever has.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
