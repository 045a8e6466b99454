//! Values with a form of their own: durations and the window of the day.

use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde::{Deserialize, Deserializer, de};

use crate::finding::{NextStep, quote};

/// No window is closed for longer, unless its zone leaves out whole days.
const LONGEST_CLOSED: Duration = Duration::from_hours(24);

/// A text that is no duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a duration")]
pub(crate) struct DurationError(String);

impl NextStep for DurationError {
    fn next_step(&self) -> Cow<'_, str> {
        "write it like \"90s\" or \"5m\"".into()
    }
}

/// Parses a duration such as `90s`, `5m` or `1h 30m`.
///
/// # Errors
/// Says what was read and which form is wanted.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    text.parse::<SignedDuration>()
        .ok()
        .and_then(|duration| Duration::try_from(duration).ok())
        .ok_or_else(|| DurationError(text.to_owned()))
}

/// Connections beyond these are a slip: 1 is enough for Office 365.
const MOST_CONNECTIONS: u32 = 64;

pub(super) fn connections<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<NonZeroU32, D::Error> {
    let number = NonZeroU32::deserialize(deserializer)?;
    if number.get() > MOST_CONNECTIONS {
        return Err(de::Error::custom(
            "this must be a whole number of at most 64: 1 is enough for Office 365",
        ));
    }
    Ok(number)
}

/// A text that is no domain name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a domain name")]
pub struct DomainNameError(String);

impl NextStep for DomainNameError {
    fn next_step(&self) -> Cow<'_, str> {
        "write what stands after the @, such as school.example".into()
    }
}

/// A domain name, of one label or more (RFC 1034, section 3.5), in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainName(String);

impl DomainName {
    /// Reads a domain name in any case.
    ///
    /// # Errors
    /// When it is empty, or a label has other characters than letters, digits and hyphens.
    pub fn parse(text: &str) -> Result<Self, DomainNameError> {
        let is_label = |label: &str| {
            let mut bytes = label.bytes();
            !label.is_empty() && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        if text.split('.').all(is_label) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(DomainNameError(quote(text)))
        }
    }

    /// Whether a domain, in lower case, is this one or lies below it.
    #[must_use]
    pub fn covers(&self, domain: &str) -> bool {
        domain
            .strip_suffix(&self.0)
            .is_some_and(|before| before.is_empty() || before.ends_with('.'))
    }
}

impl<'de> Deserialize<'de> for DomainName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(|error| refused(&error))
    }
}

pub(super) fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    parse_duration(&String::deserialize(deserializer)?).map_err(|error| refused(&error))
}

/// An error of ours among those of the reader, which are one text with their place.
fn refused<E: de::Error>(error: &impl NextStep) -> E {
    E::custom(format_args!("{error}: {}", error.next_step()))
}

/// A text that is no window of the day.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// No time zone stands behind the hours.
    #[error("`{0}` has no time zone")]
    NoZone(String),
    /// There are not two times.
    #[error("`{0}` is not a span of hours")]
    NoSpan(String),
    /// One of them cannot be read.
    #[error("`{0}` is not a time of day")]
    NoTime(String),
    /// There is no such time zone.
    #[error("`{0}` is not a time zone")]
    UnknownZone(String),
    /// It ends when it starts.
    #[error("`{0}` is empty")]
    Empty(String),
}

impl NextStep for WindowError {
    fn next_step(&self) -> Cow<'_, str> {
        "write it like \"08:00-18:00 Europe/London\"".into()
    }
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
    pub fn parse(text: &str) -> Result<Self, WindowError> {
        let (hours, zone) = text
            .trim()
            .split_once(char::is_whitespace)
            .ok_or_else(|| WindowError::NoZone(text.to_owned()))?;
        let (start, end) = hours
            .split_once('-')
            .ok_or_else(|| WindowError::NoSpan(hours.to_owned()))?;
        let time = |text: &str| {
            Time::strptime("%H:%M", text.trim()).map_err(|_| WindowError::NoTime(text.to_owned()))
        };
        let zone = TimeZone::get(zone.trim())
            .map_err(|_| WindowError::UnknownZone(zone.trim().to_owned()))?;
        let (start, end) = (time(start)?, time(end)?);
        if start == end {
            return Err(WindowError::Empty(hours.to_owned()));
        }
        Ok(Self {
            start,
            end,
            zone,
            text: text.trim().to_owned(),
        })
    }

    /// How long until the window is open: nothing when it is open now.
    ///
    /// In the night of a change of clocks a start may come twice, or never: then the window opens
    /// where the hours that are skipped end, if that lies in it.
    #[must_use]
    pub fn wait(&self, now: Timestamp) -> Option<Duration> {
        if self.is_open(now) {
            return None;
        }
        let opens = self
            .openings(now)
            .filter(|at| *at > now && self.is_open(*at));
        let wait = opens.min().map_or(LONGEST_CLOSED, |opens| {
            Duration::try_from(opens.duration_since(now)).unwrap_or(LONGEST_CLOSED)
        });
        Some(wait)
    }

    fn is_open(&self, at: Timestamp) -> bool {
        let time = at.to_zoned_datetime(self.zone.clone()).time();
        if self.start < self.end {
            self.start <= time && time < self.end
        } else {
            self.start <= time || time < self.end
        }
    }

    /// The moments of the next days at which a closed window may open: its start on each of them,
    /// both times where it comes twice, and the changes of the clocks.
    fn openings(&self, now: Timestamp) -> impl Iterator<Item = Timestamp> {
        let today = now.to_zoned_datetime(self.zone.clone()).date();
        // A window of less than an hour may be skipped on one day.
        let starts = (0..3).flat_map(move |days| {
            let start = today.saturating_add(days.days()).to_datetime(self.start);
            let start = self.zone.to_ambiguous_timestamp(start);
            [start.earlier(), start.later()].into_iter().flatten()
        });
        let changes = self.zone.following(now).take(1);
        starts.chain(changes.map(|change| change.timestamp()))
    }
}

