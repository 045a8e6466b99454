//! Making a new state file.

use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags};

use super::log::Log;
use super::place::{refuse_links, whole};
use super::projection::Projection;
use super::schema::{APPLICATION_ID, MAIL, PARTS, RESTS, SCHEMA, VERSION};
use super::{BatchIdentity, LedgerError};
use crate::durable::{self, beside, keep_rename};
use crate::lifecycle::Event;

/// Makes a new file under another name and puts it in place whole, so that a crash leaves either no
/// state file or a good one.
pub(super) fn create(
    path: &Path,
    identity: &BatchIdentity,
    at: Timestamp,
) -> Result<(), LedgerError> {
    let new = beside(path, ".new");
    refuse_links(&new)?;
    let make = || -> Result<(), Box<dyn std::error::Error>> {
        for leftover in [new.clone(), beside(&new, "-wal"), beside(&new, "-shm")] {
            if leftover.exists() {
                std::fs::remove_file(leftover)?;
            }
        }
        // SQLite gives what it keeps beside a file the rights of the file.
        durable::new_file(&new)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        let mut db = Connection::open_with_flags(whole(&new), flags)?;
        db.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")?;
        let transaction = db.transaction()?;
        fill(&transaction)?;
        let batch = identity.text();
        let created = Event::Created {
            batch: batch.clone(),
        };
        let mut projection = Projection::default();
        Log::begin(&transaction, &mut projection, &batch)?.append(at, None, &created)?;
        transaction.commit()?;
        // Closing moves the log into the file and removes it.
        db.close().map_err(|(_, error)| error)?;
        durable::flush(&new)?;
        std::fs::rename(&new, path)?;
        keep_rename(path)?;
        Ok(())
    };
    make().map_err(|error| LedgerError::storage(path, &*error))
}

/// Gives an empty file its tables and its header.
pub(super) fn fill(db: &Connection) -> rusqlite::Result<()> {
    db.execute_batch(SCHEMA)?;
    db.execute_batch(MAIL)?;
    db.execute_batch(RESTS)?;
    db.execute_batch(PARTS)?;
    mark(db)
}

/// Writes into the header which program's file it is, and of which format.
pub(super) fn mark(db: &Connection) -> rusqlite::Result<()> {
    db.execute_batch(&format!(
        "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION};"
    ))
}
