//! Why a state file cannot be used. None of these is ever taken for "start from the beginning".

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use super::projection::ProjectionError;
use crate::finding::NextStep;
use crate::lifecycle::{Illegal, LetterState};
use crate::regular::NotOurs;

/// A state file that cannot be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Another run works with it.
    #[error("another run holds {}: {holder}", path.display())]
    Held {
        /// The state file.
        path: PathBuf,
        /// Process, host and start of the run.
        holder: String,
    },
    /// There is none.
    #[error("there is no state file {}", path.display())]
    Missing {
        /// The state file.
        path: PathBuf,
    },
    /// There was one, from which letters went out.
    #[error("the state file {} is gone, and letters went out from it", path.display())]
    Gone {
        /// The state file.
        path: PathBuf,
    },
    /// It does not know the last run that handed letters over.
    #[error("{} is an older copy, or has lost its -wal file: run {marked} handed letters over from it, and it knows {known} {}", path.display(), if *known == 1 { "run" } else { "runs" })]
    Older {
        /// The state file.
        path: PathBuf,
        /// How many runs it knows.
        known: i64,
        /// The run that it does not know.
        marked: i64,
    },
    /// It was removed, renamed or replaced while a run worked with it.
    #[error("{} was removed, renamed or replaced during the run", path.display())]
    Moved {
        /// The file that is no longer in its place: the state file, its -wal file or its lock.
        path: PathBuf,
    },
    /// It would be where two machines can work with it.
    #[error("{} is on a file system that machines share ({kind}), where two of them could send at the same time", path.display())]
    Shared {
        /// The state file.
        path: PathBuf,
        /// The kind of file system.
        kind: String,
    },
    /// It, or what is kept beside it, is not what this program put there.
    #[error("{} {why}, so it was left as it is", path.display())]
    NotOurs {
        /// The state file, or what stands in the place of a file beside it.
        path: PathBuf,
        /// Why.
        why: NotOurs,
    },
    /// It is something else.
    #[error("{} is not a postroom state file", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A newer version of the program made it.
    #[error("{} has format {found} and this program knows up to {known}", path.display())]
    Newer {
        /// The state file.
        path: PathBuf,
        /// The format in the file.
        found: i64,
        /// The newest format that this program knows.
        known: i64,
    },
    /// Its contents are not whole.
    #[error("{} is damaged: {detail}", path.display())]
    Damaged {
        /// The state file.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// It belongs to another batch.
    #[error("{} is the state of `{found}`, not of `{wanted}`", path.display())]
    OtherBatch {
        /// The state file.
        path: PathBuf,
        /// The batch in the file.
        found: String,
        /// The batch that was asked for.
        wanted: String,
    },
    /// The disk or its rights do not allow it.
    #[error("cannot write the state file {}: {detail}", path.display())]
    Storage {
        /// The state file.
        path: PathBuf,
        /// What the system said.
        detail: String,
    },
    /// A step that the life of a letter does not have.
    #[error("{} does not allow this step: {step}", path.display())]
    Illegal {
        /// The state file.
        path: PathBuf,
        /// The step.
        step: Illegal,
    },
    /// `resolve` was asked for a letter that is not in doubt.
    #[error("{id} {}, so there is nothing to resolve", in_words(*state))]
    NotInDoubt {
        /// The recipient.
        id: String,
        /// Where the letter stands; none when the batch has none.
        state: Option<LetterState>,
    },
}

fn in_words(state: Option<LetterState>) -> String {
    match state {
        Some(state) => format!("is {}", state.word()),
        None => "is not in this batch".to_owned(),
    }
}

impl NextStep for LedgerError {
    fn next_step(&self) -> Cow<'_, str> {
        let step = match self {
            Self::Held { .. } => "wait for it to end, or look at it with `postroom status`",
            Self::Missing { .. } => {
                "`postroom send` starts the batch and makes it, `postroom send --redirect-to ADDRESS` a rehearsal"
            }
            Self::Gone { .. } => {
                "put it back, with its -wal file if it had one; to go on without it, though letters that went out may go out again, `postroom send --accept-lost-state`"
            }
            Self::Older { .. } => {
                "put the newest copy back, with its -wal file if it had one; to go on with this one, though letters that went out may go out again, `postroom send --accept-lost-state`"
            }
            Self::Moved { .. } => {
                "put the state file that this run worked with back in its place, then run the same command again"
            }
            Self::Shared { .. } => {
                "keep the state file on a disk of this machine, and name it with --state FILE"
            }
            Self::NotOurs {
                why: NotOurs::Link, ..
            } => {
                "look who put it there, and remove it; a state file that is kept elsewhere is named with --state FILE"
            }
            Self::NotOurs {
                why: NotOurs::OtherUser,
                ..
            } => {
                "look who put it there; if it is the state of your own batch, make it yours with chown"
            }
            Self::NotOurs {
                why: NotOurs::Irregular | NotOurs::OtherContents,
                ..
            } => "look who put it there, and move it away",
            Self::Foreign { .. } => {
                "move it away if it was put there by mistake; never delete a state file of a batch that has begun"
            }
            Self::Newer { .. } => "use the newer program that began the batch",
            Self::Damaged { .. } => {
                "put an undamaged copy back; without one, find out from the server's log or the mailbox who has a report before sending anything again"
            }
            Self::OtherBatch { .. } => {
                "give this batch its own folder or --state file, or give it back its name"
            }
            Self::Storage { .. } => {
                "make room or correct the rights of its folder, then run the same command again"
            }
            Self::Illegal { .. } => {
                "`postroom report --verify` shows whether the file is whole; if it is, please report this"
            }
            Self::NotInDoubt { .. } => "`postroom status` lists the letters in doubt",
        };
        step.into()
    }
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
            Some(_) => Self::storage(path, error),
            // A value that the program never writes.
            None => match error {
                rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::IntegralValueOutOfRange(..) => Self::Damaged {
                    path: path.to_owned(),
                    detail: error.to_string(),
                },
                other => Self::storage(path, other),
            },
        }
    }

    pub(super) fn of_projection(path: &Path, error: ProjectionError) -> Self {
        match error {
            ProjectionError::Storage(error) => Self::of(path, &error),
            ProjectionError::Illegal(step) => Self::Illegal {
                path: path.to_owned(),
                step,
            },
        }
    }
}
