//! Sending a batch, from the beginning or where an earlier run stopped.

use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use super::adopt::{Terms, adopt};
use super::choosing::recipients;
use super::ending::{Conclusion, Finished};
use super::fresh::begin_again;
use super::known::{elsewhere, look_in_mailbox};
use super::online::too_large;
use super::prepare::prepare_rest;
use super::{
    Extent, Front, Loaded, MailingError, Notice, PlanShownBy, Prepared, Question, StateFile,
    prepare,
};
use crate::address::Address;
use crate::clock::Clock;
use crate::config::TransportName;
use crate::dispatch::{Dispatch, DispatchEvent, Ending, Interrupt, WaitReason};
use crate::ledger::{Ledger, LedgerError, LedgerKind, LedgerView, Outdated, OutdatedResend};
use crate::lifecycle::LetterState;
use crate::plan::PlanId;
use crate::transport::{Bearer, Transport};

/// How often letters that turn out not to have gone out are sent in the same run.
const MOST_ROUNDS: usize = 5;

/// From where a run may start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Start {
    /// From the beginning, or where an earlier run stopped.
    #[default]
    Any,
    /// Only where an earlier run stopped.
    Begun,
}

/// Whether mail may leave. It does only when a person said so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Consent {
    /// It was given: beforehand, or by the plan that was looked at.
    Given,
    /// Somebody is there to be asked.
    Ask,
    /// Nobody is.
    #[default]
    None,
}

/// What to send.
#[derive(Clone, Debug, Default)]
pub(crate) struct SendRequest {
    /// From where.
    pub start: Start,
    /// Only these recipients; all if there are none.
    pub only: Vec<String>,
    /// At most so many letters.
    pub limit: Option<usize>,
    /// A rehearsal to this address.
    pub redirect_to: Option<Address>,
    /// Of a rehearsal only so many letters, spread over the whole list.
    pub sample: Option<NonZeroUsize>,
    /// The plan that must still be the same, by the beginning of its id.
    pub plan: Option<String>,
    /// Whether rejected letters are tried again.
    pub retry_rejected: bool,
    /// Whether changes of letters not yet sent are taken.
    pub accept_changes: bool,
    /// Whether to go on though the state file is gone or an older copy.
    pub accept_lost_state: bool,
    /// Whether practising begins again: with a new state file, and an empty outbox.
    pub fresh: bool,
    /// Whether letters that another batch sent go out once more.
    pub again: bool,
    /// Whether mail may leave.
    pub consent: Consent,
}

impl SendRequest {
    fn terms(&self, kind: LedgerKind) -> Terms {
        Terms {
            rehearsal: self.redirect_to.is_some(),
            accept_changes: self.accept_changes,
            again: self.again && kind == LedgerKind::Mail,
        }
    }

    fn is_wanted(&self, id: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == id)
    }

    /// Those that were named and are left to go.
    fn named_left(&self, ledger: &LedgerView) -> Result<Vec<String>, LedgerError> {
        let mut left = Vec::new();
        for id in &self.only {
            let state = ledger.letter(id)?.map(|record| record.state);
            let goes = state == Some(LetterState::Pending)
                || (self.retry_rejected && state == Some(LetterState::Rejected));
            if goes {
                left.push(id.clone());
            }
        }
        Ok(left)
    }

    /// How many letters go, of those that are left and of those that were named.
    fn to_go(&self, pending: u64, named: &[String]) -> u64 {
        let left = if self.only.is_empty() {
            pending
        } else {
            named.len() as u64
        };
        self.limit.map_or(left, |limit| left.min(limit as u64))
    }

    /// The place of the first letter that goes, whoever is named.
    fn first_to_go(
        &self,
        outdated: &[OutdatedResend],
        prepared: &Prepared,
        ledger: &LedgerView,
    ) -> Result<Option<usize>, LedgerError> {
        let pending = ledger.pending(None, outdated.len() + 1)?;
        let stays = |id: &str| outdated.iter().any(|resend| resend.id == id);
        if let Some(first) = pending.iter().find(|letter| !stays(&letter.id)) {
            return Ok(Some(first.position));
        }
        // Those that were rejected are tried again only after the question.
        for (place, _) in prepared.plan.placed().filter(|_| self.retry_rejected) {
            let record = ledger.letter(prepared.letters.id(place))?;
            if record.is_some_and(|record| record.state == LetterState::Rejected) {
                return Ok(Some(place));
            }
        }
        Ok(None)
    }
}

