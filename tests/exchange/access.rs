//! Tokens, scopes and rights.

use reqwest::Method;

use crate::{Got, PERSON, Rig, SHARED, mail, with_json};

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

#[test]
fn each_endpoint_needs_its_scope() {
    let shared = format!("/users/{SHARED}");
    let cases = [
        ("Mail.Send", Method::POST, "/me/sendMail".to_owned()),
        (
            "Mail.Send.Shared",
            Method::POST,
            format!("{shared}/sendMail"),
        ),
        ("Mail.ReadWrite", Method::POST, "/me/messages".to_owned()),
        (
            "Mail.ReadWrite.Shared",
            Method::POST,
            format!("{shared}/messages"),
        ),
        (
            "Mail.Read",
            Method::GET,
            "/me/mailFolders/sentitems".to_owned(),
        ),
        (
            "Mail.Read.Shared",
            Method::GET,
            format!("{shared}/mailFolders/drafts"),
        ),
        (
            "Mail.ReadWrite.Shared",
            Method::GET,
            format!("{shared}/mailFolders/drafts"),
        ),
        ("User.Read", Method::GET, "/me".to_owned()),
    ];
    let all: Vec<&str> = cases.iter().map(|(scope, ..)| *scope).collect();
    for (scope, method, path) in &cases {
        let ask = |rig: &Rig| {
            let body = if path.ends_with("sendMail") {
                mail("one")
            } else {
                crate::message("one")
            };
            Got::of(with_json(rig.request(method.clone(), path), &body))
        };
        let alone = ask(&Rig::granted(&[scope]));
        assert!(alone.status < 300, "{scope} {path}: {alone:?}");
        let is_read = path.contains("mailFolders");
        let family = if is_read {
            path.starts_with("/me")
        } else {
            false
        };
        let others: Vec<&str> = all
            .iter()
            .copied()
            .filter(|other| *other != *scope)
            .filter(|other| {
                !(is_read && other.starts_with("Mail.Read") && other.ends_with("Shared") != family)
            })
            .collect();
        ask(&Rig::granted(&others)).refuses(403, "ErrorAccessDenied");
    }
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
