//! Files that programs of formats 1 to 3 wrote.

use super::*;
use crate::durable::beside;

use crate::lifecycle::RunState::{Active, CutOff, Ended};
use LetterState::{Accepted as IsAccepted, InDoubt, Pending, Rejected, Withdrawn};

/// Where letters stand and how often they were tried, as the README beside the files says. S014 was
/// claimed by a run that was killed, after which no other came.
const MAIL: [(&str, LetterState, u32); 17] = [
    ("S001", IsAccepted, 1),
    ("S002", IsAccepted, 1),
    ("S003", IsAccepted, 1),
    ("S004", IsAccepted, 2),
    ("S005", InDoubt, 1),
    ("S006", IsAccepted, 1),
    ("S007", IsAccepted, 2),
    ("S008", Pending, 1),
    ("S009", InDoubt, 1),
    ("S010", Withdrawn, 0),
    ("S011", Pending, 0),
    ("S012", IsAccepted, 1),
    ("S013", Rejected, 1),
    ("S014", InDoubt, 1),
    ("S015", Pending, 0),
    ("S016", Pending, 0),
    ("S017", Pending, 0),
];

fn of_older_formats() -> impl Iterator<Item = (i64, Case)> {
    (1..=3).map(|format| (format, mail(format)))
}

/// A copy of what a program of this format wrote.
pub(super) fn mail(format: i64) -> Case {
    fixture(&format!("format-{format}/mail.db"))
}

fn fixture(name: &str) -> Case {
    let case = Case::new();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/state");
    fs::copy(fixtures.join(name), case.path()).unwrap();
    case
}

pub(super) fn reading(kind: LedgerKind) -> BatchIdentity {
    BatchIdentity {
        batch: "Reading reports 2026".into(),
        kind,
    }
}

fn look(case: &Case) -> LedgerView {
    LedgerView::open(&case.path(), &reading(LedgerKind::Mail)).unwrap()
}

/// As for a run of today: the files are of a moment that lies before it.
pub(super) fn open_reading(case: &Case) -> Ledger {
    let holder = Holder {
        started: at(1_800_000_000),
        ..holder()
    };
    Ledger::open(&case.path(), &reading(LedgerKind::Mail), &holder).unwrap()
}

#[track_caller]
fn assert_as_written(ledger: &LedgerView, format: i64) {
    let letter = |id: &str| ledger.letter(id).unwrap().unwrap();
    for (id, state, tries) in MAIL {
        let record = letter(id);
        let found = (record.state, record.letter.attempts());
        assert_eq!(found, (state, tries), "{id}, format {format}");
    }
    let counts = ledger.counts().unwrap();
    let numbers = [
        counts.accepted,
        counts.in_doubt,
        counts.rejected,
        counts.pending,
    ];
    assert_eq!(numbers, [7, 3, 1, 5]);
    let (s002, s003) = (letter("S002").letter, letter("S003").letter);
    assert!(!s002.is_listed);
    assert_eq!(s003.open_addresses(), ["leader@gone.example"]);
    assert_eq!(ledger.with_open_addresses().unwrap(), 1);
    let sending = &s003.sendings[0];
    let refusal = sending.known_fate("leader@gone.example").unwrap();
    let refusal = refusal.refusal.as_ref().unwrap().in_one_line();
    assert_eq!(refusal, "550 5.1.1 No such mailbox here");
    assert!(sending.receipt.as_ref().unwrap().starts_with("250 2.0.0"));
    assert!(sending.accepted_at.is_some());
    assert_eq!(sending.message.addresses.to.len(), 2);
    assert_eq!(sending.message.attachments.len(), 1);
    let s006 = &letter("S006").letter.sendings[0];
    let by_hand = s006.receipt.as_deref();
    assert_eq!(by_hand, Some("resolved by hand as accepted"));
    let plan = ledger.plan().unwrap().unwrap();
    assert!(plan.starts_with("78d7abcdbe86"));
    // Only format 3 kept what people and servers said.
    let said = usize::from(format == 3);
    assert_eq!(ledger.waits().unwrap().len(), said);
    let resolutions = ledger.resolutions().unwrap();
    assert_eq!(resolutions.len(), 2 * said);
    if format == 3 {
        let because = |id: &str| {
            let word = &resolutions[id].word;
            (word.accepted, word.because.clone().unwrap())
        };
        let confirmed = "the school has confirmed that it came";
        assert_eq!(because("S006"), (true, confirmed.to_owned()));
        let nothing = "the school has looked and has nothing";
        assert_eq!(because("S008"), (false, nothing.to_owned()));
    }
}

