//! State files that are gone, or of which only an older copy is left, after letters went out.

use std::fs;

use crate::storage::{MAIL, OUTBOX, beside, copy_state, lose};
use crate::support::ews_desk::EwsDesk;
use crate::support::exchange::Exchange;
use crate::support::graph_desk::{GraphDesk, SHARED};
use crate::support::oauth::OauthServer;
use crate::support::smtp::{Action, SmtpServer, Step};
use crate::support::victim::Victim;
use crate::support::{Ran, TestBatch, accepted_by, assert_each_once, id};

const GONE: &str = "is gone, and letters went out from it";
const OLDER: &str = "is an older copy, or has lost its -wal file";
const THERE: &str = "went out already";

/// Four letters over SMTP, of which the first went out.
fn begun() -> (SmtpServer, TestBatch) {
    let server = SmtpServer::start();
    let batch = TestBatch::new(4);
    batch.use_smtp(server.port(), "");
    batch.send(&["--limit", "1"]).expect(0);
    (server, batch)
}

/// Every verb that needs the state says so, and no letter leaves.
#[track_caller]
fn assert_refused(server: &SmtpServer, batch: &TestBatch, words: &str) {
    let before = accepted_by(server);
    for (verb, arguments) in [
        ("send", &["--yes"][..]),
        ("send", &["--yes", "--accept-changes"]),
        ("resume", &["--yes"]),
        ("status", &[]),
        ("check", &[]),
        ("report", &["--verify"]),
        ("resolve", &["S001", "--unsent"]),
    ] {
        batch
            .run(verb, arguments)
            .expect(3)
            .says(words)
            .says("next: put ")
            .says("--accept-lost-state");
    }
    assert_eq!(accepted_by(server), before);
}

#[test]
fn a_state_file_that_is_gone_is_not_taken_for_a_new_batch() {
    let (server, batch) = begun();
    let kept = batch.path("kept.db");
    copy_state(&batch.path(MAIL), &kept);
    lose(&batch, MAIL);
    assert_refused(&server, &batch, GONE);
    assert!(!batch.path(MAIL).exists());
    copy_state(&kept, &batch.path(MAIL));
    batch.send(&[]).expect(0);
    assert_each_once(&server, 4);
}

#[test]
fn who_accepts_the_loss_begins_anew_once() {
    let (server, batch) = begun();
    lose(&batch, MAIL);
    batch.send(&["--accept-lost-state"]).expect(0);
    assert_eq!(accepted_by(&server), [1, 1, 2, 3, 4]);
    batch
        .send(&["--accept-lost-state"])
        .expect(2)
        .says("is not lost")
        .says("next: leave --accept-lost-state out");
    // The loss of the new one is noticed like that of the first.
    lose(&batch, MAIL);
    assert_refused(&server, &batch, GONE);
}

/// Killed at its first letter, a run leaves most of its state in the write-ahead log.
#[test]
fn a_state_file_without_its_log_is_not_taken_for_a_new_batch() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(4);
    batch.use_smtp(server.port(), "");
    let victim = Victim::default();
    let hook = victim.clone();
    server.script(move |event| {
        let hook = hook.clone();
        match event.step {
            Step::FinalDot => Action::GoThenCall(std::sync::Arc::new(move || hook.kill())),
            _ => Action::Go,
        }
    });
    victim.send(&batch);
    victim.wait_until_killed();
    assert!(server.wait_idle(crate::support::wait::LONG));
    server.script(|_| Action::Go);
    let wal = beside(&batch.path(MAIL), "-wal");
    let log = fs::read(&wal).unwrap();
    let whole = fs::read(batch.path(MAIL)).unwrap();
    let _ = fs::remove_file(beside(&batch.path(MAIL), "-shm"));

    fs::remove_file(&wal).unwrap();
    assert_refused(&server, &batch, OLDER);
    // Nor is the log of a file that is gone ever put to a new one.
    fs::remove_file(batch.path(MAIL)).unwrap();
    fs::remove_file(beside(&batch.path(MAIL), ".lock")).unwrap();
    fs::write(&wal, &log).unwrap();
    assert_refused(&server, &batch, GONE);

    fs::write(batch.path(MAIL), &whole).unwrap();
    let doubt = batch.in_state("in_doubt");
    assert!(doubt.len() <= 1, "{doubt:?}");
    // The kill may have come when the letter was there, or when the next one had just been claimed.
    let there: Vec<String> = accepted_by(&server).into_iter().map(id).collect();
    for id in &doubt {
        let became = if there.contains(id) {
            "--accepted"
        } else {
            "--unsent"
        };
        batch.run("resolve", &[id, became]).expect(0);
    }
    batch.send(&[]).expect(0);
    assert_each_once(&server, 4);
}

#[test]
fn an_older_copy_of_the_state_file_is_refused() {
    let (server, batch) = begun();
    let old = batch.path("old.db");
    copy_state(&batch.path(MAIL), &old);
    batch.send(&["--limit", "2"]).expect(0);
    let newest = batch.path("newest.db");
    copy_state(&batch.path(MAIL), &newest);
    copy_state(&old, &batch.path(MAIL));
    assert_refused(&server, &batch, OLDER);
    copy_state(&newest, &batch.path(MAIL));
    batch.send(&[]).expect(0);
    assert_each_once(&server, 4);
}

/// What cannot be put back can be gone on with, by who knows what went out.
#[test]
fn an_older_copy_goes_on_for_who_accepts_the_loss() {
    let (server, batch) = begun();
    let old = batch.path("old.db");
    copy_state(&batch.path(MAIL), &old);
    batch.send(&["--only", "S002"]).expect(0);
    copy_state(&old, &batch.path(MAIL));
    batch
        .send(&["--accept-lost-state", "--only", "S003", "--only", "S004"])
        .expect(0);
    assert_each_once(&server, 4);
    batch.assert_log_is_whole();
}

