//! Whether the file is what its log says: each event fits to the one before it, and replaying all of
//! them gives every row of every table.

use std::collections::HashSet;

use jiff::Timestamp;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};

use super::compare::Comparison;
use super::create::fill;
use super::log::{Fields, beginning_of, event_of};
use super::projection::{LogEntry, Projection};
use super::schema::{FIRST_OF_EVENTS, parse_once};
use super::{LedgerError, LedgerView};
use crate::digest::{Sha256Digest, hex};
use crate::lifecycle::Event;

/// What a look through the log found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogCheck {
    /// Whether there is a log: files that an older program began have none until the next run.
    pub has_log: bool,
    /// How many events fit, from the first on.
    pub events: u64,
    /// The hash of the last of them, as 64 hexadecimal digits.
    pub last_hash: String,
    /// Letters that were settled before the log began, of which it cannot speak.
    pub before_the_log: u64,
    /// The event that has the hash that was written down before.
    pub written_down_at: Option<u64>,
    /// The first thing that does not fit.
    pub flaw: Option<Flaw>,
}

/// Something that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// The event's number.
    pub event: Option<u64>,
    /// The letter that it is about.
    pub letter: Option<String>,
    /// What is wrong.
    pub text: String,
}

impl Flaw {
    pub(super) fn new(event: Option<i64>, letter: Option<&str>, text: impl Into<String>) -> Self {
        Self {
            event: event.map(i64::unsigned_abs),
            letter: letter.map(str::to_owned),
            text: text.into(),
        }
    }
}

impl LedgerView {
    /// Replays the log and compares what follows from it with the file. `written_down` is a hash, or
    /// the beginning of one, that the log must have had.
    ///
    /// # Errors
    /// When the file cannot be read. A log that is not whole is no error, but what was asked for.
    pub fn check_log(&self, written_down: Option<&str>) -> Result<LogCheck, LedgerError> {
        let _still = self.snapshot()?;
        let wanted = written_down.map(str::to_ascii_lowercase);
        self.read(|db| Replay::beside(db, self.format)?.check(wanted.as_deref()))
    }
}

/// A file beside an empty one, into which its log is replayed.
struct Replay<'a> {
    file: &'a Connection,
    /// The format that the file has on the disk; one that is older was brought up to date in memory.
    format: i64,
    /// On the disk where it grows large, and gone when it is closed.
    empty: Connection,
    projection: Projection,
    /// The event from which on everything follows from the log.
    from: i64,
    /// Letters that were claimed, by events before that.
    known_before: HashSet<String>,
    check: LogCheck,
}

impl<'a> Replay<'a> {
    fn beside(file: &'a Connection, format: i64) -> rusqlite::Result<Self> {
        let empty = Connection::open("")?;
        parse_once(&empty)?;
        empty.execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -16000;")?;
        fill(&empty)?;
        Ok(Self {
            file,
            format,
            empty,
            projection: Projection::default(),
            from: 1,
            known_before: HashSet::new(),
            check: LogCheck {
                has_log: true,
                events: 0,
                last_hash: hex(&Sha256Digest::default()),
                before_the_log: 0,
                written_down_at: None,
                flaw: None,
            },
        })
    }

    fn check(mut self, wanted: Option<&str>) -> rusqlite::Result<LogCheck> {
        if self.format < 3 {
            self.check.has_log = false;
            self.check.last_hash = hex(&self.beginnings()?[0]);
            let text =
                "the file has no log: an older postroom made it, and the next run begins one";
            self.check.flaw = Some(Flaw::new(None, None, text));
            return Ok(self.check);
        }
        self.empty.execute_batch("BEGIN")?;
        let mut flaw = self.comparison().schema()?;
        match self.replay(wanted) {
            Ok(first) => flaw = first.or(flaw),
            // Where the tables are others, the log need not be there.
            Err(error) if flaw.is_none() => return Err(error),
            Err(_) => {}
        }
        if flaw.is_none() {
            flaw = self.comparison().tables()?;
        }
        if flaw.is_none() && wanted.is_some() && self.check.written_down_at.is_none() {
            let text = "no event has the hash that was written down: the log was written anew, or it \
                        is another file's";
            flaw = Some(Flaw::new(None, None, text));
        }
        self.check.flaw = flaw;
        Ok(self.check)
    }

