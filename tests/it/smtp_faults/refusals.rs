//! Replies that refuse: for now, for good, for one address, for everyone.

use super::{always, arrives_once_although, assert_states, once};
use crate::support::closed_port::ClosedPort;
use crate::support::smtp::{Action, SmtpServer, Step};
use crate::support::{TestBatch, accepted_by, assert_each_once};

#[test]
fn a_refused_connection_leaves_every_letter_pending() {
    let batch = TestBatch::new(3);
    let nobody = ClosedPort::new();
    batch.use_smtp(nobody.number, "");
    batch
        .send(&[])
        .expect(5)
        .says("cannot connect to 127.0.0.1");
    assert_eq!(batch.in_state("pending").len(), 3);
    let server = SmtpServer::start();
    batch.use_smtp(server.port(), "");
    batch.send(&[]).expect(0);
    assert_each_once(&server, 3);
}

#[test]
fn a_greeting_554_stops_at_once() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(3);
    batch.use_smtp(server.port(), "");
    always(
        &server,
        &[0],
        |step| *step == Step::Connect,
        || Action::reply(554, "5.3.2 No mail service here"),
    );
    batch
        .send(&[])
        .expect(5)
        .says("554 5.3.2 No mail service here");
    assert_eq!(server.connections(), 1);
    assert_eq!(batch.in_state("pending").len(), 3);
}

#[test]
fn a_greeting_421_is_waited_out() {
    arrives_once_although(
        |step| *step == Step::Connect,
        || Action::reply(421, "4.3.2 Not now"),
    );
}

#[test]
fn a_greeting_421_for_ever_ends_the_run() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(3);
    batch.use_smtp(server.port(), "");
    batch.replace("batch.toml", "\"10ms\"", "\"1ms\"");
    always(
        &server,
        &[0],
        |step| *step == Step::Connect,
        || Action::reply(421, "4.3.2 Not now"),
    );
    batch.send(&[]).expect(5).says("421 4.3.2 Not now");
    assert_eq!(batch.in_state("pending").len(), 3);
}

#[test]
fn a_refused_sender_stops_at_once() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(3);
    batch.use_smtp(server.port(), "");
    always(
        &server,
        &[1, 2, 3],
        |step| matches!(step, Step::MailFrom(_)),
        || Action::reply(550, "5.7.1 Not your address"),
    );
    batch.send(&[]).expect(5).says("550 5.7.1 Not your address");
    assert_states(&batch, &[], "pending", &["S001", "S002", "S003"]);
}

#[test]
fn a_sender_refused_halfway_keeps_what_was_accepted() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(3);
    batch.use_smtp(server.port(), "");
    once(
        &server,
        2,
        |step| matches!(step, Step::MailFrom(_)),
        || Action::reply(550, "5.7.1 Not any more"),
    );
    batch.send(&[]).expect(5);
    assert_states(&batch, &["S001"], "pending", &["S002", "S003"]);
    batch.send(&[]).expect(0);
    assert_each_once(&server, 3);
}

#[test]
fn one_address_refused_of_several_is_reported_and_the_others_have_the_letter() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(2);
    batch.use_smtp(server.port(), "");
    batch.replace("list.csv", "teacher1@", "gone@school1.example teacher1@");
    always(
        &server,
        &[1],
        |step| *step == Step::Rcpt("gone@school1.example".into()),
        || Action::reply(550, "5.1.1 No such user"),
    );
    let ran = batch.send(&[]).expect(4).says("550 5.1.1 No such user");
    assert!(ran.stdout.contains("2 accepted"), "{ran:?}");
    assert!(
        !ran.output().contains("gone@school1.example"),
        "not masked: {ran:?}"
    );
    assert_eq!(server.received()[0].rcpt_to, ["teacher1@school1.example"]);
    let letters = batch.run("status", &["--json"]).json()["letters"].clone();
    assert_eq!(letters[0]["state"], "accepted");
    assert_eq!(letters[0]["refused"][0]["address"], "gone@school1.example");
    let answer = letters[0]["refused"][0]["answer"].as_str().unwrap();
    assert!(
        answer.contains("550") && answer.contains("No such user"),
        "{answer}"
    );
    assert_eq!(letters[1]["refused"], serde_json::json!([]));
    // It stays on record, and the letter does not go out again for it.
    batch.send(&[]).expect(4);
    assert_eq!(server.received().len(), 2);
}

#[test]
fn a_letter_whose_addresses_are_all_refused_is_rejected_and_the_others_go_on() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(3);
    batch.use_smtp(server.port(), "");
    batch.replace("list.csv", "teacher2@", "head@school2.example teacher2@");
    always(
        &server,
        &[2],
        |step| matches!(step, Step::Rcpt(_)),
        || Action::reply(550, "5.1.1 No such user"),
    );
    let ran = batch.send(&[]).expect(4).says("S002: rejected: 550");
    assert!(
        ran.stdout.contains("2 accepted, 0 pending, 1 rejected"),
        "{ran:?}"
    );
    assert_states(&batch, &["S001", "S003"], "rejected", &["S002"]);
    assert_eq!(accepted_by(&server), [1, 3]);
}

#[test]
fn a_greylisted_address_gets_its_letter_once() {
    arrives_once_although(
        |step| matches!(step, Step::Rcpt(_)),
        || Action::reply(450, "4.2.0 Greylisted"),
    );
}

#[test]
fn a_letter_refused_for_now_too_often_stays_pending_and_the_others_go_on() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(3);
    batch.use_smtp(server.port(), "attempts = 3");
    server.script(|event| match &event.step {
        Step::Rcpt(to) if to.contains("school2") => Action::reply(450, "4.2.0 Mailbox busy"),
        _ => Action::Go,
    });
    batch
        .send(&[])
        .expect(5)
        .says("S002")
        .says("450 4.2.0 Mailbox busy");
    assert_states(&batch, &["S001", "S003"], "pending", &["S002"]);
    server.script(|_| Action::Go);
    batch.send(&[]).expect(0);
    assert_each_once(&server, 3);
}

#[test]
fn mail_451_is_tried_again() {
    arrives_once_although(
        |step| matches!(step, Step::MailFrom(_)),
        || Action::reply(451, "4.3.0 Local error"),
    );
}

#[test]
fn data_452_is_tried_again() {
    arrives_once_although(
        |step| *step == Step::Data,
        || Action::reply(452, "4.3.1 No room"),
    );
}

#[test]
fn a_451_after_the_final_dot_is_tried_again() {
    arrives_once_although(
        |step| *step == Step::FinalDot,
        || Action::reply(451, "4.3.0 Local error"),
    );
}

#[test]
fn a_452_after_the_final_dot_is_tried_again() {
    arrives_once_although(
        |step| *step == Step::FinalDot,
        || Action::reply(452, "4.3.1 No room"),
    );
}

#[test]
fn a_421_after_the_final_dot_is_tried_again_on_a_new_connection() {
    arrives_once_although(
        |step| *step == Step::FinalDot,
        || Action::reply(421, "4.3.2 Shutting down"),
    );
}

#[test]
fn a_421_at_mail_is_tried_again_on_a_new_connection() {
    arrives_once_although(
        |step| matches!(step, Step::MailFrom(_)),
        || Action::reply(421, "4.4.2 Idle for too long"),
    );
}
