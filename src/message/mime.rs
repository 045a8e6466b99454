//! The form of RFC 5322 and MIME that a message has on the wire.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use mail_builder::MessageBuilder;
use mail_builder::headers::HeaderType;
use mail_builder::headers::address::Address as AddressHeader;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::raw::Raw;
use mail_builder::headers::text::Text;
use mail_builder::mime::{BodyPart, MimePart};
use memchr::memchr2_iter;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::Message;
use crate::address::Mailbox;
use crate::config::Importance;

/// What stands for itself in a value of RFC 2231 section 7, or fewer.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The header fields, but for those that say what the body is.
pub(super) fn head(message: &Message) -> Bytes {
    let letter = &message.letter;
    let mut builder = MessageBuilder::new()
        .header("From", mailboxes(std::slice::from_ref(&letter.from)))
        .header("To", mailboxes(&letter.to));
    if !letter.cc.is_empty() {
        builder = builder.header("Cc", mailboxes(&letter.cc));
    }
    if let Some(reply_to) = &letter.reply_to {
        builder = builder.header("Reply-To", mailboxes(std::slice::from_ref(reply_to)));
    }
    let extras = &letter.extras;
    if let Some(answered) = &extras.in_reply_to {
        // RFC 5322 section 3.6.4: the thread so far is the one message that is known.
        builder = builder
            .header("In-Reply-To", Raw::new(format!("<{answered}>")))
            .header("References", Raw::new(format!("<{answered}>")));
    }
    if let Some(importance) = extras.importance {
        builder = builder.header("Importance", Raw::new(importance.word()));
        // What Outlook and others read; between the two nothing need be said.
        let priority = match importance {
            Importance::High => Some("1"),
            Importance::Low => Some("5"),
            Importance::Normal => None,
        };
        if let Some(priority) = priority {
            builder = builder.header("X-Priority", Raw::new(priority));
        }
    }
    for (name, value) in &extras.headers {
        builder = builder.header(name.as_str(), unstructured(value.as_str()));
    }
    if message.receipts().of_reading() {
        // RFC 8098 section 2.1.
        let from = mailboxes(std::slice::from_ref(&letter.from));
        builder = builder.header("Disposition-Notification-To", from);
    }
    let mut bytes = Vec::new();
    builder
        .header("Subject", unstructured(letter.subject.as_str()))
        .date(message.date.as_second())
        .message_id(message.message_id.as_str())
        // Asks programs that answer for absent people not to (RFC 3834 section 5).
        .header("Auto-Submitted", Raw::new("auto-generated"))
        // A part without fields of its own writes nothing.
        .body(MimePart::raw(""))
        .serialize(&mut bytes);
    bytes.into()
}

/// The body, with the fields that say what it is.
pub(super) fn body(message: &Message) -> Bytes {
    let expected = usize::try_from(message.letter.encoded_bytes()).unwrap_or_default();
    let mut bytes = Vec::with_capacity(expected);
    parts(message).write_part(&mut bytes);
    bytes.into()
}

fn parts(message: &Message) -> MimePart<'_> {
    let letter = &message.letter;
    let text = MimePart::new(
        "text/plain",
        BodyPart::Text(Cow::Owned(crlf(&letter.text()).into_owned())),
    );
    let bodies = match &letter.html {
        None => text,
        Some(html) => MimePart::new(
            ContentType::new("multipart/alternative")
                .attribute("boundary", boundary(message, "alternative")),
            vec![text, with_pictures(message, html)],
        ),
    };
    if letter.attachments.is_empty() {
        return bodies;
    }
    let mut parts = vec![bodies];
    for attached in message.attachments() {
        parts.push(MimePart {
            headers: vec![
                (
                    "Content-Type".into(),
                    content_type(attached.media_type, attached.name),
                ),
                (
                    "Content-Disposition".into(),
                    disposition("attachment", attached.name),
                ),
            ],
            contents: BodyPart::Binary(Cow::Borrowed(attached.contents)),
        });
    }
    MimePart::new(
        ContentType::new("multipart/mixed").attribute("boundary", boundary(message, "mixed")),
        parts,
    )
}

/// The HTML, together with the pictures that it shows (RFC 2387).
fn with_pictures<'a>(message: &'a Message, html: &'a str) -> MimePart<'a> {
    let html = MimePart::new("text/html", BodyPart::Text(crlf(html)));
    let pictures = &message.letter.pictures;
    if pictures.is_empty() {
        return html;
    }
    let pictures = pictures.iter().map(|picture| MimePart {
        headers: vec![
            (
                "Content-Type".into(),
                content_type(picture.media_type, &picture.name),
            ),
            (
                "Content-ID".into(),
                Raw::new(format!("<{}>", picture.content_id)).into(),
            ),
            (
                "Content-Disposition".into(),
                disposition("inline", &picture.name),
            ),
        ],
        contents: BodyPart::Binary(Cow::Borrowed(&picture.contents)),
    });
    MimePart::new(
        ContentType::new("multipart/related")
            .attribute("type", "text/html")
            .attribute("boundary", boundary(message, "related")),
        std::iter::once(html).chain(pictures).collect::<Vec<_>>(),
    )
}

