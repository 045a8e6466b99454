//! A dispatch list of 100,000 rows: it is checked, in little memory, and a part of it is sent.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::pedantic,
    reason = "a test may stop at a surprise"
)]

mod support;

use std::path::Path;
use std::process::{Command, Stdio};

use support::{Ran, TestBatch};

const SCHOOLS: usize = 50_000;

/// 50,000 schools with two rows each, and one small file for everyone.
fn large() -> TestBatch {
    let batch = TestBatch::new(0);
    let mut list = String::from("ID,School,Email\n");
    for number in 1..=SCHOOLS {
        for teacher in ["head", "office"] {
            list.push_str(&format!(
                "S{number:06},School {number},{teacher}@school{number}.example\n"
            ));
        }
    }
    batch.write("list.csv", list);
    batch.write("guide.pdf", "%PDF-1.4 the same for everyone\n");
    batch.write("letter.txt", "Dear {{ name }}\n");
    let file = std::fs::read_to_string(batch.path("batch.toml")).unwrap();
    let start = file.find("[[attachment]]").unwrap();
    // A text of its own: deriving it from the HTML takes most of the time where nothing is optimised.
    let letter = file[..start].replace("html =", "text = \"letter.txt\"\nhtml =");
    batch.write(
        "batch.toml",
        format!("{letter}[[attachment]]\npath = \"guide.pdf\"\nshared = true\n"),
    );
    batch
}

/// The largest memory that a run took in kB, as GNU time tells it; none where there is no GNU time.
fn peak_memory(batch: &TestBatch, verb: &str, arguments: &[&str]) -> Option<(Ran, u64)> {
    let time = Path::new("/usr/bin/time");
    if !(cfg!(target_os = "linux") && time.exists()) {
        eprintln!("skipped: there is no /usr/bin/time");
        return None;
    }
    let output = Command::new(time)
        .arg("-v")
        .arg(env!("CARGO_BIN_EXE_postroom"))
        .arg(verb)
        .arg(batch.folder())
        .args(arguments)
        .stdin(Stdio::null())
        .output();
    let ran = Ran::of(output.unwrap());
    let line = ran.stderr.lines().find_map(|line| {
        line.trim()
            .strip_prefix("Maximum resident set size (kbytes): ")
    });
    let Some(kilobytes) = line.and_then(|line| line.parse().ok()) else {
        eprintln!("skipped: /usr/bin/time does not tell the memory");
        return None;
    };
    Some((ran, kilobytes))
}

#[test]
fn a_list_of_100_000_rows_is_checked_in_little_memory_and_sent_in_part() {
    /// The text of the list alone is 5 MB; a letter that were kept would be 50,000 times some kB.
    const MOST_KILOBYTES: u64 = 120_000;
    let batch = large();
    let checked = match peak_memory(&batch, "check", &[]) {
        Some((ran, kilobytes)) => {
            eprintln!("check took {kilobytes} kB");
            assert!(kilobytes < MOST_KILOBYTES, "check took {kilobytes} kB");
            ran
        }
        None => batch.run("check", &[]),
    }
    .expect(0);
    assert!(
        checked
            .stdout
            .contains("letters      50,000 to 100,000 addresses"),
        "{checked:?}"
    );
    let sent = batch.run("send", &["--limit", "10"]).expect(0);
    assert!(
        sent.stdout.contains("10 accepted, 49,990 pending"),
        "{sent:?}"
    );
    assert_eq!(std::fs::read_dir(batch.path("outbox")).unwrap().count(), 10);
}
