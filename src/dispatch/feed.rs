//! What the loop sends next, and when it may go.

use std::panic::resume_unwind;
use std::time::Duration;

use super::compose::Composed;
use super::limiter::{Limit, Permit};
use super::run::DispatchLoop;
use super::{Ending, WaitReason};
use crate::ledger::{LedgerError, Pending};

/// The longest wait for the limit of the day.
const LONGEST_FOR_THE_DAY: Duration = Duration::from_mins(15);
/// Letters asked of the ledger at once.
const PAGE: usize = 256;

impl DispatchLoop<'_> {
    /// Keeps the composer a little ahead of the wire.
    pub(super) fn ask_for_letters(&mut self) -> Result<(), LedgerError> {
        let ahead = self.dispatch.config.at_once().get() as usize + 2;
        let now = self.dispatch.clock.elapsed();
        while self.composing + self.ready.len() < ahead {
            let due = self.retries.iter().position(|(due, _)| *due <= now);
            let next = match due {
                Some(index) => Some(self.retries.swap_remove(index).1),
                None => self.next_from_ledger()?,
            };
            let Some(pending) = next else { break };
            self.composing += 1;
            // The composer ends only when this sender is dropped.
            let _ = self.pending_tx.send(pending);
        }
        Ok(())
    }

    fn next_from_ledger(&mut self) -> Result<Option<Pending>, LedgerError> {
        loop {
            if self
                .dispatch
                .limit
                .is_some_and(|limit| self.started >= limit)
            {
                self.exhausted = true;
                self.page.clear();
            }
            if self.page.is_empty() && !self.exhausted {
                self.page.extend(self.ledger.pending(self.after, PAGE)?);
                self.exhausted = self.page.len() < PAGE;
            }
            let Some(pending) = self.page.pop_front() else {
                if self.exhausted {
                    return Ok(None);
                }
                continue;
            };
            self.after = Some(pending.position);
            let is_wanted = self
                .dispatch
                .only
                .as_ref()
                .is_none_or(|only| only.contains(&pending.id));
            if is_wanted {
                self.started += 1;
                return Ok(Some(pending));
            }
        }
    }

    pub(super) fn take_composed(&mut self) {
        while let Ok(composed) = self.composed_rx.try_recv() {
            let composed = composed.unwrap_or_else(|panic| resume_unwind(panic));
            self.composing -= 1;
            match composed.result {
                Ok(_) => self.ready.push_back(composed),
                Err(faults) if self.ending.is_none() => self.end(Ending::Changed(faults)),
                Err(_) => {}
            }
        }
    }

    /// The letters that may go now, or what the run waits for.
    pub(super) fn choose(&mut self) -> (Vec<Composed>, Option<(Duration, WaitReason)>) {
        let mut chosen = Vec::new();
        let now = self.dispatch.clock.elapsed();
        while self.ending.is_none() && chosen.len() < self.workers.idle() {
            match self.held_back(now, chosen.is_empty()) {
                Hold::Free => {}
                Hold::UntilAnswer => return (chosen, None),
                Hold::For(wait, reason) => return (chosen, Some((wait, reason))),
            }
            let Some(next) = self.ready.front() else {
                break;
            };
            let cost = next.cost;
            match self.limiter.permit(now, cost) {
                Permit::Now => {}
                Permit::After(wait, Limit::Addresses) if wait > LONGEST_FOR_THE_DAY => {
                    self.end(Ending::DayLimit);
                    return (chosen, None);
                }
                Permit::After(wait, limit) => {
                    return (chosen, Some((wait, WaitReason::Limit(limit))));
                }
                Permit::AfterAnswer => return (chosen, None),
            }
            self.limiter.claim(cost);
            self.caution.claimed(now);
            self.claimed_in_chunk += 1;
            chosen.extend(self.ready.pop_front());
        }
        let waits_for_retry = chosen.is_empty()
            && self.ending.is_none()
            && self.workers.in_flight() == 0
            && self.composing == 0
            && self.ready.is_empty();
        let next_retry = self
            .retries
            .iter()
            .map(|(due, _)| due.saturating_sub(now))
            .min();
        let wait = next_retry
            .filter(|_| waits_for_retry)
            .map(|wait| (wait, WaitReason::Retry));
        (chosen, wait)
    }

    /// Whether everyone waits: for the server, for the pause between chunks or for the window of
    /// the day.
    fn held_back(&mut self, now: Duration, nothing_chosen: bool) -> Hold {
        let pause = self.dispatch.config.pause;
        if !pause.is_zero() && self.claimed_in_chunk >= self.dispatch.config.chunk.get() {
            if self.workers.in_flight() > 0 || !nothing_chosen {
                return Hold::UntilAnswer;
            }
            self.claimed_in_chunk = 0;
            self.pause_until(now + pause, WaitReason::Pause);
        }
        if self.ready.is_empty() {
            return Hold::Free;
        }
        if let Some((until, reason)) = self.paused {
            match until.checked_sub(now) {
                Some(wait) if !wait.is_zero() => return Hold::For(wait, reason),
                _ => self.paused = None,
            }
        }
        if self.caution.one_at_a_time() {
            if self.workers.in_flight() > 0 || !nothing_chosen {
                return Hold::UntilAnswer;
            }
            if let Some(wait) = self.caution.wait(now) {
                return Hold::For(wait, WaitReason::Caution);
            }
        }
        let window = self.dispatch.config.window.as_ref();
        match window.and_then(|window| window.wait(self.dispatch.clock.now())) {
            Some(wait) => Hold::For(wait, WaitReason::Window),
            None => Hold::Free,
        }
    }
}

/// Whether letters may go.
enum Hold {
    /// They may.
    Free,
    /// Not before an answer has come.
    UntilAnswer,
    /// Not for this long.
    For(Duration, WaitReason),
}
