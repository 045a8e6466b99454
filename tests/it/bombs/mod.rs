//! Small files that grow when they are read: what the program takes of memory and time for them is
//! bounded, and it says what is wrong. The bounds are set by the system, so that a run which passes
//! one ends with a signal and not with an exit code.

mod lists;
mod pdfs;
mod replies;
mod settings;

use std::io::Write;
use std::process::{Command, Stdio};

use flate2::Compression;
use flate2::write::{DeflateEncoder, ZlibEncoder};

use crate::support::{Ran, TestBatch};

/// What a run may have of memory of its own, stacks and all: 64 MB, and 256 MB for the bomb.
const MOST_KILOBYTES: u64 = (64 + 256) << 10;
/// The time of the processor that it may have, where nothing is optimised: what else the machine does
/// is not counted.
const MOST_SECONDS: u64 = 40;

/// Checks a batch within the bounds.
#[track_caller]
fn check(batch: &TestBatch) -> Ran {
    run(batch, &["check"], MOST_KILOBYTES)
}

/// The same, with a look at the server.
#[track_caller]
fn check_online(batch: &TestBatch) -> Ran {
    run(batch, &["check", "--online"], MOST_KILOBYTES)
}

/// Runs the program on a batch within bounds.
#[track_caller]
fn run(batch: &TestBatch, arguments: &[&str], most_kilobytes: u64) -> Ran {
    let output = Command::new("sh")
        .args([
            "-c",
            &format!(
                "ulimit -d {most_kilobytes} && ulimit -t {MOST_SECONDS} && exec \"$0\" \"$@\""
            ),
        ])
        .arg(crate::support::program().get_program())
        .args(arguments)
        .arg(batch.folder())
        .current_dir(batch.folder())
        .env_clear()
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let ran = Ran::of(output);
    assert!(ran.code.is_some(), "a bound was passed: {ran:?}");
    assert!(!ran.stderr.contains("allocation"), "{ran:?}");
    ran
}

/// The piece, so often, compressed: no more than the compressed piece is ever in memory.
fn deflated(piece: &[u8], times: usize) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(piece).unwrap();
    encoder.flush().unwrap();
    // The first piece is written with nothing before it, so that it can stand behind itself.
    let first = encoder.get_ref().clone();
    let mut bytes = first.repeat(times);
    bytes.extend(
        DeflateEncoder::new(Vec::new(), Compression::best())
            .finish()
            .unwrap(),
    );
    bytes
}

/// The piece, so often, as PDFs have it.
fn zlib(piece: &[u8], times: usize) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    for _ in 0..times {
        encoder.write_all(piece).unwrap();
    }
    encoder.finish().unwrap()
}

#[test]
fn a_run_that_takes_more_is_found_out() {
    let output = Command::new("sh")
        .args(["-c", "ulimit -d 400 && exec \"$0\" --version"])
        .arg(crate::support::program().get_program())
        .output()
        .unwrap();
    assert_ne!(output.status.code(), Some(0), "the bound on memory is none");
}
