//! Access tokens of each shape: what a sign-in service says of them, what they say themselves, and what
//! neither says.

use serde_json::{Value, json};

use crate::support::graph_desk::{ALL_SCOPES, GraphDesk, SHARED};
use crate::support::oauth::{Builder, OauthAction, OauthServer};

const SENDING: [&str; 3] = ["Mail.Send", "Mail.Send.Shared", "User.Read"];
const DEFAULT: &str = "https://graph.microsoft.com/.default";

/// A desk whose sign-in service writes this for the scopes of a token.
fn desk(server: Builder, scope: Value) -> GraphDesk {
    let desk = GraphDesk::at(server, 2);
    desk.desk.server.script(move |event| {
        if event.is_grant("refresh_token") {
            OauthAction::Amend(vec![("scope".into(), scope.clone())])
        } else {
            OauthAction::Go
        }
    });
    desk
}

fn large_report(desk: &GraphDesk) {
    let mut report = b"%PDF-1.4\n".to_vec();
    report.resize(5_000_000, b'x');
    desk.desk.batch.write("reports/S001.pdf", report);
}

fn unsaid() -> [Value; 3] {
    [
        Value::Null,
        json!(DEFAULT),
        json!(format!("openid profile {DEFAULT}")),
    ]
}

#[test]
fn a_token_whose_scopes_nobody_names_sends() {
    for scope in unsaid() {
        let server = OauthServer::builder().grant("graph", &SENDING);
        let desk = desk(server, scope.clone());
        desk.desk.send().expect(0);
        assert_eq!(desk.graph.mailbox(SHARED).outgoing().len(), 2, "{scope}");
    }
}

#[test]
fn what_the_answer_leaves_out_is_read_in_the_token() {
    for scope in unsaid() {
        let server = OauthServer::builder()
            .grant("graph", &ALL_SCOPES)
            .token_claims(json!({"scp": ALL_SCOPES.join(" ")}));
        let desk = desk(server, scope.clone());
        let ran = desk.desk.run("check", &["--online"]).expect(0);
        assert!(ran.stdout.contains("as drafts"), "{scope}: {ran:?}");
        let shown = desk.desk.run("whoami", &[]).expect(0).stdout;
        assert!(shown.contains("drafts and large PDFs"), "{scope}: {shown}");
    }
}

#[test]
fn what_neither_says_is_tried() {
    for scope in unsaid() {
        let read = [
            "Mail.Send",
            "Mail.Send.Shared",
            "Mail.Read.Shared",
            "User.Read",
        ];
        let may = desk(OauthServer::builder().grant("graph", &read), scope.clone());
        let ran = may.desk.run("check", &["--online"]).expect(0);
        assert!(ran.stdout.contains("looked up in Sent Items"), "{ran:?}");
        let server = OauthServer::builder().grant("graph", &SENDING);
        let may_not = desk(server, scope);
        let ran = may_not.desk.run("check", &["--online"]).expect(0);
        assert!(ran.output().contains("cannot be looked up"), "{ran:?}");
    }
}

/// One request takes about 4 MB; a draft takes more, where it is allowed.
#[test]
fn a_large_letter_is_tried_as_a_draft() {
    let may = desk(
        OauthServer::builder().grant("graph", &ALL_SCOPES),
        Value::Null,
    );
    large_report(&may);
    may.desk.run("check", &["--online"]).expect(0);
    may.desk.send().expect(0);
    assert_eq!(may.graph.mailbox(SHARED).outgoing().len(), 2);
    let server = OauthServer::builder().grant("graph", &SENDING);
    let may_not = desk(server, Value::Null);
    large_report(&may_not);
    may_not.desk.send().expect(4).says("Mail.ReadWrite.Shared");
    assert_eq!(may_not.graph.mailbox(SHARED).outgoing().len(), 1);
}
