//! A letter: where it stands, what the list wants of it, and what was sent.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::address::is_same;
use super::event::{AddressReturn, Reopening, SettledAs};
use super::mail::LetterMail;
use super::{
    Accepted, AddressOutcome, AddressState, Addresses, ChangedPart, Event, Fate, Illegal,
    PlannedMessage, Reply, Returned, Sending, SendingState,
};

/// Where a letter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LetterState {
    /// Not sent yet.
    Pending,
    /// With a transport, or it was when its run ended.
    Claimed,
    /// A server or folder took it.
    Accepted,
    /// A server refused it for good.
    Rejected,
    /// It may have gone out.
    InDoubt,
    /// The list no longer has its recipient, and nothing went out.
    Withdrawn,
}

/// The receipt of a letter that a person says went out.
const ACCEPTED_BY_HAND: &str = "resolved by hand as accepted";
/// The receipt of a message that nobody says was taken, and that mail came back about.
const ACCEPTED_BY_MAIL: &str = "mail that came back shows that it went out";
/// What is said of a letter whose run ended before the answer.
const CUT_OFF: (&str, &str) = ("interrupted", "the run ended before the answer was known");

impl LetterState {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Pending,
        Self::Claimed,
        Self::Accepted,
        Self::Rejected,
        Self::InDoubt,
        Self::Withdrawn,
    ];

    /// The word in tables and JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Claimed => "claimed",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::InDoubt => "in_doubt",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The state with this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    /// Where a letter stands after an event. Whether the list has its recipient tells pending from
    /// withdrawn.
    ///
    /// What depends on more than that is for [`LetterHistory::apply`]: it refuses some events that are
    /// possible here, and a letter that has what it waits for is accepted instead of pending.
    ///
    /// # Errors
    /// When the event cannot follow.
    pub fn after(self, event: &Event, is_listed: bool) -> Result<Self, Illegal> {
        let unsent = if is_listed {
            Self::Pending
        } else {
            Self::Withdrawn
        };
        let next = match event {
            Event::Planned(_) => match self {
                Self::Pending | Self::Withdrawn => Some(Self::Pending),
                Self::Accepted | Self::Rejected | Self::InDoubt => Some(self),
                Self::Claimed => None,
            },
            Event::Withdrawn {} => match self {
                Self::Pending | Self::Rejected => Some(Self::Withdrawn),
                Self::Accepted | Self::InDoubt => is_listed.then_some(self),
                Self::Claimed | Self::Withdrawn => None,
            },
            Event::Claimed(_) => (self == Self::Pending).then_some(Self::Claimed),
            Event::Noted { .. } | Event::Narrowed(_) => (self == Self::Claimed).then_some(self),
            Event::CutOff {} => (self == Self::Claimed).then_some(Self::InDoubt),
            Event::Settled(settling) => {
                let settled = match &settling.ended {
                    // The rest of a message waits.
                    SettledAs::Accepted(Accepted { rest: Some(_), .. })
                    | SettledAs::NotTaken(_) => unsent,
                    SettledAs::Accepted(Accepted { rest: None, .. }) | SettledAs::Refused(_) => {
                        Self::Accepted
                    }
                    SettledAs::Rejected(_) => Self::Rejected,
                    SettledAs::InDoubt(_) => Self::InDoubt,
                };
                (self == Self::Claimed).then_some(settled)
            }
            Event::LookedUp(settling) => match (self, &settling.ended) {
                // A look-up knows of no rest.
                (Self::InDoubt, SettledAs::Accepted(Accepted { rest: None, .. })) => {
                    Some(Self::Accepted)
                }
                (Self::InDoubt, SettledAs::NotTaken(_)) => Some(unsent),
                (
                    Self::InDoubt,
                    SettledAs::Accepted(_)
                    | SettledAs::Rejected(_)
                    | SettledAs::Refused(_)
                    | SettledAs::InDoubt(_),
                )
                | (
                    Self::Pending
                    | Self::Claimed
                    | Self::Accepted
                    | Self::Rejected
                    | Self::Withdrawn,
                    _,
                ) => None,
            },
            Event::Resolved(word) => (self == Self::InDoubt).then_some(if word.accepted {
                Self::Accepted
            } else {
                unsent
            }),
            Event::RetryRejected {} => {
                (self == Self::Rejected && is_listed).then_some(Self::Pending)
            }
            Event::Reopened(_) => matches!(self, Self::Accepted | Self::Rejected | Self::Pending)
                .then_some(Self::Pending),
            Event::Closed { .. } => {
                matches!(self, Self::Rejected | Self::Pending).then_some(Self::Accepted)
            }
            Event::Bounced(_)
            | Event::Delayed(_)
            | Event::Relayed(_)
            | Event::Delivered(_)
            | Event::AutomaticAnswer { .. }
            | Event::Answer { .. }
            | Event::Read { .. }
            | Event::Suspected(_)
            | Event::Unclear { .. }
            | Event::Reviewed { .. }
            | Event::Correction { .. } => Some(self),
            Event::Created { .. }
            | Event::Upgraded(_)
            | Event::CarriedOver(_)
            | Event::RunBegun(_)
            | Event::RunEnded { .. }
            | Event::Throttled { .. }
            | Event::PlanAdopted(_)
            | Event::SourcesChanged { .. }
            | Event::RehearsalCleared {} => {
                return Err(Illegal::Elsewhere {
                    event: event.kind(),
                });
            }
        };
        next.ok_or(Illegal::Step {
            state: self.word(),
            event: event.kind(),
        })
    }
}

