//! Opening: one writer, the right batch, whole contents, a known format.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, OptionalExtension, TransactionBehavior};

use super::schema::{APPLICATION_ID, EVENTS, TABLES, VERSION, bring_up_to_date};
use super::{Ledger, LedgerError};
use crate::durable::{beside, keep_rename};

/// Which batch a state file belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The batch's name.
    pub batch: String,
    /// What its letters were accepted by.
    pub kind: Kind,
}

/// What a state file tells about. A file of one kind is never taken for another: a letter in a
/// folder or a rehearsal has not been sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Mail that leaves the machine.
    Mail,
    /// Files in the outbox folder.
    Outbox,
    /// A rehearsal.
    Rehearsal,
}

impl Identity {
    fn text(&self) -> String {
        match self.kind {
            Kind::Mail => self.batch.clone(),
            Kind::Outbox => format!("{} (outbox)", self.batch),
            Kind::Rehearsal => format!("{} (rehearsal)", self.batch),
        }
    }
}

/// Who works with the file, for a second run to be told.
#[derive(Clone, Debug)]
pub struct Holder {
    /// The verb.
    pub command: String,
    /// The way out and its far side, by which a look-up knows whether it looks in the right place.
    pub transport: String,
    /// The process.
    pub pid: u32,
    /// The machine.
    pub host: String,
    /// When it began.
    pub started: Timestamp,
}

impl Ledger {
    /// Opens the state file to work with it, and makes it if there is none. Letters that an earlier
    /// run claimed and did not settle are in doubt from here on.
    ///
    /// # Errors
    /// When another run holds it, or it cannot be trusted.
    pub fn open(path: &Path, identity: &Identity, holder: &Holder) -> Result<Self, LedgerError> {
        let lock = lock(path)?;
        if !path
            .try_exists()
            .map_err(|error| LedgerError::storage(path, &error))?
        {
            create(path, identity)?;
        }
        let mut ledger = Self::connect(path, identity, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        ledger.lock = Some(lock);
        // Not before the lock is held: an older program that works with the file must not find it
        // changed.
        bring_up_to_date(&mut ledger.db, holder.started)
            .map_err(|error| LedgerError::of(path, &error))?;
        ledger.begin_run(holder)?;
        Ok(ledger)
    }

    /// Opens the state file to look at it, also while a run works with it.
    ///
    /// # Errors
    /// When there is none, or it cannot be trusted.
    pub fn read(path: &Path, identity: &Identity) -> Result<Self, LedgerError> {
        if !path.exists() {
            return Err(LedgerError::Missing {
                path: path.to_owned(),
            });
        }
        // Reading in write-ahead mode needs the right to write; a read-only copy is read as it is.
        let mut ledger = Self::connect(path, identity, OpenFlags::SQLITE_OPEN_READ_WRITE)
            .or_else(|_| Self::connect(path, identity, OpenFlags::SQLITE_OPEN_READ_ONLY))?;
        // The lock is tried only where its answer matters: a run that starts at the same moment
        // must not find it taken.
        if ledger.has_claims()? {
            ledger.in_use = matches!(lock(path), Err(LedgerError::Held { .. }));
        }
        Ok(ledger)
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn connect(path: &Path, identity: &Identity, flags: OpenFlags) -> Result<Self, LedgerError> {
        let of = |error: rusqlite::Error| LedgerError::of(path, &error);
        let size = path
            .metadata()
            .map_err(|error| LedgerError::storage(path, &error))?
            .len();
        if size == 0 {
            // SQLite would take an empty file for a new one, and everything would go out again.
            return Err(LedgerError::Damaged {
                path: path.to_owned(),
                detail: "it is empty".into(),
            });
        }
        let mut db = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .map_err(of)?;
        if flags.contains(OpenFlags::SQLITE_OPEN_READ_WRITE) {
            // One that begins by reading fails at once where another program, such as a viewer of
            // such files, has the write lock; one that begins by taking it waits its turn.
            db.set_transaction_behavior(TransactionBehavior::Immediate);
        }
        let pragma =
            |name: &str| db.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i64>(0));
        if pragma("application_id").map_err(of)? != APPLICATION_ID {
            return Err(LedgerError::Foreign {
                path: path.to_owned(),
            });
        }
        let found = pragma("user_version").map_err(of)?;
        if found > VERSION {
            return Err(LedgerError::Newer {
                path: path.to_owned(),
                found,
                known: VERSION,
            });
        }
        db.execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")
            .map_err(of)?;
        let check: String = db
            .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
            .map_err(of)?;
        if check != "ok" {
            return Err(LedgerError::Damaged {
                path: path.to_owned(),
                detail: check,
            });
        }
        let batch: String = db
            .query_row("SELECT value FROM meta WHERE key = 'batch'", [], |row| {
                row.get(0)
            })
            .map_err(of)?;
        if batch != identity.text() {
            return Err(LedgerError::OtherBatch {
                path: path.to_owned(),
                found: batch,
                wanted: identity.text(),
            });
        }
        Ok(Self {
            db,
            path: path.to_owned(),
            lock: None,
            run: None,
            began: Timestamp::UNIX_EPOCH,
            waits: Vec::new(),
            in_use: false,
        })
    }

    fn has_claims(&self) -> Result<bool, LedgerError> {
        self.db
            .query_row(
                "SELECT EXISTS (SELECT 1 FROM letters WHERE state = 'claimed')",
                [],
                |row| row.get(0),
            )
            .map_err(|error| LedgerError::of(&self.path, &error))
    }
}

/// Takes the lock that keeps a second run out. It goes with the process, however that ends.
fn lock(path: &Path) -> Result<File, LedgerError> {
    let file = OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(false)
        .open(beside(path, ".lock"))
        .map_err(|error| LedgerError::storage(path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(LedgerError::Held {
            path: path.to_owned(),
            holder: holder(path).unwrap_or_else(|| "a run that is just starting".into()),
        }),
        Err(TryLockError::Error(error)) => Err(LedgerError::storage(path, &error)),
    }
}

fn holder(path: &Path) -> Option<String> {
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).ok()?;
    db.query_row(
        "SELECT command, pid, host, started_at FROM runs ORDER BY seq DESC LIMIT 1",
        [],
        |row| {
            let started = Timestamp::from_millisecond(row.get(3)?).unwrap_or(Timestamp::UNIX_EPOCH);
            Ok(format!(
                "`postroom {}`, process {} on {}, since {}",
                row.get::<_, String>(0)?,
                row.get::<_, i64>(1)?,
                row.get::<_, String>(2)?,
                started.strftime("%Y-%m-%d %H:%M:%S UTC")
            ))
        },
    )
    .optional()
    .ok()?
}

/// Makes a new file under another name and puts it in place whole, so that a crash leaves either no
/// state file or a good one.
fn create(path: &Path, identity: &Identity) -> Result<(), LedgerError> {
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
