//! What no history of a letter may break.

use std::collections::HashMap;

use proptest::prelude::*;

use super::history::{Draw, Story, addresses, draws};
use super::*;

/// What the events said, kept apart from the letter: which messages a server took as far as anybody
/// knows, whom it refused, and what came back.
#[derive(Default)]
struct Known {
    /// Every message that was handed over, by its Message-ID.
    messages: HashMap<String, PlannedMessage>,
    /// The message in hand, or in doubt, or that was last.
    last: String,
    taken: Vec<String>,
    is_in_hand: bool,
    refused: Vec<(String, String)>,
    outcomes: HashMap<(String, String), AddressOutcome>,
    /// Whether a person wants the next message to go to whoever has it, too.
    to_all: bool,
    /// Messages of which something was learnt after a later one was handed over.
    late: Vec<String>,
}

impl Known {
    fn has_it(&self, address: &str) -> bool {
        let address = address.to_lowercase();
        self.taken.iter().any(|id| {
            let key = (id.clone(), address.clone());
            let is_refused = self.refused.contains(&key);
            let mut written = self.messages[id].addresses.each();
            written.any(|(_, other)| other.to_lowercase() == address)
                && match self.outcomes.get(&key) {
                    Some(AddressOutcome::Bounced) => false,
                    Some(AddressOutcome::Delivered) => true,
                    _ => !is_refused,
                }
        })
    }

    fn take(&mut self, before: Option<&LetterHistory>, event: &Event) {
        if let Some((of, outcome)) = event.returned() {
            let key = (of.message_id.clone(), of.address.to_lowercase());
            let known = self.outcomes.entry(key).or_default();
            let is_personal = matches!(event, Event::Correction { .. });
            *known = if is_personal {
                outcome
            } else {
                outcome.max(*known)
            };
            let is_rejected = before.is_some_and(|letter| {
                let mut sendings = letter.sendings.iter().rev();
                let sending = sendings.find(|sending| {
                    sending.is_handed_over() && sending.message.message_id == of.message_id
                });
                sending.is_some_and(|sending| sending.state == SendingState::Rejected)
            });
            if of.message_id != self.last {
                self.late.push(of.message_id.clone());
            }
            if outcome != AddressOutcome::Unknown
                && !(is_rejected && outcome == AddressOutcome::Bounced)
            {
                self.came_back(&of.message_id);
            }
        }
        match event {
            Event::Narrowed(narrowing) => {
                self.widen();
                self.refuse(narrowing.refused.iter().chain(&narrowing.deferred));
            }
            Event::Claimed(claiming) => {
                let sending = before.and_then(LetterHistory::sending).unwrap();
                self.last.clone_from(&claiming.message_id);
                self.is_in_hand = true;
                self.messages
                    .insert(self.last.clone(), sending.message.clone());
            }
            Event::Settled(settling) | Event::LookedUp(settling) => match &settling.ended {
                SettledAs::Accepted(Accepted { refused, .. }) => {
                    self.refuse(refused.iter());
                    self.taken.push(self.last.clone());
                }
                SettledAs::Rejected(reply) | SettledAs::Refused(reply) => {
                    self.widen();
                    // What is said of a message to those without the letter is said of its addresses.
                    let is_beside = matches!(settling.ended, SettledAs::Refused(_));
                    let beside = before
                        .and_then(LetterHistory::sending)
                        .filter(|last| last.is_rest || is_beside);
                    let refusals: Vec<Refusal> = beside
                        .into_iter()
                        .flat_map(|beside| beside.message.addresses.each())
                        .map(|(_, address)| Refusal {
                            address: address.to_owned(),
                            code: reply.code.clone(),
                            answer: reply.text.clone(),
                        })
                        .collect();
                    self.refuse(refusals.iter());
                }
                SettledAs::NotTaken(_) => self.widen(),
                SettledAs::InDoubt(_) => {}
            },
            Event::Resolved(word) if word.accepted => self.taken.push(self.last.clone()),
            Event::Resolved(_) => self.widen(),
            Event::Reopened(reopening) => self.to_all = reopening.all_addresses,
            Event::Answer { message_id, .. }
            | Event::AutomaticAnswer { message_id, .. }
            | Event::Read { message_id, .. } => {
                self.came_back(message_id);
            }
            _ => {}
        }
        if matches!(event, Event::Settled(_) | Event::CutOff {}) {
            self.is_in_hand = false;
            let went_on = self.outcomes.iter().any(|((id, _), outcome)| {
                *id == self.last
                    && !matches!(outcome, AddressOutcome::Unknown | AddressOutcome::Bounced)
            });
            if went_on {
                self.taken.push(self.last.clone());
            }
        }
    }

