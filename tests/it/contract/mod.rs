//! What every transport must do alike, whatever it speaks: the same outcomes of a letter have the
//! same consequences. The table at the end says which transport can show which outcome.

mod far_sides;

use crate::support::{Ran, TestBatch, id};
use far_sides::{Ews, Graph, Outbox, Smtp};

/// What happens to the second of three letters, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// The far side asks everyone to wait.
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

/// A far side with a batch of three letters for it.
trait FarSide {
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
fn assert_states<F: FarSide>(far_side: &F, state: &str, numbers: &[usize]) {
    let ids: Vec<String> = numbers.iter().copied().map(id).collect();
    assert_eq!(far_side.batch().in_state(state), ids, "{state}");
}

/// Everything went out once, and a further run sends nothing.
#[track_caller]
fn assert_done<F: FarSide>(far_side: &F, order: &[usize]) {
    assert_states(far_side, "accepted", &[1, 2, 3]);
    assert_eq!(far_side.taken(), order);
    far_side.send().expect(0);
    assert_eq!(far_side.taken(), order);
    far_side.assert_proper();
}

fn accepted<F: FarSide>() {
    let far_side = F::new();
    far_side.send().expect(0);
    assert_done(&far_side, &[1, 2, 3]);
}

/// Told, waited for and taken in the same run; in which order, nobody promises.
fn throttled<F: FarSide>() {
    is_tried_again::<F>(Outcome::Throttled);
}

fn transient<F: FarSide>() {
    is_tried_again::<F>(Outcome::Transient);
}

#[track_caller]
fn is_tried_again<F: FarSide>(outcome: Outcome) {
    let far_side = F::new();
    far_side.bring_about(outcome);
    let ran = far_side.send().expect(0);
    ran.says("S002: not taken").says("trying again");
    let mut taken = far_side.taken();
    taken.sort_unstable();
    assert_eq!(taken, [1, 2, 3]);
    assert_states(&far_side, "accepted", &[1, 2, 3]);
    far_side.assert_proper();
}

/// The others go on, and it is tried again only when a person says so.
fn rejected<F: FarSide>() {
    let far_side = F::new();
    far_side.bring_about(Outcome::Rejected);
    far_side.send().expect(4).says("S002");
    assert_states(&far_side, "rejected", &[2]);
    assert_eq!(far_side.taken(), [1, 3]);
    far_side.calm_down();
    far_side.send().expect(4);
    assert_eq!(far_side.taken(), [1, 3]);
    far_side.batch().send(&["--retry-rejected"]).expect(0);
    assert_done(&far_side, &[1, 3, 2]);
}

/// A letter in doubt that did not go out, at a far side that can be asked: it is sent once.
fn looked_up_before<F: FarSide>() {
    let far_side = F::new();
    far_side.bring_about(Outcome::DoubtBefore);
    far_side.send().expect(4).says("S002: in doubt");
    assert_states(&far_side, "in_doubt", &[2]);
    assert_eq!(far_side.taken(), [1, 3]);
    far_side.calm_down();
    far_side.send().expect(0);
    assert_done(&far_side, &[1, 3, 2]);
}

/// A letter in doubt that went out, at a far side that can be asked: it is found.
fn looked_up_after<F: FarSide>() {
    let far_side = F::new();
    far_side.bring_about(Outcome::DoubtAfter);
    far_side.send().expect(4).says("S002: in doubt");
    assert_states(&far_side, "in_doubt", &[2]);
    far_side.calm_down();
    far_side.send().expect(0);
    assert_done(&far_side, &[1, 2, 3]);
}

/// The same where nobody can be asked: only a person's word moves it.
fn in_doubt_before<F: FarSide>() {
    let far_side = F::new();
    far_side.bring_about(Outcome::DoubtBefore);
    far_side.send().expect(4).says("S002: in doubt");
    far_side.calm_down();
    far_side.send().expect(4);
    assert_states(&far_side, "in_doubt", &[2]);
    assert_eq!(far_side.taken(), [1, 3]);
    let resolve = ["S002", "--unsent"];
    far_side.batch().run("resolve", &resolve).expect(0);
    far_side.send().expect(0);
    assert_done(&far_side, &[1, 3, 2]);
}

fn in_doubt_after<F: FarSide>() {
    let far_side = F::new();
    far_side.bring_about(Outcome::DoubtAfter);
    far_side.send().expect(4).says("S002: in doubt");
    far_side.calm_down();
    far_side.send().expect(4);
    assert_states(&far_side, "in_doubt", &[2]);
    let resolve = ["S002", "--accepted"];
    far_side.batch().run("resolve", &resolve).expect(0);
    assert_done(&far_side, &[1, 2, 3]);
}

/// The run stops, nothing is lost, and the same command goes on.
#[track_caller]
fn stops<F: FarSide>(outcome: Outcome, code: i32) {
    let far_side = F::new();
    far_side.bring_about(outcome);
    far_side.send().expect(code).says("next: ");
    let left: Vec<usize> = (1..=3)
        .filter(|it| !far_side.taken().contains(it))
        .collect();
    assert!(!left.is_empty());
    assert_states(&far_side, "pending", &left);
    far_side.calm_down();
    far_side.send().expect(0);
    assert_done(&far_side, &[1, 2, 3]);
}

fn unauthorised<F: FarSide>() {
    stops::<F>(Outcome::Unauthorised, 6);
}

fn unusable<F: FarSide>() {
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