/// A boundary that follows from the Message-ID. No encoded line begins like it: `=_` cannot
/// stand in quoted-printable and `_` not in base64 (RFC 2045 section 6.7).
fn boundary(message: &Message, level: &str) -> String {
    let unique: String = message.message_id.chars().take(32).collect();
    format!("=_{level}_{unique}")
}

fn one(mailbox: &Mailbox) -> AddressHeader<'_> {
    let name = mailbox
        .name
        .as_ref()
        .map(|name| Cow::Borrowed(name.as_str()));
    AddressHeader::new_address(name, mailbox.address.as_str())
}

/// Mailboxes. If a name would be decoded by its readers, all names are encoded.
fn mailboxes(mailboxes: &[Mailbox]) -> HeaderType<'_> {
    let names = mailboxes.iter().filter_map(|mailbox| mailbox.name.as_ref());
    if !names.into_iter().any(|name| looks_encoded(name.as_str())) {
        return match mailboxes {
            [mailbox] => one(mailbox).into(),
            _ => AddressHeader::new_list(mailboxes.iter().map(one).collect()).into(),
        };
    }
    let written: Vec<String> = mailboxes
        .iter()
        .map(|mailbox| match &mailbox.name {
            Some(name) => format!("{}\r\n <{}>", encoded_words(name.as_str()), mailbox.address),
            None => format!("<{}>", mailbox.address),
        })
        .collect();
    Raw::new(written.join(", ")).into()
}

/// Text of a header that has no form.
fn unstructured(text: &str) -> HeaderType<'_> {
    if looks_encoded(text) {
        Raw::new(encoded_words(text)).into()
    } else {
        Text::new(text).into()
    }
}

/// Whether a reader may take a text for one that was encoded (RFC 2047 section 2) and show another:
/// what begins like an encoded word must be encoded itself.
fn looks_encoded(text: &str) -> bool {
    text.contains("=?")
}

/// A text as encoded words, which every reader decodes once (RFC 2047 section 2: none is longer than
/// 75 characters).
fn encoded_words(text: &str) -> String {
    const LONGEST: usize = 36;
    let mut words: Vec<String> = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let mut end = rest.len().min(LONGEST);
        while !rest.is_char_boundary(end) {
            end -= 1;
        }
        let (word, after) = rest.split_at(end);
        words.push(format!("=?utf-8?B?{}?=", STANDARD.encode(word)));
        rest = after;
    }
    words.join("\r\n ")
}

/// Lines of a body end with CRLF on the wire (RFC 5322 section 2.1).
fn crlf(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let mut lines = String::new();
    let mut written = 0;
    for at in memchr2_iter(b'\r', b'\n', bytes) {
        let is_whole = match bytes[at] {
            b'\r' => bytes.get(at + 1) == Some(&b'\n'),
            _ => at > 0 && bytes[at - 1] == b'\r',
        };
        if !is_whole {
            if lines.is_empty() {
                lines.reserve(text.len() + text.len() / 16);
            }
            lines.push_str(&text[written..at]);
            lines.push_str("\r\n");
            written = at + 1;
        }
    }
    if written == 0 {
        return Cow::Borrowed(text);
    }
    lines.push_str(&text[written..]);
    Cow::Owned(lines)
}

/// Content-Type with a plain `name` for programs that do not read `filename*`.
fn content_type(media_type: &'static str, name: &str) -> HeaderType<'static> {
    Raw::new(format!("{media_type}; name=\"{}\"", plain_name(name))).into()
}

/// Content-Disposition: a plain name as it is, any other in the form of RFC 2231 section 4, for which
/// the `name` of the Content-Type is the fallback.
fn disposition(kind: &str, name: &str) -> HeaderType<'static> {
    let plain = plain_name(name);
    if plain == name {
        return Raw::new(format!("{kind}; filename=\"{plain}\"")).into();
    }
    let encoded = utf8_percent_encode(name, VALUE);
    Raw::new(format!("{kind}; filename*=UTF-8''{encoded}")).into()
}

/// A file name that any mail program shows: ASCII without quotes, backslashes and what begins like an
/// encoded word.
fn plain_name(name: &str) -> String {
    name.chars()
        .map(|c| match c {
            '"' | '\\' | '%' | '?' => '_',
            c if c.is_ascii() && !c.is_ascii_control() => c,
            _ => '_',
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::crlf;

    proptest! {
        #[test]
        fn every_line_ends_with_crlf_and_nothing_else_changes(text in "[aé\r\n]{0,12}") {
            let plain = text.replace("\r\n", "\n").replace('\r', "\n");
            prop_assert_eq!(crlf(&text), plain.replace('\n', "\r\n"));
        }
    }
}
