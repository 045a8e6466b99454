//! Why a message did not reach an address.

use serde::{Deserialize, Serialize};

/// Why a message did not reach an address, as far as the server's line tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BounceReason {
    /// The domain is there, and has no such mailbox.
    NoSuchAddress,
    /// The domain does not exist, or takes no mail.
    NoSuchDomain,
    /// Whoever had the address has another one now.
    Moved,
    /// The mailbox is full.
    MailboxFull,
    /// The mailbox is there, and is not in use.
    MailboxDisabled,
    /// The server refused it for a reason that is not clear.
    Refused,
    /// The address takes no mail from this sender.
    NotAllowed,
    /// Taken for spam, or the sender could not be proved.
    SenderNotTrusted,
    /// The message is too large.
    TooLarge,
    /// The server takes no more for now.
    RateLimited,
    /// The server could not be reached.
    NotReachable,
    /// The message went round in circles.
    Loop,
    /// Our own server or account is the trouble, and the address is not.
    OurSide,
    /// Something else.
    Other,
}

impl BounceReason {
    /// All of them.
    pub(crate) const ALL: [Self; 14] = [
        Self::NoSuchAddress,
        Self::NoSuchDomain,
        Self::Moved,
        Self::MailboxFull,
        Self::MailboxDisabled,
        Self::Refused,
        Self::NotAllowed,
        Self::SenderNotTrusted,
        Self::TooLarge,
        Self::RateLimited,
        Self::NotReachable,
        Self::Loop,
        Self::OurSide,
        Self::Other,
    ];

    /// The word in the log and in JSON.
    #[must_use]
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::NoSuchAddress => "no_such_address",
            Self::NoSuchDomain => "no_such_domain",
            Self::Moved => "moved",
            Self::MailboxFull => "mailbox_full",
            Self::MailboxDisabled => "mailbox_disabled",
            Self::Refused => "refused",
            Self::NotAllowed => "not_allowed",
            Self::SenderNotTrusted => "sender_not_trusted",
            Self::TooLarge => "too_large",
            Self::RateLimited => "rate_limited",
            Self::NotReachable => "not_reachable",
            Self::Loop => "loop",
            Self::OurSide => "our_side",
            Self::Other => "other",
        }
    }

    /// The reason with this word.
    #[must_use]
    pub(crate) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.word() == word)
    }

    /// The same for people.
    #[must_use]
    pub(crate) fn in_words(self) -> &'static str {
        match self {
            Self::NoSuchAddress => "there is no such address",
            Self::NoSuchDomain => "there is no such domain, or it accepts no mail",
            Self::Moved => "the person has another address now",
            Self::MailboxFull => "the mailbox is full",
            Self::MailboxDisabled => "the mailbox is not in use any more",
            Self::Refused => "the server refused it",
            Self::NotAllowed => "the address accepts no mail from this sender",
            Self::SenderNotTrusted => "it was taken for spam, or the sender could not be proved",
            Self::TooLarge => "the message is too large for it",
            Self::RateLimited => "the server accepted no more messages for now",
            Self::NotReachable => "its server could not be reached",
            Self::Loop => "the message went round in circles",
            Self::OurSide => "our own server or account was blocked or over its limit",
            Self::Other => "for a reason that is not clear",
        }
    }

    /// What a person does about it.
    #[must_use]
    pub(crate) fn next_step(self) -> &'static str {
        match self {
            Self::NoSuchAddress | Self::NoSuchDomain | Self::Moved => {
                "correct the address in the dispatch list, then `postroom resend --bounced`"
            }
            Self::MailboxFull | Self::RateLimited | Self::NotReachable => {
                "send it again in a few days, or ask for another address"
            }
            Self::MailboxDisabled => "ask the recipient for another address",
            Self::Refused | Self::NotAllowed | Self::Other => {
                "read the server's line, and ask the recipient for another address or to let it in"
            }
            Self::SenderNotTrusted => {
                "show the server's line to whoever runs your mail; the address may be right"
            }
            Self::TooLarge => "make the report smaller, or send it to another address",
            Self::Loop => "tell the recipient's server that it sends this address round in circles",
            Self::OurSide => {
                "let whoever runs your mail unblock the account; the address is not at fault"
            }
        }
    }
}

/// A reason for people, whichever way it stands in the log.
#[must_use]
pub(crate) fn reason_in_words(reason: &str) -> &str {
    match BounceReason::parse(reason) {
        Some(reason) => reason.in_words(),
        None => reason,
    }
}
