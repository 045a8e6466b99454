//! From events to tables, when they are appended and when they are replayed.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::rows::{self, Key, LetterRow, moment, signed, time, word};
use crate::digest::hex;
use crate::lifecycle::{
    Attempt, CarriedOver, Event, Illegal, LegacyRun, LetterHistory, LetterState, Run, RunBegun,
    RunState, Upgraded,
};

/// An event with where and when it belongs.
#[derive(Debug)]
pub(super) struct LogEntry<'a> {
    pub seq: i64,
    pub at: Timestamp,
    pub letter: Option<&'a str>,
    pub run: Option<i64>,
    pub event: &'a Event,
}

/// Why an event cannot be appended.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProjectionError {
    #[error(transparent)]
    Storage(#[from] rusqlite::Error),
    #[error(transparent)]
    Illegal(#[from] Illegal),
}

/// Applies events to the tables.
#[derive(Debug, Default)]
pub(super) struct Projection {
    /// The letters that are claimed, so that they are not read again when they are settled.
    claimed: HashMap<i64, (LetterRow, Attempt)>,
    /// How many letters stand where, once that was asked.
    counts: Option<HashMap<LetterState, u64>>,
    /// What SQLite counted of other connections' commits when these were kept.
    commits_of_others: Option<i64>,
}

impl Projection {
    /// Applies one event.
    pub(super) fn apply(
        &mut self,
        db: &Connection,
        entry: &LogEntry<'_>,
    ) -> Result<(), ProjectionError> {
        match entry.event {
            Event::Created { batch } => set(db, "batch", batch)?,
            Event::Upgraded(upgraded) => upgrade(db, upgraded)?,
            Event::CarriedOver(carried) => self.carry_over(db, entry, carried)?,
            Event::RunBegun(_) => begin_run(db, entry)?,
            Event::RunEnded { .. } => end_run(db, entry)?,
            Event::Throttled { milliseconds } => {
                insert_wait(db, entry.seq, entry.run, entry.at, *milliseconds)?;
            }
            Event::PlanAdopted(adopted) => {
                set(db, "plan", &adopted.plan)?;
                set(db, "sources", &hex(&adopted.sources))?;
                if let Some(names) = &adopted.names {
                    set(db, "names", names)?;
                }
                if let Some(destination) = &adopted.destination {
                    set(db, "destination", destination)?;
                }
            }
            Event::SourcesChanged { sources } => set(db, "sources", &hex(sources))?,
            Event::RehearsalCleared {} => {
                db.execute_batch(
                    "DELETE FROM addresses; DELETE FROM mail; DELETE FROM sendings; DELETE FROM attempts;
                     DELETE FROM letters; DELETE FROM waits;
                     DELETE FROM meta WHERE key IN ('plan', 'sources', 'destination');",
                )?;
                *self = Self::default();
            }
            Event::Planned(_)
            | Event::Withdrawn {}
            | Event::Claimed(_)
            | Event::Noted { .. }
            | Event::Narrowed(_)
            | Event::Settled(_)
            | Event::CutOff {}
            | Event::LookedUp(_)
            | Event::Resolved(_)
            | Event::RetryRejected {}
            | Event::Reopened(_)
            | Event::Closed { .. }
            | Event::Bounced(_)
            | Event::Delayed(_)
            | Event::Relayed(_)
            | Event::Delivered(_)
            | Event::AutomaticAnswer { .. }
            | Event::Answer { .. }
            | Event::Read { .. }
            | Event::Suspected(_)
            | Event::Unclear { .. }
            | Event::Reviewed { .. }
            | Event::Correction { .. } => self.change_letter(db, entry)?,
        }
        Ok(())
    }

    /// Forgets what it keeps in memory where another process has appended something since: mail that
    /// came back may be entered while a run works with the file. It is asked inside a transaction, from
    /// which on nobody else can.
    pub(super) fn follow(&mut self, db: &Connection) -> rusqlite::Result<()> {
        let commits = db
            .prepare_cached("PRAGMA data_version")?
            .query_row([], |row| row.get(0))?;
        if self.commits_of_others != Some(commits) {
            self.forget();
            self.commits_of_others = Some(commits);
        }
        Ok(())
    }

    /// Forgets what it keeps in memory: what was rolled back never was.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// A claimed letter.
    pub(super) fn claimed(&self, seq: i64) -> Option<&LetterRow> {
        self.claimed.get(&seq).map(|(row, _)| row)
    }

    /// How many letters stand where.
    pub(super) fn counts(
        &mut self,
        db: &Connection,
    ) -> rusqlite::Result<&HashMap<LetterState, u64>> {
        let counts = match self.counts.take() {
            Some(counts) => counts,
            None => count(db)?,
        };
        Ok(self.counts.insert(counts))
    }

    fn take_claimed(&mut self, id: &str) -> Option<(LetterRow, Attempt)> {
        let mut known = self.claimed.iter();
        let seq = known
            .find(|(_, (row, _))| row.id == id)
            .map(|(seq, _)| *seq)?;
        self.claimed.remove(&seq)
    }

    fn change_letter(
        &mut self,
        db: &Connection,
        entry: &LogEntry<'_>,
    ) -> Result<(), ProjectionError> {
        let LogEntry { at, event, .. } = *entry;
        let id = entry.letter.ok_or(Illegal::NoLetter {
            event: event.kind(),
        })?;
        let attempt = match event {
            Event::Noted { attempt, .. } => Some(*attempt),
            Event::Narrowed(narrowing) => Some(narrowing.attempt),
            Event::Settled(settling) | Event::LookedUp(settling) => Some(settling.attempt),
            _ => None,
        };
        // Whatever happens to the letter, what is kept of it is old from here on.
        let (before, attempt) = match (self.take_claimed(id), attempt) {
            (Some((row, attempt)), Some(number)) if attempt.number == number => {
                (Some(row), Some(attempt))
            }
            (_, None) => (rows::load(db, Key::Id(id))?, None),
            (_, Some(number)) => {
                let row = rows::load(db, Key::Id(id))?;
                let seq = row.as_ref().map_or(0, |row| row.seq);
                let attempt = rows::load_attempt(db, seq, number)?.ok_or(Illegal::NoAttempt {
                    event: event.kind(),
                    attempt: number,
                })?;
                (row, Some(attempt))
            }
        };
        let letter = before.as_ref().map(|row| row.letter.clone());
        let mut after = LetterRow {
            seq: before.as_ref().map_or(0, |row| row.seq),
            id: id.to_owned(),
            position: match event {
                Event::Planned(planned) => Some(planned.position),
                Event::Reopened(reopening) => Some(reopening.planned.position),
                Event::Withdrawn {} => None,
                _ => before.as_ref().and_then(|row| row.position),
            },
            letter: LetterHistory::apply(letter, at, event)?,
        };
        let attempt = match (event, attempt) {
            (Event::Claimed(claiming), _) => {
                let number = u32::try_from(after.letter.sendings.len()).unwrap_or(u32::MAX);
                Some(Attempt::of(claiming, number, entry.run, at))
            }
            (_, Some(attempt)) => Some(attempt.apply(at, event)?),
            (_, None) => None,
        };
        // A note is the attempt's alone.
        if !matches!(event, Event::Noted { .. }) {
            rows::store(db, before.as_ref(), &mut after)?;
        }
        match (&attempt, event) {
            (Some(attempt), Event::Claimed(_)) => rows::insert_attempt(db, after.seq, attempt)?,
            (Some(attempt), _) => rows::update_attempt(db, attempt)?,
            (None, _) => {}
        }
        self.recount(before.as_ref(), &after);
        if let (LetterState::Claimed, Some(attempt)) = (after.letter.state, attempt) {
            self.claimed.insert(after.seq, (after, attempt));
        }
        Ok(())
    }

    fn carry_over(
        &mut self,
        db: &Connection,
        entry: &LogEntry<'_>,
        carried: &CarriedOver,
    ) -> Result<(), ProjectionError> {
        let id = entry.letter.ok_or(Illegal::NoLetter {
            event: entry.event.kind(),
        })?;
        let mut row = LetterRow {
            seq: 0,
            id: id.to_owned(),
            position: carried.position,
            letter: LetterHistory::apply(None, entry.at, entry.event)?,
        };
        rows::store(db, None, &mut row)?;
        for attempt in &carried.attempts {
            rows::insert_attempt(db, row.seq, attempt)?;
        }
        self.recount(None, &row);
        Ok(())
    }

    fn recount(&mut self, before: Option<&LetterRow>, after: &LetterRow) {
        let Some(counts) = &mut self.counts else {
            return;
        };
        if let Some(before) = before {
            let count = counts.entry(before.letter.state).or_default();
            *count = count.saturating_sub(1);
        }
        *counts.entry(after.letter.state).or_default() += 1;
    }
}

/// How many letters stand where, as the table has it.
pub(super) fn count(db: &Connection) -> rusqlite::Result<HashMap<LetterState, u64>> {
    db.prepare_cached("SELECT state, count(*) FROM letters GROUP BY state")?
        .query_map([], |row| {
            let count: i64 = row.get(1)?;
            Ok((word(row, 0, LetterState::parse)?, count.unsigned_abs()))
        })?
        .collect()
}

fn set(db: &Connection, key: &str, value: &str) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO meta VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2",
    )?
    .execute([key, value])
    .map(drop)
}

