use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::channel;

use super::*;

#[test]
fn failures_in_a_row_open_the_breaker() {
    let mut case = Case::new(6);
    case.config.stop_after_failures = count(3);
    let run = case.run(|_| rejected());
    assert_eq!(run.ids(), numbered(3));
    let breaker = Ending::Breaker {
        failures: 3,
        answer: said("550"),
    };
    assert_eq!(run.ending(), &breaker);
    let counts = case.counts();
    assert_eq!((counts.rejected, counts.pending), (3, 3));
}

#[test]
fn an_acceptance_between_failures_closes_the_breaker() {
    let mut case = Case::new(6);
    case.config.stop_after_failures = count(3);
    let run = case.run(|call| {
        if call.number == 3 {
            taken()
        } else {
            rejected()
        }
    });
    assert_eq!(run.ids(), numbered(6));
    assert!(matches!(run.ending(), Ending::Breaker { failures: 3, .. }));
    let mut case = Case::new(5);
    case.config.stop_after_failures = count(3);
    let run = case.run(|call| {
        if call.number == 3 {
            taken()
        } else {
            rejected()
        }
    });
    assert_eq!(run.ending(), &Ending::Finished { left: 0 });
}

#[test]
fn letters_in_doubt_and_given_up_count_for_the_breaker_and_a_throttle_does_not_close_it() {
    let mut case = Case::new(6);
    (case.config.stop_after_failures, case.config.attempts) = (count(3), count(1));
    let run = case.run(|call| match call.number {
        1 => in_doubt(),
        2 => throttled(Some(SECOND)),
        3 => transient(),
        _ => rejected(),
    });
    assert_eq!(run.calls.len(), 4);
    assert!(matches!(run.ending(), Ending::Breaker { failures: 3, .. }));
}

#[test]
fn a_sign_in_that_is_not_accepted_stops_the_run_at_once() {
    let case = Case::new(4);
    let run = case.run(|call| {
        if call.number == 2 {
            Err(SendError::Unauthorised(said("535")))
        } else {
            taken()
        }
    });
    assert_eq!(run.ids(), ["s1", "s2"]);
    assert_eq!(run.ending(), &Ending::Unauthorised(said("535")));
    let letter = case.letter("s2");
    assert_eq!(letter.state, LetterState::Pending);
    assert_eq!(letter.letter.error.unwrap().code, "535");
    assert_eq!(case.run(|_| taken()).ids(), ["s2", "s3", "s4"]);
}

#[test]
fn a_transport_that_cannot_be_used_stops_the_run_at_once() {
    let case = Case::new(3);
    let run = case.run(|_| Err(SendError::Unusable(said("full"))));
    assert_eq!(run.ids(), ["s1"]);
    assert_eq!(run.ending(), &Ending::Unusable(said("full")));
    assert_eq!(case.counts().pending, 3);
}

#[test]
fn an_interrupt_before_the_start_sends_nothing() {
    let case = Case::new(3);
    case.interrupt.ask();
    let run = case.run(|_| taken());
    assert!(run.calls.is_empty());
    assert_eq!(run.ending(), &Ending::Interrupted);
    assert_eq!(case.counts().pending, 3);
}

#[test]
fn an_interrupt_during_a_letter_lets_it_finish_and_sends_no_more() {
    let mut case = Case::new(5);
    let (heard, stopping) = channel();
    let (interrupt, stopping) = (case.interrupt.clone(), Mutex::new(stopping));
    let run = case.run_heard(
        move |call| {
            if call.number == 2 {
                interrupt.ask();
                let _ = stopping.lock().unwrap().recv_timeout(PATIENCE);
            }
            taken()
        },
        |event| {
            if *event == (DispatchEvent::Stopping { in_flight: 1 }) {
                heard.send(()).unwrap();
            }
        },
    );
    assert_eq!(run.ids(), ["s1", "s2"]);
    assert_eq!(run.ending(), &Ending::Interrupted);
    assert!(
        run.events
            .contains(&DispatchEvent::Stopping { in_flight: 1 })
    );
    assert_eq!(case.letter("s2").state, LetterState::Accepted);
    case.interrupt = Interrupt::default();
    assert_eq!(case.run(|_| taken()).ids(), ["s3", "s4", "s5"]);
}

#[test]
fn an_interrupt_ends_a_wait_at_once() {
    let case = Case::new(2);
    let interrupt = case.interrupt.clone();
    let run = case.run_heard(
        |_| throttled(Some(20 * MINUTE)),
        |event| {
            if matches!(event, DispatchEvent::Waiting { .. }) {
                interrupt.ask();
            }
        },
    );
    assert_eq!(run.calls.len(), 1);
    assert_eq!(run.ending(), &Ending::Interrupted);
    assert_eq!(case.clock.elapsed(), Duration::ZERO);
}

#[test]
fn a_report_that_changed_since_the_plan_stops_the_run_before_its_letter_is_claimed() {
    for change in [Some("%PDF-1.4 another school's"), None] {
        let case = Case::new(4);
        let report = case.folder.path().join("s2.pdf");
        match change {
            Some(contents) => fs::write(report, contents).unwrap(),
            None => fs::remove_file(report).unwrap(),
        }
        let run = case.run(|_| taken());
        match run.ending() {
            Ending::Changed(faults) => assert_eq!(faults[0].id.as_deref(), Some("s2")),
            other => panic!("{other:?}"),
        }
        assert!(run.ids().is_empty() || run.ids() == ["s1"]);
        let letter = case.letter("s2");
        assert_eq!(
            (letter.state, letter.letter.attempts()),
            (LetterState::Pending, 0)
        );
    }
}

#[test]
fn a_panic_of_a_transport_ends_the_run_and_leaves_its_letter_in_doubt() {
    let case = Case::new(3);
    let crash = catch_unwind(AssertUnwindSafe(|| {
        case.run(|_| panic!("the transport is broken"))
    }));
    assert!(crash.is_err());
    assert_eq!(case.run(|_| taken()).ids(), ["s2", "s3"]);
    assert_eq!(case.letter("s1").state, LetterState::InDoubt);
}

#[test]
fn a_panic_while_a_letter_is_made_ends_the_run_and_leaves_it_pending() {
    let mut case = Case::new(3);
    drop(case.ledger());
    // The second letter is looked for beyond the end of the list.
    let shorter = Case::new(1);
    case.letters = Arc::clone(&shorter.letters);
    let crash = catch_unwind(AssertUnwindSafe(|| case.run(|_| taken())));
    assert!(crash.is_err());
    assert_eq!(case.letter("s2").state, LetterState::Pending);
}
