//! The state file as a power cut leaves it: copied while the program stands still at a chosen moment,
//! with its write-ahead log whole, or cut off anywhere.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::storage::{MAIL, OUTBOX, beside, copy_state};
use crate::support::smtp::{Action, SmtpServer, Step};
use crate::support::victim::Victim;
use crate::support::{Ran, TestBatch, accepted_by, copy_folder, id, program, wait};

const SCHOOLS: usize = 120;
const COPIES: usize = 8;
const SEED: u64 = 20_260_112;

/// What a copy must fit to: the letters that the server has.
struct Moment {
    copy: PathBuf,
    /// Those that it had before the copy was begun.
    before: BTreeSet<String>,
    /// Those that it had when the copy was made.
    after: BTreeSet<String>,
}

/// A batch in a folder of its own, with a copy of a state file.
struct Copy<'a> {
    folder: &'a Path,
    state: PathBuf,
}

impl Copy<'_> {
    fn run(&self, verb: &str, arguments: &[&str]) -> Ran {
        let mut command = program();
        command
            .arg(verb)
            .arg(self.folder)
            .arg("--state")
            .arg(&self.state)
            .args(arguments)
            .stdin(std::process::Stdio::null());
        Ran::of(command.output().unwrap())
    }

    fn states(&self) -> Vec<(String, String)> {
        let status = self.run("status", &["--json"]).expect(0).json();
        let letters = status["letters"].as_array().unwrap();
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        letters
            .iter()
            .map(|letter| (text(&letter["id"]), text(&letter["state"])))
            .collect()
    }

    #[track_caller]
    fn assert_log_is_whole(&self) {
        let ran = self.run("report", &["--verify"]).expect(0);
        assert!(ran.stdout.starts_with("the log is whole"), "{ran:?}");
    }
}

/// What the copy claims is true, and nothing that the server had is free to go out again.
#[track_caller]
fn judge(copy: &Copy<'_>, moment: &Moment, which: &str) {
    copy.assert_log_is_whole();
    let states = copy.states();
    for (id, state) in &states {
        match state.as_str() {
            "accepted" => assert!(moment.after.contains(id), "{which}: {id} is lost"),
            "pending" => assert!(!moment.before.contains(id), "{which}: {id} goes out again"),
            other => assert_eq!(other, "in_doubt", "{which}: {id}"),
        }
    }
    assert_eq!(states.len(), SCHOOLS, "{which}");
}

/// Stops the program where it stands.
fn still(
    victim: &Victim,
    batch: &TestBatch,
    have: &dyn Fn() -> BTreeSet<String>,
    state: &str,
) -> Moment {
    victim.signal("STOP");
    victim.wait_until_it_stands_still();
    let before = have();
    let copy = batch.path(&format!("copy-{}.db", before.len()));
    copy_state(&batch.path(state), &copy);
    let after = have();
    victim.signal("CONT");
    Moment {
        copy,
        before,
        after,
    }
}

#[test]
fn a_state_file_copied_at_any_moment_of_a_run_over_smtp_tells_the_truth() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(SCHOOLS);
    batch.use_smtp(server.port(), "connections = 4");
    let elsewhere = tempfile::tempdir().unwrap();
    copy_folder(batch.folder(), elsewhere.path());
    // At these letters, each at another step of the conversation, the server lets the test know and
    // goes on: the program is stopped in the middle of whatever it does next.
    let mut random = Random(SEED);
    let moments: BTreeSet<u64> = (0..COPIES)
        .map(|_| 2 + random.below(SCHOOLS as u64 - 10))
        .collect();
    let victim = Victim::default();
    let taken: Arc<Mutex<Vec<Moment>>> = Arc::default();
    let shared = Arc::new((batch, server));
    let (hook, kept, world) = (victim.clone(), Arc::clone(&taken), Arc::clone(&shared));
    let wanted = moments.clone();
    shared.1.script(move |event| {
        let step = [Step::Data, Step::FinalDot][event.message as usize % 2].clone();
        if event.step != step || !wanted.contains(&event.message) {
            return Action::Go;
        }
        let (hook, kept, world) = (hook.clone(), Arc::clone(&kept), Arc::clone(&world));
        let look = move || {
            // One copy at a time: another connection may want one of the same moment.
            let mut kept = kept.lock().unwrap();
            let have = || accepted_by(&world.1).into_iter().map(id).collect();
            kept.push(still(&hook, &world.0, &have, MAIL));
        };
        if event.message % 4 < 2 {
            Action::call(look, Action::Go)
        } else {
            Action::GoThenCall(Arc::new(look))
        }
    });
    victim.send(&shared.0);
    assert_eq!(victim.wait().code(), Some(0), "{}", victim.said());
    shared.1.script(|_| Action::Go);
    let taken = std::mem::take(&mut *taken.lock().unwrap());
    assert!(taken.len() >= COPIES / 2, "{} copies", taken.len());
    for (number, moment) in taken.iter().enumerate() {
        let copy = Copy {
            folder: elsewhere.path(),
            state: moment.copy.clone(),
        };
        judge(&copy, moment, &format!("copy {number}"));
        if number != taken.len() / 2 {
            continue;
        }
        // A run from this copy sends what was free in it, and nothing else.
        let free: BTreeSet<_> = in_state(&copy, "pending");
        let before = accepted_by(&shared.1).len();
        // What it was copied from has gone on since, and is known.
        let ran = copy.run("resume", &["--yes"]);
        assert_eq!(ran.code, Some(3), "{ran:?}");
        let ran = copy.run("resume", &["--yes", "--again"]);
        assert!(matches!(ran.code, Some(0 | 4)), "{ran:?}");
        let again = accepted_by(&shared.1).split_off(before);
        let again: Vec<_> = again.into_iter().map(id).collect();
        assert_eq!(again.iter().cloned().collect::<BTreeSet<_>>(), free);
        assert_eq!(again.len(), free.len());
        copy.assert_log_is_whole();
    }
}

