//! Making every letter once, on all cores.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;

use super::PlannedLetter;
use crate::clock::Clock;
use crate::finding::Finding;
use crate::letter::{Letters, OFTEN, PATIENCE, Proof};

/// What making all letters gave.
pub(super) struct Made {
    /// The letters that can be made, in the order of the manifest.
    pub entries: Vec<Option<PlannedLetter>>,
    /// What was found, with the place of the letter.
    pub findings: Vec<(usize, Finding)>,
    /// The proofs that all letters together decide, or that show others.
    pub open: Vec<OpenProof>,
    /// The texts that attachments have to show and do, by number, with the index of the letter among
    /// those made and the attachment.
    pub conditions: Vec<(u64, usize, u32)>,
    /// The files that the letters claim.
    pub claims: Vec<u64>,
    /// The files that are not there, with the place of the letter.
    pub missing: Vec<(usize, String)>,
}

/// A proof that says more than that its attachment is confirmed.
pub(super) struct OpenProof {
    /// Which of the letters made.
    pub index: usize,
    /// The place of the letter.
    pub place: usize,
    /// Which of its attachments.
    pub attachment: u32,
    pub proof: Proof,
}

/// While a process of its own reads a report, the thread that asked for it waits. So many reports are read at once, each
/// within its bounds.
const THREADS_PER_CORE: usize = 2;

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
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    // The threads own what they use: one that a template never lets go is left behind.
    for _ in 0..THREADS_PER_CORE * cores {
        let (letters, next, sender) = (Arc::clone(letters), Arc::clone(&next), sender.clone());
        let places = places.cloned();
        // Where there is no room for another thread those that are there do it all.
        let _ = thread::Builder::new().spawn(move || {
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
        open: Vec::new(),
        conditions: Vec::new(),
        claims: Vec::new(),
        missing: Vec::new(),
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
                let missing = one.missing.into_iter();
                made.missing.extend(missing.map(|file| (place, file)));
                for (attachment, proof) in (0_u32..).zip(one.proofs) {
                    let numbers = proof.conditions.iter();
                    made.conditions
                        .extend(numbers.map(|number| (*number, index, attachment)));
                    if proof.is_open() {
                        made.open.push(OpenProof {
                            index,
                            place,
                            attachment,
                            proof,
                        });
                    }
                }
            }
            Err(RecvTimeoutError::Disconnected) => {
                if done < count {
                    made.findings.push((usize::MAX, unchecked(count - done)));
                }
                break;
            }
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
    made.open.sort_by_key(|one| (one.place, one.attachment));
    made.missing.sort();
    letters.end_checks();
    made
}

/// What is said where the threads ended before all letters were made.
fn unchecked(letters: usize) -> Finding {
    Finding::fault(
        format!("the checks ended early: {letters} of the letters were not checked"),
        "run the same command again; if it ends like this again, please report it",
    )
}

/// One letter's part of the plan.
struct One {
    entry: Option<PlannedLetter>,
    findings: Vec<Finding>,
    proofs: Vec<Proof>,
    claims: Vec<u64>,
    missing: Vec<String>,
}

fn one(letters: &Letters, index: usize) -> One {
    let checked = letters.check(index);
    let mut one = One {
        entry: None,
        findings: checked.warnings,
        proofs: Vec::new(),
        claims: checked.claims,
        missing: checked.missing,
    };
    match checked.letter {
        Ok(letter) => one.entry = Some(PlannedLetter::of(&letter, &checked.proofs)),
        Err(faults) => one.findings.extend(faults),
    }
    one.proofs = checked.proofs;
    one
}

/// Most attachments have the same name: one copy of it is enough.
#[derive(Default)]
struct LastName(Option<Arc<String>>);

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
