use std::time::Duration;

use super::*;

/// A ledger in which most of what can happen has happened: a is accepted, b was put in doubt by a
/// run that was cut off, c was rejected and waits for another try.
fn eventful(case: &Case) {
    let mut ledger = case.ledger();
    let pending = ledger.pending(None, 3).unwrap();
    let claims: Vec<_> = pending.iter().map(|letter| claim(letter.seq, 1)).collect();
    let claims = ledger.commit(&[], &claims).unwrap();
    let end = |claim, ended| Settlement {
        request_ids: vec!["request-1".into()],
        ..settlement(claim, ended, 2)
    };
    let refusal = Reply {
        code: "550".into(),
        text: "no such user".into(),
    };
    ledger.throttled(at(2), Duration::from_secs(40));
    ledger
        .commit(
            &[
                end(claims[0], accepted()),
                end(claims[2], SettledAs::Rejected(refusal)),
            ],
            &[],
        )
        .unwrap();
    drop(ledger);
    let mut ledger = open(&case.path()).unwrap();
    ledger.retry_rejected(&[], at(5)).unwrap();
    ledger.end_run(at(6), "finished").1.unwrap();
}

fn check(case: &Case) -> LogCheck {
    let ledger = LedgerView::open(&case.path(), &identity("b")).unwrap();
    ledger.check_log(None).unwrap()
}

/// Changes the file behind the program's back, as someone would who knows its format.
fn tamper(case: &Case, change: &str) {
    change_behind(&case.path(), change).unwrap();
}

#[track_caller]
fn flaw(case: &Case) -> Flaw {
    check(case).flaw.expect("the log is whole")
}

#[test]
fn an_untouched_log_is_whole_and_tells_all_kinds_of_steps() {
    let case = Case::new();
    eventful(&case);
    let found = check(&case);
    assert_eq!(found.flaw, None);
    let ledger = LedgerView::open(&case.path(), &identity("b")).unwrap();
    assert_eq!(ledger.log_end().unwrap().unwrap().digits(), found.last_hash);
    let mut statement = ledger
        .db
        .prepare("SELECT kind FROM events ORDER BY seq")
        .unwrap();
    let kinds: Vec<String> = statement
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(
        kinds,
        [
            "created",
            "run_begun",
            "planned",
            "planned",
            "planned",
            "plan_adopted",
            "claimed",
            "claimed",
            "claimed",
            "settled",
            "settled",
            "throttled",
            "run_begun",
            "cut_off",
            "retry_rejected",
            "run_ended"
        ]
    );
    let waits = ledger.waits().unwrap();
    assert_eq!(waits.len(), 1);
    assert_eq!(waits[0].length, Duration::from_secs(40));
}

#[test]
fn any_change_of_any_event_shows_at_that_event() {
    for column in [
        "at = at + 1",
        "kind = 'run_ended'",
        "letter = 'x'",
        "run = 7",
        "body = '{}'",
    ] {
        for event in [1, 4, 7, 10] {
            let case = Case::new();
            eventful(&case);
            tamper(
                &case,
                &format!("UPDATE events SET {column} WHERE seq = {event}"),
            );
            let found = flaw(&case);
            assert_eq!(found.event, Some(event), "{column}: {found:?}");
        }
    }
}

#[test]
fn an_event_that_is_gone_or_put_in_shows() {
    let case = Case::new();
    eventful(&case);
    tamper(&case, "DELETE FROM events WHERE seq = 5");
    assert!(flaw(&case).text.contains("event 5 is missing"));
    let case = Case::new();
    eventful(&case);
    tamper(
        &case,
        "INSERT INTO events SELECT 17, at, kind, letter, run, body, hash FROM events WHERE seq = 16",
    );
    assert_eq!(flaw(&case).event, Some(17));
}

#[test]
fn a_log_that_is_cut_off_at_its_end_shows_by_the_letters() {
    let case = Case::new();
    eventful(&case);
    tamper(&case, "DELETE FROM events WHERE seq > 9");
    let found = flaw(&case);
    assert_eq!(found.letter.as_deref(), Some("a"));
    assert_eq!(
        found.text,
        "state of row 1 of letters is `accepted`, and the log says `claimed`"
    );
}