fn in_state(copy: &Copy<'_>, state: &str) -> BTreeSet<String> {
    let states = copy.states().into_iter();
    states
        .filter(|(_, other)| other == state)
        .map(|(id, _)| id)
        .collect()
}

/// What is torn off the log is lost, and what is left is whole: an earlier moment of the same run.
#[test]
fn a_log_cut_anywhere_is_an_earlier_moment_and_never_a_new_batch() {
    let batch = TestBatch::new(SCHOOLS);
    let victim = Victim::default();
    let outbox = || -> BTreeSet<String> {
        let Ok(entries) = fs::read_dir(batch.path("outbox")) else {
            return BTreeSet::new();
        };
        entries
            .map(|entry| PathBuf::from(entry.unwrap().file_name()))
            .filter(|name| name.extension().is_some_and(|suffix| suffix == "eml"))
            .map(|name| name.file_stem().unwrap().to_str().unwrap().to_owned())
            .collect()
    };
    victim.send(&batch);
    wait::until("some letters", || outbox().len() >= 30);
    let moment = still(&victim, &batch, &outbox, OUTBOX);
    assert_eq!(victim.wait().code(), Some(0), "{}", victim.said());
    let elsewhere = tempfile::tempdir().unwrap();
    copy_folder(batch.folder(), elsewhere.path());
    let log = fs::read(beside(&moment.copy, "-wal")).unwrap();
    let file = fs::read(&moment.copy).unwrap();
    let copy = Copy {
        folder: elsewhere.path(),
        state: elsewhere.path().join("cut.db"),
    };
    let mut random = Random(SEED);
    let mut cuts: Vec<usize> = (0..7)
        .map(|_| random.below(log.len() as u64 + 1) as usize)
        .chain([0, 31, 32, log.len()])
        .collect();
    cuts.sort_unstable();
    let mut known = 0;
    for cut in cuts {
        for suffix in ["-shm", ".lock"] {
            let _ = fs::remove_file(beside(&copy.state, suffix));
        }
        fs::write(&copy.state, &file).unwrap();
        // A torn write may leave anything in the place of what was to be written.
        let mut torn = log[..cut].to_vec();
        torn.extend((0..random.below(5_000)).map(|byte| byte as u8));
        fs::write(beside(&copy.state, "-wal"), torn).unwrap();
        copy.assert_log_is_whole();
        let states = copy.states();
        let accepted = states.iter().filter(|(_, state)| state == "accepted");
        for (id, _) in accepted.clone() {
            assert!(moment.after.contains(id), "{id} after a cut at {cut}");
        }
        // Never less than what a shorter log tells.
        let now = accepted.count();
        assert!(now >= known, "{now} known at {cut}, {known} before");
        known = now;
        // Beside the mark of the run, a log that lost the run's beginning is noticed.
        fs::copy(
            beside(&batch.path(OUTBOX), ".lock"),
            beside(&copy.state, ".lock"),
        )
        .unwrap();
        let ran = copy.run("status", &[]);
        if states.is_empty() && ran.code != Some(0) {
            ran.expect(3).says("is an older copy, or has lost its -wal");
        } else {
            ran.expect(0);
        }
    }
    assert!(known > 0);
    fs::write(&copy.state, &file).unwrap();
    fs::write(beside(&copy.state, "-wal"), &log).unwrap();
    let _ = fs::remove_file(beside(&copy.state, "-shm"));
    judge(&copy, &moment, "the whole log");
}

/// No part of the file itself can be missing or changed without being noticed: such a file is refused
/// and left as it is, and never taken for new.
#[test]
fn a_file_cut_or_changed_anywhere_is_refused_or_whole() {
    let batch = TestBatch::new(12);
    batch.run("send", &["--limit", "9"]).expect(0);
    let whole = fs::read(batch.path(OUTBOX)).unwrap();
    let pages = u64::from(u16::from_be_bytes([whole[16], whole[17]]));
    let mut random = Random(SEED);
    let sent = || fs::read_dir(batch.path("outbox")).unwrap().count();
    for _ in 0..6 {
        let cut = random.below(whole.len() as u64) as usize;
        batch.write(OUTBOX, &whole[..cut]);
        let ran = batch.run("send", &[]).expect(3);
        let ran = ran.says("nothing was sent").says("next: ");
        assert!(!ran.stderr.contains("there is no state file"), "{ran:?}");
        assert_eq!(sent(), 9, "cut at {cut}");
    }
    let mut refused = 0;
    for _ in 0..10 {
        // A page from its header on, as a disk loses one.
        let page = random.below(whole.len() as u64 / pages) * pages;
        let mut changed = whole.clone();
        for byte in &mut changed[page as usize..(page + 100) as usize] {
            *byte ^= 1 + random.below(255) as u8;
        }
        batch.write(OUTBOX, &changed);
        let ran = batch.run("status", &[]);
        match ran.code {
            Some(3) => {
                refused += 1;
                if refused == 1 {
                    batch.run("send", &[]).expect(3).says("nothing was sent");
                }
                assert_eq!(fs::read(batch.path(OUTBOX)).unwrap(), changed);
            }
            // A page that nothing is in.
            code => assert_eq!(code, Some(0), "{ran:?}"),
        }
        assert_eq!(sent(), 9, "page at {page}");
    }
    assert!(refused >= 5, "{refused} refused");
    batch.write(OUTBOX, &whole);
    batch.run("send", &[]).expect(0);
    assert_eq!(sent(), 12);
}

/// Numbers that are the same in every run (SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}