fn number_of_attempts(ledger: &LedgerView) -> i64 {
    let count = "SELECT count(*) FROM attempts";
    ledger.db.query_row(count, [], |row| row.get(0)).unwrap()
}

/// All hashes of the log of format 3, from its first event on.
fn hashes(case: &Case) -> Vec<String> {
    let db = Connection::open(case.path()).unwrap();
    let mut statement = db
        .prepare("SELECT lower(hex(hash)) FROM events ORDER BY seq")
        .unwrap();
    let hashes = statement.query_map([], |row| row.get(0)).unwrap();
    hashes.map(Result::unwrap).collect()
}

#[test]
fn looking_at_a_file_of_an_older_format_shows_what_is_in_it_and_does_not_change_it() {
    for (format, case) in of_older_formats() {
        let before = fs::read(case.path()).unwrap();
        let ledger = look(&case);
        assert_as_written(&ledger, format);
        let runs = ledger.runs().unwrap();
        assert_eq!(runs.len(), 8);
        assert!(!ledger.is_in_use());
        let check = ledger.check_log(None).unwrap();
        if format == 3 {
            assert_eq!((check.flaw, check.events), (None, 48));
        } else {
            assert!(!check.has_log);
            assert!(check.flaw.unwrap().text.contains("has no log"));
        }
        drop(ledger);
        assert_eq!(fs::read(case.path()).unwrap(), before, "format {format}");
        assert!(!beside(&case.path(), "-wal").exists());
    }
}

#[test]
fn files_of_the_outbox_and_of_rehearsals_are_read_as_they_are() {
    for (name, kind, accepted, pending) in [
        ("format-1/outbox.db", LedgerKind::Outbox, 15, 0),
        ("format-2/outbox.db", LedgerKind::Outbox, 15, 0),
        ("format-3/outbox.db", LedgerKind::Outbox, 15, 0),
        ("format-3/rehearsal.db", LedgerKind::Rehearsal, 4, 11),
    ] {
        let case = fixture(name);
        let before = fs::read(case.path()).unwrap();
        let counts = |ledger: &LedgerView| {
            let counts = ledger.counts().unwrap();
            (counts.accepted, counts.pending, counts.total())
        };
        let expected = (accepted, pending, 15);
        let view = LedgerView::open(&case.path(), &reading(kind)).unwrap();
        assert_eq!(counts(&view), expected, "{name}");
        if name.starts_with("format-3") {
            assert_eq!(view.check_log(None).unwrap().flaw, None, "{name}");
        }
        drop(view);
        assert_eq!(fs::read(case.path()).unwrap(), before, "{name}");
        let ledger = Ledger::open(&case.path(), &reading(kind), &holder()).unwrap();
        assert_eq!(counts(&ledger), expected, "{name}");
        assert_eq!(ledger.check_log(None).unwrap().flaw, None, "{name}");
    }
}

