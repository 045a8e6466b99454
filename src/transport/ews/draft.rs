//! A letter that is a draft first: it has a name before it goes out, and a name can be sent once only.

use super::reading::{Element, Space};
use super::requests::{self, EwsFolder};
use super::service::EwsService;
use super::words;
use crate::message::Message;
use crate::transport::call::{Step, Trail};
use crate::transport::drafts::{DraftNote, Drafts, seen};
use crate::transport::{Receipt, SendError, TransportAttempt};

/// Makes the draft. Whatever stops this leaves nothing sent.
pub(super) fn make(
    service: &mut EwsService,
    message: &Message,
    attempt: &mut TransportAttempt<'_>,
) -> Result<DraftNote, SendError> {
    let mut note = DraftNote::begun(service.place.mailbox.is_none());
    note.write(attempt)?;
    let operation = requests::create(message, service.mailbox(note.own));
    let made = service.ask(operation, Step::Prepare, &mut Trail::of(attempt))?;
    let name = made
        .first()
        .and_then(|made| made.within(Space::Types, "ItemId"))
        .ok_or_else(words::incomplete)?;
    let part = |part| Element::attribute(name, part).map(str::to_owned);
    note.draft = Some(part("Id").ok_or_else(words::incomplete)?);
    note.change_key = part("ChangeKey");
    note.write(attempt)?;
    Ok(note)
}

/// Sends a draft by its name, with a copy or without.
pub(super) fn release(
    service: &mut EwsService,
    copy: bool,
    note: &DraftNote,
    message_id: &str,
    attempt: &mut TransportAttempt<'_>,
) -> Result<Receipt, SendError> {
    let Some(name) = note.draft.as_deref() else {
        return Err(words::incomplete());
    };
    // Written anew for this try, which is the one that a later run finds cut off.
    note.write(attempt)?;
    let copy = copy.then(|| requests::folder(EwsFolder::SentItems, service.mailbox(note.own)));
    let operation = requests::send(name, note.change_key.as_deref(), copy);
    match service.ask(operation, Step::Release, &mut Trail::of(attempt)) {
        Ok(_) => Ok(words::receipt(
            attempt.request_ids.last().map(String::as_str),
        )),
        Err(SendError::InDoubt(answer)) => {
            let trail = &mut Trail::of(attempt);
            went_out(service, note.own, name, message_id, trail)
                .ok()
                .flatten()
                .ok_or(SendError::InDoubt(answer))
        }
        Err(SendError::Rejected(answer)) => {
            // Best effort: a draft that nobody wants is only in the way.
            let _ = service.remove(note.own, name, &mut Trail::of(attempt));
            Err(SendError::Rejected(answer))
        }
        Err(other) => Err(other),
    }
}

/// One look at whether a letter that was just released went out.
fn went_out(
    service: &mut EwsService,
    own: bool,
    name: &str,
    message_id: &str,
    trail: &mut Trail<'_>,
) -> Result<Option<Receipt>, SendError> {
    let found = match service.by_name(own, name, trail)? {
        Some(found) => vec![found],
        None => service.all(own, message_id, trail)?,
    };
    let taken = found.iter().find(|found| found.is_taken());
    Ok(taken.map(|found| seen(Some(found))))
}
