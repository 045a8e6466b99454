//! What can be learnt of Microsoft Graph and the mailbox without sending a letter.

use serde::Deserialize;

use super::find;
use super::service::{Ask, GraphService};
use crate::address::Address;
use crate::transport::call::{Trail, Unrecorded};
use crate::transport::drafts::{DraftMark, probed, unseen};
use crate::transport::{SendError, Survey};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Me {
    mail: Option<String>,
    user_principal_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GraphFolder {
    display_name: String,
    total_item_count: u64,
}

/// Who is signed in, what they may, and whether the mailbox is there.
pub(super) fn survey(service: &mut GraphService) -> Result<Survey, SendError> {
    let abilities = service.abilities()?;
    abilities.may_send()?;
    let mut unrecorded = Unrecorded::new();
    let mut trail = unrecorded.trail();
    let mut survey = Survey::default();
    if abilities.is_app {
        // There is no person, and so no `/me`; a letter to itself goes to the mailbox.
        survey.fact("signed in", "as the app itself, without a person");
        survey.own_address.clone_from(&service.place.mailbox);
    } else {
        match get::<Me>(service, true, &[], &mut trail) {
            Ok(me) => {
                survey.fact("signed in", &me.user_principal_name);
                let own_address = me.mail.as_deref().unwrap_or(&me.user_principal_name);
                survey.own_address = Address::parse(own_address).ok();
            }
            // A token that does not say what it allows need not allow this.
            Err(SendError::Unauthorised(_) | SendError::Unusable(_)) if !abilities.is_known => {
                survey.fact("signed in", "with a token that does not say as whom");
            }
            Err(error) => return Err(error),
        }
    }
    if !abilities.is_known {
        survey.fact(
            "allowed",
            "what the token does not name shows by trying: sending with the first letter",
        );
    }
    survey.facts.push((
        "letters go",
        if abilities.drafts {
            "as drafts that are sent by name: reports of any size that the mailbox accepts"
        } else if abilities.is_known {
            "in one request each: up to about 4 MB with the report"
        } else {
            "in one request each up to about 4 MB with the report, and above as drafts, if that is allowed"
        }
        .into(),
    ));
    let what = format!(
        "with the permission {} it could be",
        abilities.scope("Mail.Read")
    );
    if abilities.read {
        let folder: GraphFolder = get(service, false, &["mailFolders", "sentitems"], &mut trail)?;
        let found = format!(
            "{} holds {} messages",
            folder.display_name, folder.total_item_count
        );
        survey.fact("mailbox", &found);
        survey
            .facts
            .push(("in doubt", "looked up in Sent Items and Drafts".into()));
    } else {
        survey.warnings.push((
            "the mailbox could not be looked at: whether it is there, and whether you may send as it, shows with the first letter".into(),
            format!("{what}; `check --online --probe` tries one letter to yourself"),
        ));
        survey.warnings.push((
            "a letter in doubt cannot be looked up: it waits for `postroom resolve`".into(),
            what,
        ));
    }
    Ok(survey)
}

/// What can be seen of a probe that was sent to ourselves; none while it is not there.
pub(super) fn seen(
    service: &mut GraphService,
    message_id: &str,
) -> Result<Option<Survey>, SendError> {
    let abilities = service.abilities()?;
    if !abilities.read {
        let remedy = format!(
            "compare it with the letter in your inbox; with the permission {} this is done here",
            abilities.scope("Mail.Read")
        );
        return Ok(Some(unseen(message_id, remedy)));
    }
    let mut unrecorded = Unrecorded::new();
    let mut trail = unrecorded.trail();
    let marked = find::marked(
        service,
        false,
        "sentitems",
        DraftMark::Message,
        message_id,
        &mut trail,
    )?;
    let named = find::by_message_id(service, false, message_id, &mut trail)?;
    Ok(probed(&marked, &named, message_id, "service"))
}

fn get<T: for<'de> Deserialize<'de>>(
    service: &mut GraphService,
    own: bool,
    path: &[&str],
    trail: &mut Trail<'_>,
) -> Result<T, SendError> {
    let ask = Ask::get(service.url(own, path));
    find::read(&service.ask(&ask, trail)?)
}
