//! One hand-over of a sending.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::event::{Claiming, SettledAs, Settling};
use super::{Event, Illegal};

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// The server took the message.
    Accepted,
    /// The server refused it for good.
    Rejected,
    /// It may have gone out.
    InDoubt,
    /// The server did not take it.
    NotTaken,
}

impl AttemptOutcome {
    /// The word in tables and events.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::InDoubt => "in_doubt",
            Self::NotTaken => "not_taken",
        }
    }

    /// The outcome with this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [
            Self::Accepted,
            Self::Rejected,
            Self::InDoubt,
            Self::NotTaken,
        ]
        .into_iter()
        .find(|outcome| outcome.word() == word)
    }
}

/// One attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attempt {
    /// Its number in the state file.
    pub number: i64,
    /// The sending of its letter, from 1 on.
    pub sending: u32,
    /// The run that made it.
    pub run: Option<i64>,
    /// When it was claimed.
    pub claimed_at: Timestamp,
    /// When its answer was known.
    pub settled_at: Option<Timestamp>,
    /// Bytes on the wire.
    pub bytes: u64,
    /// How many addresses it goes to.
    pub addresses: u32,
    /// How it ended; none while that is not known.
    pub outcome: Option<AttemptOutcome>,
    /// The reply code or the kind of failure; none where it was accepted.
    pub code: Option<String>,
    /// The words of a failure.
    pub text: Option<String>,
    /// Names the attempt to the server (`client-request-id`).
    pub trace: Option<String>,
    /// The server's names of the requests that it answered, with blanks between them.
    pub request_ids: Option<String>,
    /// What the transport wrote down while it had the message in hand.
    pub note: Option<String>,
}

impl Attempt {
    /// An attempt that begins.
    #[must_use]
    pub fn of(claiming: &Claiming, sending: u32, run: Option<i64>, at: Timestamp) -> Self {
        Self {
            number: claiming.attempt,
            sending,
            run,
            claimed_at: at,
            settled_at: None,
            bytes: claiming.bytes,
            addresses: claiming.addresses,
            outcome: None,
            code: None,
            text: None,
            trace: Some(claiming.trace.clone()),
            request_ids: None,
            note: None,
        }
    }

    /// What the attempt becomes by an event.
    ///
    /// # Errors
    /// When the event cannot follow.
    pub fn apply(mut self, at: Timestamp, event: &Event) -> Result<Self, Illegal> {
        match (self.outcome, event) {
            (None, Event::Noted { text, .. }) => self.note = Some(text.clone()),
            // It is about addresses.
            (None, Event::Narrowed(_)) => {}
            (None, Event::Settled(settling)) => self.settle(settling, at),
            // A look-up finds whether it went out, and nothing else.
            (None | Some(AttemptOutcome::InDoubt), Event::LookedUp(settling))
                if matches!(
                    settling.ended,
                    SettledAs::Accepted(_) | SettledAs::NotTaken(_)
                ) =>
            {
                self.settle(settling, at);
            }
            (_, other) => {
                return Err(Illegal::NoAttempt {
                    event: other.kind(),
                    attempt: self.number,
                });
            }
        }
        Ok(self)
    }

    fn settle(&mut self, settling: &Settling, at: Timestamp) {
        self.settled_at = Some(at);
        let (outcome, reply) = match &settling.ended {
            SettledAs::Accepted(_) => (AttemptOutcome::Accepted, None),
            SettledAs::Rejected(reply) | SettledAs::Refused(reply) => {
                (AttemptOutcome::Rejected, Some(reply))
            }
            SettledAs::InDoubt(reply) => (AttemptOutcome::InDoubt, Some(reply)),
            SettledAs::NotTaken(reply) => (AttemptOutcome::NotTaken, Some(reply)),
        };
        self.outcome = Some(outcome);
        self.code = reply.map(|reply| reply.code.clone());
        self.text = reply.map(|reply| reply.text.clone());
        let names = self.request_ids.iter().chain(&settling.request_ids);
        let names: Vec<&str> = names.map(String::as_str).collect();
        self.request_ids = (!names.is_empty()).then(|| names.join(" "));
    }
}
