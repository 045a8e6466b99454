//! Why a state file cannot be used. None of these is ever taken for "start from the beginning".

use std::path::{Path, PathBuf};

/// A state file that cannot be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Another run works with it.
    #[error("another run holds {}: {holder}\n  nothing was sent\n  next: wait for it to end, or look at it with `postroom status`", path.display())]
    Held {
        /// The state file.
        path: PathBuf,
        /// Process, host and start of the run.
        holder: String,
    },
    /// There is none.
    #[error("there is no state file {}\n  next: `postroom send` starts the batch and makes it", path.display())]
    Missing {
        /// The state file.
        path: PathBuf,
    },
    /// There was one, from which letters went out.
    #[error("the state file {} is gone, and letters went out from it\n  nothing was sent\n  next: put it back, with its -wal file if it had one; to go on without it, though letters that went out may go out again, `postroom send --accept-lost-state`", path.display())]
    Gone {
        /// The state file.
        path: PathBuf,
    },
    /// It does not know the last run that handed letters over.
    #[error("{} is an older copy, or has lost its -wal file: run {marked} handed letters over from it, and it knows {known} {}\n  nothing was sent\n  next: put the newest copy back, with its -wal file if it had one; to go on with this one, though letters that went out may go out again, `postroom send --accept-lost-state`", path.display(), if *known == 1 { "run" } else { "runs" })]
    Older {
        /// The state file.
        path: PathBuf,
        /// How many runs it knows.
        known: i64,
        /// The run that it does not know.
        marked: i64,
    },
    /// It was removed, renamed or replaced while a run worked with it.
    #[error("{} was removed, renamed or replaced during the run\n  nothing was sent\n  next: put the state file that this run worked with back in its place, then run the same command again", path.display())]
    Moved {
        /// The file that is no longer in its place: the state file, its -wal file or its lock.
        path: PathBuf,
    },
    /// It would be where two machines can work with it.
    #[error("{} is on a file system that machines share ({kind}), where two of them could send at the same time\n  nothing was sent\n  next: keep the state file on a disk of this machine, and name it with --state FILE", path.display())]
    Shared {
        /// The state file.
        path: PathBuf,
        /// The kind of file system.
        kind: String,
    },
    /// It is something else.
    #[error("{} is not a postroom state file\n  nothing was sent\n  next: move it away if it was put there by mistake; never delete a state file of a batch that has begun", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A newer version of the program made it.
    #[error("{} has format {found} and this program knows up to {known}\n  nothing was sent\n  next: use the newer program that began the batch", path.display())]
    Newer {
        /// The state file.
        path: PathBuf,
        /// The format in the file.
        found: i64,
        /// The newest format that this program knows.
        known: i64,
    },
    /// Its contents are not whole.
    #[error("{} is damaged: {detail}\n  nothing was sent\n  next: put a whole copy of it back; without one, settle by the Sent folder who has a report before sending anything again", path.display())]
    Damaged {
        /// The state file.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// It belongs to another batch.
    #[error("{} is the state of `{found}`, not of `{wanted}`\n  nothing was sent\n  next: give this batch its own folder or --state file, or give it back its name", path.display())]
    OtherBatch {
        /// The state file.
        path: PathBuf,
        /// The batch in the file.
        found: String,
        /// The batch that was asked for.
        wanted: String,
    },
    /// The disk or its rights do not allow it.
    #[error("cannot write the state file {}: {detail}\n  nothing was sent\n  next: make room or correct the rights of its folder, then run the same command again", path.display())]
    Storage {
        /// The state file.
        path: PathBuf,
        /// What the system said.
        detail: String,
    },
    /// `resolve` was asked for a letter that is not in doubt.
    #[error(
        "{id} {state}, so there is nothing to resolve\n  next: `postroom status` lists the letters in doubt"
    )]
    NotInDoubt {
        /// The recipient.
        id: String,
        /// What it is instead.
        state: String,
    },
}

impl LedgerError {
    pub(super) fn storage(path: &Path, error: &dyn std::error::Error) -> Self {
        Self::Storage {
            path: path.to_owned(),
            detail: error.to_string(),
        }
    }

    pub(super) fn of(path: &Path, error: &rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        match error.sqlite_error_code() {
            Some(NotADatabase) => Self::Foreign {
                path: path.to_owned(),
            },
            Some(DatabaseCorrupt) => Self::Damaged {
                path: path.to_owned(),
                detail: error.to_string(),
            },
            _ => Self::storage(path, error),
        }
    }
}