impl fmt::Display for SendWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for SendWindow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(|error| refused(&error))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
    }

    #[test]
    fn a_start_that_is_skipped_opens_where_the_clocks_go_on() {
        // 01:30 is not there on 29 March 2026, and half an hour of the window is.
        let window = "01:30-02:30 Europe/London";
        assert_eq!(
            wait(window, "2026-03-29T00:30:00Z"),
            Some(Duration::from_mins(30))
        );
        assert_eq!(wait(window, "2026-03-29T01:00:00Z"), None);
        // Of this one nothing is there that night.
        assert_eq!(
            wait("01:15-01:45 Europe/London", "2026-03-29T00:30:00Z"),
            Some(Duration::from_mins(23 * 60 + 45))
        );
    }

    #[test]
    fn a_start_that_comes_twice_opens_twice() {
        // On 25 October 2026 London has the hour from 01:00 twice.
        let window = "01:30-02:30 Europe/London";
        assert_eq!(wait(window, "2026-10-25T00:30:00Z"), None);
        assert_eq!(
            wait(window, "2026-10-25T01:10:00Z"),
            Some(Duration::from_mins(20))
        );
        assert_eq!(wait(window, "2026-10-25T01:30:00Z"), None);
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
    fn malformed_values_say_which_part_cannot_be_read() {
        for (text, error) in [
            ("08:00-18:00", WindowError::NoZone("08:00-18:00".into())),
            ("08:00 UTC", WindowError::NoSpan("08:00".into())),
            ("8-18 Europe/London", WindowError::NoTime("8".into())),
            (
                "08:00-18:00 Europe/Londn",
                WindowError::UnknownZone("Europe/Londn".into()),
            ),
            ("08:00-08:00 UTC", WindowError::Empty("08:00-08:00".into())),
        ] {
            assert_eq!(SendWindow::parse(text), Err(error), "{text}");
        }
        assert_eq!(parse_duration("1h 30m"), Ok(Duration::from_mins(90)));
        assert!(parse_duration("-5s").is_err());
        assert!(parse_duration("soon").is_err());
    }

    #[test]
    fn a_domain_covers_itself_and_what_lies_below_it() {
        let domain = DomainName::parse("Sch.Example").unwrap();
        for (other, is_covered) in [
            ("sch.example", true),
            ("oak.sch.example", true),
            ("notsch.example", false),
            ("example", false),
        ] {
            assert_eq!(domain.covers(other), is_covered, "{other}");
        }
        for text in ["", "@school.example", "school..example", "école.example"] {
            assert!(DomainName::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        /// Around both changes of the clocks and over midnight: open is what the clock on the wall
        /// says, and the wait leads to the first minute that is open.
        #[test]
        fn a_wait_leads_to_the_first_moment_that_is_open(
            start in 0..1440_u32,
            length in 1..1440_u32,
            zone in prop::sample::select(vec!["Europe/London", "Europe/Berlin", "UTC"]),
            change in prop::sample::select(vec!["2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z"]),
            minutes in -2880..1440_i64,
        ) {
            let clock = |minute: u32| format!("{:02}:{:02}", minute / 60 % 24, minute % 60);
            let end = (start + length) % 1440;
            let text = format!("{}-{} {zone}", clock(start), clock(end));
            let window = SendWindow::parse(&text).unwrap();
            let shown = TimeZone::get(zone).unwrap();
            let is_open = |at: Timestamp| {
                let time = at.to_zoned_datetime(shown.clone()).time();
                let minute = u32::try_from(i32::from(time.hour()) * 60 + i32::from(time.minute()));
                (minute.unwrap() + 1440 - start) % 1440 < length
            };
            let change: Timestamp = change.parse().unwrap();
            let now = change + SignedDuration::from_mins(minutes);
            let wait = window.wait(now).unwrap_or_default();
            prop_assert_eq!(wait.as_secs() % 60, 0);
            let wait = i64::try_from(wait.as_secs() / 60).unwrap();
            for minute in 0..wait {
                prop_assert!(!is_open(now + SignedDuration::from_mins(minute)), "{minute}");
            }
            prop_assert!(is_open(now + SignedDuration::from_mins(wait)), "{wait}");
        }
    }
}
