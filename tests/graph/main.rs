//! Sending through Microsoft Graph, by the built binary against a fake of the service.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::pedantic,
    reason = "a test may stop at a surprise"
)]

#[path = "../support/mod.rs"]
mod support;

mod answers;
mod doubt;
mod hostile;
mod judge;
#[cfg(unix)]
mod kills;
mod many;
mod online;
mod pace;
mod uploads;
mod waits;
mod ways;
