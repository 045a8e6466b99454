//! `check --online` asks DNS about the recipients' domains.

use crate::support::dns::{self, Mx};
use crate::support::smtp::SmtpServer;
use crate::support::{Ran, TestBatch};

fn check(batch: &TestBatch, name_server: &str) -> Ran {
    let mut command = batch.command("check", &["--online"]);
    let output = command.env("POSTROOM_DNS", name_server).output().unwrap();
    Ran::of(output)
}

#[test]
fn domains_that_take_no_mail_are_found_before_anything_is_sent() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(4);
    batch.use_smtp(server.port(), "");
    let names = dns::start(&[
        ("school1.example", Mx::Server),
        ("school2.example", Mx::Null),
        ("school3.example", Mx::None),
    ])
    .to_string();
    let ran = check(&batch, &names).expect(3);
    for part in [
        "school2.example says that it takes no mail",
        "school3.example names no mail server",
        "there is no domain school4.example",
    ] {
        assert!(ran.output().contains(part), "{part}: {ran:?}");
    }
    assert!(!ran.output().contains("school1.example "), "{ran:?}");
    assert!(server.received().is_empty());
}

#[test]
fn one_domain_of_many_recipients_is_one_finding() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(3);
    batch.use_smtp(server.port(), "");
    for number in 2..=3 {
        batch.replace(
            "list.csv",
            &format!("@school{number}.example"),
            "@school1.example",
        );
    }
    let names = dns::start(&[]).to_string();
    let ran = check(&batch, &names).expect(3);
    let text = "there is no domain school1.example (and 2 recipients more)";
    assert_eq!(ran.output().matches(text).count(), 1, "{ran:?}");
}

#[test]
fn a_name_server_that_cannot_be_asked_says_nothing() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(2);
    batch.use_smtp(server.port(), "");
    // Nobody listens there.
    check(&batch, "127.0.0.1:9").expect(0);
    check(&batch, "off").expect(0);
    check(&batch, "nowhere").expect(2).says("POSTROOM_DNS");
}
