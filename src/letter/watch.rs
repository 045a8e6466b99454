//! An eye on templates that never end or fill the memory.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::ThreadId;
use std::time::Duration;

use crate::finding::Finding;
use crate::memory;

/// What takes longer than this to make loops for ever.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// How often it is looked whether something is stuck: a string that is doubled again and again fills
/// some hundred megabytes meanwhile.
pub(crate) const OFTEN: Duration = Duration::from_millis(20);
/// What a letter is made of takes less than this: bodies end at 4 MB, lists at 64 MB.
const MOST_MEMORY: u64 = 512 << 20;
/// A piece that takes no longer than this is not blamed for memory that others take meanwhile.
const SHORT: Duration = Duration::from_millis(100);

/// Which thread makes what since when. tera has no way to stop a loop that writes nothing, and none to
/// bound a value that is not written, such as a string that is doubled in a loop; so whoever waits
/// for letters watches time and memory, and ends the run.
#[derive(Debug, Default)]
pub(super) struct Watch {
    now: AtomicU64,
    memory: AtomicU64,
    running: Mutex<HashMap<ThreadId, Piece>>,
}

#[derive(Debug)]
struct Piece {
    since: u64,
    memory: u64,
    id: String,
    what: String,
}

/// What is wrong with a piece that is being made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stuck {
    /// It takes too long.
    Endless {
        /// The recipient.
        id: String,
        /// The template, or what else is made.
        what: String,
        /// How long it may take.
        limit: Duration,
    },
    /// It takes too much memory.
    Swelling {
        /// The recipient.
        id: String,
        /// The template, or what else is made.
        what: String,
        /// How many bytes it may take.
        most: u64,
    },
}

impl Stuck {
    /// What is said of it.
    #[must_use]
    pub fn finding(&self) -> Finding {
        let (id, what, fault) = match self {
            Self::Endless { id, what, limit } => {
                let text = format!(
                    "it has been in the making for more than {} seconds",
                    limit.as_secs()
                );
                let next_step = "look for a loop over a range that is far too long";
                (id, what, Finding::fault(text, next_step))
            }
            Self::Swelling { id, what, most } => {
                let text = format!("it takes more than {} MB of memory to make", most >> 20);
                let next_step = "look for a value that grows with each turn of a loop";
                (id, what, Finding::fault(text, next_step))
            }
        };
        fault.file(what).id(id)
    }
}

impl Watch {
    /// Watches while something is made.
    pub(super) fn over<T>(&self, id: &str, what: &str, work: impl FnOnce() -> T) -> T {
        let piece = Piece {
            since: self.now.load(Ordering::Relaxed),
            memory: self.memory.load(Ordering::Relaxed),
            id: id.to_owned(),
            what: what.to_owned(),
        };
        self.running().insert(std::thread::current().id(), piece);
        let made = work();
        self.running().remove(&std::thread::current().id());
        made
    }

    /// A piece that was begun more than `limit` before `now`, or that takes too much memory.
    pub(super) fn stuck(&self, limit: Duration, now: Duration) -> Option<Stuck> {
        let running = self.running();
        let older = |than: Duration| {
            let begun = millis(now).saturating_sub(millis(than));
            running.values().filter(move |piece| piece.since < begun)
        };
        if let Some(piece) = older(limit).next() {
            return Some(Stuck::Endless {
                id: piece.id.clone(),
                what: piece.what.clone(),
                limit,
            });
        }
        let taken = memory::resident()?;
        self.memory.store(taken, Ordering::Relaxed);
        let piece = older(SHORT).max_by_key(|piece| taken.saturating_sub(piece.memory))?;
        (taken.saturating_sub(piece.memory) > MOST_MEMORY).then(|| Stuck::Swelling {
            id: piece.id.clone(),
            what: piece.what.clone(),
            most: MOST_MEMORY,
        })
    }

    /// Gives the time.
    pub(super) fn tick(&self, now: Duration) {
        let now = millis(now);
        let before = self.now.swap(now, Ordering::Relaxed);
        // To ask the system is dearer than to ask the clock.
        if now >= before + 10 || self.memory.load(Ordering::Relaxed) == 0 {
            let taken = memory::resident().unwrap_or(u64::MAX);
            self.memory.store(taken, Ordering::Relaxed);
        }
    }

    fn running(&self) -> std::sync::MutexGuard<'_, HashMap<ThreadId, Piece>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
