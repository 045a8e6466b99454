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

/// What messages are made from, and for.
pub(super) struct Composer<'a> {
    pub batch: &'a str,
    pub letters: &'a Letters,
    pub plan: &'a Plan,
    pub is_for_mime: bool,
}

/// Makes messages for the pending letters that come in, until nobody asks any more.
pub(super) fn run(
    composer: &Composer<'_>,
    wanted: &Receiver<Pending>,
    ready: &Sender<thread::Result<Composed>>,
    signal: &Arc<Signal>,
) {
    for pending in wanted {
        // A panic is passed on: nobody else would know that no letter will come.
        let sent = ready.send(catch_unwind(AssertUnwindSafe(|| {
            let planned = composer.plan.letter(pending.position);
            let cost = planned.map_or(Cost::default(), |planned| Cost {
                bytes: planned.bytes,
                addresses: u64::from(planned.addresses),
            });
            Composed {
                result: composer.compose(planned, &pending),
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

impl Composer<'_> {
    /// The letter is made anew and must be the planned one, for the recipient whom the ledger means: a
    /// report or template that changed since the checks is never sent.
    fn compose(
        &self,
        planned: Option<&PlannedLetter>,
        pending: &Pending,
    ) -> Result<Box<Message>, Vec<Fault>> {
        let (letter, contents) = self.letters.make_with_contents(pending.position)?;
        let digest = PlannedLetter::of(&letter, &[]).digest;
        if planned.is_none_or(|planned| planned.digest != digest) || letter.id != pending.id {
            return Err(vec![
                Fault::new(
                    "the letter or its report changed since it was checked",
                    "look at it again, then run the same command",
                )
                .id(&letter.id),
            ]);
        }
        let message = Message::new(self.batch, letter, &digest, contents);
        Ok(Box::new(if self.is_for_mime {
            message.encoded_ahead()
        } else {
            message
        }))
    }
}
