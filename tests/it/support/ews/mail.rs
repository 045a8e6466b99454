//! A letter as it comes in MIME, with what stands beside it.

use mail_parser::{Address, MessageParser, MimeHeaders};

use super::super::exchange::{AskedReceipts, Attachment, NewMessage};
use super::xml::Node;

/// Elements of a message, in the order of the schema (MS-OXWSCORE, MS-OXWSMSG).
const ORDER: [&str; 11] = [
    "MimeContent",
    "ItemClass",
    "Subject",
    "ExtendedProperty",
    "Sender",
    "ToRecipients",
    "CcRecipients",
    "BccRecipients",
    "IsReadReceiptRequested",
    "IsDeliveryReceiptRequested",
    "From",
];

/// The message to store, or what is wrong with it.
pub(super) fn read(message: &Node, mime: &[u8]) -> Result<NewMessage, String> {
    check_order(message)?;
    let parsed = MessageParser::new()
        .parse(mime)
        .ok_or("the MIME cannot be read")?;
    if parsed.bcc().is_some() {
        return Err("Bcc is in the MIME".into());
    }
    let from = addresses(parsed.from());
    let said = boxes(message.child("From"));
    if from != said || from.len() != 1 {
        return Err(format!("From is {said:?}, and {from:?} in the MIME"));
    }
    let attachments = parsed.attachments().map(|part| Attachment {
        name: part.attachment_name().unwrap_or_default().to_owned(),
        content_type: part.content_type().map_or(String::new(), |kind| {
            format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or_default())
        }),
        bytes: part.contents().into(),
        content_id: part.content_id().map(str::to_owned),
    });
    Ok(NewMessage {
        from: from.into_iter().next(),
        to: addresses(parsed.to()),
        cc: addresses(parsed.cc()),
        bcc: boxes(message.child("BccRecipients")),
        reply_to: addresses(parsed.reply_to()),
        subject: parsed.subject().unwrap_or_default().to_owned(),
        html: parsed.body_html(0).map(|html| html.into_owned()),
        text: parsed.body_text(0).map(|text| text.into_owned()),
        attachments: attachments.collect(),
        internet_message_id: parsed.message_id().map(|id| format!("<{id}>")),
        properties: message
            .children
            .iter()
            .filter(|child| child.name == "ExtendedProperty")
            .filter_map(property)
            .collect(),
        headers: parsed
            .headers_raw()
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect(),
        receipts: AskedReceipts {
            of_delivery: is_true(message, "IsDeliveryReceiptRequested"),
            of_reading: is_true(message, "IsReadReceiptRequested"),
        },
    })
}

fn is_true(message: &Node, name: &str) -> bool {
    message.child(name).is_some_and(|flag| flag.text == "true")
}

fn check_order(message: &Node) -> Result<(), String> {
    let mut last = 0;
    for name in message.names() {
        let place = ORDER.iter().position(|other| *other == name);
        let place = place.ok_or_else(|| format!("{name} is not looked for in a message"))?;
        if place < last {
            return Err(format!("{name} comes too late"));
        }
        last = place;
    }
    Ok(())
}

fn property(node: &Node) -> Option<(String, String)> {
    let (id, value) = (node.child("ExtendedFieldURI")?, node.child("Value")?);
    Some((property_id(id)?, value.text.clone()))
}

/// The name of an extended property, as the store has it.
pub(super) fn property_id(uri: &Node) -> Option<String> {
    let part = |name| uri.attribute(name);
    Some(format!(
        "{} {{{}}} Name {}",
        part("PropertyType")?,
        part("PropertySetId")?,
        part("PropertyName")?
    ))
}

fn boxes(around: Option<&Node>) -> Vec<String> {
    let boxes = around.into_iter().flat_map(|around| &around.children);
    boxes
        .filter_map(|mailbox| mailbox.child("EmailAddress"))
        .map(|address| address.text.clone())
        .collect()
}

fn addresses(address: Option<&Address<'_>>) -> Vec<String> {
    let addresses = address.into_iter().flat_map(|address| address.iter());
    addresses
        .filter_map(|one| one.address().map(str::to_owned))
        .collect()
}
