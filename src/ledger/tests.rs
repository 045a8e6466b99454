use std::fs;
use std::path::Path;

use jiff::Timestamp;
use tempfile::TempDir;

use super::*;
use crate::digest::Sha256Digest;
use crate::lifecycle::{
    Accepted, Addresses, LetterState, PersonalWord, PlannedMessage, Reply, SentAttachment,
    SettledAs,
};

mod history;
mod log;
mod loss;
mod older;
mod projection;
mod resolve;
mod returns;
mod steps;
mod tampering;

fn identity(batch: &str) -> BatchIdentity {
    BatchIdentity {
        batch: batch.into(),
        kind: LedgerKind::Mail,
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

/// What the plans of tests are made of.
const SOURCES: Sha256Digest = [9; 32];

fn planned(id: &str, digest: u8) -> AdoptedLetter {
    AdoptedLetter {
        id: id.into(),
        message: PlannedMessage {
            message_id: format!("{id}-{digest}@x.example"),
            digest: [digest; 32],
            addresses: Addresses {
                to: vec![format!("{id}@school.example")],
                cc: vec![format!("head@{id}.example")],
                bcc: Vec::new(),
            },
            parts: None,
            attachments: vec![SentAttachment {
                name: format!("{id}.pdf"),
                sha256: [digest; 32],
                bytes: 7,
                locked: false,
            }],
        },
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

fn accepted() -> SettledAs {
    SettledAs::Accepted(Accepted {
        receipt: "250 ok".into(),
        refused: Vec::new(),
        rest: None,
    })
}

fn settlement(claim: Claimed, ended: SettledAs, second: i64) -> Settlement {
    Settlement {
        claim,
        ended,
        at: at(second),
        request_ids: Vec::new(),
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
        let letters = ["a", "b", "c"].map(|id| planned(id, 1));
        ledger
            .adopt(
                "plan1",
                "smtp relay.example:587, starttls",
                &SOURCES,
                letters.into_iter(),
            )
            .unwrap();
        ledger
    }
}

/// Changes a file without the triggers that keep mistakes from doing so, and puts them back.
fn change_behind(path: &Path, change: &str) -> rusqlite::Result<()> {
    change_in(&Connection::open(path)?, change)
}

fn change_in(db: &Connection, change: &str) -> rusqlite::Result<()> {
    let triggers: Vec<(String, String)> = db
        .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (name, _) in &triggers {
        db.execute_batch(&format!("DROP TRIGGER {name}"))?;
    }
    db.execute_batch(change)?;
    triggers
        .iter()
        .try_for_each(|(_, sql)| db.execute_batch(sql))
}

fn states(ledger: &LedgerView) -> Vec<(String, LetterState)> {
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
    ledger
        .commit(&[settlement(claims[0], accepted(), 2)], &[])
        .unwrap();
    drop(ledger);
    let ledger = open(&case.path()).unwrap();
    let expected = [
        ("a", LetterState::Accepted),
        ("b", LetterState::InDoubt),
        ("c", LetterState::Pending),
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
fn a_second_run_is_reported_who_holds_the_file() {
    let case = Case::new();
    let ledger = case.ledger();
    let shown = open(&case.path()).unwrap_err().to_string();
    assert!(
        shown.contains("process 4711 on office, since 1970-01-01"),
        "{shown}"
    );
    let reader = LedgerView::open(&case.path(), &identity("b")).unwrap();
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
        LedgerView::open(&case.path(), &identity("b"))
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
fn differences_are_reported_and_taken_only_for_letters_not_sent() {
    let case = Case::new();
    let mut ledger = case.ledger();
    let first = ledger.pending(None, 1).unwrap()[0].seq;
    let claims = ledger.commit(&[], &[claim(first, 1)]).unwrap();
    ledger
        .commit(&[settlement(claims[0], accepted(), 2)], &[])
        .unwrap();
    let now = [planned("a", 2), planned("b", 2), planned("d", 1)];
    let differences = |ledger: &Ledger| {
        ledger
            .differences(
                now.iter()
                    .map(|letter| (letter.id.as_str(), letter.message.digest)),
            )
            .unwrap()
    };
    let shown = |ledger: &Ledger| -> Vec<_> {
        let differences = differences(ledger).into_iter();
        differences.map(|d| (d.id, d.change, d.state)).collect()
    };
    assert_eq!(
        shown(&ledger),
        [
            ("a".to_owned(), Change::Changed, LetterState::Accepted),
            ("b".to_owned(), Change::Changed, LetterState::Pending),
            ("d".to_owned(), Change::Added, LetterState::Pending),
            ("c".to_owned(), Change::Removed, LetterState::Pending),
        ]
    );
    ledger
        .adopt(
            "plan2",
            "smtp relay.example:587, starttls",
            &SOURCES,
            now.clone().into_iter(),
        )
        .unwrap();
    // What went out stays another letter than the list has; what did not is that of the list.
    assert_eq!(
        shown(&ledger),
        [("a".to_owned(), Change::Changed, LetterState::Accepted)]
    );
    let as_sent = [planned("a", 1), planned("b", 2), planned("d", 1)];
    let as_sent = as_sent.iter();
    let digests = as_sent.map(|letter| (letter.id.as_str(), letter.message.digest));
    assert!(ledger.differences(digests).unwrap().is_empty());
    let mut message_ids = Vec::new();
    ledger
        .each_letter(&mut |record| {
            let sending = record.letter.sending().unwrap();
            message_ids.push(sending.message.message_id.clone());
        })
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
    let not_taken = SettledAs::NotTaken(Reply::default());
    let ends = [
        settlement(claims[0], accepted(), 11),
        settlement(claims[1], not_taken, 11),
    ];
    ledger.commit(&ends, &[]).unwrap();
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
