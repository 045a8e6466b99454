//! Receipts and answers in words of our own.

use super::abilities::Abilities;
use super::answer;
use super::find::Found;
use crate::http::Reply;
use crate::transport::{Answer, Receipt, SendError};

/// The receipt of a letter that was accepted.
pub(super) fn receipt(reply: &Reply, message_id: Option<&str>) -> Receipt {
    let id = reply
        .header("request-id")
        .map(answer::id)
        .unwrap_or_default();
    let mut text = format!("202 accepted, request {id}");
    if let Some(message_id) = message_id {
        let line = Answer::new("", message_id).text;
        text.push_str(&format!(", Message-ID {line}"));
    }
    Receipt {
        text,
        wait: answer::wait(reply),
        ..Receipt::default()
    }
}

/// The receipt of a letter that was found to have gone out.
pub(super) fn seen(found: Option<&Found>) -> Receipt {
    let at = found.and_then(|found| found.sent_date_time.as_deref());
    let text = match at {
        Some(at) => format!("found in the mailbox, sent {at}"),
        None => "found in the mailbox, sent".to_owned(),
    };
    Receipt {
        text: Answer::new("", &text).text,
        ..Receipt::default()
    }
}

pub(super) fn on_its_way() -> Answer {
    Answer::new(
        "in Drafts",
        "the mailbox has the letter and has not sent it yet: look there again later",
    )
}

pub(super) fn too_large(abilities: Abilities) -> Answer {
    Answer::new(
        "too large",
        &format!(
            "the letter is above the 4 MB of one request: the permission {} would allow it",
            abilities.scope("Mail.ReadWrite")
        ),
    )
}

pub(super) fn no_uploads(answer: &Answer) -> Answer {
    Answer::new(
        "no uploads",
        &format!(
            "the shared mailbox takes no large attachments from a delegate, a known limit of Microsoft Graph: the permission Mail.ReadWrite would let postroom send them out of the own mailbox of the person who signed in ({})",
            answer.text
        ),
    )
}

pub(super) fn not_written(error: &serde_json::Error) -> SendError {
    SendError::Rejected(Answer::new("json", &error.to_string()))
}
