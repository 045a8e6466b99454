//! What `postroom whoami` tells of a sign-in.

use serde_json::{Value, json};

use crate::support::oauth::{OauthAction, OauthServer};
use crate::support::signing_in::Desk;

fn abilities(resource: &Value) -> Vec<&str> {
    let abilities = resource["abilities"].as_array().unwrap();
    abilities.iter().map(|one| one.as_str().unwrap()).collect()
}

#[test]
fn it_tells_what_was_granted_and_what_follows() {
    let desk = Desk::new();
    desk.sign_in();
    let ran = desk.run("whoami", &[]).expect(0);
    let tenant = desk.server.tenant();
    for part in [
        "account    ann@study.example",
        &format!("tenant     {tenant}"),
        "sends as   reports@study.example",
        "Microsoft Graph",
        "https://graph.microsoft.com/Mail.Send.Shared",
        "send from the shared mailbox",
        "Exchange Online",
        "https://outlook.office.com/EWS.AccessAsUser.All",
        "send over SMTP",
        "renewed by itself",
    ] {
        assert!(ran.stdout.contains(part), "{part:?} is not in {ran:?}");
    }
    assert!(!ran.stdout.contains("drafts"), "{ran:?}");
    desk.assert_proper();
}

#[test]
fn it_tells_the_same_to_a_program() {
    let desk = Desk::at(OauthServer::builder().expires_in(4000));
    desk.sign_in();
    let shown = desk.run("whoami", &["--json"]).expect(0).json();
    assert_eq!(shown["account"], "ann@study.example");
    assert_eq!(shown["tenant"], json!(desk.server.tenant()));
    assert_eq!(shown["send_emails_as"], "reports@study.example");
    let [graph, outlook] = &shown["resources"].as_array().unwrap()[..] else {
        panic!("{shown}")
    };
    assert_eq!(graph["resource"], "Microsoft Graph");
    assert_eq!(graph["expires_in_seconds"], 4000);
    assert_eq!(graph["error"], Value::Null);
    assert_eq!(
        abilities(graph),
        ["send from the shared mailbox", "send from your own mailbox"]
    );
    assert_eq!(outlook["resource"], "Exchange Online");
    assert_eq!(
        abilities(outlook),
        ["Exchange Web Services", "send over SMTP"]
    );
    let scopes = outlook["scopes"].as_array().unwrap();
    assert!(
        scopes.contains(&json!("https://outlook.office.com/SMTP.Send")),
        "{shown}"
    );
}

#[test]
fn abilities_follow_from_short_scopes_too() {
    let builder = OauthServer::builder().short_scopes();
    let desk = Desk::at(builder.grant("graph", &["Mail.ReadWrite.Shared"]));
    desk.sign_in();
    let shown = desk.run("whoami", &["--json"]).expect(0).json();
    assert_eq!(
        abilities(&shown["resources"][0]),
        ["look up letters in doubt", "drafts and large PDFs"]
    );
}

#[test]
fn scopes_asked_for_by_name_are_asked_for_and_no_others() {
    let desk = Desk::new();
    desk.secrets(
        "scope = \"https://outlook.office.com/SMTP.Send\"\n\
         graph_scopes = \"https://graph.microsoft.com/Mail.Send.Shared\"\n",
    );
    desk.sign_in();
    desk.run("whoami", &[]).expect(0);
    let requests = desk.server.requests();
    let asked: Vec<&str> = requests
        .iter()
        .map(|request| request.field("scope"))
        .collect();
    assert!(
        asked.iter().all(|scope| !scope.contains(".default")),
        "{asked:?}"
    );
    assert_eq!(
        asked
            .iter()
            .filter(|scope| scope.contains("SMTP.Send"))
            .count(),
        1,
        "{asked:?}"
    );
    desk.assert_proper();
}

/// Refuses tokens for these resources.
fn refuse(desk: &Desk, hosts: &'static [&'static str]) {
    desk.server.script(move |event| {
        let scope = event.field("scope");
        if event.is_grant("refresh_token") && hosts.iter().any(|host| scope.contains(host)) {
            let text = "The user or administrator has not consented to use the application.";
            OauthAction::error("invalid_grant", 65_001, text)
        } else {
            OauthAction::Go
        }
    });
}

#[test]
fn one_resource_refused_is_reported() {
    let desk = Desk::new();
    desk.sign_in();
    refuse(&desk, &["outlook.office.com"]);
    let ran = desk.run("whoami", &[]).expect(0);
    for part in [
        "send from the shared mailbox",
        "no access: nobody has agreed yet",
        "AADSTS65001",
        "login --consent-url",
    ] {
        assert!(ran.stdout.contains(part), "{part:?} is not in {ran:?}");
    }
    let shown = desk.run("whoami", &["--json"]).expect(0).json();
    let error = shown["resources"][1]["error"].as_str().unwrap();
    assert!(error.contains("AADSTS65001"), "{shown}");
    assert!(abilities(&shown["resources"][1]).is_empty());
}

#[test]
fn both_resources_refused_is_no_sign_in() {
    let desk = Desk::new();
    desk.sign_in();
    refuse(&desk, &["outlook.office.com", "graph.microsoft.com"]);
    for arguments in [&[][..], &["--json"]] {
        let ran = desk.run("whoami", arguments).expect(6);
        assert_eq!(ran.stdout, "", "{ran:?}");
        ran.says("nobody has agreed yet").says("--consent-url");
    }
}

/// What another transport would need is nothing to a sign-in.
#[test]
fn a_mail_server_that_is_half_filled_in_is_asked_for_by_nobody() {
    let desk = Desk::new();
    desk.sign_in();
    let path = desk.batch.path(".secrets.toml");
    let secrets = std::fs::read_to_string(&path).unwrap();
    let half = "\n[smtp]\nhost = \"relay.example\"\nusername = \"ann\"\n";
    desk.batch.secrets(&(secrets + half));
    desk.run("whoami", &[]).expect(0);
    desk.batch.run("check", &[]).expect(0);
    desk.batch.configure("[dispatch]\ntransport = \"smtp\"");
    desk.batch
        .run("send", &["--yes"])
        .expect(2)
        .says("`smtp.password` is missing");
}
