//! Letters that are refused for good, one by one and in a row.

use super::{always, assert_states};
use crate::support::smtp::{Action, SmtpServer, Step};
use crate::support::{TestBatch, accepted_by, assert_each_once};

#[track_caller]
fn rejects_content(action: fn() -> Action, words: &str) {
    rejects_at(|step| *step == Step::FinalDot, action, words);
}

#[track_caller]
fn rejects_at(at: fn(&Step) -> bool, action: fn() -> Action, words: &str) {
    let server = SmtpServer::start();
    let batch = TestBatch::new(3);
    batch.use_smtp(server.port(), "");
    always(&server, &[2], at, action);
    batch.send(&[]).expect(4).says("S002: rejected").says(words);
    assert_states(&batch, &["S001", "S003"], "rejected", &["S002"]);
    assert_eq!(accepted_by(&server), [1, 3]);
    // Rejected is settled: only the person's word sends it again.
    batch.send(&[]).expect(4);
    assert_eq!(accepted_by(&server), [1, 3]);
    batch.send(&["--retry-rejected"]).expect(0);
    assert_eq!(accepted_by(&server), [1, 3, 2]);
}

#[test]
fn a_550_after_the_final_dot_rejects_the_letter_and_the_others_go_on() {
    rejects_content(|| Action::reply(550, "5.7.1 Spam"), "550 5.7.1 Spam");
}

#[test]
fn a_552_after_the_final_dot_rejects_the_letter_and_the_others_go_on() {
    rejects_content(
        || Action::reply(552, "5.3.4 Too large"),
        "552 5.3.4 Too large",
    );
}

#[test]
fn a_554_after_the_final_dot_rejects_the_letter_and_the_others_go_on() {
    rejects_content(|| Action::reply(554, "5.6.0 No"), "554 5.6.0 No");
}

#[test]
fn a_554_at_data_rejects_the_letter_and_the_others_go_on() {
    rejects_at(
        |step| *step == Step::Data,
        || Action::reply(554, "5.5.1 No valid recipients"),
        "554 5.5.1 No valid recipients",
    );
}

#[test]
fn five_rejections_in_a_row_stop_the_run() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(8);
    batch.use_smtp(server.port(), "");
    always(
        &server,
        &[2, 3, 4, 5, 6, 7, 8],
        |step| *step == Step::FinalDot,
        || Action::reply(554, "5.7.1 Looks like spam"),
    );
    batch
        .send(&[])
        .expect(5)
        .says("5 failures in a row")
        .says("554 5.7.1");
    assert_eq!(batch.in_state("accepted"), ["S001"]);
    assert_eq!(batch.in_state("rejected").len(), 5);
    assert_states(&batch, &["S001"], "pending", &["S007", "S008"]);
    server.script(|_| Action::Go);
    batch.send(&["--retry-rejected"]).expect(0);
    assert_each_once(&server, 8);
}

#[test]
fn rejections_that_are_not_in_a_row_do_not_stop_the_run() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(12);
    batch.use_smtp(server.port(), "");
    server.script(|event| match event.step {
        Step::FinalDot if event.message.is_multiple_of(2) => Action::reply(554, "5.6.0 No"),
        _ => Action::Go,
    });
    batch.send(&[]).expect(4);
    assert_eq!(batch.in_state("rejected").len(), 6);
    assert_eq!(accepted_by(&server), [1, 3, 5, 7, 9, 11]);
}

/// Some servers refuse before the end of the data has come; the reply is read when it is due.
#[test]
fn a_552_in_the_middle_of_the_data_rejects_the_letter_and_the_others_go_on() {
    rejects_at(
        |step| matches!(step, Step::Body { first: true, .. }),
        || Action::reply(552, "5.3.4 Too large"),
        "552 5.3.4 Too large",
    );
}

#[test]
fn a_letter_that_is_too_large_for_the_server_is_rejected_and_the_others_go_on() {
    let server = SmtpServer::builder().size(20_000).start();
    let batch = TestBatch::new(3);
    batch.use_smtp(server.port(), "");
    let mut report = b"%PDF-1.4\n".to_vec();
    report.resize(30_000, b'x');
    batch.write("reports/S002.pdf", report);
    batch.send(&[]).expect(4).says("S002: rejected: 552");
    assert_states(&batch, &["S001", "S003"], "rejected", &["S002"]);
    assert_eq!(accepted_by(&server), [1, 3]);
}

/// What the server says of itself shows it before anything is sent.
#[test]
fn check_online_compares_the_letters_with_the_size_that_the_server_takes() {
    let server = SmtpServer::builder().size(20_000).start();
    let batch = TestBatch::new(3);
    batch.use_smtp(server.port(), "");
    let mut report = b"%PDF-1.4\n".to_vec();
    report.resize(30_000, b'x');
    batch.write("reports/S002.pdf", report);
    batch
        .run("check", &["--online"])
        .expect(3)
        .says("S002")
        .says("the server allows 20");
    assert!(server.received().is_empty());
    let server = SmtpServer::start();
    batch.use_smtp(server.port(), "");
    batch.run("check", &["--online"]).expect(0);
}

/// The others stay rejected, also for the run after it.
#[test]
fn retry_rejected_with_only_touches_no_other_letter() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(3);
    batch.use_smtp(server.port(), "");
    always(
        &server,
        &[1, 3],
        |step| *step == Step::FinalDot,
        || Action::reply(554, "5.6.0 No"),
    );
    batch.send(&[]).expect(4);
    server.script(|_| Action::Go);
    batch
        .send(&["--retry-rejected", "--only", "S003"])
        .expect(4);
    batch.send(&[]).expect(4);
    assert_states(&batch, &["S002", "S003"], "rejected", &["S001"]);
    assert_eq!(accepted_by(&server), [2, 3]);
}
