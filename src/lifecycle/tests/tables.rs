//! Every state with every event. Read each changed line of the tables before it is taken over.

use std::fmt::Write;

use insta::assert_snapshot;

use super::samples::{every_event, name};
use super::*;

const NO_LETTER_EVENT: &str = "(another thing)";

/// The states, by a match that a new one has to be put into.
fn letter_states() -> Vec<LetterState> {
    let next = |state: &LetterState| match state {
        LetterState::Pending => Some(LetterState::Claimed),
        LetterState::Claimed => Some(LetterState::Accepted),
        LetterState::Accepted => Some(LetterState::Rejected),
        LetterState::Rejected => Some(LetterState::InDoubt),
        LetterState::InDoubt => Some(LetterState::Withdrawn),
        LetterState::Withdrawn => None,
    };
    std::iter::successors(Some(LetterState::Pending), next).collect()
}

fn run_states() -> Vec<RunState> {
    let next = |state: &RunState| match state {
        RunState::Active => Some(RunState::Ended),
        RunState::Ended => Some(RunState::CutOff),
        RunState::CutOff => None,
    };
    std::iter::successors(Some(RunState::Active), next).collect()
}

fn attempt_states() -> Vec<Option<AttemptOutcome>> {
    let next = |state: &Option<AttemptOutcome>| match state {
        None => Some(Some(AttemptOutcome::Accepted)),
        Some(AttemptOutcome::Accepted) => Some(Some(AttemptOutcome::Rejected)),
        Some(AttemptOutcome::Rejected) => Some(Some(AttemptOutcome::InDoubt)),
        Some(AttemptOutcome::InDoubt) => Some(Some(AttemptOutcome::NotTaken)),
        Some(AttemptOutcome::NotTaken) => None,
    };
    std::iter::successors(Some(None), next).collect()
}

fn sending_states() -> Vec<SendingState> {
    let next = |state: &SendingState| match state {
        SendingState::Ready => Some(SendingState::Claimed),
        SendingState::Claimed => Some(SendingState::Accepted),
        SendingState::Accepted => Some(SendingState::Rejected),
        SendingState::Rejected => Some(SendingState::InDoubt),
        SendingState::InDoubt => None,
    };
    std::iter::successors(Some(SendingState::Ready), next).collect()
}

fn outcomes() -> Vec<AddressOutcome> {
    let next = |outcome: &AddressOutcome| match outcome {
        AddressOutcome::Unknown => Some(AddressOutcome::Delayed),
        AddressOutcome::Delayed => Some(AddressOutcome::Relayed),
        AddressOutcome::Relayed => Some(AddressOutcome::Delivered),
        AddressOutcome::Delivered => Some(AddressOutcome::Bounced),
        AddressOutcome::Bounced => None,
    };
    std::iter::successors(Some(AddressOutcome::Unknown), next).collect()
}

fn table(states: &[&str], cell: &dyn Fn(usize, &Event) -> String) -> String {
    let mut text = format!("{:<22}", "");
    let line = |text: &mut String, cells: Vec<String>| {
        for cell in cells {
            write!(text, " | {cell:<19}").unwrap();
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    };
    line(&mut text, states.iter().map(ToString::to_string).collect());
    for event in every_event() {
        let cells = (0..states.len()).map(|index| cell(index, &event)).collect();
        write!(text, "{:<22}", name(&event)).unwrap();
        line(&mut text, cells);
    }
    text
}

#[test]
fn the_lists_of_states_are_whole_and_their_words_are_read_again() {
    assert_eq!(LetterState::ALL.to_vec(), letter_states());
    assert_eq!(SendingState::ALL.to_vec(), sending_states());
    assert_eq!(AddressOutcome::ALL.to_vec(), outcomes());
    for state in letter_states() {
        assert_eq!(LetterState::parse(state.word()), Some(state));
        assert_eq!(serde_json::to_value(state).unwrap(), state.word());
    }
    for state in sending_states() {
        assert_eq!(SendingState::parse(state.word()), Some(state));
        assert_eq!(serde_json::to_value(state).unwrap(), state.word());
    }
    for outcome in outcomes() {
        assert_eq!(AddressOutcome::parse(outcome.word()), Some(outcome));
        assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.word());
    }
    for state in run_states() {
        assert_eq!(RunState::parse(state.word()), Some(state));
        assert_eq!(serde_json::to_value(state).unwrap(), state.word());
    }
    for outcome in attempt_states().into_iter().flatten() {
        assert_eq!(AttemptOutcome::parse(outcome.word()), Some(outcome));
        assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.word());
    }
    for state in [
        AddressState::Pending,
        AddressState::Accepted,
        AddressState::Refused,
    ] {
        assert_eq!(AddressState::parse(state.word()), Some(state));
        assert_eq!(serde_json::to_value(state).unwrap(), state.word());
    }
}

/// Where an event leads to from each state; a slash stands between a letter that the list has and
/// one that it has no more, and a dash for what cannot be.
#[test]
fn a_letter_by_every_event() {
    let states = letter_states();
    let after = |state: LetterState, event: &Event, is_listed| match state.after(event, is_listed) {
        Ok(after) => after.word(),
        Err(Illegal::Elsewhere { .. }) => NO_LETTER_EVENT,
        Err(Illegal::Step { .. }) => "-",
        Err(other) => panic!("{other}"),
    };
    let words: Vec<&str> = states.iter().map(|state| state.word()).collect();
    let table = table(&words, &|index, event| {
        let listed = after(states[index], event, true);
        let unlisted = after(states[index], event, false);
        if listed == unlisted {
            listed.to_owned()
        } else {
            format!("{listed} / {unlisted}")
        }
    });
    assert_snapshot!(table);
}

#[test]
fn a_letter_that_no_plan_had_begins_by_a_plan_or_is_carried_over() {
    for event in every_event() {
        let begun = LetterHistory::apply(None, at(1), &event);
        let may = matches!(event, Event::Planned(_) | Event::CarriedOver(_));
        assert_eq!(begun.is_ok(), may, "{}", event.kind());
    }
}

#[test]
fn a_run_by_every_event() {
    let states = run_states();
    let words: Vec<&str> = states.iter().map(|state| state.word()).collect();
    let table = table(&words, &|index, event| {
        let begun = every_event()
            .into_iter()
            .find(|event| event.kind() == "run_begun");
        let mut run = Run::begin(at(1), &begun.unwrap()).unwrap();
        run.state = states[index];
        run.apply(at(2), event)
            .map_or_else(|_| "-".to_owned(), |run| run.state.word().to_owned())
    });
    assert_snapshot!(table);
}

#[test]
fn an_attempt_by_every_event() {
    let states = attempt_states();
    let word = |outcome: Option<AttemptOutcome>| outcome.map_or("open", AttemptOutcome::word);
    let words: Vec<&str> = states.iter().map(|state| word(*state)).collect();
    let table = table(&words, &|index, event| {
        let Event::Claimed(claiming) = claimed(1, "one@x.example") else {
            unreachable!()
        };
        let mut attempt = Attempt::of(&claiming, 1, Some(1), at(1));
        attempt.outcome = states[index];
        attempt
            .apply(at(2), event)
            .map_or_else(|_| "-".to_owned(), |after| word(after.outcome).to_owned())
    });
    assert_snapshot!(table);
}
