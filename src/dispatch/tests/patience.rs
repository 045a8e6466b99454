use super::*;

/// Between `low` and `high` seconds.
fn is_within(wait: Duration, low: u64, high: u64) -> bool {
    (Duration::from_secs(low)..=Duration::from_secs(high)).contains(&wait)
}

fn gaps(times: &[Duration]) -> Vec<Duration> {
    times
        .windows(2)
        .map(|pair| pair[1].checked_sub(pair[0]).unwrap())
        .collect()
}

#[test]
fn a_letter_not_taken_is_tried_again_after_growing_waits_while_others_go_on() {
    let mut case = Case::new(5);
    case.config.attempts = count(4);
    let run = case.run(|call| {
        if call.id == "s1" {
            transient()
        } else {
            taken()
        }
    });
    assert_eq!(run.ids()[..5], numbered(5));
    assert_eq!(run.times()[..5], [Duration::ZERO; 5]);
    let tries: Vec<_> = run.of("s1").iter().map(|call| call.at).collect();
    let waits = gaps(&tries);
    assert_eq!(waits.len(), 3);
    assert!(is_within(waits[0], 1, 2), "{waits:?}");
    assert!(is_within(waits[1], 2, 4), "{waits:?}");
    assert!(is_within(waits[2], 4, 8), "{waits:?}");
    let shown: Vec<_> = run
        .events
        .iter()
        .filter_map(|event| match event {
            DispatchEvent::Retry { wait, .. } => Some(*wait),
            _ => None,
        })
        .collect();
    assert_eq!(shown, waits);
}

#[test]
fn a_letter_not_taken_in_the_tries_allowed_stays_pending() {
    let mut case = Case::new(2);
    case.config.attempts = count(3);
    let run = case.run(|call| {
        if call.id == "s1" {
            transient()
        } else {
            taken()
        }
    });
    assert_eq!(run.of("s1").len(), 3);
    assert_eq!(run.ending(), &Ending::Finished { left: 1 });
    assert!(run.events.contains(&DispatchEvent::LeftPending {
        id: "s1".into(),
        answer: said("451"),
    }));
    let letter = case.letter("s1");
    assert_eq!(
        (letter.state, letter.letter.attempts()),
        (LetterState::Pending, 3)
    );
    assert_eq!(letter.letter.error.unwrap().code, "451");
    assert_eq!(case.run(|_| taken()).ids(), ["s1"]);
}

#[test]
fn an_outage_makes_everyone_wait_and_ends_the_run_after_the_tries_allowed() {
    let mut case = Case::new(5);
    case.config.attempts = count(3);
    let run = case.run(|_| outage());
    let waits = gaps(&run.times());
    assert_eq!(waits.len(), 2);
    assert!(is_within(waits[0], 1, 2), "{waits:?}");
    assert!(is_within(waits[1], 2, 4), "{waits:?}");
    assert_eq!(run.ending(), &Ending::Outage(said("refused")));
    assert_eq!(case.counts().pending, 5);
}

#[test]
fn a_letter_taken_after_an_outage_starts_the_count_anew() {
    let mut case = Case::new(3);
    case.config.attempts = count(3);
    let run = case.run(|call| {
        if call.number.is_multiple_of(3) {
            taken()
        } else {
            outage()
        }
    });
    assert_eq!(run.calls.len(), 9);
    assert_eq!(run.ending(), &Ending::Finished { left: 0 });
}

#[test]
fn a_throttle_makes_everyone_wait_as_long_as_it_asks() {
    let case = Case::new(4);
    let run = case.run(|call| {
        if call.number == 2 {
            throttled(Some(90 * SECOND))
        } else {
            taken()
        }
    });
    let times = run.times();
    assert_eq!(times[..2], [Duration::ZERO; 2]);
    // And then goes on with more care: the backoff of two seconds lies between letters.
    assert_eq!(times[2..], [90 * SECOND, 92 * SECOND, 94 * SECOND]);
    assert_eq!(run.of("s2").len(), 2);
    assert!(run.events.contains(&DispatchEvent::Waiting {
        reason: WaitReason::Throttled,
        wait: 90 * SECOND,
    }));
}

#[test]
fn a_throttle_does_not_count_against_the_letter() {
    let mut case = Case::new(1);
    case.config.attempts = count(2);
    let run = case.run(|call| match call.attempt {
        1..=4 => throttled(Some(SECOND)),
        5 => transient(),
        _ => taken(),
    });
    assert_eq!(run.calls.len(), 6);
    assert_eq!(run.ending(), &Ending::Finished { left: 0 });
}

#[test]
fn a_throttle_that_names_no_wait_is_given_a_growing_one() {
    let case = Case::new(2);
    let run = case.run(|call| {
        if call.number < 4 {
            throttled(None)
        } else {
            taken()
        }
    });
    let waits = gaps(&run.times());
    assert!(is_within(waits[0], 1, 2), "{waits:?}");
    assert!(is_within(waits[1], 2, 4), "{waits:?}");
    assert!(is_within(waits[2], 4, 8), "{waits:?}");
}

#[test]
fn half_an_hour_is_waited_for_and_more_ends_the_run() {
    let case = Case::new(2);
    let run = case.run(|call| match call.number {
        1 => throttled(Some(30 * MINUTE)),
        _ => throttled(Some(31 * MINUTE)),
    });
    assert_eq!(run.times(), [Duration::ZERO, 30 * MINUTE]);
    assert_eq!(run.ending(), &Ending::Outage(said("421")));
    assert_eq!(case.clock.elapsed(), 30 * MINUTE);
    assert_eq!(case.counts().pending, 2);
}

#[test]
fn ten_throttles_in_a_row_end_the_run() {
    let case = Case::new(3);
    let run = case.run(|_| throttled(Some(SECOND)));
    assert_eq!(run.calls.len(), 10);
    assert_eq!(run.ending(), &Ending::Outage(said("421")));
    assert_eq!(case.counts().pending, 3);
}

#[test]
fn a_letter_taken_between_throttles_starts_the_count_anew() {
    let case = Case::new(3);
    let run = case.run(|call| {
        if call.number.is_multiple_of(10) {
            taken()
        } else {
            throttled(Some(SECOND))
        }
    });
    assert_eq!(run.calls.len(), 30);
    assert_eq!(run.ending(), &Ending::Finished { left: 0 });
}

#[test]
fn a_pause_between_chunks_does_not_shorten_what_a_throttle_asks() {
    let mut case = Case::new(3);
    (case.config.chunk, case.config.pause) = (count(1), SECOND);
    let run = case.run(|call| {
        if call.number == 1 {
            throttled(Some(5 * MINUTE))
        } else {
            taken()
        }
    });
    assert!(run.times()[1] >= 5 * MINUTE, "{:?}", run.times());
}

#[test]
fn a_letter_at_which_the_server_always_breaks_off_is_given_up_while_others_are_taken() {
    let case = Case::new(30);
    let run = case.run(|call| if call.id == "s1" { outage() } else { taken() });
    assert_eq!(run.of("s1").len(), 10);
    assert_eq!(run.ending(), &Ending::Finished { left: 1 });
    assert_eq!(case.counts().accepted, 29);
}
