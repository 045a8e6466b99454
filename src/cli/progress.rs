//! A run's events, shown: a line at the foot of a terminal, plain lines elsewhere.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use super::bar::Line;
use super::console::Console;
use super::{status, words};
use crate::clock::Clock;
use crate::dispatch::{DispatchEvent, Limit, WaitReason};
use crate::ledger::Counts;
use crate::mailing::Extent;
use crate::transport::Answer;

/// Waits shorter than this are not worth a line of their own.
const WORTH_A_LINE: Duration = Duration::from_secs(10);
/// The least time between two lines of progress, where there is no line to write over.
const BETWEEN_LINES: Duration = Duration::from_mins(1);
/// The least time between two drawings of the line: faster than anyone reads.
const BETWEEN_DRAWINGS: Duration = Duration::from_millis(100);

/// Listens to one run.
pub(super) struct Progress<'a> {
    console: &'a Console,
    clock: &'a dyn Clock,
    has_foot: bool,
    rehearsal: bool,
    course: RefCell<Course>,
    /// Until when the last line of progress is enough, the figures since, the wait that was written since
    /// the last letter, and the last one at all.
    quiet_until: Cell<Duration>,
    figures: Cell<Option<Counts>>,
    waited_for: Cell<Option<WaitReason>>,
    last_wait: Cell<Option<WaitReason>>,
    drawn: Cell<Option<Duration>>,
}

impl<'a> Progress<'a> {
    /// Begins to show a run.
    pub(super) fn new(
        console: &'a Console,
        clock: &'a dyn Clock,
        rehearsal: bool,
        extent: Extent,
    ) -> Self {
        let progress = Self {
            console,
            clock,
            has_foot: console.shows_bar(),
            rehearsal,
            course: RefCell::new(Course::new(extent, clock.elapsed())),
            quiet_until: Cell::new(clock.elapsed()),
            figures: Cell::new(None),
            waited_for: Cell::new(None),
            last_wait: Cell::new(None),
            drawn: Cell::new(None),
        };
        if progress.has_foot {
            progress.draw(true);
        }
        progress
    }

    /// Shows what happened.
    pub(super) fn show(&self, event: &DispatchEvent) {
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
                for (address, answer) in refused {
                    self.line(&refused_for(id, address, answer));
                }
                if self.console.output.verbose {
                    let word = if self.rehearsal {
                        "rehearsed"
                    } else {
                        "accepted"
                    };
                    self.line(&format!("{id}: {word}: {receipt}"));
                }
                self.step();
            }
            DispatchEvent::PartlyAccepted {
                id,
                refused,
                deferred,
                wait,
            } => {
                let next = match wait {
                    Some(Duration::ZERO) => "written to by a message of their own".to_owned(),
                    Some(wait) => format!("trying again in {}", words::duration(*wait)),
                    None => "left pending".to_owned(),
                };
                for (address, answer) in refused {
                    self.line(&refused_for(id, address, answer));
                }
                for (address, answer) in deferred {
                    self.line(&format!(
                        "{id}: accepted, but not yet for {address}: {}, {next}",
                        answer.said()
                    ));
                }
            }
            DispatchEvent::Rejected { id, answer } => {
                self.line(&format!("{id}: rejected: {}", answer.in_full()));
                self.step();
            }
            DispatchEvent::InDoubt { id, answer } => {
                self.line(&format!("{id}: in doubt: {}", answer.line()));
                self.step();
            }
            DispatchEvent::Retry { id, answer, wait } => self.line(&format!(
                "{id}: not taken ({}), trying again in {}",
                answer.said(),
                words::duration(*wait)
            )),
            DispatchEvent::LeftPending { id, answer } => self.line(&format!(
                "{id}: not taken ({}), left pending",
                answer.said()
            )),
            DispatchEvent::Waiting { reason, wait } => self.waiting(*reason, *wait),
            DispatchEvent::Checkpoint { counts } => self.figures.set(Some(*counts)),
            DispatchEvent::Stopping { in_flight } => self.line(&format!(
                "stopping: waiting for the answer to {}; Ctrl-C (again) stops at once and leaves it in doubt",
                words::plural(*in_flight as u64, "letter")
            )),
        }
    }

    fn waiting(&self, reason: WaitReason, wait: Duration) {
        let why = {
            let mut course = self.course.borrow_mut();
            let why = course.why(reason);
            course.wait(self.clock.elapsed(), wait, why.clone());
            why
        };
        if self.has_foot {
            self.draw(true);
            return;
        }
        // Whoever reads lines knows of a long wait at once, and of a short one if it has another reason or
        // nothing was said lately.
        let is_new = self.waited_for.get() != Some(reason);
        let is_other = self.last_wait.get() != Some(reason) || self.silence().is_some();
        let is_due = wait >= BETWEEN_LINES || wait >= WORTH_A_LINE && is_other;
        if is_new && is_due {
            self.waited_for.set(Some(reason));
            self.last_wait.set(Some(reason));
            self.quiet_until
                .set(self.clock.elapsed() + wait.max(BETWEEN_LINES));
            let figures = self.figures.take();
            let figures = figures.map(|counts| format!("{}; ", status::counts_line(&counts)));
            let wait = words::duration(wait);
            self.line(&format!(
                "{}waiting {wait}: {why}",
                figures.unwrap_or_default()
            ));
        }
    }

    fn step(&self) {
        self.waited_for.set(None);
        self.course.borrow_mut().step(self.clock.elapsed());
        if self.has_foot {
            self.draw(false);
        } else if self.silence() >= Some(BETWEEN_LINES)
            && let Some(counts) = self.figures.take()
        {
            self.quiet_until.set(self.clock.elapsed() + BETWEEN_LINES);
            self.line(&status::counts_line(&counts));
        }
    }

    /// How long no line of progress was enough; none while the last one is.
    fn silence(&self) -> Option<Duration> {
        self.clock.elapsed().checked_sub(self.quiet_until.get())
    }

    /// Draws the line, unless it was drawn a moment ago.
    fn draw(&self, at_once: bool) {
        let now = self.clock.elapsed();
        let is_due = self
            .drawn
            .get()
            .is_none_or(|last| now.saturating_sub(last) >= BETWEEN_DRAWINGS);
        let line = self.course.borrow().line(now);
        if at_once || is_due || line.done == line.of {
            self.drawn.set(Some(now));
            self.console.draw_foot(&line);
        }
    }

    fn line(&self, text: &str) {
        self.console.note(text);
    }
}

