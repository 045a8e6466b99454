//! What a run does before its first letter: settle what earlier runs left, and remember their pace.

use std::cmp::Reverse;
use std::time::Duration;

use jiff::Timestamp;

use super::limiter::{Cost, Limiter};
use super::{Dispatch, DispatchEvent, WaitReason, verdict};
use crate::ledger::{InDoubt, Ledger, LedgerError, LedgerView, Settlement, Spent};
use crate::lifecycle::{Accepted, SettledAs};
use crate::transport::{Answer, Cause, Doubt, LookUp, Receipt, SendError, Transport};

/// The longest that one try of a letter takes, so that a claim whose run was cut off is not younger.
const LONGEST_TRY: Duration = Duration::from_mins(10);
/// The wait between two looks for the same letter.
const BETWEEN_LOOKS: Duration = Duration::from_secs(10);

/// Letters in doubt are looked up where they were given to, before anything else goes out. Those
/// that may still appear there are waited for. Gives how long everyone waits, if the server asks
/// for it; what was not looked up by then is left for the next run.
pub(super) fn look_up(
    dispatch: &Dispatch<'_>,
    ledger: &mut Ledger,
    transport: &mut dyn Transport,
    emit: &mut dyn FnMut(DispatchEvent),
) -> Result<Option<Duration>, LedgerError> {
    let clock = dispatch.clock;
    let now = clock.now();
    let mut open: Vec<(InDoubt, Duration)> = ledger
        .in_doubt()?
        .into_iter()
        .filter(|doubt| doubt.transport == dispatch.transport)
        .map(|doubt| {
            let deadline = clock.elapsed() + patience_left(dispatch, &doubt, now);
            (doubt, deadline)
        })
        .collect();
    loop {
        let mut unseen = Vec::new();
        for (doubt, deadline) in open {
            let is_late = clock.elapsed() >= deadline;
            let found = transport.look_up(&Doubt {
                id: &doubt.id,
                sending: doubt.sending,
                message_id: &doubt.message_id,
                note: doubt.note.as_deref(),
            });
            match found {
                Ok(LookUp::NotSeen) if !is_late => unseen.push((doubt, deadline)),
                Ok(LookUp::Absent | LookUp::NotSeen) => {
                    settle(dispatch, ledger, doubt, None, emit)?;
                }
                Ok(LookUp::Found(receipt)) => {
                    settle(dispatch, ledger, doubt, Some(receipt), emit)?;
                }
                Err(SendError::Throttled { wait, .. }) => {
                    return Ok(Some(wait.unwrap_or(dispatch.config.backoff)));
                }
                Ok(LookUp::Unknown) | Err(_) => {}
            }
        }
        let Some(last) = unseen.iter().map(|(_, deadline)| *deadline).max() else {
            return Ok(None);
        };
        let wait = last.saturating_sub(clock.elapsed());
        emit(DispatchEvent::Waiting {
            reason: WaitReason::Doubt,
            wait,
        });
        clock.wait(&dispatch.interrupt.signal, Some(wait.min(BETWEEN_LOOKS)));
        if dispatch.interrupt.is_asked() {
            return Ok(None);
        }
        open = unseen;
    }
}

/// How long a letter that is not seen may still appear. A clock that was set back makes nobody wait
/// for longer.
fn patience_left(dispatch: &Dispatch<'_>, doubt: &InDoubt, now: Timestamp) -> Duration {
    let patience = dispatch.config.patience;
    let last_sign = doubt
        .settled_at
        .unwrap_or_else(|| now.min(doubt.claimed_at + LONGEST_TRY));
    let age = Duration::try_from(now.duration_since(last_sign)).unwrap_or_default();
    patience.saturating_sub(age)
}

/// Records what a look-up found; no receipt means that the letter did not go out.
fn settle(
    dispatch: &Dispatch<'_>,
    ledger: &mut Ledger,
    doubt: InDoubt,
    receipt: Option<Receipt>,
    emit: &mut dyn FnMut(DispatchEvent),
) -> Result<(), LedgerError> {
    let (ended, event) = match receipt {
        Some(receipt) => (
            SettledAs::Accepted(Accepted {
                receipt: receipt.text,
                ..Accepted::default()
            }),
            DispatchEvent::FoundAccepted { id: doubt.id },
        ),
        None => (
            SettledAs::NotTaken(verdict::recorded(&Answer::new(
                Cause::Absent,
                "looked up and not found",
            ))),
            DispatchEvent::FoundUnsent { id: doubt.id },
        ),
    };
    let settlement = Settlement {
        claim: doubt.claim,
        ended,
        at: dispatch.clock.now(),
        request_ids: Vec::new(),
    };
    ledger.commit_look_up(settlement)?;
    emit(event);
    Ok(())
}

/// The limiter with what earlier runs handed over. A letter whose answer is not known counts as
/// handed over just now.
pub(super) fn remembered(
    dispatch: &Dispatch<'_>,
    ledger: &LedgerView,
) -> Result<Limiter, LedgerError> {
    let (now, elapsed) = (dispatch.clock.now(), dispatch.clock.elapsed());
    // A letter counts from its answer, which may come long after its claim.
    let since = now - Duration::from_hours(24) - LONGEST_TRY;
    let mut spent: Vec<(Duration, Spent)> = ledger
        .spent_since(since)?
        .into_iter()
        .map(|spent| {
            // A clock that was set back must not make the past younger than now.
            let age = spent
                .at
                .and_then(|at| Duration::try_from(now.duration_since(at)).ok())
                .unwrap_or(Duration::ZERO);
            (age, spent)
        })
        .collect();
    // The limiter takes them in order, and counts what comes late with the last before it: one
    // letter without an answer must not make all those after it as young as itself.
    spent.sort_by_key(|(age, _)| Reverse(*age));
    let mut limiter = Limiter::new(dispatch.config);
    for (age, spent) in spent {
        let cost = Cost {
            bytes: spent.bytes,
            addresses: u64::from(spent.addresses),
        };
        limiter.remember(elapsed, age, cost, spent.taken);
    }
    Ok(limiter)
}
