//! Tables and versions.

use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior};

use super::event::{EarlierHistory, Kind};
use super::log::Log;

/// "post" in the file's header, by which SQLite files are told apart (`PRAGMA application_id`).
pub(super) const APPLICATION_ID: i64 = 0x706f_7374;

/// The format that this program writes (`PRAGMA user_version`). It is raised when an older program
/// could misread the file; older formats are brought up to date when the file is opened for a run.
pub(super) const VERSION: i64 = 3;

/// The first format with a log of events.
const FIRST_WITH_LOG: i64 = 3;

/// Times are milliseconds since 1970, UTC.
pub(super) const TABLES: &str = "
CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE letters (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    -- Place in the manifest; none when the manifest no longer has the recipient.
    position INTEGER,
    -- The letter as the current plan has it.
    digest BLOB NOT NULL,
    state TEXT NOT NULL CHECK
        (state IN ('pending', 'claimed', 'accepted', 'rejected', 'in_doubt', 'withdrawn')),
    message_id TEXT NOT NULL,
    addresses TEXT NOT NULL,
    attachments TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    accepted_at INTEGER,
    receipt TEXT,
    refused TEXT,
    error_code TEXT,
    error_text TEXT
);
CREATE INDEX letters_by_state ON letters (state, position);

CREATE TABLE attempts (
    seq INTEGER PRIMARY KEY,
    letter INTEGER NOT NULL REFERENCES letters (seq),
    run INTEGER REFERENCES runs (seq),
    message_id TEXT NOT NULL,
    claimed_at INTEGER NOT NULL,
    settled_at INTEGER,
    bytes INTEGER NOT NULL,
    addresses INTEGER NOT NULL,
    -- accepted, rejected, in_doubt, not_taken or resolved; none while in flight.
    outcome TEXT,
    code TEXT,
    text TEXT,
    -- Names the attempt to the far side (client-request-id).
    trace TEXT,
    -- The far side's names of the requests that it answered, with blanks between them.
    request_ids TEXT,
    -- What the transport wrote down while it had the letter in hand.
    note TEXT
);
CREATE INDEX attempts_by_time ON attempts (claimed_at);
CREATE INDEX attempts_by_letter ON attempts (letter);

CREATE TABLE runs (
    seq INTEGER PRIMARY KEY,
    program TEXT NOT NULL,
    command TEXT NOT NULL,
    transport TEXT NOT NULL,
    pid INTEGER NOT NULL,
    host TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    ending TEXT
);
";

/// The log. Its events are added and never changed, which keeps mistakes out; their hashes show what
/// is done on purpose.
pub(super) const EVENTS: &str = "
CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    -- The recipient, for events of one letter.
    letter TEXT,
    run INTEGER REFERENCES runs (seq),
    -- JSON.
    body TEXT NOT NULL,
    -- SHA-256 over the hash before and all that stands here.
    hash BLOB NOT NULL
);
CREATE TRIGGER events_stay BEFORE UPDATE ON events
BEGIN SELECT raise(ABORT, 'the log is only added to'); END;
CREATE TRIGGER events_are_kept BEFORE DELETE ON events
BEGIN SELECT raise(ABORT, 'the log is only added to'); END;
";

/// What brings a file to the next format, from the first on.
const STEPS: [&str; 2] = [
    "
ALTER TABLE attempts ADD COLUMN trace TEXT;
ALTER TABLE attempts ADD COLUMN request_ids TEXT;
ALTER TABLE attempts ADD COLUMN note TEXT;
",
    EVENTS,
];

/// Brings a file of an older format up to date, in one step that is done or not.
pub(super) fn bring_up_to_date(db: &mut Connection, at: Timestamp) -> rusqlite::Result<()> {
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if found >= VERSION {
        return Ok(());
    }
    let done = usize::try_from(found - 1).unwrap_or_default();
    for step in STEPS.iter().skip(done) {
        transaction.execute_batch(step)?;
    }
    if found < FIRST_WITH_LOG {
        let begins = EarlierHistory {
            text: "history before this log is not in it".into(),
            format: found,
        };
        let mut log = Log::end(&transaction, None)?;
        log.append(&transaction, at, Kind::EarlierHistory, None, &begins)?;
    }
    transaction.execute_batch(&format!("PRAGMA user_version = {VERSION};"))?;
    transaction.commit()
}
