use super::*;
use crate::finding::NextStep;

fn settings(keys: EwsKeys) -> Result<EwsSettings, ConfigError> {
    let sign_in = SignInSettings {
        username: Some("ann@study.example".into()),
        ..SignInSettings::default()
    };
    keys.typed(None, None, &sign_in, Path::new(".secrets.toml"))
}

/// With a sign-in whose tokens are for whichever of these servers is meant.
fn place(server: &str, url: &str, cloud: Option<&str>) -> Result<EwsPlace, ConfigError> {
    let scope = (server.contains("study.example") || url.contains("study.example"))
        .then_some("https://mail.study.example/.default");
    place_for(server, url, cloud, scope, None)
}

fn place_for(
    server: &str,
    url: &str,
    cloud: Option<&str>,
    scope: Option<&str>,
    command: Option<&str>,
) -> Result<EwsPlace, ConfigError> {
    let sign_in = SignInSettings {
        username: Some("ann@study.example".into()),
        cloud: cloud.map(str::to_owned),
        scope: scope.map(str::to_owned),
        token_command: command.map(|command| vec![command.to_owned()]),
        ..SignInSettings::default()
    };
    let shared = Address::parse("reports@study.example").unwrap();
    settings(EwsKeys {
        server: Some(server.into()),
        url: Some(url.into()),
        ..EwsKeys::default()
    })?
    .place(&sign_in, Some(&shared))
}

#[test]
fn a_token_is_shown_to_microsoft_or_to_the_server_it_is_made_for() {
    let own = "https://mail.study.example/.default";
    for scope in [
        own,
        "offline_access https://mail.study.example/EWS.AccessAsUser.All",
    ] {
        assert!(place_for("mail.study.example", "", None, Some(scope), None).is_ok());
    }
    let several = format!("https://outlook.office.com/.default {own}");
    let plain = format!("Mail.Send {own}");
    for (server, url) in [
        ("mail.study.example", ""),
        ("", "https://mail.study.example/EWS/Exchange.asmx"),
        ("outlook.office365.com.study.example", ""),
        ("outlook.ofice365.com", ""),
    ] {
        for (scope, command) in [
            (None, None),
            (Some("offline_access"), None),
            (Some("https://outlook.office365.com/.default"), None),
            (Some("http://mail.study.example/.default"), None),
            (Some(several.as_str()), None),
            (Some(plain.as_str()), None),
            // It gives tokens for Exchange Online.
            (Some(own), Some("az")),
        ] {
            let refusal = place_for(server, url, None, scope, command).unwrap_err();
            let key = if url.is_empty() {
                "`server`"
            } else {
                "`ews_url`"
            };
            let shown = refusal.to_string();
            assert!(
                shown.contains(key) && shown.contains("not Microsoft's"),
                "{shown}"
            );
        }
    }
}

#[test]
fn the_address_follows_from_cloud_server_or_url() {
    let asmx = "/EWS/Exchange.asmx";
    for (server, url, cloud, host) in [
        ("", "", None, "https://outlook.office365.com"),
        ("", "", Some("us-gov"), "https://outlook.office365.us"),
        ("", "", Some("china"), "https://partner.outlook.cn"),
        (
            " mail.study.example ",
            "",
            None,
            "https://mail.study.example",
        ),
        (
            "mail.study.example:8443",
            "",
            None,
            "https://mail.study.example:8443",
        ),
    ] {
        let url = place(server, url, cloud).unwrap().url;
        assert_eq!(url.as_str(), format!("{host}{asmx}"));
    }
    for url in [
        "https://mail.study.example/ews",
        "http://127.0.0.1:8080/EWS/Exchange.asmx",
        "https://outlook.office.com/EWS/Exchange.asmx",
    ] {
        assert_eq!(place("", url, None).unwrap().url.as_str(), url);
    }
}

#[test]
fn nothing_is_shown_to_a_host_that_was_not_meant() {
    for (server, url) in [
        ("", "http://mail.study.example/EWS/Exchange.asmx"),
        ("", "http://outlook.office365.com/EWS/Exchange.asmx"),
        (
            "",
            "https://outlook.office365.com@evil.example/EWS/Exchange.asmx",
        ),
        (
            "mail.study.example",
            "https://evil.example/EWS/Exchange.asmx",
        ),
        ("", "ftp://mail.study.example/x"),
        ("", "mail.study.example"),
        ("outlook.office365.com@evil.example", ""),
        ("evil.example/", ""),
        ("evil.example?", ""),
        ("evil.example#", ""),
        ("https://mail.study.example", ""),
    ] {
        let refusal = place(server, url, None).unwrap_err();
        assert!(!refusal.next_step().is_empty(), "{refusal}");
    }
}

#[test]
fn requests_are_routed_by_the_mailbox_that_is_opened() {
    let shared = place("", "", None).unwrap();
    assert_eq!(shared.anchor.as_deref(), Some("reports@study.example"));
    assert!(shared.is_microsofts());
    assert!(
        !place("mail.study.example", "", None)
            .unwrap()
            .is_microsofts()
    );
    let own = EwsSettings {
        save_in: SaveIn::Own,
        ..EwsSettings::default()
    };
    let sign_in = SignInSettings {
        username: Some("ann@study.example".into()),
        ..SignInSettings::default()
    };
    let own = own.place(&sign_in, None).unwrap();
    assert_eq!(own.anchor.as_deref(), Some("ann@study.example"));
    assert_eq!(own.mailbox, None);
}

#[test]
fn a_password_needs_an_account_and_ntlm_is_out() {
    let with = |auth: &str, username: &str, password: &str| {
        settings(EwsKeys {
            auth: Some(auth.into()),
            username: Some(username.into()),
            password: Some(Secret::new(password.into())),
            ..EwsKeys::default()
        })
        .map(|settings| settings.login)
    };
    assert!(matches!(
        with("basic", "STUDY\\ann", "p").unwrap(),
        EwsLogin::Password(username, _) if username == "STUDY\\ann"
    ));
    assert!(matches!(
        with("basic", "", "p").unwrap(),
        EwsLogin::Password(username, _) if username == "ann@study.example"
    ));
    assert!(matches!(with("", "", "p").unwrap(), EwsLogin::Token));
    for (auth, username, password, key) in [
        ("basic", "ann", "", "`ews_password`"),
        ("basic", "a:nn", "hunter2", "`ews_username`"),
        ("ntlm", "ann", "hunter2", "`ews_auth`"),
        ("kerberos", "ann", "hunter2", "`ews_auth`"),
    ] {
        let refusal = with(auth, username, password).unwrap_err();
        assert!(
            refusal.to_string().contains(key) && !refusal.to_string().contains("hunter2"),
            "{refusal}"
        );
    }
}

#[test]
fn no_password_is_shown_to_exchange_online() {
    let settings = EwsSettings {
        login: EwsLogin::Password("ann@study.example".into(), Secret::new("hunter2".into())),
        ..EwsSettings::default()
    };
    let refusal = settings
        .place(&SignInSettings::default(), None)
        .unwrap_err();
    let shown = refusal.to_string();
    assert!(
        shown.contains("`ews_auth`") && !shown.contains("hunter2"),
        "{shown}"
    );
    let own = EwsSettings {
        server: Some("mail.study.example".into()),
        ..settings
    };
    assert!(own.place(&SignInSettings::default(), None).is_ok());
}
