//! What a run reports while it works. Whoever listens renders it; the run itself knows no terminal.

use std::time::Duration;

use super::limiter::Limit;
use crate::ledger::Counts;
use crate::transport::Answer;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum DispatchEvent {
    /// A letter in doubt was found to have gone out.
    FoundAccepted {
        /// The recipient.
        id: String,
    },
    /// A letter in doubt was found not to have gone out: it is pending again.
    FoundUnsent {
        /// The recipient.
        id: String,
    },
    /// A letter was taken.
    Accepted {
        /// The recipient.
        id: String,
        /// The server's words.
        receipt: String,
        /// Addresses that it refused, with its words.
        refused: Vec<(String, Answer)>,
    },
    /// A letter was taken for some of its addresses, and goes on with the rest.
    PartlyAccepted {
        /// The recipient.
        id: String,
        /// Addresses that the server refused, with its words.
        refused: Vec<(String, Answer)>,
        /// Addresses that it did not take the letter for now, with its words.
        deferred: Vec<(String, Answer)>,
        /// After how long these are tried again; none when the next run does.
        wait: Option<Duration>,
    },
    /// A letter was refused for good.
    Rejected {
        /// The recipient.
        id: String,
        /// The server's words.
        answer: Answer,
    },
    /// A letter may have gone out.
    InDoubt {
        /// The recipient.
        id: String,
        /// What is known.
        answer: Answer,
    },
    /// A letter was not taken and is tried again.
    Retry {
        /// The recipient.
        id: String,
        /// The server's words.
        answer: Answer,
        /// After this long.
        wait: Duration,
    },
    /// A letter was not taken as often as the batch file allows: it stays pending.
    LeftPending {
        /// The recipient.
        id: String,
        /// The server's words.
        answer: Answer,
    },
    /// The run waits.
    Waiting {
        /// For what.
        reason: WaitReason,
        /// About how long.
        wait: Duration,
    },
    /// A chunk is done.
    Checkpoint {
        /// The figures.
        counts: Counts,
    },
    /// The run takes no further letters and waits for the answers of those in flight.
    Stopping {
        /// How many.
        in_flight: usize,
    },
}

/// Why a run waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WaitReason {
    /// One of our own limits.
    Limit(Limit),
    /// The pause between two chunks.
    Pause,
    /// The server asked for it.
    Throttled,
    /// The server asked for it a short while ago.
    Caution,
    /// A letter in doubt may still appear where it would be if it went out.
    Doubt,
    /// The server cannot be reached or is not ready.
    Outage,
    /// A letter is tried again later and no other is left.
    Retry,
    /// The window of the day is closed.
    Window,
}
