//! Whether an open state file still is the one that its path names. SQLite goes on writing into a file
//! that was removed, renamed or replaced, and no later run would find what it wrote there.

use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use crate::durable::beside;

/// The files of an open state file: itself, its write-ahead log and its lock.
#[derive(Debug)]
pub(super) struct FileIdentity {
    files: Vec<(PathBuf, Inode)>,
}

type Inode = (u64, u64);

impl FileIdentity {
    /// Where the files are now.
    pub(super) fn of(path: &Path, lock: &File) -> io::Result<Self> {
        let wal = beside(path, "-wal");
        let mut files = vec![
            (path.to_owned(), inode(&path.metadata()?)),
            (beside(path, ".lock"), inode(&lock.metadata()?)),
        ];
        if let Ok(metadata) = wal.metadata() {
            files.push((wal, inode(&metadata)));
        }
        Ok(Self { files })
    }

    /// The first file that is no longer there, or is another one.
    pub(super) fn lost(&self) -> Option<&Path> {
        let lost = self.files.iter().find(|(path, known)| {
            path.metadata()
                .map_or(true, |metadata| inode(&metadata) != *known)
        });
        lost.map(|(path, _)| path.as_path())
    }
}

#[cfg(unix)]
fn inode(metadata: &Metadata) -> Inode {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

/// Windows lets nobody remove, rename or replace a file that SQLite has open.
#[cfg(not(unix))]
fn inode(_: &Metadata) -> Inode {
    (0, 0)
}
