//! Microsoft's refusals in plain words.

use crate::support::oauth::OauthAction;
use crate::support::signing_in::Desk;

#[test]
fn codes_that_people_meet_say_what_happened_and_what_to_do() {
    let desk = Desk::new();
    desk.sign_in();
    for (error, code, what, next_step) in [
        (
            "interaction_required",
            50_076,
            "a second factor",
            "--flow browser",
        ),
        (
            "invalid_grant",
            65_001,
            "nobody has agreed yet",
            "--consent-url",
        ),
        (
            "access_denied",
            90_094,
            "an administrator must approve",
            "admin link",
        ),
        (
            "invalid_client",
            7_000_218,
            "not a public client",
            "Allow public client flows",
        ),
        (
            "unauthorized_client",
            700_016,
            "not known in this tenant",
            "compare client_id",
        ),
        (
            "invalid_request",
            50_011,
            "redirect address is not registered",
            "http://localhost",
        ),
        (
            "invalid_request",
            90_002,
            "tenant was not found",
            "compare tenant_id",
        ),
        ("invalid_grant", 50_105, "not assigned to the app", "ask IT"),
        (
            "invalid_grant",
            700_082,
            "expired or was revoked",
            "run `postroom login` again",
        ),
        (
            "invalid_grant",
            53_003,
            "Conditional Access",
            "managed device",
        ),
        (
            "invalid_grant",
            50_057,
            "account is disabled",
            "ask IT to enable it",
        ),
        ("invalid_grant", 50_055, "password has expired", "change it"),
        (
            "invalid_scope",
            70_011,
            "scope is mistyped",
            "API permissions",
        ),
        (
            "invalid_grant",
            50_196,
            "came too often",
            "wait some minutes",
        ),
    ] {
        desk.server
            .script(move |_| OauthAction::error(error, code, "Words of Microsoft."));
        let ran = desk
            .run("whoami", &[])
            .expect(6)
            .says(what)
            .says(next_step)
            .says(&format!("AADSTS{code}"))
            .says("Correlation ID: ")
            .says("Trace ID: ");
        assert!(!ran.stderr.contains("Words of Microsoft"), "{ran:?}");
    }
}

#[test]
fn a_code_that_is_not_known_comes_with_microsofts_words() {
    let desk = Desk::new();
    desk.sign_in();
    desk.server
        .script(|_| OauthAction::error("invalid_grant", 999_999, "Something \u{1b}[31mnew."));
    let ran = desk
        .run("whoami", &[])
        .expect(6)
        .says("AADSTS999999: Something")
        .says("Correlation ID: ")
        .says("next: run `postroom login` again");
    assert!(!ran.stderr.contains('\u{1b}'), "{ran:?}");
}

#[test]
fn an_error_that_is_not_known_is_shown_to_it() {
    let desk = Desk::new();
    desk.sign_in();
    desk.server
        .script(|_| OauthAction::error("novel_error", 999_998, "Something new."));
    desk.run("whoami", &[])
        .expect(6)
        .says("the sign-in service refused")
        .says("novel_error")
        .says("next: ask IT");
}

#[test]
fn a_token_in_a_refusal_is_not_shown() {
    let desk = Desk::new();
    desk.sign_in();
    // With a code whose words are ours, and with one whose words are Microsoft's.
    for (code, shown) in [(50_173, "AADSTS50173"), (999_997, "Bad token [secret].")] {
        let kept = desk.kept();
        desk.server.script(move |_| {
            OauthAction::error("invalid_grant", code, &format!("Bad token {kept}."))
        });
        let ran = desk.run("whoami", &[]).expect(6).says(shown);
        assert!(!ran.output().contains(&desk.kept()), "{ran:?}");
    }
}
