//! The files of a state file in their folder: itself and what SQLite keeps beside it, none of them a
//! link. In a folder that others may write to, a link would have another file read or written over.

use std::path::{Path, PathBuf};

use super::LedgerError;
use crate::durable::beside;
use crate::regular;

/// What SQLite keeps beside a file.
const KEPT_BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Refuses a state file that is a link or no file, and the same of what is kept beside it.
pub(super) fn refuse_links(path: &Path) -> Result<(), LedgerError> {
    let kept = KEPT_BESIDE.iter().map(|suffix| beside(path, suffix));
    for file in std::iter::once(path.to_owned()).chain(kept) {
        let flaw = regular::look(&file).map_err(|error| LedgerError::storage(path, &error))?;
        if let Some(why) = flaw {
            return Err(LedgerError::NotOurs { path: file, why });
        }
    }
    Ok(())
}

/// Refuses a state file of another user for a run: what it says has gone out may not have.
pub(super) fn refuse_others(path: &Path) -> Result<(), LedgerError> {
    match path.symlink_metadata() {
        Ok(metadata) if !regular::is_of_user(&metadata) => Err(LedgerError::NotOurs {
            path: path.to_owned(),
            why: regular::NotOurs::OtherUser,
        }),
        // A file that is not there, or cannot be looked at, has its say when it is opened.
        Ok(_) | Err(_) => Ok(()),
    }
}

/// The path for SQLite, which with `SQLITE_OPEN_NOFOLLOW` takes a link nowhere on the way: the folder
/// may well be one, the file may not.
pub(super) fn whole(path: &Path) -> PathBuf {
    if cfg!(windows) {
        return path.to_owned();
    }
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    match (folder.canonicalize(), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    }
}
