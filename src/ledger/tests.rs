use std::fs;
use std::path::Path;

use jiff::Timestamp;
use tempfile::TempDir;

use super::*;

mod log;
mod loss;
mod resolve;
mod steps;

fn identity(batch: &str) -> Identity {
    Identity {
        batch: batch.into(),
        kind: Kind::Mail,
    }
}

fn holder() -> Holder {
    Holder {
        command: "send".into(),
        transport: "smtp relay.example:25".into(),
        pid: 4711,
        host: "office".into(),
        started: at(0),
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn open(path: &Path) -> Result<Ledger, LedgerError> {
    Ledger::open(path, &identity("b"), &holder())
}

fn record(id: &str, digest: u8) -> LetterRecord {
    LetterRecord {
        id: id.into(),
        digest: [digest; 32],
        message_id: format!("{id}-{digest}@x.example"),
        addresses: "{}".into(),
        attachments: "[]".into(),
    }
}

fn claim(seq: i64, second: i64) -> Claim {
    Claim {
        seq,
        bytes: 100,
        addresses: 2,
        at: at(second),
        trace: format!("trace-{seq}-{second}"),
    }
}

fn accepted() -> Outcome {
    Outcome::Accepted {
        receipt: "250 ok".into(),
        refused: Vec::new(),
    }
}

struct Case {
    folder: TempDir,
}

impl Case {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("batch.state.db")
    }

    /// A ledger with letters a, b and c.
    fn ledger(&self) -> Ledger {
        let mut ledger = open(&self.path()).unwrap();
        let letters = ["a", "b", "c"].map(|id| record(id, 1));
        ledger.adopt("plan1", letters.into_iter()).unwrap();
        ledger
    }
}

fn states(ledger: &Ledger) -> Vec<(String, State)> {
    let mut states = Vec::new();
    ledger
        .each_letter(&mut |letter| states.push((letter.id, letter.state)))
        .unwrap();
    states
}

#[test]
fn a_claim_that_is_not_settled_is_in_doubt_for_the_next_run() {
    let case = Case::new();
    let mut ledger = case.ledger();
    let pending = ledger.pending(None, 10).unwrap();
    let claims = ledger
        .commit(&[], &[claim(pending[0].seq, 1), claim(pending[1].seq, 1)])
        .unwrap();
    let settlement = Settlement {
        claim: claims[0],
        outcome: accepted(),
        at: at(2),
        request_ids: Vec::new(),
    };
    ledger.commit(&[settlement], &[]).unwrap();
    drop(ledger);
    let ledger = open(&case.path()).unwrap();
    let expected = [
        ("a", State::Accepted),
        ("b", State::InDoubt),
        ("c", State::Pending),
    ];
    assert_eq!(
        states(&ledger),
        expected.map(|(id, state)| (id.to_owned(), state))
    );
    let left = ledger.pending(None, 10).unwrap();
    assert_eq!(
        left.iter()
            .map(|letter| letter.id.as_str())
            .collect::<Vec<_>>(),
        ["c"]
    );
    let doubt = ledger.in_doubt().unwrap();
    assert_eq!(
        (doubt[0].id.as_str(), doubt[0].transport.as_str()),
        ("b", "smtp relay.example:25")
    );
}

#[test]
fn only_a_pending_letter_can_be_claimed() {
    let case = Case::new();
    let mut ledger = case.ledger();
    let first = ledger.pending(None, 1).unwrap()[0].seq;
    ledger.commit(&[], &[claim(first, 1)]).unwrap();
    assert!(ledger.commit(&[], &[claim(first, 2)]).is_err());
}

#[test]
fn a_second_run_is_told_who_holds_the_file() {
    let case = Case::new();
    let ledger = case.ledger();
    let told = open(&case.path()).unwrap_err().to_string();
    assert!(
        told.contains("process 4711 on office, since 1970-01-01"),
        "{told}"
    );
    let reader = Ledger::read(&case.path(), &identity("b")).unwrap();
    assert_eq!(reader.counts().unwrap().pending, 3);
    drop((ledger, reader));
    assert!(open(&case.path()).is_ok());
}

#[test]
fn a_reader_sees_claims_of_a_running_process_as_pending() {
    let case = Case::new();
    let mut ledger = case.ledger();
    let first = ledger.pending(None, 1).unwrap()[0].seq;
    ledger.commit(&[], &[claim(first, 1)]).unwrap();
    let counts = || {
        Ledger::read(&case.path(), &identity("b"))
            .unwrap()
            .counts()
            .unwrap()
    };
    assert_eq!((counts().pending, counts().in_doubt), (3, 0));
    drop(ledger);
    assert_eq!((counts().pending, counts().in_doubt), (2, 1));
}

#[test]
fn a_file_that_cannot_be_trusted_is_refused() {
    let case = Case::new();
    drop(case.ledger());
    let path = case.path();
    let whole = fs::read(&path).unwrap();
    let refusal = |contents: &[u8]| {
        fs::write(&path, contents).unwrap();
        open(&path).unwrap_err().to_string()
    };
    assert!(refusal(b"").contains("is damaged: it is empty"));
    assert!(refusal(b"id,state\n1,sent\n").contains("not a postroom state file"));
    assert!(refusal(&whole[..whole.len() / 2]).contains("damaged"));
    let mut newer = whole.clone();
    newer[63] = 99; // the last byte of user_version
    assert!(
        refusal(&newer).contains("has format 99"),
        "{}",
        refusal(&newer)
    );
    let mut foreign = whole.clone();
    foreign[71] = 0; // the last byte of application_id
    assert!(refusal(&foreign).contains("not a postroom state file"));
    fs::write(&path, &whole).unwrap();
    let other = Ledger::open(&path, &identity("other"), &holder())
        .unwrap_err()
        .to_string();
    assert!(
        other.contains("is the state of `b`, not of `other`"),
        "{other}"
    );
    assert!(open(&path).is_ok());
}

#[test]
fn differences_are_told_and_taken_only_for_letters_not_sent() {
    let case = Case::new();
    let mut ledger = case.ledger();
    let first = ledger.pending(None, 1).unwrap()[0].seq;
    let claims = ledger.commit(&[], &[claim(first, 1)]).unwrap();
    let settlement = Settlement {
        claim: claims[0],
        outcome: accepted(),
        at: at(2),
        request_ids: Vec::new(),
    };
    ledger.commit(&[settlement], &[]).unwrap();
    let now = [record("a", 2), record("b", 2), record("d", 1)];
    let differences = |ledger: &Ledger| {
        ledger
            .differences(now.iter().map(|letter| (letter.id.as_str(), letter.digest)))
            .unwrap()
    };
    let told: Vec<_> = differences(&ledger)
        .into_iter()
        .map(|d| (d.id, d.change, d.state))
        .collect();
    assert_eq!(
        told,
        [
            ("a".to_owned(), Change::Changed, State::Accepted),
            ("b".to_owned(), Change::Changed, State::Pending),
            ("d".to_owned(), Change::Added, State::Pending),
            ("c".to_owned(), Change::Removed, State::Pending),
        ]
    );
    ledger.adopt("plan2", now.clone().into_iter()).unwrap();
    assert!(differences(&ledger).is_empty());
    let mut message_ids = Vec::new();
    ledger
        .each_letter(&mut |letter| message_ids.push(letter.message_id))
        .unwrap();
    assert_eq!(
        message_ids,
        ["a-1@x.example", "b-2@x.example", "d-1@x.example"]
    );
    let left: Vec<_> = ledger
        .pending(None, 9)
        .unwrap()
        .into_iter()
        .map(|letter| letter.id)
        .collect();
    assert_eq!(left, ["b", "d"]);
}

#[test]
fn what_was_not_taken_costs_its_bytes_alone() {
    let case = Case::new();
    let mut ledger = case.ledger();
    let pending = ledger.pending(None, 3).unwrap();
    let claims: Vec<_> = pending.iter().map(|letter| claim(letter.seq, 10)).collect();
    let claims = ledger.commit(&[], &claims).unwrap();
    let end = |claim, outcome| Settlement {
        claim,
        outcome,
        at: at(11),
        request_ids: Vec::new(),
    };
    let not_taken = Outcome::NotTaken(Answer::default());
    ledger
        .commit(
            &[end(claims[0], accepted()), end(claims[1], not_taken)],
            &[],
        )
        .unwrap();
    let spent = ledger.spent_since(at(10)).unwrap();
    assert_eq!(
        spent
            .iter()
            .map(|spent| (spent.at, spent.taken))
            .collect::<Vec<_>>(),
        [(Some(at(11)), true), (Some(at(11)), false), (None, true)]
    );
    assert!(ledger.spent_since(at(11)).unwrap().is_empty());
}

#[test]
fn a_file_of_the_first_format_is_brought_up_to_date_and_kept() {
    let case = Case::new();
    let mut ledger = case.ledger();
    let first = ledger.pending(None, 1).unwrap()[0].seq;
    ledger.commit(&[], &[claim(first, 1)]).unwrap();
    drop(ledger);
    let db = rusqlite::Connection::open(case.path()).unwrap();
    db.execute_batch(
        "ALTER TABLE attempts DROP COLUMN trace; ALTER TABLE attempts DROP COLUMN request_ids;
         ALTER TABLE attempts DROP COLUMN note; DROP TABLE events; PRAGMA user_version = 1;",
    )
    .unwrap();
    drop(db);
    let mut ledger = open(&case.path()).unwrap();
    assert_eq!(ledger.in_doubt().unwrap()[0].note, None);
    let second = ledger.pending(None, 1).unwrap()[0].seq;
    let claims = ledger.commit(&[], &[claim(second, 2)]).unwrap();
    ledger.note(claims[0], "a note").unwrap();
}
