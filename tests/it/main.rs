//! The integration tests, in one program: most start the built binary on a small batch and look at
//! what became of it. Each module is a suite, and `support` has what they share.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::pedantic,
    clippy::disallowed_methods,
    reason = "a test may stop at a surprise, wait, and say that it was skipped"
)]
#![cfg_attr(
    not(target_os = "linux"),
    allow(
        dead_code,
        unused_imports,
        reason = "some suites are for Linux alone, and with them what they use"
    )
)]

mod answers;
mod architecture;
#[cfg(target_os = "linux")]
mod bombs;
mod check;
mod contract;
mod corpus;
mod docs;
mod ews;
mod exchange;
#[cfg(unix)]
mod faults;
mod graph;
#[cfg(unix)]
mod kill;
mod large;
mod letters;
mod manifest;
mod outbox;
mod pages;
mod preview;
mod real_servers;
mod real_sign_in;
mod report;
mod resend;
mod resume;
mod returns;
#[cfg(unix)]
mod said;
mod sign_in;
mod smtp;
mod smtp_faults;
#[cfg(unix)]
mod storage;
mod support;
#[cfg(target_os = "linux")]
mod terminal;
#[cfg(unix)]
mod texts;
mod trust;
mod windows;
mod windows_files;
mod words;
