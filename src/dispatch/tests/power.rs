use rusqlite::Connection as Database;

use super::*;

/// Fails every claim.
const NO_CLAIMS: &str = "CREATE TRIGGER broken BEFORE INSERT ON attempts
    BEGIN SELECT RAISE(ABORT, 'the disk is full'); END";
/// Fails every settlement.
const NO_SETTLEMENTS: &str = "CREATE TRIGGER broken BEFORE UPDATE OF outcome ON attempts
    BEGIN SELECT RAISE(ABORT, 'the disk is full'); END";
const MENDED: &str = "DROP TRIGGER broken";

pub(super) fn no_settlements(case: &Case) {
    change(case, NO_SETTLEMENTS);
}

pub(super) fn mended(case: &Case) {
    change(case, MENDED);
}

fn change(case: &Case, sql: &str) {
    drop(case.ledger());
    let database = Database::open(case.path()).unwrap();
    database.execute_batch(sql).unwrap();
}

/// The letters as the next run would find them if the power failed now.
fn after_a_power_cut(path: &Path) -> Vec<LetterRecord> {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.db");
    fs::copy(path, &copy).unwrap();
    fs::copy(
        path.with_file_name("batch.state.db-wal"),
        folder.path().join("copy.db-wal"),
    )
    .unwrap();
    letters_in(&open(&copy, "smtp relay.example:25"))
}

fn states_at_each_call(case: &Case) -> Vec<Vec<LetterState>> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (path, found) = (case.path(), Arc::clone(&seen));
    case.run(move |_| {
        let states: Vec<_> = after_a_power_cut(&path)
            .iter()
            .map(|letter| letter.state)
            .collect();
        found.lock().unwrap().push(states);
        taken()
    });
    seen.lock().unwrap().clone()
}

#[test]
fn after_a_power_cut_the_letter_in_hand_is_in_doubt_and_the_one_before_is_settled() {
    use LetterState::{Accepted, InDoubt, Pending};
    assert_eq!(
        states_at_each_call(&Case::new(3)),
        [
            [InDoubt, Pending, Pending],
            [Accepted, InDoubt, Pending],
            [Accepted, Accepted, InDoubt],
        ]
    );
}

#[test]
fn whoever_reads_the_ledger_during_a_run_sees_the_attempt_of_the_letter_in_flight() {
    let case = Case::new(2);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (path, found) = (case.path(), Arc::clone(&seen));
    case.run(move |call| {
        if call.number == 1 {
            let ledger = LedgerView::open(&path, &identity()).unwrap();
            *found.lock().unwrap() = letters_in(&ledger)
                .into_iter()
                .map(|letter| (letter.state, letter.letter.attempts()))
                .collect();
        }
        taken()
    });
    assert_eq!(
        *seen.lock().unwrap(),
        [(LetterState::Pending, 1), (LetterState::Pending, 0)]
    );
}

#[test]
fn a_claim_that_cannot_be_written_ends_the_run_before_anything_leaves() {
    let case = Case::new(3);
    change(&case, NO_CLAIMS);
    let run = case.run(|_| taken());
    let shown = run.ending.unwrap_err().to_string();
    assert!(shown.contains("the disk is full"), "{shown}");
    assert!(run.calls.is_empty());
    assert_eq!(case.counts().pending, 3);
}

#[test]
fn an_answer_that_cannot_be_written_ends_the_run_and_leaves_the_letter_in_doubt() {
    let case = Case::new(3);
    change(&case, NO_SETTLEMENTS);
    let run = case.run(|_| taken());
    assert!(run.ending.is_err());
    assert_eq!(run.ids(), ["s1"]);
    assert_eq!(run.events, []);
    change(&case, MENDED);
    let next = case.run(|_| taken());
    assert_eq!(next.ids(), ["s2", "s3"]);
    assert_eq!(case.letter("s1").state, LetterState::InDoubt);
}

#[test]
fn an_answer_is_recorded_though_the_next_claim_cannot_be() {
    let case = Case::new(3);
    let path = case.path();
    let run = case.run(move |_| {
        let database = Database::open(&path).unwrap();
        database.execute_batch(NO_CLAIMS).unwrap();
        taken()
    });
    assert!(run.ending.is_err());
    assert_eq!(run.ids(), ["s1"]);
    assert_eq!(case.letter("s1").state, LetterState::Accepted);
    assert_eq!(case.counts().pending, 2);
}
