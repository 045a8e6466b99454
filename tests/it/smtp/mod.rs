//! Sending over SMTP to a server that does nothing wrong, through the front door.

mod presets;
mod protection;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::smtp::{Action, SmtpServer, Step};
use crate::support::{TestBatch, assert_each_once, assert_is_letter_of, wait};

#[test]
fn every_school_gets_its_own_report_once() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(12);
    batch.use_smtp(server.port(), "");
    let ran = batch.send(&[]).expect(0);
    assert!(ran.stdout.contains("12 accepted, 0 pending"), "{ran:?}");
    assert_each_once(&server, 12);
    for received in server.received() {
        assert_eq!(received.mail_from, "reports@study.example");
    }
}

#[test]
fn sending_again_sends_nothing() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(3);
    batch.use_smtp(server.port(), "");
    batch.send(&[]).expect(0);
    let ran = batch.send(&[]).expect(0);
    assert!(ran.stdout.contains("3 accepted, 0 pending"), "{ran:?}");
    assert_each_once(&server, 3);
}

#[test]
fn without_a_terminal_and_a_yes_nothing_is_sent() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(1);
    batch.use_smtp(server.port(), "");
    batch.run("send", &[]).expect(2).says("nothing was sent");
    assert_eq!(server.connections(), 0);
}

#[test]
fn one_connection_carries_all_letters() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(12);
    batch.use_smtp(server.port(), "");
    batch.send(&[]).expect(0);
    assert_eq!(server.connections(), 1);
    assert_each_once(&server, 12);
}

#[test]
fn four_connections_work_at_once_and_no_more() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(24);
    batch.use_smtp(server.port(), "connections = 4");
    let begun = Arc::new(AtomicUsize::new(0));
    server.script(move |event| match event.step {
        // Nobody is answered before four letters are on their way.
        Step::MailFrom(_) if event.message <= 4 => {
            let begun = Arc::clone(&begun);
            let wait_for_four = move || {
                begun.fetch_add(1, Ordering::SeqCst);
                wait::until("the fourth letter", || begun.load(Ordering::SeqCst) >= 4);
            };
            Action::call(wait_for_four, Action::Go)
        }
        _ => Action::Go,
    });
    batch.send(&[]).expect(0);
    assert_eq!(server.max_concurrent(), 4);
    assert_eq!(server.connections(), 4);
    assert_each_once(&server, 24);
}

#[test]
fn a_letter_to_several_addresses_is_one_message() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(1);
    batch.use_smtp(server.port(), "");
    batch.replace("list.csv", "teacher1@", "head@school1.example teacher1@");
    batch.send(&[]).expect(0);
    let received = server.received();
    assert_eq!(received.len(), 1);
    let both = ["head@school1.example", "teacher1@school1.example"];
    assert_eq!(received[0].rcpt_to, both);
    assert_eq!(crate::support::parse_mail(&received[0].data).to, both);
}

#[test]
fn bcc_is_in_the_envelope_and_nowhere_in_the_message() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(2);
    batch.use_smtp(server.port(), "");
    batch.write(
        "list.csv",
        "ID,School,Email,Copy,Audit\n\
         S001,School 1,teacher1@school1.example,leader@team.example,audit@hidden.example\n\
         S002,School 2,teacher2@school2.example,,audit@hidden.example\n",
    );
    let lists = "to = [\"Email\"]\ncc = [\"Copy\"]\nbcc = [\"Audit\"]";
    batch.replace("batch.toml", "to = [\"Email\"]", lists);
    batch.send(&[]).expect(0);
    let received = server.received();
    let envelopes: Vec<_> = received.iter().map(|mail| mail.rcpt_to.clone()).collect();
    let (first, second) = ("teacher1@school1.example", "teacher2@school2.example");
    let (copy, audit) = ("leader@team.example", "audit@hidden.example");
    assert_eq!(envelopes, [vec![first, copy, audit], vec![second, audit]]);
    for (index, mail) in received.iter().enumerate() {
        let data = String::from_utf8_lossy(&mail.data).to_lowercase();
        assert!(!data.contains("hidden") && !data.contains("bcc:"), "{data}");
        assert_is_letter_of(index + 1, &mail.data);
    }
}

#[test]
fn a_line_that_begins_with_a_dot_arrives_as_it_was() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(1);
    batch.use_smtp(server.port(), "");
    batch.write("letter.html", "<pre>\n.\n..two\n.profile\n</pre>\n");
    batch.send(&[]).expect(0);
    assert_each_once(&server, 1);
    let message = mail_parser::MessageParser::new();
    let received = server.received();
    let html = message.parse(&*received[0].data).unwrap();
    let html = html.body_html(0).unwrap().replace("\r\n", "\n");
    assert!(html.contains("\n.\n..two\n.profile\n"), "{html}");
}

#[test]
fn the_receipt_is_kept() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(1);
    batch.use_smtp(server.port(), "");
    batch.send(&[]).expect(0);
    let letter = batch.run("status", &["--json"]).json()["letters"][0].clone();
    assert_eq!(letter["receipt"], "250 2.0.0 Ok: queued as 1");
    assert_eq!(letter["attempts"], 1);
    let received = server.received();
    let message_id = crate::support::parse_mail(&received[0].data).message_id;
    assert_eq!(letter["message_id"], message_id);
}

/// What a person looked at in the outbox is what goes out.
#[test]
fn the_message_on_the_wire_is_the_one_in_the_outbox() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(1);
    batch.use_smtp(server.port(), "");
    batch.run("send", &["--transport", "outbox"]).expect(0);
    batch.send(&[]).expect(0);
    let undated = |message: &[u8]| -> Vec<String> {
        let text = String::from_utf8(message.to_vec()).unwrap();
        let lines = text.split("\r\n").map(str::to_owned);
        lines.filter(|line| !line.starts_with("Date: ")).collect()
    };
    let shown = std::fs::read(batch.path("outbox/S001.eml")).unwrap();
    assert_eq!(undated(&server.received()[0].data), undated(&shown));
}
