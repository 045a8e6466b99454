//! The sign-in in a browser on this machine.

use std::io::Write;
use std::net::{Ipv6Addr, Shutdown, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use crate::support::Ran;
use crate::support::closed_port::ClosedPort;
use crate::support::oauth::{OauthAction, OauthEndpoint, OauthServer, get};
use crate::support::signing_in::Desk;

const BROWSER: &[&str] = &["--flow", "browser"];

/// Has the service answer an endpoint differently.
fn bend(
    desk: &Desk,
    endpoint: OauthEndpoint,
    action: impl Fn() -> OauthAction + Send + Sync + 'static,
) {
    desk.server.script(move |event| {
        if event.endpoint == endpoint {
            action()
        } else {
            OauthAction::Go
        }
    });
}

/// A sign-in that must fail: its page says so, and nothing is kept.
#[track_caller]
fn fails(desk: &Desk) -> Ran {
    let login = desk.begin(BROWSER);
    let page = login.browse();
    assert_eq!(page.status, Some(200), "{page:?}");
    assert!(page.body.contains("did not succeed"), "{page:?}");
    let ran = login.end().expect(6).says("next: ");
    assert!(!desk.store().exists());
    ran
}

#[test]
fn a_browser_signs_in() {
    let desk = Desk::new();
    let login = desk.begin(BROWSER);
    let page = login.browse();
    assert_eq!(page.status, Some(200), "{page:?}");
    assert!(
        page.body.contains("Your sign-in has reached postroom"),
        "{page:?}"
    );
    let ran = login.end().expect(0).says("sign in as ann@study.example");
    assert!(
        ran.stdout.contains("signed in as ann@study.example"),
        "{ran:?}"
    );
    assert!(desk.server.secrets().contains(&desk.kept()));
    desk.assert_proper();
}

#[cfg(unix)]
#[test]
fn the_sign_in_is_kept_for_its_user_alone() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::new();
    desk.sign_in();
    let mode = desk.store().metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let beside = desk.store().parent().unwrap().read_dir().unwrap().count();
    assert_eq!(beside, 1, "a temporary file was left");
}

#[test]
fn a_confidential_registration_shows_its_secret() {
    let desk = Desk::at(OauthServer::builder().secret("client-secret-of-the-study"));
    let login = desk.begin(BROWSER);
    login.browse();
    let _ = login.end().expect(6).says("not a public client");
    desk.secrets("client_secret = \"client-secret-of-the-study\"\n");
    desk.sign_in();
    desk.run("whoami", &[]).expect(0);
    desk.assert_proper();
}

#[test]
fn an_answer_to_another_sign_in_is_not_the_answer() {
    let desk = Desk::new();
    let login = desk.begin(BROWSER);
    for query in [
        "code=abc&state=that-of-somebody-else",
        "code=abc",
        "code=abc&state=",
        "error=access_denied&state=x",
    ] {
        let page = get(&format!("http://127.0.0.1:{}/?{query}", login.port()));
        assert_eq!(page.status, Some(404), "{query}: {page:?}");
    }
    let asked = desk.server.requests();
    assert!(
        asked
            .iter()
            .all(|request| request.endpoint != OauthEndpoint::Token)
    );
    login.browse();
    login.end().expect(0);
    desk.assert_proper();
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the program itself is timed")]
fn connections_that_say_nothing_keep_nobody_waiting() {
    let desk = Desk::new();
    let login = desk.begin(BROWSER);
    // A browser may take `localhost` for either family of addresses.
    let idle: Vec<_> = (0..12)
        .filter_map(|place| {
            let host = ["127.0.0.1", "::1"][place % 2];
            TcpStream::connect((host, login.port())).ok()
        })
        .collect();
    assert!(idle.len() >= 6);
    let begun = Instant::now();
    let page = login.browse();
    assert_eq!(page.status, Some(200), "{page:?}");
    login.end().expect(0);
    // One after the other they would have their five seconds each.
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(15), "it took {took:?}");
    drop(idle);
}

#[test]
fn a_token_of_another_service_or_tenant_or_time_is_thrown_away() {
    let null = serde_json::Value::Null;
    for (name, value, why) in [
        (
            "tid",
            "00000000-0000-4000-8000-000000000001".into(),
            "it is of another tenant",
        ),
        ("tid", null.clone(), "does not say of which tenant"),
        (
            "iss",
            "https://login.evil.example/v2.0".into(),
            "another service issued it",
        ),
        ("iss", null.clone(), "another service issued it"),
        ("exp", 1_600_000_000.into(), "it has expired"),
        ("exp", null.clone(), "it has expired"),
    ] {
        let desk = Desk::new();
        bend(&desk, OauthEndpoint::Token, move || {
            OauthAction::claim(name, value.clone())
        });
        fails(&desk).says(why);
    }
}

#[test]
fn a_token_for_another_sign_in_is_thrown_away() {
    for nonce in [serde_json::json!("another"), serde_json::Value::Null] {
        let desk = Desk::new();
        bend(&desk, OauthEndpoint::Token, move || {
            OauthAction::claim("nonce", nonce.clone())
        });
        fails(&desk).says("its nonce is another");
    }
}

