//! A batch that changed after it was begun.

use std::fs;

use crate::resume::{replace, sent, subject};
use crate::support::{TestBatch, report};

/// Four schools, of which the first two have their letters.
fn begun() -> TestBatch {
    let batch = TestBatch::new(4);
    batch.run("send", &["--limit", "2"]).expect(0);
    assert_eq!(sent(&batch), ["S001.eml", "S002.eml"]);
    batch
}

/// The change stops the next run, which lists these lines and sends nothing.
#[track_caller]
fn assert_stops(batch: &TestBatch, lines: &[&str]) {
    for verb in ["send", "resume"] {
        let ran = batch.run(verb, &[]).expect(3);
        for line in lines {
            assert!(ran.stderr.contains(line), "{line:?} is not in {ran:?}");
        }
        assert!(
            ran.stderr.contains("nothing was sent") && ran.stderr.contains("--accept-changes"),
            "{ran:?}"
        );
    }
    assert_eq!(sent(batch), ["S001.eml", "S002.eml"]);
}

#[test]
fn another_template_stops_the_next_run() {
    let batch = begun();
    replace(&batch, "letter.html", "your report", "the report");
    assert_stops(
        &batch,
        &[
            "4 changes since the batch was begun",
            "S001: text changed after it was accepted",
            "S003: text changed, not sent yet",
        ],
    );
}

