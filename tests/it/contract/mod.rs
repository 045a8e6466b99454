//! What every transport must do alike, whatever it speaks: the same outcomes of a letter have the
//! same consequences. The table at the end says which transport can show which outcome.

mod servers;

use crate::support::{Ran, TestBatch, id};
use servers::{Ews, Graph, Outbox, Smtp};

/// What happens to the second of three letters, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// The server asks everyone to wait.
    Throttled,
    /// It cannot take the letter now.
    Transient,
    /// It refuses the letter for good.
    Rejected,
    /// Its answer is lost, and it did not take the letter.
    DoubtBefore,
    /// Its answer is lost, and it took the letter.
    DoubtAfter,
    /// It does not let us in.
    Unauthorised,
    /// It takes no letter from us.
    Unusable,
}

/// A server with a batch of three letters for it.
trait Server {
    fn new() -> Self;

    fn batch(&self) -> &TestBatch;

    /// Makes this happen.
    fn bring_about(&self, outcome: Outcome);

    /// Behaves from now on.
    fn calm_down(&self);

    /// The numbers of the schools whose letters it took, in order.
    fn taken(&self) -> Vec<usize>;

    /// Fails the test when something was out of order.
    fn assert_proper(&self);

    fn send(&self) -> Ran {
        self.batch().send(&[])
    }
}

#[track_caller]
fn assert_states<F: Server>(server: &F, state: &str, numbers: &[usize]) {
    let ids: Vec<String> = numbers.iter().copied().map(id).collect();
    assert_eq!(server.batch().in_state(state), ids, "{state}");
}

/// Everything went out once, and a further run sends nothing.
#[track_caller]
fn assert_done<F: Server>(server: &F, order: &[usize]) {
    assert_states(server, "accepted", &[1, 2, 3]);
    assert_eq!(server.taken(), order);
    server.send().expect(0);
    assert_eq!(server.taken(), order);
    server.assert_proper();
}

fn accepted<F: Server>() {
    let server = F::new();
    server.send().expect(0);
    assert_done(&server, &[1, 2, 3]);
}

/// Reported, waited for and taken in the same run; in which order, nobody promises.
fn throttled<F: Server>() {
    is_tried_again::<F>(Outcome::Throttled);
}

fn transient<F: Server>() {
    is_tried_again::<F>(Outcome::Transient);
}

#[track_caller]
fn is_tried_again<F: Server>(outcome: Outcome) {
    let server = F::new();
    server.bring_about(outcome);
    let ran = server.send().expect(0);
    ran.says("S002: not taken").says("trying again");
    let mut taken = server.taken();
    taken.sort_unstable();
    assert_eq!(taken, [1, 2, 3]);
    assert_states(&server, "accepted", &[1, 2, 3]);
    server.assert_proper();
}

/// The others go on, and it is tried again only when a person says so.
fn rejected<F: Server>() {
    let server = F::new();
    server.bring_about(Outcome::Rejected);
    server.send().expect(4).says("S002");
    assert_states(&server, "rejected", &[2]);
    assert_eq!(server.taken(), [1, 3]);
    server.calm_down();
    server.send().expect(4);
    assert_eq!(server.taken(), [1, 3]);
    server.batch().send(&["--retry-rejected"]).expect(0);
    assert_done(&server, &[1, 3, 2]);
}

/// A letter in doubt that did not go out, at a server that can be asked: it is sent once.
fn looked_up_before<F: Server>() {
    let server = F::new();
    server.bring_about(Outcome::DoubtBefore);
    server.send().expect(4).says("S002: in doubt");
    assert_states(&server, "in_doubt", &[2]);
    assert_eq!(server.taken(), [1, 3]);
    server.calm_down();
    server.send().expect(0);
    assert_done(&server, &[1, 3, 2]);
}

/// A letter in doubt that went out, at a server that can be asked: it is found.
fn looked_up_after<F: Server>() {
    let server = F::new();
    server.bring_about(Outcome::DoubtAfter);
    server.send().expect(4).says("S002: in doubt");
    assert_states(&server, "in_doubt", &[2]);
    server.calm_down();
    server.send().expect(0);
    assert_done(&server, &[1, 2, 3]);
}

/// The same where nobody can be asked: only a person's word moves it.
fn in_doubt_before<F: Server>() {
    let server = F::new();
    server.bring_about(Outcome::DoubtBefore);
    server.send().expect(4).says("S002: in doubt");
    server.calm_down();
    server.send().expect(4);
    assert_states(&server, "in_doubt", &[2]);
    assert_eq!(server.taken(), [1, 3]);
    let resolve = ["S002", "--unsent"];
    server.batch().run("resolve", &resolve).expect(0);
    server.send().expect(0);
    assert_done(&server, &[1, 3, 2]);
}

fn in_doubt_after<F: Server>() {
    let server = F::new();
    server.bring_about(Outcome::DoubtAfter);
    server.send().expect(4).says("S002: in doubt");
    server.calm_down();
    server.send().expect(4);
    assert_states(&server, "in_doubt", &[2]);
    let resolve = ["S002", "--accepted"];
    server.batch().run("resolve", &resolve).expect(0);
    assert_done(&server, &[1, 2, 3]);
}

/// The run stops, nothing is lost, and the same command goes on.
#[track_caller]
fn stops<F: Server>(outcome: Outcome, code: i32) {
    let server = F::new();
    server.bring_about(outcome);
    server.send().expect(code).says("next: ");
    let left: Vec<usize> = (1..=3).filter(|it| !server.taken().contains(it)).collect();
    assert!(!left.is_empty());
    assert_states(&server, "pending", &left);
    server.calm_down();
    server.send().expect(0);
    assert_done(&server, &[1, 2, 3]);
}

fn unauthorised<F: Server>() {
    stops::<F>(Outcome::Unauthorised, 6);
}

fn unusable<F: Server>() {
    stops::<F>(Outcome::Unusable, 5);
}

/// One line for each transport: the outcomes that it can show.
macro_rules! contract {
    ($($name:ident $side:ident: $($outcome:ident)+;)+) => {
        $(mod $name {
            $(
                #[test]
                fn $outcome() {
                    super::$outcome::<super::$side>();
                }
            )+
        })+
    };
}

contract! {
    outbox Outbox: accepted rejected unusable;
    smtp Smtp: accepted throttled transient rejected in_doubt_before in_doubt_after unauthorised unusable;
    graph Graph: accepted throttled transient rejected looked_up_before looked_up_after unauthorised unusable;
    ews Ews: accepted throttled transient rejected looked_up_before looked_up_after unauthorised unusable;
}
