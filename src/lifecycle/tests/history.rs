//! Histories of a letter that are drawn at random, each event out of those that can follow.

use proptest::prelude::*;

use super::*;

/// A choice that is drawn: which of the events that can follow, and what it is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draw {
    event: u8,
    about: u8,
    address: u8,
}

pub(crate) fn draws(most: usize) -> impl Strategy<Value = Vec<Draw>> {
    let draw = any::<(u8, u8, u8)>().prop_map(|(event, about, address)| Draw {
        event,
        about,
        address,
    });
    prop::collection::vec(draw, 1..most)
}

const ADDRESSES: [&str; 4] = ["a@x.example", "b@x.example", "c@x.example", "A@X.example"];

/// What the list may want of the letter.
const PLANS: [(&str, &[&str], &[&str]); 6] = [
    ("a", &["a@x.example"], &[]),
    ("ab", &["a@x.example", "b@x.example"], &[]),
    ("ab-other", &["a@x.example", "b@x.example"], &[]),
    ("Abc", &["A@X.example", "b@x.example"], &["c@x.example"]),
    ("c", &["c@x.example"], &[]),
    ("aa", &["a@x.example", "A@X.example"], &["b@x.example"]),
];

fn wanted(draw: u8) -> PlannedMessage {
    let (name, to, bcc) = PLANS[usize::from(draw) % PLANS.len()];
    let mut message = message(name, to);
    message.addresses.bcc = bcc.iter().map(|address| (*address).to_owned()).collect();
    message
}

/// A letter whose events are drawn, with those that it had.
#[derive(Clone, Debug, Default)]
pub(crate) struct Story {
    pub letter: Option<LetterHistory>,
    pub events: Vec<(Timestamp, Event)>,
    /// The last attempt.
    attempt: i64,
}

impl Story {
    /// The next event, which can follow. The attempt is the number of the one that it begins, if it
    /// does.
    pub(crate) fn draw(&self, draw: Draw, attempt: i64) -> Event {
        let candidates = self.candidates(draw, attempt);
        candidates[usize::from(draw.event) % candidates.len()].clone()
    }

    /// Any event of a letter, whether it can follow or not.
    pub(crate) fn draw_any(&self, draw: Draw, attempt: i64) -> Event {
        let mut all = self.returns(draw);
        all.extend(self.hand_overs(attempt));
        all.extend([
            planned(wanted(draw.about)),
            Event::Withdrawn {},
            closed(),
            Event::RetryRejected {},
        ]);
        for all_addresses in [true, false] {
            let whole = wanted(draw.about);
            all.push(reopened(all_addresses, whole.clone(), whole));
        }
        all.swap_remove(usize::from(draw.event) % all.len())
    }

    /// Takes an event that can follow.
    pub(crate) fn take(&mut self, at: Timestamp, event: &Event) -> Result<(), Illegal> {
        self.letter = Some(LetterHistory::apply(self.letter.clone(), at, event)?);
        if let Event::Claimed(claiming) = event {
            self.attempt = claiming.attempt;
        }
        self.events.push((at, event.clone()));
        Ok(())
    }

    fn hand_overs(&self, attempt: i64) -> Vec<Event> {
        let sending = self.letter.as_ref().and_then(LetterHistory::sending);
        let message = sending.map(|sending| &sending.message);
        let message_id = message.map_or("none", |message| &message.message_id);
        let each = message
            .into_iter()
            .flat_map(|message| message.addresses.each());
        let each: Vec<&str> = each.map(|(_, address)| address).collect();
        let refused: Vec<&str> = each.iter().copied().take(1).collect();
        let old = self.attempt;
        let last = each.last().copied().into_iter().collect::<Vec<_>>();
        let few = if each.len() > 1 { &last[..] } else { &[] };
        let rest = self.rest(old);
        let in_part = rest.map(|rest| Event::Settled(settling(old, accepted_but_for(rest))));
        let mut events = Vec::new();
        // Often enough to get far.
        events.extend([in_part.clone(), in_part].into_iter().flatten());
        events.extend(vec![
            narrowed(old, &[], few),
            narrowed(old, &refused, &[]),
            narrowed(old, &[], &[]),
            claimed(attempt, message_id),
            Event::Noted {
                attempt: old,
                text: format!("draft {attempt}"),
            },
            Event::CutOff {},
            Event::Settled(settling(old, accepted(&[]))),
            Event::Settled(settling(old, accepted(&refused))),
            Event::Settled(settling(old, rejected())),
            Event::Settled(settling(old, in_doubt())),
            Event::Settled(settling(old, not_taken())),
            Event::LookedUp(settling(old, accepted(&[]))),
            Event::LookedUp(settling(old, not_taken())),
            resolved(true),
            resolved(false),
        ]);
        let letter = self.letter.as_ref();
        if letter.is_some_and(LetterHistory::is_for_those_without) {
            events.push(Event::Settled(settling(old, refused_again())));
        }
        events
    }

