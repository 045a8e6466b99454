//! An eye on templates that never end.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::ThreadId;
use std::time::Duration;

/// Which thread renders what since when: tera has no way to stop a loop that writes nothing, so
/// whoever waits for letters watches the time.
#[derive(Debug, Default)]
pub(super) struct Watch {
    now: AtomicU64,
    running: Mutex<HashMap<ThreadId, (u64, String, String)>>,
}

impl Watch {
    pub fn begin(&self, id: &str, template: &str) {
        let since = self.now.load(Ordering::Relaxed);
        self.running().insert(
            std::thread::current().id(),
            (since, id.to_owned(), template.to_owned()),
        );
    }

    pub fn end(&self) {
        self.running().remove(&std::thread::current().id());
    }

    /// The id and template of a render that began more than `limit` before `now`.
    pub fn stuck(&self, limit: Duration, now: Duration) -> Option<(String, String)> {
        self.running()
            .values()
            .find(|(since, ..)| since + millis(limit) < millis(now))
            .map(|(_, id, template)| (id.clone(), template.clone()))
    }

    /// Tells the time.
    pub fn tick(&self, now: Duration) {
        self.now.store(millis(now), Ordering::Relaxed);
    }

    fn running(&self) -> std::sync::MutexGuard<'_, HashMap<ThreadId, (u64, String, String)>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
