//! The log: what happened, in order, each event chained to the one before it by its hash.
//!
//! An event is written in the transaction of the change that it tells of, so that neither can be on
//! the disk without the other. Whoever changes a past event must change every hash after it: the log
//! is tamper-evident. It is not tamper-proof, since whoever can write the file can do just that.

use std::fmt::Write;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::event::Kind;
use super::{Ledger, LedgerError};

/// A SHA-256 hash.
pub(super) type Hash = [u8; 32];

/// Where the log ends: how many events it has, and the hash of the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogEnd {
    /// How many events.
    pub events: u64,
    /// The last hash. Written down elsewhere it proves later that nothing before it was changed.
    pub hash: [u8; 32],
}

/// The end of the log inside a transaction that adds to it.
pub(super) struct Log {
    seq: i64,
    hash: Hash,
    run: Option<i64>,
}

impl Log {
    /// Finds the end. A transaction asks anew: what was rolled back never was.
    pub fn end(db: &Connection, run: Option<i64>) -> rusqlite::Result<Self> {
        let last = db
            .prepare_cached("SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1")?
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let (seq, hash) = match last {
            Some(last) => last,
            None => (0, beginning(db)?),
        };
        Ok(Self { seq, hash, run })
    }

    pub fn append(
        &mut self,
        db: &Connection,
        at: Timestamp,
        kind: Kind,
        letter: Option<&str>,
        body: &impl Serialize,
    ) -> rusqlite::Result<()> {
        let body = serde_json::to_string(body)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        let fields = Fields {
            seq: self.seq + 1,
            at: at.as_millisecond(),
            kind: kind.word(),
            letter,
            run: self.run,
            body: &body,
        };
        let hash = fields.hash(&self.hash);
        db.prepare_cached(
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

    pub fn reached(&self) -> LogEnd {
        LogEnd {
            events: self.seq.unsigned_abs(),
            hash: self.hash,
        }
    }
}

/// What the first event is chained to: the log of one batch cannot be put into the file of another.
pub(super) fn beginning(db: &Connection) -> rusqlite::Result<Hash> {
    let batch: String = db.query_row("SELECT value FROM meta WHERE key = 'batch'", [], |row| {
        row.get(0)
    })?;
    Ok(digest(&[b"postroom log 1", batch.as_bytes()]))
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
    pub fn hash(&self, before: &Hash) -> Hash {
        let run = self.run.map(i64::to_be_bytes);
        digest(&[
            before,
            &self.seq.to_be_bytes(),
            &self.at.to_be_bytes(),
            self.kind.as_bytes(),
            // No letter is not a letter without a name.
            &[u8::from(self.letter.is_some())],
            self.letter.unwrap_or_default().as_bytes(),
            run.as_ref().map_or(&[], |run| run.as_slice()),
            self.body.as_bytes(),
        ])
    }
}

/// What a letter's row says of who gets what. A claim fixes it, so that the row of a letter that
/// went out cannot be changed without the log showing it.
pub(super) fn record_digest(message_id: &str, addresses: &str, attachments: &str) -> String {
    let hash = digest(&[
        message_id.as_bytes(),
        addresses.as_bytes(),
        attachments.as_bytes(),
    ]);
    hex(&hash)
}

/// Each part goes in with its length, so that no two lists differ only by where a part ends.
fn digest(parts: &[&[u8]]) -> Hash {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
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

impl Ledger {
    /// Where the log ends; none in a file of an older format.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn log_end(&self) -> Result<Option<LogEnd>, LedgerError> {
        self.has_log()
            .and_then(|has| has.then(|| Log::end(&self.db, None)).transpose())
            .map(|end| end.map(|log| log.reached()))
            .map_err(|error| LedgerError::of(&self.path, &error))
    }

    /// Files that an older program began have none until the next run.
    pub(super) fn has_log(&self) -> rusqlite::Result<bool> {
        self.db.query_row(
            "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'events')",
            [],
            |row| row.get(0),
        )
    }
}
