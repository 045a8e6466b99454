//! What a bad day does to the state file: cut short, lost, put back from an old copy, moved away, on a
//! full disk or one that machines share. No letter goes out that no state file knows of, and none that
//! went out is taken for new.

mod clock;
mod cuts;
#[cfg(target_os = "linux")]
mod disk;
mod lost;
mod moved;
#[cfg(target_os = "linux")]
mod shared;

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::TestBatch;

const MAIL: &str = "batch.state.db";
const OUTBOX: &str = "batch.outbox.db";

/// A file beside the state file.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Removes the state file and all that SQLite keeps beside it.
fn lose(batch: &TestBatch, state: &str) {
    for suffix in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(beside(&batch.path(state), suffix));
    }
}

/// The state file, with its write-ahead log if there is one, in another folder.
fn copy_state(from: &Path, to: &Path) {
    fs::copy(from, to).unwrap();
    let _ = fs::remove_file(beside(to, "-wal"));
    if beside(from, "-wal").exists() {
        fs::copy(beside(from, "-wal"), beside(to, "-wal")).unwrap();
    }
}
