//! A run's events, shown: a bar on a terminal, plain lines elsewhere.

use std::cell::Cell;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressState};

use super::console::Console;
use super::front::style;
use super::{status, words};
use crate::dispatch::{DispatchEvent, Limit, WaitReason};

/// Waits shorter than this are not worth a line of their own.
const WORTH_A_LINE: Duration = Duration::from_secs(10);

/// Listens to one run.
pub(super) struct Progress<'a> {
    console: &'a Console,
    bar: Option<ProgressBar>,
    rehearsal: bool,
    said: Cell<Option<WaitReason>>,
}

impl<'a> Progress<'a> {
    /// Begins to show a run of `letters` letters. `under_limits` gives how long that many letters
    /// take under the limits, which the bar's own pace cannot know.
    pub fn new(
        console: &'a Console,
        letters: u64,
        rehearsal: bool,
        under_limits: Box<dyn Fn(u64) -> Duration + Send + Sync>,
    ) -> Self {
        let under_limits: Arc<dyn Fn(u64) -> Duration + Send + Sync> = under_limits.into();
        let bar = console.shows_bar().then(|| {
            let left = move |state: &ProgressState, text: &mut dyn Write| {
                let done = state.pos();
                let letters = state.len().unwrap_or(0).saturating_sub(done);
                let left = time_left(state.elapsed(), done, letters, under_limits(letters));
                let _ = write!(text, "{} left", words::duration(left));
            };
            // The message takes what is left of the line, so that narrow terminals are not overrun.
            let bar = ProgressBar::new(letters).with_style(
                style("{bar:14} {pos}/{len}  {left}  {wide_msg}").with_key("left", left),
            );
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        console.set_bar(bar.clone());
        Self {
            console,
            bar,
            rehearsal,
            said: Cell::new(None),
        }
    }

    /// Shows what happened.
    pub fn show(&self, event: &DispatchEvent) {
        match event {
            DispatchEvent::FoundAccepted { id } => {
                self.line(&format!("{id}: was in doubt, looked up, went out"));
            }
            DispatchEvent::FoundUnsent { id } => self.line(&format!(
                "{id}: was in doubt, looked up, did not go out; it is sent now"
            )),
            DispatchEvent::Accepted {
                id,
                receipt,
                refused,
            } => {
                self.step();
                for (address, answer) in refused {
                    self.line(&format!(
                        "{id}: accepted, but refused for {address}: {} {}",
                        answer.code, answer.line()
                    ));
                }
                if self.console.output.verbose {
                    let word = if self.rehearsal {
                        "rehearsed"
                    } else {
                        "accepted"
                    };
                    self.line(&format!("{id}: {word}: {receipt}"));
                }
            }
            DispatchEvent::Rejected { id, answer } => {
                self.step();
                self.line(&format!("{id}: rejected: {} {}", answer.code, answer.line()));
            }
            DispatchEvent::InDoubt { id, answer } => {
                self.step();
                self.line(&format!("{id}: in doubt: {}", answer.line()));
            }
            DispatchEvent::Retry { id, answer, wait } => self.line(&format!(
                "{id}: not taken ({} {}), trying again in {}",
                answer.code,
                answer.line(),
                words::duration(*wait)
            )),
            DispatchEvent::LeftPending { id, answer } => self.line(&format!(
                "{id}: not taken ({} {}), left pending",
                answer.code, answer.line()
            )),
            DispatchEvent::Waiting { reason, wait } => self.waiting(*reason, *wait),
            DispatchEvent::Checkpoint { counts } => {
                if self.bar.is_none() {
                    self.line(&status::counts_line(counts));
                }
            }
            DispatchEvent::Stopping { in_flight } => self.line(&format!(
                "stopping: waiting for the answer to {}; Ctrl-C (again) stops at once and leaves it in doubt",
                words::plural(*in_flight as u64, "letter")
            )),
        }
    }

    fn waiting(&self, reason: WaitReason, wait: Duration) {
        let why = match reason {
            WaitReason::Limit(Limit::Messages) => "limit of letters a minute",
            WaitReason::Limit(Limit::Bytes) => "limit of megabytes in five minutes",
            WaitReason::Limit(Limit::Addresses) => "limit of addresses a day",
            WaitReason::Pause => "pause between chunks",
            WaitReason::Throttled => "the server asked to wait",
            WaitReason::Caution => "slower, as the server asked to wait",
            WaitReason::Doubt => "a letter in doubt may still appear in the mailbox",
            WaitReason::Outage => "the server is not ready",
            WaitReason::Retry => "before the next try",
            WaitReason::Window => "outside the sending hours",
        };
        let text = format!("waiting {}: {why}", words::duration(wait));
        if let Some(bar) = &self.bar {
            bar.set_message(text);
        } else if wait >= WORTH_A_LINE && self.said.get() != Some(reason) {
            self.said.set(Some(reason));
            self.line(&text);
        }
    }

    fn step(&self) {
        self.said.set(None);
        if let Some(bar) = &self.bar {
            bar.set_message("");
            bar.inc(1);
        }
    }

    fn line(&self, text: &str) {
        self.console.note(text);
    }
}

/// How long the letters take that are left: at the pace of the whole run so far, and never less than the
/// limits ask for. The pace of the last seconds knows nothing of a wait that is to come.
fn time_left(elapsed: Duration, done: u64, letters: u64, under_limits: Duration) -> Duration {
    let at_this_pace = match u32::try_from(done) {
        Ok(done) if done > 0 => {
            (elapsed / done).saturating_mul(u32::try_from(letters).unwrap_or(u32::MAX))
        }
        _ => Duration::ZERO,
    };
    at_this_pace.max(under_limits)
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        self.console.set_bar(None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_comes_from_the_limits_and_from_the_whole_run() {
        let (second, minute) = (Duration::from_secs(1), Duration::from_mins(1));
        // The first letters of a window are fast, and the limit knows what is to come.
        assert_eq!(time_left(second, 28, 280, 10 * minute), 10 * minute);
        // A server that is slower than the limits.
        assert_eq!(time_left(minute, 10, 20, second), 2 * minute);
        assert_eq!(time_left(Duration::ZERO, 0, 20, minute), minute);
        assert_eq!(time_left(minute, 10, 0, Duration::ZERO), Duration::ZERO);
    }
}
