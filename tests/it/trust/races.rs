//! Somebody swaps a file of the batch for a link while it is read, again and again: what lies outside
//! the batch's folder never gets into a plan, a letter or a message. Or a folder that the program writes
//! into: no letter gets anywhere else, and nothing else is removed.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use postroom::{
    Batch, Clock, Destination, Letters, Links, Manifest, OwnFolder, Plan, Preview, Secrets,
    SystemClock,
};

use crate::support::TestBatch;

/// Each file is swapped while so many plans are made of it.
const ROUNDS: usize = 5_000;
/// What stands in the file that nobody may mail out.
const OUTSIDE: &str = "root:$6$salted$hash";

/// Swaps a file for a link and back until it is dropped, by renames, so that there is always one.
struct Swapper {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Swapper {
    fn of(file: PathBuf, outside: &Path) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, outside) = (Arc::clone(&stop), outside.to_owned());
        let thread = thread::spawn(move || {
            let (good, next) = (fs::read(&file).unwrap(), file.with_extension("next"));
            while !stopped.load(Ordering::Relaxed) {
                symlink(&outside, &next).unwrap();
                fs::rename(&next, &file).unwrap();
                fs::write(&next, &good).unwrap();
                fs::rename(&next, &file).unwrap();
            }
        });
        Self {
            stop,
            thread: Some(thread),
        }
    }

    /// Swaps a folder for a link and back, whether it is there at the moment or not.
    fn of_folder(folder: PathBuf, outside: &Path) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, outside) = (Arc::clone(&stop), outside.to_owned());
        let thread = thread::spawn(move || {
            let aside = folder.with_extension("aside");
            while !stopped.load(Ordering::Relaxed) {
                let is_aside = fs::rename(&folder, &aside).is_ok();
                let is_linked = symlink(&outside, &folder).is_ok();
                thread::yield_now();
                if is_linked {
                    let _ = fs::remove_file(&folder);
                }
                if is_aside && fs::rename(&aside, &folder).is_err() {
                    let _ = fs::remove_dir_all(&aside);
                }
            }
        });
        Self {
            stop,
            thread: Some(thread),
        }
    }
}

impl Drop for Swapper {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Plays so many rounds, and more until one went well and one was refused: which of two threads runs is up to the
/// system. Gives how often each came.
fn play(rounds: usize, mut round: impl FnMut() -> bool) -> (usize, usize) {
    let begun = Instant::now();
    let (mut done, mut refused) = (0, 0);
    while done + refused < rounds
        || (done == 0 || refused == 0) && begun.elapsed() < Duration::from_mins(1)
    {
        if round() {
            done += 1;
        } else {
            refused += 1;
        }
    }
    (done, refused)
}

/// What came of making one letter with all that it carries: its text and contents, or nothing.
fn made(batch: &Batch) -> Option<Vec<u8>> {
    let (Some(manifest), _) = Manifest::read(batch) else {
        return None;
    };
    let letters = Letters::new(batch, &Secrets::default(), manifest, None).ok()?;
    let (letter, contents) = letters.make_with_contents(0).ok()?;
    let mut all = format!("{letter:?}").into_bytes();
    for piece in contents {
        all.extend(piece);
    }
    Some(all)
}

fn swapped(file: &str) {
    let elsewhere = tempfile::tempdir().unwrap();
    let outside = elsewhere.path().join(Path::new(file).file_name().unwrap());
    let test = TestBatch::new(1);
    // It is all that such a file must be, so that nothing but where it lies keeps it out.
    let good = fs::read_to_string(test.path(file)).unwrap_or_default();
    fs::write(&outside, format!("{good}\n{OUTSIDE}")).unwrap();
    let batch = Batch::load(&test.path("batch.toml")).unwrap();
    let _swapper = Swapper::of(test.path(file), &outside);
    let (good, refused) = play(ROUNDS, || {
        let all = made(&batch);
        let text = all.as_deref().map(String::from_utf8_lossy);
        assert!(
            !text.is_some_and(|text| text.contains(OUTSIDE)),
            "{file} was read outside the folder"
        );
        all.is_some()
    });
    assert!(
        good > 0 && refused > 0,
        "{file}: {good} made, {refused} refused"
    );
}

/// A folder elsewhere with a file of value in it, which looks like a preview of ours.
fn elsewhere() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("thesis.txt"), "mine").unwrap();
    fs::write(folder.path().join(".postroom-preview"), "").unwrap();
    folder
}

#[track_caller]
fn assert_as_it_was(elsewhere: &Path) {
    let mut found: Vec<_> = fs::read_dir(elsewhere)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    found.sort();
    assert_eq!(found, [".postroom-preview", "thesis.txt"]);
}

#[test]
fn the_outbox() {
    for (path, swapped) in [("outbox", "outbox"), ("sent/outbox", "sent")] {
        let (base, outside) = (tempfile::tempdir().unwrap(), elsewhere());
        let swapper = Swapper::of_folder(base.path().join(swapped), outside.path());
        let (written, refused) = play(ROUNDS / 2, || {
            let folder = OwnFolder::make(base.path(), Path::new(path), Links::Beneath);
            let put = folder.and_then(|folder| folder.put("S001.eml", &[b"a letter"]));
            put.is_ok()
        });
        drop(swapper);
        assert_as_it_was(outside.path());
        assert!(written > 0 && refused > 0, "{written}, {refused}");
    }
}

#[test]
fn the_preview() {
    let test = TestBatch::new(1);
    let batch = Batch::load(&test.path("batch.toml")).unwrap();
    let (manifest, _) = Manifest::read(&batch);
    let secrets = Secrets::default();
    let letters = Letters::new(&batch, &secrets, manifest.unwrap(), None).unwrap();
    let letters = Arc::new(letters);
    let destination = Destination::of(&batch, &secrets);
    let clock = SystemClock::default();
    let plan = Plan::make(&letters, &destination, &clock, &mut |_| ()).unwrap();
    let preview = Preview {
        batch: &batch,
        letters: &letters,
        plan: &plan,
        findings: &[],
        only: None,
        now: clock.now(),
    };
    for swapped in ["preview", "preview.partial"] {
        let outside = elsewhere();
        let swapper = Swapper::of_folder(test.path(swapped), outside.path());
        let (mut written, mut refused) = (0, 0);
        for _ in 0..ROUNDS / 2 {
            match preview.write(&test.path("preview"), &|_| ()) {
                Ok(_) => written += 1,
                Err(_) => refused += 1,
            }
        }
        drop(swapper);
        assert_as_it_was(outside.path());
        // What a swap cut off halfway may stand in the way of all later ones, as it should.
        assert!(refused > 0, "{swapped}: {written}, {refused}");
        for left in ["preview", "preview.partial"] {
            let _ = fs::remove_dir_all(test.path(left));
        }
        preview.write(&test.path("preview"), &|_| ()).unwrap();
    }
}

#[test]
fn a_report() {
    swapped("reports/S001.pdf");
}

#[test]
fn a_template() {
    swapped("letter.html");
}
