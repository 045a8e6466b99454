//! Letters that are taken for some of their addresses: the rest goes out by itself, once.

use super::*;
use crate::lifecycle::AddressState;

fn is_head(address: &str) -> bool {
    address.starts_with("head")
}

/// Each address with how often a message was taken for it.
fn reached(run: &Outcome, taken_for: impl Fn(&Call, &str) -> bool) -> Vec<(String, usize)> {
    let mut counts: Vec<(String, usize)> = Vec::new();
    for call in &run.calls {
        for address in call.to.iter().filter(|address| taken_for(call, address)) {
            match counts.iter_mut().find(|(known, _)| known == address) {
                Some((_, count)) => *count += 1,
                None => counts.push((address.clone(), 1)),
            }
        }
    }
    counts.sort();
    counts
}

#[test]
fn an_address_that_is_deferred_holds_back_nobody_and_gets_a_message_of_its_own() {
    let case = Case::new(2);
    let run = case.run(|call| {
        if call.id == "s1" && call.attempt == 1 {
            taken_but_for(call, is_head)
        } else {
            taken()
        }
    });
    assert_eq!(run.ending(), &Ending::Finished { left: 0 });
    let of = run.of("s1");
    assert_eq!(of.len(), 2);
    assert_eq!(of[0].to, ["s1@school.example", "head1@school.example"]);
    assert_eq!(of[1].to, ["head1@school.example"]);
    assert_ne!(of[0].message_id, of[1].message_id);
    assert!(of[1].at > of[0].at, "not at once");
    let letter = case.letter("s1").letter;
    assert_eq!(letter.state, LetterState::Accepted);
    assert_eq!(letter.sendings.len(), 2);
    assert!(letter.open_addresses().is_empty());
    assert!(letter.sendings[1].is_rest);
    let before = letter.sendings[0].known_fate("head1@school.example");
    assert_eq!(before.unwrap().state, AddressState::Deferred);
    let events = &run.events[..];
    let in_part = |event: &&DispatchEvent| matches!(event, DispatchEvent::PartlyAccepted { .. });
    assert_eq!(events.iter().filter(in_part).count(), 1);
}

/// Whenever the rest is not taken, the next run goes on with it, and never with the whole.
#[test]
fn a_rest_that_is_never_taken_stays_pending_for_the_next_run() {
    let mut case = Case::new(2);
    case.config.attempts = count(3);
    let run = case.run(|call| taken_but_for(call, |address| address == "head1@school.example"));
    assert_eq!(run.ending(), &Ending::Finished { left: 1 });
    let to: Vec<usize> = run.of("s1").iter().map(|call| call.to.len()).collect();
    assert_eq!(to, [2, 1, 1]);
    let letter = case.letter("s1");
    assert_eq!(letter.state, LetterState::Pending);
    assert_eq!(letter.letter.deferred_addresses(), ["head1@school.example"]);
    assert!(letter.needs_a_person());
    assert_eq!(case.counts().pending, 1);
    case.restart_after(MINUTE);
    let run = case.run(|_| taken());
    assert_eq!(run.ending(), &Ending::Finished { left: 0 });
    let to: Vec<_> = run.calls.iter().map(|call| call.to.clone()).collect();
    assert_eq!(to, [["head1@school.example"]]);
    assert_eq!(case.letter("s1").state, LetterState::Accepted);
}

#[test]
fn one_try_leaves_the_rest_to_the_next_run() {
    let mut case = Case::new(1);
    case.config.attempts = count(1);
    let run = case.run(|call| taken_but_for(call, is_head));
    assert_eq!(run.ending(), &Ending::Finished { left: 1 });
    assert_eq!(run.calls.len(), 1);
    match &run.events[..] {
        [
            DispatchEvent::PartlyAccepted {
                wait: None,
                deferred,
                ..
            },
        ] => {
            assert!(!deferred[0].0.contains("head1"), "not masked");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_rest_that_is_refused_for_good_is_an_address_that_does_not_have_the_letter() {
    let case = Case::new(1);
    let run = case.run(|call| {
        if call.attempt == 1 {
            taken_but_for(call, is_head)
        } else {
            rejected()
        }
    });
    assert_eq!(run.ending(), &Ending::Finished { left: 0 });
    let letter = case.letter("s1");
    assert_eq!(letter.state, LetterState::Accepted);
    assert_eq!(letter.letter.open_addresses(), ["head1@school.example"]);
    let fate = letter.letter.last_fate("head1@school.example").unwrap();
    assert_eq!(fate.state, AddressState::Refused);
    assert_eq!(fate.refusal.as_ref().unwrap().code, "550");
}

/// The order in which the rests of many letters come is the retries', and no address is written to twice.
#[test]
fn many_letters_with_rests_reach_each_address_once() {
    let mut case = Case::new(30);
    case.config.connections = count(4);
    let deferred = |call: &Call, address: &str| {
        let number: usize = call.id[1..].parse().unwrap();
        address.starts_with("head") && number.is_multiple_of(3) && call.attempt <= 2
    };
    let run = case.run(move |call| taken_but_for(call, |address| deferred(call, address)));
    assert_eq!(run.ending(), &Ending::Finished { left: 0 });
    let counts = reached(&run, |call, address| !deferred(call, address));
    assert_eq!(counts.len(), 60);
    assert!(counts.iter().all(|(_, count)| *count == 1), "{counts:?}");
    assert_eq!(case.counts().accepted, 30);
}

#[test]
fn a_run_that_is_stopped_before_the_rest_leaves_it_to_the_next() {
    let mut case = Case::new(1);
    let interrupt = case.interrupt.clone();
    case.run_heard(
        |call| taken_but_for(call, is_head),
        |event| {
            if matches!(event, DispatchEvent::PartlyAccepted { .. }) {
                interrupt.ask();
            }
        },
    );
    assert_eq!(case.counts().pending, 1);
    case.interrupt = Interrupt::default();
    let run = case.run(|_| taken());
    assert_eq!(run.calls.len(), 1);
    assert_eq!(run.calls[0].to, ["head1@school.example"]);
}
