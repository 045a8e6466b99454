//! The threads that hand messages to their transports, one letter at a time each.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, Scope};

use super::limiter::Cost;
use crate::clock::Signal;
use crate::ledger::{Claimed, Pending};
use crate::message::Message;
use crate::transport::{Receipt, SendError, Transport};

/// A claimed letter for a thread to hand over.
pub(super) struct Job {
    pub pending: Pending,
    pub claim: Claimed,
    pub cost: Cost,
    pub message: Message,
}

/// What became of it.
pub(super) struct Done {
    pub thread: usize,
    pub pending: Pending,
    pub claim: Claimed,
    pub cost: Cost,
    pub result: Result<Receipt, SendError>,
}

/// The threads and which of them are idle.
pub(super) struct Couriers {
    jobs: Vec<Sender<Job>>,
    idle: Vec<usize>,
}

impl Couriers {
    /// One thread for each transport; the scope waits for them.
    pub fn start<'scope>(
        scope: &'scope Scope<'scope, '_>,
        transports: Vec<Box<dyn Transport>>,
        done: &Sender<thread::Result<Done>>,
        signal: &Arc<Signal>,
    ) -> Self {
        let mut jobs = Vec::new();
        for (thread, mut transport) in transports.into_iter().enumerate() {
            let (sender, receiver): (Sender<Job>, Receiver<Job>) = channel();
            let (done, signal) = (done.clone(), Arc::clone(signal));
            jobs.push(sender);
            scope.spawn(move || {
                for job in receiver {
                    // A panic is passed on: nobody else would know that no answer will come.
                    let told = done.send(catch_unwind(AssertUnwindSafe(|| Done {
                        thread,
                        result: transport.send(&job.message),
                        pending: job.pending,
                        claim: job.claim,
                        cost: job.cost,
                    })));
                    signal.raise();
                    if told.is_err() {
                        return;
                    }
                }
            });
        }
        Self {
            idle: (0..jobs.len()).collect(),
            jobs,
        }
    }

    pub fn idle(&self) -> usize {
        self.idle.len()
    }

    pub fn in_flight(&self) -> usize {
        self.jobs.len() - self.idle.len()
    }

    /// Gives a letter to an idle thread; there must be one.
    pub fn hand_over(&mut self, job: Job) {
        if let Some(thread) = self.idle.pop() {
            // A thread ends only when its sender is dropped.
            let _ = self.jobs[thread].send(job);
        }
    }

    /// A thread has given its answer.
    pub fn returned(&mut self, thread: usize) {
        self.idle.push(thread);
    }
}
