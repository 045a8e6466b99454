//! A message as the fake Exchange keeps it.

use std::sync::Arc;
use std::time::Instant;

use sha2::{Digest, Sha256};

/// Where a message lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Folder {
    Drafts,
    SentItems,
    Inbox,
    Junk,
    Deleted,
}

impl Folder {
    /// The id that fronts give it.
    pub fn id(self) -> &'static str {
        match self {
            Self::Drafts => "folder-drafts",
            Self::SentItems => "folder-sent-items",
            Self::Inbox => "folder-inbox",
            Self::Junk => "folder-junk",
            Self::Deleted => "folder-deleted-items",
        }
    }

    /// The name that people see.
    pub fn name(self) -> &'static str {
        match self {
            Self::Drafts => "Drafts",
            Self::SentItems => "Sent Items",
            Self::Inbox => "Inbox",
            Self::Junk => "Junk Email",
            Self::Deleted => "Deleted Items",
        }
    }
}

/// A file at a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    pub name: String,
    pub content_type: String,
    pub bytes: Arc<[u8]>,
    /// What the HTML calls it, if it stands in it.
    pub content_id: Option<String>,
}

impl Attachment {
    /// The SHA-256 of the contents, in hexadecimal digits.
    pub fn sha256(&self) -> String {
        let digest = Sha256::digest(&self.bytes);
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// What a message says, whoever stores it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewMessage {
    pub from: Option<String>,
    pub to: Vec<String>,
    pub cc: Vec<String>,
    pub bcc: Vec<String>,
    pub reply_to: Vec<String>,
    pub subject: String,
    /// The body, when it is HTML.
    pub html: Option<String>,
    /// The body, when it is plain text.
    pub text: Option<String>,
    pub attachments: Vec<Attachment>,
    pub internet_message_id: Option<String>,
    /// Extended properties of one value: id and value.
    pub properties: Vec<(String, String)>,
    /// Further headers: name and value.
    pub headers: Vec<(String, String)>,
    /// What is asked for.
    pub receipts: AskedReceipts,
}

/// What a message asks for, so that it comes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AskedReceipts {
    pub of_delivery: bool,
    pub of_reading: bool,
}

impl NewMessage {
    /// The value of its first extended property.
    pub fn tag(&self) -> Option<String> {
        self.properties.first().map(|(_, value)| value.clone())
    }
}

/// A message in a mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The immutable id.
    pub id: String,
    /// The mailbox in which it lies.
    pub mailbox: String,
    pub folder: Folder,
    pub from: Option<String>,
    pub to: Vec<String>,
    pub cc: Vec<String>,
    pub bcc: Vec<String>,
    pub reply_to: Vec<String>,
    pub subject: String,
    pub html: Option<String>,
    pub text: Option<String>,
    pub attachments: Vec<Attachment>,
    pub internet_message_id: String,
    /// The value of its first extended property.
    pub tag: Option<String>,
    pub properties: Vec<(String, String)>,
    pub headers: Vec<(String, String)>,
    pub receipts: AskedReceipts,
    /// True until the transport has picked it up.
    pub is_draft: bool,
    /// Whether it was handed to the transport.
    pub is_submitted: bool,
    /// When the transport picked it up.
    pub sent_at: Option<Instant>,
    /// What came in, as it came.
    pub mime: Arc<[u8]>,
}

impl Stored {
    /// Whether it has the class of reports, which Exchange gives to what is built like one.
    pub fn is_report(&self) -> bool {
        let text = String::from_utf8_lossy(&self.mime);
        text.to_ascii_lowercase()
            .contains("content-type: multipart/report")
    }

    /// The message as a recipient gets it: Exchange makes it of what it was given.
    pub fn as_sent(&self) -> Vec<u8> {
        use mail_builder::MessageBuilder;
        let mut builder = MessageBuilder::new()
            .from(self.from.clone().unwrap_or_default())
            .to(self.to.clone())
            .subject(self.subject.clone())
            .message_id(self.internet_message_id.trim_matches(['<', '>']).to_owned());
        for (name, value) in &self.headers {
            let value = mail_builder::headers::raw::Raw::new(value.clone());
            builder = builder.header(name.clone(), value);
        }
        if let Some(html) = &self.html {
            builder = builder.html_body(html.clone());
        }
        if let Some(text) = &self.text {
            builder = builder.text_body(text.clone());
        }
        for file in &self.attachments {
            let (kind, bytes) = (file.content_type.clone(), file.bytes.to_vec());
            builder = match &file.content_id {
                Some(id) => builder.inline(kind, id.clone(), bytes),
                None => builder.attachment(kind, file.name.clone(), bytes),
            };
        }
        builder.write_to_vec().unwrap()
    }

    pub(super) fn new(id: String, mailbox: &str, message_id: String, new: NewMessage) -> Self {
        let tag = new.tag();
        Self {
            mime: Arc::from([]),
            id,
            mailbox: mailbox.to_owned(),
            folder: Folder::Drafts,
            from: new.from,
            to: new.to,
            cc: new.cc,
            bcc: new.bcc,
            reply_to: new.reply_to,
            subject: new.subject,
            html: new.html,
            text: new.text,
            attachments: new.attachments,
            internet_message_id: message_id,
            tag,
            properties: new.properties,
            headers: new.headers,
            receipts: new.receipts,
            is_draft: true,
            is_submitted: false,
            sent_at: None,
        }
    }
}
