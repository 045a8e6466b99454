//! A clock on the wall that is set while a batch is on its way.

use super::pace::{assert_spaced, walls};
use super::*;

const LIMIT: u32 = 28;
const HOUR: Duration = Duration::from_hours(1);

fn paced(schools: usize) -> Case {
    let mut case = Case::new(schools);
    case.config.messages_per_minute = NonZeroU32::new(LIMIT);
    case
}

/// Limits are kept by steady time, so the clock on the wall cannot touch them in a run.
#[test]
fn a_clock_that_is_set_during_a_run_changes_nothing() {
    let case = paced(90);
    let clock = Arc::clone(&case.clock);
    let run = case.run(move |call| {
        match call.number {
            20 => clock.set_wrong_by(-1),
            40 => clock.set_wrong_by(1),
            60 => clock.set_wrong_by(0),
            _ => {}
        }
        taken()
    });
    assert_eq!(run.ids(), numbered(90));
    assert_eq!(run.ending(), &Ending::Finished { left: 0 });
    assert_spaced(&walls(&run).collect::<Vec<_>>(), 28, MINUTE, Duration::ZERO);
    assert!(case.clock.elapsed() < Duration::from_secs(190));
}

/// Sends 20 letters, then the rest by a clock that was set meanwhile.
fn set_between(hours: i64) -> (Case, Outcome, Outcome) {
    let mut case = paced(90);
    case.limit = Some(20);
    let first = case.run(|_| taken());
    case.limit = None;
    case.restart_after(10 * SECOND);
    case.clock.set_wrong_by(hours);
    let second = case.run(|_| taken());
    assert_eq!(second.ids(), numbered(90)[20..]);
    assert_eq!(second.ending(), &Ending::Finished { left: 0 });
    (case, first, second)
}

/// What seems to come from the future counts as just sent.
#[test]
fn a_clock_set_back_between_two_runs_passes_no_limit_and_waits_no_longer() {
    let (case, first, second) = set_between(-1);
    let walls: Vec<_> = walls(&first).chain(walls(&second)).collect();
    assert_spaced(&walls, 28, MINUTE, Duration::ZERO);
    assert!(case.clock.elapsed() < 4 * MINUTE);
}

/// What the earlier run sent seems to be old. Nobody can know better, so that a limit may be used
/// twice, once: that is what the manual says.
#[test]
fn a_clock_set_forward_between_two_runs_uses_a_limit_twice_at_most() {
    let (_, first, second) = set_between(1);
    let walls: Vec<_> = walls(&first).chain(walls(&second)).collect();
    assert_spaced(&walls, 28 + 20, MINUTE, Duration::ZERO);
    let later: Vec<_> = walls[20..].to_vec();
    assert_spaced(&later, 28, MINUTE, Duration::ZERO);
}

/// The day then ends an hour early, or late.
#[test]
fn a_clock_that_is_wrong_by_an_hour_moves_the_day_by_an_hour() {
    for (hours, room_after) in [(1, 23), (-1, 25)] {
        let mut case = Case::new(8);
        case.config.recipients_per_day = NonZeroU32::new(10);
        assert_eq!(case.run(|_| taken()).ids(), numbered(5));
        let (mut waited, mut runs) = (0, Vec::new());
        while case.counts().pending > 0 {
            case.restart_after(HOUR);
            case.clock.set_wrong_by(hours);
            waited += 1;
            runs.push(case.run(|_| taken()));
            assert!(waited < 30, "an endless wait");
        }
        assert!((room_after..=room_after + 1).contains(&waited), "{waited}");
        let sent: Vec<_> = runs.iter().flat_map(Outcome::ids).collect();
        assert_eq!(sent, ["s6", "s7", "s8"]);
    }
}

/// A letter in doubt that is not seen is waited for as long as `patience` says, and no longer.
#[test]
fn a_clock_set_back_makes_nobody_wait_for_longer_than_patience() {
    let mut case = Case::new(2);
    case.limit = Some(1);
    case.run(|_| in_doubt());
    case.limit = None;
    case.restart_after(SECOND);
    case.clock.set_wrong_by(-1);
    case.look_up = Ok(LookUp::NotSeen);
    let run = case.run(|_| taken());
    assert_eq!(run.ids(), ["s1", "s2"]);
    let patience = case.config.patience;
    assert!((patience..patience + MINUTE).contains(&run.times()[0]));
}

/// It is counted as handed over when the next run begins, and the letters after it keep their age.
#[test]
fn a_letter_without_an_answer_does_not_make_those_after_it_younger() {
    let mut case = paced(40);
    power::no_settlements(&case);
    assert!(case.run(|_| taken()).ending.is_err());
    power::mended(&case);
    case.limit = Some(20);
    case.restart_after(SECOND);
    assert_eq!(case.run(|_| taken()).calls.len(), 20);
    case.limit = None;
    case.restart_after(2 * MINUTE);
    let run = case.run(|_| taken());
    assert_eq!(run.times()[..19], [Duration::ZERO; 19]);
}

/// The day counts a letter from its answer, even if that came long after the claim.
#[test]
fn a_letter_claimed_before_the_day_and_answered_in_it_counts() {
    let mut case = Case::new(2);
    case.config.recipients_per_day = NonZeroU32::new(2);
    case.limit = Some(1);
    let clock = Arc::clone(&case.clock);
    let first = case.run(move |_| {
        clock.manual.advance(9 * MINUTE);
        taken()
    });
    case.limit = None;
    case.restart_after(Duration::from_mins(24 * 60 - 5));
    let second = case.run(|_| taken());
    let answered = first.calls[0].wall + 9 * MINUTE;
    assert!(second.calls[0].wall >= answered + 24 * HOUR);
}
