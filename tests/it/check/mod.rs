//! `postroom check` and `postroom init` through the front door: what is found before anything is
//! sent.

mod attachments;
mod cases;
mod domains;
mod init;
mod missing;
mod plan;
mod proofs;
mod secrets;
mod settings;
mod templates;

use serde_json::Value;

use crate::support::TestBatch;

/// The one fault of a batch; with it nothing may have been written.
#[track_caller]
fn one_fault(batch: &TestBatch) -> Value {
    let mut faults = faults(batch);
    assert_eq!(faults.len(), 1, "{faults:#?}");
    faults.remove(0)
}

/// All findings of a batch that has a fault; with it nothing may have been written.
#[track_caller]
fn faults(batch: &TestBatch) -> Vec<Value> {
    let checked = batch.run("check", &["--json"]).expect(3);
    batch.run("send", &[]).expect(3).says("nothing was sent");
    assert_nothing_written(batch);
    checked.json()["findings"].as_array().unwrap().clone()
}

/// Fails if a run left an outbox or a state file.
#[track_caller]
fn assert_nothing_written(batch: &TestBatch) {
    for entry in std::fs::read_dir(batch.folder()).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        assert!(
            name != "outbox" && !name.contains(".db"),
            "{name} was written"
        );
    }
}

#[track_caller]
fn assert_part(fault: &Value, key: &str, part: &str) {
    let text = fault[key].as_str().unwrap_or("null");
    assert!(text.contains(part), "{key} {part:?} is not in {fault:#}");
}
