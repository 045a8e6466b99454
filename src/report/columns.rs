//! What the record adds to each row of the dispatch list, whatever it is written as.

use super::Letter;
use crate::lifecycle::LetterState;

/// The columns that are added. Their names cannot be those of a list's own.
pub(super) const ADDED: [&str; 8] = [
    "postroom_state",
    "postroom_sent_to",
    "postroom_changed",
    "postroom_accepted_at",
    "postroom_message_id",
    "postroom_attempts",
    "postroom_attachments_sha256",
    "postroom_error",
];

/// What stands in the added columns of a letter's rows.
pub(super) fn added(letter: &Letter) -> [String; 8] {
    let record = &letter.record;
    let last = record.letter.last_accepted();
    let current = record.letter.sending();
    let attachments = last.or(current).into_iter();
    let digests: Vec<String> = attachments
        .flat_map(|sending| &sending.message.attachments)
        .map(|attachment| crate::digest::hex(&attachment.sha256))
        .collect();
    let message_id = last.or(current).map(|sending| &sending.message.message_id);
    [
        record.state.word().to_owned(),
        sent_to(letter),
        changed(letter),
        last.and_then(|last| last.accepted_at)
            .map(|at| at.to_string())
            .unwrap_or_default(),
        message_id.cloned().unwrap_or_default(),
        record.letter.attempts().to_string(),
        digests.join(" "),
        error(letter),
    ]
}

/// The addresses that it was sent to, as they were written to, whatever the list says today.
fn sent_to(letter: &Letter) -> String {
    letter.record.letter.sent_to().join("; ")
}

/// How what the list asks for differs from what was sent.
fn changed(letter: &Letter) -> String {
    if letter.record.letter.last_accepted().is_none() {
        return String::new();
    }
    let mut changes = letter.record.letter.changes();
    if let Some(listed) = &letter.listed {
        // The list may have been corrected after the last run looked at it.
        let now: Vec<&str> = [&listed.to, &listed.cc, &listed.bcc]
            .into_iter()
            .flatten()
            .map(|mailbox| mailbox.address.as_str())
            .collect();
        changes.of_list(&letter.record.letter, &now);
    }
    let mut words = Vec::new();
    if !changes.new_addresses.is_empty() {
        words.push(format!("new: {}", changes.new_addresses.join(" ")));
    }
    if !changes.former_addresses.is_empty() {
        let former = changes.former_addresses.join(" ");
        words.push(format!("no longer listed: {former}"));
    }
    if changes.attachments {
        words.push("report".to_owned());
    }
    if changes.text {
        words.push("text".to_owned());
    }
    words.join("; ")
}

fn error(letter: &Letter) -> String {
    let record = &letter.record;
    let error = record.letter.error.iter();
    let mut parts: Vec<String> = error
        .filter(|_| record.state != LetterState::Accepted)
        .map(|reply| format!("{}: {}", reply.code, reply.text))
        .collect();
    for address in record.letter.open_addresses() {
        let fate = record.letter.last_written_to(address);
        let fate = fate.and_then(|sending| sending.known_fate(address));
        let Some(fate) = fate else { continue };
        if let Some(returned) = &fate.returned {
            parts.push(format!("bounced for {address}: {}", returned.reason));
        } else if let Some(refusal) = &fate.refusal {
            parts.push(format!("refused for {address}: {}", refusal.in_one_line()));
        }
    }
    parts.join("; ")
}
