//! What can be learnt of Exchange and the mailbox without sending a letter.

use super::answer::With;
use super::find::{self, is_true};
use super::reading::{Element, Space};
use super::requests::{self, By};
use super::service::Service;
use super::words;
use crate::transport::call::{Step, Trail};
use crate::transport::{Answer, SendError, Survey, new_trace};

/// Whether the mailbox is there, and its folders for drafts and copies.
pub(super) fn survey(service: &mut Service, copies: bool) -> Result<Survey, SendError> {
    let (trace, mut request_ids) = (new_trace(), Vec::new());
    let mut trail = Trail {
        trace: &trace,
        request_ids: &mut request_ids,
    };
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
        Answer::new("", text.unwrap_or("?")).text
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
        "as drafts that are sent by name: reports of any size that the mailbox takes".into(),
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
    if service.with() == With::Token && service.place.is_microsofts() {
        survey.warnings.push((
            "Exchange Online ends EWS on 1 April 2027".into(),
            "change to `transport = \"graph\"` before".into(),
        ));
    }
    Ok(survey)
}

/// What can be seen of a probe that was sent to ourselves; none while it is not there.
pub(super) fn seen(
    service: &mut Service,
    copies: bool,
    message_id: &str,
) -> Result<Option<Survey>, SendError> {
    let mut survey = Survey::default();
    if !copies {
        survey.warnings.push((
            format!("the probe could not be looked at: its Message-ID should be <{message_id}>"),
            "compare it with the letter in your inbox".into(),
        ));
        return Ok(Some(survey));
    }
    let (trace, mut request_ids) = (new_trace(), Vec::new());
    let mut trail = Trail {
        trace: &trace,
        request_ids: &mut request_ids,
    };
    let own = service.place.mailbox.is_none();
    let marked = find::by(service, By::Mark, own, message_id, &mut trail)?;
    let named = find::by(service, By::MessageId, own, message_id, &mut trail)?;
    let sent = marked.iter().chain(&named).find(|found| !found.is_draft);
    let Some(sent) = sent else {
        return Ok(None);
    };
    survey.facts.push((
        "mark",
        if marked.is_empty() {
            "lost: letters in doubt are looked up by Message-ID alone"
        } else {
            "kept: letters in doubt are found by it"
        }
        .into(),
    ));
    let kept = format!("<{message_id}>");
    survey.facts.push((
        "Message-ID",
        match sent.internet_message_id.as_deref() {
            Some(given) if given == kept => "kept as postroom wrote it".into(),
            Some(given) => format!("replaced by the server: {}", Answer::new("", given).text),
            None => "not told".into(),
        },
    ));
    Ok(Some(survey))
}
