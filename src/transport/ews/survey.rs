//! What can be learnt of Exchange and the mailbox without sending a letter.

use super::answer::EwsCredential;
use super::find::{self, is_true};
use super::reading::{Element, Space};
use super::requests::{self, By};
use super::service::EwsService;
use super::words;
use crate::transport::call::{Step, Unrecorded};
use crate::transport::drafts::{DraftMark, probed, unseen};
use crate::transport::{SendError, Survey, one_line};

/// Whether the mailbox is there, and its folders for drafts and copies.
pub(super) fn survey(service: &mut EwsService, copies: bool) -> Result<Survey, SendError> {
    let mut unrecorded = Unrecorded::new();
    let mut trail = unrecorded.trail();
    let operation = requests::folders(service.place.mailbox.as_ref());
    let messages = service.ask(operation, Step::Prepare, &mut trail)?;
    let mut folders = messages.iter().filter_map(|message| {
        let folders = message.child(Space::Messages, "Folders")?;
        folders.children().first()
    });
    let (Some(sent_items), Some(drafts)) = (folders.next(), folders.next()) else {
        return Err(words::incomplete());
    };
    let part = |folder: &Element, name| {
        let text = folder.child(Space::Types, name).map(Element::text);
        one_line(text.unwrap_or("?"))
    };
    let mut survey = Survey::default();
    if let Some(version) = &service.version {
        survey.facts.push(("server", version.clone()));
    }
    survey.facts.push((
        "mailbox",
        format!(
            "{} holds {} messages",
            part(sent_items, "DisplayName"),
            part(sent_items, "TotalCount")
        ),
    ));
    survey.facts.push((
        "letters go",
        "as drafts that are sent by name: reports of any size that the mailbox accepts".into(),
    ));
    if copies {
        survey
            .facts
            .push(("in doubt", "looked up in Sent Items and Drafts".into()));
    } else {
        survey.warnings.push((
            "no copies are kept: a letter in doubt that is not in Drafts any more waits for `postroom resolve`".into(),
            "write `save_in = \"shared\"` to keep them".into(),
        ));
    }
    let may_create = drafts
        .child(Space::Types, "EffectiveRights")
        .and_then(|rights| rights.child(Space::Types, "CreateContents"));
    if may_create.is_some_and(|may| !is_true(may.text())) {
        survey.warnings.push((
            format!("no drafts can be made in {}", part(drafts, "DisplayName")),
            "give the account Full Access on the mailbox".into(),
        ));
    }
    if service.with() == EwsCredential::Token && service.place.is_microsofts() {
        survey.warnings.push((
            "Exchange Online ends EWS on 1 April 2027".into(),
            "change to `transport = \"graph\"` before".into(),
        ));
    }
    Ok(survey)
}

/// What can be seen of a probe that was sent to ourselves; none while it is not there.
pub(super) fn seen(
    service: &mut EwsService,
    copies: bool,
    message_id: &str,
) -> Result<Option<Survey>, SendError> {
    if !copies {
        let remedy = "compare it with the letter in your inbox".to_owned();
        return Ok(Some(unseen(message_id, remedy)));
    }
    let mut unrecorded = Unrecorded::new();
    let mut trail = unrecorded.trail();
    let own = service.place.mailbox.is_none();
    let marked = find::by(
        service,
        By::Mark(DraftMark::Message),
        own,
        message_id,
        &mut trail,
    )?;
    let named = find::by(service, By::MessageId, own, message_id, &mut trail)?;
    Ok(probed(&marked, &named, message_id, "server"))
}
