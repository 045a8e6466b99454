//! Exit codes, and what is said at the end.

use std::process::ExitCode;

use super::{changes, status, words};
use crate::config::ConfigError;
use crate::ledger::LedgerError;
use crate::mailing::{Conclusion, MailingError};
use crate::transport::SendError;

/// How the program ends. The codes are documented in `docs/when-it-goes-wrong.md` and never change their meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    /// All letters asked for are accepted.
    Success,
    /// Something that should not happen.
    Unexpected,
    /// The command line or a configuration file.
    Usage,
    /// The checks found faults; nothing was sent.
    Faults,
    /// Finished, but letters were rejected or are in doubt.
    Incomplete,
    /// Stopped early; the same command goes on.
    Stopped,
    /// Sign-in is needed or was refused.
    SignIn,
    /// Another run holds the state file.
    Held,
    /// Interrupted; the same command goes on.
    Interrupted,
}

impl Exit {
    /// The number.
    pub(super) fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Unexpected => 1,
            Self::Usage => 2,
            Self::Faults => 3,
            Self::Incomplete => 4,
            Self::Stopped => 5,
            Self::SignIn => 6,
            Self::Held => 7,
            Self::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

impl From<&Conclusion> for Exit {
    fn from(conclusion: &Conclusion) -> Self {
        match conclusion {
            Conclusion::Complete => Self::Success,
            Conclusion::Incomplete(_) => Self::Incomplete,
            Conclusion::Stopped(_) => Self::Stopped,
            Conclusion::SignIn(_) => Self::SignIn,
            Conclusion::Interrupted(_) => Self::Interrupted,
        }
    }
}

/// The end of a verb that could not do its work.
#[derive(Debug)]
pub(super) struct Stop {
    /// The exit code.
    pub exit: Exit,
    /// What, where and the next step.
    pub text: String,
}

impl Stop {
    pub(super) fn new(exit: Exit, text: impl Into<String>) -> Self {
        Self {
            exit,
            text: text.into(),
        }
    }
}

impl From<ConfigError> for Stop {
    fn from(error: ConfigError) -> Self {
        MailingError::from(error).into()
    }
}

impl From<LedgerError> for Stop {
    fn from(error: LedgerError) -> Self {
        MailingError::from(error).into()
    }
}

impl From<MailingError> for Stop {
    fn from(error: MailingError) -> Self {
        let mut text = match &error {
            MailingError::Faults(_) => format!("{error}, nothing was sent"),
            MailingError::NotConfirmed => "nothing was sent".to_owned(),
            MailingError::Changed(differences, moved) => {
                changes::listed(&error, differences, moved.as_ref())
            }
            MailingError::NothingToResume(counts) => {
                format!("{error}: {}", status::counts_line(counts))
            }
            MailingError::NobodyToAsk(_) | MailingError::ChangedMeanwhile => {
                format!("{error}, so nothing was sent")
            }
            other => {
                let mut text = other.to_string();
                if let Some(consequence) = other.consequence() {
                    text.push_str("\n  ");
                    text.push_str(consequence);
                }
                text
            }
        };
        if let Some(next_step) = error.next_step() {
            text = words::with_next(&text, &next_step);
        }
        Self::new(exit_of(&error), text)
    }
}

fn exit_of(error: &MailingError) -> Exit {
    match error {
        MailingError::Ledger(error) => exit_of_ledger(error),
        MailingError::Server(SendError::Unauthorised(_))
        | MailingError::Probe(SendError::Unauthorised(_)) => Exit::SignIn,
        MailingError::Server(_)
        | MailingError::Probe(_)
        | MailingError::LedgerWhileSending(_)
        | MailingError::ChangedMeanwhile => Exit::Stopped,
        MailingError::NotConfirmed => Exit::Interrupted,
        MailingError::Faults(_)
        | MailingError::OtherPlan { .. }
        | MailingError::Changed(..)
        | MailingError::WentOut { .. }
        | MailingError::SentElsewhere(_) => Exit::Faults,
        MailingError::Config(_)
        | MailingError::Transport(_)
        | MailingError::NobodyToAsk(_)
        | MailingError::UnknownRecipients(_)
        | MailingError::LeftOut(_)
        | MailingError::SeveralRecipients { .. }
        | MailingError::OnlyFile { .. }
        | MailingError::NothingToResume(_)
        | MailingError::NothingLost(_)
        | MailingError::NotResendable { .. }
        | MailingError::NothingBounced
        | MailingError::NotPractice(_)
        | MailingError::SetAside { .. }
        | MailingError::NothingToReview(_)
        | MailingError::Returns(_) => Exit::Usage,
    }
}

fn exit_of_ledger(error: &LedgerError) -> Exit {
    match error {
        LedgerError::Held { .. } => Exit::Held,
        LedgerError::Missing { .. } | LedgerError::NotInDoubt { .. } => Exit::Usage,
        LedgerError::Illegal { .. } => Exit::Unexpected,
        LedgerError::NotOurs { .. }
        | LedgerError::Foreign { .. }
        | LedgerError::Gone { .. }
        | LedgerError::Older { .. }
        | LedgerError::Moved { .. }
        | LedgerError::Shared { .. }
        | LedgerError::Newer { .. }
        | LedgerError::Damaged { .. }
        | LedgerError::OtherBatch { .. }
        | LedgerError::Storage { .. } => Exit::Faults,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_the_documented_ones() {
        let codes = [
            Exit::Success,
            Exit::Unexpected,
            Exit::Usage,
            Exit::Faults,
            Exit::Incomplete,
            Exit::Stopped,
            Exit::SignIn,
            Exit::Held,
            Exit::Interrupted,
        ]
        .map(Exit::code);
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 7, 130]);
    }
}
