//! Sending into the outbox, through the front door.

use std::fs;

use crate::support::{TestBatch, assert_is_letter_of, id};

#[test]
fn every_school_gets_its_own_report_once() {
    let batch = TestBatch::new(12);
    let ran = batch.run("send", &[]).expect(0);
    assert!(ran.stdout.contains("12 accepted, 0 pending"), "{ran:?}");
    for number in 1..=12 {
        let path = batch.path(&format!("outbox/{}.eml", id(number)));
        assert_is_letter_of(number, &fs::read(path).unwrap());
    }
    assert_eq!(fs::read_dir(batch.path("outbox")).unwrap().count(), 12);
}

#[test]
fn sending_again_writes_nothing() {
    let batch = TestBatch::new(3);
    batch.run("send", &[]).expect(0);
    fs::remove_dir_all(batch.path("outbox")).unwrap();
    let ran = batch.run("send", &[]).expect(0);
    assert!(ran.stdout.contains("3 accepted, 0 pending"), "{ran:?}");
    assert!(!batch.path("outbox").exists());
    batch
        .run("resume", &[])
        .expect(2)
        .says("there is nothing to resume");
}

#[test]
fn the_shipped_example_makes_its_letters() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/reading-recovery");
    let state = tempfile::tempdir().unwrap();
    let copy = state.path().join("example");
    crate::support::copy_folder(example.as_ref(), &copy);
    let output = crate::support::program()
        .arg("send")
        .arg(&copy)
        .arg("--yes")
        .output()
        .unwrap();
    let ran = crate::support::Ran::of(output).expect(0);
    assert!(ran.stdout.contains("24 accepted, 0 pending"), "{ran:?}");
    assert_eq!(fs::read_dir(copy.join("outbox")).unwrap().count(), 24);
}

#[test]
fn rows_in_another_order_are_the_same_letters() {
    let batch = TestBatch::new(6);
    batch.run("send", &["--limit", "2"]).expect(0);
    let list = fs::read_to_string(batch.path("list.csv")).unwrap();
    let mut rows: Vec<&str> = list.lines().collect();
    rows[1..].reverse();
    batch.write("list.csv", rows.join("\n"));
    let ran = batch.run("send", &[]).expect(0);
    assert!(ran.stdout.contains("6 accepted, 0 pending"), "{ran:?}");
    for number in 1..=6 {
        let path = batch.path(&format!("outbox/{}.eml", id(number)));
        assert_is_letter_of(number, &fs::read(path).unwrap());
    }
}
