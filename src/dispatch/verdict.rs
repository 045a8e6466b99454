//! From the transport's words to the ledger's, and to what the run does next.

use std::time::Duration;

use super::{DispatchEvent, Ending};
use crate::lifecycle::{Accepted, Refusal, Reply, SettledAs};
use crate::transport::{Answer, Receipt, SendError};

/// What follows from one answer.
pub(super) struct Consequence {
    pub ended: SettledAs,
    pub next: Next,
}

/// What the run does with the letter and with itself.
pub(super) enum Next {
    /// The letter is done; everyone waits if the server asks for it.
    Done(DispatchEvent, Option<Duration>),
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

/// Judges the answer to one letter. Every word has its arm: a new one must be thought about here.
pub(super) fn judge(id: &str, result: Result<Receipt, SendError>) -> Consequence {
    let id = id.to_owned();
    match result {
        Ok(receipt) => Consequence {
            ended: SettledAs::Accepted(Accepted {
                receipt: receipt.text.clone(),
                refused: receipt
                    .refused
                    .iter()
                    .map(|(address, answer)| Refusal {
                        address: address.to_string(),
                        code: answer.code.to_string(),
                        answer: answer.line(),
                    })
                    .collect(),
            }),
            next: Next::Done(
                DispatchEvent::Accepted {
                    id,
                    receipt: receipt.text,
                    refused: receipt
                        .refused
                        .into_iter()
                        .map(|(address, answer)| (address.masked(), answer))
                        .collect(),
                },
                receipt.wait,
            ),
        },
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

fn not_taken(answer: &Answer, next: impl FnOnce(Answer) -> Next) -> Consequence {
    Consequence {
        ended: SettledAs::NotTaken(recorded(answer)),
        next: next(answer.clone()),
    }
}

pub(super) fn recorded(answer: &Answer) -> Reply {
    Reply {
        code: answer.code.to_string(),
        text: answer.line(),
    }
}
