//! The log: what happened, in order, each event chained to the one before it by its hash.
//!
//! An event is written in the transaction of the change that it makes, so that neither can be on the
//! disk without the other. Whoever changes a past event must change every hash after it: the log is
//! tamper-evident. It is not tamper-proof, since whoever can write the file can do just that.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::projection::{LogEntry, Projection, ProjectionError};
use super::{Ledger, LedgerError, LedgerView};
use crate::digest::{Parts, Sha256Digest, hex};
use crate::lifecycle::Event;

/// Where the log ends: how many events it has, and the hash of the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogEnd {
    /// How many events.
    pub events: u64,
    /// The last hash. Written down elsewhere it proves later that nothing before it was changed.
    pub hash: Sha256Digest,
}

/// The end of the log inside a transaction that appends to it.
pub(super) struct Log<'a> {
    db: &'a Connection,
    projection: &'a mut Projection,
    seq: i64,
    hash: Sha256Digest,
    run: Option<i64>,
}

impl<'a> Log<'a> {
    /// Finds the end. A transaction asks anew: what was rolled back never was.
    pub(super) fn end(
        db: &'a Connection,
        projection: &'a mut Projection,
        run: Option<i64>,
    ) -> rusqlite::Result<Self> {
        let (seq, hash) = match last(db)? {
            Some(last) => last,
            None => (0, beginning(db)?),
        };
        Ok(Self {
            db,
            projection,
            seq,
            hash,
            run,
        })
    }

    /// The end in a file that is being made or brought up to date, whose batch is not in its tables
    /// yet: the chain begins with it.
    pub(super) fn begin(
        db: &'a Connection,
        projection: &'a mut Projection,
        batch: &str,
    ) -> rusqlite::Result<Self> {
        let (seq, hash) = last(db)?.unwrap_or((0, beginning_of(batch)));
        Ok(Self {
            db,
            projection,
            seq,
            hash,
            run: None,
        })
    }

    /// Appends an event and applies it to the tables.
    pub(super) fn append(
        &mut self,
        at: Timestamp,
        letter: Option<&str>,
        event: &Event,
    ) -> Result<(), ProjectionError> {
        let entry = LogEntry {
            seq: self.seq + 1,
            at,
            letter,
            run: self.run,
            event,
        };
        self.projection.apply(self.db, &entry)?;
        let text = to_json(event)?;
        let Tagged { kind, body } = from_json(&text)?;
        let fields = Fields {
            seq: entry.seq,
            at: at.as_millisecond(),
            kind,
            letter,
            run: self.run,
            body: body.get(),
        };
        let hash = fields.hash(&self.hash);
        self.db
            .prepare_cached(
                "INSERT INTO events (seq, at, kind, letter, run, body, hash)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                fields.seq,
                fields.at,
                fields.kind,
                fields.letter,
                fields.run,
                fields.body,
                hash
            ])?;
        (self.seq, self.hash) = (fields.seq, hash);
        Ok(())
    }

    pub(super) fn db(&self) -> &'a Connection {
        self.db
    }

    pub(super) fn projection(&self) -> &Projection {
        self.projection
    }

    pub(super) fn reached(&self) -> LogEnd {
        LogEnd {
            events: self.seq.unsigned_abs(),
            hash: self.hash,
        }
    }
}

/// An event as serde writes it, with its body as it stands in the log.
#[derive(Serialize, Deserialize)]
struct Tagged<'a> {
    kind: &'a str,
    #[serde(borrow)]
    body: &'a RawValue,
}

fn to_json(value: &impl Serialize) -> rusqlite::Result<String> {
    super::rows::to_json(value)
}

fn from_json<'a, T: Deserialize<'a>>(text: &'a str) -> rusqlite::Result<T> {
    serde_json::from_str(text)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

/// The event of a row of the log, or why it is none.
pub(super) fn event_of(kind: &str, body: &str) -> Result<Event, serde_json::Error> {
    let body: &RawValue = serde_json::from_str(body)?;
    serde_json::from_str(&serde_json::to_string(&Tagged { kind, body })?)
}

fn last(db: &Connection) -> rusqlite::Result<Option<(i64, Sha256Digest)>> {
    db.prepare_cached("SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
}

/// What the first event is chained to: the log of one batch cannot be put into the file of another.
fn beginning(db: &Connection) -> rusqlite::Result<Sha256Digest> {
    let batch: String = db.query_row("SELECT value FROM meta WHERE key = 'batch'", [], |row| {
        row.get(0)
    })?;
    Ok(beginning_of(&batch))
}

/// The same for a batch.
pub(super) fn beginning_of(batch: &str) -> Sha256Digest {
    let mut parts = Parts::of("postroom log 1");
    parts.add(batch.as_bytes());
    parts.finish()
}

/// The fields of an event that its hash covers.
pub(super) struct Fields<'a> {
    pub seq: i64,
    pub at: i64,
    pub kind: &'a str,
    pub letter: Option<&'a str>,
    pub run: Option<i64>,
    pub body: &'a str,
}

impl Fields<'_> {
    pub(super) fn hash(&self, before: &Sha256Digest) -> Sha256Digest {
        let run = self.run.map(i64::to_be_bytes);
        let mut parts = Parts::default();
        parts
            .add(before)
            .add(&self.seq.to_be_bytes())
            .add(&self.at.to_be_bytes())
            .add(self.kind.as_bytes())
            // No letter is not a letter without a name.
            .add(&[u8::from(self.letter.is_some())])
            .add(self.letter.unwrap_or_default().as_bytes())
            .add(run.as_ref().map_or(&[], |run| run.as_slice()))
            .add(self.body.as_bytes());
        parts.finish()
    }
}

impl LogEnd {
    /// The hash as 64 hexadecimal digits.
    #[must_use]
    pub fn digits(&self) -> String {
        hex(&self.hash)
    }

    /// The beginning of the hash, as people write it down.
    #[must_use]
    pub fn short(&self) -> String {
        hex(&self.hash[..8])
    }
}

impl LedgerView {
    /// Where the log ends; none in a file that is empty of events.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn log_end(&self) -> Result<Option<LogEnd>, LedgerError> {
        let last = self.read(last)?;
        Ok(last.map(|(seq, hash)| LogEnd {
            events: seq.unsigned_abs(),
            hash,
        }))
    }
}

impl Ledger {
    /// Appends events in one commit, which is on the disk when this returns.
    pub(super) fn append<T>(
        &mut self,
        events: impl FnOnce(&mut Log<'_>) -> Result<T, ProjectionError>,
    ) -> Result<T, LedgerError> {
        let append = || -> Result<T, ProjectionError> {
            let transaction = self.view.db.transaction()?;
            self.projection.follow(&transaction)?;
            let mut log = Log::end(&transaction, &mut self.projection, Some(self.run))?;
            let appended = events(&mut log)?;
            transaction.commit()?;
            Ok(appended)
        };
        append().map_err(|error| {
            self.projection.forget();
            LedgerError::of_projection(&self.view.path, error)
        })
    }
}
