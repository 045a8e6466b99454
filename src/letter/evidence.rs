//! What tells recipients apart: their names and ids, to find them in what a PDF shows.
//!
//! Each text is gone through once, whatever the number of recipients: from every word on, the hash
//! of what follows is looked up wherever a word ends. Sixteen bytes are kept for a name.

use rayon::prelude::*;

use super::wording::Wording;
use crate::finding::{Finding, quote};
use crate::manifest::Manifest;

/// An id that is shorter says nothing by itself, and a name neither.
const SHORTEST: usize = 4;
/// A name that is shorter may be any word of a report, and a number any figure.
const LONG_NAME: usize = 6;
const LONG_NUMBER: usize = 6;
/// Others that are named for one PDF.
const MOST_NAMED: usize = 8;
/// The letters by which most places of a text are passed over at once, and those of short names in
/// scripts without blanks.
const STARTS: [usize; 2] = [4, 2];
const SLOTS: usize = 1 << 18;
/// Recipients of one name whose ids are held against each other, and warnings about such names.
const MOST_NAMESAKES: usize = 50;
const MOST_WARNINGS: usize = 20;

/// Recipients that one core takes in at once.
const PART: usize = 10_000;

/// Looks for the names and ids of recipients.
#[derive(Debug)]
pub(super) struct RecipientIndex {
    /// By hash.
    entries: Vec<Entry>,
    /// For each length of [`STARTS`]: which hashes of the first letters there are.
    starts: [Box<[u64]>; 2],
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
}

/// How well a text shows whose it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum OwnSign {
    /// Not at all.
    #[default]
    None,
    /// By what others have too, by a figure, or by lines that may belong together or not.
    Weak,
    /// By a short name of its own, which may be any word.
    Short,
    /// By a name or an id of its own.
    Strong,
}

/// What a text shows of recipients.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Shown {
    pub own: OwnSign,
    /// Others, by a name or an id of theirs.
    pub others: Vec<Other>,
    /// Others, by what may be any figure or word.
    pub perhaps: Vec<Other>,
}

/// A name or an id in a text.
struct Match {
    at: usize,
    end: usize,
    /// Who has it.
    holders: Vec<Entry>,
    /// Whether a line end inside may part it into another's name and more.
    is_doubtful: bool,
    /// Whether it stands in a longer one that is doubtful.
    is_inside: bool,
}

impl Default for RecipientIndex {
    fn default() -> Self {
        let starts = || vec![0; SLOTS / 64].into();
        Self {
            entries: Vec::new(),
            starts: [starts(), starts()],
            longest: 0,
        }
    }
}

impl RecipientIndex {
    /// Takes the names and ids of a manifest, on all cores.
    pub(super) fn of(manifest: &Manifest) -> Self {
        let mut index = (0..manifest.len())
            .into_par_iter()
            .with_min_len(PART)
            .fold(Self::default, |mut part, index| {
                part.take(manifest, index);
                part
            })
            .reduce(Self::default, Self::and);
        index.entries.par_sort_unstable();
        index.entries.shrink_to_fit();
        index
    }

    fn take(&mut self, manifest: &Manifest, index: usize) {
        let recipient = manifest.recipient(index);
        let id = Wording::of(recipient.id());
        let name = Wording::of(recipient.name());
        self.add(&id, index, false);
        if name.letters() != id.letters() {
            self.add(&name, index, true);
        }
    }

    fn and(mut self, other: Self) -> Self {
        self.entries.extend(other.entries);
        for (starts, others) in self.starts.iter_mut().zip(other.starts) {
            for (slots, others) in starts.iter_mut().zip(others) {
                *slots |= others;
            }
        }
        self.longest = self.longest.max(other.longest);
        self
    }

    fn add(&mut self, wording: &Wording, index: usize, is_name: bool) {
        if strength(wording, is_name) == Strength::Nothing {
            return;
        }
        let letters = wording.letters();
        let which = usize::from(letters.len() < STARTS[0]);
        let slot = slot(hash(&letters[..STARTS[which]]));
        self.starts[which][slot / 64] |= 1 << (slot % 64);
        self.longest = self.longest.max(letters.len());
        self.entries.push(Entry {
            hash: hash(letters),
            recipient: u32::try_from(index).unwrap_or(u32::MAX),
            is_name,
        });
    }

