//! Exit codes, and what is said on the way out.

use std::process::ExitCode;

use super::words;
use crate::config::ConfigError;
use crate::ledger::LedgerError;

/// How the program ends. The codes are documented in the README and never change their meaning.
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
    pub fn code(self) -> u8 {
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

/// The end of a verb that could not do its work.
#[derive(Debug)]
pub(super) struct Stop {
    /// The exit code.
    pub exit: Exit,
    /// What, where and the next step.
    pub text: String,
}

impl Stop {
    pub fn new(exit: Exit, text: impl Into<String>) -> Self {
        Self {
            exit,
            text: text.into(),
        }
    }
}

impl From<ConfigError> for Stop {
    fn from(error: ConfigError) -> Self {
        Self::new(Exit::Usage, words::in_full(&error))
    }
}

impl From<LedgerError> for Stop {
    fn from(error: LedgerError) -> Self {
        let exit = match error {
            LedgerError::Held { .. } => Exit::Held,
            LedgerError::Missing { .. } | LedgerError::NotInDoubt { .. } => Exit::Usage,
            LedgerError::Foreign { .. }
            | LedgerError::Gone { .. }
            | LedgerError::Older { .. }
            | LedgerError::Moved { .. }
            | LedgerError::Shared { .. }
            | LedgerError::Newer { .. }
            | LedgerError::Damaged { .. }
            | LedgerError::OtherBatch { .. }
            | LedgerError::Storage { .. } => Exit::Faults,
        };
        Self::new(exit, error.to_string())
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
