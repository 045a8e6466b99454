use super::*;
use crate::config::SendWindow;

/// No window of a minute holds more than `limit` letters, wherever between hand-over and answer,
/// `latency` later, the server counts them.
fn assert_paced(walls: &[Timestamp], limit: usize, latency: Duration) {
    assert_spaced(walls, limit, MINUTE, latency);
}

/// The same of a window of any length.
pub(super) fn assert_spaced(
    walls: &[Timestamp],
    limit: usize,
    length: Duration,
    latency: Duration,
) {
    for window in walls.windows(limit + 1) {
        let gap = window[limit].duration_since(window[0] + latency);
        assert!(gap >= length.try_into().unwrap(), "{gap:?}");
    }
}

pub(super) fn walls(run: &Outcome) -> impl Iterator<Item = Timestamp> {
    run.calls.iter().map(|call| call.wall)
}

pub(super) fn waited_for(run: &Outcome, reason: WaitReason) -> bool {
    run.events.iter().any(
        |event| matches!(event, DispatchEvent::Waiting { reason: shown, .. } if *shown == reason),
    )
}

pub(super) fn send_window(text: &str) -> SendWindow {
    SendWindow::parse(text).unwrap()
}

#[test]
fn messages_a_minute_are_kept_over_a_long_run() {
    let mut case = Case::new(100);
    case.config.messages_per_minute = NonZeroU32::new(28);
    let latency = Duration::from_millis(100);
    let clock = Arc::clone(&case.clock);
    let run = case.run(move |_| {
        clock.manual.advance(latency);
        taken()
    });
    assert_eq!(run.ids(), numbered(100));
    assert_paced(&walls(&run).collect::<Vec<_>>(), 28, latency);
    assert!(waited_for(&run, WaitReason::Limit(Limit::Messages)));
    assert!(case.clock.elapsed() < Duration::from_secs(200));
}

#[test]
fn messages_a_minute_are_kept_across_a_restart() {
    let mut case = Case::new(60);
    case.config.messages_per_minute = NonZeroU32::new(28);
    case.limit = Some(20);
    let first = case.run(|_| taken());
    case.restart_after(10 * SECOND);
    case.limit = None;
    let second = case.run(|_| taken());
    assert_eq!(second.calls.len(), 40);
    assert_eq!(second.times()[7], Duration::ZERO);
    assert!(second.times()[8] >= 50 * SECOND);
    let walls: Vec<_> = walls(&first).chain(walls(&second)).collect();
    assert_paced(&walls, 28, Duration::ZERO);
}

#[test]
fn a_letter_whose_answer_was_lost_counts_as_handed_over_at_the_restart() {
    let mut case = Case::new(2);
    case.config.messages_per_minute = NonZeroU32::new(1);
    power::no_settlements(&case);
    assert!(case.run(|_| taken()).ending.is_err());
    power::mended(&case);
    case.restart_after(50 * SECOND);
    let run = case.run(|_| taken());
    assert_eq!(run.ids(), ["s2"]);
    assert!(run.times()[0] >= MINUTE);
}

#[test]
fn letters_that_were_not_taken_cost_nothing_of_the_limits() {
    let mut case = Case::new(2);
    case.config.messages_per_minute = NonZeroU32::new(2);
    let run = case.run(|call| {
        if call.attempt < 4 {
            transient()
        } else {
            taken()
        }
    });
    assert_eq!(run.calls.len(), 8);
    assert!(case.clock.elapsed() < MINUTE);
}

#[test]
fn the_addresses_of_a_day_end_the_run_and_the_next_day_goes_on() {
    let mut case = Case::new(8);
    case.config.recipients_per_day = NonZeroU32::new(11);
    let first = case.run(|_| taken());
    assert_eq!(first.ids(), numbered(5));
    assert_eq!(first.ending(), &Ending::DayLimit);
    assert_eq!(case.clock.elapsed(), Duration::ZERO);
    case.restart_after(Duration::from_hours(23));
    let too_early = case.run(|_| taken());
    assert!(too_early.calls.is_empty());
    assert_eq!(too_early.ending(), &Ending::DayLimit);
    case.restart_after(Duration::from_mins(65));
    let next_day = case.run(|_| taken());
    assert_eq!(next_day.ids(), ["s6", "s7", "s8"]);
    assert_eq!(next_day.ending(), &Ending::Finished { left: 0 });
}

#[test]
fn a_day_that_is_nearly_over_is_waited_for() {
    let mut case = Case::new(8);
    case.config.recipients_per_day = NonZeroU32::new(10);
    let first = case.run(|_| taken());
    case.restart_after(Duration::from_mins(24 * 60 - 10));
    let second = case.run(|_| taken());
    assert_eq!(second.ids(), ["s6", "s7", "s8"]);
    assert!(second.calls[0].wall >= first.calls[0].wall + Duration::from_hours(24));
    assert!(waited_for(&second, WaitReason::Limit(Limit::Addresses)));
}

#[test]
fn bytes_in_five_minutes_are_waited_for() {
    let mut case = Case::with_reports(4, 300_000);
    case.config.megabytes_per_five_minutes = NonZeroU32::new(1);
    let run = case.run(|_| taken());
    let times = run.times();
    assert_eq!(times[..2], [Duration::ZERO; 2]);
    let later = 5 * MINUTE..6 * MINUTE;
    assert!(later.contains(&times[2]) && later.contains(&times[3]));
    assert!(waited_for(&run, WaitReason::Limit(Limit::Bytes)));
}

#[test]
fn a_letter_larger_than_the_byte_limit_goes_alone() {
    let mut case = Case::with_reports(2, 900_000);
    case.config.megabytes_per_five_minutes = NonZeroU32::new(1);
    let run = case.run(|_| taken());
    assert_eq!(run.times()[0], Duration::ZERO);
    assert!(run.times()[1] >= 5 * MINUTE);
    assert_eq!(run.ending(), &Ending::Finished { left: 0 });
}

#[test]
fn a_closed_window_is_waited_for_until_it_opens() {
    let mut case = Case::new(2);
    case.config.window = Some(send_window("13:30-15:00 UTC"));
    let run = case.run(|_| taken());
    assert_eq!(run.times(), [90 * MINUTE; 2]);
    assert!(waited_for(&run, WaitReason::Window));
}

#[test]
fn a_window_that_closes_during_a_run_keeps_the_rest_for_its_next_opening() {
    let mut case = Case::new(4);
    case.config.window = Some(send_window("08:00-12:02 UTC"));
    let clock = Arc::clone(&case.clock);
    let run = case.run(move |_| {
        clock.manual.advance(MINUTE);
        taken()
    });
    let opening = Duration::from_hours(20);
    assert_eq!(
        run.times(),
        [Duration::ZERO, MINUTE, opening, opening + MINUTE]
    );
}
