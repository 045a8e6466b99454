//! The loop itself.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use super::answers::LONGEST_ASKED;
use super::caution::Caution;
use super::compose::{self, Composed, Composer};
use super::deliver::{FromWorker, Job, WorkerNote, Workers};
use super::limiter::Limiter;
use super::retry::Backoff;
use super::verdict::refusals;
use super::{Dispatch, DispatchEvent, Ending, WaitReason, start};
use crate::ledger::{Claim, Ledger, LedgerError, Pending, Settlement};
use crate::transport::{AttemptRecord, NotTakenFor, Transport, new_trace};

/// The longest that a wait goes on without another look at it.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// Runs the loop to its end.
pub(super) fn run(
    dispatch: &Dispatch<'_>,
    ledger: &mut Ledger,
    transports: &mut [Box<dyn Transport>],
    asked_to_wait: Option<Duration>,
    emit: &mut dyn FnMut(DispatchEvent),
) -> Result<Ending, LedgerError> {
    let limiter = start::remembered(dispatch, ledger)?;
    let signal = Arc::clone(&dispatch.interrupt.signal);
    let (pending_tx, pending_rx) = channel();
    let (composed_tx, composed_rx) = channel();
    let (workers_tx, workers_rx) = channel();
    let composer = Composer {
        letters: dispatch.letters,
        is_for_mime: transports.iter().any(|transport| transport.takes_mime()),
    };
    thread::scope(|scope| {
        let composer_signal = Arc::clone(&signal);
        scope.spawn(move || {
            compose::run(&composer, &pending_rx, &composed_tx, &composer_signal);
        });
        let workers = Workers::start(scope, transports, &workers_tx, &signal);
        drop(workers_tx);
        let mut run = DispatchLoop {
            dispatch,
            ledger,
            limiter,
            workers,
            pending_tx,
            composed_rx,
            workers_rx,
            emit,
            unrecorded: Vec::new(),
            notes: Vec::new(),
            caution: Caution::new(dispatch.config.backoff),
            backoff: Backoff::new(dispatch.config.backoff),
            page: VecDeque::new(),
            after: None,
            exhausted: false,
            composing: 0,
            ready: VecDeque::new(),
            retries: Vec::new(),
            tries: HashMap::new(),
            started: 0,
            left: 0,
            failures: 0,
            pauses: 0,
            paused: asked_to_wait.map(|wait| {
                (
                    dispatch.clock.elapsed() + wait.min(LONGEST_ASKED),
                    WaitReason::Throttled,
                )
            }),
            claimed_in_chunk: 0,
            settled_in_chunk: 0,
            ending: None,
        };
        run.work()
    })
}

/// The state of the loop.
pub(super) struct DispatchLoop<'run> {
    pub(super) dispatch: &'run Dispatch<'run>,
    pub(super) ledger: &'run mut Ledger,
    pub(super) limiter: Limiter,
    pub(super) workers: Workers,
    pub(super) pending_tx: Sender<Pending>,
    pub(super) composed_rx: Receiver<thread::Result<Composed>>,
    pub(super) workers_rx: Receiver<thread::Result<FromWorker>>,
    pub(super) emit: &'run mut dyn FnMut(DispatchEvent),
    /// Answers that are not on the disk yet, with what is emitted when they are.
    pub(super) unrecorded: Vec<(Settlement, Option<DispatchEvent>)>,
    /// What transports write down of letters in hand, and wait for.
    pub(super) notes: Vec<WorkerNote>,
    pub(super) caution: Caution,
    pub(super) backoff: Backoff,
    /// Letters read from the ledger and not composed yet.
    pub(super) page: VecDeque<Pending>,
    pub(super) after: Option<usize>,
    pub(super) exhausted: bool,
    pub(super) composing: usize,
    pub(super) ready: VecDeque<Composed>,
    /// Letters to try again, and when.
    pub(super) retries: Vec<(Duration, Pending)>,
    /// How often letters in hand were not taken. A batch of any size has few in hand.
    pub(super) tries: HashMap<i64, u32>,
    pub(super) started: usize,
    pub(super) left: usize,
    pub(super) failures: u32,
    pub(super) pauses: u32,
    pub(super) paused: Option<(Duration, WaitReason)>,
    pub(super) claimed_in_chunk: u32,
    pub(super) settled_in_chunk: u32,
    pub(super) ending: Option<Ending>,
}

