//! The gallery: what `postroom preview` writes, and how it looks in a real browser.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::pedantic,
    reason = "a test may stop at a surprise"
)]

#[path = "../support/mod.rs"]
mod support;

mod files;
mod page;
