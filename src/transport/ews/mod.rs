//! Exchange on premises, and tenants of Exchange Online that still allow it, through Exchange Web
//! Services (MS-OXWSCORE, MS-OXWSMSG).
//!
//! A letter is a draft first, in the Drafts of the mailbox that it comes from; its name and state are
//! in the ledger before it is sent by them. The account acts as a delegate, with the rights that it
//! has on the mailbox, and impersonates nobody. Exchange Online ends this way in on 1 April 2027.

mod answer;
mod codes;
mod draft;
mod find;
mod incoming;
mod reading;
mod requests;
mod service;
mod soap;
mod survey;
mod words;

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use reqwest::Certificate;

pub(super) use self::incoming::incoming;
use self::service::EwsService;
use super::call::{Step, Trail, describe};
use super::drafts::{Became, DraftNote, became, discard, find_report, look_up, on_its_way, seen};
use super::{
    Bearer, Doubt, Largest, LookUp, Receipt, SendError, Survey, Transport, TransportAttempt,
};
use crate::config::{EwsLogin, EwsSettings, SaveIn, Secrets};
use crate::finding::Finding;
use crate::http::{Http, HttpReply};
use crate::message::Message;
use crate::regular;

/// The longest letter in bytes. A request may have 64 MB (Microsoft, message size limits in Exchange
/// Server), and in it the letter is in base64, 4 bytes for 3.
const LARGEST: u64 = 50_000_000;

/// What is wrong with an answer, or with the first thing in it that was not done.
pub(super) fn tried(reply: &HttpReply, step: Step) -> Option<SendError> {
    match answer::read(reply, step, answer::EwsCredential::Token) {
        Ok(whole) => {
            let said = whole.messages.into_iter().find_map(Result::err)?;
            Some(said.meaning(step))
        }
        Err(error) => Some(error),
    }
}

pub(super) fn open(
    secrets: &Secrets,
    bearer: &Arc<dyn Bearer>,
) -> Result<Box<dyn Transport>, Finding> {
    Ok(Box::new(Ews {
        service: service(secrets, bearer, secrets.ews.get()?.save_in)?,
        copies: secrets.ews.get()?.save_in != SaveIn::None,
    }))
}

/// The service in the mailbox that a value of `save_in` means.
fn service(
    secrets: &Secrets,
    bearer: &Arc<dyn Bearer>,
    save_in: SaveIn,
) -> Result<EwsService, Finding> {
    let settings = EwsSettings {
        save_in,
        ..secrets.ews.get()?.clone()
    };
    if secrets.sign_in.is_app()? && matches!(settings.login, EwsLogin::Token) {
        return Err(Finding::fault(
            "an app does not send by itself through Exchange Web Services here",
            "write transport = \"graph\", or sign_in = \"person\"",
        ));
    }
    let place = settings
        .place(&secrets.sign_in, secrets.send_emails_as.as_ref())
        .map_err(Finding::from)?;
    let authorities = match &settings.ca_file {
        Some(path) => authorities(path)?,
        None => Vec::new(),
    };
    let http = Http::trusting(settings.silence, authorities).map_err(|failure| {
        Finding::fault(
            format!("the connection to Exchange cannot be prepared: {failure}"),
            "check the certificates of this machine, and ews_ca_file",
        )
    })?;
    Ok(EwsService::new(http, place, settings.login.clone(), bearer))
}

/// The certificates of `ews_ca_file`.
fn authorities(path: &Path) -> Result<Vec<Certificate>, Finding> {
    let unusable = |why: String| {
        Finding::fault(
            format!("ews_ca_file {} {why}", path.display()),
            "name a PEM file with the certificate of the authority",
        )
    };
    let mut pem = Vec::new();
    regular::open(path)
        .and_then(|mut file| file.read_to_end(&mut pem))
        .map_err(|error| unusable(format!("cannot be read: {error}")))?;
    let found = Certificate::from_pem_bundle(&pem)
        .map_err(|_| unusable("holds a certificate that cannot be used".into()))?;
    if found.is_empty() {
        return Err(unusable("holds no certificate".into()));
    }
    Ok(found)
}

struct Ews {
    service: EwsService,
    /// Whether a copy of each letter is kept.
    copies: bool,
}

impl Transport for Ews {
    fn describe(&self) -> String {
        let place = &self.service.place;
        describe("ews", &place.url, place.mailbox.as_ref())
    }

    fn send(
        &mut self,
        message: &Message,
        attempt: &mut TransportAttempt<'_>,
    ) -> Result<Receipt, SendError> {
        let (service, id) = (&mut self.service, &message.message_id);
        discard(service, attempt)?;
        let mut ready = None;
        if let Some(earlier) = attempt.earlier.take() {
            let note = DraftNote::read(earlier.note.as_deref());
            match became(service, note, id, &mut Trail::of(attempt))? {
                Became::Sent(found) => return Ok(seen(Some(&found))),
                Became::Ready(note) => ready = Some(note),
                Became::OnItsWay => return Err(SendError::InDoubt(on_its_way())),
                Became::Nothing { .. } => {}
            }
        }
        let note = match ready {
            Some(note) => note,
            None => draft::make(service, message, attempt)?,
        };
        draft::release(service, self.copies, &note, id, attempt)
    }

    fn look_up(&mut self, doubt: &Doubt<'_>) -> Result<LookUp, SendError> {
        look_up(&mut self.service, doubt, self.copies)
    }

    fn find_report(&mut self, report_mark: &str) -> Result<LookUp, SendError> {
        find_report(&mut self.service, report_mark)
    }

    fn largest(&mut self) -> Result<Option<Largest>, SendError> {
        Ok(Some(Largest {
            who: "the sign-in",
            bytes: LARGEST,
            remedy: "make the report smaller: a request to Exchange may have 64 MB".into(),
        }))
    }

    fn survey(&mut self) -> Result<Survey, SendError> {
        survey::survey(&mut self.service, self.copies)
    }

    fn seen(&mut self, message_id: &str) -> Result<Option<Survey>, SendError> {
        survey::seen(&mut self.service, self.copies, message_id)
    }
}
