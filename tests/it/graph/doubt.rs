//! Letters in doubt: found, not found, seen late, or left to a person.

use crate::graph::judge::{assert_each_once, assert_honest, once_for};
use crate::support::exchange::{IndexLag, Pickup};
use crate::support::graph::{GraphAction, GraphKind, gateway_timeout, graph_error, throttled};
use crate::support::graph_desk::{GraphDesk, SHARED};
use crate::support::oauth::OauthServer;

/// Two letters, sent as they are, that can be looked up.
fn readable() -> GraphDesk {
    let grant = [
        "Mail.Send",
        "Mail.Send.Shared",
        "Mail.Read.Shared",
        "User.Read",
    ];
    let desk = GraphDesk::at(OauthServer::builder().grant("graph", &grant), 2);
    desk.configure("patience = \"1s\"");
    desk
}

/// The first letter goes out, but the client is cut off and its look afterwards fails: it is in
/// doubt.
#[track_caller]
fn cut_off(desk: &GraphDesk, kind: GraphKind, then: fn() -> GraphAction) {
    desk.graph.script(move |event| match event.kind {
        GraphKind::Find | GraphKind::GetMessage => {
            GraphAction::Answer(graph_error(500, "ErrorInternalServerError", "Later."))
        }
        other if other == kind && event.turn == 1 => then(),
        _ => GraphAction::Proceed,
    });
    desk.desk.send().expect(4).says("S001: in doubt");
    assert_eq!(desk.desk.batch.in_state("in_doubt"), ["S001"]);
    desk.graph.script(|_| GraphAction::Proceed);
}

#[test]
fn a_letter_that_is_seen_at_once_is_never_in_doubt() {
    let desk = readable();
    once_for(&desk, GraphKind::SendMail, 1, || {
        GraphAction::AcceptThen(gateway_timeout())
    });
    desk.desk.send().expect(0);
    assert_each_once(&desk);
}

#[test]
fn the_next_run_finds_a_letter_by_its_tag() {
    let desk = readable();
    desk.exchange.keep_message_ids(false);
    cut_off(&desk, GraphKind::SendMail, || GraphAction::CutAfter);
    desk.desk
        .send()
        .expect(0)
        .says("S001: was in doubt, looked up, went out");
    assert_each_once(&desk);
    assert_eq!(desk.graph.requests_of(GraphKind::SendMail).len(), 2);
}

#[test]
fn the_next_run_finds_a_letter_without_its_tag_by_its_message_id() {
    let desk = readable();
    desk.exchange.keep_properties(false);
    cut_off(&desk, GraphKind::SendMail, || GraphAction::CutAfter);
    desk.desk
        .send()
        .expect(0)
        .says("S001: was in doubt, looked up, went out");
    assert_each_once(&desk);
    assert_eq!(desk.graph.requests_of(GraphKind::SendMail).len(), 2);
}

#[test]
fn a_letter_that_is_found_late_is_waited_for() {
    let desk = readable();
    desk.configure("patience = \"20s\"");
    cut_off(&desk, GraphKind::SendMail, || GraphAction::CutAfter);
    // Two searches would look where it lies: by tag in Sent Items, and by Message-ID anywhere.
    desk.exchange.set_index_lag(IndexLag::Searches(2));
    desk.desk
        .send()
        .expect(0)
        .says("looking for a letter in doubt")
        .says("S001: was in doubt, looked up, went out");
    assert_each_once(&desk);
    assert_eq!(desk.graph.requests_of(GraphKind::SendMail).len(), 2);
}

#[test]
fn a_letter_that_is_not_found_is_sent_again_once() {
    let desk = readable();
    cut_off(&desk, GraphKind::SendMail, || GraphAction::CutBefore);
    desk.desk
        .send()
        .expect(0)
        .says("S001: was in doubt, looked up, did not go out");
    assert_each_once(&desk);
    desk.desk.send().expect(0);
    assert_eq!(desk.graph.requests_of(GraphKind::SendMail).len(), 3);
}

#[test]
fn a_letter_that_waits_in_drafts_stays_in_doubt_until_it_went() {
    let desk = readable();
    desk.exchange.set_pickup(Pickup::Held);
    cut_off(&desk, GraphKind::SendMail, || GraphAction::CutAfter);
    for _ in 0..2 {
        desk.desk.send().expect(4);
        assert_eq!(desk.desk.batch.in_state("in_doubt"), ["S001"]);
    }
    desk.exchange.release();
    desk.desk
        .send()
        .expect(0)
        .says("S001: was in doubt, looked up, went out");
    assert_each_once(&desk);
    assert_eq!(desk.graph.requests_of(GraphKind::SendMail).len(), 2);
}

