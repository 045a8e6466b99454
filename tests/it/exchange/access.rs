//! Tokens, scopes and rights.

use reqwest::Method;
use serde_json::Value;

use crate::exchange::{ALL_SCOPES, Got, PERSON, Rig, SHARED, mail, message, with_json};

#[test]
fn only_a_live_token_for_graph_is_taken() {
    let mut rig = Rig::new();
    assert_eq!(rig.get("/me").status, 200);
    rig.oauth.expire_access_tokens();
    let got = rig.get("/me");
    got.refuses(401, "InvalidAuthenticationToken");
    assert!(got.header("www-authenticate").starts_with("Bearer"));
    rig.token = rig.oauth.hand_out_access("outlook");
    rig.get("/me").refuses(401, "InvalidAuthenticationToken");
    rig.token = rig.oauth.hand_out_access("graph");
    assert_eq!(rig.get("/me").json()["mail"], PERSON);
}

/// With one of these scopes a request goes through, and with all others together it does not.
#[track_caller]
fn needs(wanted: &[&str], method: &Method, path: &str, body: &Value) {
    let ask = |rig: &Rig| Got::of(with_json(rig.request(method.clone(), path), body));
    for scope in wanted {
        let got = ask(&Rig::granted(&[scope]));
        assert!(got.status < 300, "{scope} {path}: {got:?}");
    }
    let mut others = vec!["Mail.Read", "Mail.Read.Shared"];
    others.extend(ALL_SCOPES);
    others.retain(|scope| !wanted.contains(scope));
    ask(&Rig::granted(&others)).refuses(403, "ErrorAccessDenied");
}

#[test]
fn each_endpoint_needs_its_scope() {
    let shared = format!("/users/{SHARED}");
    for (place, suffix) in [("/me", ""), (shared.as_str(), ".Shared")] {
        let scope = |name: &str| format!("{name}{suffix}");
        let (send, read, write) = (
            scope("Mail.Send"),
            scope("Mail.Read"),
            scope("Mail.ReadWrite"),
        );
        let post = |path: &str, body: &Value, wanted: &[&str]| {
            needs(wanted, &Method::POST, &format!("{place}{path}"), body);
        };
        post("/sendMail", &mail("one"), &[&send]);
        post("/messages", &message("one"), &[&write]);
        let folder = format!("{place}/mailFolders/sentitems");
        needs(&[&read, &write], &Method::GET, &folder, &Value::Null);
    }
    needs(&["User.Read"], &Method::GET, "/me", &Value::Null);
}

#[test]
fn the_persons_own_mailbox_may_be_named_by_its_address() {
    let rig = Rig::granted(&["Mail.Send"]);
    let path = format!("/users/{}/sendMail", PERSON.to_uppercase());
    assert_eq!(rig.post(&path, &mail("one")).status, 202);
}

#[test]
fn rights_on_the_shared_mailbox_are_asked() {
    let rig = Rig::new();
    rig.exchange.set_send_as(SHARED, false);
    let got = rig.send_mail(&mail("one"));
    got.refuses(403, "ErrorSendAsDenied");
    assert!(
        got.body
            .contains("does not have the right to send mail on behalf of")
    );
    rig.post("/me/sendMail", &mail("one"))
        .refuses(403, "ErrorSendAsDenied");
    rig.exchange.set_full_access(SHARED, false);
    rig.send_mail(&mail("one"))
        .refuses(403, "ErrorAccessDenied");
    assert!(rig.graph.mailbox(SHARED).outgoing().is_empty());
    rig.graph.assert_proper();
}

#[test]
fn a_mailbox_that_is_not_there_is_named() {
    let rig = Rig::new();
    let got = rig.get("/users/nobody@study.example/mailFolders/sentitems");
    got.refuses(404, "ErrorInvalidUser");
}

#[test]
fn a_letter_without_from_is_a_breach() {
    let rig = Rig::new();
    let mut body = mail("one");
    body["message"].as_object_mut().unwrap().remove("from");
    assert_eq!(rig.send_mail(&body).status, 202);
    rig.assert_breach("no from");
    let sent = rig.graph.mailbox(SHARED).sent();
    assert_eq!(sent[0].from.as_deref(), Some(PERSON));
}

#[test]
fn a_request_without_an_id_of_its_own_is_a_breach() {
    let rig = Rig::new();
    let url = format!("{}/v1.0/me", rig.graph.url());
    let ask = || rig.http.get(&url).bearer_auth(&rig.token);
    assert_eq!(Got::of(ask()).status, 200);
    rig.assert_breach("no client-request-id");
    Got::of(ask().header("client-request-id", "one"));
    assert!(rig.graph.violations()[1].contains("not a GUID"));
}
