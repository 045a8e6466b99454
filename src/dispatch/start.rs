//! What a run does before its first letter: settle what earlier runs left, and remember their pace.

use std::time::Duration;

use super::limiter::{Cost, Limiter};
use super::{Dispatch, Event, verdict};
use crate::ledger::{Ledger, LedgerError, Outcome, Settlement};
use crate::transport::{Answer, LookUp, Transport};

/// Letters in doubt are looked up where they were given to, before anything else goes out.
pub(super) fn look_up(
    dispatch: &Dispatch<'_>,
    ledger: &mut Ledger,
    transport: &mut dyn Transport,
    tell: &mut dyn FnMut(Event),
) -> Result<(), LedgerError> {
    for doubt in ledger.in_doubt()? {
        if doubt.transport != dispatch.transport {
            continue;
        }
        let (outcome, event) = match transport.look_up(&doubt.id, &doubt.message_id) {
            Ok(LookUp::Found(receipt)) => (
                Outcome::Accepted {
                    receipt: receipt.text,
                    refused: Vec::new(),
                },
                Event::FoundAccepted { id: doubt.id },
            ),
            Ok(LookUp::Absent) => (
                Outcome::NotTaken(verdict::recorded(&Answer::new(
                    "absent",
                    "looked up and not found",
                ))),
                Event::FoundUnsent { id: doubt.id },
            ),
            Ok(LookUp::Unknown) | Err(_) => continue,
        };
        let settlement = Settlement {
            claim: doubt.claim,
            outcome,
            at: dispatch.clock.now(),
        };
        ledger.commit(&[settlement], &[])?;
        tell(event);
    }
    Ok(())
}

/// The limiter with what earlier runs handed over. A letter whose answer is not known counts as
/// handed over just now.
pub(super) fn remembered(dispatch: &Dispatch<'_>, ledger: &Ledger) -> Result<Limiter, LedgerError> {
    let (now, elapsed) = (dispatch.clock.now(), dispatch.clock.elapsed());
    let mut limiter = Limiter::new(dispatch.config);
    for spent in ledger.spent_since(now - Duration::from_hours(24))? {
        // A clock that was set back must not make the past younger than now.
        let age = spent
            .at
            .and_then(|at| Duration::try_from(now.duration_since(at)).ok())
            .unwrap_or(Duration::ZERO);
        let cost = Cost {
            bytes: spent.bytes,
            addresses: u64::from(spent.addresses),
        };
        limiter.remember(elapsed, age, cost);
    }
    Ok(limiter)
}