fn upgrade(db: &Connection, upgraded: &Upgraded) -> rusqlite::Result<()> {
    set(db, "batch", &upgraded.batch)?;
    for (key, value) in [("plan", &upgraded.plan), ("sources", &upgraded.sources)] {
        if let Some(value) = value {
            set(db, key, value)?;
        }
    }
    for (index, legacy) in upgraded.runs.iter().enumerate() {
        let LegacyRun {
            number,
            begun,
            began_at,
            ended_at,
            ending,
        } = legacy;
        let is_last = index + 1 == upgraded.runs.len();
        let state = match ended_at {
            Some(_) => RunState::Ended,
            None if is_last => RunState::Active,
            None => RunState::CutOff,
        };
        let run = Run {
            begun: begun.clone(),
            began_at: *began_at,
            state,
            ended_at: *ended_at,
            ending: ending.clone(),
        };
        insert_run(db, *number, &run)?;
    }
    for (seq, wait) in (1..).zip(&upgraded.waits) {
        insert_wait(db, seq, wait.run, wait.at, wait.milliseconds)?;
    }
    Ok(())
}

fn insert_wait(
    db: &Connection,
    seq: i64,
    run: Option<i64>,
    at: Timestamp,
    milliseconds: u64,
) -> rusqlite::Result<()> {
    db.prepare_cached("INSERT INTO waits VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![seq, run, at.as_millisecond(), signed(milliseconds)])
        .map(drop)
}

fn begin_run(db: &Connection, entry: &LogEntry<'_>) -> Result<(), ProjectionError> {
    let active: Vec<i64> = db
        .prepare_cached("SELECT seq FROM runs WHERE state = 'active'")?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for number in active {
        change_run(db, number, entry)?;
    }
    let number = entry.run.ok_or(Illegal::NoRun {
        event: entry.event.kind(),
    })?;
    insert_run(db, number, &Run::begin(entry.at, entry.event)?)?;
    Ok(())
}

fn end_run(db: &Connection, entry: &LogEntry<'_>) -> Result<(), ProjectionError> {
    let number = entry.run.ok_or(Illegal::NoRun {
        event: entry.event.kind(),
    })?;
    change_run(db, number, entry)
}

fn change_run(db: &Connection, number: i64, entry: &LogEntry<'_>) -> Result<(), ProjectionError> {
    let run = db
        .prepare_cached(
            "SELECT program, command, transport, pid, host, started_at, state, ended_at, ending,
                place FROM runs WHERE seq = ?1",
        )?
        .query_row([number], |row| {
            Ok(Run {
                begun: RunBegun {
                    program: row.get(0)?,
                    command: row.get(1)?,
                    transport: row.get(2)?,
                    pid: row.get(3)?,
                    host: row.get(4)?,
                    place: row.get(9)?,
                },
                began_at: moment(row, 5)?,
                state: word(row, 6, RunState::parse)?,
                ended_at: time(row, 7)?,
                ending: row.get(8)?,
            })
        })
        .optional()?
        .ok_or(Illegal::NoRun {
            event: entry.event.kind(),
        })?;
    let run = run.apply(entry.at, entry.event)?;
    db.prepare_cached("UPDATE runs SET state = ?2, ended_at = ?3, ending = ?4 WHERE seq = ?1")?
        .execute(params![
            number,
            run.state.word(),
            run.ended_at.map(Timestamp::as_millisecond),
            run.ending
        ])?;
    Ok(())
}

fn insert_run(db: &Connection, number: i64, run: &Run) -> rusqlite::Result<()> {
    let begun = &run.begun;
    db.prepare_cached("INSERT INTO runs VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)")?
        .execute(params![
            number,
            run.state.word(),
            begun.program,
            begun.command,
            begun.transport,
            begun.pid,
            begun.host,
            begun.place,
            run.began_at.as_millisecond(),
            run.ended_at.map(Timestamp::as_millisecond),
            run.ending,
        ])
        .map(drop)
}
