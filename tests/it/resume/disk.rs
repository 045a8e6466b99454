//! A full disk, which only a real one shows: a small file system in memory, mounted for the test.

#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;

use crate::support::disk::SmallDisk;
use crate::support::{TestBatch, assert_is_letter_of, id};

/// Each school has its letter once, and nothing else is there.
#[track_caller]
fn assert_complete(batch: &TestBatch, outbox: &Path) {
    for number in 1..=batch.ids().len() {
        let path = outbox.join(format!("{}.eml", id(number)));
        assert_is_letter_of(number, &fs::read(path).unwrap());
    }
    assert_eq!(fs::read_dir(outbox).unwrap().count(), batch.ids().len());
}

#[test]
fn an_outbox_on_a_full_disk_stops_the_run_and_the_next_one_completes_it() {
    let Some(disk) = SmallDisk::mount(64) else {
        return;
    };
    let batch = TestBatch::new(30);
    let outbox = disk.path.join("outbox");
    batch.configure(&format!("[outbox]\npath = '{}'", outbox.display()));
    let file = fs::read_to_string(batch.path("batch.toml")).unwrap();
    batch.write(
        "batch.toml",
        file.replace("[manifest]", "allow_outside = true\n[manifest]"),
    );
    let ran = batch
        .run("send", &[])
        .expect(5)
        .says("stopped: cannot write")
        .says("No space left on device")
        .says("next: fix the cause; then `postroom send` goes on");
    let accepted = batch.in_state("accepted").len();
    assert!((1..30).contains(&accepted), "{ran:?}");
    for entry in fs::read_dir(&outbox).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        assert!(name.ends_with(".eml"), "{name} was left");
    }
    disk.grow(4096);
    batch.run("send", &[]).expect(0);
    assert_complete(&batch, &outbox);
}

#[test]
fn a_state_file_on_a_disk_that_fills_stops_the_run_and_the_next_one_completes_it() {
    let Some(disk) = SmallDisk::mount(1024) else {
        return;
    };
    let batch = TestBatch::new(200);
    let state = disk.path.join("state.db");
    let state = state.to_str().unwrap();
    // What is left of the disk after the first letters is taken by something else.
    batch
        .run("send", &["--state", state, "--limit", "5"])
        .expect(0);
    fs::write(disk.path.join("other"), [0; 1 << 20]).unwrap_err();
    let ran = batch.run("send", &["--state", state]);
    assert!(matches!(ran.code, Some(3 | 5)), "{ran:?}");
    let ran = ran.says("next: ");
    assert!(ran.stderr.contains("state"), "{ran:?}");
    fs::remove_file(disk.path.join("other")).unwrap();
    disk.grow(8192);
    batch.run("send", &["--state", state]).expect(0);
    assert_complete(&batch, &batch.path("outbox"));
}

#[test]
fn a_state_file_that_fills_its_disk_by_itself_loses_and_doubles_nothing() {
    let Some(disk) = SmallDisk::mount(288) else {
        return;
    };
    let batch = TestBatch::new(300);
    let state = disk.path.join("state.db");
    let state = state.to_str().unwrap();
    let mut size = 288;
    let mut stopped = 0;
    loop {
        let ran = batch.run("send", &["--state", state]);
        if ran.code == Some(0) {
            break;
        }
        assert!(matches!(ran.code, Some(3 | 5)), "{ran:?}");
        stopped += 1;
        ran.says("cannot write the state file")
            .says("next: make room");
        size += 96;
        assert!(size < 8192, "it never ends");
        disk.grow(size);
    }
    assert!(stopped > 0, "the disk was never full");
    assert_complete(&batch, &batch.path("outbox"));
    let sent = batch
        .run("status", &["--state", state, "--json"])
        .expect(0)
        .json();
    assert_eq!(sent["counts"]["accepted"], 300);
}

#[test]
fn no_room_for_a_state_file_is_reported_before_anything_is_sent() {
    let Some(disk) = SmallDisk::mount(16) else {
        return;
    };
    let batch = TestBatch::new(3);
    let state = disk.path.join("state.db");
    batch
        .run("send", &["--state", state.to_str().unwrap()])
        .expect(3)
        .says("cannot write the state file")
        .says("next: make room");
    assert!(!batch.path("outbox").exists());
}
