//! The addresses of a sending, and what became of each.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Reply;

/// The addresses that a message was written to, as they were written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Addresses {
    /// To.
    pub to: Vec<String>,
    /// Cc.
    pub cc: Vec<String>,
    /// Bcc.
    pub bcc: Vec<String>,
}

/// The header field that an address stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AddressKind {
    /// To.
    To,
    /// Cc.
    Cc,
    /// Bcc: in the envelope alone.
    Bcc,
}

impl Addresses {
    /// All of them with the field that each stands in, To before Cc before Bcc.
    pub fn each(&self) -> impl Iterator<Item = (AddressKind, &str)> {
        let lists = [
            (AddressKind::To, &self.to),
            (AddressKind::Cc, &self.cc),
            (AddressKind::Bcc, &self.bcc),
        ];
        lists
            .into_iter()
            .flat_map(|(kind, list)| list.iter().map(move |address| (kind, address.as_str())))
    }

    /// Whether a message to them would go to nobody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.to.is_empty() && self.cc.is_empty() && self.bcc.is_empty()
    }

    /// Whether this address is among them.
    #[must_use]
    pub fn has(&self, address: &str) -> bool {
        self.each().any(|(_, other)| is_same(other, address))
    }
}

/// Whether two addresses reach the same mailbox as far as can be known. A server may tell the case
/// of a local part apart (RFC 5321 section 2.4), and none in use does.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    one == other || one.to_lowercase() == other.to_lowercase()
}

/// What was said of an address when its message was handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AddressState {
    /// No server took a message for it yet.
    Pending,
    /// Our server took the message for it.
    Accepted,
    /// Our server refused it, and took the message for others.
    Refused,
    /// Our server did not take the message for it for now, and took it for others.
    Deferred,
}

impl AddressState {
    /// The word in tables and JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Deferred => "deferred",
        }
    }

    /// The state with this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Pending, Self::Accepted, Self::Refused, Self::Deferred]
            .into_iter()
            .find(|state| state.word() == word)
    }
}

/// What became of a message after it was accepted, as far as mail that came back says. The order is
/// that of weight: what is heavier stays, whichever mail comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AddressOutcome {
    /// Nothing was heard, which is never taken for "delivered".
    #[default]
    Unknown,
    /// A server still tries.
    Delayed,
    /// A server that sends no notices took it over (RFC 3464 section 2.3.3).
    Relayed,
    /// The recipient's server has put it into the mailbox.
    Delivered,
    /// It came back.
    Bounced,
}

impl AddressOutcome {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Unknown,
        Self::Delayed,
        Self::Relayed,
        Self::Delivered,
        Self::Bounced,
    ];

    /// The word in tables and JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Delayed => "delayed",
            Self::Relayed => "relayed",
            Self::Delivered => "delivered",
            Self::Bounced => "bounced",
        }
    }

    /// The outcome with this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.word() == word)
    }
}

/// What is known of one address of a sending beyond the sending itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fate {
    /// The address as it was written.
    pub address: String,
    /// What our server said of it.
    pub state: AddressState,
    /// In which words, when it was refused or deferred.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Reply>,
    /// What mail that came back says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returned: Option<Returned>,
}

impl Fate {
    /// Whether the address has the letter, as far as is known. What was refused on one way may be
    /// delivered on another, by the word of the recipient's server or of a person.
    #[must_use]
    pub fn is_good(&self) -> bool {
        match self.returned.as_ref().map(|returned| returned.outcome) {
            Some(AddressOutcome::Bounced) => false,
            Some(AddressOutcome::Delivered) => true,
            None
            | Some(AddressOutcome::Unknown | AddressOutcome::Delayed | AddressOutcome::Relayed) => {
                self.state == AddressState::Accepted
            }
        }
    }
}

/// What mail that came back says of an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Returned {
    /// What became of the message.
    pub outcome: AddressOutcome,
    /// Of a bounce: whether the address is wrong, so that no other try helps.
    pub hard: bool,
    /// In plain words.
    pub reason: String,
    /// The code (RFC 3463), if there is one.
    pub code: Option<String>,
    /// The server's line.
    pub text: Option<String>,
    /// When it became known.
    pub at: Timestamp,
    /// The evidence.
    pub evidence: String,
}

impl Returned {
    /// What stays when mail comes in another order: of two bounces the one for good.
    pub(super) fn weight(&self) -> (AddressOutcome, bool) {
        let is_bounce = self.outcome == AddressOutcome::Bounced;
        (self.outcome, is_bounce && self.hard)
    }
}
