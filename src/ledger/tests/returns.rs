//! What mail that came back appends, also beside a run.

use super::*;
use crate::ledger::{Entered, ReturnedMail, ReturnsLedger};
use crate::lifecycle::{AddressOutcome, AddressReturn, Event, MailEvidence};

fn returns(case: &Case) -> ReturnsLedger {
    ReturnsLedger::open(&case.path(), &identity("b"), &holder()).unwrap()
}

/// A mail by this name that says that a letter came back from its first address.
fn bounce(id: &str, name: &str) -> ReturnedMail {
    let evidence = MailEvidence {
        kind: "delivery_report".into(),
        sha256: format!("{name:0>64}"),
        message_id: Some(format!("{name}@mx.example")),
    };
    let bounced = Event::Bounced(AddressReturn {
        message_id: format!("{id}-1@x.example"),
        address: format!("{id}@school.example"),
        hard: true,
        reason: "no_such_address".into(),
        code: Some("5.1.1".into()),
        text: None,
        evidence: evidence.in_one_line(),
    });
    ReturnedMail {
        evidence,
        events: vec![(id.to_owned(), bounced)],
    }
}

fn events(view: &LedgerView) -> u64 {
    view.log_end().unwrap().unwrap().events
}

#[track_caller]
fn assert_whole(view: &LedgerView) {
    assert_eq!(view.check_log(None).unwrap().flaw, None);
}

/// A ledger with letter a accepted, b in hand and c left.
fn at_work(case: &Case) -> (Ledger, Claimed) {
    let mut ledger = case.ledger();
    let pending = ledger.pending(None, 2).unwrap();
    let claims = [claim(pending[0].seq, 1), claim(pending[1].seq, 1)];
    let claimed = ledger.commit(&[], &claims).unwrap();
    ledger
        .commit(&[settlement(claimed[0], accepted(), 2)], &[])
        .unwrap();
    (ledger, claimed[1])
}

#[test]
fn a_mail_is_entered_once() {
    let case = Case::new();
    drop(at_work(&case));
    let mut ledger = returns(&case);
    let mail = [bounce("a", "one"), bounce("a", "one"), bounce("x", "two")];
    let entered = ledger.enter(&mail, at(5)).unwrap();
    assert_eq!(
        entered,
        [Entered::Appended, Entered::Known, Entered::Impossible]
    );
    let before = events(ledger.view());
    // By another reader, and made anew by a server: its own Message-ID is the same.
    let mut other = returns(&case);
    let mut remade = bounce("a", "one");
    remade.evidence.sha256 = "ff".repeat(32);
    assert!(other.is_known(&remade.evidence));
    assert_eq!(other.enter(&[remade], at(6)).unwrap(), [Entered::Known]);
    assert_eq!(events(other.view()), before);
    assert_whole(other.view());
    let outcomes = other.view().outcomes().unwrap();
    assert_eq!((outcomes.bounced, outcomes.to_look_at), (1, 0));
}

#[test]
fn two_readers_at_once_enter_a_mail_once() {
    let case = Case::new();
    drop(at_work(&case));
    let (mut one, mut other) = (returns(&case), returns(&case));
    assert_eq!(
        one.enter(&[bounce("a", "one")], at(5)).unwrap(),
        [Entered::Appended]
    );
    assert_eq!(
        other.enter(&[bounce("a", "one")], at(5)).unwrap(),
        [Entered::Known]
    );
    assert_whole(other.view());
}

#[test]
fn beside_a_run_what_it_has_left_waits_and_the_run_goes_on() {
    let case = Case::new();
    let (mut run, in_hand) = at_work(&case);
    let mut ledger = returns(&case);
    let mail = [bounce("a", "one"), bounce("b", "two")];
    let entered = ledger.enter(&mail, at(3)).unwrap();
    assert_eq!(entered, [Entered::Appended, Entered::Waits]);
    run.commit(&[settlement(in_hand, accepted(), 4)], &[])
        .unwrap();
    let left = run.pending(None, 5).unwrap()[0].seq;
    let claimed = run.commit(&[], &[claim(left, 5)]).unwrap();
    assert_eq!(
        ledger.enter(&mail, at(6)).unwrap(),
        [Entered::Known, Entered::Appended]
    );
    run.commit(&[settlement(claimed[0], accepted(), 7)], &[])
        .unwrap();
    assert_eq!(run.counts().unwrap().accepted, 3);
    let view = run.end_run(at(8), "finished").0;
    assert_whole(&view);
    assert_eq!(view.outcomes().unwrap().bounced, 2);
}

#[test]
fn a_letter_that_was_cut_off_takes_a_bounce_when_no_run_is_at_work() {
    let case = Case::new();
    drop(at_work(&case));
    let mut ledger = returns(&case);
    assert_eq!(
        ledger.enter(&[bounce("b", "two")], at(5)).unwrap(),
        [Entered::Appended]
    );
    drop(ledger);
    let run = open(&case.path()).unwrap();
    let letter = run.letter("b").unwrap().unwrap().letter;
    let returned = letter.sendings[0].fates[0].returned.as_ref();
    assert_eq!(returned.unwrap().outcome, AddressOutcome::Bounced);
    assert_whole(&run);
}

/// A state file that lacks what later formats have: it is read as it is, then opened for a run.
#[track_caller]
fn brought_up_to_date(case: &Case, older: &str) -> ReturnsLedger {
    change_behind(&case.path(), older).unwrap();
    let view = LedgerView::open(&case.path(), &identity("b")).unwrap();
    assert_whole(&view);
    drop(view);
    let ledger = returns(case);
    assert_whole(ledger.view());
    assert_eq!(ledger.view().format, crate::ledger::schema::VERSION);
    ledger
}

#[test]
fn a_file_of_format_5_is_read_and_brought_up_to_date() {
    let case = Case::new();
    drop(at_work(&case));
    let older = "ALTER TABLE sendings DROP COLUMN rest; ALTER TABLE sendings DROP COLUMN parts;
                 PRAGMA user_version = 5";
    brought_up_to_date(&case, older);
}

#[test]
fn a_file_of_format_6_is_read_and_brought_up_to_date() {
    let case = Case::new();
    drop(at_work(&case));
    let older = "ALTER TABLE sendings DROP COLUMN parts; PRAGMA user_version = 6";
    brought_up_to_date(&case, older);
}

#[test]
fn a_file_of_format_4_is_read_and_brought_up_to_date() {
    let case = Case::new();
    drop(at_work(&case));
    let older = "DROP TABLE mail; ALTER TABLE sendings DROP COLUMN rest;
                 ALTER TABLE sendings DROP COLUMN parts; PRAGMA user_version = 4";
    let mut ledger = brought_up_to_date(&case, older);
    assert_eq!(
        ledger.enter(&[bounce("a", "one")], at(5)).unwrap(),
        [Entered::Appended]
    );
    assert_whole(ledger.view());
}
