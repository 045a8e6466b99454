//! The sign-in on any device, with a short code.

use crate::support::oauth::{OauthAction, OauthEndpoint, OauthServer};
use crate::support::signing_in::Desk;

const DEVICE: &[&str] = &["--flow", "device"];

/// Has the service answer the polls one after the other, and then as Microsoft does.
fn polls(desk: &Desk, answers: impl Fn(usize) -> OauthAction + Send + Sync + 'static) {
    desk.server.script(move |event| {
        if event.endpoint == OauthEndpoint::Token {
            answers(event.turn)
        } else {
            OauthAction::Go
        }
    });
}

fn desk() -> Desk {
    Desk::at(OauthServer::builder().device_interval(0))
}

#[test]
fn a_short_code_signs_in() {
    let desk = desk();
    polls(&desk, |turn| match turn {
        1..=2 => OauthAction::Pending,
        _ => OauthAction::Go,
    });
    let ran = desk.run("login", DEVICE).expect(0);
    let ran = ran
        .says("https://microsoft.com/devicelogin")
        .says("FAKE00001")
        .says("ann@study.example");
    assert!(ran.stdout.contains("signed in as"), "{ran:?}");
    assert!(!desk.kept().is_empty());
    desk.assert_proper();
    desk.run("whoami", &[]).expect(0);
}

#[test]
fn a_service_that_asks_for_patience_gets_it() {
    let desk = desk();
    polls(&desk, |turn| match turn {
        1 => OauthAction::SlowDown,
        _ => OauthAction::Go,
    });
    desk.run("login", DEVICE).expect(0);
    // The service notes a poll that comes too early.
    desk.assert_proper();
}

#[test]
fn a_person_may_decline() {
    let desk = desk();
    polls(&desk, |turn| match turn {
        1 => OauthAction::Pending,
        _ => OauthAction::declined(),
    });
    desk.run("login", DEVICE)
        .expect(6)
        .says("declined")
        .says("next: run `postroom login` again");
    assert!(!desk.store().exists());
}

#[test]
fn a_code_expires_when_the_service_says_so() {
    let desk = desk();
    polls(&desk, |_| OauthAction::device_expired());
    desk.run("login", DEVICE)
        .expect(6)
        .says("has expired")
        .says("next: run `postroom login` again");
    assert!(!desk.store().exists());
}

#[test]
fn a_code_expires_when_its_time_is_over() {
    let desk = Desk::at(OauthServer::builder().device_expires_in(1));
    polls(&desk, |_| OauthAction::Pending);
    desk.run("login", DEVICE)
        .expect(6)
        .says("has expired")
        .says("next: run `postroom login` again");
    assert!(!desk.store().exists());
}

#[test]
fn another_account_is_refused() {
    let desk = desk();
    desk.server.sign_in_other_account("eve@study.example");
    desk.run("login", DEVICE)
        .expect(6)
        .says("eve@study.example")
        .says("not ann@study.example");
    assert!(!desk.store().exists());
}

#[test]
fn a_policy_against_short_codes_is_reported() {
    let desk = desk();
    polls(&desk, |_| {
        OauthAction::error("invalid_grant", 53_003, "Access has been blocked.")
    });
    desk.run("login", DEVICE)
        .expect(6)
        .says("a Conditional Access policy")
        .says("--flow browser");
}

#[test]
fn an_app_that_is_not_known_is_reported() {
    let desk = desk();
    let client = desk.server.client();
    desk.change(&client, "00000000-0000-4000-8000-000000000000");
    desk.run("login", DEVICE)
        .expect(6)
        .says("the app is not known in this tenant")
        .says("compare client_id and tenant_id");
}

#[test]
fn a_tenant_that_is_not_known_is_reported() {
    let desk = desk();
    let tenant = desk.server.tenant();
    desk.change(&tenant, "00000000-0000-4000-8000-000000000000");
    desk.run("login", DEVICE)
        .expect(6)
        .says("the tenant was not found")
        .says("compare tenant_id");
}
