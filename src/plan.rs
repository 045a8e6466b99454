//! The list of letters with their digests and where they are sent to, and the digest over all.
//!
//! `check`, `preview` and `send` make the same plan by the same code. The plan keeps digests, not
//! letters, so that its size does not depend on the reports.

mod belonging;
mod destination;
mod id;
mod making;
mod parts;

use std::collections::HashSet;
use std::num::NonZeroU32;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use smallvec::SmallVec;

pub use destination::Destination;
pub(crate) use id::PlanId;

use crate::address::Mailbox;
use crate::clock::Clock;
use crate::config::Receipts;
use crate::digest::{Parts, Sha256Digest};
use crate::finding::Finding;
use crate::letter::{Letter, Letters, Proof, Verdict};
use crate::lifecycle::MessageParts;

/// All letters of a batch, by digest.
#[derive(Debug)]
pub struct Plan {
    /// The digest over all letters, in order, and where they are sent to.
    pub id: PlanId,
    /// Where they are sent to.
    pub destination: Destination,
    /// One entry for each letter, in the order of the manifest; if only the letters left of a batch
    /// were made, one for each of those.
    pub letters: Vec<PlannedLetter>,
    /// Where the entries stand in the manifest, if not one for each letter.
    places: Option<Arc<[usize]>>,
    /// Warnings and notices of the proofs.
    pub findings: Vec<Finding>,
}

/// What is left of a batch that was begun.
#[derive(Debug)]
pub struct ResumedPlan {
    /// The plan that it was begun with.
    pub plan: PlanId,
    /// Where that was sent to, if it is known.
    pub destination: Option<String>,
    /// The letters that have not gone out: their places in the manifest, in order, and their digests
    /// in that plan.
    pub left: Vec<(usize, Sha256Digest)>,
}

/// What a plan knows of a letter. A large batch has many of these: they are kept small.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedLetter {
    /// The digest over everything that leaves.
    pub digest: Sha256Digest,
    bytes: u32,
    /// How many addresses it goes to.
    pub addresses: u32,
    /// Its attachments. Most letters have one.
    pub attachments: SmallVec<[PlannedAttachment; 1]>,
    /// What else it is made of.
    pub parts: MessageParts,
}

/// What a plan knows of an attachment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedAttachment {
    /// The name that recipients see.
    pub name: Arc<String>,
    /// The digest of its contents.
    pub sha256: Sha256Digest,
    /// Its size.
    pub bytes: u64,
    /// How many pages the PDF has, if it was opened.
    pub pages: Option<NonZeroU32>,
    /// What the proofs found of it.
    pub verdict: Verdict,
    /// Whether it goes out locked with a password.
    pub locked: bool,
    shared: bool,
}

impl Plan {
    /// Makes and proves every letter once, on all cores, and keeps the digests. `progress` is given how many
    /// letters are done.
    ///
    /// # Errors
    /// All findings of all letters, in the order of the manifest, if a fault is among them.
    pub fn make(
        letters: &Arc<Letters>,
        destination: &Destination,
        clock: &dyn Clock,
        progress: &mut dyn FnMut(usize),
    ) -> Result<Self, Vec<Finding>> {
        let mut made = making::make_all(letters, None, clock, progress);
        let twice = belonging::claimed_twice(letters, &made.entries);
        let mut weighed =
            belonging::weigh(letters, &made.open, &mut made.conditions, &mut made.entries);
        // Whose report a copy is has been reported.
        let reported: HashSet<usize> = twice.iter().map(|(index, _)| *index).collect();
        weighed.retain(|(index, _)| !reported.contains(index));
        made.claims.sort_unstable();
        let mut findings = [made.findings, weighed, twice].concat();
        findings.sort_by_key(|(index, _)| *index);
        let mut findings: Vec<Finding> = findings.into_iter().map(|(_, fault)| fault).collect();
        letters.explain_missing(&mut findings);
        letters.find_missing(&made.missing, &made.claims, &mut findings);
        findings.extend(letters.unclaimed(&made.claims));
        // Collected so, they stay where they are: a large batch has them in memory once.
        let entries: Option<Vec<PlannedLetter>> = made.entries.into_iter().collect();
        let Some(entries) = entries.filter(|_| !findings.iter().any(Finding::is_fault)) else {
            return Err(findings);
        };
        let mut hasher = Sha256::new();
        hasher.update(b"postroom plan 2\0");
        for entry in &entries {
            hasher.update(entry.digest);
        }
        // Last, and the digests before it are all as long: nothing else reads the same.
        hasher.update(destination.as_str());
        Ok(Self {
            id: PlanId(hasher.finalize().into()),
            destination: destination.clone(),
            letters: entries,
            places: None,
            findings,
        })
    }

