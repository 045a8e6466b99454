//! The mailbox read with IMAP, at a real Dovecot.

use super::Sent;
use super::mails::{Report, answer};
use crate::support::dovecot::{Dovecot, PASSWORD};
use crate::support::{Ran, servers};

fn secrets(sent: &Sent, port: u16, password: &str) {
    let smtp = sent.server.port();
    sent.batch.secrets(&format!(
        "[smtp]\nhost = \"127.0.0.1\"\nport = {smtp}\nsecurity = \"none\"\n\n\
         [returns]\nhost = \"127.0.0.1\"\nport = {port}\nsecurity = \"none\"\n\
         username = \"reports@study.example\"\npassword = \"{password}\"\ntimeout = \"10s\"\n"
    ));
}

fn returns(sent: &Sent, arguments: &[&str]) -> Ran {
    sent.batch.run("returns", arguments)
}

#[test]
fn dovecot_shows_inbox_and_junk_and_nothing_is_marked() {
    if !servers::is_root_or_skip() {
        return;
    }
    let Some(dovecot) = servers::or_skip(Dovecot::start()) else {
        return;
    };
    let sent = Sent::new(3);
    secrets(&sent, dovecot.port, PASSWORD);
    let bounce = |number: usize| {
        Report::failed(&format!("teacher{number}@school{number}.example"))
            .about(&sent.message_id(&format!("S00{number}")))
            .named(&format!("b{number}@mx.example"))
            .mail()
    };
    dovecot.deliver("", "1", &bounce(1));
    dovecot.deliver("", "2", &answer(&sent.message_id("S003")));
    dovecot.deliver(
        "",
        "3",
        "From: a@b.example\nMessage-ID: <m@b.example>\nSubject: Minutes\n\nText.\n",
    );
    dovecot.deliver(".Junk", "4", &bounce(2));
    returns(&sent, &["--since", "2020-01-01"])
        .expect(4)
        .shows("read 4 messages: 3 entered")
        .says("imap 127.0.0.1");
    assert_eq!(sent.address("S001")["outcome"], "bounced");
    assert_eq!(sent.address("S002")["outcome"], "bounced");
    assert_eq!(sent.letter("S003")["replies"], 1);
    assert_eq!(dovecot.marks(), ["1 ", "2 ", "3 ", "4 "]);
    let events = sent.events();
    returns(&sent, &[]).expect(4).shows("3 known before");
    assert_eq!(sent.events(), events);
    secrets(&sent, dovecot.port, "wrong");
    returns(&sent, &[])
        .expect(6)
        .says("does not take the account and password");
}
