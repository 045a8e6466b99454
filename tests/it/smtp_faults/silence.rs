//! A server that does not answer.

use std::time::Duration;

use super::{arrives_once_although, once};
use crate::support::smtp::{Action, SmtpServer, Step};
use crate::support::{TestBatch, assert_each_once};

#[test]
fn silence_instead_of_a_greeting_is_tried_again() {
    arrives_once_although(|step| *step == Step::Connect, || Action::Silent);
}

#[test]
fn silence_after_ehlo_is_tried_again() {
    arrives_once_although(|step| *step == Step::Ehlo, || Action::Silent);
}

#[test]
fn silence_after_mail_is_tried_again() {
    arrives_once_although(|step| matches!(step, Step::MailFrom(_)), || Action::Silent);
}

#[test]
fn silence_after_rcpt_is_tried_again() {
    arrives_once_although(|step| matches!(step, Step::Rcpt(_)), || Action::Silent);
}

#[test]
fn silence_after_data_is_tried_again() {
    arrives_once_although(|step| *step == Step::Data, || Action::Silent);
}

#[test]
fn silence_for_ever_ends_the_run_and_every_letter_is_pending() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(2);
    batch.use_impatient_smtp(server.port());
    server.script(|_| Action::Silent);
    batch
        .send(&[])
        .expect(5)
        .says("greeting, 127.0.0.1:")
        .says("the mail server was silent");
    assert_eq!(batch.in_state("pending").len(), 2);
}

#[test]
fn silence_at_the_goodbye_does_not_hold_the_run() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(2);
    batch.use_impatient_smtp(server.port());
    once(&server, 0, |step| *step == Step::Quit, || Action::Silent);
    batch.send(&[]).expect(0);
    assert_each_once(&server, 2);
}

/// The final dot has ten times the patience of other steps, since giving up makes doubt.
#[test]
fn a_slow_answer_to_the_final_dot_is_waited_for() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(2);
    batch.use_impatient_smtp(server.port());
    once(
        &server,
        1,
        |step| *step == Step::FinalDot,
        || Action::ReplySlowly {
            byte_delay: Duration::from_millis(25),
        },
    );
    batch.send(&[]).expect(0);
    assert_eq!(server.connections(), 1);
    assert_each_once(&server, 2);
}