/// Sends what is left of a batch.
///
/// # Errors
/// Why nothing was sent, or that the state file failed while letters went out.
pub(crate) fn send(
    loaded: &Loaded,
    request: &SendRequest,
    bearer: &Arc<dyn Bearer>,
    clock: &dyn Clock,
    interrupt: &Interrupt,
    front: &mut dyn Front,
) -> Result<Finished, MailingError> {
    let may_leave = loaded.batch.dispatch.transport == TransportName::Outbox
        || request.consent != Consent::None;
    if !may_leave {
        return Err(MailingError::NobodyToAsk(PlanShownBy::Check));
    }
    let rehearsal = request.redirect_to.is_some();
    let transport = loaded.batch.dispatch.transport;
    if request.fresh && !rehearsal && transport != TransportName::Outbox {
        return Err(MailingError::NotPractice(transport));
    }
    let state = StateFile::of(loaded, rehearsal);
    if request.start == Start::Begun {
        state.glance()?;
    }
    let prepared = match &request.redirect_to {
        Some(redirect) => prepare(loaded, Some(redirect), clock, front)?,
        None if request.fresh => prepare(loaded, None, clock, front)?,
        None => prepare_rest(loaded, &state, clock, front)?,
    };
    front.findings(&prepared.findings);
    let request = &choose(request, &prepared)?;
    let mut transports = open_transports(loaded, bearer)?;
    let described = described(&transports);
    if let Some(transport) = transports.first_mut() {
        let faults = too_large(&mut **transport, &prepared)?;
        if !faults.is_empty() {
            return Err(MailingError::Faults(faults));
        }
    }
    let command = match request.start {
        Start::Any => "send",
        Start::Begun => "resume",
    };
    if request.fresh {
        let aside = begin_again(loaded, rehearsal, clock.now())?;
        if !aside.is_empty() {
            front.notice(&Notice::SetAside(aside));
        }
    }
    let is_lost = request.accept_lost_state && state.accept_loss()?;
    let mut ledger = state.open(command, &described, clock)?;
    let ready = make_ready(Ready {
        loaded,
        request,
        prepared: &prepared,
        state: &state,
        is_lost,
        described: &described,
        transports: &mut transports,
        ledger: &mut ledger,
        clock,
        front,
    });
    let (settled, to_go) = match ready {
        Ok(letters) => letters,
        Err(error) => {
            let _ = ledger.end_run(clock.now(), &error.to_string());
            return Err(error);
        }
    };
    front.begin(extent(loaded, &prepared, settled, to_go));
    let dispatch = Dispatch {
        letters: &prepared.letters,
        config: &loaded.batch.dispatch,
        only: (!request.only.is_empty()).then(|| request.only.iter().cloned().collect()),
        limit: request.limit,
        transport: &described,
        clock,
        interrupt: interrupt.clone(),
    };
    dispatch_and_end(dispatch, ledger, &mut transports, rehearsal, front)
}

/// One transport for each connection.
pub(super) fn open_transports(
    loaded: &Loaded,
    bearer: &Arc<dyn Bearer>,
) -> Result<Vec<Box<dyn Transport>>, MailingError> {
    (0..loaded.batch.dispatch.at_once().get())
        .map(|_| loaded.transport(bearer))
        .collect()
}

pub(super) fn described(transports: &[Box<dyn Transport>]) -> String {
    let first = transports.first();
    first
        .map(|transport| transport.describe())
        .unwrap_or_default()
}

/// What stands between an open state file and the first letter.
struct Ready<'a> {
    loaded: &'a Loaded,
    request: &'a SendRequest,
    prepared: &'a Prepared,
    state: &'a StateFile,
    is_lost: bool,
    described: &'a str,
    transports: &'a mut [Box<dyn Transport>],
    ledger: &'a mut Ledger,
    clock: &'a dyn Clock,
    front: &'a mut dyn Front,
}

