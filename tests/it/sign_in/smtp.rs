//! Sending over SMTP with the sign-in (AUTH XOAUTH2).

use std::sync::Arc;

use crate::support::oauth::{OauthAction, OauthServer};
use crate::support::signing_in::Desk;
use crate::support::smtp::{Action, SmtpServer, Step};

const MAILBOX: &str = "reports@study.example";

/// A mail server that takes every token that the sign-in service still stands by.
fn mail_server(desk: &Desk) -> SmtpServer {
    let identity = Arc::downgrade(&desk.server);
    SmtpServer::builder()
        .oauth_by(MAILBOX, move |token| {
            let identity = identity.upgrade();
            identity.is_some_and(|identity| identity.is_valid_access(token, "outlook"))
        })
        .start()
}

/// Every letter reached the server once, in order, and from the mailbox.
#[track_caller]
fn each_once(server: &SmtpServer) {
    let received = server.received();
    let to: Vec<&str> = received
        .iter()
        .flat_map(|mail| &mail.rcpt_to)
        .map(String::as_str)
        .collect();
    assert_eq!(
        to,
        [
            "teacher1@school1.example",
            "teacher2@school2.example",
            "teacher3@school3.example"
        ]
    );
    assert!(
        received
            .iter()
            .all(|mail| mail.auth.as_deref() == Some(MAILBOX))
    );
    assert!(server.violations().is_empty(), "{:?}", server.violations());
}

fn renewals(desk: &Desk) -> usize {
    let requests = desk.server.requests().into_iter();
    requests
        .filter(|request| request.grant_type.as_deref() == Some("refresh_token"))
        .count()
}

#[test]
fn a_batch_is_sent_as_the_shared_mailbox() {
    let desk = Desk::new();
    desk.sign_in();
    let server = mail_server(&desk);
    desk.use_smtp(server.port());
    desk.send().expect(0);
    each_once(&server);
    assert_eq!(renewals(&desk), 1);
    desk.assert_proper();
}

#[test]
fn a_token_serves_all_connections_of_a_run() {
    let desk = Desk::new();
    desk.sign_in();
    let server = mail_server(&desk);
    server.script(|event| match event.step {
        Step::FinalDot => Action::GoThenCut,
        _ => Action::Go,
    });
    desk.use_smtp(server.port());
    desk.send().expect(0);
    each_once(&server);
    assert_eq!(server.connections(), 3);
    assert_eq!(renewals(&desk), 1);
}

#[test]
fn a_token_that_is_about_to_expire_is_renewed() {
    // Renewed five minutes early: here at every connection.
    let desk = Desk::at(OauthServer::builder().expires_in(299).revoke_on_rotation());
    desk.sign_in();
    let server = mail_server(&desk);
    server.script(|event| match event.step {
        Step::FinalDot => Action::GoThenCut,
        _ => Action::Go,
    });
    desk.use_smtp(server.port());
    desk.send().expect(0);
    each_once(&server);
    assert_eq!(renewals(&desk), 3);
    desk.assert_proper();
}

#[test]
fn a_token_that_the_server_refuses_is_renewed_once() {
    let desk = Desk::new();
    desk.sign_in();
    let server = SmtpServer::builder()
        .oauth(MAILBOX, "access-3-outlook")
        .start();
    desk.use_smtp(server.port());
    desk.send().expect(0);
    each_once(&server);
    assert_eq!(renewals(&desk), 2);
    desk.assert_proper();
}

#[test]
fn a_server_that_takes_no_token_stops_the_batch() {
    let desk = Desk::new();
    desk.sign_in();
    let server = SmtpServer::builder().oauth(MAILBOX, "none").start();
    desk.use_smtp(server.port());
    desk.send()
        .expect(6)
        .says("the server refused the access token")
        .says("next: ");
    assert_eq!(renewals(&desk), 2);
    assert!(server.received().is_empty());
    assert_eq!(desk.batch.in_state("pending").len(), 3);
    assert!(server.violations().is_empty(), "{:?}", server.violations());
}

