//! Receipts and answers in words of our own.

use super::abilities::Abilities;
use crate::http::HttpReply;
use crate::transport::call::{id, wait};
use crate::transport::{Answer, Cause, Receipt, SendError, one_line};

/// The receipt of a letter that was accepted.
pub(super) fn receipt(reply: &HttpReply, message_id: Option<&str>) -> Receipt {
    let id = reply.header("request-id").map(id).unwrap_or_default();
    let mut text = format!("202 accepted, request {id}");
    if let Some(message_id) = message_id {
        let line = one_line(message_id);
        text.push_str(&format!(", Message-ID {line}"));
    }
    Receipt {
        text,
        wait: wait(reply),
        ..Receipt::default()
    }
}

pub(super) fn too_large(abilities: Abilities) -> Answer {
    Answer::new(
        Cause::TooLarge,
        &format!(
            "the letter is above the 4 MB of one request: the permission {} would allow it",
            abilities.scope("Mail.ReadWrite")
        ),
    )
}

pub(super) fn no_uploads(answer: &Answer) -> Answer {
    Answer::new(
        Cause::NoUploads,
        &format!(
            "the shared mailbox accepts no large attachments from a delegate, a known limit of Microsoft Graph: the permission Mail.ReadWrite would let postroom send them out of the own mailbox of the person who signed in ({})",
            answer.line()
        ),
    )
}

pub(super) fn not_written(error: &serde_json::Error) -> SendError {
    SendError::Rejected(Answer::new(Cause::Json, &error.to_string()))
}
