//! TLS, certificates, sign-in, and what is never sent in the clear.

use crate::support::smtp::{Action, Builder, SmtpServer, Step};
use crate::support::{Ran, TestBatch, assert_each_once};

const USER: &str = "reports@study.example";
const PASSWORD: &str = "correct horse 7!\u{e9}";

/// A batch whose secrets file has these lines for the server, its authority being trusted.
fn batch_for(server: &SmtpServer, host: &str, lines: &str) -> TestBatch {
    let batch = TestBatch::new(3);
    batch.use_smtp(server.port(), "");
    batch.write("authority.pem", server.ca_pem());
    let authority = if server.ca_pem().is_empty() {
        String::new()
    } else {
        format!("ca_file = '{}'\n", batch.path("authority.pem").display())
    };
    batch.secrets(&format!(
        "[smtp]\nhost = \"{host}\"\nport = {}\ntimeout = \"5s\"\n{authority}{lines}\n",
        server.port()
    ));
    batch
}

fn login(password: &str) -> String {
    format!("username = \"{USER}\"\npassword = \"{password}\"")
}

/// All three letters came, under TLS or not, from this user.
#[track_caller]
fn assert_sent(server: &SmtpServer, tls: bool, user: Option<&str>) {
    assert_each_once(server, 3);
    for received in server.received() {
        assert_eq!((received.tls, received.auth.as_deref()), (tls, user));
    }
}

/// The run stopped and nothing was sent: the letters wait.
#[track_caller]
fn assert_stopped(ran: Ran, code: i32, server: &SmtpServer, batch: &TestBatch) -> Ran {
    let ran = ran.expect(code);
    assert!(server.received().is_empty());
    assert_eq!(batch.in_state("pending").len(), 3, "{ran:?}");
    ran
}

#[test]
fn starttls_protects_every_letter() {
    let server = SmtpServer::builder().starttls().start();
    let batch = batch_for(&server, "localhost", "security = \"starttls\"");
    batch.send(&[]).expect(0);
    assert_sent(&server, true, None);
}

#[test]
fn starttls_is_what_happens_when_nothing_is_said() {
    let server = SmtpServer::builder().starttls().start();
    let batch = batch_for(&server, "localhost", "");
    batch.send(&[]).expect(0);
    assert_sent(&server, true, None);
}

#[test]
fn tls_from_the_start_protects_every_letter() {
    let server = SmtpServer::builder().implicit_tls().start();
    let batch = batch_for(&server, "localhost", "security = \"tls\"");
    batch.send(&[]).expect(0);
    assert_sent(&server, true, None);
}

#[test]
fn a_server_may_be_named_by_its_address() {
    let server = SmtpServer::builder().implicit_tls().start();
    let batch = batch_for(&server, "127.0.0.1", "security = \"tls\"");
    batch.send(&[]).expect(0);
    assert_sent(&server, true, None);
}

#[test]
fn auth_plain_under_starttls() {
    let server = SmtpServer::builder()
        .starttls()
        .auth(USER, PASSWORD)
        .start();
    let batch = batch_for(&server, "localhost", &login(PASSWORD));
    batch.send(&[]).expect(0);
    assert_sent(&server, true, Some(USER));
}

#[test]
fn auth_login_under_tls() {
    let server = SmtpServer::builder()
        .implicit_tls()
        .auth_login(USER, PASSWORD)
        .start();
    let lines = format!("security = \"tls\"\n{}", login(PASSWORD));
    let batch = batch_for(&server, "localhost", &lines);
    batch.send(&[]).expect(0);
    assert_sent(&server, true, Some(USER));
}

/// Both ways to TLS, to a server whose certificate must not be taken.
#[track_caller]
fn refuses_certificate(certified: impl Fn(Builder) -> Builder, trusted: bool) {
    for security in ["starttls", "tls"] {
        let builder = certified(SmtpServer::builder()).auth(USER, PASSWORD);
        let server = match security {
            "tls" => builder.implicit_tls().start(),
            _ => builder.starttls().start(),
        };
        let lines = format!("security = \"{security}\"\n{}", login(PASSWORD));
        let batch = batch_for(&server, "localhost", &lines);
        if !trusted {
            // The authority of some other server.
            let other = SmtpServer::builder().implicit_tls().start();
            batch.write("authority.pem", other.ca_pem());
        }
        assert_stopped(batch.send(&[]), 5, &server, &batch).says("certificate");
        // A wrong certificate does not get better by trying again.
        assert_eq!(server.connections(), 1, "{security}");
    }
}

#[test]
fn a_certificate_of_an_unknown_authority_stops_the_run() {
    refuses_certificate(|server| server, false);
}

#[test]
fn a_certificate_for_another_name_stops_the_run() {
    refuses_certificate(
        |server| server.certified_for(&["mail.elsewhere.example"]),
        true,
    );
}

#[test]
fn a_certificate_that_has_expired_stops_the_run() {
    refuses_certificate(Builder::expired, true);
}

#[test]
fn a_server_without_starttls_gets_neither_mail_nor_password() {
    let server = SmtpServer::builder().auth(USER, PASSWORD).start();
    server.script(|event| {
        assert!(
            matches!(event.step, Step::Connect | Step::Ehlo | Step::Quit),
            "{event:?}"
        );
        Action::Go
    });
    let batch = batch_for(&server, "localhost", &login(PASSWORD));
    assert_stopped(batch.send(&[]), 5, &server, &batch).says("does not offer STARTTLS");
    assert_eq!(server.violations(), Vec::<String>::new());
}

