//! Exchange Online through Microsoft Graph, version 1.0.
//!
//! With the permissions that the study has, a letter is one request, `sendMail`: whether a request
//! that got no answer went out, nobody can know. With `Mail.Read.Shared` it can be looked up; with
//! `Mail.ReadWrite.Shared` a letter is a draft first, whose name is in the ledger before it is sent,
//! and large attachments are possible. What the sign-in allows is read from the token.

mod abilities;
mod answer;
mod body;
mod draft;
mod find;
mod incoming;
mod service;
mod survey;
mod traces;
mod upload;
mod words;

use std::sync::Arc;

use reqwest::Method;

use self::abilities::Abilities;
pub(super) use self::incoming::incoming;
use self::service::{Ask, GraphService};
pub(super) use self::traces::tracing;
use super::call::{Step, Trail, describe};
use super::drafts::{Became, DraftNote, became, discard, find_report, look_up, on_its_way, seen};
use super::{
    Answer, Bearer, Code, Doubt, Largest, LookUp, Receipt, SendError, Survey, Transport,
    TransportAttempt,
};
use crate::config::{GraphSettings, SaveIn, Secrets};
use crate::finding::Finding;
use crate::http::HttpReply;
use crate::message::Message;

/// The longest request. The service takes about 4 MB, and what stands around the letter counts too
/// (Microsoft Graph, "Attach large files to Outlook messages").
const SMALL: u64 = 3_980_000;

/// What an answer that is not a success means, and what is read of one that is.
pub(super) fn tried(reply: &HttpReply, step: Step) -> SendError {
    let _ = find::read::<serde_json::Value>(reply);
    answer::meaning(reply, step)
}

pub(super) fn open(
    secrets: &Secrets,
    bearer: &Arc<dyn Bearer>,
) -> Result<Box<dyn Transport>, Finding> {
    Ok(Box::new(Graph {
        service: service(secrets, bearer, secrets.graph.get()?.save_in)?,
        in_own: false,
    }))
}

/// The service in the mailbox that a value of `save_in` means.
fn service(
    secrets: &Secrets,
    bearer: &Arc<dyn Bearer>,
    save_in: SaveIn,
) -> Result<GraphService, Finding> {
    let settings = GraphSettings {
        save_in,
        ..secrets.graph.get()?.clone()
    };
    let place = settings
        .place(&secrets.sign_in, secrets.send_emails_as.as_ref())
        .map_err(Finding::from)?;
    GraphService::new(place, bearer, settings.silence).map_err(|failure| {
        Finding::fault(
            format!("the connection to Microsoft Graph cannot be prepared: {failure}"),
            "check the certificates of this machine",
        )
    })
}

struct Graph {
    service: GraphService,
    /// Whether drafts are made in the person's own mailbox, since the shared one takes no uploads.
    in_own: bool,
}

impl Transport for Graph {
    fn describe(&self) -> String {
        let place = &self.service.place;
        describe("graph", &place.url, place.mailbox.as_ref())
    }

    /// Letters go as JSON.
    fn takes_mime(&self) -> bool {
        false
    }

    fn send(
        &mut self,
        message: &Message,
        attempt: &mut TransportAttempt<'_>,
    ) -> Result<Receipt, SendError> {
        let abilities = self.service.abilities()?;
        abilities.may_send()?;
        if abilities.drafts {
            discard(&mut self.service, attempt)?;
        }
        if let Some(earlier) = attempt.earlier.take()
            && abilities.read
        {
            let note = DraftNote::read(earlier.note.as_deref());
            let trail = &mut Trail::of(attempt);
            match became(&mut self.service, note, &message.message_id, trail)? {
                Became::Sent(found) => return Ok(seen(Some(&found))),
                Became::Ready(note) => return draft::release(&mut self.service, &note, attempt),
                Became::OnItsWay => return Err(SendError::InDoubt(on_its_way())),
                Became::Nothing { .. } => {}
            }
        }
        if abilities.drafts {
            self.send_as_draft(abilities, message, attempt)
        } else {
            self.send_as_it_is(abilities, message, attempt)
        }
    }

