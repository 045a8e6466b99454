//! What only all letters together show: contents claimed twice, and reports of other recipients.

use std::collections::HashMap;

use super::PlannedLetter;
use crate::fault::{Fault, quote};
use crate::letter::{Letters, Other, Proof, Sha256Digest};

/// A name that stands in so many reports is one that reports mention, as long as each shows its own
/// recipient too.
const MENTIONED: usize = 5;

/// The reports that show recipients they do not belong to, each with the place of its letter.
pub(super) fn strangers(letters: &Letters, proofs: &[(usize, Proof)]) -> Vec<(usize, Fault)> {
    let mut shown: HashMap<Other, usize> = HashMap::new();
    for other in proofs.iter().flat_map(|(_, proof)| &proof.others) {
        *shown.entry(*other).or_default() += 1;
    }
    let mut findings = Vec::new();
    for (index, proof) in proofs {
        for other in &proof.others {
            let (name, id) = letters.recipient_of(other);
            let what = if other.is_name {
                format!(
                    "the name `{}` of another recipient, {}",
                    quote(name),
                    quote(id)
                )
            } else {
                format!(
                    "the id {} of another recipient, `{}`",
                    quote(id),
                    quote(name)
                )
            };
            let is_mentioned =
                proof.is_own && (other.is_figure || shown.get(other) >= Some(&MENTIONED));
            let text = format!("the PDF shows {what}");
            let fault = if is_mentioned {
                Fault::warning(
                    format!("{text}, beside its own recipient"),
                    "look at one of these reports; cross_check = false stops this search",
                )
            } else {
                Fault::new(
                    text,
                    "put the right report there; if reports do mention others, set cross_check = false",
                )
                .file(&proof.file)
            };
            findings.push((*index, fault.id(letters.id(*index))));
        }
    }
    findings
}

/// The same contents for two recipients are a report at the wrong school.
pub(super) fn claimed_twice(
    letters: &Letters,
    entries: &[Option<PlannedLetter>],
) -> Vec<(usize, Fault)> {
    let mut claims: Vec<(Sha256Digest, usize)> = entries
        .iter()
        .enumerate()
        .filter_map(|(index, entry)| Some((index, entry.as_ref()?)))
        .flat_map(|(index, entry)| {
            entry
                .attachments
                .iter()
                .map(move |attachment| (index, attachment))
        })
        .filter(|(_, attachment)| !attachment.shared)
        .map(|(index, attachment)| (attachment.sha256, index))
        .collect();
    claims.sort_unstable();
    let mut faults = Vec::new();
    for pair in claims.windows(2) {
        let [(first_digest, first), (second_digest, second)] = pair else {
            continue;
        };
        if first_digest == second_digest {
            let mut fault = Fault::new(
                format!("the attachment has the same contents as that of {}", letters.id(*first)),
                "give each recipient its own file, or set shared = true for a file that goes to everyone",
            )
            .id(letters.id(*second));
            fault.file = letters.file_of(*second, second_digest);
            faults.push((*second, fault));
        }
    }
    faults
}
