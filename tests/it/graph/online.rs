//! `check --online` and its probe.

use insta::assert_snapshot;

use crate::graph::judge::write_report;
use crate::support::exchange::IndexLag;
use crate::support::graph::{GraphAction, GraphKind, graph_error};
use crate::support::graph_desk::{ALL_SCOPES, GraphDesk, PERSON, SHARED};
use crate::support::oauth::OauthServer;
use crate::support::{Ran, TestBatch};

const READ: [&str; 4] = [
    "Mail.Send",
    "Mail.Send.Shared",
    "Mail.Read.Shared",
    "User.Read",
];

fn granted(scopes: &[&str]) -> GraphDesk {
    GraphDesk::at(OauthServer::builder().grant("graph", scopes), 2)
}

fn check(desk: &GraphDesk, further: &[&str]) -> Ran {
    desk.desk.run("check", &[&["--online"], further].concat())
}

/// What a check said, without what differs from run to run.
fn shown(desk: &GraphDesk, ran: &Ran) -> String {
    let mut text = format!("exit {}\n", ran.code.unwrap());
    let url = desk.graph.url();
    let (_, port) = url.trim_end_matches('/').rsplit_once(':').unwrap();
    let port = port.split('/').next().unwrap();
    for (stream, said) in [("stdout", &ran.stdout), ("stderr", &ran.stderr)] {
        for line in said.lines() {
            let word = line.split_whitespace().next().unwrap_or_default();
            let line = match word {
                "plan" | "size" => format!("{word} [differs]"),
                _ if line.contains("request 0") => {
                    format!("{}request [id]", line.split("request 0").next().unwrap())
                }
                "transport" => line.replace(port, "[port]"),
                _ => line.to_owned(),
            };
            text.push_str(&format!("{stream}: {line}\n"));
        }
    }
    text
}

fn sends_nothing(desk: &GraphDesk) {
    for address in [SHARED, PERSON] {
        assert!(desk.graph.mailbox(address).outgoing().is_empty());
        assert!(desk.graph.mailbox(address).drafts().is_empty());
    }
    assert!(!desk.desk.batch.path("batch.state.db").exists());
    desk.assert_proper();
}

#[test]
fn with_sending_alone() {
    let desk = GraphDesk::new(2);
    let ran = check(&desk, &[]);
    assert_snapshot!(shown(&desk, &ran));
    sends_nothing(&desk);
}

#[test]
fn with_reading() {
    let desk = granted(&READ);
    let ran = check(&desk, &[]);
    assert_snapshot!(shown(&desk, &ran));
    sends_nothing(&desk);
}

#[test]
fn with_everything() {
    let desk = granted(&ALL_SCOPES);
    let ran = check(&desk, &[]);
    assert_snapshot!(shown(&desk, &ran));
    sends_nothing(&desk);
}

#[test]
fn without_the_right_to_send() {
    let desk = granted(&["Mail.ReadWrite.Shared", "User.Read"]);
    let ran = check(&desk, &[]).expect(6);
    assert_snapshot!(shown(&desk, &ran));
    sends_nothing(&desk);
}

#[test]
fn a_letter_that_is_too_large_for_the_grant() {
    let desk = GraphDesk::new(2);
    write_report(&desk, 2, 5_000_000);
    let ran = check(&desk, &[]).expect(3);
    assert_snapshot!(shown(&desk, &ran));
    sends_nothing(&desk);
    let desk = GraphDesk::with_all_scopes(2);
    write_report(&desk, 2, 5_000_000);
    check(&desk, &[]).expect(0);
    sends_nothing(&desk);
}

#[test]
fn as_json() {
    for (scopes, warnings) in [(&READ[..], 0), (&ALL_SCOPES[..], 0), (&READ[..2], 0)] {
        let desk = granted(&[scopes, &["User.Read"]].concat());
        let ran = check(&desk, &["--json"]).expect(0);
        let json = ran.json();
        let facts = json["online"].to_string();
        assert!(facts.contains(PERSON), "{json}");
        let faults = json["findings"].as_array().unwrap();
        assert!(faults.len() >= warnings, "{json}");
        assert!(
            faults.iter().all(|fault| fault["severity"] == "warning"),
            "{json}"
        );
        let can_read = scopes.len() > 2;
        assert_eq!(faults.is_empty(), can_read, "{json}");
        sends_nothing(&desk);
    }
}

#[test]
fn a_mailbox_that_is_not_there_or_not_open() {
    let desk = granted(&READ);
    desk.desk
        .change("send_emails_as = \"reports@", "send_emails_as = \"raports@");
    check(&desk, &[])
        .expect(5)
        .says("there is no such mailbox")
        .says("nothing was sent");
    let desk = granted(&READ);
    desk.exchange.set_full_access(SHARED, false);
    check(&desk, &[]).expect(5).says("Full Access");
    sends_nothing(&desk);
}

