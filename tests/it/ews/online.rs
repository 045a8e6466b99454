//! `check --online`.

use crate::ews::outgoing;
use crate::support::ews_desk::EwsDesk;
use crate::support::graph_desk::{PERSON, SHARED};

#[test]
fn a_check_says_what_it_found_and_sends_nothing() {
    let desk = EwsDesk::new(2);
    let ran = desk.desk.run("check", &["--online"]).expect(0);
    for part in [
        "as reports@study.example, in the clear",
        "Exchange 15.2.1544",
        "Sent Items holds 0 messages",
        "looked up in Sent Items and Drafts",
        "copies",
    ] {
        assert!(ran.stdout.contains(part), "{part:?}: {ran:?}");
    }
    assert_eq!(desk.ews.requests().len(), 1);
    assert!(outgoing(&desk).is_empty());
    desk.assert_proper();
    desk.secrets("save_in = \"none\"\n");
    let ran = desk
        .desk
        .run("check", &["--online"])
        .expect(0)
        .says("no copies are kept");
    assert!(!ran.stdout.contains("copies  "), "{ran:?}");
}

#[test]
fn a_mailbox_that_cannot_be_opened_is_reported() {
    let desk = EwsDesk::new(1);
    desk.exchange.set_full_access(SHARED, false);
    desk.desk
        .run("check", &["--online"])
        .expect(5)
        .says("ErrorFolderNotFound")
        .says("Full Access");
    desk.desk
        .change("reports@study.example", "nobody@study.example");
    desk.desk
        .run("check", &["--online"])
        .expect(5)
        .says("ErrorNonExistentMailbox")
        .says("send_emails_as");
}

#[test]
fn a_probe_goes_to_the_person_and_is_looked_at() {
    let desk = EwsDesk::new(1);
    let ran = desk.desk.run("check", &["--online", "--probe"]).expect(0);
    assert!(ran.stdout.contains("kept as postroom wrote it"), "{ran:?}");
    let sent = desk.exchange.mailbox(SHARED).sent();
    assert_eq!(sent[0].to, [PERSON]);
    desk.assert_proper();
    desk.exchange.keep_message_ids(false);
    let ran = desk.desk.run("check", &["--online", "--probe"]).expect(0);
    assert!(ran.stdout.contains("replaced by the server"), "{ran:?}");
    assert!(
        ran.stdout
            .contains("kept: letters in doubt are found by it"),
        "{ran:?}"
    );
}
