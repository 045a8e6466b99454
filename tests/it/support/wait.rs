//! Waiting for something to come true, with a bound.

use std::net::{Ipv4Addr, TcpListener};
use std::thread;
use std::time::{Duration, Instant};

/// The longest that a test waits for anything.
pub const LONG: Duration = Duration::from_secs(30);

/// The longest that a test waits for what a server does by itself that nobody here wrote, while others
/// keep the same disk at work.
const LONGER: Duration = Duration::from_secs(150);

/// Waits until a condition holds, and fails the test when it does not come true.
#[track_caller]
pub fn until(what: &str, holds: impl FnMut() -> bool) {
    until_within(LONG, what, holds);
}

/// The same for what a server of others does by itself.
#[track_caller]
pub fn until_others(what: &str, holds: impl FnMut() -> bool) {
    until_within(LONGER, what, holds);
}

#[track_caller]
fn until_within(most: Duration, what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < most, "{what} took more than {most:?}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// A port of this machine for a server that cannot choose one. Another program may take it first, so where
/// nobody is to listen it is [`ClosedPort`].
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}