/// Adopts the plan, looks for letters that went out elsewhere, asks, and says how many letters are done
/// and how many go.
fn make_ready(ready: Ready<'_>) -> Result<(u64, u64), MailingError> {
    let Ready {
        loaded,
        request,
        prepared,
        state,
        is_lost,
        described,
        transports,
        ledger,
        clock,
        front,
    } = ready;
    let is_untouched = ledger.is_untouched()?;
    if request.accept_lost_state && !is_lost && !is_untouched {
        return Err(MailingError::NothingLost(state.path.clone()));
    }
    adopt(loaded, prepared, ledger, request.terms(state.identity.kind))?;
    let outdated = say_what_is_outdated(loaded, request, ledger, front)?;
    let is_wanted = |id: &str| request.is_wanted(id);
    let is_mailing = request.redirect_to.is_none() && !request.again;
    let mut sent_already: HashSet<String> = HashSet::new();
    let may_be_copy = is_untouched || ledger.was_moved()? || ledger.has_skipped()?;
    if is_mailing
        && may_be_copy
        && !request.accept_lost_state
        && let Some(transport) = transports.first_mut()
    {
        let looked = look_in_mailbox(
            loaded,
            prepared,
            ledger,
            &mut **transport,
            state,
            &is_wanted,
        )?;
        if let Some(answer) = looked.unknown {
            front.notice(&Notice::MailboxUnknown(answer));
        }
        if !looked.found.is_empty() {
            sent_already.extend(looked.found.iter().map(|(id, _)| id.clone()));
            front.notice(&Notice::InMailbox {
                transport: described.to_owned(),
                found: looked.found,
            });
        }
    }
    let mut before = ledger.counts()?;
    if request.retry_rejected {
        before.pending += std::mem::take(&mut before.rejected);
    }
    before.pending = before.pending.saturating_sub(outdated.len() as u64);
    before.accepted += outdated.len() as u64;
    if request.start == Start::Begun && before.pending == 0 && before.in_doubt == 0 {
        return Err(MailingError::NothingToResume(before));
    }
    let mut named = request.named_left(ledger)?;
    named.retain(|id| !outdated.iter().any(|resend| resend.id == *id));
    let to_go = request.to_go(before.pending, &named);
    if is_mailing && before.pending > 0 {
        let (others, notices) = elsewhere(loaded, state, prepared, ledger, &is_wanted)?;
        for notice in &notices {
            front.notice(notice);
        }
        for other in others {
            sent_already.extend(other.ids.iter().cloned());
            front.notice(&Notice::Elsewhere(other));
        }
        if !sent_already.is_empty() && request.consent != Consent::Ask {
            return Err(MailingError::SentElsewhere(sent_already.len() as u64));
        }
    }
    let asks =
        loaded.batch.dispatch.transport != TransportName::Outbox && request.consent == Consent::Ask;
    if asks && to_go > 0 {
        let question = Question {
            loaded,
            prepared,
            transport: described,
            letters: to_go,
            first: request.first_to_go(&outdated, prepared, ledger)?,
            only: &named,
            redirect_to: request.redirect_to.as_ref(),
            resends: &[],
            plan: prepared.plan.id.to_string(),
        };
        if !front.confirm(&question) {
            return Err(MailingError::NotConfirmed);
        }
    }
    // Not before the question: who says no has changed nothing.
    put_away(outdated, ledger, clock, front)?;
    if request.retry_rejected {
        ledger.retry_rejected(&request.only, clock.now())?;
    }
    let is_part = !request.only.is_empty() || request.limit.is_some();
    let settled = before.total().saturating_sub(before.pending);
    Ok((if is_part { 0 } else { settled }, to_go))
}

/// Says which letters are others by now than those that went out. Gives those that a person opened again and
/// that would be another letter now than that person saw.
fn say_what_is_outdated(
    loaded: &Loaded,
    request: &SendRequest,
    ledger: &LedgerView,
    front: &mut dyn Front,
) -> Result<Vec<OutdatedResend>, MailingError> {
    if request.redirect_to.is_some() {
        return Ok(Vec::new());
    }
    let Outdated {
        new_addresses,
        changed,
        mut reopened,
    } = ledger.outdated()?;
    let mut say = |ids: Vec<String>, notice: fn(Vec<String>) -> Notice| {
        if !ids.is_empty() {
            front.notice(&notice(ids));
        }
    };
    if loaded.batch.dispatch.transport == TransportName::Outbox {
        let all = new_addresses.into_iter().chain(changed).collect();
        say(all, Notice::OutdatedPractice);
    } else {
        say(new_addresses, Notice::OtherAddresses);
        say(changed, Notice::OtherLetters);
    }
    reopened.retain(|resend| {
        let goes = resend.state == LetterState::Pending || request.retry_rejected;
        goes && request.is_wanted(&resend.id)
    });
    Ok(reopened)
}

