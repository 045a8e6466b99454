//! The few operations that are asked for. The order of elements is the schema's (MS-OXWSCORE,
//! MS-OXWSMSG, MS-OXWSSRCH, MS-OXWSFOLD).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use super::soap::Tag;
use crate::address::{Address, HeaderText, Mailbox};
use crate::message::Message;
use crate::transport::drafts::{DraftMark, MARK_SET, marks};
use crate::transport::incoming::ListedClass;

/// The folders that we work in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EwsFolder {
    Drafts,
    SentItems,
    Inbox,
    Junk,
}

/// What a letter is looked for by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    Mark(DraftMark),
    MessageId,
}

/// Makes a draft of the letter in a mailbox; none is that of whoever asks. Recipients in Bcc are not
/// in the MIME, so they are named beside it.
pub(super) fn create(message: &Message, mailbox: Option<&Address>) -> Tag {
    let letter = message.letter();
    let mut inside = vec![
        Tag::new("t:MimeContent")
            .with("CharacterSet", "UTF-8")
            .text(STANDARD.encode(message.mime())),
    ];
    inside.extend(marks(message).map(|(mark, value)| {
        Tag::new("t:ExtendedProperty").holding([property(mark), Tag::new("t:Value").text(value)])
    }));
    if !letter.bcc.is_empty() {
        inside.push(Tag::new("t:BccRecipients").holding(letter.bcc.iter().map(person)));
    }
    for (name, is_asked) in [
        ("t:IsReadReceiptRequested", message.receipts().of_reading()),
        (
            "t:IsDeliveryReceiptRequested",
            message.receipts().of_delivery(),
        ),
    ] {
        inside.extend(is_asked.then(|| Tag::new(name).text("true")));
    }
    // Always said: without it letters could go out in the name of the person who signed in.
    inside.push(Tag::new("t:From").holding([person(&letter.from)]));
    Tag::new("m:CreateItem")
        .with("MessageDisposition", "SaveOnly")
        .holding([
            Tag::new("m:SavedItemFolderId").holding([folder(EwsFolder::Drafts, mailbox)]),
            Tag::new("m:Items").holding([Tag::new("t:Message").holding(inside)]),
        ])
}

/// Sends a draft. The folder of the copy must name its mailbox: without that the copy stays in
/// Drafts; and without a copy no folder may be named (Microsoft, EWS reference, `SendItem`).
pub(super) fn send(name: &str, change_key: Option<&str>, copy: Option<Tag>) -> Tag {
    let mut item = Tag::new("t:ItemId").with("Id", name);
    if let Some(change_key) = change_key {
        item = item.with("ChangeKey", change_key);
    }
    Tag::new("m:SendItem")
        .with("SaveItemToFolder", copy.is_some().to_string())
        .holding([Tag::new("m:ItemIds").holding([item])])
        .holding(copy.map(|folder| Tag::new("m:SavedItemFolderId").holding([folder])))
}

/// What is known of a message.
pub(super) fn get(name: &str) -> Tag {
    Tag::new("m:GetItem").holding([shape(), item_ids(name)])
}

/// The messages of Sent Items and Drafts that have a mark or Message-ID: one answer for each folder.
pub(super) fn find(by: By, value: &str, mailbox: Option<&Address>) -> Tag {
    let (field, value) = match by {
        By::Mark(mark) => (property(mark), value.to_owned()),
        By::MessageId => (
            Tag::new("t:FieldURI").with("FieldURI", "message:InternetMessageId"),
            format!("<{value}>"),
        ),
    };
    let constant =
        Tag::new("t:FieldURIOrConstant").holding([Tag::new("t:Constant").with("Value", value)]);
    Tag::new("m:FindItem")
        .with("Traversal", "Shallow")
        .holding([
            shape(),
            Tag::new("m:IndexedPageItemView")
                .with("MaxEntriesReturned", "10")
                .with("Offset", "0")
                .with("BasePoint", "Beginning"),
            Tag::new("m:Restriction").holding([Tag::new("t:IsEqualTo").holding([field, constant])]),
            Tag::new("m:ParentFolderIds").holding([
                folder(EwsFolder::SentItems, mailbox),
                folder(EwsFolder::Drafts, mailbox),
            ]),
        ])
}

