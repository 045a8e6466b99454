//! What a transport knows of a letter's past, and what it writes down of its present.

use super::{Answer, Cause, SendError};
use crate::address::Address;

/// Writes something about the letter in hand into the ledger; true when it is on the disk.
pub(crate) type Keep<'a> = dyn FnMut(AttemptRecord) -> bool + 'a;

/// What is written down about a letter in hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AttemptRecord {
    /// In the transport's own words.
    Note(String),
    /// The addresses that the server does not take it for, while it takes it for others.
    Narrowed(NotTakenFor),
}

/// The addresses that a server does not take a letter for, while it takes it for others, with what it
/// said of each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct NotTakenFor {
    /// Refused for good.
    pub refused: Vec<(Address, Answer)>,
    /// Not taken for now.
    pub deferred: Vec<(Address, Answer)>,
    /// Whether these may be written to at once, since there were only too many for one message.
    pub at_once: bool,
}

impl NotTakenFor {
    /// Whether there are none.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.refused.is_empty() && self.deferred.is_empty()
    }
}

/// One try at handing a letter over.
pub(crate) struct TransportAttempt<'a> {
    /// Names the try to the server: a UUID that is in the ledger before the try begins.
    pub trace: &'a str,
    /// What is known of the try before this one; none when this is the first.
    pub earlier: Option<Earlier>,
    /// Messages of the letter that were tried and not taken, and that this one replaces.
    pub replaced: Vec<Replaced>,
    /// The server's own names of the requests that it answered.
    pub request_ids: Vec<String>,
    is_narrowed: bool,
    pub(super) keep: &'a mut Keep<'a>,
}

/// An earlier try that was not taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Earlier {
    /// What the transport wrote down last.
    pub note: Option<String>,
}

/// A message that was tried, not taken, and replaced since by another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Replaced {
    /// Its Message-ID without its angle brackets.
    pub message_id: String,
    /// What the transport wrote down last while it had the message in hand.
    pub note: String,
}

/// A letter that may have gone out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Doubt<'a> {
    /// The recipient.
    pub id: &'a str,
    /// The message's number among those of its letter, from 1 on.
    pub sending: u32,
    /// The Message-ID without its angle brackets.
    pub message_id: &'a str,
    /// What the transport wrote down last while it had the letter in hand.
    pub note: Option<&'a str>,
}

impl<'a> TransportAttempt<'a> {
    /// A try; `keep` puts its notes on the disk.
    pub(crate) fn new(trace: &'a str, earlier: Option<Earlier>, keep: &'a mut Keep<'a>) -> Self {
        Self {
            trace,
            earlier,
            replaced: Vec::new(),
            request_ids: Vec::new(),
            is_narrowed: false,
            keep,
        }
    }

    /// Writes down what a later run must know if this try is cut off. It is on the disk when this
    /// returns.
    ///
    /// # Errors
    /// When it cannot be: the next step must not be taken then.
    pub(crate) fn note(&mut self, text: &str) -> Result<(), SendError> {
        self.record(AttemptRecord::Note(text.to_owned()))
    }

    /// Writes down which addresses the server does not take the message for, before it gets it: no answer
    /// to the message says so. It is on the disk when this returns, and takes the place of what was
    /// written down of an offer before.
    ///
    /// # Errors
    /// When it cannot be: the message must not be sent then.
    pub(crate) fn narrow(&mut self, not_taken_for: &NotTakenFor) -> Result<(), SendError> {
        if not_taken_for.is_empty() && !self.is_narrowed {
            return Ok(());
        }
        self.is_narrowed = true;
        self.record(AttemptRecord::Narrowed(not_taken_for.clone()))
    }

    fn record(&mut self, record: AttemptRecord) -> Result<(), SendError> {
        if (self.keep)(record) {
            return Ok(());
        }
        Err(SendError::Unusable(Answer::new(
            Cause::StateFile,
            "the state file could not be written, so the letter was not sent",
        )))
    }
}

/// A random UUID (RFC 9562 section 5.4) to name a try by.
#[must_use]
pub(crate) fn new_trace() -> String {
    let random = fastrand::u128(..);
    let version = random & !(0xf << 76) | 0x4 << 76;
    let uuid = version & !(0x3 << 62) | 0x2 << 62;
    let digits = format!("{uuid:032x}");
    let (time, rest) = digits.split_at(8);
    format!(
        "{time}-{}-{}-{}-{}",
        &rest[..4],
        &rest[4..8],
        &rest[8..12],
        &rest[12..]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_a_random_uuid() {
        let (one, other) = (new_trace(), new_trace());
        assert_ne!(one, other);
        let lengths: Vec<_> = one.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert_eq!(&one[14..15], "4");
        assert!("89ab".contains(&one[19..20]), "{one}");
    }
}
