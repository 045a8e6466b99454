//! How long a run takes under its own limits.

use std::time::Duration;

use crate::config::DispatchConfig;

/// About how long letters take that are left to send: the slowest of the windows, and the
/// pauses. It knows nothing of the server's speed.
#[must_use]
pub(crate) fn estimate(
    config: &DispatchConfig,
    letters: u64,
    bytes: u64,
    addresses: u64,
) -> Duration {
    // A window lets its limit through at once and then again each time it has slid by its length.
    let windows = |amount: u64, limit: Option<u64>, length: Duration| {
        let full = limit.map_or(0, |limit| amount.saturating_sub(1) / limit);
        length.saturating_mul(u32::try_from(full).unwrap_or(u32::MAX))
    };
    let slowest = windows(letters, config.message_limit(), Duration::from_mins(1))
        .max(windows(
            letters,
            config.hour_limit(),
            Duration::from_hours(1),
        ))
        .max(windows(bytes, config.byte_limit(), Duration::from_mins(5)))
        .max(windows(
            addresses,
            config.recipient_limit(),
            Duration::from_hours(24),
        ));
    let pauses = letters.saturating_sub(1) / u64::from(config.chunk.get());
    slowest
        + config
            .pause
            .saturating_mul(u32::try_from(pauses).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    #[test]
    fn the_slowest_window_counts_and_pauses_come_on_top() {
        let config = DispatchConfig {
            messages_per_minute: NonZeroU32::new(28),
            megabytes_per_five_minutes: NonZeroU32::new(140),
            chunk: NonZeroU32::new(50).unwrap(),
            pause: Duration::from_secs(10),
            ..DispatchConfig::default()
        };
        assert_eq!(estimate(&config, 28, 0, 28), Duration::ZERO);
        assert_eq!(estimate(&config, 57, 0, 0), Duration::from_secs(130));
        let config = DispatchConfig {
            messages_per_hour: NonZeroU32::new(95),
            ..config
        };
        assert_eq!(estimate(&config, 95, 0, 0), Duration::from_secs(190));
        assert_eq!(estimate(&config, 191, 0, 0), Duration::from_secs(7_230));
        assert_eq!(
            estimate(&config, 40, 1_500_000_000, 0),
            Duration::from_mins(50)
        );
    }
}