/// A letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LetterHistory {
    /// Where it stands.
    pub state: LetterState,
    /// Whether the list has its recipient.
    pub is_listed: bool,
    /// What the list wants of it, where that is not what the last sending carries.
    pub planned: Option<PlannedMessage>,
    /// The last failure.
    pub error: Option<Reply>,
    /// Its messages, the one that counts now last. There is always one.
    pub sendings: Vec<Sending>,
    /// Mail about it, beside what an address has become by it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mail: Vec<LetterMail>,
}

/// How what the list wants of a letter differs from what was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Addresses that the list has and nothing was written to.
    pub new_addresses: Vec<String>,
    /// Addresses that have the letter, and that the list no longer has.
    pub former_addresses: Vec<String>,
    /// What else of the letter is another.
    pub parts: Vec<ChangedPart>,
}

impl Changes {
    /// Whether there are none.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Takes the addresses that the list has now in place of those that the plan had.
    pub fn of_list(&mut self, letter: &LetterHistory, now: &[&str]) {
        self.new_addresses = now
            .iter()
            .filter(|address| letter.last_written_to(address).is_none())
            .map(|address| (*address).to_owned())
            .collect();
        self.former_addresses =
            letter.reached_but(&|address| now.iter().any(|other| is_same(other, address)));
    }

    /// Whether it is written to others now.
    #[must_use]
    pub fn of_addresses(&self) -> bool {
        !self.new_addresses.is_empty() || !self.former_addresses.is_empty()
    }
}

