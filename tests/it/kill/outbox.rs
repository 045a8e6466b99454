//! SIGKILL at 50 moments of runs into the outbox.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::support::victim::Victim;
use crate::support::{TestBatch, assert_is_letter_of, id, wait};

const SCHOOLS: usize = 160;
const KILLS: usize = 50;

/// The whole letters in a folder, each with what changes when it is written again; and how many
/// files there are of any kind.
fn look(folder: &Path) -> (HashMap<PathBuf, (u64, i64, i64)>, usize) {
    let (mut letters, mut files) = (HashMap::new(), 0);
    let Ok(entries) = fs::read_dir(folder) else {
        return (letters, files);
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        files += 1;
        // A file that is not whole yet may have got its name in between.
        if let Ok(metadata) = path.metadata()
            && path.extension().is_some_and(|suffix| suffix == "eml")
        {
            let written = (metadata.ino(), metadata.mtime(), metadata.mtime_nsec());
            letters.insert(path, written);
        }
    }
    (letters, files)
}

#[test]
fn killed_50_times_and_every_letter_is_written_once() {
    let batch = TestBatch::new(SCHOOLS);
    let outbox = batch.path("outbox");
    // The pause keeps each run from getting far; it is killed after one, two or three files, and
    // every other time already when a file that is not whole yet can be seen.
    batch.configure("[dispatch]\nchunk = 3\npause = \"1m\"");
    let mut seen = HashMap::new();
    for moment in 0..KILLS {
        let (_, files) = look(&outbox);
        let more = 1 + moment % 3;
        let victim = Victim::default();
        victim.send(&batch);
        wait::until("the next file", || {
            let (letters, now) = look(&outbox);
            let whole_ones = letters.len() >= seen.len() + more;
            whole_ones || (moment % 2 == 1 && now >= files + more)
        });
        victim.kill();
        victim.wait_until_killed();
        // What was there before has not been written again.
        let (letters, _) = look(&outbox);
        for (path, written) in &seen {
            assert_eq!(
                letters.get(path),
                Some(written),
                "{path:?} at moment {moment}"
            );
        }
        seen = letters;
    }
    assert!(seen.len() < SCHOOLS);
    batch.configure("");
    let ran = batch.run("resume", &[]).expect(0);
    assert!(ran.stdout.contains("160 accepted, 0 pending"), "{ran:?}");
    batch.assert_log_is_whole();
    let (letters, files) = look(&outbox);
    assert_eq!((letters.len(), files), (SCHOOLS, SCHOOLS));
    for (path, written) in &seen {
        assert_eq!(letters.get(path), Some(written), "{path:?} at the end");
    }
    for number in 1..=SCHOOLS {
        let path = outbox.join(format!("{}.eml", id(number)));
        assert_is_letter_of(number, &fs::read(path).unwrap());
    }
}
