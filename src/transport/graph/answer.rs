//! What an answer of Microsoft Graph means for the letter in hand.
//!
//! Codes: Microsoft Graph, "Error responses and resource types", and the response codes of Exchange
//! that it passes on. The code decides, never the words.

use serde_json::Value;

use crate::http::HttpReply;
use crate::transport::call::{Step, id, wait};
use crate::transport::{Answer, Code, SendError};

/// An error as Microsoft Graph writes it, or what can be read of one.
#[derive(Default)]
struct Error {
    code: String,
    message: String,
}

impl Error {
    fn read(reply: &HttpReply) -> Self {
        let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        let text = |name: &str| body["error"][name].as_str().unwrap_or_default().to_owned();
        Self {
            code: text("code"),
            message: text("message"),
        }
    }
}

/// What an answer that is not a success means.
pub(super) fn meaning(reply: &HttpReply, step: Step) -> SendError {
    let error = Error::read(reply);
    let said = said(reply, &error);
    // A draft that is gone, or is none any more, may have been sent by an earlier request.
    if step == Step::Release
        && ["ErrorItemNotFound", "ErrorInvalidOperation"].contains(&&*error.code)
    {
        return SendError::InDoubt(said);
    }
    if let Some(known) = known(&error.code, reply, &said) {
        return known;
    }
    let is_json = !error.code.is_empty();
    match reply.status {
        429 => SendError::Throttled {
            wait: wait(reply),
            answer: said,
        },
        // A server that names a time, or a letter that can go out once only, may be asked again.
        503 if step != Step::Send || reply.header("retry-after").is_some() => {
            SendError::Throttled {
                wait: wait(reply),
                answer: said,
            }
        }
        401 => SendError::Unauthorised(said.with(
            "run `postroom login`; if it asks for more, your organisation wants you to sign in again",
        )),
        408 | 409 | 412 | 423 | 500..=599 if step == Step::Prepare => SendError::Transient {
            answer: said,
            everyone: reply.status >= 500,
        },
        500..=599 => SendError::InDoubt(said),
        413 => SendError::Rejected(said.with("the letter is too large for one request")),
        400 | 409 | 422 if is_json => SendError::Rejected(said),
        _ => SendError::Unusable(said.with("this answer is not one that postroom knows")),
    }
}

/// Whether an answer says that the message asked for is not there. The name of a message that
/// Exchange Web Services made names none here.
pub(super) fn is_item_missing(reply: &HttpReply) -> bool {
    matches!(
        &*Error::read(reply).code,
        "ErrorItemNotFound" | "ErrorInvalidIdMalformed"
    )
}

/// Codes with a meaning of their own, whatever the status they come with.
fn known(code: &str, reply: &HttpReply, said: &Answer) -> Option<SendError> {
    let stop = |next_step: &str| Some(SendError::Unusable(said.clone().with(next_step)));
    match code {
        "ErrorSendAsDenied" => stop(
            "the person who signed in may not send as this mailbox: ask for the right Send As (or Send on Behalf) on it",
        ),
        "ErrorAccessDenied" | "Authorization_RequestDenied" | "accessDenied" => stop(
            "a permission of the sign-in or a right on the mailbox is missing: `postroom whoami` lists the permissions; the mailbox needs Full Access and Send As",
        ),
        "ErrorExceededMessageLimit" => {
            stop("the mailbox has sent as much as it may in 24 hours: wait until tomorrow")
        }
        "ErrorMessageSubmissionBlocked" => stop(
            "the account is blocked from sending: an administrator finds it under Restricted entities in the Defender portal",
        ),
        "ErrorQuotaExceeded" => {
            stop("the mailbox is full, or has no room for our mark: make room in it")
        }
        "MailboxNotEnabledForRESTAPI" => stop(
            "the mailbox is not one of Exchange Online: correct send_emails_as, or use another transport",
        ),
        "ErrorInvalidUser"
        | "ErrorNonExistentMailbox"
        | "ResourceNotFound"
        | "Request_ResourceNotFound" => {
            stop("there is no such mailbox: correct send_emails_as in the secrets file")
        }
        "insufficient_claims" => Some(SendError::Unauthorised(
            said.clone()
                .with("your organisation asks for a new sign-in: run `postroom login`"),
        )),
        "ErrorInvalidRecipients" | "ErrorMessageSizeExceeded" | "RequestBodyRead" => {
            Some(SendError::Rejected(said.clone()))
        }
        "ErrorServerBusy" if reply.status < 500 => Some(SendError::Throttled {
            wait: wait(reply),
            answer: said.clone(),
        }),
        _ => None,
    }
}

/// The answer in one line: the code and words of the service, else the status alone, since a page
/// from something in between says nothing to anybody.
fn said(reply: &HttpReply, error: &Error) -> Answer {
    if error.code.is_empty() {
        let what = match reply.header("content-type") {
            _ if reply.body.is_empty() => "an empty answer".to_owned(),
            Some(kind) => format!("an answer that is not Microsoft Graph's ({kind})"),
            None => "an answer that is not Microsoft Graph's".to_owned(),
        };
        return Answer::new(Code::status(reply.status), &what);
    }
    let code = Code::Http {
        status: reply.status,
        name: Some(id(&error.code)),
    };
    Answer::new(code, &error.message)
}

#[cfg(test)]
mod tests;