#[test]
fn a_letter_that_was_changed_shows_though_the_chain_is_whole() {
    for (table, column, value) in [
        ("letters", "state", "'pending'"),
        ("sendings", "accepted_at", "accepted_at + 1000"),
        ("sendings", "receipt", "'250 other'"),
        ("sendings", "message_id", "'other@x.example'"),
        ("sendings", "addresses", "'{\"to\":[]}'"),
        ("sendings", "attachments", "'[1]'"),
        ("sendings", "attempts", "0"),
    ] {
        let case = Case::new();
        eventful(&case);
        let key = if table == "letters" { "seq" } else { "letter" };
        tamper(
            &case,
            &format!("UPDATE {table} SET {column} = {value} WHERE {key} = 1"),
        );
        let found = flaw(&case);
        assert_eq!(found.letter.as_deref(), Some("a"));
        let shown = format!("{column} of row ");
        assert!(found.text.starts_with(&shown), "{column}: {found:?}");
        assert!(found.text.contains(table), "{column}: {found:?}");
    }
    let case = Case::new();
    eventful(&case);
    tamper(
        &case,
        "DELETE FROM attempts; DELETE FROM letters WHERE id = 'a'",
    );
    assert_eq!(flaw(&case).text, "row 1 of letters is missing");
    assert_eq!(flaw(&case).letter.as_deref(), Some("a"));
    let case = Case::new();
    drop(case.ledger());
    tamper(&case, "DELETE FROM letters WHERE id = 'c'");
    assert_eq!(flaw(&case).text, "row 3 of letters is missing");
    assert_eq!(flaw(&case).letter.as_deref(), Some("c"));
}

#[test]
fn a_hash_written_down_before_is_found_again_unless_the_log_was_written_anew() {
    let case = Case::new();
    let early = case.ledger().end_run(at(1), "stopped").1.unwrap();
    eventful(&case);
    let ledger = LedgerView::open(&case.path(), &identity("b")).unwrap();
    let found = ledger
        .check_log(Some(&early.short().to_uppercase()))
        .unwrap();
    assert_eq!(
        (found.flaw, found.written_down_at),
        (None, Some(early.events))
    );
    let found = ledger.check_log(Some(&"0".repeat(16))).unwrap();
    assert!(found.flaw.unwrap().text.contains("written anew"));
    // The same steps in another place have another chain.
    let other = Case::new();
    eventful(&other);
    let other = LedgerView::open(&other.path(), &identity("b")).unwrap();
    let found = other.check_log(Some(&early.digits())).unwrap();
    assert!(found.flaw.is_some());
}

#[test]
fn the_log_refuses_to_be_changed_by_mistake() {
    let case = Case::new();
    eventful(&case);
    let db = rusqlite::Connection::open(case.path()).unwrap();
    assert!(db.execute("UPDATE events SET at = 0", []).is_err());
    assert!(db.execute("DELETE FROM events", []).is_err());
}

#[test]
fn what_was_rolled_back_is_not_in_the_log() {
    let case = Case::new();
    let mut ledger = case.ledger();
    let before = ledger.log_end().unwrap();
    let first = ledger.pending(None, 1).unwrap()[0].seq;
    // The second claim of one letter cannot be, and takes the first one with it.
    let twice = [claim(first, 1), claim(first, 1)];
    assert!(ledger.commit(&[], &twice).is_err());
    assert_eq!(ledger.log_end().unwrap(), before);
    ledger.commit(&[], &twice[..1]).unwrap();
    assert_eq!(ledger.check_log(None).unwrap().flaw, None);
}

#[test]
fn a_plan_that_changed_leaves_the_log_whole() {
    let case = Case::new();
    eventful(&case);
    let mut ledger = open(&case.path()).unwrap();
    // c, to be tried again, leaves the list, comes back, and d is new.
    let plans = [vec!["a", "b"], vec!["d", "a", "b", "c"], vec!["d"]];
    for (number, ids) in (0_u8..).zip(plans) {
        let letters = ids.into_iter().map(|id| planned(id, number));
        let plan = format!("plan{number}");
        ledger
            .adopt(&plan, "smtp relay.example:587, starttls", &SOURCES, letters)
            .unwrap();
        assert_eq!(ledger.check_log(None).unwrap().flaw, None, "plan {number}");
    }
    let word = PersonalWord {
        accepted: false,
        by: "ann on office".into(),
        because: None,
    };
    ledger.resolve(&["b".to_owned()], &word, at(9)).unwrap();
    assert_eq!(ledger.check_log(None).unwrap().flaw, None);
    ledger.clear_rehearsal().unwrap();
    assert_eq!(ledger.check_log(None).unwrap().flaw, None);
}
