//! The list of letters with their digests, and the digest over all.
//!
//! `check`, `preview` and `send` make the same plan by the same code. The plan keeps digests, not
//! letters, so that its size does not depend on the reports.

mod belonging;
mod id;
mod making;

use std::collections::HashSet;
use std::sync::Arc;

use sha2::{Digest, Sha256};

pub use id::{PlanId, hex};

use crate::address::Mailbox;
use crate::clock::Clock;
use crate::fault::Fault;
use crate::letter::{Letter, Letters, Proof, Sha256Digest, Verdict};

/// All letters of a batch, by digest.
#[derive(Debug)]
pub struct Plan {
    /// The digest over all letters, in order.
    pub id: PlanId,
    /// One entry for each letter, in the order of the manifest.
    pub letters: Vec<PlannedLetter>,
    /// Warnings and notices of the proofs.
    pub findings: Vec<Fault>,
}

/// What a plan knows of a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedLetter {
    /// The digest over everything that leaves.
    pub digest: Sha256Digest,
    /// About how many bytes it takes on the wire.
    pub bytes: u64,
    /// How many addresses it goes to.
    pub addresses: u32,
    /// Its attachments.
    pub attachments: Box<[PlannedAttachment]>,
}

/// What a plan knows of an attachment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedAttachment {
    /// The name that recipients see.
    pub name: Arc<str>,
    /// The digest of its contents.
    pub sha256: Sha256Digest,
    /// Its size.
    pub bytes: u64,
    /// How many pages the PDF has, if it was opened.
    pub pages: Option<u32>,
    /// What the proofs told of it.
    pub verdict: Verdict,
    shared: bool,
}

impl Plan {
    /// Makes and proves every letter once, on all cores, and keeps the digests. `progress` is told how many
    /// letters are done.
    ///
    /// # Errors
    /// All findings of all letters, in the order of the manifest, if a fault is among them.
    pub fn make(
        letters: &Arc<Letters>,
        clock: &dyn Clock,
        progress: &mut dyn FnMut(usize),
    ) -> Result<Self, Vec<Fault>> {
        let made = making::make_all(letters, clock, progress);
        let twice = belonging::claimed_twice(letters, &made.entries);
        let mut strangers = belonging::strangers(letters, &made.strangers);
        // Whose report a copy is has been told.
        let told: HashSet<usize> = twice.iter().map(|(index, _)| *index).collect();
        strangers.retain(|(index, _)| !told.contains(index));
        let mut findings = [made.findings, strangers, twice].concat();
        findings.sort_by_key(|(index, _)| *index);
        let mut findings: Vec<Fault> = findings.into_iter().map(|(_, fault)| fault).collect();
        findings.extend(letters.unclaimed(made.claims));
        if findings.iter().any(Fault::is_fault) {
            return Err(findings);
        }
        let entries: Vec<PlannedLetter> = made.entries.into_iter().flatten().collect();
        let mut hasher = Sha256::new();
        hasher.update(b"postroom plan 1\0");
        for entry in &entries {
            hasher.update(entry.digest);
        }
        Ok(Self {
            id: PlanId(hasher.finalize().into()),
            letters: entries,
            findings,
        })
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
        self.letters.iter().map(|letter| letter.bytes).sum()
    }

    /// How many attachments the proofs told this of.
    #[must_use]
    pub fn with_verdict(&self, verdict: Verdict) -> usize {
        let attachments = self.letters.iter().flat_map(|letter| &letter.attachments);
        attachments
            .filter(|attachment| attachment.verdict == verdict)
            .count()
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
    /// The plan's entry for a letter and the proofs of its attachments, if they were asked.
    #[must_use]
    pub fn of(letter: &Letter, proofs: &[Proof]) -> Self {
        Self {
            digest: digest(letter),
            bytes: letter.encoded_bytes(),
            addresses: u32::try_from(letter.addresses().count()).unwrap_or(u32::MAX),
            attachments: letter
                .attachments
                .iter()
                .enumerate()
                .map(|(place, attachment)| PlannedAttachment {
                    name: Arc::clone(&attachment.name),
                    sha256: attachment.sha256,
                    bytes: attachment.bytes,
                    pages: proofs.get(place).and_then(|proof| proof.pages),
                    verdict: proofs
                        .get(place)
                        .map(|proof| proof.verdict)
                        .unwrap_or_default(),
                    shared: attachment.shared,
                })
                .collect(),
        }
    }
}

/// The digest over everything of a letter that leaves. Each part goes in with its length, so that
/// no two letters can be told apart only by where a part ends.
fn digest(letter: &Letter) -> Sha256Digest {
    let mut hasher = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hasher.update((bytes.len() as u64).to_be_bytes());
        hasher.update(bytes);
    };
    part(b"postroom letter 1");
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
    part(letter.html.as_bytes());
    // A text that is derived follows from the HTML.
    part(letter.own_text.as_deref().unwrap_or_default().as_bytes());
    for attachment in &letter.attachments {
        part(attachment.name.as_bytes());
        part(&attachment.sha256);
    }
    hasher.finalize().into()
}
