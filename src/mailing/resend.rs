//! Sending letters again on purpose: to addresses that do not have them, or to all.

use std::sync::Arc;

use super::adopt::{Names, waits_for_a_word};
use super::choosing::recipients;
use super::ending::Finished;
use super::send::{described, dispatch_and_end, open_transports, same_plan};
use super::{
    Consent, Extent, Front, Loaded, MailingError, NotResendable, Notice, PlanShownBy, Prepared,
    Question, StateFile, prepare,
};
use crate::clock::Clock;
use crate::config::TransportName;
use crate::digest::Parts;
use crate::dispatch::{Dispatch, Interrupt, attachments};
use crate::finding::Finding;
use crate::ledger::{Ledger, LedgerView, LetterRecord};
use crate::letter::Letter as Rendered;
use crate::lifecycle::{
    Addresses, Changes, LetterHistory, LetterState, Planned, PlannedMessage, Reopening, Sending,
};
use crate::message::message_id;
use crate::plan::{Destination, PlanId, PlannedLetter};
use crate::transport::{Bearer, Transport};

/// Which letters are sent again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ResendChoice {
    /// Those of these recipients.
    Only(Vec<String>),
    /// All that an address bounced or was refused of.
    Bounced,
}

/// What to send again.
#[derive(Clone, Debug)]
pub(crate) struct ResendRequest {
    /// Which letters.
    pub choice: ResendChoice,
    /// Why, for the record.
    pub because: String,
    /// Who wants it.
    pub by: String,
    /// Whether addresses that have the letter get it again.
    pub all_addresses: bool,
    /// The plan that must still be the same, by the beginning of its id.
    pub plan: Option<String>,
    /// Whether mail may leave.
    pub consent: Consent,
}

/// A letter that is sent again, beside what was sent before.
#[derive(Clone, Debug)]
pub(crate) struct Resend {
    /// The recipient.
    pub id: String,
    /// The letter as it stands.
    pub letter: LetterHistory,
    /// What the list has now, beside what was sent.
    pub changes: Changes,
    /// Whom it is written to now.
    pub addresses: Addresses,
    reopening: Reopening,
    /// Bytes on the wire.
    bytes: u64,
}

impl Resend {
    /// The messages of it that were accepted, the first one first.
    pub(crate) fn earlier(&self) -> impl Iterator<Item = &Sending> {
        let sendings = self.letter.sendings.iter();
        sendings.filter(|sending| sending.accepted_at.is_some())
    }
}

/// What becomes of the letters that were chosen.
#[derive(Default)]
struct Chosen {
    resends: Vec<Resend>,
    /// Every address has it. What the list has now comes with each.
    complete: Vec<(String, Planned)>,
    /// Opened before, and with no address left that needs it.
    to_close: Vec<(String, Planned)>,
}

/// Sends letters again.
///
/// # Errors
/// Why nothing was sent, or that the state file failed while letters went out.
pub(crate) fn resend(
    loaded: &Loaded,
    request: &ResendRequest,
    bearer: &Arc<dyn Bearer>,
    clock: &dyn Clock,
    interrupt: &Interrupt,
    front: &mut dyn Front,
) -> Result<Finished, MailingError> {
    let is_outbox = loaded.batch.dispatch.transport == TransportName::Outbox;
    if !is_outbox && request.consent == Consent::None {
        return Err(MailingError::NobodyToAsk(PlanShownBy::Question));
    }
    let state = StateFile::of(loaded, false);
    state.glance()?;
    let prepared = prepare(loaded, None, clock, front)?;
    front.findings(&prepared.findings);
    let mut transports = open_transports(loaded, bearer)?;
    let described = described(&transports);
    let mut ledger = state.open("resend", &described, clock)?;
    let readied = make_ready(
        loaded,
        request,
        &prepared,
        &mut ledger,
        &mut transports,
        clock,
        front,
    );
    let ids = match readied {
        Ok(ids) => ids,
        Err(error) => {
            let _ = ledger.end_run(clock.now(), &error.to_string());
            return Err(error);
        }
    };
    let dispatch = Dispatch {
        letters: &prepared.letters,
        config: &loaded.batch.dispatch,
        only: Some(ids.into_iter().collect()),
        limit: None,
        transport: &described,
        clock,
        interrupt: interrupt.clone(),
    };
    dispatch_and_end(dispatch, ledger, &mut transports, false, front)
}

