//! Where letters are sent to is part of what was looked at.

use std::collections::HashSet;

use crate::support::TestBatch;
use crate::support::smtp::SmtpServer;

fn plan(batch: &TestBatch) -> String {
    let shown = batch.run("check", &["--json"]).expect(0).json();
    shown["plan"].as_str().unwrap().to_owned()
}

fn server(port: u16) -> String {
    format!("smtp 127.0.0.1:{port}, in the clear")
}

#[test]
fn transport_server_port_security_and_mailbox_are_part_of_the_plan() {
    let batch = TestBatch::new(1);
    let of = |transport: &str, secrets: &str| {
        batch.configure(&format!("[dispatch]\ntransport = \"{transport}\""));
        batch.secrets(secrets);
        plan(&batch)
    };
    let ann = "send_emails_as = \"reports@study.example\"\nusername = \"ann@study.example\"\n\
               client_id = \"c\"\ntenant_id = \"t\"\n";
    let relay = "[smtp]\nhost = \"relay.example\"\n";
    let settings = [
        ("outbox", relay.to_owned()),
        ("smtp", relay.to_owned()),
        ("smtp", relay.replace("relay", "other")),
        ("smtp", format!("{relay}port = 2525\n")),
        ("smtp", format!("{relay}port = 587\nsecurity = \"tls\"\n")),
        ("graph", ann.to_owned()),
        ("graph", format!("{ann}save_in = \"own\"\n")),
        ("graph", format!("{ann}cloud = \"us-gov\"\n")),
        ("ews", ann.to_owned()),
        (
            "ews",
            format!(
                "{ann}server = \"mail.other.example\"\news_auth = \"basic\"\news_password = \"p\"\n"
            ),
        ),
    ];
    let plans: HashSet<String> = settings
        .iter()
        .map(|(transport, secrets)| of(transport, secrets))
        .collect();
    assert_eq!(plans.len(), settings.len(), "{plans:?}");
    // What changes nothing about where letters go is not.
    let patient =
        format!("{relay}port = 587\ntimeout = \"5s\"\nusername = \"u\"\npassword = \"p\"\n");
    assert_eq!(of("smtp", relay), of("smtp", &patient));
    let elsewhere = format!("{ann}{relay}");
    assert_eq!(of("graph", ann), of("graph", &elsewhere));
}

#[test]
fn check_shows_all_of_it() {
    for (transport, secrets, shown) in [
        (
            "smtp",
            "[smtp]\nhost = \"relay.example\"\n",
            "smtp relay.example:587, starttls\n",
        ),
        (
            "graph",
            "send_emails_as = \"reports@study.example\"\nusername = \"ann@study.example\"\n",
            "graph graph.microsoft.com as reports@study.example, tls\n",
        ),
        (
            "ews",
            "username = \"ann@study.example\"\nserver = \"mail.study.example:8443\"\news_auth = \"basic\"\news_password = \"p\"\n",
            "ews mail.study.example:8443 as ann@study.example, tls\n",
        ),
    ] {
        let batch = TestBatch::new(1);
        batch.configure(&format!("[dispatch]\ntransport = \"{transport}\""));
        batch.secrets(secrets);
        let checked = batch.run("check", &[]).expect(0);
        let line = format!("transport    {shown}");
        assert!(
            checked.stdout.contains(&line),
            "{line:?} is not in {checked:?}"
        );
    }
}

#[test]
fn a_mailing_that_was_moved_to_another_server_does_not_leave_by_the_plan_that_was_looked_at() {
    let (server, strangers) = (SmtpServer::start(), SmtpServer::start());
    let batch = TestBatch::new(2);
    batch.use_smtp(server.port(), "");
    let seen = plan(&batch);
    batch.use_smtp(strangers.port(), "");
    let now = plan(&batch);
    batch
        .run("send", &["--plan", &seen])
        .expect(3)
        .says(&format!("the plan is now {}, not {seen}: ", &now[..12]))
        .says("or where it is sent to changed");
    assert_eq!((server.connections(), strangers.connections()), (0, 0));
    batch.use_smtp(server.port(), "");
    batch.run("send", &["--plan", &seen]).expect(0);
    assert_eq!(server.received().len(), 2);
    assert_eq!(strangers.connections(), 0);
}

