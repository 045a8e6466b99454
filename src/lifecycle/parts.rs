//! What messages are made of, so that what changed can be named.

use serde::{Deserialize, Serialize};

use super::PlannedMessage;
use crate::digest::ShortDigest;

/// The parts of a message beside its addresses and attachments, by digest. They are the same for a
/// message to some of a letter's addresses only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessageParts {
    /// From and Reply-To.
    pub sender: ShortDigest,
    /// Subject and bodies, the pictures in them, and what else a mail program shows of it.
    pub text: ShortDigest,
    /// What attachments are locked with; none where none is locked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passwords: Option<ShortDigest>,
}

/// Something of a message that is another than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangedPart {
    /// To whom it goes.
    Addresses,
    /// How those are called to whom it goes.
    Names,
    /// The files that are attached.
    Attachments,
    /// What they are locked with.
    Passwords,
    /// Subject or text.
    Text,
    /// From or Reply-To.
    Sender,
    /// Text or sender, or both: an older program planned it, which kept one digest over all.
    TextOrSender,
}

impl ChangedPart {
    /// What people call it.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Addresses => "addresses",
            Self::Names => "names of addressees",
            Self::Attachments => "report",
            Self::Passwords => "password of the report",
            Self::Text => "text",
            Self::Sender => "sender",
            Self::TextOrSender => "text or sender",
        }
    }
}

impl PlannedMessage {
    /// What of it is another than of a message before, as far as is known of both. Where an older
    /// program planned one of them and nothing else differs, it is text or sender.
    #[must_use]
    pub fn changed_since(&self, before: &Self) -> Vec<ChangedPart> {
        let files = |message: &Self| -> Vec<_> {
            let files = message.attachments.iter();
            files
                .map(|file| (file.name.clone(), file.sha256, file.locked))
                .collect()
        };
        let mut changed = Vec::new();
        if self.addresses != before.addresses {
            changed.push(ChangedPart::Addresses);
        }
        if files(self) != files(before) {
            changed.push(ChangedPart::Attachments);
        }
        let rest = match (&self.parts, &before.parts) {
            (Some(now), Some(before)) => {
                let passwords = changed.is_empty() && now.passwords != before.passwords;
                changed.extend(passwords.then_some(ChangedPart::Passwords));
                changed.extend((now.text != before.text).then_some(ChangedPart::Text));
                changed.extend((now.sender != before.sender).then_some(ChangedPart::Sender));
                ChangedPart::Names
            }
            _ => ChangedPart::TextOrSender,
        };
        if changed.is_empty() && self.digest != before.digest {
            changed.push(rest);
        }
        changed
    }
}
