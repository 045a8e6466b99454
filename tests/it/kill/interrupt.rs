//! Ctrl-C, and the signal by which a system ends programs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::smtp::{Action, SmtpServer, Step};
use crate::support::victim::Victim;
use crate::support::{TestBatch, accepted_by, assert_each_once};

const NOTED: &str = "stopping: waiting for the answer";

/// A batch whose run is interrupted by this signal when the second letter's final dot has come.
fn interrupted(
    signal: &'static str,
    then: fn(Victim) -> Action,
) -> (SmtpServer, TestBatch, Victim) {
    interrupted_in(5, signal, then)
}

/// The same, of so many letters.
fn interrupted_in(
    schools: usize,
    signal: &'static str,
    then: fn(Victim) -> Action,
) -> (SmtpServer, TestBatch, Victim) {
    let server = SmtpServer::start();
    let batch = TestBatch::new(schools);
    batch.use_smtp(server.port(), "");
    batch.replace(".secrets.toml", "\"5s\"", "\"1m\"");
    let victim = Victim::default();
    let hook = victim.clone();
    server.script(move |event| {
        if event.step != Step::FinalDot || event.message != 2 {
            return Action::Go;
        }
        let noted = hook.clone();
        let interrupt = move || {
            noted.signal(signal);
            noted.wait_until_it_says(NOTED);
        };
        Action::call(interrupt, then(hook.clone()))
    });
    victim.send(&batch);
    (server, batch, victim)
}

#[track_caller]
fn finishes_the_letter_in_hand(signal: &'static str) {
    let (server, batch, victim) = interrupted(signal, |_| Action::Go);
    assert_eq!(victim.wait().code(), Some(130), "{}", victim.said());
    assert_eq!(accepted_by(&server), [1, 2]);
    assert_eq!(batch.in_state("accepted"), ["S001", "S002"]);
    assert_eq!(batch.in_state("pending"), ["S003", "S004", "S005"]);
    batch.run("resume", &["--yes"]).expect(0);
    assert_each_once(&server, 5);
}

#[test]
fn an_interrupt_finishes_the_letter_in_hand_and_resume_the_rest() {
    finishes_the_letter_in_hand("INT");
}

#[test]
fn a_termination_finishes_the_letter_in_hand_and_resume_the_rest() {
    finishes_the_letter_in_hand("TERM");
}

/// The server would be silent for longer than a test waits.
#[track_caller]
fn stops_at_once(first: &'static str, second: fn(Victim) -> Action) {
    let (server, batch, victim) = interrupted(first, second);
    assert_eq!(victim.wait().code(), Some(130), "{}", victim.said());
    assert_eq!(accepted_by(&server), [1]);
    assert_eq!(batch.in_state("accepted"), ["S001"]);
    assert_eq!(batch.in_state("in_doubt"), ["S002"]);
    // The doubt stays, the others go on.
    server.script(|_| Action::Go);
    batch.run("resume", &["--yes"]).expect(4);
    assert_eq!(accepted_by(&server), [1, 3, 4, 5]);
    assert_eq!(batch.in_state("in_doubt"), ["S002"]);
    batch.run("resolve", &["S002", "--unsent"]).expect(0);
    batch.send(&[]).expect(0);
    assert_each_once(&server, 5);
}

#[test]
fn a_second_interrupt_stops_at_once_and_leaves_the_letter_in_doubt() {
    stops_at_once("INT", |victim| {
        Action::call(move || victim.signal("INT"), Action::Silent)
    });
}

#[test]
fn a_second_termination_stops_at_once_and_leaves_the_letter_in_doubt() {
    stops_at_once("TERM", |victim| {
        Action::call(move || victim.signal("TERM"), Action::Silent)
    });
}

/// Nothing is in hand while the run waits, so it ends at once.
#[test]
fn an_interrupt_ends_a_pause() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(3);
    batch.use_smtp(server.port(), "chunk = 1\npause = \"1h\"");
    let victim = Victim::default();
    victim.send(&batch);
    victim.wait_until_it_says("pause between chunks");
    victim.signal("INT");
    assert_eq!(victim.wait().code(), Some(130), "{}", victim.said());
    assert_eq!(batch.in_state("pending"), ["S002", "S003"]);
    batch.use_smtp(server.port(), "");
    batch.run("resume", &["--yes"]).expect(0);
    assert_each_once(&server, 3);
}

#[test]
fn an_interrupt_finishes_all_four_letters_in_flight() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(12);
    batch.use_smtp(server.port(), "connections = 4");
    batch.replace(".secrets.toml", "\"5s\"", "\"1m\"");
    let victim = Victim::default();
    let (hook, waiting) = (victim.clone(), Arc::new(AtomicUsize::new(0)));
    server.script(move |event| {
        if event.step != Step::FinalDot || event.message > 4 {
            return Action::Go;
        }
        let (hook, waiting) = (hook.clone(), Arc::clone(&waiting));
        // The last of the four interrupts; none is answered before that is noted.
        let interrupt = move || {
            if waiting.fetch_add(1, Ordering::SeqCst) == 3 {
                hook.signal("INT");
            }
            hook.wait_until_it_says(NOTED);
        };
        Action::call(interrupt, Action::Go)
    });
    victim.send(&batch);
    assert_eq!(victim.wait().code(), Some(130), "{}", victim.said());
    assert_eq!(accepted_by(&server).len(), 4);
    assert_eq!(batch.in_state("accepted").len(), 4);
    assert_eq!(batch.in_state("pending").len(), 8);
    batch.run("resume", &["--yes"]).expect(0);
    assert_each_once(&server, 12);
}

/// Then there is nothing to go on with, and the run has simply finished.
#[test]
fn an_interrupt_in_the_last_letter_is_a_run_that_finished() {
    let (server, batch, victim) = interrupted_in(2, "INT", |_| Action::Go);
    assert_eq!(victim.wait().code(), Some(0), "{}", victim.said());
    assert_eq!(batch.in_state("accepted"), ["S001", "S002"]);
    assert_each_once(&server, 2);
}
