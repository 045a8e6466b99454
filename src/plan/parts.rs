//! The parts of a letter by digest, so that what changed can be named. The digest over all of it decides
//! whether anything did.

use crate::address::Mailbox;
use crate::config::{Importance, Receipts};
use crate::digest::Parts;
use crate::letter::Letter;
use crate::lifecycle::MessageParts;

/// Those beside addresses and attachments.
pub(super) fn of(letter: &Letter) -> MessageParts {
    let mut sender = Parts::of("postroom sender 1");
    sender.add(letter.from.to_string().as_bytes());
    let reply_to = letter.reply_to.as_ref().map(Mailbox::to_string);
    sender.add(reply_to.unwrap_or_default().as_bytes());

    let mut passwords = Parts::of("postroom passwords 1");
    let mut is_locked = false;
    for file in &letter.attachments {
        passwords.add(&file.lock.unwrap_or_default());
        is_locked |= file.lock.is_some();
    }
    MessageParts {
        sender: sender.short(),
        text: text(letter).short(),
        passwords: is_locked.then(|| passwords.short()),
    }
}

fn text(letter: &Letter) -> Parts {
    let mut text = Parts::of("postroom text 1");
    text.add(letter.subject.as_str().as_bytes());
    for body in [&letter.html, &letter.own_text] {
        text.add(&[u8::from(body.is_some())]);
        text.add(body.as_deref().unwrap_or_default().as_bytes());
    }
    for picture in &letter.pictures {
        text.add(picture.name.as_bytes());
        text.add(&picture.sha256);
    }
    let extras = &letter.extras;
    let importance = extras.importance.map(Importance::word);
    text.add(importance.unwrap_or_default().as_bytes());
    text.add(extras.in_reply_to.as_deref().unwrap_or_default().as_bytes());
    for (name, value) in &extras.headers {
        text.add(name.as_bytes());
        text.add(value.as_str().as_bytes());
    }
    if extras.receipts != Receipts::None {
        text.add(extras.receipts.word().as_bytes());
    }
    text
}
