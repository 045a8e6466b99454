use super::*;

/// The attempts of the ledger: trace, request ids and note.
fn attempts(case: &Case) -> Vec<(String, Option<String>, Option<String>)> {
    let db = rusqlite::Connection::open(case.path()).unwrap();
    let mut statement = db
        .prepare("SELECT trace, request_ids, note FROM attempts ORDER BY seq")
        .unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    rows.unwrap().map(Result::unwrap).collect()
}

#[test]
fn each_try_can_be_traced_in_the_ledger() {
    let mut case = Case::new(1);
    case.note = Some("draft");
    let run = case.run(|call| {
        if call.number == 1 {
            transient()
        } else {
            taken()
        }
    });
    let found = attempts(&case);
    assert_eq!(found.len(), 2);
    for (call, (trace, request_ids, note)) in run.calls.iter().zip(&found) {
        assert_eq!(&call.trace, trace);
        assert_eq!(
            request_ids.as_deref(),
            Some(&*format!("request-{}", call.number))
        );
        assert_eq!(note.as_deref(), Some(&*format!("draft {}", call.number)));
    }
    assert_ne!(found[0].0, found[1].0);
}

#[test]
fn a_try_is_reported_of_the_one_before_in_this_run_and_in_the_next() {
    let mut case = Case::new(1);
    case.note = Some("draft");
    case.config.attempts = count(2);
    let first = case.run(|_| transient());
    assert_eq!(first.calls[0].earlier, None);
    let note = |call: &Call| call.earlier.clone().unwrap().note.unwrap();
    assert_eq!(note(&first.calls[1]), "draft 1");
    let second = case.run(|_| taken());
    assert_eq!(note(&second.calls[0]), "draft 2");
}

#[test]
fn a_note_is_on_the_disk_when_the_transport_goes_on() {
    let mut case = Case::new(1);
    case.note = Some("draft");
    let path = case.path();
    case.run(move |_| {
        let db = rusqlite::Connection::open(&path).unwrap();
        let note: String = db
            .query_row("SELECT note FROM attempts", [], |row| row.get(0))
            .unwrap();
        assert_eq!(note, "draft 1");
        taken()
    });
    assert_eq!(case.counts().accepted, 1);
}

#[test]
fn bytes_of_a_letter_that_was_not_taken_count_and_its_address_does_not() {
    let mut case = Case::with_reports(1, 700_000);
    case.config.megabytes_per_five_minutes = NonZeroU32::new(1);
    case.config.recipients_per_day = NonZeroU32::new(2);
    let run = case.run(|call| {
        if call.number == 1 {
            transient()
        } else {
            taken()
        }
    });
    let times = run.times();
    assert!(times[1] >= times[0] + 5 * MINUTE, "{times:?}");
    assert_eq!(case.counts().accepted, 1);
}

#[test]
fn a_letter_that_is_not_seen_is_looked_for_until_the_patience_is_over() {
    let mut case = Case::new(1);
    case.run(|_| in_doubt());
    case.restart_after(MINUTE);
    case.look_up = Ok(LookUp::NotSeen);
    let run = case.run(|_| taken());
    // Five minutes of patience, one of which is over, and a look every ten seconds.
    assert_eq!(run.looked_up.len(), 25);
    assert_eq!(run.times(), [4 * MINUTE]);
    assert_eq!(case.counts().accepted, 1);
}

#[test]
fn a_letter_of_a_run_that_was_cut_off_may_have_left_until_the_next_run_began() {
    let case = Case::new(1);
    let mut ledger = case.ledger();
    let claim = crate::ledger::Claim {
        seq: ledger.pending(None, 1).unwrap()[0].seq,
        bytes: 100,
        addresses: 2,
        at: case.clock.now() - 9 * MINUTE,
        trace: String::new(),
    };
    ledger.commit(&[], &[claim]).unwrap();
    drop(ledger);
    let mut case = case;
    case.look_up = Ok(LookUp::NotSeen);
    let run = case.run(|_| taken());
    assert_eq!(run.times(), [5 * MINUTE]);
}

#[test]
fn an_acceptance_may_ask_for_patience_too() {
    let case = Case::new(2);
    let run = case.run(|call| {
        let wait = (call.number == 1).then_some(MINUTE);
        taken().map(|receipt| Receipt { wait, ..receipt })
    });
    assert_eq!(run.times(), [Duration::ZERO, MINUTE]);
}