    /// The message is taken for others alone, if it is taken.
    fn refuse<'a>(&mut self, refusals: impl Iterator<Item = &'a Refusal>) {
        let last = &self.last;
        self.refused
            .extend(refusals.map(|refusal| (last.clone(), refusal.address.to_lowercase())));
    }

    /// It was not taken, and is offered to all anew.
    fn widen(&mut self) {
        self.refused.retain(|(id, _)| *id != self.last);
    }

    /// Nobody can speak of a message that did not go out. Of one that is in hand the answer is
    /// waited for.
    fn came_back(&mut self, message_id: &str) {
        if message_id != self.last {
            self.late.push(message_id.to_owned());
        }
        if message_id != self.last || !self.is_in_hand {
            self.taken.push(message_id.to_owned());
        }
    }
}

/// What a letter always is.
fn is_coherent(letter: &LetterHistory) -> Result<(), TestCaseError> {
    let last = letter.sending().expect("there is always a message");
    let matching = match letter.state {
        LetterState::Pending => SendingState::Ready,
        LetterState::Claimed => SendingState::Claimed,
        LetterState::Rejected => SendingState::Rejected,
        LetterState::InDoubt => SendingState::InDoubt,
        LetterState::Accepted | LetterState::Withdrawn => last.state,
    };
    prop_assert_eq!(last.state, matching);
    match letter.state {
        LetterState::Pending => prop_assert!(letter.is_listed),
        LetterState::Accepted => {
            prop_assert!(letter.was_accepted());
            prop_assert!(last.is_handed_over());
            prop_assert_eq!(&letter.error, &None);
        }
        LetterState::Withdrawn => prop_assert!(!letter.is_listed && !letter.was_accepted()),
        LetterState::Claimed | LetterState::Rejected | LetterState::InDoubt => {}
    }
    if let Some(planned) = &letter.planned {
        prop_assert_ne!(planned, &last.message);
    }
    for (index, sending) in letter.sendings.iter().enumerate() {
        let is_accepted = sending.state == SendingState::Accepted;
        prop_assert_eq!(sending.accepted_at.is_some(), is_accepted);
        prop_assert_eq!(sending.receipt.is_some(), is_accepted);
        if index + 1 < letter.sendings.len() {
            prop_assert!(
                sending.is_handed_over(),
                "a message that nobody was handed stays"
            );
            let is_open = matches!(sending.state, SendingState::Claimed | SendingState::InDoubt);
            prop_assert!(!is_open, "an earlier message is open");
        }
        for fate in &sending.fates {
            prop_assert!(sending.message.addresses.has(&fate.address));
            prop_assert!(!is_accepted || fate.state != AddressState::Pending);
        }
        for other in &letter.sendings[..index] {
            if other.message.message_id == sending.message.message_id {
                prop_assert_eq!(&other.message, &sending.message);
                prop_assert!(other.because.is_none() && sending.because.is_none());
            }
        }
    }
    Ok(())
}

/// What was handed over stays, and nothing lighter takes back what a heavier return said.
fn only_adds(
    before: &LetterHistory,
    after: &LetterHistory,
    event: &Event,
) -> Result<(), TestCaseError> {
    for (index, sending) in before.sendings.iter().enumerate() {
        if !sending.is_handed_over() {
            continue;
        }
        let Some(now) = after.sendings.get(index) else {
            return Err(TestCaseError::fail(
                "a message that was handed over is gone",
            ));
        };
        prop_assert_eq!(&now.message, &sending.message);
        prop_assert_eq!(&now.made_from, &sending.made_from);
        prop_assert_eq!(&now.because, &sending.because);
        prop_assert!(now.attempts >= sending.attempts);
        if sending.state == SendingState::Accepted {
            prop_assert_eq!(now.state, SendingState::Accepted);
            prop_assert_eq!(now.accepted_at, sending.accepted_at);
            prop_assert_eq!(&now.receipt, &sending.receipt);
        }
        // What is said while it is in hand is said anew when it is not taken.
        let is_open = matches!(sending.state, SendingState::Claimed | SendingState::InDoubt);
        for fate in &sending.fates {
            if is_open && fate.returned.is_none() {
                continue;
            }
            let Some(now) = now.known_fate(&fate.address) else {
                return Err(TestCaseError::fail(
                    "what became of an address is forgotten",
                ));
            };
            prop_assert!(is_open || fate.refusal.is_none() || now.refusal == fate.refusal);
            let weight = |fate: &Fate| fate.returned.as_ref().map(Returned::weight);
            if !matches!(event, Event::Correction { .. }) {
                prop_assert!(
                    weight(now) >= weight(fate),
                    "something heavier was taken back"
                );
            }
        }
    }
    Ok(())
}

