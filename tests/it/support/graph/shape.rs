//! The rules of Graph's JSON: every key known, of its type, and with a value that Graph takes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// Most headers that a message may bring along.
const MOST_HEADERS: usize = 5;

/// What a key may hold.
enum Rule {
    Text,
    Flag,
    OneOf(&'static [&'static str]),
    Body,
    Recipient,
    Recipients,
    Attachments,
    Headers,
    Properties,
    Texts,
    /// Set by Graph alone.
    ReadOnly,
}

const MESSAGE: &[(&str, Rule)] = &[
    ("@odata.type", Rule::OneOf(&["#microsoft.graph.message"])),
    ("attachments", Rule::Attachments),
    ("bccRecipients", Rule::Recipients),
    ("body", Rule::Body),
    ("categories", Rule::Texts),
    ("ccRecipients", Rule::Recipients),
    ("from", Rule::Recipient),
    ("importance", Rule::OneOf(&["low", "normal", "high"])),
    (
        "inferenceClassification",
        Rule::OneOf(&["focused", "other"]),
    ),
    ("internetMessageHeaders", Rule::Headers),
    ("internetMessageId", Rule::Text),
    ("isDeliveryReceiptRequested", Rule::Flag),
    ("isRead", Rule::Flag),
    ("isReadReceiptRequested", Rule::Flag),
    ("replyTo", Rule::Recipients),
    ("sender", Rule::Recipient),
    ("singleValueExtendedProperties", Rule::Properties),
    ("subject", Rule::Text),
    ("toRecipients", Rule::Recipients),
    ("id", Rule::ReadOnly),
    ("changeKey", Rule::ReadOnly),
    ("createdDateTime", Rule::ReadOnly),
    ("lastModifiedDateTime", Rule::ReadOnly),
    ("bodyPreview", Rule::ReadOnly),
    ("conversationId", Rule::ReadOnly),
    ("conversationIndex", Rule::ReadOnly),
    ("hasAttachments", Rule::ReadOnly),
    ("isDraft", Rule::ReadOnly),
    ("parentFolderId", Rule::ReadOnly),
    ("receivedDateTime", Rule::ReadOnly),
    ("sentDateTime", Rule::ReadOnly),
    ("uniqueBody", Rule::ReadOnly),
    ("webLink", Rule::ReadOnly),
];

const ATTACHMENT: &[(&str, Rule)] = &[
    (
        "@odata.type",
        Rule::OneOf(&["#microsoft.graph.fileAttachment"]),
    ),
    ("name", Rule::Text),
    ("contentType", Rule::Text),
    ("contentBytes", Rule::Text),
    ("contentId", Rule::Text),
    ("contentLocation", Rule::Text),
    ("isInline", Rule::Flag),
    ("id", Rule::ReadOnly),
    ("lastModifiedDateTime", Rule::ReadOnly),
    ("size", Rule::ReadOnly),
];

const BODY: &[(&str, Rule)] = &[
    ("contentType", Rule::OneOf(&["html", "text"])),
    ("content", Rule::Text),
];
const ADDRESS: &[(&str, Rule)] = &[("address", Rule::Text), ("name", Rule::Text)];
const PAIR: &[(&str, Rule)] = &[("name", Rule::Text), ("value", Rule::Text)];
const PROPERTY: &[(&str, Rule)] = &[("id", Rule::Text), ("value", Rule::Text)];

/// The breaches in the body of sendMail.
pub(super) fn check_send_mail(body: &Value) -> Vec<String> {
    let mut breaches = Vec::new();
    let members = body.as_object().into_iter().flatten();
    for (key, value) in members {
        match key.as_str() {
            "message" => breaches.extend(check_message(value)),
            "saveToSentItems" if value.is_boolean() => {}
            "saveToSentItems" => breaches.push("saveToSentItems is no boolean".into()),
            _ => breaches.push(format!("unknown key {key}")),
        }
    }
    if body.get("message").is_none() {
        breaches.push("no message".into());
    }
    breaches
}

/// The breaches in a message.
pub(super) fn check_message(message: &Value) -> Vec<String> {
    let mut breaches = Vec::new();
    check_object("message", message, MESSAGE, &[], &mut breaches);
    breaches
}

/// The breaches in a file attachment.
pub(super) fn check_attachment(attachment: &Value) -> Vec<String> {
    let mut breaches = Vec::new();
    attachment_rule("attachment", attachment, &mut breaches);
    breaches
}

/// The value of a message's first extended property.
pub(super) fn tag_of(message: &Value) -> Option<String> {
    let value = &message["singleValueExtendedProperties"][0]["value"];
    value.as_str().map(str::to_owned)
}

/// Whether this is a GUID, without braces.
pub fn is_guid(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    let digits = |byte: u8| byte.is_ascii_hexdigit() || byte == b'-';
    lengths.eq([8, 4, 4, 4, 12]) && text.bytes().all(digits)
}