/// Puts away what a person opened again and would be another letter now: nobody has looked at that.
fn put_away(
    resends: Vec<OutdatedResend>,
    ledger: &mut Ledger,
    clock: &dyn Clock,
    front: &mut dyn Front,
) -> Result<(), LedgerError> {
    if resends.is_empty() {
        return Ok(());
    }
    let ids: Vec<String> = resends.iter().map(|resend| resend.id.clone()).collect();
    let because = "the letter is another one since it was to be sent again";
    ledger.close(&ids, "postroom", because, clock.now())?;
    front.notice(&Notice::CalledOff(resends));
    Ok(())
}

/// Reconciles what is in doubt, sends what is left, and ends the run. What came to be in doubt on the
/// way is looked up before the end, and sent if it turns out not to have gone out.
pub(super) fn dispatch_and_end(
    mut dispatch: Dispatch<'_>,
    mut ledger: Ledger,
    transports: &mut [Box<dyn Transport>],
    rehearsal: bool,
    front: &mut dyn Front,
) -> Result<Finished, MailingError> {
    let while_sending = MailingError::LedgerWhileSending;
    let before = ledger.counts().map_err(while_sending)?;
    let (unsent, mut wait) = reconcile(&dispatch, &mut ledger, transports, front)?;
    if !unsent.is_empty() {
        put_away_found(&dispatch, &mut ledger, front)?;
    }
    let mut is_look_cut_short = dispatch.interrupt.is_asked();
    let mut rounds = 0;
    let ending = loop {
        let ending = dispatch
            .run(&mut ledger, transports, wait.take(), &mut |event| {
                front.event(&event);
            })
            .map_err(while_sending)?;
        rounds += 1;
        let may_go_on = matches!(ending, Ending::Finished { .. })
            && rounds < MOST_ROUNDS
            && !dispatch.interrupt.is_asked();
        if !may_go_on || ledger.counts().map_err(while_sending)?.in_doubt == 0 {
            break ending;
        }
        let (unsent, asked_to_wait) =
            reconcile_with_patience(&dispatch, &mut ledger, transports, front)?;
        is_look_cut_short = dispatch.interrupt.is_asked();
        if unsent.is_empty() {
            break ending;
        }
        put_away_found(&dispatch, &mut ledger, front)?;
        (dispatch.only, dispatch.limit, wait) = (Some(unsent), None, asked_to_wait);
    };
    let run = (dispatch.config.transport, rehearsal);
    let finished = end(ledger, ending, is_look_cut_short, run, dispatch.clock)?;
    Ok(Finished { before, ..finished })
}

/// The same of what was in doubt until it was looked up, and would go next.
fn put_away_found(
    dispatch: &Dispatch<'_>,
    ledger: &mut Ledger,
    front: &mut dyn Front,
) -> Result<(), MailingError> {
    let mut found = ledger
        .outdated()
        .map_err(MailingError::LedgerWhileSending)?
        .reopened;
    let is_wanted = |id: &String| dispatch.only.as_ref().is_none_or(|only| only.contains(id));
    found.retain(|resend| resend.state == LetterState::Pending && is_wanted(&resend.id));
    put_away(found, ledger, dispatch.clock, front).map_err(MailingError::LedgerWhileSending)
}

/// As [`reconcile`], but where the server asks to wait, it is waited for and asked again as long as
/// patience lasts.
fn reconcile_with_patience(
    dispatch: &Dispatch<'_>,
    ledger: &mut Ledger,
    transports: &mut [Box<dyn Transport>],
    front: &mut dyn Front,
) -> Result<(HashSet<String>, Option<Duration>), MailingError> {
    let deadline = dispatch.clock.elapsed() + dispatch.config.patience;
    let mut unsent = HashSet::new();
    loop {
        let (found, wait) = reconcile(dispatch, ledger, transports, front)?;
        unsent.extend(found);
        let Some(wait) = wait.map(|wait| wait.max(dispatch.config.backoff)) else {
            return Ok((unsent, None));
        };
        if dispatch.interrupt.is_asked() || dispatch.clock.elapsed() + wait > deadline {
            return Ok((unsent, Some(wait)));
        }
        let reason = WaitReason::Throttled;
        front.event(&DispatchEvent::Waiting { reason, wait });
        dispatch.clock.wait(dispatch.interrupt.signal(), Some(wait));
    }
}