#[test]
fn a_file_of_an_older_format_is_brought_up_to_date_by_the_next_run_and_loses_nothing() {
    for (format, case) in of_older_formats() {
        let attempts = number_of_attempts(&look(&case));
        let ledger = open_reading(&case);
        assert_as_written(&ledger, format);
        // Without the two that were none, but a person's word.
        assert_eq!((attempts, number_of_attempts(&ledger)), (14, 14));
        let runs = ledger.runs().unwrap();
        let states: Vec<_> = runs.iter().map(|record| record.run.state).collect();
        let before = [Ended, Ended, Ended, Ended, Ended, CutOff, Ended, CutOff];
        assert_eq!(states[..8], before);
        assert_eq!(states[8..], [Active]);
        let check = ledger.check_log(None).unwrap();
        assert_eq!((check.has_log, check.flaw), (true, None));
        // Those of formats 1 and 2 that were tried: nobody wrote down how.
        let before_the_log = if format == 3 { 0 } else { 12 };
        assert_eq!(check.before_the_log, before_the_log, "format {format}");
        drop(ledger);
        let view = look(&case);
        assert_as_written(&view, format);
        assert_eq!(view.format, crate::ledger::schema::VERSION);
        assert_eq!(view.check_log(None).unwrap().flaw, None);
    }
}

#[test]
fn a_hash_of_the_log_of_format_3_is_found_again_whatever_came_after() {
    let case = mail(3);
    let hashes = hashes(&case);
    assert_eq!(hashes.len(), 48);
    let assert_found = |ledger: &LedgerView| {
        for (event, hash) in (1..).zip(&hashes) {
            let check = ledger.check_log(Some(hash)).unwrap();
            assert_eq!((check.written_down_at, check.flaw), (Some(event), None));
        }
    };
    assert_found(&look(&case));
    let ledger = open_reading(&case);
    assert_found(&ledger);
    ledger.end_run(at(1_800_000_001), "stopped").1.unwrap();
    assert_found(&look(&case));
}

#[test]
fn a_batch_that_was_begun_in_an_older_format_goes_on() {
    for (format, case) in of_older_formats() {
        let now = 1_800_000_100;
        let mut ledger = open_reading(&case);
        let ids: Vec<_> = ledger.pending(None, 99).unwrap();
        let ids: Vec<_> = ids.iter().map(|pending| pending.id.as_str()).collect();
        assert_eq!(ids, ["S008", "S011", "S015", "S016", "S017"]);
        assert_eq!(ledger.spent_since(Timestamp::UNIX_EPOCH).unwrap().len(), 14);
        let doubts = ledger.in_doubt().unwrap();
        let doubtful: Vec<_> = doubts.iter().map(|doubt| doubt.id.as_str()).collect();
        assert_eq!(doubtful, ["S005", "S009", "S014"]);
        for doubt in &doubts {
            assert_eq!(doubt.transport, "smtp mail.study.example:25");
            assert_eq!(
                doubt.message_id.split_once('.').unwrap().1,
                "postroom@study.example"
            );
        }
        ledger
            .commit_look_up(settlement(doubts[0].claim, accepted(), now))
            .unwrap();
        let absent = SettledAs::NotTaken(Reply::default());
        ledger
            .commit_look_up(settlement(doubts[1].claim, absent, now))
            .unwrap();
        let word = PersonalWord {
            accepted: false,
            by: "ann on office".into(),
            because: None,
        };
        ledger
            .resolve(&["S014".to_owned()], &word, at(now))
            .unwrap();
        assert_eq!(ledger.retry_rejected(&[], at(now)).unwrap(), 1);
        let pending = ledger.pending(None, 99).unwrap();
        assert_eq!(pending.len(), 8);
        let claims: Vec<_> = pending.iter().map(|next| claim(next.seq, now)).collect();
        let claimed = ledger.commit(&[], &claims).unwrap();
        ledger.note(claimed[0], "draft").unwrap();
        let ends: Vec<_> = claimed
            .into_iter()
            .map(|claim| settlement(claim, accepted(), now))
            .collect();
        ledger.commit(&ends, &[]).unwrap();
        let kept = ledger.letter("S016").unwrap().unwrap().letter;
        let kept = kept.sending().unwrap().message.clone();
        let letters = [
            AdoptedLetter {
                id: "S016".into(),
                message: kept,
            },
            planned("S018", 1),
        ];
        ledger
            .adopt(
                "plan",
                "smtp relay.example:587, starttls",
                &SOURCES,
                letters.into_iter(),
            )
            .unwrap();
        let counts = ledger.counts().unwrap();
        assert_eq!(
            (counts.accepted, counts.pending),
            (16, 1),
            "format {format}"
        );
        assert_eq!(ledger.check_log(None).unwrap().flaw, None);
        ledger.end_run(at(now), "finished").1.unwrap();
        assert_eq!(look(&case).check_log(None).unwrap().flaw, None);
    }
}