impl LetterHistory {
    /// What a letter becomes by an event; none is a letter that no plan had before.
    ///
    /// # Errors
    /// When the event cannot follow.
    pub fn apply(letter: Option<Self>, at: Timestamp, event: &Event) -> Result<Self, Illegal> {
        let Some(mut letter) = letter else {
            return match event {
                Event::Planned(planned) => Ok(Self::planned(planned.message.clone())),
                Event::CarriedOver(carried) => Ok(carried.letter.clone()),
                other => Err(Illegal::NoLetter {
                    event: other.kind(),
                }),
            };
        };
        let state = letter.state.after(event, letter.is_listed)?;
        match event {
            Event::Planned(planned) => {
                letter.is_listed = true;
                letter.plan(planned.message.clone(), state)?;
            }
            Event::Withdrawn {} => letter.is_listed = false,
            Event::Claimed(claiming) => {
                let sending = letter.sending_mut(event)?;
                if sending.message.message_id != claiming.message_id {
                    return Err(Illegal::NoSending {
                        event: event.kind(),
                    });
                }
                sending.attempts += 1;
                sending.state = SendingState::Claimed;
            }
            Event::Noted { .. } => {}
            Event::Narrowed(narrowing) => {
                let sending = letter.sending_mut(event)?;
                sending.widen();
                sending.narrow(AddressState::Refused, &narrowing.refused, event)?;
                sending.narrow(AddressState::Deferred, &narrowing.deferred, event)?;
            }
            Event::CutOff {} => {
                letter.error = Some(Reply {
                    code: CUT_OFF.0.to_owned(),
                    text: CUT_OFF.1.to_owned(),
                });
                letter.sending_mut(event)?.state = SendingState::InDoubt;
            }
            Event::Settled(settling) | Event::LookedUp(settling) => {
                letter.settle(event, &settling.ended, at)?;
            }
            Event::Resolved(word) => {
                letter.error = None;
                let sending = letter.sending_mut(event)?;
                if word.accepted {
                    sending.accept(at, ACCEPTED_BY_HAND.to_owned());
                } else {
                    sending.state = SendingState::Ready;
                    sending.widen();
                    letter.renew();
                }
            }
            Event::RetryRejected {} => letter.renew(),
            Event::Reopened(reopening) => letter.reopen(reopening)?,
            Event::Closed { .. } => letter.close(event)?,
            Event::Bounced(_)
            | Event::Delayed(_)
            | Event::Relayed(_)
            | Event::Delivered(_)
            | Event::Correction { .. } => letter.take_return(at, event)?,
            Event::AutomaticAnswer { message_id, .. }
            | Event::Answer { message_id, .. }
            | Event::Read { message_id, .. } => {
                // Who answers to it has it, or somebody's server has.
                letter.went_out(message_id, event)?.take_as_sent(at);
            }
            Event::Suspected(AddressReturn { message_id, .. })
            | Event::Unclear { message_id, .. } => {
                letter.went_out(message_id, event)?;
            }
            Event::Reviewed { .. } => letter.settle_mail(),
            Event::Created { .. }
            | Event::Upgraded(_)
            | Event::CarriedOver(_)
            | Event::RunBegun(_)
            | Event::RunEnded { .. }
            | Event::Throttled { .. }
            | Event::PlanAdopted(_)
            | Event::SourcesChanged { .. }
            | Event::RehearsalCleared {} => {
                return Err(Illegal::Elsewhere {
                    event: event.kind(),
                });
            }
        }
        letter.mail.extend(LetterMail::of(event, at));
        letter.state = state;
        letter.take_as_sent(at);
        letter.come_to_rest();
        Ok(letter)
    }

    fn planned(message: PlannedMessage) -> Self {
        let digest = message.digest;
        Self {
            state: LetterState::Pending,
            is_listed: true,
            planned: None,
            error: None,
            sendings: vec![Sending::of(message, digest, None)],
            mail: Vec::new(),
        }
    }

    /// The message that counts now: the one that is sent next, or that was sent last.
    #[must_use]
    pub fn sending(&self) -> Option<&Sending> {
        self.sendings.last()
    }

    fn sending_mut(&mut self, event: &Event) -> Result<&mut Sending, Illegal> {
        self.sendings.last_mut().ok_or(Illegal::NoSending {
            event: event.kind(),
        })
    }

    /// What the list wants of the letter.
    #[must_use]
    pub fn wanted(&self) -> Option<&PlannedMessage> {
        self.planned
            .as_ref()
            .or_else(|| self.sending().map(|sending| &sending.message))
    }

