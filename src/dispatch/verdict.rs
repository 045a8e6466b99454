//! From the transport's words to the ledger's, and to what the run does next.

use std::time::Duration;

use super::{DispatchEvent, Ending};
use crate::address::Address;
use crate::lifecycle::{Accepted, PlannedMessage, Refusal, Reply, SettledAs};
use crate::transport::{Answer, NotTakenFor, Receipt, SendError};

/// What follows from one answer.
pub(super) struct Consequence {
    pub ended: SettledAs,
    pub next: Next,
}

/// What the run does with the letter and with itself.
pub(super) enum Next {
    /// The letter is done; everyone waits if the server asks for it.
    Done(DispatchEvent, Option<Duration>),
    /// The message is taken, and the letter goes on with the addresses that it was deferred for.
    Rest(Box<Rest>),
    /// The letter is done, and it counts as a failure.
    Failed(DispatchEvent, Answer),
    /// The letter is tried again; the others go on.
    Again(Answer),
    /// Everyone waits, then the letter is tried again.
    Pause {
        answer: Answer,
        wait: Option<Duration>,
        throttled: bool,
    },
    /// The run ends.
    Stop(Ending),
}

/// What is left of a letter that was taken for some of its addresses.
pub(super) struct Rest {
    /// The message to the others.
    pub message: PlannedMessage,
    /// Addresses that were refused for good, with the server's words.
    pub refused: Vec<(String, Answer)>,
    /// Those that it goes to.
    pub deferred: Vec<(String, Answer)>,
    /// Whether it may go at once.
    pub at_once: bool,
    /// How long the server asks to wait.
    pub wait: Option<Duration>,
}

/// Judges the answer to one letter. Every word has its arm: a new one must be thought about here. `rest`
/// is the message to the addresses that it was deferred for.
pub(super) fn judge(
    id: &str,
    result: Result<Receipt, SendError>,
    rest: Option<Box<PlannedMessage>>,
) -> Consequence {
    let id = id.to_owned();
    match result {
        Ok(receipt) => taken(id, receipt, rest),
        Err(SendError::Rejected(answer)) => Consequence {
            ended: SettledAs::Rejected(recorded(&answer)),
            next: Next::Failed(
                DispatchEvent::Rejected {
                    id,
                    answer: answer.clone(),
                },
                answer,
            ),
        },
        Err(SendError::InDoubt(answer)) => Consequence {
            ended: SettledAs::InDoubt(recorded(&answer)),
            next: Next::Failed(
                DispatchEvent::InDoubt {
                    id,
                    answer: answer.clone(),
                },
                answer,
            ),
        },
        Err(SendError::Throttled { wait, answer }) => not_taken(&answer, |answer| Next::Pause {
            answer,
            wait,
            throttled: true,
        }),
        Err(SendError::Transient {
            answer,
            everyone: true,
        }) => not_taken(&answer, |answer| Next::Pause {
            answer,
            wait: None,
            throttled: false,
        }),
        Err(SendError::Transient {
            answer,
            everyone: false,
        }) => not_taken(&answer, Next::Again),
        Err(SendError::Unauthorised(answer)) => {
            not_taken(&answer, |answer| Next::Stop(Ending::Unauthorised(answer)))
        }
        Err(SendError::Unusable(answer)) => {
            not_taken(&answer, |answer| Next::Stop(Ending::Unusable(answer)))
        }
    }
}

fn taken(id: String, receipt: Receipt, rest: Option<Box<PlannedMessage>>) -> Consequence {
    let Receipt {
        text,
        not_taken_for:
            NotTakenFor {
                refused,
                deferred,
                at_once,
            },
        wait,
    } = receipt;
    let ended = SettledAs::Accepted(Accepted {
        receipt: text.clone(),
        // They stand in the event before.
        refused: Vec::new(),
        rest: rest.clone(),
    });
    let masked = |addresses: Vec<(Address, Answer)>| -> Vec<(String, Answer)> {
        let addresses = addresses.into_iter();
        addresses
            .map(|(address, answer)| (address.masked(), answer))
            .collect()
    };
    let refused = masked(refused);
    let next = match rest {
        None => Next::Done(
            DispatchEvent::Accepted {
                id,
                receipt: text,
                refused,
            },
            wait,
        ),
        Some(message) => Next::Rest(Box::new(Rest {
            message: *message,
            refused,
            deferred: masked(deferred),
            at_once,
            wait,
        })),
    };
    Consequence { ended, next }
}

/// Addresses with what was said of them, for the record.
pub(super) fn refusals(addresses: &[(Address, Answer)]) -> Vec<Refusal> {
    addresses
        .iter()
        .map(|(address, answer)| Refusal {
            address: address.to_string(),
            code: answer.code.to_string(),
            answer: answer.line(),
        })
        .collect()
}

fn not_taken(answer: &Answer, next: impl FnOnce(Answer) -> Next) -> Consequence {
    Consequence {
        ended: SettledAs::NotTaken(recorded(answer)),
        next: next(answer.clone()),
    }
}

/// An answer as the record keeps it: its words with what can be done about it.
#[must_use]
pub(crate) fn recorded(answer: &Answer) -> Reply {
    Reply {
        code: answer.code.to_string(),
        text: answer.line(),
    }
}
