//! One message of a letter.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::address::is_same;
use super::{AddressState, Addresses, Event, Fate, Illegal, MessageParts, Refusal, Reply};
use crate::digest::{Sha256Digest, as_hex};

/// What one hand-over carries, as far as the record needs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedMessage {
    /// The Message-ID without its angle brackets.
    pub message_id: String,
    /// The digest over everything that leaves.
    #[serde(with = "as_hex")]
    pub digest: Sha256Digest,
    /// Whom it is written to.
    pub addresses: Addresses,
    /// What is attached.
    pub attachments: Vec<SentAttachment>,
    /// What else it is made of; programs before format 7 did not keep it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts: Option<MessageParts>,
}

/// A file that goes with a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SentAttachment {
    /// The name that recipients see.
    pub name: String,
    /// The digest of its contents; of one that is locked, before it was.
    #[serde(with = "as_hex")]
    pub sha256: Sha256Digest,
    /// Its size.
    pub bytes: u64,
    /// Whether it was locked with a password.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub locked: bool,
}

/// Where a sending stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SendingState {
    /// No server has it: it was not handed over, or not taken.
    Ready,
    /// It is with a transport, or was when its run ended.
    Claimed,
    /// A server or folder took it.
    Accepted,
    /// A server refused it for good.
    Rejected,
    /// It may have gone out.
    InDoubt,
}

impl SendingState {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Ready,
        Self::Claimed,
        Self::Accepted,
        Self::Rejected,
        Self::InDoubt,
    ];

    /// The word in tables and JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Claimed => "claimed",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::InDoubt => "in_doubt",
        }
    }

    /// The state with this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

/// One message of a letter, with a Message-ID of its own. What was handed over once is never another
/// message afterwards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sending {
    /// What it carries.
    pub message: PlannedMessage,
    /// The digest of the whole letter that it was made from, which differs from the message's own
    /// where it is written to some of the addresses only.
    #[serde(with = "as_hex")]
    pub made_from: Sha256Digest,
    /// Where it stands.
    pub state: SendingState,
    /// How often it was claimed.
    pub attempts: u32,
    /// When it was accepted.
    pub accepted_at: Option<Timestamp>,
    /// What the server said when it took it.
    pub receipt: Option<String>,
    /// Why it goes out beside the first message of a letter, of which there is none: why a person
    /// wanted it, or why an earlier message was not taken for all addresses.
    pub because: Option<String>,
    /// Whether it is the rest of an earlier message: to the addresses that the server deferred.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_rest: bool,
    /// Whether that person wanted it to go also to addresses that have the letter.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub to_all: bool,
    /// What is known of single addresses. One that is not here shares the fate of the sending.
    pub fates: Vec<Fate>,
}

impl Sending {
    /// A message that was not handed over yet.
    #[must_use]
    pub fn of(message: PlannedMessage, made_from: Sha256Digest, because: Option<String>) -> Self {
        Self {
            message,
            made_from,
            state: SendingState::Ready,
            attempts: 0,
            accepted_at: None,
            receipt: None,
            because,
            is_rest: false,
            to_all: false,
            fates: Vec::new(),
        }
    }

    /// Whether a transport had it in hand. Older programs did not write down every attempt.
    #[must_use]
    pub fn is_handed_over(&self) -> bool {
        self.attempts > 0 || self.state != SendingState::Ready
    }

    /// What is known of an address that it is written to; none for any other.
    #[must_use]
    pub fn fate(&self, address: &str) -> Option<Fate> {
        let state = match self.state {
            SendingState::Accepted => AddressState::Accepted,
            SendingState::Ready
            | SendingState::Claimed
            | SendingState::Rejected
            | SendingState::InDoubt => AddressState::Pending,
        };
        self.known_fate(address).cloned().or_else(|| {
            self.message.addresses.has(address).then(|| Fate {
                address: address.to_owned(),
                state,
                refusal: None,
                returned: None,
            })
        })
    }

    /// What is known of an address beyond the sending itself.
    #[must_use]
    pub fn known_fate(&self, address: &str) -> Option<&Fate> {
        self.fates
            .iter()
            .find(|fate| is_same(&fate.address, address))
    }

    /// Whether an address has the letter by it, as far as is known.
    #[must_use]
    pub fn reached(&self, address: &str) -> bool {
        self.state == SendingState::Accepted
            && self.fate(address).is_some_and(|fate| fate.is_good())
    }

    /// What the server says of some addresses while it takes the message for others.
    pub(super) fn narrow(
        &mut self,
        state: AddressState,
        refusals: &[Refusal],
        event: &Event,
    ) -> Result<(), Illegal> {
        for refusal in refusals {
            let fate = self.fate_mut(&refusal.address);
            let fate = fate.ok_or(Illegal::NoAddress {
                event: event.kind(),
            })?;
            fate.state = state;
            fate.refusal = Some(Reply {
                code: refusal.code.clone(),
                text: refusal.answer.clone(),
            });
        }
        Ok(())
    }

    /// Forgets what the server said of single addresses: it did not take the message for any.
    pub(super) fn widen(&mut self) {
        self.fates.retain(|fate| fate.returned.is_some());
        for fate in &mut self.fates {
            fate.state = AddressState::Pending;
            fate.refusal = None;
        }
    }

    /// The fate of an address, to be changed.
    pub(super) fn fate_mut(&mut self, address: &str) -> Option<&mut Fate> {
        let known = self
            .fates
            .iter()
            .position(|fate| is_same(&fate.address, address));
        let place = if let Some(place) = known {
            place
        } else {
            let fate = self.fate(address)?;
            self.fates.push(fate);
            self.fates.len() - 1
        };
        self.fates.get_mut(place)
    }
}
