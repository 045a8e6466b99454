//! From a batch to its plan: the same for everything that makes letters.

use std::sync::Arc;

use super::changed::{find_parts, matters};
use super::{Front, Loaded, MailingError, StateFile};
use crate::address::Address;
use crate::clock::Clock;
use crate::finding::Finding;
use crate::ledger::{LedgerError, LedgerView, PlanDifference};
use crate::letter::Letters;
use crate::manifest::Manifest;
use crate::plan::{Destination, Plan};

/// A batch whose letters were all made once.
pub(crate) struct Prepared {
    /// Makes the letters.
    pub letters: Arc<Letters>,
    /// What was checked.
    pub plan: Plan,
    /// Warnings and notices.
    pub findings: Vec<Finding>,
}

impl Prepared {
    /// How the plan differs from the one that the ledger began with.
    ///
    /// # Errors
    /// When the state file cannot be read.
    pub(crate) fn differences(
        &self,
        ledger: &LedgerView,
    ) -> Result<Vec<PlanDifference>, LedgerError> {
        let ids = (0..self.letters.len()).map(|index| self.letters.id(index));
        let digests = self.plan.letters.iter().map(|letter| letter.digest);
        let mut differences = ledger.differences(ids.zip(digests))?;
        find_parts(self, ledger, &mut differences)?;
        differences.retain(matters);
        Ok(differences)
    }

    /// Where the letters that are left would go, if those of the plan that the ledger began with went
    /// elsewhere. None where that plan does not say so, as those of older programs do not, or where
    /// nothing is left.
    ///
    /// # Errors
    /// When the state file cannot be read.
    pub(crate) fn moved(&self, ledger: &LedgerView) -> Result<Option<Moved>, LedgerError> {
        let now = self.plan.destination.as_str();
        let Some(before) = ledger.destination()?.filter(|before| before != now) else {
            return Ok(None);
        };
        let counts = ledger.counts()?;
        let is_left = counts.pending + counts.rejected + counts.in_doubt > 0;
        Ok(is_left.then(|| Moved {
            before,
            now: now.to_owned(),
        }))
    }
}

/// The letters that are left would be sent elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("letters went to {before}, and what is left would go to {now}")]
pub(crate) struct Moved {
    /// Where those before went, or were to go.
    pub before: String,
    /// Where those that are left would go.
    pub now: String,
}

/// Reads the manifest and makes every letter once.
///
/// # Errors
/// All findings, when a fault is among them.
pub(crate) fn prepare(
    loaded: &Loaded,
    redirect: Option<&Address>,
    clock: &dyn Clock,
    front: &mut dyn Front,
) -> Result<Prepared, MailingError> {
    let destination = loaded.destination();
    prepare_with(loaded, redirect, |letters| {
        all(letters, &destination, clock, front)
    })
}

/// As [`prepare`], but of a batch that was begun only the letters left are made: it takes the time
/// that they need. With anything changed or wrong every letter is made, so that all of it is said.
pub(super) fn prepare_rest(
    loaded: &Loaded,
    state: &StateFile,
    clock: &dyn Clock,
    front: &mut dyn Front,
) -> Result<Prepared, MailingError> {
    let destination = loaded.destination();
    prepare_with(loaded, None, |letters| {
        let rest = state.begun(&letters.sources()).and_then(|begun| {
            let of = begun.left.len();
            Plan::take_up(&begun, letters, &destination, clock, &mut |done| {
                front.checked(done, of);
            })
        });
        rest.map_or_else(|| all(letters, &destination, clock, front), Ok)
    })
}

fn prepare_with(
    loaded: &Loaded,
    redirect: Option<&Address>,
    make_plan: impl FnOnce(&Arc<Letters>) -> Result<Plan, Vec<Finding>>,
) -> Result<Prepared, MailingError> {
    let (manifest, mut findings) = Manifest::read(&loaded.batch);
    let Some(manifest) = manifest else {
        return Err(MailingError::Faults(findings));
    };
    let made = Letters::new(&loaded.batch, &loaded.secrets, manifest, redirect.cloned()).and_then(
        |letters| {
            let letters = Arc::new(letters);
            findings.extend(letters.findings().iter().cloned());
            let mut plan = make_plan(&letters)?;
            findings.append(&mut plan.findings);
            Ok((letters, plan))
        },
    );
    match made {
        Ok((letters, plan)) => Ok(Prepared {
            letters,
            plan,
            findings,
        }),
        Err(faults) => {
            findings.extend(faults);
            Err(MailingError::Faults(findings))
        }
    }
}

fn all(
    letters: &Arc<Letters>,
    destination: &Destination,
    clock: &dyn Clock,
    front: &mut dyn Front,
) -> Result<Plan, Vec<Finding>> {
    let of = letters.len();
    Plan::make(letters, destination, clock, &mut |done| {
        front.checked(done, of);
    })
}