#[test]
fn what_was_changed_in_a_file_of_format_3_shows_before_it_is_brought_up_to_date_and_after() {
    for (change, shown) in [
        ("state = 'pending' WHERE id = 'S001'", "of S001, its state"),
        ("state = 'accepted' WHERE id = 'S009'", "of S009, its state"),
        (
            "state = 'withdrawn' WHERE id = 'S015'",
            "of S015, its state",
        ),
        (
            "accepted_at = accepted_at + 1 WHERE id = 'S003'",
            "of S003, when it was accepted",
        ),
        (
            "message_id = 'x@study.example' WHERE id = 'S003'",
            "of S003, its Message-ID, addresses or attachments",
        ),
        (
            "addresses = replace(addresses, 'leader@', 'other@') WHERE id = 'S003'",
            "of S003, its Message-ID, addresses or attachments",
        ),
        (
            "attachments = '[]' WHERE id = 'S014'",
            "of S014, its Message-ID, addresses or attachments",
        ),
        (
            "attempts = 2 WHERE id = 'S001'",
            "of S001, the number of its attempts",
        ),
        (
            "receipt = '250 ok' WHERE id = 'S001'",
            "of S001, what the server said of it",
        ),
        (
            "refused = NULL WHERE id = 'S003'",
            "of S003, what the server said of it",
        ),
        (
            "error_text = 'nothing' WHERE id = 'S013'",
            "of S013, its error",
        ),
        (
            "position = NULL, state = 'withdrawn' WHERE id = 'S015'",
            "its plan, or the number of its letters,",
        ),
    ] {
        assert_recorded(&format!("UPDATE letters SET {change}"), shown, None);
    }
    for (change, shown) in [
        (
            "DELETE FROM letters WHERE id = 'S015'",
            "its plan, or the number",
        ),
        (
            "DELETE FROM attempts WHERE letter = 1; DELETE FROM letters WHERE id = 'S001';
             UPDATE letters SET position = 99 WHERE id = 'S002'",
            "its log had S001, which the file did not have",
        ),
        (
            "UPDATE meta SET value = 'x' WHERE key = 'plan'",
            "its plan, or the number",
        ),
    ] {
        assert_recorded(change, shown, None);
    }
    for (change, event) in [
        ("UPDATE events SET at = at + 1 WHERE seq = 30", 30),
        (
            "UPDATE events SET body = replace(body, 'not_taken', 'accepted')",
            18,
        ),
        ("DELETE FROM events WHERE seq = 7", 7),
    ] {
        assert_recorded(change, "", Some(event));
    }
    // The log was cut off at its end: the last letter that it had stands where it does not say.
    assert_recorded(
        "DELETE FROM events WHERE seq = 48",
        "of S014, its state",
        None,
    );
}

#[track_caller]
fn assert_recorded(change: &str, shown: &str, event: Option<u64>) {
    let case = mail(3);
    change_behind(&case.path(), change).unwrap();
    let assert_shown = |ledger: &LedgerView| {
        let flaw = ledger.check_log(None).unwrap().flaw;
        let flaw = flaw.unwrap_or_else(|| panic!("{change}: not found"));
        assert!(flaw.text.contains(shown), "{change}: {flaw:?}");
        if event.is_some() {
            assert_eq!(flaw.event, event, "{change}: {flaw:?}");
        }
    };
    assert_shown(&look(&case));
    let mut ledger = open_reading(&case);
    assert_shown(&ledger);
    // Nor does anything that happens later hide it.
    let next = ledger.pending(None, 1).unwrap()[0].seq;
    ledger.commit(&[], &[claim(next, 1_800_000_001)]).unwrap();
    assert_shown(&ledger);
    ledger.end_run(at(1_800_000_002), "stopped").1.unwrap();
    assert_shown(&look(&case));
}
