//! What of a letter is another than when it was planned.

use std::collections::HashMap;
use std::sync::Arc;

use super::Prepared;
use super::adopt::addresses;
use crate::address::{Address, Mailbox};
use crate::dispatch::attachments;
use crate::ledger::{Change, LedgerError, LedgerView, PlanDifference};
use crate::letter::Letter;
use crate::lifecycle::{ChangedPart, LetterState, PlannedMessage};
use crate::plan::PlannedLetter;

/// Finds what of each letter changed that did.
pub(super) fn find_parts(
    prepared: &Prepared,
    ledger: &LedgerView,
    differences: &mut [PlanDifference],
) -> Result<(), LedgerError> {
    let is_changed = |difference: &PlanDifference| difference.change == Change::Changed;
    if !differences.iter().any(is_changed) {
        return Ok(());
    }
    let letters = &prepared.letters;
    let places: HashMap<&str, usize> = (0..letters.len())
        .map(|place| (letters.id(place), place))
        .collect();
    for difference in differences.iter_mut().filter(|each| is_changed(each)) {
        let record = ledger.letter(&difference.id)?;
        let before = record.as_ref().and_then(|record| record.letter.wanted());
        let place = places.get(difference.id.as_str()).copied();
        let planned = place.and_then(|place| prepared.plan.letter(place));
        let (Some(before), Some(place), Some(planned)) = (before, place, planned) else {
            continue;
        };
        let now = PlannedMessage {
            message_id: String::new(),
            digest: planned.digest,
            addresses: addresses(letters, place),
            attachments: attachments(planned),
            parts: Some(planned.parts),
        };
        let letter = record.as_ref().map(|record| &record.letter);
        let sent = letter.filter(|letter| letter.state == LetterState::Accepted);
        if let Some(sent) = sent.filter(|_| before.parts.is_some()) {
            difference.parts = sent.changed_parts(now);
            continue;
        }
        difference.parts = now.changed_since(before);
        if before.parts.is_none() && !difference.parts.contains(&ChangedPart::TextOrSender) {
            // Of what an older program planned, the digest over all of it is kept: with the old addresses
            // and reports, a letter of the same text and sender has that digest again.
            let is_same_besides = letters.make(place).is_ok_and(|letter| {
                as_before(letter, before)
                    .is_some_and(|letter| PlannedLetter::of(&letter, &[]).digest == before.digest)
            });
            if !is_same_besides {
                difference.parts.push(ChangedPart::TextOrSender);
            }
        }
    }
    Ok(())
}

/// Whether there is anything to do or to know about a difference: of a letter that went out there is not where
/// everybody has it that the list has, as it is.
pub(super) fn matters(difference: &PlanDifference) -> bool {
    let is_sent = difference.state == LetterState::Accepted;
    !(is_sent && difference.change == Change::Changed && difference.parts.is_empty())
}

/// A letter with the addresses and reports of before; none where it has another number of reports.
fn as_before(mut letter: Letter, before: &PlannedMessage) -> Option<Letter> {
    let known: Vec<Mailbox> = [&letter.to, &letter.cc, &letter.bcc]
        .into_iter()
        .flatten()
        .cloned()
        .collect();
    // The ledger keeps no display names: an address that is still written to has the one that it has now.
    let mailbox = |text: &String| -> Option<Mailbox> {
        let address = Address::parse(text).ok()?;
        let same = known.iter().find(|mailbox| mailbox.address == address);
        Some(same.cloned().unwrap_or_else(|| address.into()))
    };
    let list = |texts: &[String]| -> Option<Vec<Mailbox>> { texts.iter().map(mailbox).collect() };
    let (to, cc, bcc) = (
        list(&before.addresses.to)?,
        list(&before.addresses.cc)?,
        list(&before.addresses.bcc)?,
    );
    (letter.to, letter.cc, letter.bcc) = (to, cc, bcc);
    if letter.attachments.len() != before.attachments.len() {
        return None;
    }
    for (attachment, before) in letter.attachments.iter_mut().zip(&before.attachments) {
        attachment.name = Arc::from(before.name.as_str());
        attachment.sha256 = before.sha256;
    }
    Some(letter)
}
