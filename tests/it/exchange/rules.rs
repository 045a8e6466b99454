//! The rules of Graph's JSON.

use serde_json::{Value, json};

use crate::exchange::{Got, Rig, SHARED, TAG, mail};

/// A letter with this change is refused, for this breach alone.
#[track_caller]
fn breaks(part: &str, change: impl Fn(&mut Value)) {
    let rig = Rig::new();
    let mut body = mail("one");
    change(&mut body["message"]);
    rig.send_mail(&body).refuses(400, "RequestBodyRead");
    rig.assert_breach(part);
    assert!(rig.graph.mailbox(SHARED).outgoing().is_empty());
}

#[test]
fn keys_are_known_and_of_their_type() {
    breaks("unknown key message.Subject", |it| {
        it["Subject"] = json!("x")
    });
    breaks("message.subject is no text", |it| it["subject"] = json!(1));
    breaks("isDraft is set by Graph", |it| it["isDraft"] = json!(false));
    breaks("body.contentType is \"HTML\"", |it| {
        it["body"]["contentType"] = json!("HTML")
    });
    breaks("unknown key message.body.text", |it| {
        it["body"]["text"] = json!("x")
    });
}

#[test]
fn recipients_have_their_shape() {
    breaks("toRecipients is no array", |it| {
        it["toRecipients"] = crate::exchange::recipient("a@b.example")
    });
    breaks("toRecipients[0] is not", |it| {
        it["toRecipients"] = json!(["a@b.example"])
    });
    breaks("emailAddress has no address", |it| {
        it["from"] = json!({"emailAddress": {}})
    });
    breaks("unknown key message.from.emailAddress.mail", |it| {
        it["from"]["emailAddress"]["mail"] = json!("x");
    });
}

#[test]
fn attachments_have_their_shape() {
    breaks("contentBytes is no base64", |it| {
        it["attachments"][0]["contentBytes"] = json!("%PDF")
    });
    breaks("has no @odata.type", |it| {
        it["attachments"][0]
            .as_object_mut()
            .unwrap()
            .remove("@odata.type");
    });
}

#[test]
fn headers_are_few_and_begin_with_x() {
    let header = |name: &str| json!({"name": name, "value": "1"});
    breaks("does not begin with x-", |it| {
        it["internetMessageHeaders"] = json!([header("Auto-Submitted")]);
    });
    let six: Vec<Value> = (1..=6)
        .map(|number| header(&format!("x-{number}")))
        .collect();
    breaks("more than 5", |it| {
        it["internetMessageHeaders"] = json!(six)
    });
}

#[test]
fn properties_are_named_with_braces() {
    let bare = TAG.replace(['{', '}'], "");
    breaks("singleValueExtendedProperties[0].id", |it| {
        it["singleValueExtendedProperties"][0]["id"] = json!(bare);
    });
}

#[test]
fn the_body_is_json_and_says_so() {
    let rig = Rig::new();
    let path = format!("/users/{SHARED}/sendMail");
    let request = rig.request(reqwest::Method::POST, &path);
    let got = Got::of(request.header("Content-Type", "text/plain").body("x"));
    assert_eq!(got.status, 415);
    rig.assert_breach("Content-Type");
    let mut body = mail("one");
    body["saveToSentItem"] = json!(true);
    assert_eq!(rig.send_mail(&body).status, 400);
    assert!(rig.graph.violations()[1].contains("unknown key saveToSentItem"));
}
