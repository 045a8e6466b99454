//! An outbox folder that is not as it was left.

use std::fs;

use crate::resume::sent;
use crate::support::TestBatch;

#[test]
fn a_file_that_is_there_already_is_left_alone_and_its_letter_rejected() {
    let batch = TestBatch::new(3);
    fs::create_dir(batch.path("outbox")).unwrap();
    let other = "Message-ID: <other@study.example>\r\n\r\nanother letter\r\n";
    batch.write("outbox/S002.eml", other);
    let ran = batch
        .run("send", &[])
        .expect(4)
        .says("not everything was accepted");
    assert!(
        ran.stdout.contains("2 accepted, 0 pending, 1 rejected"),
        "{ran:?}"
    );
    assert!(
        ran.stdout.contains("S002.eml holds another letter"),
        "{ran:?}"
    );
    assert_eq!(
        fs::read_to_string(batch.path("outbox/S002.eml")).unwrap(),
        other
    );
    assert_eq!(batch.in_state("rejected"), ["S002"]);
}

#[test]
fn a_rejected_letter_is_tried_again_when_asked_for() {
    let batch = TestBatch::new(2);
    fs::create_dir(batch.path("outbox")).unwrap();
    batch.write("outbox/S002.eml", "not a letter");
    batch.run("send", &[]).expect(4);
    fs::remove_file(batch.path("outbox/S002.eml")).unwrap();
    batch.run("send", &[]).expect(4);
    assert_eq!(sent(&batch), ["S001.eml"]);
    batch.run("send", &["--retry-rejected"]).expect(0);
    assert_eq!(sent(&batch).len(), 2);
}

#[test]
fn a_letter_that_is_there_already_is_taken_for_sent() {
    let batch = TestBatch::new(2);
    batch.run("send", &[]).expect(0);
    let before = fs::read(batch.path("outbox/S001.eml")).unwrap();
    fs::remove_file(batch.path("batch.outbox.db")).unwrap();
    batch.run("send", &["--accept-lost-state"]).expect(0);
    assert_eq!(fs::read(batch.path("outbox/S001.eml")).unwrap(), before);
    assert_eq!(sent(&batch).len(), 2);
}

#[test]
fn half_a_file_of_a_run_that_was_killed_is_written_anew() {
    let batch = TestBatch::new(1);
    fs::create_dir(batch.path("outbox")).unwrap();
    batch.write("outbox/S001.eml.partial", "half a let");
    batch.run("send", &[]).expect(0);
    assert_eq!(sent(&batch), ["S001.eml"]);
}

#[test]
fn a_folder_that_cannot_be_made_stops_the_run() {
    let batch = TestBatch::new(2);
    // Below a file there is no folder, whoever asks for one.
    batch.configure("[outbox]\npath = \"list.csv/outbox\"");
    batch
        .run("send", &[])
        .expect(5)
        .says("stopped: cannot write")
        .says("next: fix the cause; then `postroom send` goes on");
    assert_eq!(batch.in_state("pending").len(), 2);
    batch.configure("");
    batch.run("send", &[]).expect(0);
    assert_eq!(sent(&batch).len(), 2);
}

#[test]
fn a_file_in_place_of_the_folder_stops_the_run() {
    let batch = TestBatch::new(1);
    batch.write("outbox", "mine");
    batch
        .run("send", &[])
        .expect(5)
        .says("stopped: cannot write");
    assert_eq!(fs::read_to_string(batch.path("outbox")).unwrap(), "mine");
    assert_eq!(batch.in_state("pending"), ["S001"]);
}

#[cfg(unix)]
#[test]
fn a_folder_without_the_right_to_write_stops_the_run() {
    use std::os::unix::fs::PermissionsExt;
    let batch = TestBatch::new(1);
    fs::create_dir(batch.path("outbox")).unwrap();
    let rights = |mode| fs::set_permissions(batch.path("outbox"), fs::Permissions::from_mode(mode));
    rights(0o555).unwrap();
    if fs::write(batch.path("outbox/probe"), "").is_ok() {
        eprintln!("skipped: rights do not bind this user");
        return;
    }
    batch
        .run("send", &[])
        .expect(5)
        .says("stopped: cannot write");
    rights(0o755).unwrap();
    batch.run("send", &[]).expect(0);
}

/// Who runs it once more learns that nothing happened, why, and where the letters are.
#[test]
fn a_run_that_sends_nothing_says_so_and_where_the_letters_are() {
    let batch = TestBatch::new(3);
    let folder = batch.path("outbox").display().to_string();
    let first = batch.run("send", &[]).expect(0);
    assert!(!first.stdout.contains("nothing left"), "{first:?}");
    assert!(first.stdout.contains(&folder), "{first:?}");
    let again = batch.run("send", &[]).expect(0);
    let said = &again.stdout;
    assert!(
        said.contains("nothing left to send: all 3 were accepted on "),
        "{said}"
    );
    assert!(
        said.contains(&format!("the letters are in {folder}")),
        "{said}"
    );
    let batch = TestBatch::new(3);
    let rehearsal = ["--redirect-to", "ann@study.example"];
    let _ = batch.run("send", &rehearsal).expect(0);
    // A rehearsal that is over begins anew, and says where its letters are.
    let folder = batch.path("outbox").display().to_string();
    batch
        .run("send", &rehearsal)
        .expect(0)
        .shows("rehearsal: 3 accepted")
        .shows(&format!("the letters are in {folder}"));
}
