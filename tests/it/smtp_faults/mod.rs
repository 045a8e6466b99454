//! Sending over SMTP to a server that refuses, falls silent, cuts or talks nonsense: nothing is lost,
//! and nothing is sent twice by itself.

mod addresses;
mod cuts;
mod doubt;
mod refusals;
mod rejections;
mod replies;
mod runs;
mod silence;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::smtp::{Action, SmtpServer, Step};
use crate::support::{TestBatch, assert_each_once};

/// Does this once, at this step of this letter, or at the first such step outside of letters. The
/// flag tells whether it has happened.
fn once(
    server: &SmtpServer,
    letter: u64,
    at: fn(&Step) -> bool,
    action: fn() -> Action,
) -> Arc<AtomicBool> {
    let happened = Arc::new(AtomicBool::new(false));
    let done = Arc::clone(&happened);
    server.script(move |event| {
        let is_it = at(&event.step) && [0, letter].contains(&event.message);
        if is_it && !done.swap(true, Ordering::SeqCst) {
            action()
        } else {
            Action::Go
        }
    });
    happened
}

/// Does this at every such step of the letters with these numbers.
fn always(
    server: &SmtpServer,
    letters: &'static [u64],
    at: fn(&Step) -> bool,
    action: fn() -> Action,
) {
    server.script(move |event| {
        if at(&event.step) && letters.contains(&event.message) {
            action()
        } else {
            Action::Go
        }
    });
}

/// Every letter arrives exactly once, whether this happens to the first letter or to one on a
/// connection that has carried others.
#[track_caller]
fn arrives_once_although(at: fn(&Step) -> bool, action: fn() -> Action) {
    for letter in [1, 2] {
        let server = SmtpServer::start();
        let batch = TestBatch::new(3);
        batch.use_impatient_smtp(server.port());
        let happened = once(&server, letter, at, action);
        batch.send(&[]).expect(0);
        assert!(happened.load(Ordering::SeqCst), "letter {letter}");
        assert_each_once(&server, 3);
    }
}

/// The letters in a state after a run, by id.
#[track_caller]
fn assert_states(batch: &TestBatch, accepted: &[&str], state: &str, ids: &[&str]) {
    assert_eq!(batch.in_state("accepted"), accepted);
    assert_eq!(batch.in_state(state), ids);
}
