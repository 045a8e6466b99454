//! A letter as Microsoft Graph takes it: JSON with the attachments in base64.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use crate::address::{HeaderText, Mailbox};
use crate::config::Importance;
use crate::message::{Attached, Message};
use crate::transport::drafts::{DraftMark, MARK_SET, marks};

/// The property of a mark, as Microsoft Graph names it.
pub(super) fn property(mark: DraftMark) -> String {
    format!("String {{{MARK_SET}}} Name {}", mark.name())
}

/// What goes with the text of a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyParts {
    /// All attachments.
    Attachments,
    /// None: they are added to the draft one by one.
    Nothing,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SendMail<'a> {
    message: GraphMessageJson<'a>,
    save_to_sent_items: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GraphMessageJson<'a> {
    subject: &'a str,
    body: BodyJson<'a>,
    from: RecipientJson<'a>,
    to_recipients: Vec<RecipientJson<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cc_recipients: Vec<RecipientJson<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    bcc_recipients: Vec<RecipientJson<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reply_to: Vec<RecipientJson<'a>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_delivery_receipt_requested: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_read_receipt_requested: bool,
    internet_message_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    importance: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    internet_message_headers: Vec<HeaderJson<'a>>,
    single_value_extended_properties: Vec<PropertyJson<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attachments: Vec<GraphAttachmentJson<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BodyJson<'a> {
    content_type: &'static str,
    content: Cow<'a, str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RecipientJson<'a> {
    email_address: EmailAddressJson<'a>,
}

#[derive(Serialize)]
struct EmailAddressJson<'a> {
    address: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

#[derive(Serialize)]
struct PropertyJson<'a> {
    id: String,
    value: Cow<'a, str>,
}

#[derive(Serialize)]
struct HeaderJson<'a> {
    name: &'a str,
    value: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GraphAttachmentJson<'a> {
    #[serde(rename = "@odata.type")]
    kind: &'static str,
    name: &'a str,
    content_type: &'a str,
    content_bytes: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_id: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_inline: bool,
}

/// The body of sendMail.
pub(super) fn send_mail(message: &Message) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&SendMail {
        message: json(message, BodyParts::Attachments),
        save_to_sent_items: true,
    })
}

/// The body that makes a draft.
pub(super) fn draft(message: &Message, with: BodyParts) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&json(message, with))
}

/// The body that adds one attachment to a draft.
pub(super) fn attachment(message: &Message, index: usize) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&attachments(message).nth(index))
}

/// About how long the body of sendMail is, without making it.
pub(super) fn size(message: &Message) -> u64 {
    message.letter().encoded_bytes()
}

fn json(message: &Message, with: BodyParts) -> GraphMessageJson<'_> {
    let letter = message.letter();
    GraphMessageJson {
        subject: letter.subject.as_str(),
        body: match &letter.html {
            Some(html) => BodyJson {
                content_type: "html",
                content: Cow::Borrowed(html),
            },
            None => BodyJson {
                content_type: "text",
                content: letter.text(),
            },
        },
        // Always said: without it letters went out in the name of the person who signed in.
        from: recipient(&letter.from),
        to_recipients: letter.to.iter().map(recipient).collect(),
        cc_recipients: letter.cc.iter().map(recipient).collect(),
        bcc_recipients: letter.bcc.iter().map(recipient).collect(),
        reply_to: letter.reply_to.iter().map(recipient).collect(),
        is_delivery_receipt_requested: message.receipts().of_delivery(),
        is_read_receipt_requested: message.receipts().of_reading(),
        internet_message_id: format!("<{}>", message.message_id),
        importance: letter.extras.importance.map(Importance::word),
        internet_message_headers: letter
            .extras
            .headers
            .iter()
            .map(|(name, value)| HeaderJson {
                name,
                value: value.as_str(),
            })
            .collect(),
        single_value_extended_properties: marks(message)
            .map(|(mark, value)| PropertyJson {
                id: property(mark),
                value: value.into(),
            })
            .chain(thread(message))
            .collect(),
        attachments: match with {
            BodyParts::Attachments => attachments(message).collect(),
            BodyParts::Nothing => Vec::new(),
        },
    }
}

/// What puts a letter under the one that it answers to. Header fields other than those that begin with
/// X- are refused in `internetMessageHeaders`, but the properties that Exchange writes them from are
/// taken: `PidTagInReplyToId` and `PidTagInternetReferences` (MS-OXPROPS).
fn thread(message: &Message) -> impl Iterator<Item = PropertyJson<'_>> {
    let answered = message.letter().extras.in_reply_to.as_ref();
    answered.into_iter().flat_map(|answered| {
        ["String 0x1042", "String 0x1039"].map(|id| PropertyJson {
            id: id.to_owned(),
            value: format!("<{answered}>").into(),
        })
    })
}

fn recipient(mailbox: &Mailbox) -> RecipientJson<'_> {
    RecipientJson {
        email_address: EmailAddressJson {
            address: mailbox.address.as_str(),
            name: mailbox.name.as_ref().map(HeaderText::as_str),
        },
    }
}

/// The pictures that stand in a letter and the files that go with it: all are attachments here.
pub(super) fn carried(message: &Message) -> impl Iterator<Item = Attached<'_>> {
    message.pictures().chain(message.attachments())
}

fn attachments(message: &Message) -> impl Iterator<Item = GraphAttachmentJson<'_>> {
    carried(message).map(|attached| GraphAttachmentJson {
        kind: "#microsoft.graph.fileAttachment",
        name: attached.name,
        content_type: attached.media_type,
        content_bytes: STANDARD.encode(attached.contents),
        content_id: attached.content_id,
        is_inline: attached.content_id.is_some(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Letters of older versions are found by what they were marked with.
    #[test]
    fn the_names_of_the_marks_never_change() {
        let set = "String {6f0b3c52-9a41-4c1e-8a57-5d3c0f6e2b19} Name ";
        for (mark, name) in [
            (DraftMark::Message, "postroom.message"),
            (DraftMark::Report, "postroom.report"),
        ] {
            assert_eq!(property(mark), format!("{set}{name}"));
        }
    }
}
