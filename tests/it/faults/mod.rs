//! The built program against fakes of everything that it sends to, with trouble drawn from a seed:
//! connections cut, answers lost, servers that are busy, sign-ins revoked, and the program killed.
//! After every run the recipients' mailbox is compared with the list and the state file.
//!
//! `docs/reliability.md` tells how to let it run for as long as one likes.

mod asked;
mod endings;
mod ews;
mod exchange;
mod judge;
mod mischief;
mod outbox;
#[cfg(target_os = "linux")]
mod patience;
mod plan;
mod run;
#[cfg(target_os = "linux")]
mod scenes;
mod sides;
#[cfg(target_os = "linux")]
mod slow;
mod smtp;
#[cfg(target_os = "linux")]
mod stage;
#[cfg(target_os = "linux")]
mod steps;
#[cfg(target_os = "linux")]
mod steps_again;
mod table;

use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Mutex;
use std::thread;

use judge::Wrong;
use plan::{Plan, Way};
use run::Tally;

/// Rounds that are played at the same time; they wait more than they work. `POSTROOM_FAULT_AT_ONCE`
/// names another number.
const AT_ONCE: usize = 4;

/// Plays the rounds of these seeds over these transports, and gives what each transport came to.
fn play(ways: &[Way], seeds: Range<u64>) -> BTreeMap<Way, Tally> {
    let of_seed = |seed| ways.iter().map(move |way| Plan::new(*way, seed));
    let plans: Mutex<Vec<Plan>> = Mutex::new(seeds.rev().flat_map(of_seed).collect());
    let tallies = Mutex::new(BTreeMap::<Way, Tally>::new());
    thread::scope(|scope| {
        for _ in 0..number_of("POSTROOM_FAULT_AT_ONCE", AT_ONCE as u64) {
            scope.spawn(|| {
                loop {
                    let Some(plan) = plans.lock().unwrap().pop() else {
                        return;
                    };
                    let tally = play_one(&plan);
                    let mut tallies = tallies.lock().unwrap();
                    tallies.entry(plan.way).or_default().add(tally);
                }
            });
        }
    });
    tallies.into_inner().unwrap()
}

/// Plays a round, and tells how to play it again when something is wrong.
fn play_one(plan: &Plan) -> Tally {
    let played = catch_unwind(AssertUnwindSafe(|| run::play(plan)));
    let tally = played.unwrap_or_else(|_| Tally {
        rounds: 1,
        findings: vec![(Wrong::Breach, "the round broke off".into())],
        ..Tally::default()
    });
    if !tally.findings.is_empty() {
        eprintln!(
            "{} with seed {}: {:#?}\n{plan:?}\nagain: POSTROOM_FAULT_TRANSPORT={} \
             POSTROOM_FAULT_SEED={} POSTROOM_FAULT_RUNS=1 \
             cargo test --test it a_long_run_of_seeds -- --ignored --nocapture",
            plan.way, plan.seed, tally.findings, plan.way, plan.seed
        );
    }
    tally
}

#[track_caller]
fn assert_nothing_wrong(tallies: &BTreeMap<Way, Tally>) {
    let wrong: Vec<_> = tallies.values().flat_map(|tally| &tally.findings).collect();
    assert!(wrong.is_empty(), "{} findings, see above", wrong.len());
}

/// The number in a variable of the environment.
fn number_of(name: &str, usual: u64) -> u64 {
    let given = std::env::var(name).ok();
    given.map_or(usual, |text| text.parse().unwrap())
}

/// What every change must pass: the same seeds each time, among which the program broken on purpose
/// shows whenever it is tried (`docs/reliability.md`).
#[test]
fn a_bounded_run_of_seeds() {
    let tallies = play(&Way::ALL, 12..18);
    assert_nothing_wrong(&tallies);
    for way in Way::ALL {
        assert_eq!(tallies[&way].rounds, 6, "{way}");
    }
}

/// Goes on for `POSTROOM_FAULT_RUNS` seeds from `POSTROOM_FAULT_SEED` on, over all transports or the
/// one that `POSTROOM_FAULT_TRANSPORT` names, and writes the table into the page that
/// `POSTROOM_FAULT_TABLE` names.
#[test]
#[ignore = "takes as long as one likes"]
fn a_long_run_of_seeds() {
    let (first, count) = (
        number_of("POSTROOM_FAULT_SEED", 1),
        number_of("POSTROOM_FAULT_RUNS", 40),
    );
    let ways = match std::env::var("POSTROOM_FAULT_TRANSPORT") {
        Ok(name) => vec![name.parse().unwrap()],
        Err(_) => Way::ALL.to_vec(),
    };
    let tallies = play(&ways, first..first + count);
    let table = table::write(&tallies, first, count);
    eprintln!("{table}");
    if let Ok(page) = std::env::var("POSTROOM_FAULT_TABLE") {
        table::put(Path::new(&page), &table);
    }
    assert_nothing_wrong(&tallies);
}