    /// What a text shows of its own recipient and of others. A name that stands inside a longer one
    /// does not count: `St Mary` is not shown by `St Mary and St John`. Where a line ends between the
    /// two nobody knows whether they belong together: it may be either's, and confirms neither.
    pub(super) fn shown(&self, text: &Wording, own: u32, manifest: &Manifest) -> Shown {
        let matches = self.matches(text, manifest);
        let of_own = manifest.recipient(own as usize);
        let mut shown = Shown::default();
        let mut note = |list: fn(&mut Shown) -> &mut Vec<Other>, other: Other| {
            let list = list(&mut shown);
            if list.len() < MOST_NAMED && !list.contains(&other) {
                list.push(other);
            }
        };
        let mut sign = OwnSign::None;
        for found in &matches {
            let Some(first) = found.holders.first() else {
                continue;
            };
            let wording = wording(*first, manifest);
            let strength = strength(&wording, first.is_name);
            let is_shared = found
                .holders
                .iter()
                .any(|entry| entry.recipient != first.recipient);
            if found.holders.iter().any(|entry| entry.recipient == own) {
                sign = sign.max(match strength {
                    _ if found.is_doubtful || found.is_inside || is_shared => OwnSign::Weak,
                    Strength::Strong => OwnSign::Strong,
                    Strength::ShortName => OwnSign::Short,
                    Strength::Figure | Strength::Nothing => OwnSign::Weak,
                });
                continue;
            }
            if found.is_doubtful {
                // The shorter name in it is a match of its own.
                continue;
            }
            let other = Other {
                recipient: first.recipient,
                is_name: first.is_name,
            };
            let within_own = found.is_inside
                && matches.iter().any(|longer| {
                    longer.is_doubtful
                        && longer.at <= found.at
                        && longer.end >= found.end
                        && longer.holders.iter().any(|entry| entry.recipient == own)
                });
            if strength == Strength::Strong && !within_own {
                note(|shown| &mut shown.others, other);
            } else {
                note(|shown| &mut shown.perhaps, other);
            }
        }
        if sign == OwnSign::None {
            let has = |wanted: &str| text.shows(&Wording::of(wanted));
            let is_near = || text.has_words_of(&Wording::of(of_own.name()));
            if has(of_own.id()) || has(of_own.name()) || is_near() {
                sign = OwnSign::Weak;
            }
        }
        shown.own = sign;
        shown.by_ids_of_namesakes(text, &self.namesakes(own, manifest), own, manifest);
        if shown.own == OwnSign::Short && !(shown.others.is_empty() && shown.perhaps.is_empty()) {
            shown.own = OwnSign::Weak;
        }
        shown
    }

    /// The other recipients that have the same name.
    fn namesakes(&self, own: u32, manifest: &Manifest) -> Vec<u32> {
        let name = Wording::of(manifest.recipient(own as usize).name());
        self.holders(hash(name.letters()), name.letters(), manifest)
            .filter(|entry| entry.is_name && entry.recipient != own)
            .map(|entry| entry.recipient)
            .take(MOST_NAMESAKES)
            .collect()
    }

    /// All names and ids in a text that count.
    fn matches(&self, text: &Wording, manifest: &Manifest) -> Vec<Match> {
        let mut matches: Vec<Match> = Vec::new();
        let mut covered = 0;
        for at in (0..text.len()).filter(|at| text.is_edge(*at)) {
            let mut found = self.all_at(text, at, manifest);
            let Some((end, holders)) = found.pop() else {
                continue;
            };
            let mut is_inside = false;
            if end <= covered {
                // Within a longer one: it counts where a line ends right before it.
                if !text.is_line_end(at) {
                    continue;
                }
                let longer = matches
                    .iter_mut()
                    .filter(|longer| longer.at < at && longer.end >= end);
                for longer in longer {
                    longer.is_doubtful = true;
                    is_inside = true;
                }
            }
            let mut is_doubtful = false;
            for (end, holders) in found {
                if text.is_line_end(end) {
                    is_doubtful = true;
                    matches.push(Match {
                        at,
                        end,
                        holders,
                        is_doubtful: false,
                        is_inside: true,
                    });
                }
            }
            covered = covered.max(end);
            matches.push(Match {
                at,
                end,
                holders,
                is_doubtful,
                is_inside,
            });
        }
        matches
    }

    /// The names and ids that begin here and end with a word, from the shortest, and who has them.
    fn all_at(&self, text: &Wording, at: usize, manifest: &Manifest) -> Vec<(usize, Vec<Entry>)> {
        let letters = &text.letters()[at..];
        let begins = |which: usize| {
            letters.get(..STARTS[which]).is_some_and(|start| {
                let slot = slot(hash(start));
                self.starts[which][slot / 64] & 1 << (slot % 64) != 0
            })
        };
        let mut all = Vec::new();
        if !begins(0) && !begins(1) {
            return all;
        }
        let mut hash = SEED;
        for (length, letter) in letters.iter().enumerate().take(self.longest) {
            hash = add(hash, *letter);
            let end = at + length + 1;
            if length + 1 >= STARTS[1] && text.is_edge(end) {
                let holders: Vec<_> = self
                    .holders(hash, &text.letters()[at..end], manifest)
                    .collect();
                if !holders.is_empty() {
                    all.push((end, holders));
                }
            }
        }
        all
    }

