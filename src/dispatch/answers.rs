//! What the loop does with the answers that come in.

use std::panic::resume_unwind;
use std::time::Duration;

use super::run::Run;
use super::verdict::{self, Next};
use super::{Ending, Event, Reason};
use crate::ledger::{Outcome, Pending, Settlement};
use crate::transport::Answer;

/// Pauses in a row without a single letter taken, before the far side counts as out of reach.
const MOST_PAUSES: u32 = 10;
/// The longest wait that a far side may ask for; beyond it the run ends and can be resumed.
const LONGEST_ASKED: Duration = Duration::from_mins(30);

impl Run<'_, '_> {
    /// Judges the answers that have come in.
    pub(super) fn take_answers(&mut self) {
        while let Ok(done) = self.answers.try_recv() {
            let done = done.unwrap_or_else(|panic| resume_unwind(panic));
            self.couriers.returned(done.thread);
            let verdict = verdict::judge(&done.pending.id, done.result);
            let taken = !matches!(verdict.outcome, Outcome::NotTaken(_));
            self.limiter
                .settle(self.dispatch.clock.elapsed(), done.cost, taken);
            let settlement = Settlement {
                claim: done.claim,
                outcome: verdict.outcome,
                at: self.dispatch.clock.now(),
            };
            let event = self.follow(done.pending, verdict.next);
            self.unrecorded.push((settlement, event));
        }
    }

    /// Does what a verdict asks for; the event is told once the settlement is on the disk.
    fn follow(&mut self, pending: Pending, next: Next) -> Option<Event> {
        let now = self.dispatch.clock.elapsed();
        match next {
            Next::Done(event) => {
                (self.failures, self.pauses) = (0, 0);
                self.settled_in_chunk += 1;
                Some(event)
            }
            Next::Failed(event, answer) => {
                self.pauses = 0;
                self.settled_in_chunk += 1;
                self.fail(answer);
                Some(event)
            }
            Next::Again(answer) => {
                let tries = self.tries.entry(pending.seq).or_default();
                *tries += 1;
                let id = pending.id.clone();
                if *tries >= self.dispatch.config.attempts {
                    self.left += 1;
                    self.fail(answer.clone());
                    return Some(Event::LeftPending { id, answer });
                }
                let wait = self.backoff.wait(*tries, fastrand::f64());
                self.retries.push((now + wait, pending));
                Some(Event::Retry { id, answer, wait })
            }
            Next::Pause {
                answer,
                wait,
                throttled,
            } => {
                // Letters that were in flight when the pause began tell of the same trouble.
                if self.paused.is_none_or(|(until, _)| until <= now) {
                    self.pauses += 1;
                }
                let id = pending.id.clone();
                let most = if throttled {
                    MOST_PAUSES
                } else {
                    self.dispatch.config.attempts
                };
                let wait = wait.unwrap_or_else(|| self.backoff.wait(self.pauses, fastrand::f64()));
                if self.pauses >= most || wait > LONGEST_ASKED {
                    if self.ending.is_none() {
                        self.end(Ending::Outage(answer.clone()));
                    }
                    return Some(Event::LeftPending { id, answer });
                }
                let reason = if throttled {
                    Reason::Throttled
                } else {
                    Reason::Outage
                };
                self.pause_until(now + wait, reason);
                self.retries.push((now + wait, pending));
                Some(Event::Retry { id, answer, wait })
            }
            Next::Stop(ending) => {
                if self.ending.is_none() {
                    self.end(ending);
                }
                None
            }
        }
    }

    fn fail(&mut self, answer: Answer) {
        self.failures += 1;
        if self.failures >= self.dispatch.config.stop_after_failures && self.ending.is_none() {
            self.end(Ending::Breaker {
                failures: self.failures,
                answer,
            });
        }
    }
}
