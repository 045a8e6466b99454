//! The threads that hand messages to their transports, one letter at a time each.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, Scope};

use super::limiter::Cost;
use super::rest::rest_of;
use crate::clock::Signal;
use crate::ledger::{Claimed, EarlierTry, Pending};
use crate::lifecycle::PlannedMessage;
use crate::message::Message;
use crate::transport::{
    AttemptRecord, Earlier, Receipt, Replaced, SendError, Transport, TransportAttempt,
};

/// A claimed letter for a thread to hand over.
pub(super) struct Job {
    pub pending: Pending,
    pub claim: Claimed,
    pub cost: Cost,
    pub trace: String,
    pub message: Message,
}

/// What a thread says of the letter that it has in hand.
pub(super) enum FromWorker {
    /// Something to write down before it goes on.
    Note(WorkerNote),
    /// What became of it.
    Done(Box<Done>),
}

/// What a transport writes down and waits for: it goes on when `kept_tx` is sent to, and not when it is
/// dropped.
pub(super) struct WorkerNote {
    pub claim: Claimed,
    pub record: AttemptRecord,
    pub kept_tx: Sender<()>,
}

/// What became of a letter. `pending` is what is left of it if it was not taken.
pub(super) struct Done {
    pub thread: usize,
    pub pending: Pending,
    pub claim: Claimed,
    pub cost: Cost,
    pub result: Result<Receipt, SendError>,
    /// The message to the addresses that it was not taken for now.
    pub rest: Option<Box<PlannedMessage>>,
    pub request_ids: Vec<String>,
}

fn hand_over(
    thread: usize,
    transport: &mut dyn Transport,
    job: Job,
    workers_tx: &Sender<thread::Result<FromWorker>>,
    signal: &Signal,
) -> Done {
    let Job {
        mut pending,
        claim,
        cost,
        trace,
        message,
    } = job;
    let mut tried = pending.earlier.clone().unwrap_or_default();
    let earlier = pending
        .earlier
        .take()
        .map(|EarlierTry { note }| Earlier { note });
    let replaced = pending.replaced.iter().map(|tried| Replaced {
        message_id: tried.message_id.clone(),
        note: tried.note.clone(),
    });
    let replaced = replaced.collect();
    let mut keep = |record: AttemptRecord| {
        if let AttemptRecord::Note(text) = &record {
            tried.note = Some(text.clone());
        }
        let (kept_tx, kept_rx) = channel();
        let note = WorkerNote {
            claim,
            record,
            kept_tx,
        };
        let asked = workers_tx.send(Ok(FromWorker::Note(note))).is_ok();
        signal.raise();
        asked && kept_rx.recv().is_ok()
    };
    let mut attempt = TransportAttempt::new(&trace, earlier, &mut keep);
    attempt.replaced = replaced;
    let result = transport.send(&message, &mut attempt);
    let request_ids = attempt.request_ids;
    pending.earlier = Some(tried);
    let rest = match &result {
        Ok(receipt) => rest_of(&message, &receipt.not_taken_for.deferred),
        Err(_) => None,
    };
    Done {
        thread,
        pending,
        claim,
        cost,
        result,
        rest,
        request_ids,
    }
}

/// The threads and which of them are idle.
pub(super) struct Workers {
    jobs_tx: Vec<Sender<Job>>,
    idle: Vec<usize>,
}

impl Workers {
    /// One thread for each transport; the scope waits for them.
    pub(super) fn start<'scope, 'run: 'scope>(
        scope: &'scope Scope<'scope, '_>,
        transports: &'run mut [Box<dyn Transport>],
        workers_tx: &Sender<thread::Result<FromWorker>>,
        signal: &Arc<Signal>,
    ) -> Self {
        let mut jobs_tx = Vec::new();
        for (thread, transport) in transports.iter_mut().enumerate() {
            let (job_tx, job_rx): (Sender<Job>, Receiver<Job>) = channel();
            let (workers_tx, signal) = (workers_tx.clone(), Arc::clone(signal));
            jobs_tx.push(job_tx);
            scope.spawn(move || {
                for job in job_rx {
                    // A panic is passed on: nobody else would know that no answer will come.
                    let passed_on = workers_tx.send(catch_unwind(AssertUnwindSafe(|| {
                        FromWorker::Done(Box::new(hand_over(
                            thread,
                            &mut **transport,
                            job,
                            &workers_tx,
                            &signal,
                        )))
                    })));
                    signal.raise();
                    if passed_on.is_err() {
                        return;
                    }
                }
            });
        }
        Self {
            idle: (0..jobs_tx.len()).collect(),
            jobs_tx,
        }
    }

    pub(super) fn idle(&self) -> usize {
        self.idle.len()
    }

    pub(super) fn in_flight(&self) -> usize {
        self.jobs_tx.len() - self.idle.len()
    }

    /// Gives a letter to an idle thread; there must be one.
    pub(super) fn hand_over(&mut self, job: Job) {
        if let Some(thread) = self.idle.pop() {
            // A thread ends only when its sender is dropped.
            let _ = self.jobs_tx[thread].send(job);
        }
    }

    /// A thread has given its answer.
    pub(super) fn returned(&mut self, thread: usize) {
        self.idle.push(thread);
    }
}