    /// The message to those that the message in hand was deferred for, and that do not have it.
    fn rest(&self, attempt: i64) -> Option<PlannedMessage> {
        let letter = self.letter.as_ref()?;
        let sending = letter.sending()?;
        let deferred: Vec<&str> = sending
            .fates
            .iter()
            .filter(|fate| fate.state == AddressState::Deferred)
            .map(|fate| fate.address.as_str())
            .filter(|address| sending.to_all || !letter.has_it(address))
            .collect();
        let is_some = !deferred.is_empty();
        is_some.then(|| message(&format!("rest-{attempt}-{deferred:?}"), &deferred))
    }

    /// What may come back: about each message that was handed over, at each of its addresses.
    fn returns(&self, draw: Draw) -> Vec<Event> {
        let sendings = self.letter.iter().flat_map(|letter| &letter.sendings);
        let out: Vec<&Sending> = sendings
            .filter(|sending| sending.is_handed_over())
            .collect();
        if out.is_empty() {
            return Vec::new();
        }
        let message = &out[usize::from(draw.about) % out.len()].message;
        let addresses: Vec<&str> = message
            .addresses
            .each()
            .map(|(_, address)| address)
            .collect();
        let address = addresses[usize::from(draw.address) % addresses.len()];
        // A server may write it in another case.
        let address = if draw.address >= 128 {
            address.to_uppercase()
        } else {
            address.to_owned()
        };
        let of = |hard| address_return(&message.message_id, &address, hard);
        let outcome = AddressOutcome::ALL[usize::from(draw.address / 8) % 5];
        vec![
            Event::Bounced(of(true)),
            Event::Bounced(of(false)),
            Event::Delayed(of(false)),
            Event::Relayed(of(false)),
            Event::Delivered(of(false)),
            Event::AutomaticAnswer {
                message_id: message.message_id.clone(),
                evidence: "mail 2".into(),
            },
            Event::Answer {
                message_id: message.message_id.clone(),
                evidence: "mail 3".into(),
            },
            Event::Read {
                message_id: message.message_id.clone(),
                reader: Some(address.clone()),
                evidence: "mail 4".into(),
            },
            Event::Suspected(of(true)),
            Event::Unclear {
                message_id: message.message_id.clone(),
                why: "not clear".into(),
                evidence: "mail 5".into(),
            },
            Event::Reviewed {
                by: "ann on office".into(),
                because: "asked".into(),
            },
            correction(&message.message_id, &address, outcome),
        ]
    }

    fn candidates(&self, draw: Draw, attempt: i64) -> Vec<Event> {
        let Some(letter) = &self.letter else {
            return vec![planned(wanted(draw.about))];
        };
        let mut events = Vec::new();
        if letter.state != LetterState::Claimed {
            events.push(planned(wanted(draw.about)));
        }
        if letter.is_listed && letter.state != LetterState::Claimed {
            events.push(Event::Withdrawn {});
        }
        let is_possible = |event: &Event| letter.state.after(event, letter.is_listed).is_ok();
        let mut hand_overs = self.hand_overs(attempt);
        hand_overs.retain(is_possible);
        // Often enough to get far.
        for _ in 0..3 {
            events.extend(hand_overs.iter().cloned());
        }
        if letter.state == LetterState::Rejected && letter.is_listed {
            events.push(Event::RetryRejected {});
        }
        let may_reopen = matches!(
            letter.state,
            LetterState::Accepted | LetterState::Rejected | LetterState::Pending
        );
        if may_reopen && letter.was_accepted() {
            events.extend(
                [true, false]
                    .iter()
                    .filter_map(|all| again(letter, draw, *all)),
            );
            events.extend(
                [true, false]
                    .iter()
                    .filter_map(|all| again(letter, draw, *all)),
            );
            let is_reopened = letter.sending().is_some_and(|last| last.because.is_some());
            if is_reopened && letter.state != LetterState::Accepted {
                events.push(closed());
            }
        }
        events.extend(self.returns(draw));
        events
    }
}

/// A letter opened again, as the program does it: to all, or to those that do not have it. Where
/// neither the list nor those changed, it has the Message-ID that the one before it had that was
/// opened and never handed over.
fn again(letter: &LetterHistory, draw: Draw, all_addresses: bool) -> Option<Event> {
    let whole = wanted(draw.address);
    let handed_over = letter
        .sendings
        .iter()
        .filter(|sending| sending.is_handed_over());
    let number = handed_over.count() + 1;
    let goes = |address: &&String| all_addresses || !letter.has_it(address);
    let list = |list: &[String]| list.iter().filter(goes).cloned().collect();
    let addresses = Addresses {
        to: list(&whole.addresses.to),
        cc: Vec::new(),
        bcc: list(&whole.addresses.bcc),
    };
    if addresses.is_empty() {
        return None;
    }
    // The text is the same for some plans.
    let text = &PLANS[usize::from(draw.address) % PLANS.len()].0[..1];
    let name = format!("{text}-{addresses:?}-{number}");
    // The same Message-ID is the same message.
    let message = PlannedMessage {
        message_id: format!("{name}@x.example"),
        digest: digest(&name),
        addresses,
        attachments: vec![SentAttachment {
            name: "report.pdf".into(),
            sha256: digest(text),
            bytes: 4711,
            locked: false,
        }],
        parts: None,
    };
    Some(reopened(all_addresses, whole, message))
}

/// Addresses that any message may go to.
pub(crate) fn addresses() -> &'static [&'static str] {
    &ADDRESSES
}
