//! Why a mailing did not go on, and what to do about it.

use std::path::PathBuf;

use crate::config::{ConfigError, TransportName};
use crate::figures::plural;
use crate::finding::{Finding, NextStep};
use crate::ledger::{Counts, LedgerError, LedgerKind, PlanDifference};
use crate::manifest::LeftOut;
use crate::transport::SendError;

use super::Moved;

/// A mailing that stopped before its letters were dispatched, or while the state file failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MailingError {
    /// The batch or secrets file.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The state file.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The state file, while letters went out.
    #[error("{0}")]
    LedgerWhileSending(LedgerError),
    /// What the checks found.
    #[error("{} found", plural(.0.iter().filter(|fault| fault.is_fault()).count() as u64, "fault"))]
    Faults(Vec<Finding>),
    /// Something that the transport needs is not written down.
    #[error("{}", .0.text)]
    Transport(Finding),
    /// The server does not take us, or is not there.
    #[error("{}", .0.answer().said())]
    Server(SendError),
    /// The same, when a letter to ourselves was handed over.
    #[error("{}", .0.answer().said())]
    Probe(SendError),
    /// Nobody can be asked, and nothing was said beforehand.
    #[error("there is no terminal to ask on")]
    NobodyToAsk(PlanShownBy),
    /// Recipients that the manifest does not have.
    #[error("the dispatch list has no recipient {}", .0.join(", "))]
    UnknownRecipients(Vec<String>),
    /// A recipient that the manifest has, and that gets no letter.
    #[error("{} is left out: row {} of the dispatch list ({})", .0.id, .0.row, .0.because)]
    LeftOut(LeftOut),
    /// The plan is not the one that was looked at.
    #[error(
        "the plan is now {now}, not {wanted}: list, template, report, sender or where it is sent to changed"
    )]
    OtherPlan {
        /// The plan.
        now: String,
        /// The plan that was named.
        wanted: String,
        /// Where to look at it.
        shown_by: PlanShownBy,
    },
    /// Letters left to send changed since the batch was begun, or where they go did.
    #[error("{} since the batch was begun", plural(.0.len() as u64 + u64::from(.1.is_some()), "change"))]
    Changed(Vec<PlanDifference>, Option<Moved>),
    /// Another run changed the batch between two looks.
    #[error("another run changed the batch meanwhile")]
    ChangedMeanwhile,
    /// `resume` of a batch that has nothing left.
    #[error("there is nothing to resume")]
    NothingToResume(Counts),
    /// A person said no.
    #[error("not confirmed")]
    NotConfirmed,
    /// The mailbox has a letter that the state file does not know of.
    #[error("the letter of {id} went out already ({transport}: {receipt}), and {} knows of no letter that did", state.display())]
    WentOut {
        /// The recipient.
        id: String,
        /// Where it was found.
        transport: String,
        /// What was found.
        receipt: String,
        /// The state file.
        state: PathBuf,
        /// What it keeps the state of.
        kind: LedgerKind,
    },
    /// Other batches sent letters with the same reports to the same recipients.
    #[error("{} with the same reports went out from another batch", plural(*.0, "letter"))]
    SentElsewhere(u64),
    /// A loss was accepted where nothing is lost.
    #[error("{} is not lost, so there is nothing to accept", .0.display())]
    NothingLost(PathBuf),
    /// A letter that cannot be sent again.
    #[error("{id} {why}")]
    NotResendable {
        /// The recipient.
        id: String,
        /// Why.
        why: NotResendable,
    },
    /// A name that several recipients have.
    #[error("`{}` is the name of several recipients: {}", crate::finding::quote(name), ids.join(", "))]
    SeveralRecipients {
        /// The name.
        name: String,
        /// The recipients.
        ids: Vec<String>,
    },
    /// A file that names recipients cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    OnlyFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Practising cannot begin again where letters reach people.
    #[error("--fresh is for practising, and {0} sends letters to the people of the list")]
    NotPractice(TransportName),
    /// What was practised cannot be moved out of the way.
    #[error("the letters in {} cannot be set aside: {source}", folder.display())]
    SetAside {
        /// The outbox.
        folder: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// No letter has an address that bounced or was refused.
    #[error("no address was refused and none bounced")]
    NothingBounced,
    /// A letter about which nothing is suspected, and nothing unclear.
    #[error("there is nothing to settle at {0}")]
    NothingToReview(String),
    /// Mail that came back cannot be read.
    #[error("{}", .0.text)]
    Returns(Finding),
}

/// Where a person looks at the plan that `--plan` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PlanShownBy {
    /// `postroom check` shows what is left to send.
    Check,
    /// `postroom resend` shows what it sends when it asks.
    Question,
}

/// Why a letter cannot be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotResendable {
    /// The batch has no such letter.
    #[error("is not in this batch")]
    Unknown,
    /// Nothing of it was sent yet.
    #[error("has not been sent yet")]
    Unsent,
    /// It may have gone out.
    #[error("is in doubt")]
    InDoubt,
    /// A server refused it, and no message of it was accepted.
    #[error("was rejected")]
    Rejected,
    /// The list no longer has its recipient.
    #[error("is no longer in the list")]
    Unlisted,
}