#[test]
fn a_sign_in_refused_in_mid_batch_stops_it_and_the_same_command_goes_on() {
    let desk = Desk::at(OauthServer::builder().expires_in(60));
    desk.sign_in();
    let server = mail_server(&desk);
    let identity = Arc::downgrade(&desk.server);
    server.script(move |event| {
        if event.step != Step::FinalDot || event.message != 1 {
            return Action::Go;
        }
        let identity = identity.clone();
        let revoke = move || {
            if let Some(identity) = identity.upgrade() {
                identity.revoke_refresh_tokens();
            }
        };
        Action::call(revoke, Action::GoThenCut)
    });
    desk.use_smtp(server.port());
    desk.send()
        .expect(6)
        .says("the sign-in has expired or was revoked")
        .says("AADSTS50173")
        .says("postroom login")
        .says("goes on");
    assert_eq!(desk.batch.in_state("accepted"), ["S001"]);
    assert_eq!(desk.batch.in_state("pending"), ["S002", "S003"]);
    // Nothing is asked for in the middle of a run, and nothing changes by trying again.
    desk.send().expect(6);
    assert_eq!(server.received().len(), 1);
    desk.sign_in();
    desk.send().expect(0);
    each_once(&server);
}

#[test]
fn nobody_signed_in_stops_the_batch_before_the_first_letter() {
    let desk = Desk::new();
    let server = mail_server(&desk);
    desk.use_smtp(server.port());
    desk.send()
        .expect(6)
        .says("nobody is signed in as ann@study.example")
        .says("next: run `postroom login`; then `postroom send` goes on");
    assert!(server.received().is_empty());
    desk.sign_in();
    desk.send().expect(0);
    each_once(&server);
}

#[test]
fn a_sign_in_service_that_is_down_stops_the_batch() {
    let desk = Desk::new();
    desk.sign_in();
    let server = mail_server(&desk);
    desk.use_smtp(server.port());
    desk.server.script(|_| OauthAction::Cut);
    desk.send()
        .expect(5)
        .says("the sign-in service could not be used");
    assert!(server.received().is_empty());
    desk.server.script(|_| OauthAction::Go);
    desk.send().expect(0);
    each_once(&server);
}

#[test]
fn a_missing_key_is_named_before_the_first_letter() {
    let desk = Desk::new();
    let server = mail_server(&desk);
    desk.use_smtp(server.port());
    desk.change(&desk.server.client(), "");
    let ran = desk
        .send()
        .says("client_id")
        .says("Application (client) ID");
    assert!(matches!(ran.code, Some(2 | 6)), "{ran:?}");
    assert!(server.received().is_empty());
}

#[test]
fn a_token_is_for_no_foreign_server() {
    let desk = Desk::new();
    desk.batch.use_smtp(25, "");
    for host in [
        "smtp.evil.example",
        "smtp.office365.com.evil.example",
        "127.0.0.2",
    ] {
        desk.secrets(&format!("[smtp]\nhost = \"{host}\"\nauth = \"oauth\"\n"));
        for verb in ["check", "send"] {
            desk.run(verb, &[])
                .expect(2)
                .says("smtp.host")
                .says("Microsoft's servers alone");
        }
    }
}

#[test]
fn a_token_never_goes_to_microsoft_in_the_clear() {
    let desk = Desk::new();
    desk.batch.use_smtp(25, "");
    desk.secrets("[smtp]\nhost = \"smtp.office365.com\"\nauth = \"oauth\"\nsecurity = \"none\"\n");
    desk.run("send", &[]).expect(2).says("smtp.security");
}

#[test]
fn the_check_of_a_batch_asks_for_no_token() {
    let desk = Desk::new();
    let server = mail_server(&desk);
    desk.use_smtp(server.port());
    desk.run("check", &[]).expect(0);
    desk.run("send", &["--dry-run"]).expect(0);
    assert!(desk.server.requests().is_empty());
    assert_eq!(server.connections(), 0);
}
