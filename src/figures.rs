//! Figures as people write them.

use std::time::Duration;

/// A number with commas: 12,345.
#[must_use]
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number with its noun: `1 letter`, `24 letters`.
#[must_use]
pub(crate) fn plural(number: u64, noun: &str) -> String {
    let ending = match (number, noun.ends_with('s')) {
        (1, _) => "",
        (_, true) => "es",
        _ => "s",
    };
    format!("{} {noun}{ending}", count(number))
}

/// Bytes in kB or MB (10^3 and 10^6).
#[must_use]
pub(crate) fn bytes(number: u64) -> String {
    match number {
        0..1_000 => format!("{number} B"),
        1_000..1_000_000 => format!("{:.0} kB", number as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", number as f64 / 1e6),
        _ => format!("{:.1} GB", number as f64 / 1e9),
    }
}

/// A span of time in its two largest units.
#[must_use]
pub(crate) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

/// How long a run takes at least.
#[must_use]
pub(crate) fn expected(time: Duration) -> String {
    if time.is_zero() {
        "no waiting under the limits".to_owned()
    } else {
        format!("at least {}", duration(time))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_written_for_people() {
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(plural(1, "letter"), "1 letter");
        assert_eq!(plural(24, "address"), "24 addresses");
        assert_eq!(bytes(14_600), "15 kB");
        assert_eq!(bytes(2_340_000), "2.3 MB");
        assert_eq!(duration(Duration::from_millis(1)), "1 s");
        assert_eq!(duration(Duration::from_secs(3_700)), "1 h 1 min");
    }
}