fn refused_for(id: &str, address: &str, answer: &Answer) -> String {
    format!(
        "{id}: accepted, but refused for {address}: {}",
        answer.in_full()
    )
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        self.console.clear_foot();
    }
}

/// How far a run is, and what is to come.
struct Course {
    extent: Extent,
    began: Duration,
    /// Letters of this run that are done.
    done: u64,
    /// How long the run has waited, before the wait that goes on.
    waited: Duration,
    /// The wait that goes on: since when, until when, why.
    wait: Option<(Duration, Duration, String)>,
}

impl Course {
    fn new(extent: Extent, now: Duration) -> Self {
        Self {
            extent,
            began: now,
            done: 0,
            waited: Duration::ZERO,
            wait: None,
        }
    }

    fn step(&mut self, now: Duration) {
        self.done += 1;
        if let Some((since, _, _)) = self.wait.take() {
            self.waited += now.saturating_sub(since);
        }
    }

    fn wait(&mut self, now: Duration, wait: Duration, why: String) {
        let since = self.wait.as_ref().map_or(now, |(since, _, _)| *since);
        self.wait = Some((since, now + wait, why));
    }

    fn line(&self, now: Duration) -> Line {
        let wait = self
            .wait
            .as_ref()
            .map(|(_, until, why)| (until.saturating_sub(now), why.clone()));
        Line {
            done: self.extent.settled + self.done,
            // Letters that were found not to have gone out are sent beside those that were counted.
            of: self.extent.settled + self.extent.to_go.max(self.done),
            left: self.left(now, wait.as_ref().map(|(wait, _)| *wait)),
            wait: wait.filter(|(wait, _)| !wait.is_zero()),
        }
    }

