//! The only reader of time.
//!
//! Everything that needs to know the time or to wait takes a [`Clock`], so that tests run through
//! a day in a moment and no test depends on the machine being quick.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

/// Wall time, steady time and waiting.
pub trait Clock: Send + Sync {
    /// The wall clock. It may jump, so it is used for what people read and files keep.
    fn now(&self) -> Timestamp;

    /// Steady time since this clock was made. It never goes back, so limits are kept with it.
    fn elapsed(&self) -> Duration;

    /// Waits until `signal` is raised or `limit` has passed; without a limit until it is raised.
    fn wait(&self, signal: &Signal, limit: Option<Duration>);
}

/// The machine's own clock.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// A clock whose steady time starts now.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the time"
    )]
    pub fn new() -> Self {
        Self {
            start: Instant::now(),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the time"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the time"
    )]
    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    fn wait(&self, signal: &Signal, limit: Option<Duration>) {
        signal.wait(limit);
    }
}

/// A clock for tests and simulations: waiting moves it forward and takes no time.
#[derive(Debug)]
pub struct ManualClock {
    start: Timestamp,
    elapsed: Mutex<Duration>,
}

impl ManualClock {
    /// A clock that stands still at `start`.
    #[must_use]
    pub fn new(start: Timestamp) -> Self {
        Self {
            start,
            elapsed: Mutex::new(Duration::ZERO),
        }
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        *lock(&self.elapsed) += by;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.start + self.elapsed()
    }

    fn elapsed(&self) -> Duration {
        *lock(&self.elapsed)
    }

    /// With a limit the clock jumps to it at once; without one there is something real to wait for.
    fn wait(&self, signal: &Signal, limit: Option<Duration>) {
        match limit {
            Some(limit) if !signal.take() => self.advance(limit),
            Some(_) => {}
            None => signal.wait(None),
        }
    }
}

/// Wakes a waiter: something happened. A signal that is raised before the wait is not lost.
#[derive(Debug, Default)]
pub struct Signal {
    raised: Mutex<bool>,
    changed: Condvar,
}

impl Signal {
    /// Wakes the waiter, or lets its next wait end at once.
    pub fn raise(&self) {
        *lock(&self.raised) = true;
        self.changed.notify_all();
    }

    fn take(&self) -> bool {
        std::mem::take(&mut *lock(&self.raised))
    }

    fn wait(&self, limit: Option<Duration>) {
        let guard = lock(&self.raised);
        let mut guard = match limit {
            Some(limit) => {
                self.changed
                    .wait_timeout_while(guard, limit, |raised| !*raised)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0
            }
            None => self
                .changed
                .wait_while(guard, |raised| !*raised)
                .unwrap_or_else(PoisonError::into_inner),
        };
        *guard = false;
    }
}

/// Locks through poisoning: the values behind these locks are valid at every step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_raised_before_the_wait_is_not_lost() {
        let signal = Signal::default();
        signal.raise();
        signal.wait(None);
        assert!(!signal.take());
    }

    #[test]
    fn waiting_moves_a_manual_clock_and_a_raised_signal_does_not() {
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
        let signal = Signal::default();
        clock.wait(&signal, Some(Duration::from_mins(1)));
        assert_eq!(clock.now().as_second(), 60);
        signal.raise();
        clock.wait(&signal, Some(Duration::from_mins(1)));
        assert_eq!(clock.elapsed(), Duration::from_mins(1));
    }
}