/// Shows, asks, and opens the letters again. Gives their ids.
fn make_ready(
    loaded: &Loaded,
    request: &ResendRequest,
    prepared: &Prepared,
    ledger: &mut Ledger,
    transports: &mut [Box<dyn Transport>],
    clock: &dyn Clock,
    front: &mut dyn Front,
) -> Result<Vec<String>, MailingError> {
    let Chosen {
        resends,
        complete,
        to_close,
    } = chosen(loaded, request, prepared, ledger)?;
    if let Some(transport) = transports.first_mut() {
        fits(&mut **transport, &resends)?;
    }
    let ids: Vec<String> = resends.iter().map(|resend| resend.id.clone()).collect();
    let others = prepared.differences(ledger)?;
    let others = others
        .iter()
        .filter(|other| waits_for_a_word(other) && !ids.contains(&other.id));
    let others = others.count();
    if others > 0 {
        front.notice(&Notice::OthersChanged(others));
    }
    if !complete.is_empty() {
        front.notice(&Notice::EveryAddressHasIt(ids_of(&complete)));
    }
    let plan = plan_id(&resends, &prepared.plan.destination);
    same_plan(request.plan.as_deref(), &plan, PlanShownBy::Question)?;
    let asks =
        loaded.batch.dispatch.transport != TransportName::Outbox && request.consent == Consent::Ask;
    if asks && !resends.is_empty() {
        let question = Question {
            loaded,
            prepared,
            transport: &described(transports),
            letters: resends.len() as u64,
            first: None,
            only: &[],
            redirect_to: None,
            resends: &resends,
            plan: plan.to_string(),
        };
        if !front.confirm(&question) {
            return Err(MailingError::NotConfirmed);
        }
    }
    ledger.plan_again(&complete, clock.now())?;
    if !to_close.is_empty() {
        let ids = ids_of(&to_close);
        ledger.plan_again(&to_close, clock.now())?;
        ledger.close(&ids, &request.by, &request.because, clock.now())?;
        front.notice(&Notice::Closed(ids));
    }
    let count = (resends.len() as u64).max(1);
    let bytes = resends.iter().map(|resend| resend.bytes).sum::<u64>() / count;
    let addresses: usize = resends
        .iter()
        .map(|resend| resend.addresses.each().count())
        .sum();
    front.begin(Extent {
        settled: 0,
        to_go: resends.len() as u64,
        config: loaded.batch.dispatch.clone(),
        bytes,
        addresses: addresses as u64 / count,
    });
    let reopened = resends
        .into_iter()
        .map(|resend| (resend.id, resend.reopening));
    ledger.reopen(reopened.collect(), clock.now())?;
    Ok(ids)
}

fn chosen(
    loaded: &Loaded,
    request: &ResendRequest,
    prepared: &Prepared,
    ledger: &LedgerView,
) -> Result<Chosen, MailingError> {
    let records = match &request.choice {
        ResendChoice::Only(words) => {
            let ids = match recipients(words, &prepared.letters) {
                // What the list no longer has may still be a letter of the batch.
                Err(MailingError::UnknownRecipients(_)) => words.clone(),
                chosen => chosen?,
            };
            let mut records: Vec<LetterRecord> = Vec::new();
            for id in &ids {
                let record = ledger
                    .letter(id)?
                    .ok_or_else(|| refusal(id, NotResendable::Unknown))?;
                if !records.iter().any(|other| other.id == record.id) {
                    records.push(record);
                }
            }
            records
        }
        ResendChoice::Bounced => {
            let mut records = Vec::new();
            ledger.each_letter(&mut |record| {
                // Of one that the list no longer has nobody waits for an address.
                let is_listed = || prepared.letters.index_of(&record.id).is_some();
                if !record.letter.open_addresses().is_empty() && is_listed() {
                    records.push(record);
                }
            })?;
            if records.is_empty() {
                return Err(MailingError::NothingBounced);
            }
            records
        }
    };
    let names = Names::of(loaded, ledger)?;
    let mut chosen = Chosen::default();
    for record in records {
        let id = record.id.clone();
        may_be_resent(&record)?;
        let Some(index) = prepared.letters.index_of(&id) else {
            return Err(refusal(&id, NotResendable::Unlisted));
        };
        let whole = prepared.letters.make(index).map_err(MailingError::Faults)?;
        let is_accepted = record.state == LetterState::Accepted;
        match resend_of(&names, request, record, index, whole) {
            Ok(resend) => chosen.resends.push(*resend),
            Err(planned) if is_accepted => chosen.complete.push((id, planned)),
            Err(planned) => chosen.to_close.push((id, planned)),
        }
    }
    Ok(chosen)
}