    /// How long the letters take that are left: never less than the limits ask for, be it of the whole run
    /// or after the wait that goes on; and the pace of the letters so far, without the waits between them.
    /// The pace of the last seconds knows nothing of a wait that is to come.
    fn left(&self, now: Duration, wait: Option<Duration>) -> Option<Duration> {
        let letters = self.extent.to_go.saturating_sub(self.done);
        let elapsed = now.saturating_sub(self.began);
        let waited = self.waited
            + self
                .wait
                .as_ref()
                .map_or(Duration::ZERO, |(since, _, _)| now.saturating_sub(*since));
        let of_all = self
            .extent
            .time_for(self.extent.to_go)
            .saturating_sub(elapsed);
        let after_wait = wait.map(|wait| wait + self.extent.time_for(letters));
        let at_this_pace = u32::try_from(self.done)
            .ok()
            .and_then(|done| elapsed.saturating_sub(waited).checked_div(done))
            .map(|each| each.saturating_mul(u32::try_from(letters).unwrap_or(u32::MAX)));
        let known = at_this_pace.max(after_wait).max(Some(of_all));
        known.filter(|left| self.done > 0 || !left.is_zero())
    }

    /// Why the run waits, with the limit that it waits for.
    fn why(&self, reason: WaitReason) -> String {
        let config = &self.extent.config;
        let limit = |number: Option<u64>, before: &str, behind: &str| {
            let number = number.map(words::count).unwrap_or_default();
            format!("limit of {before}{number}{behind}")
        };
        match reason {
            WaitReason::Limit(Limit::Messages) => limit(config.message_limit(), "", " a minute"),
            WaitReason::Limit(Limit::MessagesOfHour) => limit(config.hour_limit(), "", " an hour"),
            WaitReason::Limit(Limit::Bytes) => limit(
                config.byte_limit().map(|bytes| bytes / 1_000_000),
                "",
                " MB in 5 min",
            ),
            WaitReason::Limit(Limit::Addresses) => {
                limit(config.recipient_limit(), "", " addresses a day")
            }
            WaitReason::Pause => "pause between chunks".into(),
            WaitReason::Throttled => "the server asked to wait".into(),
            WaitReason::Caution => "slower, as the server asked".into(),
            WaitReason::Doubt => "looking for a letter in doubt".into(),
            WaitReason::Outage => "the server is not ready".into(),
            WaitReason::Retry => "before the next try".into(),
            WaitReason::Window => "outside the sending hours".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::config::DispatchConfig;

    fn course(settled: u64, to_go: u64) -> Course {
        let config = DispatchConfig {
            messages_per_minute: NonZeroU32::new(28),
            ..DispatchConfig::default()
        };
        let extent = Extent {
            settled,
            to_go,
            config,
            bytes: 0,
            addresses: 1,
        };
        Course::new(extent, Duration::ZERO)
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_time_left_comes_from_the_limits_of_the_whole_run() {
        let mut course = course(0, 280);
        // Nine windows slide before the last letters may go.
        assert_eq!(course.left(Duration::ZERO, None), Some(9 * 60 * SECOND));
        for second in 1..=28 {
            course.step(second * SECOND / 10);
        }
        // The first of a window are fast, which says nothing of the rest.
        assert_eq!(course.left(3 * SECOND, None), Some(537 * SECOND));
        course.wait(3 * SECOND, 57 * SECOND, "limit".into());
        // 252 letters are left: 28 when the wait is over, and eight windows more.
        assert_eq!(course.line(3 * SECOND).left, Some((57 + 8 * 60) * SECOND));
    }

    #[test]
    fn a_server_that_is_slower_than_the_limits_sets_the_pace_without_the_waits() {
        let mut course = course(0, 30);
        for letter in 1..=10 {
            course.step(letter * 60 * SECOND);
        }
        assert_eq!(course.left(600 * SECOND, None), Some(1_200 * SECOND));
        // A night outside the sending hours makes no letter slower.
        course.wait(600 * SECOND, 50_000 * SECOND, "night".into());
        course.step(50_660 * SECOND);
        let left = course.left(50_660 * SECOND, None).unwrap();
        assert!(left < 1_200 * SECOND, "{left:?}");
    }

    #[test]
    fn a_wait_counts_down_and_the_letters_of_earlier_runs_count() {
        let mut course = course(120, 160);
        course.wait(SECOND, 30 * SECOND, "limit".into());
        let line = course.line(11 * SECOND);
        assert_eq!((line.done, line.of), (120, 280));
        assert_eq!(line.wait, Some((20 * SECOND, "limit".into())));
        assert_eq!(course.line(31 * SECOND).wait, None);
        course.step(32 * SECOND);
        assert_eq!(course.line(32 * SECOND).done, 121);
    }
}