/// A mark comes after the state file knows of the run, and only when letters leave.
#[test]
fn runs_that_hand_nothing_over_leave_no_false_alarm() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(2);
    batch.use_smtp(server.port(), "");
    batch.send(&["--limit", "0"]).expect(0);
    lose(&batch, MAIL);
    batch.send(&["--limit", "1"]).expect(0);
    let before = batch.path("before.db");
    batch.send(&["--limit", "0"]).expect(0);
    copy_state(&batch.path(MAIL), &before);
    batch.send(&["--limit", "0"]).expect(0);
    // Nothing went out since that copy.
    copy_state(&before, &batch.path(MAIL));
    batch.send(&[]).expect(0);
    assert_each_once(&server, 2);
}

/// Nobody gets a rehearsal twice but the one who rehearses.
#[test]
fn a_rehearsal_that_is_lost_starts_anew() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(2);
    batch.use_smtp(server.port(), "");
    for _ in 0..2 {
        batch.send(&["--redirect-to", "me@study.example"]).expect(0);
        lose(&batch, "batch.rehearsal.db");
    }
    assert_eq!(server.received().len(), 4);
}

/// Files that a run left are found without any trace of it, and an outbox that was emptied by the
/// trace alone.
#[test]
fn an_outbox_with_letters_of_a_lost_run_is_noticed() {
    let batch = TestBatch::new(4);
    batch.run("send", &["--limit", "2"]).expect(0);
    lose(&batch, OUTBOX);
    batch.run("send", &[]).expect(3).says(GONE);
    fs::remove_file(beside(&batch.path(OUTBOX), ".lock")).unwrap();
    let ran = batch.run("send", &[]).expect(3);
    let ran = ran.says("the letter of S001 went out already (outbox ");
    assert!(ran.stderr.contains("nothing was sent"), "{ran:?}");
    assert_eq!(fs::read_dir(batch.path("outbox")).unwrap().count(), 2);
    // Also by a run that is to begin elsewhere in the list.
    batch
        .run("send", &["--only", "S002"])
        .expect(3)
        .says("the letter of S002 went out already");
    batch.run("send", &["--accept-lost-state"]).expect(0);
    assert_eq!(fs::read_dir(batch.path("outbox")).unwrap().count(), 4);
}

/// Loses all that this machine knows of a run, and goes on.
#[track_caller]
fn is_seen_in_the_mailbox(batch: &TestBatch, exchange: &Exchange, send: &dyn Fn(&[&str]) -> Ran) {
    send(&["--limit", "2"]).expect(0);
    lose(batch, MAIL);
    send(&[]).expect(3).says(GONE);
    fs::remove_file(beside(&batch.path(MAIL), ".lock")).unwrap();
    for _ in 0..2 {
        send(&[])
            .expect(3)
            .says("the letter of S001 went out already")
            .says("found in the mailbox, sent ")
            .says("next: put the state file of the run that sent it in this place");
    }
    assert_eq!(exchange.mailbox(SHARED).outgoing().len(), 2);
    // The person knows which letters are missing.
    send(&["--accept-lost-state", "--only", "S003", "--only", "S004"]).expect(0);
    assert_eq!(exchange.mailbox(SHARED).outgoing().len(), 4);
    // Those that were left out still are in the mailbox, and do not go out by a slip.
    send(&[])
        .expect(3)
        .says("the letter of S001 went out already");
    assert_eq!(exchange.mailbox(SHARED).outgoing().len(), 4);
}

#[test]
fn a_mailbox_of_graph_with_letters_of_a_lost_run_is_noticed() {
    let reading = [
        "Mail.Send",
        "Mail.Send.Shared",
        "Mail.Read.Shared",
        "User.Read",
    ];
    for scopes in [&crate::support::graph_desk::ALL_SCOPES[..], &reading[..]] {
        let desk = GraphDesk::at(OauthServer::builder().grant("graph", scopes), 4);
        let send = |arguments: &[&str]| desk.desk.batch.send(arguments);
        is_seen_in_the_mailbox(&desk.desk.batch, &desk.exchange, &send);
        desk.assert_proper();
    }
}

/// Neither the mark nor the Message-ID alone is needed.
#[test]
fn a_mailbox_that_keeps_one_of_the_two_signs_is_enough() {
    for keeps_mark in [true, false] {
        let desk = GraphDesk::with_all_scopes(4);
        desk.exchange.keep_properties(keeps_mark);
        desk.exchange.keep_message_ids(!keeps_mark);
        let send = |arguments: &[&str]| desk.desk.batch.send(arguments);
        is_seen_in_the_mailbox(&desk.desk.batch, &desk.exchange, &send);
    }
}

#[test]
fn a_mailbox_of_exchange_with_letters_of_a_lost_run_is_noticed() {
    let desk = EwsDesk::new(4);
    let send = |arguments: &[&str]| desk.desk.batch.send(arguments);
    is_seen_in_the_mailbox(&desk.desk.batch, &desk.exchange, &send);
    desk.assert_proper();
}

/// Without the right to look, only this machine can know.
#[test]
fn without_the_right_to_look_the_trace_on_this_machine_is_all_there_is() {
    let desk = GraphDesk::new(3);
    let batch = &desk.desk.batch;
    batch.send(&["--limit", "1"]).expect(0);
    lose(batch, MAIL);
    batch.send(&[]).expect(3).says(GONE);
    let ran = batch.send(&["--accept-lost-state"]).expect(0);
    assert!(!ran.stderr.contains(THERE), "{ran:?}");
}
