use std::num::NonZeroU32;

use proptest::prelude::*;

use super::*;

const COST: Cost = Cost {
    bytes: 1_000,
    addresses: 3,
};

fn limiter(messages: u32) -> Limiter {
    Limiter::new(&DispatchConfig {
        messages_per_minute: NonZeroU32::new(messages),
        ..DispatchConfig::default()
    })
}

/// Sends as fast as it may for `minutes` and gives the times at which letters were taken.
fn run(limiter: &mut Limiter, minutes: u64, latency: Duration) -> Vec<Duration> {
    let mut now = Duration::ZERO;
    let mut taken = Vec::new();
    while now < Duration::from_mins(minutes) {
        match limiter.permit(now, COST) {
            Permit::Now => {
                limiter.claim(COST);
                taken.push(now);
                now += latency;
                limiter.settle(now, COST, true);
            }
            Permit::After(wait, _) => now += wait,
            Permit::AfterAnswer => unreachable!("nothing is in flight"),
        }
    }
    taken
}

#[test]
fn the_limit_is_used_but_never_passed() {
    let taken = run(&mut limiter(600), 10, Duration::from_millis(1));
    for window in taken.windows(601) {
        assert!(window[600].checked_sub(window[0]).unwrap() > Duration::from_mins(1));
    }
    assert!(taken.len() >= 5_880, "{} of 6,000", taken.len());
}

/// 28 a minute and 95 an hour: no hour, laid anywhere, has more.
#[test]
fn an_hour_and_its_minutes_are_kept_together() {
    let mut limiter = Limiter::new(&DispatchConfig {
        messages_per_minute: NonZeroU32::new(28),
        messages_per_hour: NonZeroU32::new(95),
        ..DispatchConfig::default()
    });
    let taken = run(&mut limiter, 190, Duration::from_millis(1));
    for (window, length) in [(95, Duration::from_hours(1)), (28, Duration::from_mins(1))] {
        for letters in taken.windows(window + 1) {
            assert!(letters[window].checked_sub(letters[0]).unwrap() > length);
        }
    }
    assert_eq!(taken.len(), 4 * 95);
}

#[test]
fn the_hour_survives_a_restart() {
    let mut restarted = Limiter::new(&DispatchConfig {
        messages_per_hour: NonZeroU32::new(95),
        ..DispatchConfig::default()
    });
    for age in (0..95).rev() {
        restarted.remember(Duration::ZERO, Duration::from_secs(age), COST, true);
    }
    match restarted.permit(Duration::ZERO, COST) {
        Permit::After(wait, Limit::MessagesOfHour) => {
            assert!((3_500..=3_520).contains(&wait.as_secs()), "{wait:?}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_restart_does_not_burst() {
    let mut restarted = limiter(28);
    for age in (0..28).rev() {
        restarted.remember(Duration::ZERO, Duration::from_secs(age), COST, true);
    }
    match restarted.permit(Duration::ZERO, COST) {
        Permit::After(wait, Limit::Messages) => {
            assert!((32..=34).contains(&wait.as_secs()), "{wait:?}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn letters_in_flight_count_and_what_was_not_taken_does_not() {
    let mut one = limiter(1);
    one.claim(COST);
    assert_eq!(one.permit(Duration::ZERO, COST), Permit::AfterAnswer);
    one.settle(Duration::ZERO, COST, false);
    assert_eq!(one.permit(Duration::ZERO, COST), Permit::Now);
}

#[test]
fn bytes_and_addresses_have_windows_of_their_own() {
    let mut limiter = Limiter::new(&DispatchConfig {
        megabytes_per_five_minutes: NonZeroU32::new(1),
        recipients_per_day: NonZeroU32::new(6),
        ..DispatchConfig::default()
    });
    let large = Cost {
        bytes: 600_000,
        addresses: 3,
    };
    limiter.claim(large);
    limiter.settle(Duration::ZERO, large, true);
    assert!(matches!(
        limiter.permit(Duration::ZERO, large),
        Permit::After(_, Limit::Bytes)
    ));
    let later = Duration::from_mins(6);
    assert_eq!(limiter.permit(later, large), Permit::Now);
    limiter.claim(large);
    limiter.settle(later, large, true);
    let much_later = Duration::from_hours(12);
    match limiter.permit(much_later, large) {
        Permit::After(wait, Limit::Addresses) => assert!(wait > Duration::from_hours(11)),
        other => panic!("{other:?}"),
    }
}

proptest! {
    #[test]
    fn no_window_anywhere_holds_more_than_the_limit(
        limit in 1..40_u32,
        latencies in prop::collection::vec(0..9_000_u64, 1..200),
    ) {
        let mut limiter = limiter(limit);
        let mut now = Duration::ZERO;
        let mut answered = Vec::new();
        let mut claimed = Vec::new();
        for latency in latencies {
            while let Permit::After(wait, _) = limiter.permit(now, COST) {
                prop_assert!(!wait.is_zero());
                now += wait;
            }
            limiter.claim(COST);
            claimed.push(now);
            now += Duration::from_millis(latency);
            limiter.settle(now, COST, true);
            answered.push(now);
        }
        // The server takes letter i no later than its answer and letter i + limit no earlier
        // than its claim.
        for (early, late) in answered.iter().zip(claimed.iter().skip(limit as usize)) {
            prop_assert!((*late).checked_sub(*early).unwrap() >= Duration::from_mins(1));
        }
    }
}
