//! One letter in the list of the gallery.

use std::num::NonZeroU32;

use serde::Serialize;

use super::folder::PreviewFolder;
use crate::address::Mailbox;
use crate::config::Importance;
use crate::digest::hex;
use crate::finding::{Finding, Severity};
use crate::letter::Verdict;
use crate::message::Message;
use crate::plan::PlannedLetter;

/// A letter.
#[derive(Serialize)]
pub(super) struct GalleryRow {
    id: String,
    name: String,
    /// The name of its files.
    file: String,
    subject: String,
    from: String,
    reply_to: Option<String>,
    to: Vec<String>,
    cc: Vec<String>,
    bcc: Vec<String>,
    message_id: String,
    bytes: usize,
    attachments: Vec<FileRow>,
    importance: Option<&'static str>,
    in_reply_to: Option<String>,
    headers: Vec<String>,
    warnings: Vec<Warning>,
}

#[derive(Serialize)]
struct FileRow {
    name: String,
    /// The address of the file on the disk.
    link: String,
    bytes: u64,
    sha256: String,
    pages: Option<NonZeroU32>,
    locked: bool,
    proof: Option<ShownProof>,
}

/// What the proofs found of a file, and the colour it is shown in.
#[derive(Serialize)]
struct ShownProof {
    text: &'static str,
    kind: &'static str,
}

#[derive(Serialize)]
struct Warning {
    severity: Severity,
    place: String,
    text: String,
    next_step: String,
}

impl GalleryRow {
    pub(super) fn of(
        message: &Message,
        planned: &PlannedLetter,
        file: &str,
        bytes: usize,
        folder: &PreviewFolder,
        findings: &[Finding],
    ) -> Self {
        let letter = message.letter();
        let files = letter.attachments.iter().zip(&planned.attachments);
        Self {
            id: letter.id.clone(),
            name: letter.name.clone(),
            file: file.to_owned(),
            subject: letter.subject.to_string(),
            from: letter.from.to_string(),
            reply_to: letter.reply_to.as_ref().map(Mailbox::to_string),
            to: list(&letter.to),
            cc: list(&letter.cc),
            bcc: list(&letter.bcc),
            message_id: message.message_id.clone(),
            bytes,
            attachments: files
                .map(|(attachment, planned)| FileRow {
                    name: planned.name.to_string(),
                    link: folder.link_to(&attachment.path),
                    bytes: planned.bytes,
                    sha256: hex(&planned.sha256),
                    pages: planned.pages,
                    locked: planned.locked,
                    proof: shown(planned.verdict),
                })
                .collect(),
            importance: letter.extras.importance.map(Importance::word),
            in_reply_to: letter.extras.in_reply_to.clone(),
            headers: letter
                .extras
                .headers
                .iter()
                .map(|(name, value)| format!("{name}: {value}"))
                .collect(),
            warnings: findings
                .iter()
                .filter(|finding| finding.id.as_deref() == Some(&letter.id))
                .map(|finding| Warning {
                    severity: finding.severity,
                    place: finding.place(),
                    text: finding.text.clone(),
                    next_step: finding.next_step.clone(),
                })
                .collect(),
        }
    }
}

/// A verdict in words; none where nothing was asked.
fn shown(verdict: Verdict) -> Option<ShownProof> {
    let (text, kind) = match verdict {
        Verdict::Unasked => return None,
        Verdict::Confirmed => ("shows its recipient", "good"),
        Verdict::Contradicted => ("shows another recipient", "warn"),
        Verdict::Ambiguous => ("shows nothing of its recipient alone", "warn"),
        Verdict::Silent => ("names no recipient", "warn"),
        Verdict::Unreadable => ("its text cannot be read", "warn"),
    };
    Some(ShownProof { text, kind })
}

fn list(mailboxes: &[Mailbox]) -> Vec<String> {
    mailboxes.iter().map(Mailbox::to_string).collect()
}
