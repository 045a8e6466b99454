//! Mailings of several days, in a moment: the real loop, limiter and ledger, with a clock that waits
//! for nobody.

use super::pace::{assert_spaced, send_window, waited_for, walls};
use super::*;

const DAY: Duration = Duration::from_hours(24);
/// How long the server takes for a letter.
const LATENCY: Duration = Duration::from_millis(200);

/// A batch in memory where the system has a place there: its ledger asks for the disk at every
/// letter, and these have many.
fn many(schools: usize, padding: usize) -> Case {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    };
    Case::in_folder(folder.unwrap(), schools, padding)
}

/// Sends what can be sent. Now and then the server is not in the mood.
fn send(case: &Case) -> Outcome {
    let clock = Arc::clone(&case.clock);
    let mut wal = 0;
    let path = case.path().with_file_name("batch.state.db-wal");
    let mut heard = 0;
    let run = case.run_heard(
        move |call| {
            clock.manual.advance(LATENCY);
            if call.number % 400 == 0 {
                transient()
            } else {
                taken()
            }
        },
        |_| {
            heard += 1;
            if heard % 500 == 0 {
                wal = wal.max(fs::metadata(&path).unwrap().len());
            }
        },
    );
    // It is moved into the state file again and again, and so does not grow with the batch.
    assert!(wal < 8_000_000, "{wal} bytes of write-ahead log");
    run
}

/// The moments at which letters were taken, in order, of several runs.
fn taken_at(runs: &[Outcome]) -> Vec<Timestamp> {
    let calls = runs.iter().flat_map(|run| run.calls.iter());
    // As `send` has it.
    let taken = calls.filter(|call| call.number % 400 != 0);
    taken.map(|call| call.wall).collect()
}

#[track_caller]
fn assert_each_once(runs: &[Outcome], schools: usize) {
    let calls = runs.iter().flat_map(|run| run.calls.iter());
    let taken = calls.filter(|call| call.number % 400 != 0);
    let mut ids: Vec<_> = taken.map(|call| call.id.as_str()).collect();
    ids.sort_unstable();
    let mut all = numbered(schools);
    all.sort_unstable();
    assert_eq!(ids, all);
}

/// A mailing of letters with two addresses each, 30 a minute and 10,000 addresses a day as Exchange
/// Online has it, begun anew each day and interrupted once.
#[track_caller]
fn mail_for_days(schools: usize, addresses_a_day: u32) {
    let mut case = many(schools, 0);
    case.config.messages_per_minute = NonZeroU32::new(30);
    case.config.recipients_per_day = NonZeroU32::new(addresses_a_day);
    let a_day = addresses_a_day as usize / 2;
    let mut runs = Vec::new();
    let mut began = case.clock.manual.now();
    for day in 0..schools.div_ceil(a_day) {
        if day == 1 {
            // Someone ends it in the middle and goes on at once.
            case.limit = Some(a_day / 3);
            runs.push(send(&case));
            case.limit = None;
            case.restart_after(Duration::ZERO);
        }
        runs.push(send(&case));
        let sent = taken_at(&runs).len();
        let is_last = sent == schools;
        let ending = if is_last {
            Ending::Finished { left: 0 }
        } else {
            Ending::DayLimit
        };
        assert_eq!(runs.last().unwrap().ending(), &ending);
        // All that the day allows, at the pace that the minute allows, less two in a hundred.
        let of_day = if is_last {
            schools - day * a_day
        } else {
            a_day
        };
        assert_eq!(sent - day * a_day, of_day);
        let took = case.clock.manual.now().duration_since(began).as_secs_f64();
        let shortest = 60.0 * of_day as f64 / 30.0;
        assert!(took < shortest * 1.02 + 60.0, "{took} s for {of_day}");
        // The day after begins as soon as there is room again.
        let next = began + DAY + 5 * MINUTE;
        if !is_last {
            let pause = next.duration_since(case.clock.manual.now());
            case.restart_after(pause.try_into().unwrap());
        }
        began = next;
    }
    assert_each_once(&runs, schools);
    let walls = taken_at(&runs);
    assert_spaced(&walls, 30, MINUTE, LATENCY);
    assert_spaced(&walls, a_day, DAY, LATENCY);
    assert_eq!(case.counts().accepted, schools as u64);
}

#[test]
fn three_days_of_a_small_mailing_keep_to_every_minute_and_every_day() {
    mail_for_days(1_200, 1_000);
}

#[test]
#[ignore = "the limits of Exchange Online take 12,000 letters, and those half a minute"]
fn three_days_of_12_000_letters_keep_to_every_minute_and_every_day() {
    mail_for_days(12_000, 10_000);
}

/// 200 letters of some 28 kB take 25 minutes under a megabyte in five.
#[test]
fn a_window_of_megabytes_is_used_and_never_passed() {
    let mut case = many(200, 20_000);
    case.config.megabytes_per_five_minutes = NonZeroU32::new(1);
    let run = send(&case);
    assert_eq!(run.ending(), &Ending::Finished { left: 0 });
    assert!(waited_for(&run, WaitReason::Limit(Limit::Bytes)));
    let bytes = case.plan.letters[0]
        .bytes()
        .max(case.plan.letters[199].bytes());
    let at_once = usize::try_from(1_000_000 / bytes).unwrap();
    assert!((20..60).contains(&at_once), "{bytes} bytes a letter");
    let walls: Vec<_> = walls(&run).collect();
    assert_spaced(&walls, at_once, 5 * MINUTE, LATENCY);
    let windows = u32::try_from((200 - 1) / at_once).unwrap();
    let took = case.clock.elapsed();
    assert!(
        took < (5 * MINUTE * windows).mul_f64(1.02) + MINUTE,
        "{took:?}"
    );
}

/// London's clocks go forward on 29 March and back on 25 October 2026, both at 01:00 UTC.
#[test]
fn a_window_over_a_change_of_the_clocks_is_kept_to() {
    for (hours, start, openings) in [
        // An hour that is not there, and half of it that is.
        (
            "01:30-02:30",
            "2026-03-29T00:00:00Z",
            &["2026-03-29T01:00:00Z"][..],
        ),
        // An hour that comes twice.
        (
            "01:30-02:30",
            "2026-10-25T00:00:00Z",
            &["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"],
        ),
        // The night, over midnight, both times.
        (
            "22:00-01:30",
            "2026-03-28T20:00:00Z",
            &["2026-03-28T22:00:00Z"],
        ),
        (
            "22:00-01:30",
            "2026-10-24T20:00:00Z",
            &["2026-10-24T21:00:00Z", "2026-10-25T01:00:00Z"],
        ),
    ] {
        let mut case = many(240, 0);
        case.clock = TestClock::new(start.parse().unwrap());
        case.config.messages_per_minute = NonZeroU32::new(1);
        let window = send_window(&format!("{hours} Europe/London"));
        case.config.window = Some(window.clone());
        let run = send(&case);
        let walls: Vec<_> = walls(&run).collect();
        assert!(walls.iter().all(|wall| window.wait(*wall).is_none()));
        for opening in openings {
            let opening: Timestamp = opening.parse().unwrap();
            let soon = opening + 2 * MINUTE;
            assert!(
                walls.iter().any(|wall| (opening..soon).contains(wall)),
                "{hours}: none at {opening}"
            );
        }
    }
}
