//! What the secrets file must say before anybody is asked.

use crate::support::signing_in::Desk;

#[test]
fn without_a_terminal_it_says_what_to_do() {
    let desk = Desk::new();
    for arguments in [&[][..], &["--flow", "paste"]] {
        desk.run("login", arguments)
            .expect(6)
            .says("there is no terminal")
            .says("next: run `postroom login` in a terminal once");
    }
    assert!(desk.server.requests().is_empty());
}

#[test]
fn a_key_that_is_missing_or_empty_is_named_with_its_file_and_place() {
    for (key, place) in [
        ("client_id", "Application (client) ID"),
        ("tenant_id", "Directory (tenant) ID"),
        ("username", "the account that signs in"),
    ] {
        for line in ["", "= \"\"", "= \"  \""] {
            let desk = Desk::new();
            let lines: Vec<String> = desk
                .keys()
                .lines()
                .map(|old| match old.split_once(' ') {
                    Some((name, _)) if name == key && line.is_empty() => String::new(),
                    Some((name, _)) if name == key => format!("{key} {line}"),
                    _ => old.to_owned(),
                })
                .collect();
            desk.batch.secrets(&lines.join("\n"));
            for verb in ["login", "whoami", "logout"] {
                desk.run(verb, &[])
                    .expect(2)
                    .says(key)
                    .says(".secrets.toml")
                    .says("missing or empty")
                    .says(place);
            }
        }
    }
}

#[test]
fn without_a_secrets_file_the_first_key_is_named() {
    let desk = Desk::new();
    std::fs::remove_file(desk.batch.path(".secrets.toml")).unwrap();
    desk.run("login", &[]).expect(2).says("client_id");
}

#[test]
fn an_id_that_is_none_is_refused() {
    let desk = Desk::new();
    desk.change(&desk.server.tenant(), "common/../evil");
    desk.run("login", &[])
        .expect(2)
        .says("tenant_id")
        .says("characters that an ID does not have");
}

#[test]
fn the_environment_wins_over_the_file() {
    let desk = Desk::new();
    let output = desk
        .command("login", &["--consent-url"])
        .env("POSTROOM_CLIENT_ID", "11111111-2222-4333-8444-555555555555")
        .output()
        .unwrap();
    let ran = desk.watched(crate::support::Ran::of(output)).expect(0);
    assert!(
        ran.stdout
            .contains("client_id=11111111-2222-4333-8444-555555555555"),
        "{ran:?}"
    );
}

#[test]
fn an_authority_that_is_not_microsofts_is_refused() {
    for authority in [
        "https://login.evil.example",
        "http://login.microsoftonline.com",
        "https://login.microsoftonline.com@evil.example",
        "login.microsoftonline.com",
    ] {
        let desk = Desk::new();
        desk.change(&desk.server.authority(), authority);
        for verb in ["login", "whoami"] {
            desk.run(verb, &[])
                .expect(2)
                .says("`authority` of the secrets file")
                .says("next: ");
        }
    }
}

#[test]
fn a_cloud_that_is_none_is_refused() {
    let desk = Desk::new();
    desk.secrets("cloud = \"moon\"\n");
    desk.run("login", &[])
        .expect(2)
        .says("`cloud`")
        .says("us-gov");
}

#[test]
fn a_way_to_sign_in_that_is_none_is_refused() {
    let desk = Desk::new();
    desk.run("login", &["--flow", "smoke"])
        .expect(2)
        .says("[possible values: browser, paste, device]");
}

#[test]
fn both_consent_links_name_the_app_the_tenant_and_what_is_asked() {
    let desk = Desk::new();
    let ran = desk.run("login", &["--consent-url"]).expect(0);
    let links: Vec<&str> = ran
        .stdout
        .lines()
        .filter(|line| line.starts_with("http"))
        .collect();
    let [user, admin] = links[..] else {
        panic!("{ran:?}")
    };
    for link in [user, admin] {
        assert!(link.starts_with(&desk.server.authority()), "{link}");
        assert!(
            link.contains(&format!("/{}/", desk.server.tenant())),
            "{link}"
        );
        assert!(
            link.contains(&format!("client_id={}", desk.server.client())),
            "{link}"
        );
        assert!(link.contains("graph.microsoft.com%2F.default"), "{link}");
        assert!(link.contains("nativeclient"), "{link}");
    }
    assert!(user.contains("/oauth2/v2.0/authorize?"), "{user}");
    assert!(user.contains("login_hint=ann%40study.example"), "{user}");
    assert!(admin.contains("/v2.0/adminconsent?"), "{admin}");
    assert!(desk.server.requests().is_empty());
}

#[test]
fn the_admin_link_is_taken_by_the_service() {
    let desk = Desk::new();
    let ran = desk.run("login", &["--consent-url"]).expect(0);
    let admin = ran
        .stdout
        .lines()
        .find(|line| line.contains("adminconsent"))
        .unwrap();
    let end = crate::support::oauth::browse(admin).url;
    assert!(end.contains("admin_consent=True"), "{end}");
    desk.assert_proper();
}

#[test]
fn the_consent_links_ask_by_name_where_the_file_does() {
    let desk = Desk::new();
    desk.secrets("graph_scopes = \"https://graph.microsoft.com/Mail.Send.Shared\"\n");
    let ran = desk.run("login", &["--consent-url"]).expect(0);
    assert_eq!(ran.stdout.matches("Mail.Send.Shared").count(), 2, "{ran:?}");
    assert!(!ran.stdout.contains(".default"), "{ran:?}");
}
