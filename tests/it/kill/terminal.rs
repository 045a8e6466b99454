//! A terminal that is closed while letters go out.

use std::sync::{Arc, Mutex};

use crate::support::smtp::{Action, SmtpServer, Step};
use crate::support::victim::Victim;
use crate::support::{TestBatch, accepted_by, assert_each_once};

/// The terminal is closed when the server has the second letter and has not answered, and more may
/// come then. The run would pause for an hour behind that letter.
#[track_caller]
fn is_closed(connections: usize, further: fn(&Victim)) {
    let server = SmtpServer::start();
    let batch = TestBatch::new(6);
    let dispatch = format!("connections = {connections}\nchunk = 2\npause = \"1h\"");
    batch.use_smtp(server.port(), &dispatch);
    batch.replace(".secrets.toml", "\"5s\"", "\"1m\"");
    let victim = Victim::default();
    let (hook, terminal) = (victim.clone(), Arc::new(Mutex::new(None)));
    let mine = Arc::clone(&terminal);
    server.script(move |event| {
        if event.step != Step::FinalDot || event.message != 2 {
            return Action::Go;
        }
        let (hook, mine) = (hook.clone(), Arc::clone(&mine));
        let close = move || {
            drop(mine.lock().unwrap().take());
            hook.wait_until_it_heard();
            further(&hook);
        };
        Action::call(close, Action::Go)
    });
    let mut slot = terminal.lock().unwrap();
    *slot = Some(victim.send_in_terminal(&batch));
    drop(slot);
    assert_eq!(victim.wait().code(), Some(130));
    assert_eq!(accepted_by(&server).len(), 2);
    assert_eq!(batch.in_state("accepted"), ["S001", "S002"]);
    assert_eq!(batch.in_state("pending").len(), 4);
    batch.assert_log_is_whole();
    server.script(|_| Action::Go);
    batch.use_smtp(server.port(), "");
    batch.run("resume", &["--yes"]).expect(0);
    assert_each_once(&server, 6);
}

#[test]
fn a_terminal_that_is_closed_finishes_the_letters_in_hand() {
    is_closed(1, |_| {});
    is_closed(2, |_| {});
}

/// A shell hands the hangup on to its programs, and the system tells them once more when it has gone.
#[test]
fn a_hangup_that_comes_again_is_no_second_interrupt() {
    is_closed(1, |victim| {
        victim.signal("HUP");
        victim.wait_until_it_heard();
    });
}

/// A person at a terminal that is there can still be impatient.
#[test]
fn a_second_interrupt_in_a_terminal_stops_at_once() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(2);
    batch.use_smtp(server.port(), "");
    batch.replace(".secrets.toml", "\"5s\"", "\"1m\"");
    let victim = Victim::default();
    let hook = victim.clone();
    server.script(move |event| {
        if event.step != Step::FinalDot {
            return Action::Go;
        }
        let hook = hook.clone();
        let interrupt = move || {
            for _ in 0..2 {
                hook.signal("INT");
                hook.wait_until_it_heard();
            }
        };
        Action::call(interrupt, Action::Silent)
    });
    let terminal = victim.send_in_terminal(&batch);
    assert_eq!(victim.wait().code(), Some(130));
    drop(terminal);
    assert_eq!(batch.in_state("in_doubt"), ["S001"]);
}
