//! What the loop does with the answers that come in.

use std::panic::resume_unwind;
use std::time::Duration;

use super::deliver::FromWorker;
use super::run::DispatchLoop;
use super::verdict::{self, Next, Rest};
use super::{DispatchEvent, Ending, WaitReason};
use crate::ledger::{Pending, Settlement};
use crate::lifecycle::SettledAs;
use crate::transport::Answer;

/// Pauses in a row without a single letter taken, before the server counts as out of reach.
const MOST_PAUSES: u32 = 10;
/// Tries of one letter at which the server broke off, while others were taken in between.
const MOST_BREAKS: u32 = 10;
/// The longest wait that a server may ask for; beyond it the run ends and can be resumed.
pub(super) const LONGEST_ASKED: Duration = Duration::from_mins(30);

impl DispatchLoop<'_> {
    /// Judges the answers that have come in.
    pub(super) fn take_answers(&mut self) {
        while let Ok(message) = self.workers_rx.try_recv() {
            let done = match message.unwrap_or_else(|panic| resume_unwind(panic)) {
                FromWorker::Done(done) => *done,
                FromWorker::Note(note) => {
                    self.notes.push(note);
                    continue;
                }
            };
            self.workers.returned(done.thread);
            let verdict = verdict::judge(&done.pending.id, done.result, done.rest);
            let taken = !matches!(verdict.ended, SettledAs::NotTaken(_));
            self.limiter
                .settle(self.dispatch.clock.elapsed(), done.cost, taken);
            let settlement = Settlement {
                claim: done.claim,
                ended: verdict.ended,
                at: self.dispatch.clock.now(),
                request_ids: done.request_ids,
            };
            let before = self.paused;
            let event = self.follow(done.pending, verdict.next);
            if let Some((until, WaitReason::Throttled)) =
                self.paused.filter(|_| self.paused != before)
            {
                let wait = until.saturating_sub(self.dispatch.clock.elapsed());
                self.ledger.throttled(settlement.at, wait);
            }
            self.unrecorded.push((settlement, event));
        }
    }

    /// Does what a verdict asks for; the event is emitted once the settlement is on the disk.
    fn follow(&mut self, pending: Pending, next: Next) -> Option<DispatchEvent> {
        let now = self.dispatch.clock.elapsed();
        match next {
            Next::Done(event, wait) => {
                (self.failures, self.pauses) = (0, 0);
                self.settled_in_chunk += 1;
                self.tries.remove(&pending.seq);
                match wait {
                    Some(wait) => {
                        self.caution.throttled();
                        self.pause_until(now + wait.min(LONGEST_ASKED), WaitReason::Throttled);
                    }
                    None => self.caution.taken(),
                }
                Some(event)
            }
            Next::Rest(rest) => Some(self.go_on_with(pending, *rest)),
            Next::Failed(event, answer) => {
                self.pauses = 0;
                self.settled_in_chunk += 1;
                self.tries.remove(&pending.seq);
                self.fail(answer);
                Some(event)
            }
            Next::Again(answer) => {
                let tries = self.tried(&pending);
                if tries >= self.dispatch.config.attempts.get() {
                    return Some(self.give_up(pending, answer));
                }
                let wait = self.backoff.wait(tries, fastrand::f64());
                let id = pending.id.clone();
                self.retries.push((now + wait, pending));
                Some(DispatchEvent::Retry { id, answer, wait })
            }
            Next::Pause {
                answer,
                wait,
                throttled,
            } => Some(self.everyone_waits(pending, answer, wait, throttled)),
            Next::Stop(ending) => {
                if self.ending.is_none() {
                    self.end(ending);
                }
                None
            }
        }
    }

    /// The others have the letter; the rest of it is sent as a letter that was not taken is, and at once
    /// where the server takes no more than so many addresses together.
    fn go_on_with(&mut self, pending: Pending, rest: Rest) -> DispatchEvent {
        let now = self.dispatch.clock.elapsed();
        (self.failures, self.pauses) = (0, 0);
        match rest.wait {
            Some(wait) => {
                self.caution.throttled();
                self.pause_until(now + wait.min(LONGEST_ASKED), WaitReason::Throttled);
            }
            None => self.caution.taken(),
        }
        // Each message is tried as often as any.
        self.tries.remove(&pending.seq);
        let pending = Pending {
            sending: pending.sending.saturating_add(1),
            message_id: rest.message.message_id,
            digest: rest.message.digest,
            only_to: Some(rest.message.addresses),
            is_rest: true,
            earlier: None,
            replaced: Vec::new(),
            ..pending
        };
        let id = pending.id.clone();
        let wait = if rest.at_once {
            Some(Duration::ZERO)
        } else {
            let tries = self.tried(&pending);
            (tries < self.dispatch.config.attempts.get())
                .then(|| self.backoff.wait(tries, fastrand::f64()))
        };
        if let Some(wait) = wait {
            self.retries.push((now + wait, pending));
        } else {
            self.left += 1;
            self.tries.remove(&pending.seq);
        }
        DispatchEvent::PartlyAccepted {
            id,
            refused: rest.refused,
            deferred: rest.deferred,
            wait,
        }
    }

    fn everyone_waits(
        &mut self,
        pending: Pending,
        answer: Answer,
        wait: Option<Duration>,
        throttled: bool,
    ) -> DispatchEvent {
        let now = self.dispatch.clock.elapsed();
        // Letters that were in flight when the pause began met the same trouble.
        if self.paused.is_none_or(|(until, _)| until <= now) {
            self.pauses += 1;
        }
        let (most, reason) = if throttled {
            self.caution.throttled();
            (MOST_PAUSES, WaitReason::Throttled)
        } else {
            (self.dispatch.config.attempts.get(), WaitReason::Outage)
        };
        let wait = wait.unwrap_or_else(|| self.backoff.wait(self.pauses, fastrand::f64()));
        if self.pauses >= most || wait > LONGEST_ASKED {
            if self.ending.is_none() {
                self.end(Ending::Outage(answer.clone()));
            }
            let id = pending.id;
            return DispatchEvent::LeftPending { id, answer };
        }
        self.pause_until(now + wait, reason);
        // Others were taken between that many tries, so the trouble is this letter's own.
        if !throttled && self.tried(&pending) >= MOST_BREAKS {
            return self.give_up(pending, answer);
        }
        let id = pending.id.clone();
        self.retries.push((now + wait, pending));
        DispatchEvent::Retry { id, answer, wait }
    }

    /// Counts a try of a letter that was not taken, and says how many there were.
    fn tried(&mut self, pending: &Pending) -> u32 {
        let tries = self.tries.entry(pending.seq).or_default();
        *tries += 1;
        *tries
    }

    /// Leaves a letter pending for the next run.
    fn give_up(&mut self, pending: Pending, answer: Answer) -> DispatchEvent {
        self.left += 1;
        self.tries.remove(&pending.seq);
        self.fail(answer.clone());
        let id = pending.id;
        DispatchEvent::LeftPending { id, answer }
    }

    fn fail(&mut self, answer: Answer) {
        self.failures += 1;
        if self.failures >= self.dispatch.config.stop_after_failures.get() && self.ending.is_none()
        {
            self.end(Ending::Breaker {
                failures: self.failures,
                answer,
            });
        }
    }
}
