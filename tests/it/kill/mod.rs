//! The program killed, interrupted and resumed at every kind of moment: each letter arrives once, or
//! is in doubt and settled by looking, and none is sent twice by itself.

mod interrupt;
mod outbox;
mod smtp;
#[cfg(target_os = "linux")]
mod terminal;
