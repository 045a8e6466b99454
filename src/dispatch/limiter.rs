//! Our own pace: four sliding windows over what was handed over.
//!
//! A window counts a letter from its claim until its answer, and from then on for the length of the
//! window. The server takes the letter somewhere between the two, so no window of that length, laid
//! anywhere over the server's clock, ever holds more than the limit.

use std::collections::VecDeque;
use std::time::Duration;

use crate::config::DispatchConfig;

/// What one letter takes of the limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Bytes on the wire.
    pub bytes: u64,
    /// Addresses.
    pub addresses: u64,
}

/// The limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Letters in a minute.
    Messages,
    /// Letters in an hour.
    MessagesOfHour,
    /// Bytes in five minutes.
    Bytes,
    /// Addresses in a day.
    Addresses,
}

/// When the next letter may be claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permit {
    /// Now.
    Now,
    /// After a wait, for the limit named.
    After(Duration, Limit),
    /// When an answer to a letter in flight is known.
    AfterAnswer,
}

/// The windows.
#[derive(Debug)]
pub struct Limiter {
    windows: Vec<(Limit, Window)>,
}

impl Limiter {
    /// The limits of a batch; a limit that is not set does not limit.
    #[must_use]
    pub fn new(config: &DispatchConfig) -> Self {
        let limits = [
            (
                Limit::Messages,
                Duration::from_mins(1),
                config.message_limit(),
            ),
            (
                Limit::MessagesOfHour,
                Duration::from_hours(1),
                config.hour_limit(),
            ),
            (Limit::Bytes, Duration::from_mins(5), config.byte_limit()),
            (
                Limit::Addresses,
                Duration::from_hours(24),
                config.recipient_limit(),
            ),
        ];
        Self {
            windows: limits
                .into_iter()
                .filter_map(|(limit, length, most)| Some((limit, Window::new(length, most?))))
                .collect(),
        }
    }

    /// Takes in what an earlier run handed over `age` ago, and whether it was taken.
    pub fn remember(&mut self, now: Duration, age: Duration, cost: Cost, taken: bool) {
        for (limit, window) in &mut self.windows {
            if counts(*limit, taken) {
                window.spend(millis(now) - millis(age), amount(*limit, cost));
            }
        }
    }

    /// Whether a letter may be claimed now.
    pub fn permit(&mut self, now: Duration, cost: Cost) -> Permit {
        let mut permit = Permit::Now;
        for (limit, window) in &mut self.windows {
            let next = match window.wait(millis(now), amount(*limit, cost)) {
                Some(0) => continue,
                Some(wait) => Permit::After(Duration::from_millis(wait), *limit),
                None => return Permit::AfterAnswer,
            };
            permit = match (permit, next) {
                (Permit::After(longer, _), Permit::After(wait, _)) if longer >= wait => permit,
                _ => next,
            };
        }
        permit
    }

    /// A letter was claimed.
    pub fn claim(&mut self, cost: Cost) {
        for (limit, window) in &mut self.windows {
            window.in_flight += amount(*limit, cost);
        }
    }

    /// Its answer is known. What was not taken costs nothing but its bytes, which were sent.
    pub fn settle(&mut self, now: Duration, cost: Cost, taken: bool) {
        for (limit, window) in &mut self.windows {
            let amount = amount(*limit, cost);
            window.in_flight = window.in_flight.saturating_sub(amount);
            if counts(*limit, taken) {
                window.spend(millis(now), amount);
            }
        }
    }
}

/// Whether a letter counts against a limit. The server counts the bytes that reach it, also those
/// that it refuses (Microsoft Graph throttling limits: upload in five minutes).
fn counts(limit: Limit, taken: bool) -> bool {
    taken || limit == Limit::Bytes
}

fn amount(limit: Limit, cost: Cost) -> u64 {
    match limit {
        Limit::Messages | Limit::MessagesOfHour => 1,
        Limit::Bytes => cost.bytes,
        Limit::Addresses => cost.addresses,
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// One sliding window. Entries are kept in slots of a 600th of its length, each counted as if it had
/// come at the slot's end, so that a day of any size takes little memory.
#[derive(Debug)]
struct Window {
    length: i64,
    slot: i64,
    limit: u64,
    spent: VecDeque<(i64, u64)>,
    sum: u64,
    in_flight: u64,
}

impl Window {
    fn new(length: Duration, limit: u64) -> Self {
        let length = millis(length);
        Self {
            length,
            slot: length / 600,
            limit,
            spent: VecDeque::new(),
            sum: 0,
            in_flight: 0,
        }
    }

    fn spend(&mut self, at: i64, amount: u64) {
        let slot = at.div_euclid(self.slot) * self.slot + self.slot;
        self.sum += amount;
        match self.spent.back_mut() {
            // Earlier runs are remembered in order and time does not go back, so the last slot is
            // the only one that can grow; what comes late is counted with it.
            Some((last, sum)) if *last >= slot => *sum += amount,
            _ => self.spent.push_back((slot, amount)),
        }
    }

    /// Milliseconds until `amount` fits; none when it waits for an answer.
    fn wait(&mut self, now: i64, amount: u64) -> Option<u64> {
        while let Some((slot, sum)) = self.spent.front().copied() {
            if slot + self.length > now {
                break;
            }
            self.spent.pop_front();
            self.sum -= sum;
        }
        // A letter larger than the whole window is a fault of the checks; here it goes alone.
        let amount = amount.min(self.limit);
        let mut over = (self.sum + self.in_flight + amount).saturating_sub(self.limit);
        if over == 0 {
            return Some(0);
        }
        for (slot, sum) in &self.spent {
            over = over.saturating_sub(*sum);
            if over == 0 {
                return Some((slot + self.length - now).unsigned_abs());
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;