    fn look_up(&mut self, doubt: &Doubt<'_>) -> Result<LookUp, SendError> {
        if !self.service.abilities()?.read {
            return Ok(LookUp::Unknown);
        }
        look_up(&mut self.service, doubt, true)
    }

    fn find_report(&mut self, report_mark: &str) -> Result<LookUp, SendError> {
        if !self.service.abilities()?.read {
            return Ok(LookUp::Unknown);
        }
        find_report(&mut self.service, report_mark)
    }

    fn largest(&mut self) -> Result<Option<Largest>, SendError> {
        let abilities = self.service.abilities()?;
        abilities.may_send()?;
        let is_bound = !abilities.drafts && abilities.is_known;
        Ok(is_bound.then(|| Largest {
            who: "the sign-in",
            bytes: SMALL,
            remedy: format!(
                "add the delegated permission {} to the app registration and run `postroom login` again, or make the report smaller",
                abilities.scope("Mail.ReadWrite")
            ),
        }))
    }

    fn survey(&mut self) -> Result<Survey, SendError> {
        survey::survey(&mut self.service)
    }

    fn seen(&mut self, message_id: &str) -> Result<Option<Survey>, SendError> {
        survey::seen(&mut self.service, message_id)
    }
}

impl Graph {
    /// One request that sends the letter. It is not repeated unless it certainly sent nothing.
    fn send_as_it_is(
        &mut self,
        abilities: Abilities,
        message: &Message,
        attempt: &mut TransportAttempt<'_>,
    ) -> Result<Receipt, SendError> {
        let json = body::send_mail(message).map_err(|error| words::not_written(&error))?;
        if json.len() as u64 > SMALL {
            let too_large = || SendError::Rejected(words::too_large(abilities));
            if abilities.is_known {
                return Err(too_large());
            }
            // The token does not say whether drafts are allowed.
            return match self.send_as_draft(abilities, message, attempt) {
                Err(SendError::Unauthorised(answer) | SendError::Unusable(answer))
                    if answer.code.is_status(403) =>
                {
                    Err(too_large())
                }
                tried => tried,
            };
        }
        let ask = Ask {
            method: Method::POST,
            url: self.service.url(false, &["sendMail"]),
            json: Some(&json),
            step: Step::Send,
        };
        let answer = match self.service.ask(&ask, &mut Trail::of(attempt)) {
            Ok(reply) if reply.status == 202 => return Ok(words::receipt(&reply, None)),
            Ok(reply) => Answer::new(
                Code::status(reply.status),
                "the letter was neither accepted nor refused",
            ),
            Err(SendError::InDoubt(answer)) => answer,
            Err(other) => return Err(other),
        };
        let trail = &mut Trail::of(attempt);
        if abilities.read
            && let Ok(Became::Sent(found)) =
                became(&mut self.service, None, &message.message_id, trail)
        {
            return Ok(seen(Some(&found)));
        }
        Err(SendError::InDoubt(answer))
    }

    /// A draft, then its release.
    fn send_as_draft(
        &mut self,
        abilities: Abilities,
        message: &Message,
        attempt: &mut TransportAttempt<'_>,
    ) -> Result<Receipt, SendError> {
        let made = match draft::make(&mut self.service, self.in_own, message, attempt) {
            Err(SendError::Unusable(answer))
                if answer.code == upload::REFUSED && !self.in_own && !abilities.own =>
            {
                self.make_in_own(&answer, message, attempt)
            }
            other => other,
        };
        draft::release(&mut self.service, &made?, attempt)
    }

    /// Makes the draft, and all later ones, in the mailbox of the person who signed in, if they may:
    /// Microsoft's pages do not agree on whether the permission for shared mailboxes is enough there.
    fn make_in_own(
        &mut self,
        refusal: &Answer,
        message: &Message,
        attempt: &mut TransportAttempt<'_>,
    ) -> Result<DraftNote, SendError> {
        match draft::make(&mut self.service, true, message, attempt) {
            Err(SendError::Unusable(answer)) if answer.code.is_status(403) => {
                Err(SendError::Rejected(words::no_uploads(refusal)))
            }
            made => {
                self.in_own = true;
                made
            }
        }
    }
}
