//! Values with a form of their own: durations and the window of the day.

use std::fmt;
use std::time::Duration;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde::{Deserialize, Deserializer, de};

/// Parses a duration such as `90s`, `5m` or `1h 30m`.
///
/// # Errors
/// Says what was read and which form is wanted.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    text.parse::<SignedDuration>()
        .ok()
        .and_then(|duration| Duration::try_from(duration).ok())
        .ok_or_else(|| format!("`{text}` is not a duration: write it like \"90s\" or \"5m\""))
}

pub(super) fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    parse_duration(&String::deserialize(deserializer)?).map_err(de::Error::custom)
}

/// The hours of the day in which letters may go out, such as `08:00-18:00 Europe/London`.
///
/// The hours are local ones of the named time zone, so they move with summer time. A window whose
/// end is before its start runs over midnight.
#[derive(Clone, Debug, PartialEq)]
pub struct SendWindow {
    start: Time,
    end: Time,
    zone: TimeZone,
    text: String,
}

impl SendWindow {
    /// Parses `HH:MM-HH:MM Zone`.
    ///
    /// # Errors
    /// Says which part cannot be read.
    pub fn parse(text: &str) -> Result<Self, String> {
        let form = "write it like \"08:00-18:00 Europe/London\"";
        let (hours, zone) = text
            .trim()
            .split_once(char::is_whitespace)
            .ok_or_else(|| format!("`{text}` has no time zone: {form}"))?;
        let (start, end) = hours
            .split_once('-')
            .ok_or_else(|| format!("`{hours}` is not a span of hours: {form}"))?;
        let time = |text: &str| {
            Time::strptime("%H:%M", text.trim())
                .map_err(|_| format!("`{text}` is not a time of day: {form}"))
        };
        let zone = TimeZone::get(zone.trim())
            .map_err(|_| format!("`{}` is not a time zone: {form}", zone.trim()))?;
        let (start, end) = (time(start)?, time(end)?);
        if start == end {
            return Err(format!("`{hours}` is empty: {form}"));
        }
        Ok(Self {
            start,
            end,
            zone,
            text: text.trim().to_owned(),
        })
    }

    /// How long until the window is open: nothing when it is open now.
    #[must_use]
    pub fn wait(&self, now: Timestamp) -> Option<Duration> {
        let local = now.to_zoned_datetime(self.zone.clone());
        let time = local.time();
        let open = if self.start < self.end {
            self.start <= time && time < self.end
        } else {
            self.start <= time || time < self.end
        };
        if open {
            return None;
        }
        let day = if time < self.start {
            local.date()
        } else {
            local.date().saturating_add(1.day())
        };
        // A start that the change to summer time skips is moved forward by the zone's rules.
        let opens = day
            .to_datetime(self.start)
            .to_zoned_datetime(self.zone.clone())
            .ok()?;
        Duration::try_from(opens.timestamp().duration_since(now)).ok()
    }
}

impl fmt::Display for SendWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for SendWindow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(window: &str, now: &str) -> Option<Duration> {
        SendWindow::parse(window)
            .unwrap()
            .wait(now.parse().unwrap())
    }

    #[test]
    fn a_window_is_open_from_its_start_to_before_its_end() {
        let window = "08:00-18:00 Europe/London";
        assert_eq!(wait(window, "2026-01-12T08:00:00Z"), None);
        assert_eq!(wait(window, "2026-01-12T17:59:59Z"), None);
        assert_eq!(
            wait(window, "2026-01-12T18:00:00Z"),
            Some(Duration::from_hours(14))
        );
        assert_eq!(
            wait(window, "2026-01-12T07:00:00Z"),
            Some(Duration::from_hours(1))
        );
    }

    #[test]
    fn a_window_moves_with_summer_time() {
        // On 29 March 2026 London goes from 01:00 to 02:00, so the night is an hour shorter.
        let window = "08:00-18:00 Europe/London";
        assert_eq!(
            wait(window, "2026-03-28T18:00:00Z"),
            Some(Duration::from_hours(13))
        );
        assert_eq!(
            wait("01:30-02:30 Europe/London", "2026-03-29T00:30:00Z"),
            Some(Duration::from_hours(1))
        );
    }

    #[test]
    fn a_window_may_run_over_midnight() {
        let window = "22:00-06:00 UTC";
        assert_eq!(wait(window, "2026-01-12T23:00:00Z"), None);
        assert_eq!(wait(window, "2026-01-12T05:59:00Z"), None);
        assert_eq!(
            wait(window, "2026-01-12T12:00:00Z"),
            Some(Duration::from_hours(10))
        );
    }

    #[test]
    fn malformed_values_say_the_form_that_is_wanted() {
        for text in [
            "08:00-18:00",
            "8-18 Europe/London",
            "08:00-18:00 Europe/Londn",
            "08:00-08:00 UTC",
        ] {
            assert!(
                SendWindow::parse(text)
                    .unwrap_err()
                    .contains("write it like"),
                "{text}"
            );
        }
        assert_eq!(parse_duration("1h 30m"), Ok(Duration::from_mins(90)));
        assert!(parse_duration("-5s").is_err());
        assert!(parse_duration("soon").is_err());
    }
}
