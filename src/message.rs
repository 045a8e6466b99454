//! A letter made ready for the wire: Message-ID, envelope, and MIME on demand.

mod mime;

use bytes::Bytes;
use jiff::Timestamp;

use crate::address::Address;
use crate::config::Receipts;
use crate::digest::{Parts, Sha256Digest, hex};
use crate::letter::Letter;

/// The envelope of RFC 5321: who gets notices of failures, and who gets the message. Bcc is here only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The reverse path.
    pub from: Address,
    /// The forward paths, each address once.
    pub to: Vec<Address>,
}

/// A letter on its way, with the contents of its attachments.
#[derive(Debug)]
pub struct Message {
    /// The recipient's id.
    pub id: String,
    /// The Message-ID without its angle brackets.
    pub message_id: String,
    /// Its number among the messages of its letter, from 1 on.
    pub sending: u32,
    /// The mark of recipient and reports; a rehearsal has none, and neither has a letter without
    /// attachments.
    pub report_mark: Option<String>,
    /// The envelope.
    pub envelope: Envelope,
    letter: Letter,
    contents: Vec<Vec<u8>>,
    date: Timestamp,
    /// The body, where it was encoded ahead.
    body: Option<Bytes>,
}

/// A message in the form of RFC 5322: 7-bit, lines ended by CRLF, without Bcc.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// The header fields, but for those that say what the body is.
    pub head: Bytes,
    /// The rest, which follows upon the last of these at once.
    pub body: Bytes,
}

/// A file on its way, or a picture.
#[derive(Clone, Copy, Debug)]
pub struct Attached<'a> {
    /// The name that recipients see.
    pub name: &'a str,
    /// Its media type.
    pub media_type: &'static str,
    /// Its bytes.
    pub contents: &'a [u8],
    /// What the letter calls it, if it is a picture that stands in it.
    pub content_id: Option<&'a str>,
}

/// The Message-ID of a letter's message.
///
/// It follows from batch, recipient and the letter's digest in the plan, so that a letter that does
/// go out twice can be recognised by everyone who holds both. The plan's own digest is not in it:
/// a change to one school's report must not rename the letters of all others. `sending` is the
/// message's number among those of its letter, from 1 on: what is sent again on purpose must not be
/// taken for what was sent before, by a bounce that comes late or a server that drops copies.
#[must_use]
pub(crate) fn message_id(
    batch: &str,
    id: &str,
    digest: &Sha256Digest,
    from: &Address,
    sending: u32,
) -> String {
    let mut parts = Parts::of("postroom message 1");
    parts.add(batch.as_bytes()).add(id.as_bytes()).add(digest);
    if sending > 1 {
        parts.add(&sending.to_be_bytes());
    }
    format!("{}.postroom@{}", hex(&parts.finish()[..16]), from.domain())
}

/// The Message-ID of the rest of a message that a server took for some of its addresses only: of the
/// same making, and no other message's. `sending` is its number among those of its letter.
#[must_use]
pub(crate) fn rest_id(before: &str, from: &Address, sending: u32) -> String {
    let mut parts = Parts::of("postroom rest 1");
    parts.add(before.as_bytes()).add(&sending.to_be_bytes());
    format!("{}.postroom@{}", hex(&parts.finish()[..16]), from.domain())
}

/// The mark of a letter by its recipient and the reports attached to it; none without any.
///
/// It does not depend on batch, text or addresses: a copy of a batch has the same. Recipients do not
/// see it.
#[must_use]
pub(crate) fn report_mark(
    id: &str,
    attachments: impl Iterator<Item = Sha256Digest>,
) -> Option<String> {
    let mut digests: Vec<Sha256Digest> = attachments.collect();
    if digests.is_empty() {
        return None;
    }
    digests.sort_unstable();
    let mut parts = Parts::of("postroom report 1");
    parts.add(id.as_bytes());
    for digest in &digests {
        parts.add(digest);
    }
    Some(hex(&parts.finish()[..16]))
}

impl Message {
    /// Makes a letter ready.
    #[must_use]
    pub fn new(message_id: String, sending: u32, letter: Letter, contents: Vec<Vec<u8>>) -> Self {
        let digests = letter.attachments.iter().map(|attached| attached.sha256);
        Self {
            id: letter.id.clone(),
            message_id,
            sending,
            report_mark: report_mark(&letter.id, digests).filter(|_| !letter.is_rehearsal),
            envelope: Envelope {
                from: letter.from.address.clone(),
                to: letter.addresses().cloned().collect(),
            },
            letter,
            contents,
            date: Timestamp::UNIX_EPOCH,
            body: None,
        }
    }

    /// The first message of a letter. `digest` is the letter's digest in the plan.
    #[must_use]
    pub fn first(
        batch: &str,
        letter: Letter,
        digest: &Sha256Digest,
        contents: Vec<Vec<u8>>,
    ) -> Self {
        let message_id = message_id(batch, &letter.id, digest, &letter.from.address, 1);
        Self::new(message_id, 1, letter, contents)
    }

    /// What is asked for, so that it comes back.
    #[must_use]
    pub fn receipts(&self) -> Receipts {
        self.letter.extras.receipts
    }

    /// The message dated with the moment it is handed over.
    #[must_use]
    pub fn dated(mut self, date: Timestamp) -> Self {
        self.date = date;
        self
    }

    /// The letter that the message carries.
    #[must_use]
    pub fn letter(&self) -> &Letter {
        &self.letter
    }

    /// Its attachments.
    pub fn attachments(&self) -> impl Iterator<Item = Attached<'_>> {
        let contents = self.contents.iter().map(Vec::as_slice);
        let attachments = self.letter.attachments.iter().zip(contents);
        attachments.map(|(attachment, contents)| Attached {
            name: &attachment.name,
            media_type: attachment.media_type,
            contents,
            content_id: None,
        })
    }

    /// The pictures that stand in the letter.
    pub fn pictures(&self) -> impl Iterator<Item = Attached<'_>> {
        self.letter.pictures.iter().map(|picture| Attached {
            name: &picture.name,
            media_type: picture.media_type,
            contents: &picture.contents,
            content_id: Some(&picture.content_id),
        })
    }

    /// Encodes the body now. It takes most of the work, and does not depend on the date.
    #[must_use]
    pub fn encoded_ahead(mut self) -> Self {
        self.body = Some(mime::body(&self));
        self
    }

    /// The message in the form of RFC 5322. The same message gives the same bytes.
    #[must_use]
    pub fn encoded(&self) -> Encoded {
        Encoded {
            head: mime::head(self),
            body: self.body.clone().unwrap_or_else(|| mime::body(self)),
        }
    }

    /// The same in one piece.
    #[must_use]
    pub fn mime(&self) -> Vec<u8> {
        let Encoded { head, body } = self.encoded();
        [head, body].concat()
    }
}

#[cfg(test)]
mod tests;
