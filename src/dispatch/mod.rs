//! The sending loop: what is left, when it may go, and what became of it.
//!
//! One thread decides. It asks the ledger what is left, waits for the limiter, claims, hands over to
//! the workers, settles, and emits what happened. Settlements and the claims that follow them share
//! one commit, so that a letter costs one flush to the disk and not two. A composer makes the next
//! letters ready meanwhile, at most two more than there are connections.

mod answers;
mod caution;
mod compose;
mod deliver;
mod estimate;
mod event;
mod feed;
mod limiter;
mod rest;
mod retry;
mod run;
mod start;
mod verdict;

pub(crate) use estimate::estimate;
pub(crate) use event::{DispatchEvent, WaitReason};
pub(crate) use limiter::Limit;
pub use limiter::{Cost, Limiter};
pub(crate) use rest::attachments;
pub(crate) use verdict::recorded;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::clock::{Clock, Signal};
use crate::config::DispatchConfig;
use crate::finding::Finding;
use crate::ledger::{Ledger, LedgerError};
use crate::letter::Letters;
use crate::transport::{Answer, Transport};

/// What a run works with.
pub(crate) struct Dispatch<'a> {
    /// Makes the letters.
    pub letters: &'a Letters,
    /// Pace and patience.
    pub config: &'a DispatchConfig,
    /// Which letters, if not all that are left.
    pub only: Option<HashSet<String>>,
    /// How many letters at most.
    pub limit: Option<usize>,
    /// The transport and its server, as the ledger notes it.
    pub transport: &'a str,
    /// Time.
    pub clock: &'a dyn Clock,
    /// How to stop it.
    pub interrupt: Interrupt,
}

/// Stops a run from outside: it finishes the letters in hand and takes no more.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interrupt {
    asked: Arc<AtomicBool>,
    signal: Arc<Signal>,
}

impl Interrupt {
    /// Asks the run to stop.
    pub(crate) fn ask(&self) {
        self.asked.store(true, Ordering::SeqCst);
        self.signal.raise();
    }

    /// What is raised when it is asked.
    #[must_use]
    pub(crate) fn signal(&self) -> &Signal {
        &self.signal
    }

    /// Whether it was asked to.
    #[must_use]
    pub(crate) fn is_asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }
}

/// How a run ended. Every ending but [`Ending::Finished`] leaves letters that the next run sends.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Ending {
    /// Every letter asked for was tried to its end.
    Finished {
        /// Letters that were not taken in the tries allowed and stay pending.
        left: usize,
    },
    /// A person asked it to stop.
    Interrupted,
    /// Too many letters in a row failed.
    Breaker {
        /// How many.
        failures: u32,
        /// The last answer.
        answer: Answer,
    },
    /// The addresses of the day are used up.
    DayLimit,
    /// The server asks for more patience than a run has, or cannot be reached.
    Outage(Answer),
    /// Who we are is not accepted.
    Unauthorised(Answer),
    /// The transport cannot be used.
    Unusable(Answer),
    /// A letter is no longer the one that was checked.
    Changed(Vec<Finding>),
}

impl Ending {
    /// What the server said, or what happened instead, where that ended the run.
    #[must_use]
    pub(crate) fn answer(&self) -> Option<&Answer> {
        match self {
            Self::Breaker { answer, .. }
            | Self::Outage(answer)
            | Self::Unauthorised(answer)
            | Self::Unusable(answer) => Some(answer),
            Self::Finished { .. } | Self::Interrupted | Self::DayLimit | Self::Changed(_) => None,
        }
    }
}

impl Dispatch<'_> {
    /// Looks up the letters in doubt where they were given to. Those that may still appear there are
    /// waited for. Gives how long everyone waits, if the server asks for it; what was not looked up by
    /// then is left for the next time.
    ///
    /// # Errors
    /// When the ledger cannot be read or written.
    pub(crate) fn reconcile(
        &self,
        ledger: &mut Ledger,
        transport: &mut dyn Transport,
        emit: &mut dyn FnMut(DispatchEvent),
    ) -> Result<Option<Duration>, LedgerError> {
        start::look_up(self, ledger, transport, emit)
    }

    /// Sends what is left, after a wait if the server asked for one. Events are emitted as they happen.
    ///
    /// # Errors
    /// When the ledger cannot be read or written. What could not be recorded is then in doubt, and
    /// the next run says so.
    pub(crate) fn run(
        &self,
        ledger: &mut Ledger,
        transports: &mut [Box<dyn Transport>],
        wait: Option<Duration>,
        emit: &mut dyn FnMut(DispatchEvent),
    ) -> Result<Ending, LedgerError> {
        run::run(self, ledger, transports, wait, emit)
    }
}

#[cfg(test)]
mod tests;
