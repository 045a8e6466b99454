//! Letters made ready a little ahead of the wire, by a thread of their own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::thread;

use crate::clock::Signal;
use crate::fault::Fault;
use crate::ledger::Pending;
use crate::letter::Letters;
use crate::message::Message;
use crate::plan::{Plan, PlannedLetter};

use super::limiter::Cost;

/// A letter that is ready to leave, or the reason why it cannot.
pub(super) struct Composed {
    pub pending: Pending,
    pub cost: Cost,
    pub result: Result<Box<Message>, Vec<Fault>>,
}

/// Makes messages for the pending letters that come in, until nobody asks any more.
pub(super) fn run(
    batch: &str,
    letters: &Letters,
    plan: &Plan,
    wanted: &Receiver<Pending>,
    composed: &Sender<thread::Result<Composed>>,
    signal: &Arc<Signal>,
) {
    for pending in wanted {
        // A panic is passed on: nobody else would know that no letter will come.
        let sent = composed.send(catch_unwind(AssertUnwindSafe(|| {
            let planned = &plan.letters[pending.position];
            let cost = Cost {
                bytes: planned.bytes,
                addresses: u64::from(planned.addresses),
            };
            Composed {
                result: compose(batch, letters, planned, &pending),
                pending,
                cost,
            }
        })));
        signal.raise();
        if sent.is_err() {
            return;
        }
    }
}

/// The letter is made anew and must be the planned one, for the recipient whom the ledger means: a
/// report or template that changed since the checks is never sent.
fn compose(
    batch: &str,
    letters: &Letters,
    planned: &PlannedLetter,
    pending: &Pending,
) -> Result<Box<Message>, Vec<Fault>> {
    let (letter, contents) = letters.make_with_contents(pending.position)?;
    if letter.id != pending.id || PlannedLetter::of(&letter, &[]).digest != planned.digest {
        return Err(vec![
            Fault::new(
                "the letter or its report changed since it was checked",
                "look at it again, then run the same command",
            )
            .id(&letter.id),
        ]);
    }
    Ok(Box::new(Message::new(
        batch,
        letter,
        &planned.digest,
        contents,
    )))
}
