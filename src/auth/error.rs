//! Why a sign-in or a token did not come about, and what to do.

use crate::address::Address;
use crate::fault::quote_up_to;

/// A sign-in or token that did not come about. No text of it holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// The identity platform said no.
    #[error("{what}\n  {detail}\n  next: {next_step}")]
    Refused {
        /// What happened, in plain words.
        what: String,
        /// The platform's code and the ids that its support asks for.
        detail: String,
        /// Who can mend it, and how.
        next_step: String,
    },
    /// The identity platform could not be reached or did not make sense.
    #[error(
        "the sign-in service could not be used: {0}\n  next: check the network, then try again"
    )]
    Unreachable(String),
    /// Nobody is signed in.
    #[error("nobody is signed in as {0}\n  next: run `postroom login`")]
    SignedOut(Address),
    /// Somebody else signed in.
    #[error(
        "the account that signed in is {found}, not {wanted}, so its sign-in was thrown away\n  next: run `postroom login` and choose {wanted}, or correct username in the secrets file"
    )]
    WrongAccount {
        /// Who signed in.
        found: String,
        /// The username of the secrets file.
        wanted: Address,
    },
    /// The answer was not to our question.
    #[error(
        "the sign-in's answer does not belong to this sign-in ({0}), so it was thrown away\n  next: run `postroom login` again, and use the page that it names"
    )]
    Mismatch(&'static str),
    /// The person took too long.
    #[error("nobody signed in within {0} minutes\n  next: run `postroom login` again")]
    TooLate(u64),
    /// There is no terminal.
    #[error(
        "there is no terminal to sign in at\n  next: run `postroom login` in a terminal once; batches then run without one"
    )]
    NoTerminal,
    /// Keys of the secrets file are missing.
    #[error("{0}")]
    Incomplete(String),
    /// A key of the secrets file.
    #[error("`{key}` of the secrets file cannot be used: {text}\n  next: {next_step}")]
    Setting {
        /// The key.
        key: &'static str,
        /// What is wrong with it.
        text: String,
        /// What to do.
        next_step: &'static str,
    },
    /// The place where the sign-in is kept.
    #[error("{text}\n  next: {next_step}")]
    Store {
        /// What is wrong.
        text: String,
        /// What to do.
        next_step: &'static str,
    },
    /// The program of `token_command`.
    #[error("token_command gave no token: {0}\n  next: run the command by hand and mend it")]
    Command(String),
}

impl AuthError {
    pub(super) fn setting(
        key: &'static str,
        text: impl Into<String>,
        next_step: &'static str,
    ) -> Self {
        Self::Setting {
            key,
            text: text.into(),
            next_step,
        }
    }

    pub(super) fn store(text: impl Into<String>, next_step: &'static str) -> Self {
        Self::Store {
            text: text.into(),
            next_step,
        }
    }

    pub(super) fn unreachable(text: &str) -> Self {
        Self::Unreachable(quote_up_to(300, text))
    }
}
