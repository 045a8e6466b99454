//! Letters made ready a little ahead of the wire, by a thread of their own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::thread;

use crate::clock::Signal;
use crate::finding::Finding;
use crate::ledger::Pending;
use crate::letter::Letters;
use crate::message::Message;
use crate::plan::PlannedLetter;

use super::limiter::Cost;

/// A letter that is ready to leave, or the reason why it cannot.
pub(super) struct Composed {
    pub pending: Pending,
    pub cost: Cost,
    pub result: Result<Box<Message>, Vec<Finding>>,
}

/// What messages are made from, and for.
pub(super) struct Composer<'a> {
    pub letters: &'a Letters,
    pub is_for_mime: bool,
}

/// Makes messages for the pending letters that come in, until nobody asks any more.
pub(super) fn run(
    composer: &Composer<'_>,
    pending_rx: &Receiver<Pending>,
    composed_tx: &Sender<thread::Result<Composed>>,
    signal: &Arc<Signal>,
) {
    for pending in pending_rx {
        // A panic is passed on: nobody else would know that no letter will come.
        let sent = composed_tx.send(catch_unwind(AssertUnwindSafe(|| {
            let result = composer.compose(&pending);
            let cost = result.as_ref().map_or(Cost::default(), |message| Cost {
                bytes: message.letter().encoded_bytes(),
                addresses: message.envelope.to.len() as u64,
            });
            Composed {
                pending,
                cost,
                result,
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
    fn compose(&self, pending: &Pending) -> Result<Box<Message>, Vec<Finding>> {
        let (mut letter, contents) = self.letters.make_with_contents(pending.position)?;
        if let Some(addresses) = &pending.only_to {
            letter = letter.only_to(&|address| addresses.has(address.as_str()));
        }
        let digest = PlannedLetter::of(&letter, &[]).digest;
        if pending.digest != digest || letter.id != pending.id {
            return Err(vec![
                Finding::fault(
                    "the letter or its report changed since it was checked",
                    "look at it again, then run the same command",
                )
                .id(&letter.id),
            ]);
        }
        let message_id = pending.message_id.clone();
        let message = Message::new(message_id, pending.sending, letter, contents);
        Ok(Box::new(if self.is_for_mime {
            message.encoded_ahead()
        } else {
            message
        }))
    }
}