fn ids_of(letters: &[(String, Planned)]) -> Vec<String> {
    letters.iter().map(|(id, _)| id.clone()).collect()
}

fn may_be_resent(record: &LetterRecord) -> Result<(), MailingError> {
    let why = match record.state {
        LetterState::Accepted => return Ok(()),
        // Opened again before, and not sent or refused since.
        LetterState::Pending | LetterState::Rejected if record.letter.was_accepted() => {
            return Ok(());
        }
        LetterState::Pending | LetterState::Claimed | LetterState::Withdrawn => {
            NotResendable::Unsent
        }
        LetterState::Rejected => NotResendable::Rejected,
        LetterState::InDoubt => NotResendable::InDoubt,
    };
    Err(refusal(&record.id, why))
}

fn refusal(id: &str, why: NotResendable) -> MailingError {
    MailingError::NotResendable {
        id: id.to_owned(),
        why,
    }
}

/// What is sent of a letter; what the list has of it when every address has it already.
fn resend_of(
    names: &Names,
    request: &ResendRequest,
    record: LetterRecord,
    index: usize,
    whole: Rendered,
) -> Result<Box<Resend>, Planned> {
    let LetterRecord { id, letter, .. } = record;
    let batch = names.batch();
    let from = whole.from.address.clone();
    let planned = PlannedLetter::of(&whole, &[]);
    let wanted = PlannedMessage {
        message_id: message_id(batch, &id, &planned.digest, &from, 1),
        digest: planned.digest,
        addresses: addresses(&whole),
        attachments: attachments(&planned),
        parts: Some(planned.parts),
    };
    let message = if request.all_addresses {
        whole
    } else {
        whole.only_to(&|address| !letter.has_it(address.as_str()))
    };
    let addresses = addresses(&message);
    let position = index as u64;
    if addresses.is_empty() {
        return Err(Planned {
            position,
            message: wanted,
        });
    }
    let entry = PlannedLetter::of(&message, &[]);
    // One that was opened before and never handed over is replaced.
    let handed_over = letter
        .sendings
        .iter()
        .filter(|sending| sending.attempts > 0);
    let number = u32::try_from(handed_over.count() + 1).unwrap_or(u32::MAX);
    let reopening = Reopening {
        by: request.by.clone(),
        because: request.because.clone(),
        all_addresses: request.all_addresses,
        planned: Planned {
            position,
            message: wanted.clone(),
        },
        message: PlannedMessage {
            message_id: message_id(batch, &id, &entry.digest, &from, number.max(2)),
            digest: entry.digest,
            addresses: addresses.clone(),
            attachments: attachments(&entry),
            parts: Some(entry.parts),
        },
    };
    let mut after = letter.clone();
    after.planned = Some(wanted);
    Ok(Box::new(Resend {
        id,
        changes: after.changes(),
        letter,
        addresses,
        reopening,
        bytes: entry.bytes(),
    }))
}

fn addresses(letter: &Rendered) -> Addresses {
    let list = |mailboxes: &[crate::address::Mailbox]| -> Vec<String> {
        let addresses = mailboxes.iter().map(|mailbox| &mailbox.address);
        addresses.map(ToString::to_string).collect()
    };
    Addresses {
        to: list(&letter.to),
        cc: list(&letter.cc),
        bcc: list(&letter.bcc),
    }
}

fn plan_id(resends: &[Resend], destination: &Destination) -> PlanId {
    let mut parts = Parts::of("postroom resend 2");
    parts.add(destination.as_str().as_bytes());
    for resend in resends {
        parts.add(&resend.reopening.message.digest);
        parts.add(resend.reopening.message.message_id.as_bytes());
    }
    PlanId(parts.finish())
}

/// Refuses letters that are too large for what the sign-in allows.
fn fits(transport: &mut dyn Transport, resends: &[Resend]) -> Result<(), MailingError> {
    let largest = transport.largest().map_err(MailingError::Server)?;
    let Some(largest) = largest else {
        return Ok(());
    };
    let faults: Vec<Finding> = resends
        .iter()
        .filter(|resend| resend.bytes > largest.bytes)
        .map(|resend| super::online::oversize(resend.bytes, &largest).id(&resend.id))
        .collect();
    if faults.is_empty() {
        Ok(())
    } else {
        Err(MailingError::Faults(faults))
    }
}
