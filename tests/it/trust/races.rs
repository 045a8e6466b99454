//! Somebody swaps a file of the batch for a link while it is read, again and again: what lies outside
//! the batch's folder never gets into a plan, a letter or a message.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use postroom::config::{Batch, Secrets};
use postroom::letter::Letters;
use postroom::manifest::Manifest;

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
}

impl Drop for Swapper {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
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
    let (mut good, mut refused) = (0, 0);
    for _ in 0..ROUNDS {
        match made(&batch) {
            Some(all) => {
                let text = String::from_utf8_lossy(&all);
                assert!(
                    !text.contains(OUTSIDE),
                    "{file} was read outside the folder"
                );
                good += 1;
            }
            None => refused += 1,
        }
    }
    assert!(
        good > 0 && refused > 0,
        "{file}: {good} made, {refused} refused"
    );
}

#[test]
fn a_report() {
    swapped("reports/S001.pdf");
}

#[test]
fn a_template() {
    swapped("letter.html");
}