#[test]
fn a_token_for_another_app_is_thrown_away() {
    let desk = Desk::new();
    bend(&desk, OauthEndpoint::Token, || {
        OauthAction::claim("aud", "another-app")
    });
    fails(&desk).says("it is for another app");
}

#[test]
fn another_account_is_refused() {
    let desk = Desk::new();
    desk.server.sign_in_other_account("eve@study.example");
    fails(&desk)
        .says("eve@study.example")
        .says("not ann@study.example")
        .says("choose ann@study.example");
}

#[test]
fn an_account_is_the_same_in_capitals() {
    let desk = Desk::new();
    desk.server.sign_in_other_account("Ann@Study.Example");
    desk.sign_in();
}

#[test]
fn another_account_leaves_the_older_sign_in() {
    let desk = Desk::new();
    desk.sign_in();
    let kept = desk.kept();
    desk.server.sign_in_other_account("eve@study.example");
    let login = desk.begin(BROWSER);
    login.browse();
    login.end().expect(6);
    assert_eq!(desk.kept(), kept);
}

#[test]
fn a_person_may_decline() {
    let desk = Desk::new();
    bend(&desk, OauthEndpoint::Authorize, OauthAction::cancelled);
    fails(&desk)
        .says("the permissions were declined on the sign-in page")
        .says("AADSTS65004");
    let desk = Desk::new();
    bend(&desk, OauthEndpoint::Authorize, || {
        OauthAction::redirect(&[("error", "access_denied")])
    });
    fails(&desk).says("the sign-in was declined");
}

#[test]
fn the_browser_may_come_back_by_either_family_of_addresses() {
    for host in ["127.0.0.1", "[::1]"] {
        if host == "[::1]" && TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
            eprintln!("skipped: this machine has no IPv6");
            continue;
        }
        let desk = Desk::new();
        let login = desk.begin(BROWSER);
        let back = get(&login.url).location.unwrap();
        let page = get(&back.replacen("localhost", host, 1));
        assert_eq!(page.status, Some(200), "{page:?}");
        login.end().expect(0);
    }
}

#[test]
fn a_request_for_an_icon_is_not_the_answer() {
    let desk = Desk::new();
    let login = desk.begin(BROWSER);
    for path in [
        "favicon.ico",
        "",
        "?utm_source=x",
        "other?code=abc&state=def",
    ] {
        let page = get(&format!("http://127.0.0.1:{}/{path}", login.port()));
        assert_eq!(page.status, Some(404), "{path}: {page:?}");
    }
    login.browse();
    login.end().expect(0);
    desk.assert_proper();
}

#[test]
fn garbage_is_not_the_answer() {
    let desk = Desk::new();
    let login = desk.begin(BROWSER);
    let long = vec![b'a'; 20 << 10];
    let garbage: [&[u8]; 5] = [
        b"",
        b"\x16\x03\x01\xff\xfe\n",
        b"GET\r\n",
        b"\r\n\r\n",
        &long,
    ];
    for bytes in garbage {
        let mut socket = TcpStream::connect(("127.0.0.1", login.port())).unwrap();
        // The program may close first.
        let _ = socket.write_all(bytes);
        let _ = socket.shutdown(Shutdown::Write);
    }
    login.browse();
    login.end().expect(0);
}

#[test]
fn a_code_that_is_not_taken_is_reported() {
    let desk = Desk::new();
    bend(&desk, OauthEndpoint::Token, || {
        OauthAction::error("invalid_grant", 54_005, "The code was already redeemed.")
    });
    fails(&desk)
        .says("the code was used already or has expired")
        .says("AADSTS54005")
        .says("Correlation ID: ");
}

#[test]
fn a_service_that_cuts_the_line_is_reported() {
    let desk = Desk::new();
    bend(&desk, OauthEndpoint::Token, || OauthAction::Cut);
    fails(&desk).says("the sign-in service could not be used");
}

#[test]
fn a_service_that_is_not_there_is_reported() {
    let desk = Desk::new();
    let nobody = ClosedPort::new();
    let port = desk.server.port();
    desk.change(&format!("http://127.0.0.1:{port}"), &nobody.url());
    let login = desk.begin(BROWSER);
    let (_, state) = login.url.split_once("&state=").unwrap();
    let state = state.split('&').next().unwrap();
    let page = get(&format!(
        "http://localhost:{}/?code=abc&state={state}",
        login.port()
    ));
    assert!(page.body.contains("did not succeed"), "{page:?}");
    login
        .end()
        .expect(6)
        .says("the sign-in service could not be used")
        .says("next: check the network");
}

#[test]
fn a_sign_in_that_cannot_be_kept_is_reported() {
    let desk = Desk::at(OauthServer::builder());
    bend(&desk, OauthEndpoint::Token, || {
        OauthAction::amend("refresh_token", serde_json::Value::Null)
    });
    let login = desk.begin(BROWSER);
    login.browse();
    login.end().expect(6).says("gave no refresh token");
    assert!(!desk.store().exists());
}
