//! Opening: one writer, the right batch, whole contents, a known format.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::append::begin_run;
use super::create::create;
use super::file_identity::FileIdentity;
use super::lock::{Lock, marked_beside};
use super::place::{refuse_links, refuse_others, whole};
use super::projection::{Projection, ProjectionError};
use super::schema::{
    APPLICATION_ID, FIRST_OF_EVENTS, FIRST_WITH_MAIL, FIRST_WITH_PARTS, FIRST_WITH_RESTS, VERSION,
    parse_once,
};
use super::upgrade::upgrade;
use super::{Ledger, LedgerError, LedgerView, network};
use crate::durable::{beside, keep_rename};

/// Which batch a state file belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchIdentity {
    /// The batch's name.
    pub batch: String,
    /// What its letters were accepted by.
    pub kind: LedgerKind,
}

/// What a state file is about. A file of one kind is never taken for another: a letter in a
/// folder or a rehearsal has not been sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LedgerKind {
    /// Mail that leaves the machine.
    Mail,
    /// Files in the outbox folder.
    Outbox,
    /// A rehearsal.
    Rehearsal,
}

impl BatchIdentity {
    pub(super) fn text(&self) -> String {
        match self.kind {
            LedgerKind::Mail => self.batch.clone(),
            LedgerKind::Outbox => format!("{} (outbox)", self.batch),
            LedgerKind::Rehearsal => format!("{} (rehearsal)", self.batch),
        }
    }
}