#[test]
fn another_sender_is_named_apart_from_another_text() {
    let batch = begun();
    replace(
        &batch,
        "batch.toml",
        "from = \"",
        "reply_to = \"office@study.example\"\nfrom = \"",
    );
    assert_stops(
        &batch,
        &[
            "S001: sender changed after it was accepted",
            "S003: sender changed, not sent yet",
        ],
    );
    replace(&batch, "letter.html", "your report", "the report");
    assert_stops(&batch, &["S003: text and sender changed, not sent yet"]);
    let checked = batch.run("check", &["--json"]).expect(0).json();
    let changes = checked["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 4, "{checked}");
    assert_eq!(
        changes[2],
        serde_json::json!({
            "id": "S003", "change": "changed", "parts": ["text", "sender"], "state": "pending"
        })
    );
}

#[test]
fn a_state_file_without_the_parts_says_what_it_knows() {
    let batch = begun();
    let file = rusqlite::Connection::open(batch.path("batch.outbox.db")).unwrap();
    // As a program before format 7 wrote it, but for the hashes of its log, which nobody asks for here.
    file.execute_batch(
        "DROP TRIGGER events_stay;
         UPDATE events SET body = json_remove(body, '$.message.parts') WHERE kind = 'planned';
         ALTER TABLE sendings DROP COLUMN parts;
         PRAGMA user_version = 6;",
    )
    .unwrap();
    drop(file);
    replace(&batch, "letter.html", "your report", "the report");
    replace(&batch, "list.csv", "teacher4@", "head4@");
    assert_stops(
        &batch,
        &[
            "S001: text or sender changed after it was accepted",
            "S003: text or sender changed, not sent yet",
            "S004: addresses and text or sender changed, not sent yet",
        ],
    );
}

#[test]
fn another_report_stops_the_next_run() {
    let batch = begun();
    batch.write("reports/S003.pdf", report(33));
    assert_stops(
        &batch,
        &[
            "1 change since the batch was begun",
            "S003: report changed, not sent yet",
        ],
    );
}

#[test]
fn another_address_stops_the_next_run() {
    let batch = begun();
    replace(&batch, "list.csv", "teacher4@", "head4@");
    assert_stops(
        &batch,
        &["1 change since", "S004: addresses changed, not sent yet"],
    );
}

#[test]
fn check_lists_the_changes_too() {
    let batch = begun();
    replace(&batch, "list.csv", "teacher4@", "head4@");
    batch
        .run("check", &[])
        .expect(0)
        .says("warning: S004: addresses changed, not sent yet");
}

#[test]
fn accepted_changes_reach_the_letters_that_were_not_sent() {
    let batch = begun();
    let first = fs::read(batch.path("outbox/S001.eml")).unwrap();
    replace(&batch, "batch.toml", "Report for", "The report for");
    batch.run("send", &["--accept-changes"]).expect(0);
    assert_eq!(subject(&batch, "S003"), "The report for School 3");
    assert_eq!(subject(&batch, "S001"), "Report for School 1");
    assert_eq!(fs::read(batch.path("outbox/S001.eml")).unwrap(), first);
}

#[test]
fn an_accepted_letter_is_not_sent_again_though_it_changed() {
    let batch = begun();
    fs::remove_dir_all(batch.path("outbox")).unwrap();
    replace(&batch, "batch.toml", "Report for", "The report for");
    batch.run("send", &["--accept-changes"]).expect(0);
    assert_eq!(sent(&batch), ["S003.eml", "S004.eml"]);
    batch.run("send", &["--accept-changes"]).expect(0);
    assert_eq!(sent(&batch), ["S003.eml", "S004.eml"]);
}

#[test]
fn changes_once_accepted_are_not_reported_again() {
    let batch = begun();
    replace(&batch, "batch.toml", "Report for", "The report for");
    batch
        .run("send", &["--accept-changes", "--limit", "1"])
        .expect(0);
    batch.run("resume", &[]).expect(0);
    assert_eq!(sent(&batch).len(), 4);
}

#[test]
fn an_added_school_is_reported_and_taken() {
    let batch = begun();
    batch.write("reports/S005.pdf", report(5));
    let list = fs::read_to_string(batch.path("list.csv")).unwrap();
    batch.write(
        "list.csv",
        list + "S005,School 5,teacher5@school5.example\n",
    );
    assert_stops(&batch, &["S005: new in the dispatch list"]);
    batch.run("send", &["--accept-changes"]).expect(0);
    assert_eq!(sent(&batch).len(), 5);
}

#[test]
fn a_removed_school_is_reported_and_gets_no_letter() {
    let batch = begun();
    replace(
        &batch,
        "list.csv",
        "S003,School 3,teacher3@school3.example\n",
        "",
    );
    assert_stops(&batch, &["S003: no longer in the dispatch list, not sent"]);
    batch.run("send", &["--accept-changes"]).expect(0);
    assert_eq!(sent(&batch), ["S001.eml", "S002.eml", "S004.eml"]);
    assert_eq!(batch.in_state("accepted"), ["S001", "S002", "S004"]);
}

#[test]
fn a_removed_school_that_has_its_letter_stays_on_record() {
    let batch = begun();
    let line = "S001,School 1,teacher1@school1.example\n";
    replace(&batch, "list.csv", line, "");
    batch
        .run("check", &[])
        .expect(0)
        .says("warning: S001: no longer in the dispatch list, accepted already");
    // Nothing that is left to send has changed.
    batch.run("send", &["--limit", "1"]).expect(0);
    assert!(batch.in_state("accepted").contains(&"S001".to_owned()));
}

#[test]
fn a_school_that_comes_back_is_not_sent_its_letter_again() {
    let batch = begun();
    let list = fs::read_to_string(batch.path("list.csv")).unwrap();
    replace(
        &batch,
        "list.csv",
        "S001,School 1,teacher1@school1.example\n",
        "",
    );
    batch
        .run("send", &["--accept-changes", "--limit", "1"])
        .expect(0);
    batch.write("list.csv", list);
    fs::remove_file(batch.path("outbox/S001.eml")).unwrap();
    batch.run("send", &["--accept-changes"]).expect(0);
    assert_eq!(sent(&batch), ["S002.eml", "S003.eml", "S004.eml"]);
}

#[test]
fn a_school_that_was_removed_before_its_letter_went_and_comes_back_gets_it() {
    let batch = begun();
    let list = fs::read_to_string(batch.path("list.csv")).unwrap();
    replace(
        &batch,
        "list.csv",
        "S003,School 3,teacher3@school3.example\n",
        "",
    );
    batch.run("send", &["--accept-changes"]).expect(0);
    batch.write("list.csv", list);
    batch.run("send", &["--accept-changes"]).expect(0);
    assert_eq!(sent(&batch).len(), 4);
}

#[test]
fn a_report_that_is_gone_stops_the_next_run() {
    let batch = begun();
    fs::remove_file(batch.path("reports/S003.pdf")).unwrap();
    batch
        .run("send", &["--accept-changes"])
        .expect(3)
        .says("reports/S003.pdf S003: the attachment is missing")
        .says("nothing was sent");
    assert_eq!(sent(&batch).len(), 2);
}

#[test]
fn a_report_replaced_by_that_of_another_school_stops_the_next_run() {
    let batch = begun();
    fs::copy(
        batch.path("reports/S001.pdf"),
        batch.path("reports/S003.pdf"),
    )
    .unwrap();
    batch
        .run("send", &["--accept-changes"])
        .expect(3)
        .says("reports/S003.pdf S003: the attachment has the same contents as that of S001")
        .says("nothing was sent");
    assert_eq!(sent(&batch).len(), 2);
}

#[test]
fn two_reports_that_were_swapped_stop_the_next_run() {
    let batch = begun();
    batch.write("reports/S003.pdf", report(4));
    batch.write("reports/S004.pdf", report(3));
    batch
        .run("send", &["--accept-changes"])
        .expect(3)
        .says("are swapped")
        .says("nothing was sent");
    assert_eq!(sent(&batch).len(), 2);
}

#[test]
fn reports_that_have_gone_out_are_not_read_again() {
    let batch = begun();
    let first = fs::read(batch.path("outbox/S001.eml")).unwrap();
    batch.write("reports/S001.pdf", report(11));
    fs::remove_file(batch.path("reports/S002.pdf")).unwrap();
    batch.run("resume", &[]).expect(0);
    assert_eq!(sent(&batch).len(), 4);
    assert_eq!(fs::read(batch.path("outbox/S001.eml")).unwrap(), first);
    batch
        .run("check", &[])
        .expect(3)
        .says("reports/S002.pdf S002: the attachment is missing");
}