    /// How often it was claimed.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.sendings.iter().map(|sending| sending.attempts).sum()
    }

    /// Takes what the list wants of it now. What went out, or may have, or was refused stays what it
    /// was; so does what a person opened again, who has seen it.
    fn plan(&mut self, message: PlannedMessage, state: LetterState) -> Result<(), Illegal> {
        let mut handed_over = self
            .sendings
            .iter()
            .filter(|sending| sending.is_handed_over());
        if handed_over.any(|sending| sending.is_another_of_its_name(&message)) {
            return Err(Illegal::SameMessageId);
        }
        let is_sent = self
            .sending()
            .is_some_and(|sending| sending.message == message);
        self.planned = (!is_sent).then_some(message);
        if state == LetterState::Pending {
            self.renew();
        }
        Ok(())
    }

    /// Makes the letter ready to be sent: what a person opened again as it is, else what the list
    /// wants of it.
    fn renew(&mut self) {
        if !self.is_reopened()
            && let Some(message) = self.planned.take()
        {
            if self.sending().is_some_and(|last| !last.is_handed_over()) {
                self.sendings.pop();
            }
            let digest = message.digest;
            match self.sendings.last_mut() {
                // The list has again what it had, and no server has it.
                Some(last) if last.message.message_id == message.message_id => {
                    last.message = message;
                    last.made_from = digest;
                }
                _ => self.sendings.push(Sending::of(message, digest, None)),
            }
        }
        if let Some(last) = self.sendings.last_mut()
            && last.state == SendingState::Rejected
        {
            last.state = SendingState::Ready;
        }
    }

    /// Whether the message that counts now goes out beside others: a person wanted it, or it is the
    /// rest of one.
    fn is_reopened(&self) -> bool {
        self.sending()
            .is_some_and(|sending| sending.because.is_some())
    }

    /// Whether the message that counts now is what a person opened again for addresses that do not have the
    /// letter, while others do.
    #[must_use]
    pub fn is_for_those_without(&self) -> bool {
        let last = self.sending();
        let is_beside = last.is_some_and(|last| !last.is_rest && !last.to_all);
        is_beside && self.is_reopened() && self.was_accepted()
    }

    /// Whether a person opened it again, and the list wants another letter since: what that person saw can no
    /// longer be made of it.
    #[must_use]
    pub fn is_reopened_of_another(&self) -> bool {
        let waits = matches!(self.state, LetterState::Pending | LetterState::Rejected);
        waits && self.is_made_of_another() && self.is_reopened() && self.was_accepted()
    }

    /// Whether the message that counts now was made from another letter than the list wants by now.
    fn is_made_of_another(&self) -> bool {
        let wanted = self.wanted().map(|wanted| wanted.digest);
        self.sending()
            .is_some_and(|last| wanted != Some(last.made_from))
    }

    /// Whether the message that counts now is the rest of one that was made from another letter than
    /// the list wants by now. Nobody has looked at what it would be.
    fn is_rest_of_another(&self) -> bool {
        self.is_made_of_another() && self.sending().is_some_and(|last| last.is_rest)
    }

    /// Takes messages as accepted that a server is known to have tried to pass on, whatever else is
    /// known of them: nobody but those that they were handed to knows their Message-IDs.
    fn take_as_sent(&mut self, at: Timestamp) {
        for sending in &mut self.sendings {
            if sending.went_on() {
                sending.take_as_sent(at);
            }
        }
    }

    /// Lets a letter be accepted that is about to be sent to an address that has it, or withdrawn
    /// although it went out. Nothing leads here but what became known later: mail that came back
    /// about a message that nobody said was taken, a person's correction, or a list that no longer
    /// has the recipient of a letter that was opened again.
    fn come_to_rest(&mut self) {
        let Some(last) = self.sending() else {
            return;
        };
        let is_taken = last.state == SendingState::Accepted;
        let is_over = match self.state {
            LetterState::Pending => {
                let mut addresses = last.message.addresses.each();
                is_taken
                    || self.is_rest_of_another()
                    || if self.is_reopened() {
                        !last.to_all && addresses.any(|(_, address)| self.has_it(address))
                    } else {
                        self.was_accepted()
                    }
            }
            // Of a rest the others have the letter, and its addresses are refused ones of it.
            LetterState::Rejected => {
                is_taken || (last.is_rest || !self.is_reopened()) && self.was_accepted()
            }
            LetterState::InDoubt => is_taken,
            LetterState::Withdrawn => self.was_accepted(),
            LetterState::Claimed | LetterState::Accepted => false,
        };
        if is_over {
            self.state = LetterState::Accepted;
            self.put_away();
        }
    }

    fn settle(&mut self, event: &Event, ended: &SettledAs, at: Timestamp) -> Result<(), Illegal> {
        if matches!(ended, SettledAs::Refused(_)) && !self.is_for_those_without() {
            return Err(Illegal::Step {
                state: self.state.word(),
                event: event.kind(),
            });
        }
        self.error = match ended {
            // What was refused is said of the addresses: the letter has gone out.
            SettledAs::Accepted(_) | SettledAs::Refused(_) => None,
            SettledAs::Rejected(reply) | SettledAs::InDoubt(reply) | SettledAs::NotTaken(reply) => {
                Some(reply.clone())
            }
        };
        let sending = self.sending_mut(event)?;
        match ended {
            SettledAs::Accepted(Accepted {
                receipt,
                refused,
                rest,
            }) => {
                sending.accept(at, receipt.clone());
                sending.narrow(AddressState::Refused, refused, event)?;
                if let Some(rest) = rest {
                    self.go_on_with(rest)?;
                }
            }
            SettledAs::Rejected(reply) | SettledAs::Refused(reply) => {
                sending.state = SendingState::Rejected;
                sending.widen();
                // Others have the letter, so that it is said of these addresses.
                if sending.is_rest || matches!(ended, SettledAs::Refused(_)) {
                    sending.refuse(reply);
                }
            }
            SettledAs::InDoubt(_) => sending.state = SendingState::InDoubt,
            SettledAs::NotTaken(_) => {
                sending.state = SendingState::Ready;
                sending.widen();
                // What was in doubt may have changed meanwhile.
                self.renew();
            }
        }
        Ok(())
    }

    /// Makes the rest of the message that was just taken ready: to addresses that it was deferred for.
    fn go_on_with(&mut self, rest: &PlannedMessage) -> Result<(), Illegal> {
        let wanted = self.wanted().cloned();
        let Some(taken) = self.sending() else {
            return Ok(());
        };
        let (made_from, to_all) = (taken.made_from, taken.to_all);
        let mut said = None;
        for (_, address) in rest.addresses.each() {
            let fate = taken.known_fate(address);
            let fate = fate.filter(|fate| fate.state == AddressState::Deferred);
            let fate = fate.ok_or(Illegal::NotDeferred)?;
            said = said.or(fate.refusal.as_ref().map(Reply::in_one_line));
        }
        let said = said.ok_or(Illegal::Nobody)?;
        // Mail that came back meanwhile may say that one of them has it after all.
        let mut addresses = rest.addresses.each();
        if !to_all && addresses.any(|(_, address)| self.has_it(address)) {
            return Ok(());
        }
        let is_known = |sending: &Sending| sending.message.message_id == rest.message_id;
        if self.sendings.iter().any(is_known) {
            return Err(Illegal::SameMessageId);
        }
        let because = format!("the message before was not taken for all addresses: {said}");
        self.sendings.push(Sending {
            is_rest: true,
            to_all,
            ..Sending::of(rest.clone(), made_from, Some(because))
        });
        self.planned = wanted.filter(|wanted| wanted != rest);
        Ok(())
    }

    fn reopen(&mut self, reopening: &Reopening) -> Result<(), Illegal> {
        let step = |state: LetterState| Illegal::Step {
            state: state.word(),
            event: "reopened",
        };
        if !self.was_accepted() {
            return Err(step(self.state));
        }
        let message = &reopening.message;
        if message.addresses.is_empty() {
            return Err(Illegal::Nobody);
        }
        let mut addresses = message.addresses.each();
        if !reopening.all_addresses && addresses.any(|(_, address)| self.has_it(address)) {
            return Err(Illegal::HasIt);
        }
        // One that was opened and never handed over is replaced.
        if self
            .sending()
            .is_some_and(|last| last.because.is_some() && !last.is_handed_over())
        {
            self.sendings.pop();
        }
        let is_known = |sending: &Sending| sending.message.message_id == message.message_id;
        if self.sendings.iter().any(is_known) {
            return Err(Illegal::SameMessageId);
        }
        let planned = &reopening.planned.message;
        self.is_listed = true;
        self.error = None;
        self.sendings.push(Sending {
            to_all: reopening.all_addresses,
            ..Sending::of(
                message.clone(),
                planned.digest,
                Some(reopening.because.clone()),
            )
        });
        self.planned = (planned != message).then(|| planned.clone());
        Ok(())
    }

    /// Ends what a person opened again: the letter is what it was before.
    fn close(&mut self, event: &Event) -> Result<(), Illegal> {
        if !self.is_reopened() || !self.was_accepted() {
            return Err(Illegal::Step {
                state: self.state.word(),
                event: event.kind(),
            });
        }
        self.put_away();
        Ok(())
    }

    /// Drops the message that counts now if nobody was handed it, but not what the list wants.
    fn put_away(&mut self) {
        self.error = None;
        let wanted = self.wanted().cloned();
        if self.sending().is_some_and(|last| !last.is_handed_over()) {
            self.sendings.pop();
        }
        self.planned = wanted.filter(|wanted| {
            self.sending()
                .is_none_or(|sending| sending.message != *wanted)
        });
    }

    fn take_return(&mut self, at: Timestamp, event: &Event) -> Result<(), Illegal> {
        let Some((of, outcome)) = event.returned() else {
            return Err(Illegal::Elsewhere {
                event: event.kind(),
            });
        };
        let is_personal = matches!(event, Event::Correction { .. });
        let sending = self.went_out(&of.message_id, event)?;
        let fate = sending.fate_mut(&of.address).ok_or(Illegal::NoAddress {
            event: event.kind(),
        })?;
        let new = returned(of, outcome, at);
        let known = fate.returned.as_ref().map(Returned::weight);
        // Mail comes in any order, and only a person takes back what is heavier.
        if is_personal || known.is_none_or(|known| known <= new.weight()) {
            fate.returned = Some(new);
        }
        let tells_that_it_went_out = match outcome {
            AddressOutcome::Unknown => false,
            // What a server refuses may come back like what it took.
            AddressOutcome::Bounced => sending.state != SendingState::Rejected,
            AddressOutcome::Delayed | AddressOutcome::Relayed | AddressOutcome::Delivered => true,
        };
        if tells_that_it_went_out {
            sending.take_as_sent(at);
        }
        Ok(())
    }

    /// The sending of a message that was handed over: the last one, where the list wanted another
    /// message and then this one again.
    fn went_out(&mut self, message_id: &str, event: &Event) -> Result<&mut Sending, Illegal> {
        self.sendings
            .iter_mut()
            .rev()
            .find(|sending| sending.message.message_id == message_id && sending.is_handed_over())
            .ok_or(Illegal::NoSending {
                event: event.kind(),
            })
    }

    /// Whether a message of it was accepted.
    #[must_use]
    pub fn was_accepted(&self) -> bool {
        self.sendings
            .iter()
            .any(|sending| sending.state == SendingState::Accepted)
    }

    /// Whether an address has the letter, as far as is known.
    #[must_use]
    pub fn has_it(&self, address: &str) -> bool {
        self.sendings.iter().any(|sending| sending.reached(address))
    }

    /// The last message of it that was accepted.
    #[must_use]
    pub fn last_accepted(&self) -> Option<&Sending> {
        let mut sendings = self.sendings.iter().rev();
        sendings.find(|sending| sending.state == SendingState::Accepted)
    }

    /// The last sending that was written to an address and accepted, whatever became of it there.
    #[must_use]
    pub fn last_written_to(&self, address: &str) -> Option<&Sending> {
        self.sendings.iter().rev().find(|sending| {
            sending.state == SendingState::Accepted && sending.message.addresses.has(address)
        })
    }

    /// What is known of an address by the last message to it of which anything is known.
    #[must_use]
    pub fn last_fate(&self, address: &str) -> Option<&Fate> {
        let mut sendings = self.sendings.iter().rev();
        sendings.find_map(|sending| sending.known_fate(address))
    }

    /// The addresses that a letter still waits for which others have: those of its rest.
    #[must_use]
    pub fn deferred_addresses(&self) -> Vec<&str> {
        let rest = self.sending().filter(|last| {
            last.is_rest && matches!(self.state, LetterState::Pending | LetterState::Claimed)
        });
        rest.into_iter()
            .flat_map(|rest| rest.message.addresses.each())
            .map(|(_, address)| address)
            .collect()
    }

    /// The addresses of the list that an accepted letter failed to reach, and those that took their
    /// place since: the letter is not complete without them. An address that joins a letter that
    /// reached all others is none of them.
    #[must_use]
    pub fn open_addresses(&self) -> Vec<&str> {
        if self.state != LetterState::Accepted {
            return Vec::new();
        }
        let sendings = self.sendings.iter();
        let mut failed = sendings
            .flat_map(|sending| sending.fates.iter().map(move |fate| (sending.state, fate)))
            .filter(|(state, fate)| match state {
                SendingState::Accepted => !fate.is_good(),
                // It may have come back as well: that it was refused is what counts.
                SendingState::Rejected => fate.state == AddressState::Refused,
                SendingState::Ready | SendingState::Claimed | SendingState::InDoubt => false,
            })
            .filter(|(_, fate)| !self.has_it(&fate.address));
        if failed.next().is_none() {
            return Vec::new();
        }
        let wanted = self.wanted().into_iter();
        wanted
            .flat_map(|wanted| wanted.addresses.each())
            .map(|(_, address)| address)
            .filter(|address| !self.has_it(address))
            .collect()
    }

    /// Whether our server took a message of it for an address, whatever became of it there.
    fn was_accepted_for(&self, address: &str) -> bool {
        self.sendings.iter().any(|sending| {
            let fate = sending.fate(address);
            fate.is_some_and(|fate| fate.state == AddressState::Accepted)
        })
    }

    /// The addresses that a message was accepted for, but for some.
    fn reached_but(&self, is_left_out: &dyn Fn(&str) -> bool) -> Vec<String> {
        let mut reached: Vec<String> = Vec::new();
        let sendings = self.sendings.iter();
        let written = sendings.flat_map(|sending| sending.message.addresses.each());
        for (_, address) in written {
            let is_known = reached.iter().any(|other| is_same(other, address));
            if !is_known && !is_left_out(address) && self.was_accepted_for(address) {
                reached.push(address.to_owned());
            }
        }
        reached
    }

    /// The addresses that a message was accepted for, as they were written to.
    #[must_use]
    pub fn sent_to(&self) -> Vec<String> {
        self.reached_but(&|_| false)
    }

    /// How what the list wants differs from what was sent; nothing while nothing was sent.
    #[must_use]
    pub fn changes(&self) -> Changes {
        let (Some(wanted), Some(last)) = (self.wanted(), self.last_accepted()) else {
            return Changes::default();
        };
        let new_addresses: Vec<String> = wanted
            .addresses
            .each()
            .map(|(_, address)| address)
            .filter(|address| self.last_written_to(address).is_none())
            .map(str::to_owned)
            .collect();
        let former_addresses = self.reached_but(&|address| wanted.addresses.has(address));
        // A message to some of its addresses has text, sender and attachments of the whole letter.
        let whole = PlannedMessage {
            digest: last.made_from,
            addresses: wanted.addresses.clone(),
            ..last.message.clone()
        };
        let mut parts = wanted.changed_since(&whole);
        if !last.is_whole_to(&wanted.addresses) {
            // The digest over all is another for the addresses alone.
            parts.retain(|part| !matches!(part, ChangedPart::Names | ChangedPart::TextOrSender));
        }
        Changes {
            new_addresses,
            former_addresses,
            parts,
        }
    }
}