impl DispatchLoop<'_> {
    fn work(&mut self) -> Result<Ending, LedgerError> {
        let ending = self.go_on();
        if ending.is_err() {
            self.record_what_can_be();
        }
        ending
    }

    /// The ledger failed, perhaps for want of room for a claim. Letters in flight are waited for, and
    /// the answers that are known are written if that can still be done: each one that cannot is a
    /// letter in doubt.
    fn record_what_can_be(&mut self) {
        self.take_answers();
        // A transport whose note is dropped takes no further step.
        self.notes.clear();
        while self.workers.in_flight() > 0 {
            self.dispatch
                .clock
                .wait(&self.dispatch.interrupt.signal, None);
            self.take_answers();
            self.notes.clear();
        }
        let known: Vec<Settlement> = self
            .unrecorded
            .drain(..)
            .map(|(settlement, _)| settlement)
            .collect();
        // The first error is the one that is reported.
        let _ = self.ledger.commit_last(&known);
    }

    fn go_on(&mut self) -> Result<Ending, LedgerError> {
        loop {
            self.take_answers();
            debug_assert!(self.ending.is_some() || self.tries.len() <= self.in_hand());
            self.keep_notes()?;
            if self.dispatch.interrupt.is_asked() && self.ending.is_none() {
                self.end(Ending::Interrupted);
            }
            if self.ending.is_none() {
                self.ask_for_letters()?;
            }
            self.take_composed();
            let (chosen, wait) = self.choose();
            self.commit(chosen)?;
            if let Some(ending) = self.is_over() {
                return Ok(ending);
            }
            if let Some((wait, reason)) = wait {
                (self.emit)(DispatchEvent::Waiting { reason, wait });
            }
            // The wall clock may be set and a machine may sleep, and whoever watches sees a wait count
            // down: long waits are looked at again.
            let limit = wait.map(|(wait, _)| wait.min(BETWEEN_LOOKS));
            self.dispatch
                .clock
                .wait(&self.dispatch.interrupt.signal, limit);
        }
    }

    /// Letters that were taken from the ledger's page and are not done.
    fn in_hand(&self) -> usize {
        let made = self.composing + self.ready.len();
        made + self.workers.in_flight() + self.retries.len()
    }

    fn is_over(&mut self) -> Option<Ending> {
        if self.workers.in_flight() > 0 {
            return None;
        }
        let nothing_left = self.page.is_empty()
            && self.exhausted
            && self.composing == 0
            && self.ready.is_empty()
            && self.retries.is_empty();
        match self.ending.take() {
            // Asked to stop in its last letter, it has finished: nothing could be resumed.
            None | Some(Ending::Interrupted) if nothing_left => {
                Some(Ending::Finished { left: self.left })
            }
            ending => ending,
        }
    }

    /// Takes no further letters; those in flight are waited for.
    pub(super) fn end(&mut self, ending: Ending) {
        self.ending = Some(ending);
        let in_flight = self.workers.in_flight();
        if in_flight > 0 {
            (self.emit)(DispatchEvent::Stopping { in_flight });
        }
    }

    /// Makes everyone wait. A pause that lasts longer already is never cut short.
    pub(super) fn pause_until(&mut self, until: Duration, reason: WaitReason) {
        if self.paused.is_none_or(|(longer, _)| longer < until) {
            self.paused = Some((until, reason));
        }
    }

    /// Puts on the disk what transports wrote down, and lets them go on.
    fn keep_notes(&mut self) -> Result<(), LedgerError> {
        for note in self.notes.drain(..) {
            match note.record {
                AttemptRecord::Note(text) => self.ledger.note(note.claim, &text)?,
                AttemptRecord::Narrowed(NotTakenFor {
                    refused, deferred, ..
                }) => {
                    let (refused, deferred) = (refusals(&refused), refusals(&deferred));
                    self.ledger.narrow(note.claim, refused, deferred)?;
                }
            }
            // A thread that no longer waits has passed on its panic.
            let _ = note.kept_tx.send(());
        }
        Ok(())
    }

    /// One commit for what has come in and what goes out; only then is anything emitted or handed over.
    fn commit(&mut self, chosen: Vec<Composed>) -> Result<(), LedgerError> {
        if self.unrecorded.is_empty() && chosen.is_empty() {
            return Ok(());
        }
        let at = self.dispatch.clock.now();
        let claims: Vec<Claim> = chosen
            .iter()
            .map(|composed| Claim {
                seq: composed.pending.seq,
                bytes: composed.cost.bytes,
                addresses: u32::try_from(composed.cost.addresses).unwrap_or(u32::MAX),
                at,
                trace: new_trace(),
            })
            .collect();
        let ends: Vec<Settlement> = self
            .unrecorded
            .iter()
            .map(|(settlement, _)| settlement.clone())
            .collect();
        let claimed = self.ledger.commit(&ends, &claims)?;
        for ((composed, claim), wanted) in chosen.into_iter().zip(claimed).zip(claims) {
            if let Ok(message) = composed.result {
                self.workers.hand_over(Job {
                    pending: composed.pending,
                    claim,
                    cost: composed.cost,
                    trace: wanted.trace,
                    message: message.dated(at),
                });
            }
        }
        for event in self.unrecorded.drain(..).filter_map(|(_, event)| event) {
            (self.emit)(event);
        }
        if self.settled_in_chunk >= self.dispatch.config.chunk.get() {
            self.settled_in_chunk = 0;
            let counts = self.ledger.counts()?;
            (self.emit)(DispatchEvent::Checkpoint { counts });
        }
        Ok(())
    }
}
