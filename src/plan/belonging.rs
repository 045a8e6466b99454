//! What only all letters together show: contents claimed twice, and reports of other recipients.

use std::collections::HashMap;

use super::PlannedLetter;
use crate::digest::Sha256Digest;
use crate::fault::{Fault, quote};
use crate::letter::{Letters, Other, Proof};

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

/// An attachment by the beginning of its digest, and its place: few bytes, for there may be many.
type ContentsClaim = (u64, u32, u32);

/// The same contents for two recipients are a report at the wrong school.
pub(super) fn claimed_twice(
    letters: &Letters,
    entries: &[Option<PlannedLetter>],
) -> Vec<(usize, Fault)> {
    let digest = |(_, letter, attachment): ContentsClaim| {
        let entry = entries[letter as usize].as_ref();
        entry.map(|entry| entry.attachments[attachment as usize].sha256)
    };
    let mut claims: Vec<ContentsClaim> = Vec::with_capacity(entries.len());
    for (letter, entry) in (0_u32..).zip(entries) {
        let attachments = entry.iter().flat_map(|entry| &entry.attachments);
        for (place, attachment) in (0_u32..).zip(attachments) {
            if !attachment.shared {
                claims.push((beginning(&attachment.sha256), letter, place));
            }
        }
    }
    claims.sort_unstable();
    let mut faults = Vec::new();
    for alike in claims.chunk_by(|one, other| one.0 == other.0) {
        for (at, second) in alike.iter().enumerate() {
            let mut before = alike[..at].iter().rev();
            let Some(first) = before.find(|one| digest(**one) == digest(*second)) else {
                continue;
            };
            let (first, second_letter) = (first.1 as usize, second.1 as usize);
            let mut fault = Fault::new(
                format!(
                    "the attachment has the same contents as that of {}",
                    letters.id(first)
                ),
                "give each recipient its own file, or set shared = true for a file that goes to everyone",
            )
            .id(letters.id(second_letter));
            fault.file = digest(*second).and_then(|sha256| letters.file_of(second_letter, &sha256));
            faults.push((second_letter, fault));
        }
    }
    faults
}

fn beginning(digest: &Sha256Digest) -> u64 {
    digest
        .iter()
        .take(8)
        .fold(0, |number, byte| (number << 8) | u64::from(*byte))
}
