//! Several runs on one batch: parts of it, two at once, rehearsals, another transport.

use std::fs;
use std::sync::Mutex;
use std::sync::mpsc::channel;

use crate::support::smtp::{Action, SmtpServer, Step};
use crate::support::{Ran, TestBatch, accepted_by, assert_each_once, parse_mail, wait};

fn batch_of(schools: usize, server: &SmtpServer) -> TestBatch {
    let batch = TestBatch::new(schools);
    batch.use_smtp(server.port(), "");
    batch
}

#[test]
fn limit_sends_so_many_and_the_next_run_the_rest() {
    let server = SmtpServer::start();
    let batch = batch_of(5, &server);
    batch.send(&["--limit", "2"]).expect(0);
    assert_eq!(accepted_by(&server), [1, 2]);
    assert_eq!(batch.in_state("pending"), ["S003", "S004", "S005"]);
    batch.send(&["--limit", "2"]).expect(0);
    batch.send(&[]).expect(0);
    assert_eq!(accepted_by(&server), [1, 2, 3, 4, 5]);
}

#[test]
fn only_sends_those_named_and_the_next_run_the_rest() {
    let server = SmtpServer::start();
    let batch = batch_of(4, &server);
    batch.send(&["--only", "S004", "--only", "S002"]).expect(0);
    assert_eq!(accepted_by(&server), [2, 4]);
    batch.send(&["--only", "S004"]).expect(0);
    assert_eq!(accepted_by(&server), [2, 4]);
    batch.send(&[]).expect(0);
    assert_eq!(accepted_by(&server), [2, 4, 1, 3]);
}

