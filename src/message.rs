//! A letter made ready for the wire: Message-ID, envelope, and MIME on demand.

use std::borrow::Cow;

use jiff::Timestamp;
use mail_builder::MessageBuilder;
use mail_builder::headers::HeaderType;
use mail_builder::headers::address::Address as AddressHeader;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::raw::Raw;
use mail_builder::mime::{BodyPart, MimePart};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest, Sha256};

use crate::address::{Address, Mailbox};
use crate::letter::{Letter, Sha256Digest};
use crate::plan::hex;

/// The envelope of RFC 5321: who is told about failures, and who gets the message. Bcc is here only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The reverse path.
    pub from: Address,
    /// The forward paths, each address once.
    pub to: Vec<Address>,
}

/// What stands for itself in a value of RFC 2231 section 7, or fewer.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A letter on its way, with the contents of its attachments.
#[derive(Debug)]
pub struct Message {
    /// The recipient's id.
    pub id: String,
    /// The Message-ID without its angle brackets.
    pub message_id: String,
    /// The envelope.
    pub envelope: Envelope,
    letter: Letter,
    contents: Vec<Vec<u8>>,
    date: Timestamp,
}

/// A file on its way.
#[derive(Clone, Copy, Debug)]
pub struct Attached<'a> {
    /// The name that recipients see.
    pub name: &'a str,
    /// Its media type.
    pub media_type: &'static str,
    /// Its bytes.
    pub contents: &'a [u8],
}

/// The Message-ID of a letter.
///
/// It follows from batch, recipient and the letter's digest in the plan, so that a letter that does
/// go out twice can be recognised by everyone who holds both. The plan's own digest is not in it:
/// a change to one school's report must not rename the letters of all others.
#[must_use]
pub fn message_id(batch: &str, id: &str, digest: &Sha256Digest, from: &Address) -> String {
    let mut hasher = Sha256::new();
    for part in [
        b"postroom message 1".as_slice(),
        batch.as_bytes(),
        id.as_bytes(),
        digest,
    ] {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    format!(
        "{}.postroom@{}",
        hex(&hasher.finalize()[..16]),
        from.domain()
    )
}

impl Message {
    /// Makes a letter ready. `digest` is its digest in the plan.
    #[must_use]
    pub fn new(batch: &str, letter: Letter, digest: &Sha256Digest, contents: Vec<Vec<u8>>) -> Self {
        Self {
            id: letter.id.clone(),
            message_id: message_id(batch, &letter.id, digest, &letter.from.address),
            envelope: Envelope {
                from: letter.from.address.clone(),
                to: letter.addresses().cloned().collect(),
            },
            letter,
            contents,
            date: Timestamp::UNIX_EPOCH,
        }
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
        })
    }

    /// The message in the form of RFC 5322: 7-bit, lines ended by CRLF, without Bcc. The same
    /// message gives the same bytes.
    #[must_use]
    pub fn mime(&self) -> Vec<u8> {
        let letter = &self.letter;
        let mut builder = MessageBuilder::new()
            .from(one(&letter.from))
            .to(several(&letter.to));
        if !letter.cc.is_empty() {
            builder = builder.cc(several(&letter.cc));
        }
        if let Some(reply_to) = &letter.reply_to {
            builder = builder.reply_to(one(reply_to));
        }
        let expected = usize::try_from(letter.encoded_bytes()).unwrap_or_default();
        let mut bytes = Vec::with_capacity(expected);
        builder
            .subject(letter.subject.as_str())
            .date(self.date.as_second())
            .message_id(self.message_id.as_str())
            // Asks programs that answer for absent people not to (RFC 3834 section 5).
            .header("Auto-Submitted", Raw::new("auto-generated"))
            .body(self.body())
            .serialize(&mut bytes);
        bytes
    }

    fn body(&self) -> MimePart<'_> {
        let letter = &self.letter;
        let bodies = MimePart::new(
            ContentType::new("multipart/alternative")
                .attribute("boundary", self.boundary("alternative")),
            vec![
                MimePart::new(
                    "text/plain",
                    BodyPart::Text(Cow::Owned(crlf(&letter.text()).into_owned())),
                ),
                MimePart::new("text/html", BodyPart::Text(crlf(&letter.html))),
            ],
        );
        if letter.attachments.is_empty() {
            return bodies;
        }
        let mut parts = vec![bodies];
        for attached in self.attachments() {
            parts.push(MimePart {
                headers: vec![
                    (
                        "Content-Type".into(),
                        content_type(attached.media_type, attached.name),
                    ),
                    ("Content-Disposition".into(), disposition(attached.name)),
                ],
                contents: BodyPart::Binary(Cow::Borrowed(attached.contents)),
            });
        }
        MimePart::new(
            ContentType::new("multipart/mixed").attribute("boundary", self.boundary("mixed")),
            parts,
        )
    }

    /// A boundary that follows from the Message-ID. No encoded line begins like it: `=_` cannot
    /// stand in quoted-printable and `_` not in base64 (RFC 2045 section 6.7).
    fn boundary(&self, level: &str) -> String {
        let unique: String = self.message_id.chars().take(32).collect();
        format!("=_{level}_{unique}")
    }
}

fn one(mailbox: &Mailbox) -> AddressHeader<'_> {
    let name = mailbox
        .name
        .as_ref()
        .map(|name| Cow::Borrowed(name.as_str()));
    AddressHeader::new_address(name, mailbox.address.as_str())
}

fn several(mailboxes: &[Mailbox]) -> AddressHeader<'_> {
    AddressHeader::new_list(mailboxes.iter().map(one).collect())
}

/// Lines of a body end with CRLF on the wire (RFC 5322 section 2.1).
fn crlf(text: &str) -> Cow<'_, str> {
    let bare = text.bytes().filter(|byte| *byte == b'\n').count();
    if text.matches("\r\n").count() == bare && !text.replace("\r\n", "").contains('\r') {
        return Cow::Borrowed(text);
    }
    let plain = text.replace("\r\n", "\n").replace('\r', "\n");
    Cow::Owned(plain.replace('\n', "\r\n"))
}

/// Content-Type with a plain `name` for programs that do not read `filename*`.
fn content_type(media_type: &'static str, name: &str) -> HeaderType<'static> {
    Raw::new(format!("{media_type}; name=\"{}\"", plain_name(name))).into()
}

/// Content-Disposition: a plain name as it is, any other in the form of RFC 2231 section 4, for which
/// the `name` of the Content-Type is the fallback.
fn disposition(name: &str) -> HeaderType<'static> {
    let plain = plain_name(name);
    if plain == name {
        return Raw::new(format!("attachment; filename=\"{plain}\"")).into();
    }
    let encoded = utf8_percent_encode(name, VALUE);
    Raw::new(format!("attachment; filename*=UTF-8''{encoded}")).into()
}

/// A file name that any mail program shows: ASCII without quotes and backslashes.
fn plain_name(name: &str) -> String {
    name.chars()
        .map(|c| match c {
            '"' | '\\' | '%' => '_',
            c if c.is_ascii() && !c.is_ascii_control() => c,
            _ => '_',
        })
        .collect()
}

#[cfg(test)]
mod tests;
