//! The program killed, interrupted and resumed at every kind of moment: each letter arrives once, or
//! is in doubt and settled by looking, and none is sent twice by itself.

#![cfg(unix)]

#[path = "kill/interrupt.rs"]
mod interrupt;
#[path = "kill/outbox.rs"]
mod outbox;
#[path = "kill/smtp.rs"]
mod smtp;
mod support;
