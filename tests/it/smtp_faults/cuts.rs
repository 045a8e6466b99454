//! A connection that ends, or makes no sense, before the final dot: the letter goes out again.

use super::{always, arrives_once_although, assert_states, once};
use crate::support::smtp::{Action, SmtpServer, Step};
use crate::support::{TestBatch, accepted_by, assert_each_once};

fn noise() -> Action {
    Action::Garbage(b"HTTP/1.1 400 Bad Request\r\n".to_vec())
}

#[test]
fn a_cut_instead_of_a_greeting_is_tried_again() {
    arrives_once_although(|step| *step == Step::Connect, || Action::Cut);
}

#[test]
fn a_cut_after_ehlo_is_tried_again() {
    arrives_once_although(|step| *step == Step::Ehlo, || Action::Cut);
}

#[test]
fn a_cut_after_mail_is_tried_again() {
    arrives_once_although(|step| matches!(step, Step::MailFrom(_)), || Action::Cut);
}

#[test]
fn a_cut_after_rcpt_is_tried_again() {
    arrives_once_although(|step| matches!(step, Step::Rcpt(_)), || Action::Cut);
}

#[test]
fn a_cut_after_data_is_tried_again() {
    arrives_once_although(|step| *step == Step::Data, || Action::Cut);
}

/// The report is larger than what the two ends of a connection buffer, so that the cut comes while
/// the end of the letter is still on this side.
#[test]
fn a_cut_in_the_middle_of_a_large_letter_is_tried_again() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(2);
    batch.use_smtp(server.port(), "");
    let mut report = b"%PDF-1.4\n".to_vec();
    report.resize(16 << 20, b'x');
    batch.write("reports/S002.pdf", &report);
    once(
        &server,
        2,
        |step| matches!(step, Step::Body { .. }),
        || Action::Cut,
    );
    batch.send(&[]).expect(0);
    let received = server.received();
    assert_eq!(received.len(), 2);
    let mail = crate::support::parse_mail(&received[1].data);
    assert_eq!(mail.to, ["teacher2@school2.example"]);
    assert_eq!(mail.attachments[0].1, crate::support::digest(&report));
    assert_eq!(server.connections(), 2);
}

#[test]
fn noise_instead_of_a_greeting_is_tried_again() {
    arrives_once_although(|step| *step == Step::Connect, noise);
}

#[test]
fn noise_after_mail_is_tried_again() {
    arrives_once_although(|step| matches!(step, Step::MailFrom(_)), noise);
}

#[test]
fn noise_after_rcpt_is_tried_again() {
    arrives_once_although(|step| matches!(step, Step::Rcpt(_)), noise);
}

#[test]
fn a_data_command_that_is_not_answered_354_is_tried_again() {
    arrives_once_although(
        |step| *step == Step::Data,
        || Action::reply(250, "2.0.0 Ok"),
    );
}

#[test]
fn a_server_that_always_answers_data_with_250_is_never_believed() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(2);
    batch.use_smtp(server.port(), "");
    server.script(|event| match event.step {
        Step::Data => Action::reply(250, "2.0.0 Ok"),
        _ => Action::Go,
    });
    batch.send(&[]).expect(5).says("answered DATA with 250");
    assert_states(&batch, &[], "pending", &["S001", "S002"]);
    assert!(server.received().is_empty());
}

/// A letter that the server cannot bear must not hold up the others.
#[test]
fn a_letter_at_which_the_server_always_cuts_stays_pending_and_the_others_go_on() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(5);
    batch.use_smtp(server.port(), "");
    server.script(|event| match &event.step {
        Step::Rcpt(to) if to.contains("school2.") => Action::Cut,
        _ => Action::Go,
    });
    batch.send(&[]).expect(5).says("S002: not taken");
    assert_eq!(accepted_by(&server), [1, 3, 4, 5]);
    assert_eq!(batch.in_state("pending"), ["S002"]);
}

#[test]
fn an_idle_connection_that_the_server_closed_is_opened_again() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(4);
    batch.use_smtp(server.port(), "");
    always(
        &server,
        &[1, 3],
        |step| *step == Step::FinalDot,
        || Action::GoThenCut,
    );
    let ran = batch.send(&[]).expect(0);
    assert_eq!(accepted_by(&server), [1, 2, 3, 4]);
    assert_each_once(&server, 4);
    assert_eq!(server.connections(), 3);
    // It is an everyday event and nobody is troubled with it.
    assert!(!ran.stderr.contains("not taken"), "{ran:?}");
}

#[test]
fn a_server_that_closes_after_each_letter_gets_them_all() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(8);
    batch.use_smtp(server.port(), "connections = 2");
    server.script(|event| match event.step {
        Step::FinalDot => Action::GoThenCut,
        _ => Action::Go,
    });
    batch.send(&[]).expect(0);
    assert_each_once(&server, 8);
    assert_eq!(server.connections(), 8);
}