#[test]
fn a_wrong_password_is_a_matter_of_sign_in_and_is_never_shown() {
    const WRONG: &str = "wrong-battery-staple";
    for (security, mechanism) in [("starttls", "PLAIN"), ("tls", "LOGIN")] {
        let builder = SmtpServer::builder();
        let builder = match mechanism {
            "PLAIN" => builder.starttls().auth(USER, PASSWORD),
            _ => builder.implicit_tls().auth_login(USER, PASSWORD),
        };
        let server = builder.start();
        let lines = format!("security = \"{security}\"\n{}", login(WRONG));
        let batch = batch_for(&server, "localhost", &lines);
        let ran = assert_stopped(batch.send(&["--verbose"]), 6, &server, &batch);
        let ran = ran.says("535").says("does not accept the sign-in");
        let state = std::fs::read(batch.path("batch.state.db")).unwrap();
        let status = batch.run("status", &["--json", "--verbose"]);
        let shown = ran.output() + &status.output() + &String::from_utf8_lossy(&state);
        // In base64 as LOGIN sends it, and as it comes behind the user's name in PLAIN.
        for secret in [
            WRONG,
            "d3JvbmctYmF0dGVyeS1zdGFwbG",
            "cm9uZy1iYXR0ZXJ5LXN0YXBsZ",
        ] {
            assert!(!shown.contains(secret), "{mechanism}: {shown}");
        }
    }
}

#[test]
fn a_server_that_wants_a_login_and_gets_none_is_a_matter_of_sign_in() {
    let server = SmtpServer::builder()
        .starttls()
        .auth(USER, PASSWORD)
        .start();
    let batch = batch_for(&server, "localhost", "");
    assert_stopped(batch.send(&[]), 6, &server, &batch).says("530");
}

#[test]
fn a_password_does_not_go_in_the_clear_to_another_machine() {
    let server = SmtpServer::start();
    let lines = format!("security = \"none\"\n{}", login(PASSWORD));
    let batch = batch_for(&server, "mail.example.org", &lines);
    let ran = batch.send(&[]).expect(2).says("in the clear");
    assert!(!ran.output().contains("horse"), "{ran:?}");
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_password_may_go_in_the_clear_to_this_machine() {
    let server = SmtpServer::builder().auth(USER, PASSWORD).start();
    let lines = format!("security = \"none\"\n{}", login(PASSWORD));
    let batch = batch_for(&server, "127.0.0.1", &lines);
    batch.send(&[]).expect(0);
    assert_sent(&server, false, Some(USER));
}

#[test]
fn tls_to_a_server_that_speaks_in_the_clear_stops_the_run() {
    let server = SmtpServer::start();
    let lines = format!("security = \"tls\"\n{}", login(PASSWORD));
    let batch = batch_for(&server, "localhost", &lines);
    assert_stopped(batch.send(&[]), 5, &server, &batch).says("TLS");
}

/// Whoever stands between the two ends before TLS could send replies ahead of time, to be taken for
/// the server's: that a letter was accepted, for one.
#[test]
fn replies_that_came_before_tls_are_not_the_servers() {
    let server = SmtpServer::builder().starttls().start();
    server.script(|event| match event.step {
        Step::StartTls => Action::reply(
            220,
            "Go ahead\r\n250 EHLO\r\n250 MAIL\r\n250 RCPT\r\n354 DATA\r\n250 accepted",
        ),
        Step::FinalDot => Action::reply(554, "5.6.0 No"),
        _ => Action::Go,
    });
    let batch = batch_for(&server, "localhost", "security = \"starttls\"");
    let ran = batch.send(&[]);
    assert_eq!(batch.in_state("accepted"), Vec::<String>::new(), "{ran:?}");
    assert_stopped(ran, 5, &server, &batch);
}

/// Both ways round, the key to change is named.
#[test]
fn tls_and_a_port_that_do_not_fit_name_the_key_that_mends_it() {
    let clear = SmtpServer::start();
    let batch = batch_for(&clear, "127.0.0.1", "security = \"tls\"");
    assert_stopped(batch.send(&[]), 5, &clear, &batch)
        .says(&format!("127.0.0.1:{} does not speak TLS", clear.port()))
        .says("smtp.security to \"starttls\"");
    let protected = SmtpServer::builder().implicit_tls().start();
    let batch = batch_for(&protected, "127.0.0.1", "security = \"none\"");
    batch.replace(".secrets.toml", "\"5s\"", "\"300ms\"");
    assert_stopped(batch.send(&[]), 5, &protected, &batch)
        .says(&format!("127.0.0.1:{}", protected.port()))
        .says("set smtp.security to \"tls\"");
}

#[test]
fn a_wrong_password_names_the_account_the_server_and_the_password() {
    let server = SmtpServer::builder().auth(USER, PASSWORD).start();
    let lines = format!("security = \"none\"\n{}", login("another"));
    let batch = batch_for(&server, "127.0.0.1", &lines);
    assert_stopped(batch.send(&[]), 6, &server, &batch)
        .says("smtp.password")
        .says(USER)
        .says(&format!("127.0.0.1:{}", server.port()));
}

#[test]
fn a_host_that_does_not_exist_is_a_spelling_to_look_at() {
    let server = SmtpServer::start();
    let batch = batch_for(&server, "mail.school.invalid", "security = \"none\"");
    assert_stopped(batch.send(&[]), 5, &server, &batch)
        .says("mail.school.invalid")
        .says("spelling of smtp.host");
}
