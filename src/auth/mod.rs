//! Signing in to Microsoft's identity platform on behalf of a person, and the tokens that come of it.
//!
//! A person signs in once with `postroom login`, by one of three flows. What is kept is a refresh
//! token, in the [`store`]; access tokens live in memory only. [`Tokens`] gives them out for each
//! resource, renewed before they expire, and never asks anybody: a run that cannot renew ends. An app may
//! sign in by itself, without a person.
//!
//! Sources: Microsoft, "OAuth 2.0 authorization code flow", "device authorization grant" and
//! "refresh tokens" (identity platform v2.0); RFC 6749, RFC 7636 (PKCE), RFC 8252 (native apps) and
//! RFC 8628 (device grant).

mod app;
mod browser;
mod claims;
mod cloud;
mod command;
mod device;
mod error;
mod grant;
mod http;
mod identity;
mod paste;
mod place;
mod refusal;
mod store;
mod tokens;

pub(crate) use cloud::Resource;
pub(crate) use error::AuthError;
pub(crate) use grant::Grant;
pub(crate) use identity::Identity;
pub(crate) use store::{Kept, KeptIn, Store};
pub(crate) use tokens::{AccessToken, Tokens};

use std::time::Duration;

use clap::ValueEnum;

use crate::clock::Clock;

/// How a person signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Flow {
    /// In a browser on this machine, which comes back to a port that we listen on.
    Browser,
    /// In any browser; the person pastes the address of the last page.
    Paste,
    /// On any device, with a short code.
    Device,
}

/// The person who signs in, at a terminal.
pub(crate) trait Person {
    /// Shows them a text.
    fn show(&self, text: &str);

    /// Reads what they paste, shown to nobody, up to an empty line.
    ///
    /// # Errors
    /// When there is no terminal to read from.
    fn paste(&self) -> Result<String, AuthError>;

    /// Tries to open a page for them; they were shown its address already.
    fn open(&self, url: &str);
}

/// The longest that a person may take.
const PATIENCE: Duration = Duration::from_mins(10);

/// Signs a person in and gives what the identity platform granted.
///
/// # Errors
/// Says what went wrong, who can mend it and how.
pub(crate) fn sign_in(
    identity: &Identity,
    flow: Flow,
    person: &dyn Person,
    clock: &dyn Clock,
) -> Result<Grant, AuthError> {
    match flow {
        Flow::Browser => browser::sign_in(identity, person, clock),
        Flow::Paste => paste::sign_in(identity, person, clock),
        Flow::Device => device::sign_in(identity, person, clock),
    }
}
