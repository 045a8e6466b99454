//! Making every letter once, on all cores.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};

use super::PlannedLetter;
use crate::clock::Clock;
use crate::fault::Fault;
use crate::letter::{Letters, OFTEN, PATIENCE, Proof};

/// What making all letters gave.
pub(super) struct Made {
    /// The letters that can be made, in the order of the manifest.
    pub entries: Vec<Option<PlannedLetter>>,
    /// What was found, with the place of the letter.
    pub findings: Vec<(usize, Fault)>,
    /// The proofs of attachments that show other recipients, with the place of the letter.
    pub strangers: Vec<(usize, Proof)>,
    /// The files that the letters claim.
    pub claims: Vec<u64>,
}

/// Makes and proves every letter on all cores, or those at some places.
pub(super) fn make_all(
    letters: &Arc<Letters>,
    places: Option<&Arc<[usize]>>,
    clock: &dyn Clock,
    progress: &mut dyn FnMut(usize),
) -> Made {
    let next = Arc::new(AtomicUsize::new(0));
    let count = places.map_or(letters.len(), |places| places.len());
    let (sender, results) = sync_channel(256);
    // The tasks own what they use: one that a template never lets go is left behind.
    for _ in 0..rayon::current_num_threads() {
        let (letters, next, sender) = (Arc::clone(letters), Arc::clone(&next), sender.clone());
        let places = places.cloned();
        rayon::spawn(move || {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= count {
                    return;
                }
                let place = places.as_ref().map_or(index, |places| places[index]);
                if sender.send((index, place, one(&letters, place))).is_err() {
                    return;
                }
            }
        });
    }
    drop(sender);
    let mut made = Made {
        entries: vec![None; count],
        findings: Vec::new(),
        strangers: Vec::new(),
        claims: Vec::new(),
    };
    let mut names = LastName::default();
    let mut done = 0;
    let mut looked = clock.elapsed();
    loop {
        letters.tick(clock.elapsed());
        match results.recv_timeout(OFTEN) {
            Ok((index, place, mut one)) => {
                let now = clock.elapsed();
                if now >= looked + OFTEN {
                    looked = now;
                    if let Some(stuck) = letters.stuck(PATIENCE, now) {
                        made.findings.push((usize::MAX, stuck.finding()));
                        break;
                    }
                }
                if let Some(entry) = &mut one.entry {
                    names.share(entry);
                }
                made.entries[index] = one.entry;
                made.claims.append(&mut one.claims);
                let found = one.findings.into_iter();
                made.findings.extend(found.map(|fault| (place, fault)));
                let shown = one.strangers.into_iter();
                made.strangers.extend(shown.map(|proof| (place, proof)));
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                if let Some(stuck) = letters.stuck(PATIENCE, clock.elapsed()) {
                    made.findings.push((usize::MAX, stuck.finding()));
                    break;
                }
                continue;
            }
        }
        done += 1;
        progress(done);
    }
    // Letters come in the order in which they are done.
    made.strangers.sort_by_key(|(place, _)| *place);
    made
}

/// One letter's part of the plan.
struct One {
    entry: Option<PlannedLetter>,
    findings: Vec<Fault>,
    strangers: Vec<Proof>,
    claims: Vec<u64>,
}

fn one(letters: &Letters, index: usize) -> One {
    let checked = letters.check(index);
    let mut one = One {
        entry: None,
        findings: checked.warnings,
        strangers: Vec::new(),
        claims: checked.claims,
    };
    match checked.letter {
        Ok(letter) => one.entry = Some(PlannedLetter::of(&letter, &checked.proofs)),
        Err(faults) => one.findings.extend(faults),
    }
    let shows_others = |proof: &Proof| !proof.others.is_empty();
    one.strangers = checked.proofs.into_iter().filter(shows_others).collect();
    one
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
