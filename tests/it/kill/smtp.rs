//! SIGKILL at 63 moments of runs over SMTP.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::support::smtp::{Action, SmtpServer, Step};
use crate::support::victim::Victim;
use crate::support::{TestBatch, accepted_by, accepted_with, assert_each_once, id, report, wait};

type Hook = Arc<dyn Fn() + Send + Sync>;

/// Where the program is killed, and what the server does next.
struct Moments {
    at: fn(&Step) -> bool,
    then: fn(Hook) -> Action,
    /// Whether the letter in hand is certain to be left in doubt.
    certain: bool,
    kills: usize,
    schools: usize,
    connections: usize,
    report: fn(usize) -> Vec<u8>,
}

impl Moments {
    fn new(at: fn(&Step) -> bool, then: fn(Hook) -> Action) -> Self {
        Self {
            at,
            then,
            certain: true,
            kills: 7,
            schools: 24,
            connections: 1,
            report,
        }
    }

    /// Kills one run after the other, in its first, second or third letter, and never settles what
    /// is in doubt: so nothing but the program itself could send a letter again.
    #[track_caller]
    fn play(self) {
        let server = SmtpServer::start();
        let batch = TestBatch::new(self.schools);
        batch.use_smtp(
            server.port(),
            &format!("connections = {}", self.connections),
        );
        for number in 1..=self.schools {
            batch.write(
                &format!("reports/{}.pdf", id(number)),
                (self.report)(number),
            );
        }
        let messages = Arc::new(AtomicU64::new(0));
        for moment in 0..self.kills {
            let victim = Victim::default();
            let target = messages.load(Ordering::SeqCst) + 1 + (moment % 3) as u64;
            self.arm(&server, &victim, target, &messages);
            victim.send(&batch);
            victim.wait_until_killed();
            assert!(server.wait_idle(wait::LONG));
            self.judge(&server, &batch, moment + 1);
        }
        server.script(|_| Action::Go);
        settle_by_looking(&accepted_with(self.report, &server), &batch);
        batch.send(&[]).expect(0);
        let mut accepted = accepted_with(self.report, &server);
        accepted.sort_unstable();
        assert_eq!(accepted, (1..=self.schools).collect::<Vec<_>>());
        assert_eq!(server.violations(), Vec::<String>::new());
        batch.assert_log_is_whole();
    }

    fn arm(&self, server: &SmtpServer, victim: &Victim, target: u64, messages: &Arc<AtomicU64>) {
        let (at, then) = (self.at, self.then);
        let (victim, messages) = (victim.clone(), Arc::clone(messages));
        let armed = AtomicBool::new(true);
        server.script(move |event| {
            messages.fetch_max(event.message, Ordering::SeqCst);
            let is_it = at(&event.step) && [0, target].contains(&event.message);
            if is_it && armed.swap(false, Ordering::SeqCst) {
                let victim = victim.clone();
                then(Arc::new(move || victim.kill()))
            } else {
                Action::Go
            }
        });
    }

    /// What the program knows must be true on the server's side, and nothing is there twice.
    #[track_caller]
    fn judge(&self, server: &SmtpServer, batch: &TestBatch, kills: usize) {
        let mailbox = accepted_with(self.report, server);
        let there: BTreeSet<_> = mailbox.iter().map(|&number| id(number)).collect();
        assert_eq!(there.len(), mailbox.len(), "twice: {mailbox:?}");
        // Whenever a run was killed: a change and its event are on the disk together, or neither is.
        batch.assert_log_is_whole();
        let mut doubts = 0;
        for (id, state) in batch.states() {
            match state.as_str() {
                "accepted" => assert!(there.contains(&id), "{id} is lost"),
                "pending" => assert!(!there.contains(&id), "{id} would go out again"),
                other => {
                    assert_eq!(other, "in_doubt", "{id}");
                    doubts += 1;
                }
            }
        }
        let most = kills * self.connections;
        let fewest = if self.certain { kills } else { 0 };
        assert!(
            (fewest..=most).contains(&doubts),
            "{doubts} in doubt after {kills} kills"
        );
    }
}