/// The messages of a folder that came since a moment, so many from a place on.
pub(super) fn find_received(
    from: EwsFolder,
    since: Timestamp,
    class: ListedClass,
    (offset, count): (usize, usize),
    mailbox: Option<&Address>,
) -> Tag {
    let since = since.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let constant =
        Tag::new("t:FieldURIOrConstant").holding([Tag::new("t:Constant").with("Value", since)]);
    let received = Tag::new("t:FieldURI").with("FieldURI", "item:DateTimeReceived");
    let id = Tag::new("t:FieldURI").with("FieldURI", "message:InternetMessageId");
    let is_new = Tag::new("t:IsGreaterThanOrEqualTo").holding([received, constant]);
    let restriction = match class {
        ListedClass::All => is_new,
        ListedClass::Reports => {
            let class = Tag::new("t:FieldURI").with("FieldURI", "item:ItemClass");
            let reports = Tag::new("t:Constant").with("Value", "REPORT.");
            let is_report = Tag::new("t:Contains")
                .with("ContainmentMode", "Prefixed")
                .with("ContainmentComparison", "IgnoreCase")
                .holding([class, reports]);
            Tag::new("t:And").holding([is_new, is_report])
        }
    };
    Tag::new("m:FindItem")
        .with("Traversal", "Shallow")
        .holding([
            Tag::new("m:ItemShape").holding([
                Tag::new("t:BaseShape").text("IdOnly"),
                Tag::new("t:AdditionalProperties").holding([id]),
            ]),
            Tag::new("m:IndexedPageItemView")
                .with("MaxEntriesReturned", count.to_string())
                .with("Offset", offset.to_string())
                .with("BasePoint", "Beginning"),
            Tag::new("m:Restriction").holding([restriction]),
            Tag::new("m:ParentFolderIds").holding([folder(from, mailbox)]),
        ])
}

/// A message as it came.
pub(super) fn get_mime(name: &str) -> Tag {
    Tag::new("m:GetItem").holding([
        Tag::new("m:ItemShape").holding([
            Tag::new("t:BaseShape").text("IdOnly"),
            Tag::new("t:IncludeMimeContent").text("true"),
        ]),
        item_ids(name),
    ])
}

/// Removes a message for good: a letter that nobody wants is no use to anybody.
pub(super) fn delete(name: &str) -> Tag {
    Tag::new("m:DeleteItem")
        .with("DeleteType", "HardDelete")
        .holding([item_ids(name)])
}

/// What is known of the folders that we work in: one answer for each.
pub(super) fn folders(mailbox: Option<&Address>) -> Tag {
    let effective_rights = Tag::new("t:FieldURI").with("FieldURI", "folder:EffectiveRights");
    Tag::new("m:GetFolder").holding([
        Tag::new("m:FolderShape").holding([
            Tag::new("t:BaseShape").text("Default"),
            Tag::new("t:AdditionalProperties").holding([effective_rights]),
        ]),
        Tag::new("m:FolderIds").holding([
            folder(EwsFolder::SentItems, mailbox),
            folder(EwsFolder::Drafts, mailbox),
        ]),
    ])
}

/// A folder by the name that it has in every mailbox, whatever its language.
pub(super) fn folder(folder: EwsFolder, mailbox: Option<&Address>) -> Tag {
    let id = match folder {
        EwsFolder::Drafts => "drafts",
        EwsFolder::SentItems => "sentitems",
        EwsFolder::Inbox => "inbox",
        EwsFolder::Junk => "junkemail",
    };
    Tag::new("t:DistinguishedFolderId")
        .with("Id", id)
        .holding(mailbox.map(|mailbox| {
            Tag::new("t:Mailbox").holding([Tag::new("t:EmailAddress").text(mailbox.as_str())])
        }))
}

fn person(mailbox: &Mailbox) -> Tag {
    let name = mailbox.name.as_ref().map(HeaderText::as_str);
    Tag::new("t:Mailbox")
        .holding(name.map(|name| Tag::new("t:Name").text(name)))
        .holding([Tag::new("t:EmailAddress").text(mailbox.address.as_str())])
}

fn item_ids(name: &str) -> Tag {
    Tag::new("m:ItemIds").holding([Tag::new("t:ItemId").with("Id", name)])
}

/// The property of a mark.
fn property(mark: DraftMark) -> Tag {
    Tag::new("t:ExtendedFieldURI")
        .with("PropertySetId", MARK_SET)
        .with("PropertyName", mark.name())
        .with("PropertyType", "String")
}

fn shape() -> Tag {
    let fields = [
        "item:IsSubmitted",
        "item:IsDraft",
        "item:DateTimeSent",
        "message:InternetMessageId",
    ];
    Tag::new("m:ItemShape").holding([
        Tag::new("t:BaseShape").text("IdOnly"),
        Tag::new("t:AdditionalProperties").holding(
            fields
                .into_iter()
                .map(|field| Tag::new("t:FieldURI").with("FieldURI", field)),
        ),
    ])
}