    /// The plan of a batch that was begun, without making the letters anew that have gone out. Each
    /// letter left must be the one that was checked then, together with all others: what was found
    /// out about all of them together still holds. None when one is not, or has a fault, or when they
    /// are sent elsewhere.
    #[must_use]
    pub fn take_up(
        begun: &ResumedPlan,
        letters: &Arc<Letters>,
        destination: &Destination,
        clock: &dyn Clock,
        progress: &mut dyn FnMut(usize),
    ) -> Option<Self> {
        if begun.destination.as_deref() != Some(destination.as_str()) {
            return None;
        }
        let places: Arc<[usize]> = begun.left.iter().map(|(place, _)| *place).collect();
        if places.last().is_some_and(|last| *last >= letters.len()) {
            return None;
        }
        let mut made = making::make_all(letters, Some(&places), clock, progress);
        let weighed =
            belonging::weigh(letters, &made.open, &mut made.conditions, &mut made.entries);
        let mut findings = [made.findings, weighed].concat();
        findings.sort_by_key(|(index, _)| *index);
        let findings: Vec<Finding> = findings.into_iter().map(|(_, fault)| fault).collect();
        let entries: Vec<PlannedLetter> = made.entries.into_iter().collect::<Option<_>>()?;
        let as_planned = entries
            .iter()
            .zip(&begun.left)
            .all(|(entry, (_, digest))| entry.digest == *digest);
        if !as_planned || findings.iter().any(Finding::is_fault) {
            return None;
        }
        Some(Self {
            id: begun.plan,
            destination: destination.clone(),
            letters: entries,
            places: Some(places),
            findings,
        })
    }

    /// Whether it has the letters left of a batch only.
    #[must_use]
    pub fn is_rest(&self) -> bool {
        self.places.is_some()
    }

    /// The entry of a letter by its place in the manifest, unless it has gone out.
    #[must_use]
    pub fn letter(&self, place: usize) -> Option<&PlannedLetter> {
        let index = match &self.places {
            None => place,
            Some(places) => places.binary_search(&place).ok()?,
        };
        self.letters.get(index)
    }

    /// The entries with their places in the manifest.
    pub fn placed(&self) -> impl Iterator<Item = (usize, &PlannedLetter)> {
        let place = |index| match &self.places {
            None => index,
            Some(places) => places[index],
        };
        let entries = self.letters.iter().enumerate();
        entries.map(move |(index, entry)| (place(index), entry))
    }

    /// The addresses of all letters together.
    #[must_use]
    pub fn addresses(&self) -> u64 {
        self.letters
            .iter()
            .map(|letter| u64::from(letter.addresses))
            .sum()
    }

