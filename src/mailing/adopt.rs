//! The plan and the ledger: adopted when a batch begins, and the same when it goes on.

use super::{Loaded, MailingError, Prepared};
use crate::address::Mailbox;
use crate::digest::hex;
use crate::dispatch::attachments;
use crate::ledger::{AdoptedLetter, Change, Ledger, LedgerView, PlanDifference};
use crate::letter::Letters;
use crate::lifecycle::{Addresses, LetterState, PlannedMessage};
use crate::message::message_id;
use crate::plan::PlannedLetter;

/// What may change a plan that was adopted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub rehearsal: bool,
    pub accept_changes: bool,
    /// Whether letters that another batch sent get Message-IDs of their own.
    pub again: bool,
}

/// Brings the plan into the ledger, or refuses one that is not the one that was begun.
pub(super) fn adopt(
    loaded: &Loaded,
    prepared: &Prepared,
    ledger: &mut Ledger,
    terms: Terms,
) -> Result<(), MailingError> {
    adopt_plan(loaded, prepared, ledger, terms)?;
    // A file that was moved may be a copy, and the names of its letters those of other messages.
    let was_moved = ledger.was_moved()?;
    if terms.again && (was_moved || ledger.names()?.is_none()) {
        // No other batch, and no other time, has it.
        let own = ledger.began().to_string();
        let names = Names::with(loaded, Some(&own));
        let from = &prepared.letters.from().address;
        ledger.rename(&own, was_moved, &|id, digest| {
            message_id(names.batch(), id, digest, from, 1)
        })?;
    }
    Ok(())
}

fn adopt_plan(
    loaded: &Loaded,
    prepared: &Prepared,
    ledger: &mut Ledger,
    terms: Terms,
) -> Result<(), MailingError> {
    let Prepared { letters, plan, .. } = prepared;
    let id = hex(&plan.id.0);
    let sources = letters.sources();
    let begun = ledger.plan()?;
    let digest_at = |place: usize| Some(plan.letters.get(place)?.digest);
    if plan.is_rest() {
        // It was made for the sources and the plan that the ledger had.
        return if begun.as_ref() == Some(&id) {
            Ok(())
        } else {
            Err(MailingError::ChangedMeanwhile)
        };
    }
    match begun {
        None => {}
        // A rehearsal that is over, or of an older plan, starts anew.
        Some(begun) if terms.rehearsal && (begun != id || ledger.counts()?.pending == 0) => {
            ledger.clear_rehearsal()?;
        }
        // A letter that was sent again may have been planned by itself since.
        Some(begun) if begun == id && ledger.is_planned_as(&digest_at)? => {
            ledger.set_sources(&sources)?;
            return Ok(());
        }
        Some(_) => {
            let mut differences = prepared.differences(ledger)?;
            // Those that are waited for come first.
            differences.sort_by_key(|difference| !waits_for_a_word(difference));
            let moved = prepared.moved(ledger)?;
            // What has gone out is not touched by a change, so only the rest waits for a word; and
            // before anything can have gone out there is nothing that it would have to fit to.
            let counts = ledger.counts()?;
            let waits = (counts.accepted > 0 || counts.in_doubt > 0)
                && (moved.is_some() || differences.iter().any(waits_for_a_word));
            if !terms.accept_changes && waits {
                return Err(MailingError::Changed(differences, moved));
            }
            // Without differences only the order of the rows is another; the ledger takes it, since
            // it finds letters by their place.
        }
    }
    let names = Names::of(loaded, ledger)?;
    let records = plan
        .letters
        .iter()
        .enumerate()
        .map(|(index, letter)| AdoptedLetter {
            id: letters.id(index).to_owned(),
            message: names.message(letters, index, letter),
        });
    ledger.adopt(&id, plan.destination.as_str(), &sources, records)?;
    Ok(())
}

/// What letters are named by.
pub(super) struct Names {
    batch: String,
}

impl Names {
    /// The names that letters have in this ledger.
    pub(super) fn of(loaded: &Loaded, ledger: &LedgerView) -> Result<Self, MailingError> {
        Ok(Self::with(loaded, ledger.names()?.as_deref()))
    }

    /// The names that letters of the batch have by themselves.
    pub(super) fn usual(loaded: &Loaded) -> Self {
        Self::with(loaded, None)
    }

    fn with(loaded: &Loaded, own: Option<&str>) -> Self {
        let name = &loaded.batch.name;
        Self {
            batch: match own {
                Some(own) => format!("{name}\n{own}"),
                None => name.clone(),
            },
        }
    }

    /// What stands for the batch in them.
    pub(super) fn batch(&self) -> &str {
        &self.batch
    }

    /// The first message of a planned letter.
    pub(super) fn message(
        &self,
        letters: &Letters,
        index: usize,
        planned: &PlannedLetter,
    ) -> PlannedMessage {
        let from = &letters.from().address;
        PlannedMessage {
            message_id: message_id(&self.batch, letters.id(index), &planned.digest, from, 1),
            digest: planned.digest,
            addresses: addresses(letters, index),
            attachments: attachments(planned),
            parts: Some(planned.parts),
        }
    }
}

pub(super) fn addresses(letters: &Letters, index: usize) -> Addresses {
    let list = |mailboxes: &[Mailbox]| -> Vec<String> {
        let addresses = mailboxes.iter().map(|mailbox| &mailbox.address);
        addresses.map(ToString::to_string).collect()
    };
    let addressees = letters.addressees(index);
    Addresses {
        to: list(&addressees.to),
        cc: list(&addressees.cc),
        bcc: list(&addressees.bcc),
    }
}

/// Whether `send` refuses a difference until a person takes it: it is about a letter that is not known
/// to have gone out.
#[must_use]
pub(crate) fn waits_for_a_word(difference: &PlanDifference) -> bool {
    match (difference.state, difference.change) {
        (LetterState::Accepted, Change::Changed | Change::Removed) => false,
        (
            LetterState::Accepted
            | LetterState::Pending
            | LetterState::Claimed
            | LetterState::Rejected
            | LetterState::InDoubt
            | LetterState::Withdrawn,
            _,
        ) => true,
    }
}
