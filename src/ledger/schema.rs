//! Tables and their version.

use rusqlite::Connection;
use rusqlite::config::DbConfig;

/// "post" in the file's header, by which SQLite files are recognised (`PRAGMA application_id`).
pub(super) const APPLICATION_ID: i64 = 0x706f_7374;

/// The format that this program writes (`PRAGMA user_version`). It is raised when an older program
/// could misread the file; older formats are brought up to date when the file is opened for a run.
pub(super) const VERSION: i64 = 7;

/// The first format in which all tables follow from the log.
pub(super) const FIRST_OF_EVENTS: i64 = 4;

/// The first format that keeps mail about letters.
pub(super) const FIRST_WITH_MAIL: i64 = 5;

/// The first format whose letters may go out in parts, the rest after what the server took.
pub(super) const FIRST_WITH_RESTS: i64 = 6;

/// The first format that keeps what messages are made of.
pub(super) const FIRST_WITH_PARTS: i64 = 7;

/// How many prepared statements a connection keeps: all that an event can need.
const STATEMENTS: usize = 64;

/// Lets a connection parse each statement once. Without the second setting SQLite would plan queries
/// anew whenever other values are bound, which is for every letter (SQLite, "Database Connection
/// Configuration Options", `SQLITE_DBCONFIG_ENABLE_QPSG`).
pub(super) fn parse_once(db: &Connection) -> rusqlite::Result<()> {
    db.set_prepared_statement_cache_capacity(STATEMENTS);
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map(drop)
}

/// The log, then the tables that follow from it. Times are milliseconds since 1970, UTC.
///
/// Events are added and never changed, which the triggers keep mistakes from doing; the hashes show
/// what is done on purpose.
pub(super) const SCHEMA: &str = "
CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    -- The recipient, for events of one letter.
    letter TEXT,
    run INTEGER,
    -- JSON.
    body TEXT NOT NULL,
    -- SHA-256 over the hash before and all that stands here.
    hash BLOB NOT NULL
);
CREATE TRIGGER events_stay BEFORE UPDATE ON events
BEGIN SELECT raise(ABORT, 'the log is only added to'); END;
CREATE TRIGGER events_are_kept BEFORE DELETE ON events
BEGIN SELECT raise(ABORT, 'the log is only added to'); END;

CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE letters (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    -- Place in the manifest; none when the manifest no longer has the recipient.
    position INTEGER,
    state TEXT NOT NULL,
    -- The letter as the list has it.
    digest BLOB NOT NULL,
    -- The message that the list asks for, as JSON, where the last sending carries another.
    planned TEXT,
    -- How many of its addresses it was written to without reaching them.
    open INTEGER NOT NULL,
    error_code TEXT,
    error_text TEXT
);
CREATE INDEX letters_by_state ON letters (state, position);

CREATE TABLE sendings (
    letter INTEGER NOT NULL,
    number INTEGER NOT NULL,
    message_id TEXT NOT NULL,
    digest BLOB NOT NULL,
    -- The letter to all its addresses; none where that is the message itself.
    made_from BLOB,
    addresses TEXT NOT NULL,
    attachments TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    accepted_at INTEGER,
    receipt TEXT,
    because TEXT,
    -- Whether it goes also to addresses that have the letter.
    to_all INTEGER NOT NULL,
    PRIMARY KEY (letter, number)
) WITHOUT ROWID;

-- Addresses whose fate is not that of their sending.
CREATE TABLE addresses (
    letter INTEGER NOT NULL,
    sending INTEGER NOT NULL,
    number INTEGER NOT NULL,
    address TEXT NOT NULL,
    state TEXT NOT NULL,
    refusal_code TEXT,
    refusal TEXT,
    outcome TEXT,
    hard INTEGER,
    reason TEXT,
    code TEXT,
    text TEXT,
    at INTEGER,
    evidence TEXT,
    PRIMARY KEY (letter, sending, number)
) WITHOUT ROWID;

CREATE TABLE attempts (
    seq INTEGER PRIMARY KEY,
    letter INTEGER NOT NULL,
    sending INTEGER NOT NULL,
    run INTEGER,
    claimed_at INTEGER NOT NULL,
    settled_at INTEGER,
    bytes INTEGER NOT NULL,
    addresses INTEGER NOT NULL,
    outcome TEXT,
    code TEXT,
    text TEXT,
    -- Names the attempt to the server (client-request-id).
    trace TEXT,
    -- The server's names of the requests that it answered, with blanks between them.
    request_ids TEXT,
    -- What the transport wrote down while it had the message in hand.
    note TEXT
);
CREATE INDEX attempts_by_time ON attempts (claimed_at);
CREATE INDEX attempts_by_letter ON attempts (letter);

CREATE TABLE runs (
    seq INTEGER PRIMARY KEY,
    state TEXT NOT NULL,
    program TEXT NOT NULL,
    command TEXT NOT NULL,
    transport TEXT NOT NULL,
    pid INTEGER NOT NULL,
    host TEXT NOT NULL,
    -- Where the file lay.
    place TEXT,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    ending TEXT
);

CREATE TABLE waits (
    -- Its event, or its place among those of an older file.
    seq INTEGER PRIMARY KEY,
    run INTEGER,
    at INTEGER NOT NULL,
    milliseconds INTEGER NOT NULL
);
";

/// What format 5 has beside those of format 4: mail about letters, but for what an address has become
/// by it.
pub(super) const MAIL: &str = "
CREATE TABLE mail (
    letter INTEGER NOT NULL,
    number INTEGER NOT NULL,
    -- JSON.
    mail TEXT NOT NULL,
    PRIMARY KEY (letter, number)
) WITHOUT ROWID;
";

/// What format 6 has beside those of format 5.
pub(super) const RESTS: &str = "
-- Whether it goes to the addresses for which the server did not take the message before.
ALTER TABLE sendings ADD COLUMN rest INTEGER NOT NULL DEFAULT 0;
";

/// What format 7 has beside those of format 6.
pub(super) const PARTS: &str = "
-- What the message is made of, as JSON; none where an older program planned it.
ALTER TABLE sendings ADD COLUMN parts TEXT;
";

/// The tables that follow from the log, each with what its rows are ordered by.
pub(super) const PROJECTIONS: [(&str, &str); 8] = [
    ("meta", "key"),
    ("letters", "seq"),
    ("sendings", "letter, number"),
    ("addresses", "letter, sending, number"),
    ("attempts", "seq"),
    ("runs", "seq"),
    ("waits", "seq"),
    ("mail", "letter, number"),
];