impl LetterHistory {
    /// What of a letter that went out would be another by what the list has now; nothing where all that changed is who
    /// has it already, or how they stand in it.
    #[must_use]
    pub fn changed_parts(&self, now: PlannedMessage) -> Vec<ChangedPart> {
        let lacks_it = now
            .addresses
            .each()
            .any(|(_, address)| !self.has_it(address));
        let mut after = self.clone();
        after.planned = Some(now);
        let mut parts = after.changes().parts;
        if lacks_it {
            parts.insert(0, ChangedPart::Addresses);
        }
        parts
    }
}

impl Sending {
    /// Whether it carries the whole letter, to just these addresses.
    fn is_whole_to(&self, addresses: &Addresses) -> bool {
        self.made_from == self.message.digest && self.message.addresses == *addresses
    }

    fn accept(&mut self, at: Timestamp, receipt: String) {
        self.state = SendingState::Accepted;
        self.accepted_at = Some(at);
        self.receipt = Some(receipt);
        // Mail may have come back before the answer was known.
        for fate in &mut self.fates {
            if fate.state == AddressState::Pending {
                fate.state = AddressState::Accepted;
            }
        }
    }

    /// Takes each of its addresses as refused.
    fn refuse(&mut self, reply: &Reply) {
        let addresses: Vec<String> = self
            .message
            .addresses
            .each()
            .map(|(_, address)| address.to_owned())
            .collect();
        for address in addresses {
            if let Some(fate) = self.fate_mut(&address) {
                fate.state = AddressState::Refused;
                fate.refusal = Some(reply.clone());
            }
        }
    }

