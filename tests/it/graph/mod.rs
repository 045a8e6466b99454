//! Sending through Microsoft Graph, by the built binary against a fake of the service.

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
