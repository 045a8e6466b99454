//! What is written to the schools: bodies, pictures, header and attachments, from the batch's folder
//! to the mail as it arrives.

mod bodies;
mod cases;
mod files;
mod header;
mod lock;
mod pictures;
mod starters;
mod transports;

use std::fs;

use serde_json::Value;

use crate::support::TestBatch;

/// The findings of a check that ends with this code.
#[track_caller]
fn findings(batch: &TestBatch, code: i32) -> Vec<Value> {
    let checked = batch.run("check", &["--json"]).expect(code);
    checked.json()["findings"].as_array().unwrap().clone()
}

/// Fails the test unless a check that ends with this code finds something with this text.
#[track_caller]
fn assert_finds(batch: &TestBatch, code: i32, part: &str) {
    let found = findings(batch, code);
    let has = |finding: &Value| finding["text"].as_str().unwrap().contains(part);
    assert!(found.iter().any(has), "{part:?} is not in {found:#?}");
}

/// The mail of a school in the outbox.
fn mail(batch: &TestBatch, id: &str) -> Vec<u8> {
    fs::read(batch.path(&format!("outbox/{id}.eml"))).unwrap()
}

/// A batch whose letter is this Markdown.
fn in_markdown(schools: usize, markdown: &str) -> TestBatch {
    let batch = TestBatch::new(schools);
    batch.replace(
        "batch.toml",
        "html = \"letter.html\"",
        "markdown = \"letter.md\"",
    );
    batch.write("letter.md", markdown);
    batch
}

/// A batch with further lines in `[letter]`.
fn with_lines(schools: usize, lines: &str) -> TestBatch {
    let batch = TestBatch::new(schools);
    let html = "html = \"letter.html\"";
    batch.replace("batch.toml", html, &format!("{html}\n{lines}"));
    batch
}

/// A batch with further lines in `[[attachment]]`, in place of the one with the path.
fn with_attachment(schools: usize, lines: &str) -> TestBatch {
    let batch = TestBatch::new(schools);
    batch.replace(
        "batch.toml",
        "path = \"reports/{{ id }}.pdf\"\nname = \"report.pdf\"",
        lines,
    );
    batch
}
