//! Receipts and errors in words of our own.

use super::soap::IllegalCharacter;
use crate::transport::{Answer, Cause, Code, Receipt, SendError};

/// The receipt of a letter that was accepted.
pub(super) fn receipt(request_id: Option<&str>) -> Receipt {
    let text = match request_id {
        Some(id) => format!("accepted by Exchange, request {id}"),
        None => "accepted by Exchange".to_owned(),
    };
    Receipt {
        text,
        ..Receipt::default()
    }
}

/// An answer that is a success and lacks what it must have.
pub(super) fn incomplete() -> SendError {
    SendError::Transient {
        answer: Answer::new(
            Code::status(200),
            "the answer of Exchange lacks what was asked for",
        ),
        everyone: true,
    }
}

/// A letter that cannot be written as XML.
pub(super) fn not_written(illegal: &IllegalCharacter) -> SendError {
    let code = u32::from(illegal.0);
    SendError::Rejected(Answer::new(
        Cause::Xml,
        &format!(
            "an address or name of the letter holds the character U+{code:04X}, which XML cannot carry: take it out"
        ),
    ))
}
