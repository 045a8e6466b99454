//! postroom sends every school its own report, once, and can prove it.
pub mod address;
pub mod cli;
pub mod clock;
pub mod config;
pub mod dispatch;
pub mod fault;
pub mod ledger;
pub mod letter;
pub mod manifest;
pub mod message;
pub mod plan;
pub mod secret;
pub mod transport;