    /// Takes it as accepted, since it went out whatever else is known. What is in hand is waited for.
    fn take_as_sent(&mut self, at: Timestamp) {
        match self.state {
            SendingState::Ready | SendingState::InDoubt | SendingState::Rejected => {
                self.accept(at, ACCEPTED_BY_MAIL.to_owned());
            }
            SendingState::Claimed | SendingState::Accepted => {}
        }
    }

    /// Whether a server is known to have tried to pass it on.
    fn went_on(&self) -> bool {
        let returned = self.fates.iter().filter_map(|fate| fate.returned.as_ref());
        let mut outcomes = returned.map(|returned| returned.outcome);
        outcomes.any(|outcome| match outcome {
            AddressOutcome::Delayed | AddressOutcome::Relayed | AddressOutcome::Delivered => true,
            AddressOutcome::Unknown | AddressOutcome::Bounced => false,
        })
    }

    /// Whether it has the Message-ID of another message. Of what older programs handed over before
    /// the list changed, nothing but the Message-ID is known.
    fn is_another_of_its_name(&self, message: &PlannedMessage) -> bool {
        self.message.message_id == message.message_id
            && self.message.digest != message.digest
            && self.message.digest != [0; 32]
    }
}

fn returned(of: &AddressReturn, outcome: AddressOutcome, at: Timestamp) -> Returned {
    Returned {
        outcome,
        hard: of.hard,
        reason: of.reason.clone(),
        code: of.code.clone(),
        text: of.text.clone(),
        at,
        evidence: of.evidence.clone(),
    }
}
