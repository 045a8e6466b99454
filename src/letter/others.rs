//! The names and ids of all recipients, to find another's in a PDF.
//!
//! Each text is gone through once, whatever the number of recipients: from every word on, the hash
//! of what follows is looked up wherever a word ends. Sixteen bytes are kept for a name.

use super::wording::Wording;
use crate::manifest::Manifest;

/// What is shorter says too little.
const SHORTEST_ID: usize = 4;
const SHORTEST_NAME: usize = 6;
/// A short number may be any figure of a report.
const SHORT_NUMBER: usize = 6;
/// Others that are named of one PDF.
const MOST_NAMED: usize = 8;
/// The letters by which most places of a text are passed over at once.
const START: usize = 4;
const STARTS: usize = 1 << 18;

/// Looks for the names and ids of recipients.
#[derive(Debug)]
pub(super) struct Others {
    /// By hash.
    entries: Vec<Entry>,
    /// Which hashes of the first letters there are.
    starts: Box<[u64]>,
    longest: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    hash: u64,
    recipient: u32,
    is_name: bool,
}

/// What a PDF shows of a recipient whose letter it does not go with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Other {
    /// The recipient, by the place in the manifest.
    pub recipient: u32,
    /// Whether it is the name; else it is the id.
    pub is_name: bool,
    /// Whether it may be a figure of the report: a number of few digits.
    pub is_figure: bool,
}

impl Others {
    /// Takes the names and ids of a manifest.
    pub fn of(manifest: &Manifest) -> Self {
        let mut others = Self {
            entries: Vec::new(),
            starts: vec![0; STARTS / 64].into(),
            longest: 0,
        };
        for index in 0..manifest.len() {
            let recipient = manifest.recipient(index);
            let id = Wording::of(recipient.id());
            if id.len() >= SHORTEST_ID {
                others.add(&id, index, false);
            }
            let name = Wording::of(recipient.name());
            if name.len() >= SHORTEST_NAME && !name.is_number() {
                others.add(&name, index, true);
            }
        }
        others.entries.sort_unstable();
        others.entries.shrink_to_fit();
        others
    }

    fn add(&mut self, wording: &Wording, index: usize, is_name: bool) {
        let letters = wording.letters();
        let start = slot(hash(&letters[..START]));
        self.starts[start / 64] |= 1 << (start % 64);
        self.longest = self.longest.max(letters.len());
        self.entries.push(Entry {
            hash: hash(letters),
            recipient: u32::try_from(index).unwrap_or(u32::MAX),
            is_name,
        });
    }

    /// The other recipients that a text shows, each once. A name that stands inside a longer one
    /// does not count: `St Mary` is not shown by `St Mary and St John`.
    pub fn shown(&self, text: &Wording, own: u32, manifest: &Manifest) -> Vec<Other> {
        let letters = text.letters();
        let mut shown: Vec<Other> = Vec::new();
        let mut covered = 0;
        for at in (0..letters.len()).filter(|at| text.is_edge(*at)) {
            let Some((end, entry)) = self.longest_at(text, at, own, manifest) else {
                continue;
            };
            if end <= covered {
                continue;
            }
            covered = end;
            if entry.recipient == own || shown.len() >= MOST_NAMED {
                continue;
            }
            let found = &letters[at..end];
            let other = Other {
                recipient: entry.recipient,
                is_name: entry.is_name,
                is_figure: found.len() < SHORT_NUMBER
                    && found.iter().all(|letter| letter.is_numeric()),
            };
            if !shown.contains(&other) {
                shown.push(other);
            }
        }
        shown
    }

    /// The longest name or id that begins here and ends with a word; of several recipients with the
    /// same name the own one.
    fn longest_at(
        &self,
        text: &Wording,
        at: usize,
        own: u32,
        manifest: &Manifest,
    ) -> Option<(usize, Entry)> {
        let letters = &text.letters()[at..];
        let start = slot(hash(letters.get(..START)?));
        if self.starts[start / 64] & 1 << (start % 64) == 0 {
            return None;
        }
        let mut longest = None;
        let mut hash = SEED;
        for (length, letter) in letters.iter().enumerate().take(self.longest) {
            hash = add(hash, *letter);
            let end = at + length + 1;
            if length + 1 >= START && text.is_edge(end) {
                let found = self.with_hash(hash).filter(|entry| {
                    wording(*entry, manifest).letters() == &text.letters()[at..end]
                });
                let best = found.min_by_key(|entry| (entry.recipient != own, entry.recipient));
                longest = best.map(|entry| (end, entry)).or(longest);
            }
        }
        longest
    }

    fn with_hash(&self, hash: u64) -> impl Iterator<Item = Entry> {
        let first = self.entries.partition_point(|entry| entry.hash < hash);
        self.entries[first..]
            .iter()
            .copied()
            .take_while(move |entry| entry.hash == hash)
    }
}

fn wording(entry: Entry, manifest: &Manifest) -> Wording {
    let recipient = manifest.recipient(entry.recipient as usize);
    Wording::of(if entry.is_name {
        recipient.name()
    } else {
        recipient.id()
    })
}

/// FNV-1a over characters, from its published offset and prime.
const SEED: u64 = 0xcbf2_9ce4_8422_2325;

fn add(hash: u64, letter: char) -> u64 {
    (hash ^ u64::from(letter)).wrapping_mul(0x0100_0000_01b3)
}

fn hash(letters: &[char]) -> u64 {
    letters.iter().fold(SEED, |hash, letter| add(hash, *letter))
}

fn slot(hash: u64) -> usize {
    // The upper half is the better mixed one.
    usize::try_from(hash >> 32).unwrap_or(0) % STARTS
}
