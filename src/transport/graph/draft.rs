//! A letter that is a draft first: it has a name before it goes out, and a name can be sent once only.

use reqwest::Method;

use super::SMALL;
use super::body::{self, BodyParts};
use super::find;
use super::service::{Ask, GraphService};
use super::{upload, words};
use crate::message::Message;
use crate::transport::call::{Step, Trail};
use crate::transport::drafts::{DraftNote, FoundMessage, seen};
use crate::transport::{Answer, Cause, Code, Receipt, SendError, TransportAttempt};

/// Files of this size and above go through an upload session: in base64 they fill a request. The
/// service wants none for files below 3 MB, whichever megabytes it means (Microsoft Graph, "Attach
/// large files to Outlook messages").
const UPLOAD_FROM: usize = 2_970_000;
/// Its answer to a session for a file that it takes in one request.
const TOO_SMALL: &str = "ErrorAttachmentSizeShouldNotBeLessThanMinimumSize";

/// Makes the draft with all its attachments. Whatever stops this leaves nothing sent.
pub(super) fn make(
    service: &mut GraphService,
    own: bool,
    message: &Message,
    attempt: &mut TransportAttempt<'_>,
) -> Result<DraftNote, SendError> {
    let mut note = DraftNote::begun(own);
    note.write(attempt)?;
    let (json, with) = first_request(message)?;
    let draft = create(service, own, &json, &mut Trail::of(attempt))?;
    drop(json);
    if with == BodyParts::Nothing
        && let Err(error) = attach(service, own, &draft.id, message, &mut Trail::of(attempt))
    {
        // Best effort: the next try of this letter looks for what is left behind.
        let _ = remove(service, own, &draft.id, &mut Trail::of(attempt));
        return Err(error);
    }
    note.draft = Some(draft.id);
    note.message_id = draft.internet_message_id;
    note.write(attempt)?;
    Ok(note)
}

/// Sends a draft by its name.
pub(super) fn release(
    service: &mut GraphService,
    note: &DraftNote,
    attempt: &mut TransportAttempt<'_>,
) -> Result<Receipt, SendError> {
    let Some(id) = note.draft.as_deref() else {
        return Err(SendError::Unusable(Answer::new(
            Cause::Draft,
            "there is none",
        )));
    };
    // Written anew for this try, which is the one that a later run finds cut off.
    note.write(attempt)?;
    let ask = Ask {
        method: Method::POST,
        url: service.url(note.own, &["messages", id, "send"]),
        json: None,
        step: Step::Release,
    };
    let failed = match service.ask(&ask, &mut Trail::of(attempt)) {
        Ok(reply) if reply.status == 202 => {
            return Ok(words::receipt(&reply, note.message_id.as_deref()));
        }
        Ok(reply) => SendError::InDoubt(Answer::new(
            Code::status(reply.status),
            "the letter was neither accepted nor refused",
        )),
        Err(error) => error,
    };
    match failed {
        // The draft shows whether it went: a message that is no draft any more was sent.
        SendError::InDoubt(answer) => {
            match find::by_id(service, note.own, id, &mut Trail::of(attempt)) {
                Ok(Some(FoundMessage {
                    is_draft: false, ..
                })) => Ok(seen(None)),
                _ => Err(SendError::InDoubt(answer)),
            }
        }
        SendError::Rejected(answer) => {
            // Best effort: a draft that nobody wants is only in the way.
            let _ = remove(service, note.own, id, &mut Trail::of(attempt));
            Err(SendError::Rejected(answer))
        }
        other => Err(other),
    }
}

/// Removes a draft that will not be sent; false when it was not there.
pub(super) fn remove(
    service: &mut GraphService,
    own: bool,
    id: &str,
    trail: &mut Trail<'_>,
) -> Result<bool, SendError> {
    let ask = Ask {
        method: Method::DELETE,
        url: service.url(own, &["messages", id]),
        json: None,
        step: Step::Prepare,
    };
    service.look(&ask, trail).map(|reply| reply.is_some())
}

/// The request that makes the draft: with the attachments if they fit.
fn first_request(message: &Message) -> Result<(Vec<u8>, BodyParts), SendError> {
    for with in [BodyParts::Attachments, BodyParts::Nothing] {
        if with == BodyParts::Attachments && body::size(message) > 2 * SMALL {
            continue;
        }
        let json = body::draft(message, with).map_err(|error| words::not_written(&error))?;
        if json.len() as u64 <= SMALL {
            return Ok((json, with));
        }
    }
    Err(SendError::Rejected(Answer::new(
        Cause::TooLarge,
        "the letter is too large without its attachments: make its text smaller",
    )))
}

fn create(
    service: &mut GraphService,
    own: bool,
    json: &[u8],
    trail: &mut Trail<'_>,
) -> Result<FoundMessage, SendError> {
    let ask = Ask {
        method: Method::POST,
        url: service.url(own, &["messages"]),
        json: Some(json),
        step: Step::Prepare,
    };
    find::read(&service.ask(&ask, trail)?)
}

fn attach(
    service: &mut GraphService,
    own: bool,
    draft: &str,
    message: &Message,
    trail: &mut Trail<'_>,
) -> Result<(), SendError> {
    for (index, attached) in body::carried(message).enumerate() {
        if attached.contents.len() >= UPLOAD_FROM {
            match upload::attach(service, own, draft, attached, trail) {
                Err(SendError::Rejected(answer)) if answer.code.is_named(TOO_SMALL) => {}
                other => {
                    other?;
                    continue;
                }
            }
        }
        let json = body::attachment(message, index).map_err(|error| words::not_written(&error))?;
        let ask = Ask {
            method: Method::POST,
            url: service.url(own, &["messages", draft, "attachments"]),
            json: Some(&json),
            step: Step::Prepare,
        };
        service.ask(&ask, trail)?;
    }
    Ok(())
}