/// Looks up what is in doubt. Gives the letters that did not go out, and how long everyone waits.
fn reconcile(
    dispatch: &Dispatch<'_>,
    ledger: &mut Ledger,
    transports: &mut [Box<dyn Transport>],
    front: &mut dyn Front,
) -> Result<(HashSet<String>, Option<Duration>), MailingError> {
    let mut unsent = HashSet::new();
    let Some(transport) = transports.first_mut() else {
        return Ok((unsent, None));
    };
    let wait = dispatch
        .reconcile(ledger, &mut **transport, &mut |event| {
            if let DispatchEvent::FoundUnsent { id } = &event {
                unsent.insert(id.clone());
            }
            front.event(&event);
        })
        .map_err(MailingError::LedgerWhileSending)?;
    Ok((unsent, wait))
}

/// Ends the run and says what that means. A person may have cut a look for letters in doubt short.
fn end(
    mut ledger: Ledger,
    ending: Ending,
    is_look_cut_short: bool,
    (transport, rehearsal): (TransportName, bool),
    clock: &dyn Clock,
) -> Result<Finished, MailingError> {
    let while_sending = MailingError::LedgerWhileSending;
    let counts = ledger.counts().map_err(while_sending)?;
    let open = ledger.with_open_addresses().map_err(while_sending)?;
    let is_look_cut_short = is_look_cut_short && counts.in_doubt > 0;
    let ending = match ending {
        Ending::Finished { .. } | Ending::Interrupted if is_look_cut_short => Ending::Interrupted,
        // Stopped at the very last letter: there is nothing to go on with.
        Ending::Interrupted | Ending::Breaker { .. } | Ending::Outage(_) if counts.pending == 0 => {
            Ending::Finished { left: 0 }
        }
        other => other,
    };
    let conclusion = Conclusion::of(&ending, &counts, open, (transport, rehearsal));
    let text = conclusion.reason().map(|reason| reason.text.as_str());
    // Every letter is settled by now: a note that cannot be written changes nothing.
    let (ledger, log) = ledger.end_run(clock.now(), text.unwrap_or("finished"));
    Ok(Finished {
        ending,
        conclusion,
        before: counts,
        counts,
        ledger,
        log,
    })
}

/// How far the run goes with a plan.
fn extent(loaded: &Loaded, prepared: &Prepared, settled: u64, to_go: u64) -> Extent {
    let all = (prepared.plan.letters.len() as u64).max(1);
    Extent {
        settled,
        to_go,
        config: loaded.batch.dispatch.clone(),
        bytes: prepared.plan.bytes() / all,
        addresses: prepared.plan.addresses() / all,
    }
}

/// Puts the ids of a sample into a request, and refuses ids and plans that are not there.
///
/// # Errors
/// When there is no such recipient, or the plan is another one.
pub(crate) fn choose(
    request: &SendRequest,
    prepared: &Prepared,
) -> Result<SendRequest, MailingError> {
    let mut request = request.clone();
    if let Some(sample) = request.sample {
        request.only = spread(sample.get(), prepared);
    }
    if !request.only.is_empty() {
        request.only = recipients(&request.only, &prepared.letters)?;
    }
    same_plan(
        request.plan.as_deref(),
        &prepared.plan.id,
        PlanShownBy::Check,
    )?;
    Ok(request)
}

pub(super) fn same_plan(
    wanted: Option<&str>,
    plan: &PlanId,
    shown_by: PlanShownBy,
) -> Result<(), MailingError> {
    match wanted {
        Some(wanted) if !plan.matches(wanted) => Err(MailingError::OtherPlan {
            now: plan.to_string(),
            wanted: wanted.to_owned(),
            shown_by,
        }),
        _ => Ok(()),
    }
}

/// The ids of some letters, the first and the last among them, with about the same number between
/// each two.
fn spread(sample: usize, prepared: &Prepared) -> Vec<String> {
    let count = sample.min(prepared.letters.len());
    let last = prepared.letters.len().saturating_sub(1);
    let steps = count.saturating_sub(1).max(1);
    (0..count)
        .map(|step| prepared.letters.id(step * last / steps).to_owned())
        .collect()
}
