//! The dispatch list through the front door: what is read, how rows become letters, and what is
//! said of a list that cannot be used.

mod as_kept;
#[cfg(target_os = "linux")]
mod asked;
mod binary;
mod cases;
mod choosing;
mod columns;
mod domains;
mod encodings;
mod hostile;
mod letters;
mod libreoffice;
mod own_list;
mod rows;
mod workbook;
mod workbook_faults;

use std::fs;

use mail_parser::{Address, MessageParser};
use serde_json::Value;

use crate::support::TestBatch;

/// The columns of a plain list.
const PLAIN: &str = "id = \"ID\"\nname = \"School\"\nto = [\"Email\"]";

/// A batch without attachments whose list is this file.
fn list(name: &str, contents: impl AsRef<[u8]>) -> TestBatch {
    list_with(name, contents, PLAIN)
}

/// The same with further or other lines below `[manifest]`.
fn list_with(name: &str, contents: impl AsRef<[u8]>, manifest: &str) -> TestBatch {
    let batch = TestBatch::new(0);
    batch.write(name, contents);
    batch.write(
        "batch.toml",
        format!(
            "[batch]\nname = \"Lists\"\n\n[manifest]\npath = \"{name}\"\n{manifest}\n\n\
             [letter]\nfrom = \"reports@study.example\"\nsubject = \"Report\"\nhtml = \"letter.html\"\n"
        ),
    );
    batch.write("letter.html", "<p>Dear {{ name }} ({{ id }})</p>\n");
    batch
}

/// A letter as the outbox has it.
struct Sent {
    to: Vec<String>,
    cc: Vec<String>,
    body: String,
}

fn addresses(list: Option<&Address<'_>>) -> Vec<String> {
    let each = list.into_iter().flat_map(|list| list.iter());
    each.map(|address| address.address().unwrap().to_owned())
        .collect()
}

/// Sends the batch and reads the letter of a school back.
#[track_caller]
fn send_and_read(batch: &TestBatch, id: &str) -> Sent {
    batch.run("send", &[]).expect(0);
    read(batch, id)
}

/// Reads a letter that was sent.
#[track_caller]
fn read(batch: &TestBatch, id: &str) -> Sent {
    let bytes = fs::read(batch.path(&format!("outbox/{id}.eml"))).unwrap();
    let message = MessageParser::new().parse(&bytes).unwrap();
    Sent {
        to: addresses(message.to()),
        cc: addresses(message.cc()),
        body: message.body_html(0).unwrap().into_owned(),
    }
}

/// The ids of the plan, in order.
#[track_caller]
fn ids(batch: &TestBatch) -> Vec<String> {
    let checked = batch.run("check", &["--json"]).expect(0).json();
    let letters = checked["letters"].as_array().unwrap().iter();
    letters
        .map(|letter| letter["id"].as_str().unwrap().to_owned())
        .collect()
}

/// The faults that stop a batch; with any of them nothing may have been written.
#[track_caller]
fn faults(batch: &TestBatch) -> Vec<Value> {
    let checked = batch.run("check", &["--json"]).expect(3).json();
    batch.run("send", &[]).expect(3).says("nothing was sent");
    assert!(!batch.path("outbox").exists(), "an outbox was made");
    assert!(
        !batch.path("batch.outbox.db").exists(),
        "a state file was made"
    );
    let all = checked["findings"].as_array().unwrap().iter();
    all.filter(|fault| fault["severity"] == "fault")
        .cloned()
        .collect()
}

/// The one fault of a batch, which stands in this row and column and says and advises this.
#[track_caller]
fn one_fault(batch: &TestBatch, row: Option<u32>, column: Option<&str>, text: &str, next: &str) {
    let faults = faults(batch);
    assert_eq!(faults.len(), 1, "{faults:#?}");
    assert_fault(&faults[0], row, column, text, next);
}

#[track_caller]
fn assert_fault(fault: &Value, row: Option<u32>, column: Option<&str>, text: &str, next: &str) {
    assert!(
        fault["file"].as_str().unwrap().starts_with("list."),
        "{fault:#}"
    );
    assert_eq!(fault["row"], serde_json::json!(row), "{fault:#}");
    assert_eq!(fault["column"], serde_json::json!(column), "{fault:#}");
    let contains = |key: &str, part: &str| fault[key].as_str().unwrap().contains(part);
    assert!(contains("text", text), "{text:?} is not in {fault:#}");
    assert!(contains("next_step", next), "{next:?} is not in {fault:#}");
}
