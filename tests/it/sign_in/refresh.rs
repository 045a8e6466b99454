//! The renewal of a sign-in.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use serde_json::Value;

use crate::support::Ran;
use crate::support::oauth::{OauthAction, OauthServer};
use crate::support::signing_in::Desk;

/// Has every renewal answered so.
fn renewals(desk: &Desk, answer: impl Fn() -> OauthAction + Send + Sync + 'static) {
    desk.server.script(move |event| {
        if event.is_grant("refresh_token") {
            answer()
        } else {
            OauthAction::Go
        }
    });
}

/// A sign-in that is not renewed, and kept as it was.
#[track_caller]
fn not_renewed(answer: impl Fn() -> OauthAction + Send + Sync + 'static) -> Ran {
    let desk = Desk::new();
    desk.sign_in();
    let kept = desk.kept();
    renewals(&desk, answer);
    let ran = desk.run("whoami", &[]).expect(6).says("next: ");
    assert_eq!(desk.kept(), kept);
    desk.server.script(|_| OauthAction::Go);
    desk.run("whoami", &[]).expect(0);
    ran
}

#[test]
fn a_new_refresh_token_takes_the_place_of_the_old_one() {
    let desk = Desk::at(OauthServer::builder().revoke_on_rotation());
    desk.sign_in();
    let mut kept = vec![desk.kept()];
    for _ in 0..3 {
        desk.run("whoami", &[]).expect(0);
        let newer = desk.kept();
        assert!(!kept.contains(&newer), "{newer} was kept before");
        kept.push(newer);
    }
    desk.assert_proper();
}

#[test]
fn a_sign_in_that_gets_no_new_refresh_token_keeps_its_own() {
    let desk = Desk::new();
    desk.sign_in();
    let kept = desk.kept();
    renewals(&desk, || OauthAction::amend("refresh_token", Value::Null));
    desk.run("whoami", &[]).expect(0);
    assert_eq!(desk.kept(), kept);
}

#[cfg(unix)]
#[test]
fn a_renewed_sign_in_stays_for_its_user_alone() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::new();
    desk.sign_in();
    desk.run("whoami", &[]).expect(0);
    let mode = desk.store().metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_revoked_sign_in_says_what_to_do() {
    let desk = Desk::new();
    desk.sign_in();
    desk.server.revoke_refresh_tokens();
    desk.run("whoami", &[])
        .expect(6)
        .says("the sign-in has expired or was revoked")
        .says("AADSTS50173")
        .says("Correlation ID: 00000000-4444-4555-8666-")
        .says("next: run `postroom login` again");
    desk.sign_in();
    desk.run("whoami", &[]).expect(0);
}

#[test]
fn answers_that_are_none_are_reported() {
    for (status, kind, body) in [
        (
            200,
            "text/html",
            "<html>Welcome to our network. Please sign in.</html>",
        ),
        (200, "application/json", ""),
        (200, "application/json", "{"),
        (200, "application/json", "{}"),
        (200, "application/json", "[1, 2]"),
        (200, "application/json", "{\"access_token\": 7}"),
        (302, "text/html", "moved"),
        (404, "text/html", "not found"),
        (400, "application/json", "{\"error\": {}}"),
        (500, "text/plain", "oh"),
        (503, "text/html", "<h1>Service unavailable</h1>"),
    ] {
        let ran = not_renewed(move || OauthAction::raw(status, kind, body));
        let ran = ran.says("the sign-in service could not be used");
        assert!(!ran.stderr.contains('<'), "{ran:?}");
    }
}

#[test]
fn an_answer_without_a_token_is_reported() {
    not_renewed(|| OauthAction::amend("access_token", Value::Null))
        .says("the sign-in service could not be used");
}

#[test]
fn a_cut_is_reported() {
    not_renewed(|| OauthAction::Cut).says("the sign-in service could not be used");
}

#[test]
fn an_answer_that_is_lost_costs_no_sign_in() {
    // Microsoft leaves the old refresh token good.
    not_renewed(|| OauthAction::GoThenCut).says("the sign-in service could not be used");
}

#[test]
fn a_service_that_is_not_available_is_reported() {
    not_renewed(|| {
        OauthAction::raw(
            503,
            "application/json",
            "{\"error\":\"temporarily_unavailable\"}",
        )
    })
    .says("the sign-in service is not available now")
    .says("next: try again in some minutes");
}

/// A server that gives out another refresh token each time, and takes the second use of one for
/// theft, as it does with two runs that renew by themselves.
#[test]
fn runs_at_once_do_not_lose_the_sign_in() {
    let desk = Desk::at(OauthServer::builder().revoke_on_rotation());
    desk.sign_in();
    for _ in 0..3 {
        let runs: Vec<_> = (0..4)
            .map(|_| desk.command("whoami", &[]).spawn().unwrap())
            .collect();
        for run in runs {
            desk.watched(Ran::of(run.wait_with_output().unwrap()))
                .expect(0);
        }
    }
    desk.run("whoami", &[]).expect(0);
    desk.assert_proper();
}

#[test]
fn a_redirect_is_not_followed() {
    let desk = Desk::new();
    desk.sign_in();
    let kept = desk.kept();
    let trap = TcpListener::bind("127.0.0.1:0").unwrap();
    let lure = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = format!("http://{}", lure.local_addr().unwrap());
    let answer = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://{}/token\r\nContent-Length: 0\r\n\
         Connection: close\r\n\r\n",
        trap.local_addr().unwrap()
    );
    thread::spawn(move || {
        for mut socket in lure.incoming().flatten() {
            let _ = socket.read(&mut [0; 4096]);
            let _ = socket.write_all(answer.as_bytes());
        }
    });
    desk.change(&desk.server.authority(), &place);
    desk.run("whoami", &[]).expect(6).says("next: ");
    assert_eq!(desk.kept(), kept);
    trap.set_nonblocking(true).unwrap();
    assert!(trap.accept().is_err(), "the refresh token went elsewhere");
}