#[test]
fn only_with_an_unknown_id_sends_nothing() {
    let server = SmtpServer::start();
    let batch = batch_of(2, &server);
    batch
        .send(&["--only", "S001", "--only", "S999"])
        .expect(2)
        .says("S999");
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_second_run_is_reported_who_holds_the_batch() {
    let server = SmtpServer::start();
    let batch = batch_of(3, &server);
    let (reached, is_there) = channel();
    let (go_on, released) = channel::<()>();
    let (reached, released) = (Mutex::new(reached), Mutex::new(released));
    server.script(move |event| match event.step {
        Step::FinalDot if event.message == 1 => {
            reached.lock().unwrap().send(()).unwrap();
            let _ = released.lock().unwrap().recv_timeout(wait::LONG);
            Action::Go
        }
        _ => Action::Go,
    });
    let first = batch.start("send", &["--yes"]);
    is_there.recv_timeout(wait::LONG).unwrap();
    let pid = format!("process {}", first.id());
    let held = "another run holds";
    batch
        .send(&[])
        .expect(7)
        .says(held)
        .says(": postroom send, ")
        .says(&pid);
    batch.run("resume", &["--yes"]).expect(7).says(held);
    batch
        .run("resolve", &["S001", "--unsent"])
        .expect(7)
        .says(held);
    // Looking is allowed, and a letter in flight is not in doubt.
    assert_eq!(batch.in_state("pending").len(), 3);
    go_on.send(()).unwrap();
    Ran::of(first.wait_with_output().unwrap()).expect(0);
    assert_each_once(&server, 3);
    assert_eq!(server.connections(), 1);
}

#[test]
fn two_runs_started_at_once_send_each_letter_once() {
    let server = SmtpServer::start();
    let batch = batch_of(6, &server);
    let runs: Vec<_> = (0..3).map(|_| batch.start("send", &["--yes"])).collect();
    let codes: Vec<_> = runs
        .into_iter()
        .map(|run| Ran::of(run.wait_with_output().unwrap()).code.unwrap())
        .collect();
    assert!(codes.contains(&0), "{codes:?}");
    assert!(codes.iter().all(|code| [0, 7].contains(code)), "{codes:?}");
    assert_each_once(&server, 6);
}

#[test]
fn the_outbox_has_its_own_state() {
    let server = SmtpServer::start();
    let batch = batch_of(3, &server);
    batch.send(&["--limit", "2"]).expect(0);
    batch.run("send", &["--transport", "outbox"]).expect(0);
    assert_eq!(fs::read_dir(batch.path("outbox")).unwrap().count(), 3);
    assert_eq!(batch.in_state("pending"), ["S003"]);
    batch.send(&[]).expect(0);
    assert_each_once(&server, 3);
}

#[test]
fn a_batch_that_went_into_the_outbox_has_not_been_sent() {
    let server = SmtpServer::start();
    let batch = batch_of(3, &server);
    batch.run("send", &["--transport", "outbox"]).expect(0);
    batch.send(&[]).expect(0);
    assert_each_once(&server, 3);
}

#[test]
fn a_rehearsal_goes_to_one_address_and_leaves_the_real_state_alone() {
    let server = SmtpServer::start();
    let batch = batch_of(3, &server);
    batch.write(
        "list.csv",
        "ID,School,Email,Copy,Audit\n\
         S001,School 1,teacher1@school1.example,leader@team.example,audit@hidden.example\n\
         S002,School 2,teacher2@school2.example,leader@team.example,audit@hidden.example\n\
         S003,School 3,teacher3@school3.example,leader@team.example,audit@hidden.example\n",
    );
    let lists = "to = [\"Email\"]\ncc = [\"Copy\"]\nbcc = [\"Audit\"]";
    batch.replace("batch.toml", "to = [\"Email\"]", lists);
    batch.send(&["--limit", "1"]).expect(0);
    let before = batch.run("status", &["--json"]).expect(0).stdout;

    let ran = batch.send(&["--redirect-to", "me@study.example"]).expect(0);
    assert!(
        ran.stdout.contains("rehearsal: 3 accepted, 0 pending"),
        "{ran:?}"
    );
    assert!(!ran.output().contains("sent"), "{ran:?}");
    let rehearsed = server.received().split_off(1);
    assert_eq!(rehearsed.len(), 3);
    for (index, received) in rehearsed.iter().enumerate() {
        assert_eq!(received.rcpt_to, ["me@study.example"]);
        let mail = parse_mail(&received.data);
        assert_eq!(mail.to, ["me@study.example"]);
        assert_eq!(
            mail.subject,
            format!("[Rehearsal] Report for School {}", index + 1)
        );
        let report = crate::support::report(index + 1);
        assert_eq!(mail.attachments[0].1, crate::support::digest(&report));
        let message = mail_parser::MessageParser::new()
            .parse(&*received.data)
            .unwrap();
        assert!(message.cc().is_none() && message.bcc().is_none());
        let text = message.body_text(0).unwrap();
        let real = format!("teacher{0}@school{0}.example", index + 1);
        for address in [real.as_str(), "leader@team.example", "audit@hidden.example"] {
            assert!(text.contains(address), "{address} is not in {text}");
        }
    }

    assert_eq!(batch.run("status", &["--json"]).expect(0).stdout, before);
    batch.send(&[]).expect(0);
    assert_eq!(server.received().len(), 6);
    assert_eq!(batch.in_state("accepted").len(), 3);
}

#[test]
fn a_sample_of_a_rehearsal_is_spread_over_the_list() {
    let server = SmtpServer::start();
    let batch = batch_of(9, &server);
    for (sample, expected) in [("1", "1"), ("3", "1 5 9"), ("20", "1 2 3 4 5 6 7 8 9")] {
        let before = server.received().len();
        batch
            .send(&["--redirect-to", "me@study.example", "--sample", sample])
            .expect(0);
        let rehearsed = server.received().split_off(before);
        let mut schools: Vec<_> = rehearsed
            .iter()
            .map(|received| parse_mail(&received.data).subject)
            .map(|subject| subject.replace("[Rehearsal] Report for School ", ""))
            .collect();
        schools.sort();
        assert_eq!(schools.join(" "), expected, "{sample}");
        std::fs::remove_file(batch.path("batch.rehearsal.db")).unwrap();
    }
    batch
        .send(&["--sample", "3"])
        .expect(2)
        .says("--redirect-to");
}
