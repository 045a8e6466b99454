//! Two hundred letters through everything that a day at Microsoft Graph can bring.

use std::sync::Arc;
use std::time::Duration;

use crate::graph::judge::{assert_each_once, assert_honest, school, write_report};
use crate::support::graph::{
    GraphAction, GraphEvent, GraphKind, gateway_timeout, html, huge, throttled, unavailable,
};
use crate::support::graph_desk::{ALL_SCOPES, GraphDesk, SHARED};
use crate::support::id;
use crate::support::oauth::OauthServer;

const SCHOOLS: usize = 200;
const A_MINUTE: Duration = Duration::from_secs(60);

fn expired(server: &Arc<OauthServer>) -> GraphAction {
    let server = Arc::clone(server);
    GraphAction::call(move || server.expire_access_tokens(), GraphAction::Proceed)
}

/// What happens to the drafts of some schools, each time once.
fn trouble_with_drafts(event: &GraphEvent, server: &Arc<OauthServer>) -> GraphAction {
    if event.attempt > 1 && event.kind != GraphKind::UploadRange {
        return GraphAction::Proceed;
    }
    match (event.kind, school(event).unwrap_or_default()) {
        (GraphKind::CreateDraft, 10) => GraphAction::Answer(throttled(Some(1))),
        (GraphKind::CreateDraft, 20) => GraphAction::Answer(unavailable("1")),
        (GraphKind::CreateDraft, 30) => GraphAction::CutBefore,
        (GraphKind::CreateDraft, 35) => GraphAction::CutAfter,
        (GraphKind::CreateDraft, 40) => GraphAction::TruncatedAnswer,
        (GraphKind::CreateDraft, 45) => GraphAction::AcceptThen(gateway_timeout()),
        (GraphKind::CreateDraft, 50) => GraphAction::Answer(html(502)),
        (GraphKind::CreateDraft, 65) => expired(server),
        (GraphKind::SendDraft, 60) => GraphAction::AcceptThen(gateway_timeout()),
        (GraphKind::SendDraft, 70) => GraphAction::CutAfter,
        (GraphKind::SendDraft, 80) => GraphAction::CutBefore,
        (GraphKind::SendDraft, 90) => GraphAction::TruncatedAnswer,
        (GraphKind::SendDraft, 100) => GraphAction::AcceptThen(html(500)),
        (GraphKind::SendDraft, 110) => GraphAction::Answer(throttled(Some(1))),
        (GraphKind::SendDraft, 115) => GraphAction::AcceptThen(throttled(Some(1))),
        (GraphKind::SendDraft, 120) => GraphAction::Answer(unavailable("1")),
        (GraphKind::SendDraft, 130) => expired(server),
        (GraphKind::SendDraft, 140) => GraphAction::AcceptThen(huge(500, 3_000_000)),
        (GraphKind::UploadRange, 55) if event.attempt == 2 => GraphAction::CutAfter,
        (GraphKind::UploadRange, 105) if event.attempt == 2 => GraphAction::CutBefore,
        _ => GraphAction::Proceed,
    }
}

#[test]
fn two_hundred_letters_as_drafts_arrive_once_each_within_the_limits() {
    let server = OauthServer::builder().grant("graph", &ALL_SCOPES);
    let desk = GraphDesk::at(server, SCHOOLS);
    for (number, bytes) in [
        (5, 12_000_000),
        (55, 9_000_000),
        (105, 6_000_000),
        (155, 4_000_000),
        (160, 2_990_000),
    ] {
        write_report(&desk, number, bytes);
    }
    desk.configure("connections = 3\npatience = \"1s\"");
    let batch = &desk.desk.batch;
    batch.replace("batch.toml", "= 100000\n", "= 150\n");
    let sign_in = Arc::clone(&desk.desk.server);
    desk.graph
        .script(move |event| trouble_with_drafts(event, &sign_in));
    // What is in doubt is looked for before the run ends.
    desk.desk
        .send()
        .expect(0)
        .says("S080: in doubt")
        .says("S080: was in doubt");
    let states = assert_honest(&desk);
    assert!(
        states.values().all(|state| state == "accepted"),
        "{states:?}"
    );
    desk.keep_upload_urls_secret();
    assert_each_once(&desk);
    let most = desk.graph.most_accepted_in(A_MINUTE);
    assert!(most <= 150, "{most} in a minute");
    let most = desk.graph.most_bytes_in(5 * A_MINUTE);
    assert!(most <= 150_000_000, "{most} bytes in five minutes");
    assert!(desk.graph.max_in_flight() <= 3);
}

/// What happens to the letters of some schools, each time once.
fn trouble(event: &GraphEvent, server: &Arc<OauthServer>) -> GraphAction {
    if event.attempt > 1 {
        return GraphAction::Proceed;
    }
    match school(event).unwrap_or_default() {
        10 => GraphAction::Answer(throttled(Some(1))),
        20 => GraphAction::Answer(unavailable("1")),
        30 => GraphAction::CutBefore,
        50 => GraphAction::AcceptThen(gateway_timeout()),
        60 => GraphAction::Answer(html(502)),
        70 => GraphAction::CutAfter,
        90 => GraphAction::TruncatedAnswer,
        110 => expired(server),
        120 => GraphAction::AcceptThen(unavailable("")),
        150 => GraphAction::AcceptThen(html(500)),
        170 => GraphAction::AcceptThen(huge(500, 3_000_000)),
        _ => GraphAction::Proceed,
    }
}

#[test]
fn two_hundred_letters_with_sending_alone_are_never_sent_twice() {
    let desk = GraphDesk::new(SCHOOLS);
    desk.configure("connections = 3\npatience = \"1s\"");
    let sign_in = Arc::clone(&desk.desk.server);
    desk.graph.script(move |event| trouble(event, &sign_in));
    desk.desk.send().expect(4);
    let doubts: Vec<String> = [30, 50, 60, 70, 90, 120, 150, 170].map(id).into();
    let in_doubt = || -> Vec<String> {
        let states = assert_honest(&desk).into_iter();
        let doubts = states.filter(|(_, state)| state != "accepted");
        doubts.map(|(id, _)| id).collect()
    };
    assert_eq!(in_doubt(), doubts);
    // Another run may not look, and does not guess.
    let before = desk.graph.requests().len();
    desk.desk.send().expect(4);
    assert_eq!(desk.graph.requests().len(), before);
    assert_eq!(in_doubt(), doubts);
    let sent = desk.graph.mailbox(SHARED).sent();
    let went = |id: &String| {
        let subject = format!("Report for School {}", id[1..].trim_start_matches('0'));
        sent.iter().any(|mail| mail.subject == subject)
    };
    let (there, absent): (Vec<_>, Vec<_>) = doubts.iter().partition(|id| went(id));
    assert_eq!((there.len(), absent.len()), (6, 2));
    for (ids, word) in [(there, "--accepted"), (absent, "--unsent")] {
        let mut arguments: Vec<&str> = ids.iter().map(|id| id.as_str()).collect();
        arguments.push(word);
        desk.desk.run("resolve", &arguments).expect(0);
    }
    desk.desk.send().expect(0);
    assert_each_once(&desk);
    assert!(desk.graph.max_in_flight() <= 3);
}
