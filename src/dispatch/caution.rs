//! Less speed after the server asked for patience.

use std::time::Duration;

/// The widest gap between two letters.
const WIDEST: Duration = Duration::from_secs(30);
/// Letters taken in a row that halve the gap.
const GOOD: u32 = 10;

/// While there is a gap, letters go one at a time with the gap between them. Each request for
/// patience doubles it, and every ten letters taken in a row halve it, until it is gone.
#[derive(Debug)]
pub(super) struct Caution {
    first: Duration,
    gap: Duration,
    good: u32,
    last: Duration,
}

impl Caution {
    /// No caution yet; it begins with a gap of `first`.
    pub(super) fn new(first: Duration) -> Self {
        Self {
            first,
            gap: Duration::ZERO,
            good: 0,
            last: Duration::ZERO,
        }
    }

    /// The server asked for patience.
    pub(super) fn throttled(&mut self) {
        self.good = 0;
        self.gap = (self.gap * 2).max(self.first).min(WIDEST);
    }

    /// The server took a letter.
    pub(super) fn taken(&mut self) {
        self.good += 1;
        if self.good >= GOOD {
            self.good = 0;
            self.gap /= 2;
            if self.gap < self.first {
                self.gap = Duration::ZERO;
            }
        }
    }

    /// A letter was claimed.
    pub(super) fn claimed(&mut self, now: Duration) {
        self.last = now;
    }

    /// Whether letters go one at a time.
    pub(super) fn one_at_a_time(&self) -> bool {
        !self.gap.is_zero()
    }

    /// How long the next letter waits.
    pub(super) fn wait(&self, now: Duration) -> Option<Duration> {
        let wait = (self.last + self.gap).saturating_sub(now);
        (self.one_at_a_time() && !wait.is_zero()).then_some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_is_asked_for_twice_and_won_back() {
        let second = Duration::from_secs(1);
        let mut caution = Caution::new(second);
        assert!(!caution.one_at_a_time());
        caution.throttled();
        caution.throttled();
        caution.claimed(second * 10);
        assert_eq!(caution.wait(second * 10), Some(second * 2));
        assert_eq!(caution.wait(second * 12), None);
        for _ in 0..10 {
            caution.taken();
        }
        assert_eq!(caution.wait(second * 10), Some(second));
        for _ in 0..10 {
            caution.taken();
        }
        assert!(!caution.one_at_a_time());
    }

    #[test]
    fn a_letter_that_is_not_taken_begins_the_count_anew_and_the_gap_is_bounded() {
        let mut caution = Caution::new(Duration::from_secs(2));
        for _ in 0..40 {
            caution.throttled();
            caution.taken();
        }
        assert_eq!(caution.wait(Duration::ZERO), Some(WIDEST));
    }
}
