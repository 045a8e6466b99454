//! Whether an open state file still is the one that its path names. SQLite goes on writing into a file
//! that was removed, renamed or replaced, and no later run would find what it wrote there.

use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use crate::durable::beside;

/// The files of an open state file: itself, its write-ahead log and its lock.
#[derive(Debug)]
pub(super) struct Place {
    files: Vec<(PathBuf, Id)>,
}

type Id = (u64, u64);

impl Place {
    /// Where the files are now.
    pub fn of(path: &Path, lock: &File) -> io::Result<Self> {
        let wal = beside(path, "-wal");
        let mut files = vec![
            (path.to_owned(), id(&path.metadata()?)),
            (beside(path, ".lock"), id(&lock.metadata()?)),
        ];
        if let Ok(metadata) = wal.metadata() {
            files.push((wal, id(&metadata)));
        }
        Ok(Self { files })
    }

    /// The first file that is no longer there, or is another one.
    pub fn lost(&self) -> Option<&Path> {
        let lost = self.files.iter().find(|(path, known)| {
            path.metadata()
                .map_or(true, |metadata| id(&metadata) != *known)
        });
        lost.map(|(path, _)| path.as_path())
    }
}

#[cfg(unix)]
fn id(metadata: &Metadata) -> Id {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

/// Windows lets nobody remove, rename or replace a file that SQLite has open.
#[cfg(not(unix))]
fn id(_: &Metadata) -> Id {
    (0, 0)
}