#[test]
fn without_the_right_to_look_a_letter_waits_for_a_person() {
    for (then, word, requests) in [
        (
            (|| GraphAction::CutAfter) as fn() -> GraphAction,
            "--accepted",
            2,
        ),
        (|| GraphAction::CutBefore, "--unsent", 3),
    ] {
        let desk = GraphDesk::new(2);
        desk.configure("patience = \"0s\"");
        cut_off(&desk, GraphKind::SendMail, then);
        for _ in 0..2 {
            desk.desk.send().expect(4).says("resolve");
        }
        assert_eq!(desk.graph.requests().len(), 2);
        desk.desk.run("resolve", &["S001", word]).expect(0);
        desk.desk.send().expect(0);
        assert_each_once(&desk);
        assert_eq!(desk.graph.requests_of(GraphKind::SendMail).len(), requests);
    }
}

/// The service took the letter and asks for patience all the same.
#[track_caller]
fn is_looked_up_before_it_is_repeated(desk: &GraphDesk, kind: GraphKind) {
    once_for(desk, kind, 1, || {
        GraphAction::AcceptThen(throttled(Some(1)))
    });
    desk.desk.send().expect(0);
    assert_each_once(desk);
    assert_eq!(desk.graph.requests_of(kind).len(), 2);
}

#[test]
fn a_throttled_letter_that_went_is_not_repeated() {
    is_looked_up_before_it_is_repeated(&readable(), GraphKind::SendMail);
    is_looked_up_before_it_is_repeated(&GraphDesk::with_all_scopes(2), GraphKind::SendDraft);
}

fn drafts() -> GraphDesk {
    let desk = GraphDesk::with_all_scopes(2);
    desk.configure("patience = \"1s\"");
    desk
}

#[test]
fn a_draft_that_was_sent_is_found_by_its_name_even_if_all_marks_are_lost() {
    let desk = drafts();
    desk.exchange.keep_properties(false);
    desk.exchange.keep_message_ids(false);
    cut_off(&desk, GraphKind::SendDraft, || GraphAction::CutAfter);
    desk.desk
        .send()
        .expect(0)
        .says("S001: was in doubt, looked up, went out");
    assert_each_once(&desk);
    assert_eq!(desk.graph.requests_of(GraphKind::SendDraft).len(), 2);
}

#[test]
fn a_draft_that_was_not_sent_goes_by_its_name_and_is_not_made_again() {
    let desk = drafts();
    cut_off(&desk, GraphKind::SendDraft, || GraphAction::CutBefore);
    desk.desk
        .send()
        .expect(0)
        .says("S001: was in doubt, looked up, did not go out");
    assert_each_once(&desk);
    assert_eq!(desk.graph.requests_of(GraphKind::CreateDraft).len(), 2);
    assert_eq!(desk.graph.requests_of(GraphKind::SendDraft).len(), 3);
}

/// The mailbox shows a draft until the letter is picked up. Sending it by its name is refused then,
/// and that is no reason to call it rejected.
#[test]
fn a_draft_that_is_on_its_way_is_not_rejected() {
    let desk = drafts();
    desk.exchange.set_pickup(Pickup::Held);
    cut_off(&desk, GraphKind::SendDraft, || GraphAction::CutAfter);
    desk.desk.send().expect(4).says("S001: in doubt");
    assert_eq!(desk.desk.batch.in_state("in_doubt"), ["S001"]);
    desk.exchange.release();
    desk.desk.send().expect(0);
    assert_honest(&desk);
    assert_eq!(desk.graph.mailbox(SHARED).sent().len(), 2);
}

/// A person deleted the draft: it was not sent, and is made anew.
#[test]
fn a_draft_that_is_gone_is_made_anew() {
    let desk = drafts();
    cut_off(&desk, GraphKind::SendDraft, || GraphAction::CutBefore);
    let draft = desk.graph.mailbox(SHARED).drafts().remove(0);
    desk.exchange.lock().delete(SHARED, &draft.id).unwrap();
    desk.desk.send().expect(0);
    assert_each_once(&desk);
    assert_eq!(desk.graph.requests_of(GraphKind::CreateDraft).len(), 3);
}

/// The letter was changed while its draft lay in the mailbox: what is not meant any more must not lie
/// there for somebody to send.
#[test]
fn the_draft_of_a_letter_that_changed_is_removed() {
    let desk = drafts();
    cut_off(&desk, GraphKind::SendDraft, || GraphAction::CutBefore);
    desk.desk.batch.write(
        "letter.html",
        "<p>Dear {{ name }},</p>\n<p>another letter.</p>\n",
    );
    desk.desk
        .batch
        .run("send", &["--yes", "--accept-changes"])
        .expect(0);
    assert_each_once(&desk);
    assert_eq!(desk.graph.mailbox(SHARED).deleted().len(), 1);
}
