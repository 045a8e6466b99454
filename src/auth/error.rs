//! Why a sign-in or a token did not come about, and what to do.

use std::borrow::Cow;

use crate::address::Address;
use crate::config::ConfigError;
use crate::finding::{NextStep, quote_up_to};
use crate::http::HttpError;

/// A sign-in or token that did not come about. No text of it holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// The identity platform said no.
    #[error("{what}\n  {detail}")]
    Refused {
        /// What happened, in plain words.
        what: &'static str,
        /// The platform's code and the ids that its support asks for.
        detail: String,
        /// Who can mend it, and how.
        next_step: &'static str,
    },
    /// The identity platform could not be reached.
    #[error("the sign-in service could not be used: {}", quote_up_to(300, &.0.to_string()))]
    Unreachable(#[source] HttpError),
    /// The identity platform answered what no such service answers.
    #[error("the sign-in service could not be used: {0}")]
    Nonsense(&'static str),
    /// Nobody is signed in.
    #[error("nobody is signed in as {0}")]
    SignedOut(Address),
    /// Somebody else signed in.
    #[error("the account that signed in is {found}, not {wanted}, so its sign-in was thrown away")]
    WrongAccount {
        /// Who signed in.
        found: String,
        /// The username of the secrets file.
        wanted: Address,
    },
    /// The answer was not to our question.
    #[error("the sign-in's answer does not belong to this sign-in ({0}), so it was thrown away")]
    Mismatch(&'static str),
    /// The person took too long.
    #[error("nobody signed in within {0} minutes")]
    TooLate(u64),
    /// There is no terminal.
    #[error("there is no terminal to sign in at")]
    NoTerminal,
    /// Keys of the secrets file are missing or cannot be used.
    #[error(transparent)]
    Incomplete(#[from] ConfigError),
    /// A key of the secrets file.
    #[error("`{key}` of the secrets file cannot be used: {text}")]
    Setting {
        /// The key.
        key: &'static str,
        /// What is wrong with it.
        text: String,
        /// What to do.
        next_step: &'static str,
    },
    /// The place where the sign-in is kept.
    #[error("{text}")]
    Store {
        /// What is wrong.
        text: String,
        /// What to do.
        next_step: &'static str,
    },
    /// The program of `token_command`.
    #[error("token_command gave no token: {0}")]
    Command(String),
}

impl NextStep for AuthError {
    fn next_step(&self) -> Cow<'_, str> {
        match self {
            Self::Refused { next_step, .. }
            | Self::Setting { next_step, .. }
            | Self::Store { next_step, .. } => (*next_step).into(),
            Self::Unreachable(_) | Self::Nonsense(_) => "check the network".into(),
            Self::SignedOut(_) => "run `postroom login`".into(),
            Self::WrongAccount { wanted, .. } => format!(
                "run `postroom login` and choose {wanted}, or correct username in the secrets file"
            )
            .into(),
            Self::Mismatch(_) => {
                "run `postroom login` again, and use the page that it names".into()
            }
            Self::TooLate(_) => "run `postroom login` again".into(),
            Self::NoTerminal => {
                "run `postroom login` in a terminal once; batches then run without one".into()
            }
            Self::Incomplete(error) => error.next_step(),
            Self::Command(_) => "run the command by hand and fix it".into(),
        }
    }
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
}
