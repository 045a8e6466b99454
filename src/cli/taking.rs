//! The plan and the ledger: taken in when a batch begins, and the same when it goes on.

use super::args::SendArgs;
use super::exit::{Exit, Stop};
use super::prepare::{Loaded, Prepared};
use super::{changes, json};
use crate::ledger::{Ledger, LetterRecord};
use crate::message::message_id;
use crate::plan::hex;

/// Brings the plan into the ledger, or refuses one that is not the one that was begun.
pub(super) fn take_plan(
    args: &SendArgs,
    loaded: &Loaded,
    prepared: &Prepared,
    ledger: &mut Ledger,
    rehearsal: bool,
) -> Result<(), Stop> {
    let Prepared { letters, plan, .. } = prepared;
    let id = hex(&plan.id.0);
    let begun = ledger.plan()?;
    if plan.is_rest() {
        // It was made for the sources and the plan that the ledger had.
        if begun.as_ref() == Some(&id) {
            return Ok(());
        }
        return Err(Stop::new(
            Exit::Stopped,
            "another run changed the batch meanwhile, so nothing was sent\n  next: run the same command again",
        ));
    }
    match begun {
        None => {}
        // A rehearsal that is over, or of an older plan, starts anew.
        Some(begun) if rehearsal && (begun != id || ledger.counts()?.pending == 0) => {
            ledger.clear_rehearsal()?;
        }
        Some(begun) if begun == id => {
            ledger.set_sources(&letters.sources())?;
            return Ok(());
        }
        Some(_) => {
            let differences = prepared.differences(ledger)?;
            if !differences.is_empty() && !args.accept_changes {
                return Err(changes::refused(&differences));
            }
            // Without differences only the order of the rows is another; the ledger takes it, since
            // it finds letters by their place.
        }
    }
    let from = &letters.from().address;
    let records = plan
        .letters
        .iter()
        .enumerate()
        .map(|(index, letter)| LetterRecord {
            id: letters.id(index).to_owned(),
            digest: letter.digest,
            message_id: message_id(&loaded.batch.name, letters.id(index), &letter.digest, from),
            addresses: json::addresses(letters, index),
            attachments: json::attachments(letter),
        });
    ledger.adopt(&id, records)?;
    ledger.set_sources(&letters.sources())?;
    Ok(())
}
