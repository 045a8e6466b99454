//! The program killed at the moments that matter, then started again: every letter arrives once.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::graph::judge::{assert_each_once, assert_honest, school, write_report};
use crate::support::graph::{GraphAction, GraphEvent, GraphKind, throttled};
use crate::support::graph_desk::{GraphDesk, SHARED};
use crate::support::oauth::OauthServer;
use crate::support::victim::Victim;

/// Kills the run at the first request that this is true of, and does the rest with nobody there.
#[track_caller]
fn killed(
    desk: &GraphDesk,
    at: impl Fn(&GraphEvent) -> bool + Send + Sync + 'static,
    then: fn() -> GraphAction,
) {
    let victim = Victim::default();
    let (hook, armed) = (victim.clone(), AtomicBool::new(true));
    desk.graph.script(move |event| {
        if at(event) && armed.swap(false, Ordering::SeqCst) {
            let hook = hook.clone();
            return GraphAction::call(move || hook.kill(), then());
        }
        GraphAction::Proceed
    });
    victim.send(&desk.desk.batch);
    victim.wait_until_killed();
    desk.graph.wait_idle();
    desk.graph.script(|_| GraphAction::Proceed);
    assert_honest(desk);
}

fn drafts() -> GraphDesk {
    let desk = GraphDesk::with_all_scopes(3);
    desk.configure("patience = \"1s\"");
    desk
}

/// Kills the run of three letters in the second one, resumes it and judges.
#[track_caller]
fn arrives_once_although_killed_at(kind: GraphKind, then: fn() -> GraphAction) -> GraphDesk {
    let desk = drafts();
    write_report(&desk, 2, 8_000_000);
    killed(
        &desk,
        move |event| event.kind == kind && school(event) == Some(2),
        then,
    );
    desk.desk.send().expect(0).says("S002: was in doubt");
    desk.keep_upload_urls_secret();
    assert_each_once(&desk);
    desk
}

fn nothing() -> GraphAction {
    GraphAction::CutBefore
}

fn done() -> GraphAction {
    GraphAction::Proceed
}

#[test]
fn killed_when_the_draft_is_made() {
    let desk = arrives_once_although_killed_at(GraphKind::CreateDraft, nothing);
    assert!(desk.graph.mailbox(SHARED).deleted().is_empty());
    // The half letter is found by its tag and removed.
    let desk = arrives_once_although_killed_at(GraphKind::CreateDraft, done);
    assert_eq!(desk.graph.mailbox(SHARED).deleted().len(), 1);
}

#[test]
fn killed_when_an_upload_begins() {
    let desk = arrives_once_although_killed_at(GraphKind::CreateUploadSession, done);
    assert_eq!(desk.graph.mailbox(SHARED).deleted().len(), 1);
}

#[test]
fn killed_in_the_middle_of_an_upload() {
    let desk = drafts();
    write_report(&desk, 2, 8_000_000);
    let second = |event: &GraphEvent| event.kind == GraphKind::UploadRange && event.turn == 2;
    killed(&desk, second, done);
    desk.desk.send().expect(0).says("S002: was in doubt");
    desk.keep_upload_urls_secret();
    assert_each_once(&desk);
    assert_eq!(desk.graph.mailbox(SHARED).deleted().len(), 1);
}

#[test]
fn killed_before_the_draft_is_sent() {
    let desk = arrives_once_although_killed_at(GraphKind::SendDraft, nothing);
    // The draft is whole, so it is sent and not made again.
    assert_eq!(desk.graph.requests_of(GraphKind::CreateDraft).len(), 3);
    assert_eq!(desk.graph.requests_of(GraphKind::SendDraft).len(), 4);
}

#[test]
fn killed_when_the_draft_was_accepted_and_no_answer_came() {
    let desk = arrives_once_although_killed_at(GraphKind::SendDraft, done);
    assert_eq!(desk.graph.requests_of(GraphKind::SendDraft).len(), 3);
}

/// Without the right to look, such a letter waits for a person, whether it went or not.
#[test]
fn killed_when_a_letter_was_handed_over_in_one_request() {
    for (then, word) in [
        (done as fn() -> GraphAction, "--accepted"),
        (nothing, "--unsent"),
    ] {
        let desk = GraphDesk::new(3);
        killed(
            &desk,
            |event| event.kind == GraphKind::SendMail && school(event) == Some(2),
            then,
        );
        desk.desk.send().expect(4);
        assert_eq!(assert_honest(&desk)["S002"], "in_doubt");
        desk.desk.run("resolve", &["S002", word]).expect(0);
        desk.desk.send().expect(0);
        assert_each_once(&desk);
    }
}

#[test]
fn killed_while_it_waits_as_it_was_asked_to() {
    for desk in [drafts(), GraphDesk::new(3)] {
        let sends = [GraphKind::SendMail, GraphKind::SendDraft];
        desk.graph.script(move |event| {
            if sends.contains(&event.kind) && event.turn == 2 {
                GraphAction::Answer(throttled(Some(60)))
            } else {
                GraphAction::Proceed
            }
        });
        let victim = Victim::default();
        victim.send(&desk.desk.batch);
        victim.wait_until_it_says("the server asked to wait");
        victim.kill();
        victim.wait_until_killed();
        let states = assert_honest(&desk);
        assert_eq!(states["S002"], "pending");
        desk.desk.send().expect(0);
        assert_each_once(&desk);
    }
}

#[test]
fn killed_while_it_looks_a_letter_up() {
    let grant = [
        "Mail.Send",
        "Mail.Send.Shared",
        "Mail.Read.Shared",
        "User.Read",
    ];
    for then in [done as fn() -> GraphAction, nothing] {
        let desk = GraphDesk::at(OauthServer::builder().grant("graph", &grant), 3);
        desk.configure("patience = \"1s\"");
        let second =
            |event: &GraphEvent| event.kind == GraphKind::SendMail && school(event) == Some(2);
        killed(&desk, second, then);
        killed(&desk, |event| event.kind == GraphKind::Find, done);
        desk.desk.send().expect(0).says("S002: was in doubt");
        assert_each_once(&desk);
    }
}

/// Killed again and again, the letters still go on.
#[test]
fn killed_in_every_letter_at_another_moment() {
    let desk = GraphDesk::with_all_scopes(8);
    desk.configure("patience = \"0s\"");
    for moment in 1..=8 {
        let kind = [GraphKind::CreateDraft, GraphKind::SendDraft][moment % 2];
        let then = if moment % 3 == 0 { nothing } else { done };
        killed(
            &desk,
            move |event| event.kind == kind && school(event) == Some(moment),
            then,
        );
    }
    desk.desk.send().expect(0);
    assert_each_once(&desk);
}