    /// The entries with these letters.
    fn holders<'a>(
        &'a self,
        hash: u64,
        letters: &'a [char],
        manifest: &'a Manifest,
    ) -> impl Iterator<Item = Entry> + 'a {
        let first = self.entries.partition_point(|entry| entry.hash < hash);
        self.entries[first..]
            .iter()
            .copied()
            .take_while(move |entry| entry.hash == hash)
            .filter(move |entry| wording(*entry, manifest).letters() == letters)
    }

    /// Warnings about recipients that a report cannot tell apart by name, or by id.
    pub(super) fn alike(&self, manifest: &Manifest, file: &str) -> Vec<Finding> {
        let mut warnings = Vec::new();
        for same_hash in self.entries.chunk_by(|one, next| one.hash == next.hash) {
            for is_name in [true, false] {
                let all: Vec<u32> = same_hash
                    .iter()
                    .filter(|entry| entry.is_name == is_name)
                    .map(|entry| entry.recipient)
                    .collect();
                let (Some(first), true) = (all.first(), all.len() > 1) else {
                    continue;
                };
                let of = |place: u32| manifest.recipient(place as usize);
                let row = |place: u32| {
                    let row = of(place).rows.first().copied().unwrap_or_default();
                    manifest.table().number(row as usize)
                };
                let named = |place: u32| {
                    let recipient = of(place);
                    format!(
                        "{} `{}` (row {})",
                        quote(recipient.id()),
                        quote(recipient.name()),
                        row(place)
                    )
                };
                let others: Vec<_> = all[1..].iter().take(3).map(|place| named(*place)).collect();
                let more = match all.len() - 1 - others.len() {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                let (text, next_step) = if is_name {
                    (
                        "have the same name, so that it proves of no report whose it is",
                        "let the name column say what tells them apart, such as the town, or let each report show an id of at least six digits, or with letters; look at these reports",
                    )
                } else {
                    (
                        "have the same id but for signs, case and accents, so that it proves of no report whose it is",
                        "see whether they are one recipient; else give them other ids",
                    )
                };
                let mut warning = Finding::warning(
                    format!("{} and {}{more} {text}", named(*first), others.join(", ")),
                    next_step,
                )
                .file(file);
                warning.row = Some(row(*first));
                warnings.push(warning);
            }
        }
        warnings.sort_by_key(|warning| warning.row);
        let more = warnings.len().saturating_sub(MOST_WARNINGS);
        warnings.truncate(MOST_WARNINGS);
        if let (Some(last), true) = (warnings.last_mut(), more > 0) {
            last.text
                .push_str(&format!("; and {more} more such names or ids"));
        }
        warnings
    }
}

impl Shown {
    /// Between recipients of one name every id counts against the others, however short it is; none
    /// that is a figure counts for its own, for it may be any.
    fn by_ids_of_namesakes(
        &mut self,
        text: &Wording,
        namesakes: &[u32],
        own: u32,
        manifest: &Manifest,
    ) {
        if namesakes.is_empty() || self.own >= OwnSign::Short {
            return;
        }
        let shows_id = |place: u32| {
            let id = manifest.recipient(place as usize).id();
            text.shows(&Wording::of(id))
        };
        let shows_own = shows_id(own);
        for place in namesakes.iter().copied().filter(|place| shows_id(*place)) {
            let other = Other {
                recipient: place,
                is_name: false,
            };
            let list = if shows_own {
                &mut self.perhaps
            } else {
                &mut self.others
            };
            if !list.contains(&other) && list.len() < MOST_NAMED {
                list.push(other);
            }
        }
    }
}

/// What a name or an id says by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Strength {
    /// Nothing: it is too short.
    Nothing,
    /// It may be any figure.
    Figure,
    /// It may be any word.
    ShortName,
    /// Whose it is.
    Strong,
}

fn strength(wording: &Wording, is_name: bool) -> Strength {
    if wording.weight() < SHORTEST || wording.len() < STARTS[1] {
        Strength::Nothing
    } else if wording.is_number() && wording.len() < LONG_NUMBER {
        Strength::Figure
    } else if is_name && wording.weight() < LONG_NAME {
        Strength::ShortName
    } else {
        Strength::Strong
    }
}

/// Whether a text that a report must show can prove whose it is, if it is the recipient's alone.
pub(super) fn can_prove(wording: &Wording) -> bool {
    strength(wording, true) == Strength::Strong
}

/// The number that stands for a text that a report must show.
pub(super) fn number_of(wording: &Wording) -> u64 {
    hash(wording.letters())
}

/// The name or the id of another, made comparable.
pub(super) fn wording_of(other: Other, manifest: &Manifest) -> Wording {
    let recipient = manifest.recipient(other.recipient as usize);
    Wording::of(if other.is_name {
        recipient.name()
    } else {
        recipient.id()
    })
}

fn wording(entry: Entry, manifest: &Manifest) -> Wording {
    wording_of(
        Other {
            recipient: entry.recipient,
            is_name: entry.is_name,
        },
        manifest,
    )
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
    usize::try_from(hash >> 32).unwrap_or(0) % SLOTS
}
