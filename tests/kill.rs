//! The program killed, interrupted and resumed at every kind of moment: each letter arrives once, or
//! is in doubt and settled by looking, and none is sent twice by itself.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may stop at a surprise")]

#[path = "kill/interrupt.rs"]
mod interrupt;
#[path = "kill/outbox.rs"]
mod outbox;
#[path = "kill/smtp.rs"]
mod smtp;
mod support;
#[cfg(target_os = "linux")]
#[path = "kill/terminal.rs"]
mod terminal;
