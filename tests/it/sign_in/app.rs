//! An app that signs in by itself, without a person, for one mailbox.

use std::fs;

use rcgen::{CertificateParams, KeyPair};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::support::graph::GraphKind;
use crate::support::graph_desk::{GraphDesk, SHARED};
use crate::support::oauth::{Builder, OauthServer};
use crate::support::private;
use crate::support::smtp::SmtpServer;

const SECRET: &str = "the-secret-of-the-app";

/// A batch of two whose secrets file names an app and no person.
fn desk(server: Builder, credential: &str) -> GraphDesk {
    let desk = GraphDesk::at(server, 2);
    let keys = format!(
        "send_emails_as = \"{SHARED}\"\nsign_in = \"app\"\nclient_id = \"{}\"\ntenant_id = \"{}\"\n\
         authority = \"{}\"\ngraph_url = \"{}\"\n{credential}\n",
        desk.desk.server.client(),
        desk.desk.server.tenant(),
        desk.desk.server.authority(),
        desk.graph.url(),
    );
    desk.desk.batch.secrets(&keys);
    desk
}

fn with_secret(scopes: &[&str]) -> Builder {
    OauthServer::builder()
        .secret(SECRET)
        .grant("graph", scopes)
        .token_claims(json!({"idtyp": "app"}))
}

fn secret() -> String {
    format!("client_secret = \"{SECRET}\"")
}

/// Nobody signed in, and nobody is asked who did.
#[track_caller]
fn no_person(desk: &GraphDesk) {
    assert!(desk.graph.requests_of(GraphKind::Me).is_empty());
    let tokens = desk.desk.server.requests();
    assert!(!tokens.is_empty());
    for request in tokens {
        assert_eq!(request.grant_type.as_deref(), Some("client_credentials"));
    }
    desk.assert_proper();
}

/// With RBAC for Applications the token names no role.
#[test]
fn it_sends_from_its_mailbox_whatever_its_token_names() {
    for claims in [
        json!({"idtyp": "app"}),
        json!({"roles": ["Mail.Send"]}),
        json!({"roles": ["User.Read.All"]}),
    ] {
        let server = with_secret(&["Mail.Send"]).token_claims(claims);
        let desk = desk(server, &secret());
        desk.desk.send().expect(0);
        assert_eq!(desk.graph.mailbox(SHARED).outgoing().len(), 2);
        no_person(&desk);
    }
}

#[test]
fn check_online_says_what_it_may() {
    let may_read = desk(with_secret(&["Mail.Send", "Mail.Read"]), &secret());
    let ran = may_read.desk.run("check", &["--online"]).expect(0);
    assert!(ran.stdout.contains("as the app itself"), "{ran:?}");
    assert!(ran.stdout.contains("looked up in Sent Items"), "{ran:?}");
    no_person(&may_read);
    let may_not = desk(with_secret(&["Mail.Send"]), &secret());
    let ran = may_not.desk.run("check", &["--online"]).expect(0);
    assert!(ran.output().contains("cannot be looked up"), "{ran:?}");
    assert!(ran.output().contains("permission Mail.Read "), "{ran:?}");
    no_person(&may_not);
}

#[test]
fn it_proves_itself_by_a_certificate() {
    // rcgen on ring makes no RSA keys.
    let key = KeyPair::from_pem(include_str!("../../fixtures/rsa-key.pem")).unwrap();
    let certificate = CertificateParams::new(vec!["app.example".into()])
        .unwrap()
        .self_signed(&key)
        .unwrap();
    let fingerprint = {
        use base64::Engine;
        let digest = Sha256::digest(certificate.der());
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(digest)
    };
    let server = OauthServer::builder()
        .grant("graph", &["Mail.Send"])
        .certificate(key.public_key_raw(), &fingerprint);
    let desk = desk(server, "certificate = \"app.pem\"");
    let file = desk.desk.batch.path("app.pem");
    let pem = format!("{}{}", certificate.pem(), key.serialize_pem());
    fs::write(&file, pem).unwrap();
    private(&file);
    desk.desk.send().expect(0);
    assert_eq!(desk.graph.mailbox(SHARED).outgoing().len(), 2);
    no_person(&desk);
    for (contents, part) in [
        (certificate.pem(), "no private key"),
        (key.serialize_pem(), "no certificate"),
        (
            certificate.pem() + &KeyPair::generate().unwrap().serialize_pem(),
            "no RSA key",
        ),
        ("nothing".to_owned(), "no certificate"),
    ] {
        fs::write(&file, contents).unwrap();
        desk.desk.run("whoami", &[]).expect(2).says(part);
    }
}

#[test]
fn a_wrong_secret_stops_before_the_first_letter() {
    let desk = desk(with_secret(&["Mail.Send"]), "client_secret = \"another\"");
    desk.desk.send().expect(6).says("7000215");
    assert!(desk.graph.mailbox(SHARED).outgoing().is_empty());
}

#[test]
fn what_is_missing_is_named() {
    let without = desk(with_secret(&["Mail.Send"]), "");
    without
        .desk
        .run("whoami", &[])
        .expect(2)
        .says("client_secret");
    let nobody = desk(with_secret(&["Mail.Send"]), "sign_in_of = \"app\"");
    nobody.desk.run("whoami", &[]).expect(2);
    let unknown = desk(with_secret(&["Mail.Send"]), &secret());
    unknown
        .desk
        .change("sign_in = \"app\"", "sign_in = \"robot\"");
    unknown
        .desk
        .run("whoami", &[])
        .expect(2)
        .says("sign_in")
        .says("\"app\"");
}

#[test]
fn whoami_and_login_say_that_there_is_no_person() {
    let server = with_secret(&["Mail.Send"]).token_claims(json!({"roles": ["Mail.Send"]}));
    let desk = desk(server, &secret());
    let ran = desk.desk.run("whoami", &[]).expect(0);
    assert!(ran.stdout.contains("the app itself"), "{ran:?}");
    assert!(ran.stdout.contains("send from every mailbox"), "{ran:?}");
    let ran = desk.desk.run("login", &[]).expect(0);
    assert!(ran.stdout.contains("by itself"), "{ran:?}");
    desk.desk.run("logout", &[]).expect(0);
}

#[test]
fn it_sends_over_smtp_as_its_mailbox() {
    let desk = desk(
        with_secret(&["Mail.Send"]).grant("outlook", &["SMTP.SendAsApp"]),
        &secret(),
    );
    let oauth = std::sync::Arc::clone(&desk.desk.server);
    let server = SmtpServer::builder()
        .oauth_by(SHARED, move |token| oauth.is_valid_access(token, "outlook"))
        .start();
    desk.desk.batch.use_smtp(server.port(), "");
    desk.desk.batch.secrets(&format!(
        "send_emails_as = \"{SHARED}\"\nsign_in = \"app\"\nclient_id = \"{}\"\ntenant_id = \"{}\"\n\
         authority = \"{}\"\n{}\n[smtp]\nhost = \"127.0.0.1\"\nport = {}\nsecurity = \"none\"\nauth = \"oauth\"\n",
        desk.desk.server.client(),
        desk.desk.server.tenant(),
        desk.desk.server.authority(),
        secret(),
        server.port()
    ));
    desk.desk.send().expect(0);
    assert_eq!(server.received().len(), 2);
}