/// No two messages are known to have reached an address, unless a person wanted the later one to go
/// to all, or it came out only afterwards that the earlier one had.
fn no_address_has_two(letter: &LetterHistory, known: &Known) -> Result<(), TestCaseError> {
    for address in addresses() {
        for (index, later) in letter.sendings.iter().enumerate() {
            if !later.reached(address) || later.to_all {
                continue;
            }
            for earlier in &letter.sendings[..index] {
                let is_late = known.late.contains(&earlier.message.message_id);
                prop_assert!(
                    !earlier.reached(address) || is_late,
                    "{} has it twice",
                    address
                );
            }
        }
    }
    Ok(())
}

/// A letter with what is known of it otherwise.
#[derive(Default)]
struct Case {
    story: Story,
    known: Known,
}

impl Case {
    fn step(&mut self, number: i64, draw: Draw, is_wild: bool) -> Result<(), TestCaseError> {
        let Self { story, known } = self;
        let event = if is_wild && number % 3 == 0 {
            story.draw_any(draw, number)
        } else {
            story.draw(draw, number)
        };
        let before = story.letter.clone();
        if let Err(illegal) = story.take(at(number), &event) {
            prop_assert!(is_wild, "{illegal}: {event:?} on {before:?}");
            prop_assert_eq!(before, story.letter.clone());
            return Ok(());
        }
        if let (Event::Claimed(_), Some(before)) = (&event, &before) {
            let sending = before.sending().unwrap();
            let is_asked = sending.because.is_some() && known.to_all;
            for (_, address) in sending.message.addresses.each() {
                let is_twice = known.has_it(address) && !is_asked;
                prop_assert!(!is_twice, "{address} has it, and gets it again");
            }
        }
        known.take(before.as_ref(), &event);
        let letter = story.letter.as_ref().unwrap();
        is_coherent(letter)?;
        if let Some(before) = &before {
            only_adds(before, letter, &event)?;
        }
        no_address_has_two(letter, known)?;
        for address in addresses() {
            let (has_it, is_known) = (letter.has_it(address), known.has_it(address));
            prop_assert_eq!(has_it, is_known, "{} has it", address);
        }
        // None of these may panic.
        let _ = (letter.changes(), letter.open_addresses(), letter.sent_to());
        Ok(())
    }
}

fn follow(draws: &[Draw], is_wild: bool) -> Result<(), TestCaseError> {
    let mut case = Case::default();
    for (number, draw) in (1..).zip(draws) {
        case.step(number, *draw, is_wild).map_err(|error| {
            let events = case.story.events.iter();
            let lines: Vec<String> = events.map(|(_, event)| in_short(event)).collect();
            TestCaseError::fail(format!("{error} after\n{}", lines.join("\n")))
        })?;
    }
    Ok(())
}

fn in_short(event: &Event) -> String {
    let about = match event {
        Event::Planned(planned) => format!("{:?}", planned.message.addresses),
        Event::Reopened(reopening) => format!("{:?}", reopening.message.addresses),
        Event::Claimed(claiming) => claiming.message_id.clone(),
        _ => match event.returned() {
            Some((of, outcome)) => format!("{outcome:?} {} of {}", of.address, of.message_id),
            None => String::new(),
        },
    };
    format!("{} {about}", super::samples::name(event))
}

proptest! {
    /// A message goes to an address that has the letter only by the word of a person: one who opens
    /// it again to all addresses, or who says of a message in doubt that it did not go out.
    #[test]
    fn every_address_gets_one_good_message(draws in draws(40)) {
        follow(&draws, false)?;
    }

    /// Events that cannot follow are refused, and change nothing; those that can keep all promises.
    #[test]
    fn events_in_any_order_break_nothing(draws in draws(40)) {
        follow(&draws, true)?;
    }
}
