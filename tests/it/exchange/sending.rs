//! sendMail, and what becomes of what was sent.

use std::time::Duration;

use serde_json::json;

use crate::exchange::{PERSON, Rig, SHARED, client_request_id, mail};
use crate::support::exchange::Pickup;

#[test]
fn a_letter_is_taken_and_lies_in_the_senders_sent_items() {
    let rig = Rig::new();
    let got = rig.send_mail(&mail("one"));
    assert_eq!((got.status, got.body.as_str()), (202, ""));
    let sent = rig.graph.mailbox(SHARED).sent();
    assert_eq!(sent.len(), 1);
    let letter = &sent[0];
    assert_eq!(letter.from.as_deref(), Some(SHARED));
    assert_eq!(letter.to, ["head@school1.example"]);
    assert_eq!(letter.reply_to, ["team@study.example"]);
    assert_eq!(letter.html.as_deref(), Some("<p>Dear School</p>"));
    assert_eq!(&*letter.attachments[0].bytes, b"%PDF-1.4");
    assert_eq!(letter.internet_message_id, "<one@study.example>");
    assert_eq!(letter.tag.as_deref(), Some("one"));
    assert!(!letter.is_draft && letter.sent_at.is_some());
    assert!(rig.graph.mailbox(PERSON).sent().is_empty());
    rig.graph.assert_proper();
}

#[test]
fn through_me_the_copy_is_the_signed_in_users() {
    let rig = Rig::new();
    assert_eq!(rig.post("/me/sendMail", &mail("one")).status, 202);
    assert_eq!(rig.graph.mailbox(PERSON).sent().len(), 1);
    assert!(rig.graph.mailbox(SHARED).sent().is_empty());
}

#[test]
fn no_copy_is_kept_when_none_is_wanted() {
    let rig = Rig::new();
    let mut body = mail("one");
    body["saveToSentItems"] = json!(false);
    assert_eq!(rig.send_mail(&body).status, 202);
    let mailbox = rig.graph.mailbox(SHARED);
    assert!(mailbox.sent().is_empty() && mailbox.drafts().is_empty());
    assert_eq!(mailbox.outgoing().len(), 1);
}

#[test]
fn what_is_not_picked_up_yet_lies_in_drafts() {
    let rig = Rig::new();
    rig.exchange.set_pickup(Pickup::Held);
    assert_eq!(rig.send_mail(&mail("one")).status, 202);
    let mailbox = rig.graph.mailbox(SHARED);
    assert!(mailbox.sent().is_empty());
    assert!(mailbox.drafts()[0].is_submitted);
    rig.exchange.release();
    assert!(mailbox.drafts().is_empty());
    assert_eq!(mailbox.sent().len(), 1);
}

#[test]
fn every_answer_has_ids_and_every_request_is_noted() {
    let rig = Rig::new();
    let one = rig.send_mail(&mail("one"));
    let two = rig.send_mail(&mail("two"));
    assert_ne!(one.header("request-id"), two.header("request-id"));
    assert_eq!(one.header("client-request-id"), client_request_id(1));
    let requests = rig.graph.requests();
    assert_eq!(requests.len(), 2);
    let request = &requests[1];
    assert_eq!(request.request_id, two.header("request-id"));
    assert_eq!(request.client_request_id, Some(client_request_id(2)));
    assert_eq!(
        (request.method.as_str(), request.status),
        ("POST", Some(202))
    );
    assert_eq!(request.body_bytes, mail("two").to_string().len());
    assert_eq!((request.number, request.in_flight), (2, 1));
    assert_eq!(request.connection, 1, "the connection is kept");
    assert_eq!(request.subject.as_deref(), Some("two"));
    assert!(request.accepted);
    assert_eq!(rig.graph.most_accepted_in(Duration::from_secs(3600)), 2);
    let bytes = requests[0].body_bytes + request.body_bytes;
    assert_eq!(rig.graph.most_bytes_in(Duration::from_secs(3600)), bytes);
}

#[test]
fn an_invented_message_id_replaces_the_given_one() {
    let rig = Rig::new();
    rig.exchange.keep_message_ids(false);
    rig.send_mail(&mail("one"));
    let sent = rig.graph.mailbox(SHARED).sent();
    assert!(sent[0].internet_message_id.ends_with("@exchange.example>"));
}

#[test]
fn recipients_must_be_addresses() {
    let rig = Rig::new();
    for to in [json!([]), json!([crate::exchange::recipient("nobody")])] {
        let mut body = mail("one");
        body["message"]["toRecipients"] = to;
        rig.send_mail(&body).refuses(400, "ErrorInvalidRecipients");
    }
    assert!(rig.graph.mailbox(SHARED).outgoing().is_empty());
}
