use super::*;
use crate::durable::beside;

fn marked(case: &Case) -> i64 {
    super::super::lock::marked_beside(&case.path())
}

/// The next letter of the plan, claimed.
fn claim_next(ledger: &mut Ledger) -> Result<Vec<Claimed>, LedgerError> {
    let next = ledger.pending(None, 1).unwrap()[0].seq;
    ledger.commit(&[], &[claim(next, 1)])
}

/// All that a kept promise rests on: a commit waits until the disk has it.
#[test]
fn every_commit_is_flushed_to_the_disk() {
    let ledger = Case::new().ledger();
    let pragma = |name: &str| -> String {
        let value = ledger.db.query_row(&format!("PRAGMA {name}"), [], |row| {
            row.get::<_, rusqlite::types::Value>(0)
        });
        format!("{:?}", value.unwrap())
    };
    assert_eq!(pragma("synchronous"), "Integer(2)");
    assert_eq!(pragma("journal_mode"), "Text(\"wal\")");
}

#[test]
fn the_mark_names_the_last_run_that_claimed_a_letter() {
    let case = Case::new();
    let ledger = case.ledger();
    assert_eq!(marked(&case), 0);
    ledger.end_run(at(1), "finished").1.unwrap();
    for expected in [2, 3] {
        let mut ledger = open(&case.path()).unwrap();
        claim_next(&mut ledger).unwrap();
        assert_eq!(marked(&case), expected);
    }
    // A run that claims nothing changes nothing.
    drop(open(&case.path()).unwrap());
    assert_eq!(marked(&case), 3);
}

/// Else a crash in between would leave a mark of which no state file knows.
#[test]
fn a_claim_that_could_not_be_written_leaves_no_mark() {
    let case = Case::new();
    let mut ledger = case.ledger();
    ledger
        .db
        .execute_batch(
            "CREATE TEMP TRIGGER broken BEFORE INSERT ON main.attempts
             BEGIN SELECT RAISE(ABORT, 'the disk is full'); END",
        )
        .unwrap();
    claim_next(&mut ledger).unwrap_err();
    assert_eq!(marked(&case), 0);
    drop(ledger);
    fs::remove_file(case.path()).unwrap();
    case.ledger();
}

/// A rehearsal writes to nobody but the one who rehearses.
#[test]
fn a_rehearsal_leaves_no_mark() {
    let case = Case::new();
    let rehearsal = BatchIdentity {
        kind: LedgerKind::Rehearsal,
        ..identity("b")
    };
    let mut ledger = Ledger::open(&case.path(), &rehearsal, &holder()).unwrap();
    ledger
        .adopt(
            "plan",
            "smtp relay.example:587, starttls",
            &SOURCES,
            [planned("a", 1)].into_iter(),
        )
        .unwrap();
    claim_next(&mut ledger).unwrap();
    assert_eq!(marked(&case), 0);
}

/// Files of older programs have an empty lock beside them, and a power cut may leave a part of a mark.
#[test]
fn what_is_no_mark_is_none() {
    let case = Case::new();
    drop(case.ledger());
    for text in ["", "postroom", "\0\0\0\0", "postroom: the last run"] {
        fs::write(beside(&case.path(), ".lock"), text).unwrap();
        drop(open(&case.path()).unwrap());
        assert_eq!(marked(&case), 0);
    }
    // What stood there is not in the way of a mark.
    let mut ledger = open(&case.path()).unwrap();
    claim_next(&mut ledger).unwrap();
    assert_eq!(marked(&case), 6);
    drop(ledger);
    // What no run wrote may be somebody's file by another name, and stays as it is.
    let long = "x".repeat(1_000);
    fs::write(beside(&case.path(), ".lock"), &long).unwrap();
    let refusal = open(&case.path()).unwrap_err();
    assert!(matches!(refusal, LedgerError::NotOurs { .. }), "{refusal}");
    assert_eq!(
        fs::read_to_string(beside(&case.path(), ".lock")).unwrap(),
        long
    );
}

#[test]
fn only_a_loss_can_be_accepted() {
    let case = Case::new();
    let accept = || Ledger::accept_loss(&case.path(), &identity("b")).unwrap();
    assert!(!accept());
    let mut ledger = case.ledger();
    claim_next(&mut ledger).unwrap();
    drop(ledger);
    assert!(!accept());
    assert_eq!(marked(&case), 1);
    fs::remove_file(case.path()).unwrap();
    assert!(matches!(open(&case.path()), Err(LedgerError::Gone { .. })));
    assert!(accept());
    assert!(!accept());
    case.ledger();
}