impl MailingError {
    /// What became of the letters.
    #[must_use]
    pub(crate) fn consequence(&self) -> Option<&'static str> {
        match self {
            Self::Config(_)
            | Self::NothingToResume(_)
            | Self::NothingToReview(_)
            | Self::Returns(_)
            | Self::Ledger(LedgerError::Missing { .. } | LedgerError::NotInDoubt { .. }) => None,
            Self::LedgerWhileSending(_) => {
                Some("letters in hand are in doubt; `postroom status` shows what is recorded")
            }
            Self::Probe(SendError::InDoubt(_)) => {
                Some("the probe may have arrived; no school was written to")
            }
            Self::Ledger(_)
            | Self::Faults(_)
            | Self::Transport(_)
            | Self::Server(_)
            | Self::Probe(_)
            | Self::NobodyToAsk(_)
            | Self::UnknownRecipients(_)
            | Self::LeftOut(_)
            | Self::SeveralRecipients { .. }
            | Self::OnlyFile { .. }
            | Self::OtherPlan { .. }
            | Self::Changed(..)
            | Self::ChangedMeanwhile
            | Self::NotConfirmed
            | Self::WentOut { .. }
            | Self::SentElsewhere(_)
            | Self::NothingLost(_)
            | Self::NotPractice(_)
            | Self::SetAside { .. }
            | Self::NotResendable { .. }
            | Self::NothingBounced => Some("nothing was sent"),
        }
    }

    /// What to do about it; none where that stands with each finding.
    #[must_use]
    pub(crate) fn next_step(&self) -> Option<String> {
        let step = match self {
            Self::Faults(_) | Self::NotConfirmed => return None,
            Self::Config(error) => return Some(error.next_step().into_owned()),
            Self::Ledger(error) | Self::LedgerWhileSending(error) => {
                return Some(error.next_step().into_owned());
            }
            Self::Transport(fault) | Self::Returns(fault) => return Some(fault.next_step.clone()),
            Self::Server(error) | Self::Probe(error) if error.answer().next_step().is_some() => {
                return error.answer().next_step().map(str::to_owned);
            }
            Self::Server(error) | Self::Probe(error) => match error {
                SendError::Unauthorised(_) => {
                    "run `postroom login`, or correct the account in the secrets file"
                }
                SendError::Unusable(_) | SendError::Rejected(_) => "fix the cause, then try again",
                SendError::InDoubt(_) => "look in your inbox",
                SendError::Throttled { .. } | SendError::Transient { .. } => {
                    "try again when the server is back"
                }
            },
            Self::NobodyToAsk(PlanShownBy::Check) => {
                "look at `postroom check`, then add --plan with its plan id, or --yes"
            }
            Self::NobodyToAsk(PlanShownBy::Question) => {
                "run it at a terminal, where it shows who gets what and asks; or add --yes"
            }
            Self::UnknownRecipients(_) => {
                "correct --only: it takes ids, names, or @FILE with one on each line"
            }
            Self::LeftOut(_) => {
                "choose others, or change what leaves it out: [manifest] where or hidden_rows, or its report that is missing"
            }
            Self::SeveralRecipients { .. } => "name the one that is meant by its id",
            Self::OnlyFile { .. } => "name a text file with an id or a name in each line",
            Self::OtherPlan {
                shown_by: PlanShownBy::Check,
                ..
            } => "look at `postroom check` again",
            Self::OtherPlan {
                shown_by: PlanShownBy::Question,
                ..
            } => {
                "run it at a terminal without --plan: it shows who gets what, with its own plan id, and asks"
            }
            Self::Changed(..) => {
                "put them back, or accept them with --accept-changes for letters not yet sent"
            }
            Self::ChangedMeanwhile => "run the same command again",
            Self::NothingToResume(counts) if counts.rejected > 0 => {
                "fix what the answers name, which `postroom status` shows, then `postroom send --retry-rejected`, with --accept-changes if an address was corrected"
            }
            Self::NothingToResume(_) => "`postroom status -v` shows what happened to each letter",
            Self::WentOut {
                kind: LedgerKind::Mail,
                ..
            } => {
                "put the state file of the run that sent it in this place, or name it with --state FILE; to go on without it, though letters that went out may go out again, `postroom send --accept-lost-state`; if this is a copy of a batch whose letters are meant to go out once more, `postroom send --again`"
            }
            Self::WentOut {
                kind: LedgerKind::Outbox | LedgerKind::Rehearsal,
                ..
            } => {
                "put the state file of the run that sent it in this place, or name it with --state FILE; to go on without it, though letters that went out may go out again, `postroom send --accept-lost-state`"
            }
            Self::SentElsewhere(_) => {
                "go on with the batch that sent them; if they are meant to go out once more, add --again"
            }
            Self::NothingLost(_) => "leave --accept-lost-state out",
            Self::NotResendable { why, .. } => match why {
                NotResendable::Unknown => "correct --only; `postroom status -v` lists all letters",
                NotResendable::Unsent => "`postroom send` sends what is left",
                NotResendable::InDoubt => {
                    "settle it first with `postroom resolve ID --accepted` or `--unsent`"
                }
                NotResendable::Rejected => "fix the cause, then `postroom send --retry-rejected`",
                NotResendable::Unlisted => "put its rows back into the list",
            },
            Self::NotPractice(_) => {
                "leave --fresh out; `postroom resend` sends letters again that went out, on purpose"
            }
            Self::SetAside { .. } => {
                "look at the rights of the folder, then run the same command again"
            }
            Self::NothingBounced => "name letters with --only",
            Self::NothingToReview(_) => "`postroom returns` lists what is to be looked at",
        };
        Some(step.to_owned())
    }
}
