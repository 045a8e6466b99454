//! Stopping and going on through the front door: what changed between two runs, and state files
//! that cannot be trusted or written.

mod changes;
mod choosing;
mod disk;
mod midway;
mod outbox;
mod state;

use std::fs;

use crate::support::{TestBatch, parse_mail};

/// Changes one text file of a batch.
#[track_caller]
fn replace(batch: &TestBatch, name: &str, from: &str, to: &str) {
    let text = fs::read_to_string(batch.path(name)).unwrap();
    assert!(text.contains(from), "{from:?} is not in {text}");
    batch.write(name, text.replace(from, to));
}

/// The names of the letters in the outbox, sorted.
fn sent(batch: &TestBatch) -> Vec<String> {
    let Ok(entries) = fs::read_dir(batch.path("outbox")) else {
        return Vec::new();
    };
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// The subject of a letter in the outbox.
#[track_caller]
fn subject(batch: &TestBatch, id: &str) -> String {
    let bytes = fs::read(batch.path(&format!("outbox/{id}.eml"))).unwrap();
    parse_mail(&bytes).subject
}
