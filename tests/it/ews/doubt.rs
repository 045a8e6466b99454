//! Letters whose answer was lost: the mailbox settles them.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::ews::{assert_tidy, outgoing};
use crate::support::ews::{EwsAction, EwsKind};
use crate::support::ews_desk::EwsDesk;
use crate::support::exchange::{IndexLag, Pickup};
use crate::support::graph_desk::SHARED;
use crate::support::victim::Victim;

/// A batch of three letters, whose second meets this at its SendItem, and cannot be looked at in
/// that run.
fn doubt(secrets: &str, action: fn() -> EwsAction) -> EwsDesk {
    let desk = EwsDesk::new(3);
    desk.configure("patience = \"0s\"\n");
    desk.secrets(secrets);
    desk.ews.script(move |event| match event.kind {
        EwsKind::SendItem if event.turn == 2 => action(),
        EwsKind::GetItem | EwsKind::FindItem => EwsAction::CutBefore,
        _ => EwsAction::Proceed,
    });
    desk.desk.send().expect(4).says("S002: in doubt");
    assert_eq!(desk.desk.batch.in_state("in_doubt"), ["S002"]);
    desk.ews.script(|_| EwsAction::Proceed);
    desk
}

#[test]
fn a_letter_that_went_out_is_found_and_not_sent_again() {
    let desk = doubt("", || EwsAction::CutAfter);
    assert_eq!(outgoing(&desk), ["1", "2", "3"]);
    desk.desk.send().expect(0);
    assert_eq!(outgoing(&desk), ["1", "2", "3"]);
    assert_eq!(desk.desk.batch.in_state("accepted").len(), 3);
    assert_tidy(&desk);
}

#[test]
fn a_draft_found_unsent_is_sent_and_not_made_again() {
    let desk = doubt("", || EwsAction::CutBefore);
    assert_eq!(outgoing(&desk), ["1", "3"]);
    desk.desk.send().expect(0);
    assert_eq!(outgoing(&desk), ["1", "3", "2"]);
    assert_eq!(desk.ews.count(EwsKind::CreateItem), 3);
    assert_tidy(&desk);
}

#[test]
fn a_draft_that_somebody_changed_is_not_sent_but_made_again() {
    let desk = doubt("", || EwsAction::CutBefore);
    desk.ews.change_drafts();
    desk.desk.send().expect(0);
    assert_eq!(outgoing(&desk), ["1", "3", "2"]);
    assert_eq!(desk.ews.count(EwsKind::CreateItem), 4);
    assert_eq!(desk.ews.count(EwsKind::DeleteItem), 1);
    assert_tidy(&desk);
}

#[test]
fn one_look_at_the_draft_settles_most_doubts_at_once() {
    for action in [
        || EwsAction::CutAfter,
        || EwsAction::TruncatedAnswer,
        || EwsAction::AcceptThen(crate::support::ews::fault("ErrorInternalServerError", None)),
    ] {
        let desk = EwsDesk::new(2);
        desk.ews.once(EwsKind::SendItem, action);
        desk.desk.send().expect(0);
        assert_eq!(outgoing(&desk), ["1", "2"]);
        assert_tidy(&desk);
    }
}

#[test]
fn a_letter_that_waits_for_its_turn_counts_as_taken() {
    let desk = EwsDesk::new(1);
    desk.exchange.set_pickup(Pickup::Held);
    desk.ews.once(EwsKind::SendItem, || EwsAction::CutAfter);
    desk.desk.send().expect(0);
    let drafts = desk.exchange.mailbox(SHARED).drafts();
    assert!(drafts[0].is_submitted);
    desk.exchange.release();
    assert_eq!(outgoing(&desk), ["1"]);
    assert_tidy(&desk);
}

#[test]
fn a_letter_that_lost_its_mark_is_found_by_its_message_id() {
    let desk = doubt("", || EwsAction::CutAfter);
    desk.ews.script(|event| {
        let finds = event.kind == EwsKind::FindItem;
        if finds && event.turn % 2 == 1 {
            EwsAction::Answer(crate::ews::forms::nothing_found())
        } else {
            EwsAction::Proceed
        }
    });
    desk.desk.send().expect(0);
    assert_eq!(outgoing(&desk), ["1", "2", "3"]);
}

#[test]
fn a_copy_that_is_late_is_waited_for() {
    let desk = doubt("", || EwsAction::CutAfter);
    desk.configure("patience = \"60s\"\n");
    // Two searches that see nothing, then one that does.
    desk.exchange.set_index_lag(IndexLag::Searches(1));
    desk.desk.send().expect(0);
    assert_eq!(outgoing(&desk), ["1", "2", "3"]);
}

#[test]
fn without_copies_a_letter_that_is_nowhere_waits_for_a_person() {
    let desk = doubt("save_in = \"none\"\n", || EwsAction::CutAfter);
    desk.desk.send().expect(4);
    assert_eq!(desk.desk.batch.in_state("in_doubt"), ["S002"]);
    assert_eq!(outgoing(&desk), ["1", "2", "3"]);
    desk.desk.run("resolve", &["S002", "--accepted"]).expect(0);
    desk.desk.send().expect(0);
    assert_tidy(&desk);
}

#[test]
fn without_copies_a_draft_found_unsent_is_sent() {
    let desk = doubt("save_in = \"none\"\n", || EwsAction::CutBefore);
    desk.desk.send().expect(0);
    assert_eq!(outgoing(&desk), ["1", "3", "2"]);
    assert_eq!(desk.ews.count(EwsKind::CreateItem), 3);
    assert_tidy(&desk);
}

/// Killed at each step of the second letter: it goes out once, and no draft is left.
#[test]
fn a_kill_at_any_step_sends_no_letter_twice_and_loses_none() {
    for (kind, after) in [
        (EwsKind::CreateItem, false),
        (EwsKind::CreateItem, true),
        (EwsKind::SendItem, false),
        (EwsKind::SendItem, true),
    ] {
        let desk = EwsDesk::new(3);
        desk.configure("patience = \"0s\"\n");
        let victim = Victim::default();
        let (killer, done) = (victim.clone(), AtomicBool::new(false));
        desk.ews.script(move |event| {
            let is_it = event.kind == kind && event.turn == 2;
            if !is_it || done.swap(true, Ordering::SeqCst) {
                return EwsAction::Proceed;
            }
            let killer = killer.clone();
            let then = if after {
                EwsAction::CutAfter
            } else {
                EwsAction::CutBefore
            };
            EwsAction::call(move || killer.kill(), then)
        });
        victim.send(&desk.desk.batch);
        victim.wait_until_killed();
        desk.desk.send().expect(0);
        let mut letters = outgoing(&desk);
        letters.sort();
        assert_eq!(letters, ["1", "2", "3"], "{kind:?}, after {after}");
        assert_eq!(desk.desk.batch.in_state("accepted").len(), 3);
        assert_tidy(&desk);
    }
}

/// The letter was changed while its draft lay in the mailbox: what is not meant any more must not lie
/// there for somebody to send.
#[test]
fn the_draft_of_a_letter_that_changed_is_removed() {
    let desk = doubt("", || EwsAction::CutBefore);
    desk.desk.batch.write(
        "letter.html",
        "<p>Dear {{ name }},</p>\n<p>another letter.</p>\n",
    );
    desk.desk
        .batch
        .run("send", &["--yes", "--accept-changes"])
        .expect(0);
    assert_eq!(outgoing(&desk), ["1", "3", "2"]);
    assert_eq!(desk.ews.count(EwsKind::DeleteItem), 1);
    assert_tidy(&desk);
}
