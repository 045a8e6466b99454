//! Making a new state file.

use std::fs::File;
use std::path::Path;

use rusqlite::Connection;

use super::schema::{APPLICATION_ID, EVENTS, TABLES, VERSION};
use super::{Identity, LedgerError};
use crate::durable::{beside, keep_rename};

/// Makes a new file under another name and puts it in place whole, so that a crash leaves either no
/// state file or a good one.
pub(super) fn create(path: &Path, identity: &Identity) -> Result<(), LedgerError> {
    let new = beside(path, ".new");
    let make = || -> Result<(), Box<dyn std::error::Error>> {
        for leftover in [new.clone(), beside(&new, "-wal"), beside(&new, "-shm")] {
            if leftover.exists() {
                std::fs::remove_file(leftover)?;
            }
        }
        let mut db = Connection::open(&new)?;
        db.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")?;
        let transaction = db.transaction()?;
        transaction.execute_batch(TABLES)?;
        transaction.execute_batch(EVENTS)?;
        transaction.execute("INSERT INTO meta VALUES ('batch', ?1)", [identity.text()])?;
        transaction.execute_batch(&format!(
            "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION};"
        ))?;
        transaction.commit()?;
        // Closing moves the log into the file and removes it.
        db.close().map_err(|(_, error)| error)?;
        File::open(&new)?.sync_all()?;
        std::fs::rename(&new, path)?;
        keep_rename(path)?;
        Ok(())
    };
    make().map_err(|error| LedgerError::storage(path, &*error))
}
