//! Signing in through the front door: `postroom login`, `logout` and `whoami`, and sending with the
//! tokens that come of it, against a fake of Microsoft's sign-in service.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::pedantic,
    reason = "a test may stop at a surprise"
)]

#[path = "../support/mod.rs"]
mod support;

mod browser;
mod command;
mod device;
mod keys;
mod paste;
mod refresh;
mod refusals;
mod smtp;
mod store;
mod whoami;
