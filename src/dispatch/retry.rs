//! How long to wait before trying again.

use std::time::Duration;

/// The longest wait between two tries.
const LONGEST: Duration = Duration::from_mins(5);

/// Exponential backoff with jitter: after each failure the span doubles, and the wait is drawn from
/// its upper half, so that several senders do not come back at the same moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    first: Duration,
}

impl Backoff {
    /// A backoff that begins with `first`.
    #[must_use]
    pub(crate) fn new(first: Duration) -> Self {
        Self { first }
    }

    /// The wait after `failures` failures in a row, `random` being in 0..1.
    #[must_use]
    pub(crate) fn wait(&self, failures: u32, random: f64) -> Duration {
        let doublings = failures.saturating_sub(1).min(20);
        let span = self.first.saturating_mul(1 << doublings).min(LONGEST);
        span / 2 + (span / 2).mul_f64(random.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_span_doubles_up_to_a_bound() {
        let backoff = Backoff::new(Duration::from_secs(2));
        let waits: Vec<_> = (1..=5)
            .map(|failures| backoff.wait(failures, 1.0).as_secs())
            .collect();
        assert_eq!(waits, [2, 4, 8, 16, 32]);
        assert_eq!(backoff.wait(u32::MAX, 1.0), LONGEST);
    }

    proptest! {
        #[test]
        fn jitter_stays_in_the_upper_half(failures in 0..40_u32, random in 0.0..1.0_f64) {
            let backoff = Backoff::new(Duration::from_millis(700));
            let (low, high) = (backoff.wait(failures, 0.0), backoff.wait(failures, 1.0));
            let wait = backoff.wait(failures, random);
            prop_assert!(low <= wait && wait <= high && low * 2 >= high.checked_sub(Duration::from_nanos(2)).unwrap());
        }
    }
}
