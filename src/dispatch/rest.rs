//! What is left of a message that a server took for some of its addresses only.

use crate::address::{Address, Mailbox};
use crate::letter::Letter;
use crate::lifecycle::{Addresses, PlannedMessage, SentAttachment};
use crate::message::{Message, rest_id};
use crate::plan::PlannedLetter;
use crate::transport::Answer;

/// The message to the addresses that a server deferred while it took this one for others; none where it
/// deferred none.
pub(super) fn rest_of(
    message: &Message,
    deferred: &[(Address, Answer)],
) -> Option<Box<PlannedMessage>> {
    if deferred.is_empty() {
        return None;
    }
    // As the ledger compares them, by which the letter is made again.
    let folded = |address: &Address| address.as_str().to_lowercase();
    let is_deferred = |address: &Address| {
        let mut others = deferred.iter().map(|(other, _)| folded(other));
        others.any(|other| other == folded(address))
    };
    let letter = message.letter().clone().only_to(&is_deferred);
    let message_id = rest_id(
        &message.message_id,
        &letter.from.address,
        message.sending.saturating_add(1),
    );
    Some(Box::new(planned_message(message_id, &letter)))
}

/// A letter as the record keeps it of one message.
#[must_use]
pub(crate) fn planned_message(message_id: String, letter: &Letter) -> PlannedMessage {
    let planned = PlannedLetter::of(letter, &[]);
    let list = |mailboxes: &[Mailbox]| -> Vec<String> {
        let addresses = mailboxes.iter().map(|mailbox| &mailbox.address);
        addresses.map(ToString::to_string).collect()
    };
    PlannedMessage {
        message_id,
        digest: planned.digest,
        addresses: Addresses {
            to: list(&letter.to),
            cc: list(&letter.cc),
            bcc: list(&letter.bcc),
        },
        attachments: attachments(&planned),
        parts: Some(planned.parts),
    }
}

/// The attachments of a planned letter as the record keeps them.
#[must_use]
pub(crate) fn attachments(planned: &PlannedLetter) -> Vec<SentAttachment> {
    let attachments = planned.attachments.iter();
    attachments
        .map(|attachment| SentAttachment {
            name: attachment.name.to_string(),
            sha256: attachment.sha256,
            bytes: attachment.bytes,
            locked: attachment.locked,
        })
        .collect()
}
