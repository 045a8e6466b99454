//! How a mailing ended, in words and with the next step.

use crate::config::TransportName;
use crate::dispatch::Ending;
use crate::figures::{count, plural};
use crate::ledger::{Counts, LedgerError, LedgerView, LogEnd};
use crate::transport::Answer;

/// A mailing that is over.
pub(crate) struct Finished {
    /// How it ended.
    pub ending: Ending,
    /// What that means.
    pub conclusion: Conclusion,
    /// How many letters stand where.
    pub counts: Counts,
    /// How many stood where when it began.
    pub before: Counts,
    /// The state file, to look at.
    pub ledger: LedgerView,
    /// Where its log ends, or why the end of the run could not be noted, by which nothing is lost.
    pub log: Result<LogEnd, LedgerError>,
}

/// What an ending means for whoever began the mailing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Conclusion {
    /// All letters asked for are accepted.
    Complete,
    /// Every letter was tried, and not everything was accepted.
    Incomplete(Reason),
    /// It stopped early; the same command goes on.
    Stopped(Reason),
    /// Who we are is not accepted.
    SignIn(Reason),
    /// A person stopped it.
    Interrupted(Reason),
}

/// Why a mailing is not complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reason {
    /// What happened.
    pub text: String,
    /// What to do, each with what it is about, if it is not about all.
    pub next_steps: Vec<(Option<&'static str>, String)>,
}

impl Conclusion {
    /// Why it is not complete.
    #[must_use]
    pub(crate) fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Complete => None,
            Self::Incomplete(reason)
            | Self::Stopped(reason)
            | Self::SignIn(reason)
            | Self::Interrupted(reason) => Some(reason),
        }
    }

    /// What an ending means. `open` is the number of accepted letters with an address that they did
    /// not reach.
    pub(super) fn of(
        ending: &Ending,
        counts: &Counts,
        open: u64,
        (transport, rehearsal): (TransportName, bool),
    ) -> Self {
        let again = if rehearsal {
            "the same command"
        } else {
            "`postroom send`"
        };
        let reason = |text: String, next: String| Reason {
            text,
            next_steps: vec![(None, next)],
        };
        match ending {
            Ending::Finished { left: 0 } if counts.rejected + counts.in_doubt + open > 0 => {
                Self::Incomplete(Reason {
                    text: "finished, but not everything was accepted".to_owned(),
                    next_steps: next_steps(counts, open, transport),
                })
            }
            Ending::Finished { left: 0 } => Self::Complete,
            Ending::Finished { left } => Self::Stopped(reason(
                format!(
                    "{} not taken and left pending",
                    plural(*left as u64, "letter")
                ),
                format!("{again} tries again"),
            )),
            Ending::Interrupted => Self::Interrupted(reason(
                format!(
                    "interrupted: {} of {} accepted",
                    count(counts.accepted),
                    plural(counts.total(), "letter")
                ),
                if counts.pending == 0 {
                    format!("{again} looks up the {} in doubt", plural(counts.in_doubt, "letter"))
                } else {
                    format!(
                        "{again} goes on with the {} left",
                        plural(counts.pending, "letter")
                    )
                },
            )),
            Ending::Breaker { failures, answer } => Self::Stopped(reason(
                format!(
                    "stopped after {failures} failures in a row, the last one {}",
                    answer.said()
                ),
                mend(answer, "fix the cause", &format!("{again} goes on")),
            )),
            Ending::DayLimit => Self::Stopped(reason(
                "stopped: the addresses of the day are used up".to_owned(),
                format!("{again} goes on tomorrow"),
            )),
            Ending::Outage(answer) => Self::Stopped(reason(
                format!("stopped: the server could not be used: {}", answer.said()),
                match answer.next_step() {
                    Some(_) => mend(answer, "", &format!("{again} goes on")),
                    None => format!("{again} goes on when it is back"),
                },
            )),
            Ending::Unusable(answer) => Self::Stopped(reason(
                format!("stopped: {}", answer.said()),
                mend(answer, "fix the cause", &format!("{again} goes on")),
            )),
            Ending::Changed(_) => Self::Stopped(reason(
                "stopped: a letter changed after it was checked; it and those after it were not sent"
                    .to_owned(),
                format!("look at `postroom check`, then {again} goes on"),
            )),
            Ending::Unauthorised(answer) => Self::SignIn(reason(
                format!(
                    "stopped: the server does not accept the sign-in: {}",
                    answer.said()
                ),
                mend(
                    answer,
                    "correct the account in the secrets file, or `postroom login`",
                    &format!("{again} goes on"),
                ),
            )),
        }
    }
}

/// What the answer says to do, or what is usual, and what goes on then.
fn mend(answer: &Answer, usual: &str, goes_on: &str) -> String {
    format!("{}; then {goes_on}", answer.next_step().unwrap_or(usual))
}

/// Where it shows whether a letter in doubt went out.
fn where_to_look(transport: TransportName) -> &'static str {
    match transport {
        TransportName::Outbox => "look in the outbox's folder",
        // A server that takes letters keeps none (RFC 5321).
        TransportName::Smtp => "look in the log of the mail server, which keeps no sent copies,",
        TransportName::Graph | TransportName::Ews => "look in Sent Items of the mailbox",
    }
}

/// What to do about letters that were not accepted, or not for all addresses, each with what it is about.
#[must_use]
pub(crate) fn next_steps(
    counts: &Counts,
    open: u64,
    transport: TransportName,
) -> Vec<(Option<&'static str>, String)> {
    let mut next_steps = Vec::new();
    if counts.rejected > 0 {
        next_steps.push((
            Some("rejected"),
            "fix what the answers name, then `postroom send --retry-rejected`, with --accept-changes if an address was corrected".to_owned(),
        ));
    }
    if counts.in_doubt > 0 {
        next_steps.push((
            Some("in doubt"),
            format!(
                "{} or ask the school, then `postroom resolve ID --accepted` or `--unsent`",
                where_to_look(transport)
            ),
        ));
    }
    if open > 0 {
        next_steps.push((
            Some("addresses that refused it or that it bounced at"),
            "the other addresses of the letter have it; correct those that are wrong in the list, then `postroom resend --bounced --because TEXT` writes to those alone that do not have it".to_owned(),
        ));
    }
    next_steps
}