/// Who works with the file, which a second run names.
#[derive(Clone, Debug)]
pub struct Holder {
    /// The verb.
    pub command: String,
    /// The transport and its server, by which a look-up knows whether it looks in the right place.
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
    pub fn open(
        path: &Path,
        identity: &BatchIdentity,
        holder: &Holder,
    ) -> Result<Self, LedgerError> {
        network::refuse(path)?;
        refuse_links(path)?;
        refuse_others(path)?;
        let mut lock = Lock::take(path)?;
        if is_missing(path)? {
            if lock.marked() > 0 || has_log(path) {
                return Err(LedgerError::Gone {
                    path: path.to_owned(),
                });
            }
            lock.make_room(path)?;
            create(path, identity, holder.started)?;
        }
        let mut view = LedgerView::connect(path, identity, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        view.check_contents()?;
        view.is_not_older(lock.marked())?;
        lock.make_room(path)?;
        let of = |error| LedgerError::of_projection(path, error);
        // Not before the lock is held: an older program that works with the file must not find it
        // changed.
        upgrade(&mut view.db, holder.started).map_err(of)?;
        view.format = VERSION;
        let mut projection = Projection::default();
        let run = begin_run(&mut view.db, &mut projection, holder, path).map_err(of)?;
        view.claims_are_in_flight = true;
        let place = FileIdentity::of(path, &lock.file)
            .map_err(|error| LedgerError::storage(path, &error))?;
        Ok(Self {
            view,
            projection,
            lock,
            place,
            is_marked: identity.kind != LedgerKind::Rehearsal,
            run,
            began: holder.started,
            waits: Vec::new(),
        })
    }

    /// Forgets that letters went out from a state file that is gone, or of which only an older copy
    /// is left, so that the batch can go on without it. Says whether there was anything to forget.
    ///
    /// # Errors
    /// When another run holds it, or it cannot be trusted.
    pub fn accept_loss(path: &Path, identity: &BatchIdentity) -> Result<bool, LedgerError> {
        refuse_links(path)?;
        refuse_others(path)?;
        let mut lock = Lock::take(path)?;
        if is_missing(path)? {
            if lock.marked() == 0 && !has_log(path) {
                return Ok(false);
            }
            // SQLite would take the log of the lost file for that of the new one.
            for stray in [beside(path, "-wal"), beside(path, "-shm")] {
                match std::fs::remove_file(&stray) {
                    Err(error) if error.kind() != ErrorKind::NotFound => {
                        return Err(LedgerError::storage(path, &error));
                    }
                    _ => {}
                }
            }
        } else {
            let view = LedgerView::connect(path, identity, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
            view.check_contents()?;
            if view.is_not_older(lock.marked()).is_ok() {
                return Ok(false);
            }
        }
        lock.mark(path, 0)?;
        Ok(true)
    }
}

impl Ledger {
    /// Gives the state file of a practice another name, with the time in it, so that the next run makes a
    /// new one. Says which, if there was one.
    ///
    /// # Errors
    /// When another run holds it, it is of another batch, or it cannot be renamed.
    pub fn set_aside(
        path: &Path,
        identity: &BatchIdentity,
        time: &str,
    ) -> Result<Option<PathBuf>, LedgerError> {
        refuse_links(path)?;
        refuse_others(path)?;
        let mut lock = Lock::take(path)?;
        let mut aside = None;
        if !is_missing(path)? {
            let storage = |error: std::io::Error| LedgerError::storage(path, &error);
            let view = LedgerView::connect(path, identity, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
            // The newest part may still be in the log beside it, which keeps its name.
            let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
            view.db
                .query_row(checkpoint, [], |_| Ok(()))
                .map_err(|error| LedgerError::of(path, &error))?;
            drop(view);
            let renamed = beside(path, &format!(".{time}"));
            if renamed.exists() {
                return Err(storage(ErrorKind::AlreadyExists.into()));
            }
            std::fs::rename(path, &renamed)
                .and_then(|()| keep_rename(&renamed))
                .map_err(storage)?;
            aside = Some(renamed);
        }
        lock.mark(path, 0)?;
        Ok(aside)
    }
}

impl LedgerView {
    /// Opens the state file to look at it, also while a run works with it.
    ///
    /// # Errors
    /// When there is none, or it cannot be trusted.
    pub fn open(path: &Path, identity: &BatchIdentity) -> Result<Self, LedgerError> {
        // Before the file: a run that begins meanwhile writes its mark last.
        let marked = marked_beside(path);
        if is_missing(path)? {
            return Err(missing(path, marked));
        }
        // Reading in write-ahead mode needs the right to write; a read-only copy is read as it is. In a
        // folder that takes no further file, SQLite must know that nobody changes it.
        let mut view = Self::connect(path, identity, OpenFlags::SQLITE_OPEN_READ_WRITE)
            .or_else(|_| Self::connect(path, identity, OpenFlags::SQLITE_OPEN_READ_ONLY))
            .or_else(|error| {
                if has_log(path) {
                    // Its newest part could not be read.
                    Err(error)
                } else {
                    Self::connect(path, identity, UNCHANGED)
                }
            })?;
        view.check_contents()?;
        view.is_not_older(marked)?;
        // The lock is tried only where its answer matters: a run that starts at the same moment
        // must not find it taken.
        if view.has_claims()? {
            view.claims_are_in_flight = matches!(Lock::take(path), Err(LedgerError::Held { .. }));
        }
        view.up_to_date()
    }

    /// Opens the state file of whichever batch it is, to look at it.
    ///
    /// # Errors
    /// As those of [`LedgerView::open`].
    pub fn open_any(path: &Path) -> Result<Self, LedgerError> {
        Self::connect_any(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
            .and_then(|(view, _)| view.up_to_date())
    }

    /// Opens the state file for a first look by who then opens it for a run: that its contents are
    /// whole, which takes the longer the larger it is, is seen to then.
    ///
    /// # Errors
    /// As those of [`LedgerView::open`].
    pub fn glance(path: &Path, identity: &BatchIdentity) -> Result<Self, LedgerError> {
        let marked = marked_beside(path);
        if is_missing(path)? {
            return Err(missing(path, marked));
        }
        let view = Self::connect(path, identity, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        view.is_not_older(marked)?;
        view.up_to_date()
    }

    /// A file of an older format as one of this format, made in memory: looking at it changes nothing.
    fn up_to_date(self) -> Result<Self, LedgerError> {
        if self.format == VERSION {
            return Ok(self);
        }
        let copy = || -> Result<Connection, ProjectionError> {
            let mut copy = Connection::open_in_memory()?;
            let pages = Backup::new(&self.db, &mut copy)?;
            while pages.step(-1)? != StepResult::Done {}
            drop(pages);
            upgrade(&mut copy, Timestamp::UNIX_EPOCH)?;
            Ok(copy)
        };
        let db = copy().map_err(|error| LedgerError::of_projection(&self.path, error))?;
        Ok(Self { db, ..self })
    }

    fn check_contents(&self) -> Result<(), LedgerError> {
        let check: String = self
            .db
            .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
            .map_err(|error| LedgerError::of(&self.path, &error))?;
        if check == "ok" {
            return Ok(());
        }
        Err(LedgerError::Damaged {
            path: self.path.clone(),
            detail: check,
        })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn connect(
        path: &Path,
        identity: &BatchIdentity,
        flags: OpenFlags,
    ) -> Result<Self, LedgerError> {
        let (view, batch) = Self::connect_any(path, flags)?;
        if batch != identity.text() {
            return Err(LedgerError::OtherBatch {
                path: path.to_owned(),
                found: batch,
                wanted: identity.text(),
            });
        }
        Ok(view)
    }

    /// Opens a file and says which batch it belongs to.
    fn connect_any(path: &Path, flags: OpenFlags) -> Result<(Self, String), LedgerError> {
        let of = |error: rusqlite::Error| LedgerError::of(path, &error);
        refuse_links(path)?;
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
        let name = if flags.contains(UNCHANGED) {
            unchanged(path)
        } else {
            whole(path)
        };
        let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        let mut db = Connection::open_with_flags(name, flags).map_err(of)?;
        parse_once(&db).map_err(of)?;
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
        let has = |table: &str| -> Result<bool, LedgerError> {
            db.query_row(
                "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1)",
                [table],
                |row| row.get(0),
            )
            .map_err(of)
        };
        let sendings_have = |column: &str| -> Result<bool, LedgerError> {
            db.query_row(
                "SELECT EXISTS (SELECT 1 FROM pragma_table_info('sendings') WHERE name = ?1)",
                [column],
                |row| row.get(0),
            )
            .map_err(of)
        };
        let has_all = has("sendings")? == (found >= FIRST_OF_EVENTS)
            && has("mail")? == (found >= FIRST_WITH_MAIL)
            && sendings_have("rest")? == (found >= FIRST_WITH_RESTS)
            && sendings_have("parts")? == (found >= FIRST_WITH_PARTS);
        if !has_all {
            // Bringing it up to date would stop at the first table that is there or missing.
            return Err(LedgerError::Damaged {
                path: path.to_owned(),
                detail: format!("its tables are not those of format {found}, which it says it has"),
            });
        }
        db.execute_batch("PRAGMA synchronous = FULL;").map_err(of)?;
        let batch: String = db
            .query_row("SELECT value FROM meta WHERE key = 'batch'", [], |row| {
                row.get(0)
            })
            .map_err(of)?;
        let view = Self {
            db,
            path: path.to_owned(),
            format: found,
            claims_are_in_flight: false,
        };
        Ok((view, batch))
    }

    /// Refuses a file that does not know the last run that handed letters over.
    fn is_not_older(&self, marked: i64) -> Result<(), LedgerError> {
        let known: i64 = self
            .db
            .query_row("SELECT coalesce(max(seq), 0) FROM runs", [], |row| {
                row.get(0)
            })
            .map_err(|error| LedgerError::of(&self.path, &error))?;
        if known < marked {
            return Err(LedgerError::Older {
                path: self.path.clone(),
                known,
                marked,
            });
        }
        Ok(())
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

/// Opens a file that nobody can change, by its name as a URI.
const UNCHANGED: OpenFlags = OpenFlags::SQLITE_OPEN_READ_ONLY.union(OpenFlags::SQLITE_OPEN_URI);

/// The name of a file that nobody changes (SQLite, "Uniform Resource Identifiers").
fn unchanged(path: &Path) -> PathBuf {
    let whole = whole(path);
    let whole = std::path::absolute(&whole).unwrap_or(whole);
    let name = percent_encode(whole.as_os_str().as_encoded_bytes(), NON_ALPHANUMERIC);
    format!("file:{name}?immutable=1").into()
}

fn is_missing(path: &Path) -> Result<bool, LedgerError> {
    match path.symlink_metadata() {
        Ok(_) => Ok(false),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
        Err(error) => Err(LedgerError::storage(path, &error)),
    }
}

/// Whether there is a write-ahead log. Without its file it shows that the file was there.
fn has_log(path: &Path) -> bool {
    beside(path, "-wal").exists()
}

/// Why there is no file.
fn missing(path: &Path, marked: i64) -> LedgerError {
    let path = path.to_owned();
    if marked > 0 || has_log(&path) {
        LedgerError::Gone { path }
    } else {
        LedgerError::Missing { path }
    }
}