#[test]
fn nobody_is_signed_in() {
    let desk = GraphDesk::with_all_scopes(2);
    std::fs::remove_file(desk.desk.store()).unwrap();
    for arguments in [&[][..], &["--probe"], &["--json"]] {
        check(&desk, arguments).expect(6).says("postroom login");
    }
    assert!(desk.graph.requests().is_empty());
    assert!(desk.desk.server.requests().is_empty());
}

/// The batch is checked whole even if nobody can be asked about it.
#[test]
fn without_the_word_nothing_is_asked() {
    let desk = GraphDesk::with_all_scopes(2);
    desk.desk.run("check", &[]).expect(0);
    assert!(desk.graph.requests().is_empty());
    assert!(desk.desk.server.requests().is_empty());
}

/// One letter, to the person who signed in and to nobody else.
#[track_caller]
fn assert_one_probe(desk: &GraphDesk) {
    let sent = desk.graph.mailbox(SHARED).outgoing();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].to, [PERSON]);
    assert!(sent[0].cc.is_empty() && sent[0].bcc.is_empty() && sent[0].attachments.is_empty());
    assert!(sent[0].html.as_ref().unwrap().contains("No school got one"));
    assert!(!desk.desk.batch.path("batch.state.db").exists());
    desk.assert_proper();
}

#[test]
fn a_probe_that_keeps_message_id_and_mark() {
    for scopes in [&READ[..], &ALL_SCOPES[..]] {
        let desk = granted(scopes);
        let ran = check(&desk, &["--probe"]).expect(0);
        assert!(ran.stdout.contains("kept as postroom wrote it"), "{ran:?}");
        assert!(
            ran.stdout
                .contains("kept: letters in doubt are found by it"),
            "{ran:?}"
        );
        assert_one_probe(&desk);
    }
}

#[test]
fn a_probe_that_loses_its_message_id() {
    let desk = granted(&READ);
    desk.exchange.keep_message_ids(false);
    let ran = check(&desk, &["--probe"]).expect(0);
    assert!(
        ran.stdout.contains("replaced by the service: <invented-1@"),
        "{ran:?}"
    );
    assert_one_probe(&desk);
}

#[test]
fn a_probe_that_loses_its_mark() {
    let desk = granted(&READ);
    desk.exchange.keep_properties(false);
    let ran = check(&desk, &["--probe"]).expect(0);
    assert!(
        ran.stdout
            .contains("lost: letters in doubt are looked up by Message-ID"),
        "{ran:?}"
    );
    assert_one_probe(&desk);
}

#[test]
fn a_probe_that_is_seen_late() {
    let desk = granted(&READ);
    desk.exchange.set_index_lag(IndexLag::Searches(2));
    let ran = check(&desk, &["--probe"]).expect(0);
    assert!(ran.stdout.contains("kept as postroom wrote it"), "{ran:?}");
    assert_one_probe(&desk);
}

#[test]
fn a_probe_that_cannot_be_looked_at() {
    let desk = GraphDesk::new(2);
    let ran = check(&desk, &["--probe"])
        .expect(0)
        .says("the probe could not be looked at");
    assert!(ran.stdout.contains("202 accepted"), "{ran:?}");
    assert_one_probe(&desk);
}

#[test]
fn a_probe_that_is_refused() {
    let desk = granted(&READ);
    desk.exchange.set_send_as(SHARED, false);
    check(&desk, &["--probe"])
        .expect(5)
        .says("Send As")
        .says("nothing was sent");
    sends_nothing(&desk);
}

/// Nobody reads that nothing was sent when something may have been.
#[test]
fn a_probe_without_an_answer_may_have_arrived() {
    let desk = GraphDesk::new(2);
    desk.graph
        .once(GraphKind::SendMail, || GraphAction::CutAfter);
    let ran = check(&desk, &["--probe"])
        .expect(5)
        .says("the probe may have arrived");
    assert!(!ran.stderr.contains("nothing was sent"), "{ran:?}");
    assert_one_probe(&desk);
    let desk = granted(&READ);
    desk.graph.script(|event| match event.kind {
        GraphKind::Find => GraphAction::Answer(graph_error(400, "BadRequest", "Not today.")),
        _ => GraphAction::Proceed,
    });
    let ran = check(&desk, &["--probe"])
        .expect(0)
        .says("could not be looked at");
    assert!(!ran.stderr.contains("nothing was sent"), "{ran:?}");
    assert_one_probe(&desk);
}

/// A batch that cannot go out needs no probe.
#[test]
fn a_batch_with_faults_is_not_probed() {
    let desk = GraphDesk::new(2);
    let batch: &TestBatch = &desk.desk.batch;
    batch.write("reports/S002.pdf", "");
    check(&desk, &["--probe"]).expect(3);
    sends_nothing(&desk);
}