#[test]
fn what_is_left_of_a_batch_goes_to_another_server_only_when_somebody_says_so() {
    let (first, second) = (SmtpServer::start(), SmtpServer::start());
    let batch = TestBatch::new(3);
    batch.use_smtp(first.port(), "");
    batch.send(&["--limit", "1"]).expect(0);
    batch.use_smtp(second.port(), "");
    let moved = format!(
        "letters went to {}, and what is left would go to {}",
        server(first.port()),
        server(second.port())
    );
    for arguments in [&[][..], &["--retry-rejected"]] {
        batch
            .send(arguments)
            .expect(3)
            .says("1 change since the batch was begun, so nothing was sent:")
            .says(&moved)
            .says("--accept-changes");
    }
    let shown = batch.run("check", &[]).expect(0);
    assert!(shown.output().contains(&moved), "{shown:?}");
    assert_eq!(second.connections(), 0);
    // The letters changed too: both are shown.
    batch.replace("letter.html", "your report", "the report");
    batch
        .send(&[])
        .expect(3)
        .says("4 changes since the batch was begun")
        .says(&moved);
    batch.replace("letter.html", "the report", "your report");

    batch.send(&["--accept-changes", "--limit", "1"]).expect(0);
    assert_eq!(first.received().len(), 1);
    assert_eq!(second.received().len(), 1);
    // Once taken it is the plan.
    batch.send(&[]).expect(0);
    assert_eq!(second.received().len(), 2);
    // With nothing left nothing would go anywhere.
    batch.use_smtp(first.port(), "");
    batch.send(&[]).expect(0);
    assert_eq!(first.received().len(), 1);
    batch.assert_log_is_whole();
}

#[test]
fn a_batch_that_an_older_program_began_goes_on_as_it_is() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(3);
    batch.use_smtp(server.port(), "");
    batch.send(&["--limit", "1"]).expect(0);
    // Its plan knew only letters.
    let state = rusqlite::Connection::open(batch.path("batch.state.db")).unwrap();
    let older = "ab".repeat(32);
    state
        .execute("UPDATE meta SET value = ?1 WHERE key = 'plan'", [older])
        .unwrap();
    let forgotten = state.execute("DELETE FROM meta WHERE key = 'destination'", []);
    assert_eq!(forgotten, Ok(1));
    drop(state);
    let shown = batch.run("check", &[]).expect(0);
    assert!(!shown.output().contains("would go to"), "{shown:?}");
    batch.send(&["--limit", "1"]).expect(0);
    assert_eq!(server.received().len(), 2);
    batch.assert_log_is_whole();
    // From here on it is known.
    let second = SmtpServer::start();
    batch.use_smtp(second.port(), "");
    batch.send(&[]).expect(3).says("would go to");
    assert_eq!(second.connections(), 0);
}

#[test]
fn the_plan_of_sending_again_says_where_to() {
    let (server, second) = (SmtpServer::start(), SmtpServer::start());
    let batch = TestBatch::new(1);
    batch.use_smtp(server.port(), "");
    batch.send(&[]).expect(0);
    let again = |plan: &str| {
        batch.run(
            "resend",
            &[
                "--only",
                "S001",
                "--all-addresses",
                "--because",
                "asked",
                "--plan",
                plan,
            ],
        )
    };
    let shown = again("00000000").expect(3).says("the plan is now ");
    let (_, rest) = shown.stderr.split_once("the plan is now ").unwrap();
    let seen = rest[..12].to_owned();
    batch.use_smtp(second.port(), "");
    again(&seen).expect(3).says("where it is sent to changed");
    assert_eq!(second.connections(), 0);
    batch.use_smtp(server.port(), "");
    again(&seen).expect(0);
    assert_eq!(server.received().len(), 2);
}
