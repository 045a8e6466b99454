//! The list of letters with their digests, and the digest over all.
//!
//! `check`, `preview` and `send` make the same plan by the same code. The plan keeps digests, not
//! letters, so that its size does not depend on the reports.

mod id;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use sha2::{Digest, Sha256};

pub use id::{PlanId, hex};

use crate::address::Mailbox;
use crate::clock::Clock;
use crate::fault::Fault;
use crate::letter::{Letter, Letters, Sha256Digest};

/// A letter whose template takes longer than this to render loops for ever.
const PATIENCE: Duration = Duration::from_secs(20);

/// All letters of a batch, by digest.
#[derive(Debug)]
pub struct Plan {
    /// The digest over all letters, in order.
    pub id: PlanId,
    /// One entry for each letter, in the order of the manifest.
    pub letters: Vec<PlannedLetter>,
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
    shared: bool,
}

impl Plan {
    /// Makes every letter once, on all cores, and keeps the digests. `progress` is told how many
    /// letters are done.
    ///
    /// # Errors
    /// All faults of all letters, in the order of the manifest.
    pub fn make(
        letters: &Arc<Letters>,
        clock: &dyn Clock,
        progress: &mut dyn FnMut(usize),
    ) -> Result<Self, Vec<Fault>> {
        let entries = make_all(letters, clock, progress)?;
        let faults = claimed_twice(letters, &entries);
        if !faults.is_empty() {
            return Err(faults);
        }
        let mut hasher = Sha256::new();
        hasher.update(b"postroom plan 1\0");
        for entry in &entries {
            hasher.update(entry.digest);
        }
        Ok(Self {
            id: PlanId(hasher.finalize().into()),
            letters: entries,
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

    /// How many attachments all letters have together.
    #[must_use]
    pub fn attachments(&self) -> usize {
        self.letters
            .iter()
            .map(|letter| letter.attachments.len())
            .sum()
    }
}

fn make_all(
    letters: &Arc<Letters>,
    clock: &dyn Clock,
    progress: &mut dyn FnMut(usize),
) -> Result<Vec<PlannedLetter>, Vec<Fault>> {
    let next = Arc::new(AtomicUsize::new(0));
    let (sender, results) = sync_channel(256);
    // The tasks own what they use: one that a template never lets go is left behind.
    for _ in 0..rayon::current_num_threads() {
        let (letters, next, sender) = (Arc::clone(letters), Arc::clone(&next), sender.clone());
        rayon::spawn(move || {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= letters.len() {
                    return;
                }
                let made = letters.make(index).map(|letter| PlannedLetter::of(&letter));
                if sender.send((index, made)).is_err() {
                    return;
                }
            }
        });
    }
    drop(sender);
    let mut entries: Vec<Option<PlannedLetter>> = vec![None; letters.len()];
    let mut faults: Vec<(usize, Vec<Fault>)> = Vec::new();
    let mut names = LastName::default();
    let mut done = 0;
    loop {
        letters.tick(clock.elapsed());
        match results.recv_timeout(Duration::from_millis(500)) {
            Ok((index, Ok(mut entry))) => {
                names.share(&mut entry);
                entries[index] = Some(entry);
            }
            Ok((index, Err(found))) => faults.push((index, found)),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                if let Some((id, template)) = letters.stuck(PATIENCE, clock.elapsed()) {
                    faults.push((usize::MAX, vec![endless(&id, &template)]));
                    break;
                }
                continue;
            }
        }
        done += 1;
        progress(done);
    }
    if !faults.is_empty() {
        faults.sort_by_key(|(index, _)| *index);
        return Err(faults.into_iter().flat_map(|(_, found)| found).collect());
    }
    Ok(entries.into_iter().flatten().collect())
}

fn endless(id: &str, template: &str) -> Fault {
    Fault::new(
        format!(
            "the template has been rendering for more than {} seconds",
            PATIENCE.as_secs()
        ),
        "look for a loop over a range that is far too long",
    )
    .file(template)
    .id(id)
}

/// Most attachments have the same name: one copy of it is enough.
#[derive(Default)]
struct LastName(Option<Arc<str>>);

impl LastName {
    fn share(&mut self, entry: &mut PlannedLetter) {
        for attachment in &mut entry.attachments {
            match &self.0 {
                Some(name) if **name == *attachment.name => attachment.name = Arc::clone(name),
                _ => self.0 = Some(Arc::clone(&attachment.name)),
            }
        }
    }
}

/// The same contents for two recipients are a report at the wrong school.
fn claimed_twice(letters: &Letters, entries: &[PlannedLetter]) -> Vec<Fault> {
    let mut claims: Vec<(Sha256Digest, usize)> = entries
        .iter()
        .enumerate()
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
            faults.push(fault);
        }
    }
    faults
}

impl PlannedLetter {
    /// The plan's entry for a letter.
    #[must_use]
    pub fn of(letter: &Letter) -> Self {
        Self {
            digest: digest(letter),
            bytes: letter.encoded_bytes(),
            addresses: u32::try_from(letter.addresses().count()).unwrap_or(u32::MAX),
            attachments: letter
                .attachments
                .iter()
                .map(|attachment| PlannedAttachment {
                    name: Arc::clone(&attachment.name),
                    sha256: attachment.sha256,
                    bytes: attachment.bytes,
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