/// Does what a person does: looks whether the letter is there.
fn settle_by_looking(mailbox: &[usize], batch: &TestBatch) {
    let (there, absent): (Vec<_>, Vec<_>) = batch
        .in_state("in_doubt")
        .into_iter()
        .partition(|doubt| mailbox.iter().any(|&number| id(number) == *doubt));
    for (ids, word) in [(there, "--accepted"), (absent, "--unsent")] {
        if !ids.is_empty() {
            let mut arguments: Vec<_> = ids.iter().map(String::as_str).collect();
            arguments.push(word);
            batch.run("resolve", &arguments).expect(0);
        }
    }
}

fn then(hook: Hook, action: Action) -> Action {
    Action::CallThen(hook, Box::new(action))
}

fn then_go(hook: Hook) -> Action {
    then(hook, Action::Go)
}

#[test]
fn killed_while_connecting() {
    let at = |step: &Step| *step == Step::Connect;
    Moments::new(at, then_go).play();
}

#[test]
fn killed_at_mail() {
    let at = |step: &Step| matches!(step, Step::MailFrom(_));
    Moments::new(at, then_go).play();
}

#[test]
fn killed_at_rcpt() {
    let at = |step: &Step| matches!(step, Step::Rcpt(_));
    Moments::new(at, then_go).play();
}

#[test]
fn killed_at_data() {
    let at = |step: &Step| *step == Step::Data;
    Moments::new(at, then_go).play();
}

/// Half of the letter is on the server's side and the rest may be in the buffers between.
#[test]
fn killed_in_the_middle_of_a_large_letter() {
    let at = |step: &Step| matches!(step, Step::Body { bytes, .. } if *bytes > 300_000);
    Moments {
        kills: 5,
        schools: 12,
        report: |number| {
            let mut large = report(number);
            large.resize(600_000, b'x');
            large
        },
        ..Moments::new(at, then_go)
    }
    .play();
}

#[test]
fn killed_after_the_final_dot_of_a_letter_that_is_not_taken() {
    let at = |step: &Step| *step == Step::FinalDot;
    Moments::new(at, |hook| then(hook, Action::Cut)).play();
}

#[test]
fn killed_after_the_final_dot_of_a_letter_that_is_taken() {
    let at = |step: &Step| *step == Step::FinalDot;
    Moments::new(at, |hook| then(hook, Action::AcceptThenCut)).play();
}

/// The reply is on its way: the program may have written it down or not.
#[test]
fn killed_after_the_reply() {
    let at = |step: &Step| *step == Step::FinalDot;
    Moments {
        certain: false,
        ..Moments::new(at, Action::GoThenCall)
    }
    .play();
}

#[test]
fn killed_with_four_letters_in_flight() {
    let at = |step: &Step| *step == Step::FinalDot;
    Moments {
        kills: 5,
        schools: 48,
        connections: 4,
        ..Moments::new(at, then_go)
    }
    .play();
}

/// The state file is put in place whole: a run that is killed while it makes it leaves none, or a
/// good one.
#[test]
fn killed_while_the_state_file_is_made() {
    for name in [".lock", ".new", "", "-wal"] {
        let server = SmtpServer::start();
        let batch = TestBatch::new(3);
        batch.use_smtp(server.port(), "");
        // No letter can leave before the kill.
        server.script(|_| Action::Silent);
        let victim = Victim::default();
        victim.send(&batch);
        let state = batch.path("batch.state.db");
        let file = batch.path(&format!("batch.state.db{name}"));
        wait::until(name, || file.exists() || state.exists());
        victim.kill();
        victim.wait_until_killed();
        assert!(server.wait_idle(wait::LONG));
        server.script(|_| Action::Go);
        // A letter that was claimed in that moment is in doubt.
        let code = batch.send(&[]).code;
        assert!([Some(0), Some(4)].contains(&code), "{name}: {code:?}");
        settle_by_looking(&accepted_by(&server), &batch);
        batch.send(&[]).expect(0);
        assert_each_once(&server, 3);
    }
}
