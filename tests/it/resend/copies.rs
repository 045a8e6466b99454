//! A batch that is a copy of another one.

use std::fs;

use crate::support::smtp::SmtpServer;
use crate::support::{TestBatch, copy_folder};

#[test]
fn a_batch_file_that_is_copied_beside_another_does_not_send_again_unasked() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(3);
    batch.use_smtp(server.port(), "");
    batch.send(&["--limit", "2"]).expect(0);
    let text = fs::read_to_string(batch.path("batch.toml")).unwrap();
    batch.write(
        "second.toml",
        text.replace("Test reports", "Second reports"),
    );
    let second = batch.path("second.toml");
    let send = |arguments: &[&str]| {
        let mut command = crate::support::program();
        command.arg("send").arg(&second).args(arguments);
        crate::support::Ran::of(command.output().unwrap())
    };
    let ran = send(&["--yes"])
        .expect(3)
        .says("2 letters with the same reports went out, or may have, by `Test reports`")
        .says("S001, S002")
        .says("--again")
        .says("nothing was sent");
    assert!(!ran.stderr.contains("S003"), "{ran:?}");
    assert_eq!(server.received().len(), 2);
    // Who has none may have one.
    send(&["--yes", "--only", "S003"]).expect(0);
    assert_eq!(server.received().len(), 3);
    send(&["--yes", "--again"]).expect(0);
    assert_eq!(server.received().len(), 5);
    // What is known of its own letters stops nobody.
    send(&["--yes"]).expect(0);
    assert_eq!(server.received().len(), 5);
}

#[test]
fn a_folder_that_is_copied_midway_does_not_send_what_the_first_one_sent_since() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(3);
    batch.use_smtp(server.port(), "");
    batch.send(&["--limit", "1"]).expect(0);
    let copy = TestBatch::new(3);
    copy_folder(batch.folder(), copy.folder());
    copy.secrets(&fs::read_to_string(batch.path(".secrets.toml")).unwrap());
    for name in ["batch.state.db", "batch.state.db.lock"] {
        fs::copy(batch.path(name), copy.path(name)).unwrap();
    }
    batch.send(&[]).expect(0);
    assert_eq!(server.received().len(), 3);
    copy.send(&[])
        .expect(3)
        .says("2 letters with the same reports went out")
        .says("S002, S003");
    assert_eq!(server.received().len(), 3);
}

#[test]
fn other_reports_to_the_same_schools_are_another_mailing() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(2);
    batch.use_smtp(server.port(), "");
    batch.send(&[]).expect(0);
    fs::rename(
        batch.path("batch.state.db"),
        batch.path("last-year.state.db"),
    )
    .unwrap();
    fs::remove_file(batch.path("batch.state.db.lock")).unwrap();
    for number in 1..=2 {
        batch.write(
            &format!("reports/S00{number}.pdf"),
            crate::support::report(number + 70),
        );
    }
    batch.send(&[]).expect(0);
    assert_eq!(server.received().len(), 4);
}