/// Whether this names an extended property: `String {GUID} Name X`, or `String 0x1042` for one that
/// MAPI has a number for.
pub(super) fn is_property_id(id: &str) -> bool {
    let number = id.strip_prefix("String 0x");
    if number.is_some_and(|digits| u16::from_str_radix(digits, 16).is_ok()) {
        return true;
    }
    let guid_and_name = id
        .strip_prefix("String {")
        .and_then(|rest| rest.split_once("} Name "));
    guid_and_name.is_some_and(|(guid, name)| is_guid(guid) && !name.trim().is_empty())
}

fn check_object(
    place: &str,
    value: &Value,
    rules: &[(&str, Rule)],
    needed: &[&str],
    breaches: &mut Vec<String>,
) {
    let Some(object) = value.as_object() else {
        breaches.push(format!("{place} is no object"));
        return;
    };
    for (key, value) in object {
        match rules.iter().find(|(name, _)| name == key) {
            Some((_, rule)) => rule.check(&format!("{place}.{key}"), value, breaches),
            None => breaches.push(format!("unknown key {place}.{key}")),
        }
    }
    let missing = needed.iter().filter(|key| !object.contains_key(**key));
    breaches.extend(missing.map(|key| format!("{place} has no {key}")));
}

fn check_each(
    place: &str,
    value: &Value,
    breaches: &mut Vec<String>,
    check: impl Fn(&str, &Value, &mut Vec<String>),
) {
    let Some(items) = value.as_array() else {
        breaches.push(format!("{place} is no array"));
        return;
    };
    for (number, item) in items.iter().enumerate() {
        check(&format!("{place}[{number}]"), item, breaches);
    }
}

impl Rule {
    fn check(&self, place: &str, value: &Value, breaches: &mut Vec<String>) {
        match self {
            Self::Text if !value.is_string() => breaches.push(format!("{place} is no text")),
            Self::Flag if !value.is_boolean() => breaches.push(format!("{place} is no boolean")),
            Self::Text | Self::Flag => {}
            Self::OneOf(values) => {
                if !value.as_str().is_some_and(|text| values.contains(&text)) {
                    breaches.push(format!("{place} is {value}, not one of {values:?}"));
                }
            }
            Self::Body => {
                check_object(place, value, BODY, &["contentType", "content"], breaches);
            }
            Self::Recipient => recipient_rule(place, value, breaches),
            Self::Recipients => check_each(place, value, breaches, recipient_rule),
            Self::Attachments => check_each(place, value, breaches, attachment_rule),
            Self::Headers => {
                if value.as_array().is_some_and(|all| all.len() > MOST_HEADERS) {
                    breaches.push(format!("{place} has more than {MOST_HEADERS}"));
                }
                check_each(place, value, breaches, header_rule);
            }
            Self::Properties => check_each(place, value, breaches, property_rule),
            Self::Texts => check_each(place, value, breaches, |place, value, breaches| {
                Self::Text.check(place, value, breaches);
            }),
            Self::ReadOnly => breaches.push(format!("{place} is set by Graph alone")),
        }
    }
}

fn recipient_rule(place: &str, value: &Value, breaches: &mut Vec<String>) {
    let Some(object) = value.as_object().filter(|object| object.len() == 1) else {
        breaches.push(format!("{place} is not {{\"emailAddress\": …}}"));
        return;
    };
    let Some(address) = object.get("emailAddress") else {
        breaches.push(format!("{place} has no emailAddress"));
        return;
    };
    let place = format!("{place}.emailAddress");
    check_object(&place, address, ADDRESS, &["address"], breaches);
}

fn attachment_rule(place: &str, value: &Value, breaches: &mut Vec<String>) {
    let needed = ["@odata.type", "name", "contentType", "contentBytes"];
    check_object(place, value, ATTACHMENT, &needed, breaches);
    let bytes = value["contentBytes"].as_str();
    if bytes.is_some_and(|text| STANDARD.decode(text).is_err()) {
        breaches.push(format!("{place}.contentBytes is no base64"));
    }
}

fn header_rule(place: &str, value: &Value, breaches: &mut Vec<String>) {
    check_object(place, value, PAIR, &["name", "value"], breaches);
    let name = value["name"].as_str().unwrap_or_default();
    if !name.to_ascii_lowercase().starts_with("x-") {
        breaches.push(format!(
            "{place}.name is {name:?}, which does not begin with x-"
        ));
    }
}

fn property_rule(place: &str, value: &Value, breaches: &mut Vec<String>) {
    check_object(place, value, PROPERTY, &["id", "value"], breaches);
    let id = value["id"].as_str().unwrap_or_default();
    if !is_property_id(id) {
        breaches.push(format!(
            "{place}.id is {id:?}, neither \"String {{GUID}} Name X\" nor \"String 0x1042\""
        ));
    }
}
