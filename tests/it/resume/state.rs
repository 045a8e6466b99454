//! State files that cannot be trusted: none is ever taken for "start from the beginning".

use std::fs;

use rusqlite::Connection;

use crate::resume::{replace, sent};
use crate::support::TestBatch;

const STATE: &str = "batch.outbox.db";

/// A batch of four schools with one letter sent, so that sending again would be a second letter.
fn begun() -> TestBatch {
    let batch = TestBatch::new(4);
    batch.run("send", &["--limit", "1"]).expect(0);
    batch
}

/// Every verb that needs the state refuses it with these words; nothing is sent, and the file stays
/// as it is.
#[track_caller]
fn assert_refused(batch: &TestBatch, part: &str) {
    let before = fs::read(batch.path(STATE)).unwrap();
    for verb in ["send", "resume", "status", "check"] {
        batch.run(verb, &[]).expect(3).says(part).says("next: ");
    }
    batch
        .run("resolve", &["S002", "--unsent"])
        .expect(3)
        .says(part);
    batch
        .run("send", &["--accept-changes", "--retry-rejected"])
        .expect(3)
        .says("nothing was sent");
    assert_eq!(sent(batch), ["S001.eml"]);
    assert_eq!(fs::read(batch.path(STATE)).unwrap(), before);
}

#[test]
fn half_a_state_file_is_refused() {
    let batch = begun();
    let whole = fs::read(batch.path(STATE)).unwrap();
    batch.write(STATE, &whole[..whole.len() / 2]);
    assert_refused(&batch, "is damaged");
}

#[test]
fn a_state_file_cut_in_its_first_page_is_refused() {
    let batch = begun();
    let whole = fs::read(batch.path(STATE)).unwrap();
    batch.write(STATE, &whole[..50]);
    assert_refused(&batch, "nothing was sent");
}

#[test]
fn an_empty_state_file_is_refused() {
    let batch = begun();
    batch.write(STATE, "");
    assert_refused(&batch, "is damaged: it is empty");
}

#[test]
fn a_state_file_with_pages_of_zeros_is_refused() {
    let batch = begun();
    let mut bytes = fs::read(batch.path(STATE)).unwrap();
    let start = bytes.len() / 2;
    bytes[start..].fill(0);
    batch.write(STATE, bytes);
    assert_refused(&batch, "is damaged");
}

#[test]
fn a_text_file_in_its_place_is_refused() {
    let batch = begun();
    batch.write(STATE, "id,state\nS001,accepted\n".repeat(100));
    assert_refused(&batch, "is not a postroom state file");
}

#[test]
fn another_database_in_its_place_is_refused() {
    let batch = begun();
    fs::remove_file(batch.path(STATE)).unwrap();
    let other = Connection::open(batch.path(STATE)).unwrap();
    other
        .execute_batch("CREATE TABLE letters (id TEXT)")
        .unwrap();
    other.close().unwrap();
    assert_refused(&batch, "is not a postroom state file");
}

#[test]
fn a_state_file_of_a_newer_program_is_refused() {
    let batch = begun();
    let ledger = Connection::open(batch.path(STATE)).unwrap();
    ledger.execute_batch("PRAGMA user_version = 8").unwrap();
    ledger.close().unwrap();
    assert_refused(&batch, "has format 8 and this program knows up to 7");
}

#[test]
fn the_state_of_another_batch_is_refused() {
    let batch = begun();
    replace(&batch, "batch.toml", "Test reports", "Other reports");
    assert_refused(
        &batch,
        "is the state of `Test reports (outbox)`, not of `Other reports (outbox)`",
    );
}

#[test]
fn the_state_of_the_outbox_is_not_that_of_the_mail() {
    let batch = begun();
    batch.use_smtp(9, "");
    let state = batch.path(STATE);
    batch
        .run("send", &["--yes", "--state", state.to_str().unwrap()])
        .expect(3)
        .says("is the state of `Test reports (outbox)`, not of `Test reports`");
}

#[test]
fn a_folder_in_its_place_is_refused() {
    let batch = TestBatch::new(2);
    fs::create_dir(batch.path(STATE)).unwrap();
    batch.run("send", &[]).expect(3).says("next: ");
    assert_eq!(sent(&batch), Vec::<String>::new());
}

#[test]
fn a_state_file_that_cannot_be_made_is_reported_before_anything_is_sent() {
    let batch = TestBatch::new(2);
    // Below a file there is no folder, whoever asks for one.
    for state in ["list.csv/state.db", "no/such/folder/state.db"] {
        batch
            .run("send", &["--state", state])
            .expect(3)
            .says("cannot write the state file")
            .says("next: ");
        assert_eq!(sent(&batch), Vec::<String>::new());
    }
}

#[cfg(unix)]
#[test]
fn a_folder_without_the_right_to_write_is_reported_before_anything_is_sent() {
    use std::os::unix::fs::PermissionsExt;
    let batch = TestBatch::new(1);
    fs::create_dir(batch.path("locked")).unwrap();
    fs::set_permissions(batch.path("locked"), fs::Permissions::from_mode(0o555)).unwrap();
    if fs::write(batch.path("locked/probe"), "").is_ok() {
        eprintln!("skipped: rights do not bind this user");
        return;
    }
    batch
        .run("send", &["--state", "locked/state.db"])
        .expect(3)
        .says("cannot write the state file");
    assert_eq!(sent(&batch), Vec::<String>::new());
}

#[test]
fn a_state_file_elsewhere_is_used_and_found_again() {
    let batch = TestBatch::new(2);
    fs::create_dir(batch.path("records")).unwrap();
    batch
        .run("send", &["--state", "records/2024.db", "--limit", "1"])
        .expect(0);
    assert!(!batch.path(STATE).exists());
    batch
        .run("resume", &["--state", "records/2024.db"])
        .expect(0);
    assert_eq!(sent(&batch).len(), 2);
}
