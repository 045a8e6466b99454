//! Maildirs and queues that mail servers keep.

use std::fs;
use std::path::Path;

/// The mails of a Maildir that nobody has read.
pub fn mails(inbox: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(inbox.join("new")) else {
        return Vec::new();
    };
    entries
        .map(|entry| {
            let bytes = fs::read(entry.unwrap().path()).unwrap();
            String::from_utf8_lossy(&bytes).into_owned()
        })
        .collect()
}

/// Whether no file is below a folder.
pub fn is_empty(folder: &Path) -> bool {
    let Ok(entries) = fs::read_dir(folder) else {
        return true;
    };
    entries.flatten().all(|entry| {
        let path = entry.path();
        path.is_dir() && is_empty(&path)
    })
}
