//! The file beside the state file. It keeps a second run out, and shows that letters went out when
//! the state file itself is gone.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::LedgerError;
use super::place::whole;
use crate::durable::{beside, keep_names};
use crate::regular::{self, NotOurs};

/// What stands in the file before the number of the run.
const MARK: &str =
    "postroom: the last run that handed letters over from the state file beside this: ";

/// Held while this process may send. It goes with the process, however that ends.
#[derive(Debug)]
pub(super) struct Lock {
    pub file: File,
    /// The last run that handed letters over; 0 while there is none.
    marked: i64,
}

impl Lock {
    /// Takes the lock that keeps a second run out.
    pub(super) fn take(path: &Path) -> Result<Self, LedgerError> {
        let storage = |error: io::Error| LedgerError::storage(path, &error);
        let own = beside(path, ".lock");
        let not_ours = |why| LedgerError::NotOurs {
            path: own.clone(),
            why,
        };
        let opened = regular::open_own(&own).map_err(storage)?;
        let mut file = opened.map_err(not_ours)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LedgerError::Held {
                    path: path.to_owned(),
                    holder: holder(path).unwrap_or_else(|| "a run that is just starting".into()),
                });
            }
            Err(TryLockError::Error(error)) => return Err(storage(error)),
        }
        let contents = LockContents::read(&mut file).map_err(storage)?;
        // Another name of somebody's file would be written over.
        let marked = contents
            .marked()
            .ok_or_else(|| not_ours(NotOurs::OtherContents))?;
        Ok(Self { file, marked })
    }

    /// The last run that handed letters over; 0 while there is none.
    pub(super) fn marked(&self) -> i64 {
        self.marked
    }

    /// Takes the room for a mark, so that a disk that fills up later cannot keep it out.
    pub(super) fn make_room(&mut self, path: &Path) -> Result<(), LedgerError> {
        let is_there = self
            .file
            .metadata()
            .is_ok_and(|metadata| metadata.len() > 0);
        if is_there {
            return Ok(());
        }
        self.mark(path, 0)
    }

    /// Writes down that this run hands letters over. It is on the disk when this returns.
    pub(super) fn mark(&mut self, path: &Path, run: i64) -> Result<(), LedgerError> {
        // Always as long, so that a mark takes the place of another one.
        let text = format!("{MARK}{run:010}\n");
        self.file
            .rewind()
            .and_then(|()| self.file.write_all(text.as_bytes()))
            .and_then(|()| self.file.set_len(text.len() as u64))
            .and_then(|()| self.file.sync_all())
            .and_then(|()| keep_names(path))
            .map_err(|error| LedgerError::storage(path, &error))?;
        self.marked = run;
        Ok(())
    }
}

/// The mark beside a state file that is only looked at.
pub(super) fn marked_beside(path: &Path) -> i64 {
    // Some systems let nobody read what a run holds; that run has judged the mark.
    regular::open_unfollowed(&beside(path, ".lock"))
        .and_then(|mut file| LockContents::read(&mut file))
        .ok()
        .and_then(|contents| contents.marked())
        .unwrap_or(0)
}

/// What stands in the file.
struct LockContents(String);

impl LockContents {
    fn read(file: &mut File) -> io::Result<Self> {
        let mut bytes = Vec::new();
        file.take(200).read_to_end(&mut bytes)?;
        Ok(Self(String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// The number of the run; 0 where there is none, as in files of older programs, which are empty,
    /// and in what a power cut left. None when this is no file of ours.
    fn marked(&self) -> Option<i64> {
        let text = self.0.trim_matches('\0');
        let Some(number) = text.strip_prefix(MARK) else {
            return MARK.starts_with(text).then_some(0);
        };
        Some(number.trim().parse().unwrap_or(0))
    }
}

fn holder(path: &Path) -> Option<String> {
    let db = Connection::open_with_flags(
        whole(path),
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NOFOLLOW,
    )
    .ok()?;
    db.query_row(
        "SELECT command, pid, host, started_at FROM runs ORDER BY seq DESC LIMIT 1",
        [],
        |row| {
            let started = Timestamp::from_millisecond(row.get(3)?).unwrap_or(Timestamp::UNIX_EPOCH);
            Ok(format!(
                "postroom {}, process {} on {}, since {}",
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