    fn comparison(&self) -> Comparison<'_> {
        Comparison {
            file: self.file,
            expected: &self.empty,
        }
    }

    /// Follows the chain, and applies every event from the one on with which that can be done.
    fn replay(&mut self, wanted: Option<&str>) -> rusqlite::Result<Option<Flaw>> {
        let file = self.file;
        self.from = file.query_row(
            "SELECT coalesce(max(seq), 1) FROM events WHERE kind = 'upgraded'",
            [],
            |row| row.get(0),
        )?;
        let beginnings = self.beginnings()?;
        let mut before = beginnings[0];
        self.check.last_hash = hex(&before);
        let mut impossible = None;
        let mut statement =
            file.prepare("SELECT seq, at, kind, letter, run, body, hash FROM events ORDER BY seq")?;
        let mut rows = statement.query([])?;
        let mut next = 1;
        while let Some(row) = rows.next()? {
            let (fields, stored) = match fields_of(row) {
                Ok(fields) => fields,
                Err(column) => {
                    let text =
                        format!("event {next} cannot be read: its {column} is no such value");
                    return Ok(Some(Flaw::new(Some(next), None, text)));
                }
            };
            if next == 1 {
                let fits = |beginning: &&Sha256Digest| fields.hash(beginning) == stored;
                before = beginnings.iter().find(fits).copied().unwrap_or(before);
            }
            let hash = fields.hash(&before);
            let flaw = if fields.seq < next {
                Some(format!("event {} was put in", fields.seq))
            } else if fields.seq > next {
                Some(format!("event {next} is missing"))
            } else if stored != hash {
                Some(format!(
                    "event {next} does not fit: it, or one before it, was changed"
                ))
            } else {
                None
            };
            if let Some(text) = flaw {
                return Ok(Some(Flaw::new(Some(next), fields.letter, text)));
            }
            if impossible.is_none() {
                let flaw = self.apply(&fields);
                impossible = flaw.map(|text| Flaw::new(Some(next), fields.letter, text));
            }
            // What was added in memory to bring an older file up to date is not in the file.
            let is_stored = self.format >= FIRST_OF_EVENTS || fields.seq < self.from;
            if impossible.is_none() && is_stored {
                self.count(&hash, wanted);
            }
            (before, next) = (hash, next + 1);
        }
        // An event that was changed says more than what is not possible after it.
        Ok(impossible)
    }

    /// What the log can begin with: the batch that it names itself, or that the file names. Whether
    /// these are the same is seen with the tables.
    fn beginnings(&self) -> rusqlite::Result<[Sha256Digest; 2]> {
        let texts = |sql: &str| -> rusqlite::Result<Option<Vec<String>>> {
            let mut statement = self.file.prepare(sql)?;
            let mut rows = statement.query([])?;
            let Some(row) = rows.next()? else {
                return Ok(None);
            };
            // What is no text is no batch, and shows where it stands.
            let columns = 0..row.as_ref().column_count();
            Ok(columns.map(|column| row.get(column).ok()).collect())
        };
        let first = format!("SELECT kind, body FROM events WHERE seq = {}", self.from);
        let event = texts(&first)?.and_then(|first| event_of(&first[0], &first[1]).ok());
        let named = match event {
            Some(Event::Created { batch }) => batch,
            Some(Event::Upgraded(upgraded)) => upgraded.batch,
            _ => String::new(),
        };
        let of_file = texts("SELECT value FROM meta WHERE key = 'batch'")?;
        let of_file = of_file.map(|value| beginning_of(&value[0]));
        let named = beginning_of(&named);
        Ok([named, of_file.unwrap_or(named)])
    }

    fn count(&mut self, hash: &Sha256Digest, wanted: Option<&str>) {
        let check = &mut self.check;
        check.events += 1;
        check.last_hash = hex(hash);
        if wanted.is_some_and(|wanted| check.last_hash.starts_with(wanted)) {
            check.written_down_at = Some(check.events);
        }
    }

    /// Applies an event; gives what is wrong with it.
    fn apply(&mut self, fields: &Fields<'_>) -> Option<String> {
        let seq = fields.seq;
        if seq < self.from {
            if let ("claimed", Some(letter)) = (fields.kind, fields.letter) {
                self.known_before.insert(letter.to_owned());
            }
            return None;
        }
        let event = match event_of(fields.kind, fields.body) {
            Ok(event) => event,
            Err(error) => return Some(format!("event {seq} cannot be read: {error}")),
        };
        match &event {
            Event::Upgraded(upgraded) => {
                if let Some(flaw) = &upgraded.flaw {
                    let text = format!("before the file was brought up to date, {flaw}");
                    return Some(text);
                }
            }
            Event::CarriedOver(carried) => {
                let is_known = fields
                    .letter
                    .is_some_and(|id| self.known_before.contains(id));
                self.check.before_the_log += u64::from(!carried.attempts.is_empty() && !is_known);
            }
            Event::Created { .. } if seq > 1 => {
                return Some(format!("event {seq} cannot stand after others"));
            }
            _ => {}
        }
        let Ok(at) = Timestamp::from_millisecond(fields.at) else {
            return Some(format!("event {seq} has no moment that there can be"));
        };
        let entry = LogEntry {
            seq,
            at,
            letter: fields.letter,
            run: fields.run,
            event: &event,
        };
        self.projection
            .apply(&self.empty, &entry)
            .err()
            .map(|error| format!("event {seq} is not possible: {error}"))
    }
}

/// The fields of an event with the hash that stands beside them; the name of a column that has no
/// value of its kind.
fn fields_of<'a>(row: &'a Row<'_>) -> Result<(Fields<'a>, &'a [u8]), &'static str> {
    let value = |column| row.get_ref(column).unwrap_or(ValueRef::Null);
    let fields = Fields {
        seq: value(0).as_i64().map_err(|_| "seq")?,
        at: value(1).as_i64().map_err(|_| "at")?,
        kind: value(2).as_str().map_err(|_| "kind")?,
        letter: value(3).as_str_or_null().map_err(|_| "letter")?,
        run: value(4).as_i64_or_null().map_err(|_| "run")?,
        body: value(5).as_str().map_err(|_| "body")?,
    };
    Ok((fields, value(6).as_blob().map_err(|_| "hash")?))
}