    /// The bytes of all letters on the wire.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let letters = self.letters.iter();
        letters.map(PlannedLetter::bytes).sum()
    }

    /// How many attachments have this verdict.
    #[must_use]
    pub fn with_verdict(&self, verdict: Verdict) -> usize {
        let attachments = self.letters.iter().flat_map(|letter| &letter.attachments);
        attachments
            .filter(|attachment| attachment.verdict == verdict)
            .count()
    }

    /// How many attachments go out locked with a password.
    #[must_use]
    pub fn locked(&self) -> usize {
        let attachments = self.letters.iter().flat_map(|letter| &letter.attachments);
        attachments.filter(|attachment| attachment.locked).count()
    }

    /// How many attachments all letters have together.
    #[must_use]
    pub fn attachments(&self) -> usize {
        self.letters
            .iter()
            .map(|letter| letter.attachments.len())
            .sum()
    }
}

impl PlannedLetter {
    /// About how many bytes it takes on the wire.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes.into()
    }

    /// The plan's entry for a letter and the proofs of its attachments, if they were asked.
    #[must_use]
    pub fn of(letter: &Letter, proofs: &[Proof]) -> Self {
        Self {
            digest: digest(letter),
            bytes: u32::try_from(letter.encoded_bytes()).unwrap_or(u32::MAX),
            addresses: u32::try_from(letter.addresses().count()).unwrap_or(u32::MAX),
            attachments: letter
                .attachments
                .iter()
                .enumerate()
                .map(|(place, attachment)| PlannedAttachment {
                    name: Arc::new(attachment.name.to_string()),
                    sha256: attachment.sha256,
                    bytes: attachment.bytes,
                    pages: proofs
                        .get(place)
                        .and_then(|proof| NonZeroU32::new(proof.pages?)),
                    verdict: proofs
                        .get(place)
                        .map(|proof| proof.verdict)
                        .unwrap_or_default(),
                    locked: attachment.lock.is_some(),
                    shared: attachment.shared,
                })
                .collect(),
            parts: parts::of(letter),
        }
    }
}

/// The digest over everything of a letter that leaves. Each part goes in with its length, so that
/// no two letters can be distinguished only by where a part ends.
fn digest(letter: &Letter) -> Sha256Digest {
    let mut parts = Parts::of("postroom letter 1");
    let mut part = |bytes: &[u8]| {
        parts.add(bytes);
    };
    part(letter.id.as_bytes());
    part(letter.from.to_string().as_bytes());
    part(
        letter
            .reply_to
            .as_ref()
            .map(Mailbox::to_string)
            .unwrap_or_default()
            .as_bytes(),
    );
    for mailboxes in [&letter.to, &letter.cc, &letter.bcc] {
        part(&(mailboxes.len() as u64).to_be_bytes());
        for mailbox in mailboxes {
            part(mailbox.to_string().as_bytes());
        }
    }
    part(letter.subject.as_str().as_bytes());
    part(letter.html.as_deref().unwrap_or_default().as_bytes());
    // A text that is derived follows from the HTML.
    part(letter.own_text.as_deref().unwrap_or_default().as_bytes());
    for attachment in &letter.attachments {
        part(attachment.name.as_bytes());
        part(&attachment.sha256);
    }
    // No attachment is called so: what follows begins where it says. A letter without any of it has
    // the digest that it always had.
    let extras = &letter.extras;
    for lock in letter.attachments.iter().map(|file| file.lock) {
        if let Some(mark) = &lock {
            part(b"\0lock");
            part(mark);
        }
    }
    for picture in &letter.pictures {
        part(b"\0picture");
        part(picture.name.as_bytes());
        part(&picture.sha256);
    }
    if let Some(importance) = extras.importance {
        part(b"\0importance");
        part(importance.word().as_bytes());
    }
    if let Some(answered) = &extras.in_reply_to {
        part(b"\0answers");
        part(answered.as_bytes());
    }
    for (name, value) in &extras.headers {
        part(b"\0header");
        part(name.as_bytes());
        part(value.as_str().as_bytes());
    }
    if extras.receipts != Receipts::None {
        part(b"\0receipts");
        part(extras.receipts.word().as_bytes());
    }
    if letter.html.is_none() {
        part(b"\0text alone");
    }
    parts.finish()
}
