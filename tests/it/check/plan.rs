//! The plan: what `check` shows of a batch without faults, and when its id changes.

use std::fs;

use serde_json::json;

use crate::check::assert_nothing_written;
use crate::support::{TestBatch, id, report};

#[test]
fn check_shows_what_a_person_can_sign() {
    let batch = TestBatch::new(3);
    let ran = batch.run("check", &[]).expect(0);
    for line in [
        "batch        Test reports",
        "from         Study <reports@study.example>",
        "letters      3, to 3 addresses",
        "attachments  3",
        "warnings     0",
        "plan         ",
    ] {
        assert!(ran.stdout.contains(line), "{line:?} is not in {ran:?}");
    }
    assert_eq!(ran.stderr, "");
}

#[test]
fn check_writes_nothing() {
    let batch = TestBatch::new(3);
    batch.run("check", &[]).expect(0);
    batch.run("check", &["--json"]).expect(0);
    assert_nothing_written(&batch);
}

#[test]
fn check_json_has_the_documented_keys() {
    let batch = TestBatch::new(2);
    let checked = batch.run("check", &["--json"]).expect(0).json();
    let keys = |value: &serde_json::Value| -> Vec<String> {
        value.as_object().unwrap().keys().cloned().collect()
    };
    for key in [
        "batch",
        "plan",
        "transport",
        "state_file",
        "counts",
        "letters",
        "findings",
    ] {
        assert!(checked.get(key).is_some(), "{key} is not in {checked:#}");
    }
    assert_eq!(checked["batch"], "Test reports");
    assert_eq!(checked["transport"], "outbox");
    assert_eq!(checked["plan"].as_str().unwrap().len(), 64);
    assert_eq!(
        checked["counts"],
        json!({"pending": 2, "accepted": 0, "rejected": 0, "in_doubt": 0})
    );
    assert_eq!(checked["findings"], json!([]));
    let summary = &checked["summary"];
    for (key, figure) in [
        ("letters", 2),
        ("addresses", 2),
        ("attachments", 2),
        ("warnings", 0),
    ] {
        assert_eq!(summary[key], figure, "{key}");
    }
    assert_eq!(summary["from"], "Study <reports@study.example>");
    assert!(summary["bytes"].as_u64().unwrap() > 0 && summary["seconds"] == 0);
    let attachment = &checked["letters"][0]["attachments"][0];
    assert_eq!(attachment["verdict"], "confirmed");
    assert_eq!(attachment["pages"], 1);
    let letter = &checked["letters"][1];
    for key in [
        "id",
        "state",
        "message_id",
        "to",
        "attempts",
        "accepted_at",
        "attachments",
        "error",
    ] {
        assert!(
            keys(letter).contains(&key.to_owned()),
            "{key} is not in {letter:#}"
        );
    }
    assert_eq!(letter["id"], "S002");
    assert_eq!(letter["state"], "planned");
    assert_eq!(letter["to"], json!(["teacher2@school2.example"]));
    assert_eq!(letter["attempts"], 0);
    assert_eq!(letter["accepted_at"], json!(null));
    assert_eq!(letter["error"], json!(null));
    let attachment = &letter["attachments"][0];
    assert_eq!(attachment["name"], "report.pdf");
    assert_eq!(attachment["bytes"], report(2).len());
    assert_eq!(attachment["sha256"].as_str().unwrap().len(), 64);
}

#[test]
fn check_json_has_the_faults_with_all_their_parts() {
    let batch = TestBatch::new(2);
    batch.write(
        "list.csv",
        "ID,School,Email\nS001,One,nobody\nS002,Two,b@s.example\n",
    );
    let checked = batch.run("check", &["--json"]).expect(3).json();
    assert_eq!(
        checked["findings"],
        json!([{
            "severity": "fault",
            "file": "list.csv",
            "row": 2,
            "column": "Email",
            "id": "S001",
            "text": "`nobody` is not a mail address: it needs exactly one @",
            "next_step": "correct the address",
        }])
    );
    assert_eq!(checked["plan"], json!(null));
    assert_eq!(checked["letters"], json!([]));
    assert_nothing_written(&batch);
}

/// The plan's id.
#[track_caller]
fn plan(batch: &TestBatch) -> String {
    let checked = batch.run("check", &["--json"]).expect(0).json();
    checked["plan"].as_str().unwrap().to_owned()
}

#[test]
fn the_plan_is_the_same_when_nothing_changed() {
    let batch = TestBatch::new(20);
    let first = plan(&batch);
    assert_eq!(plan(&batch), first);
    let shown = batch.run("check", &[]).expect(0).stdout;
    assert!(shown.contains(&first[..12]), "{shown}");
}

#[test]
fn the_plan_is_the_same_after_letters_were_sent() {
    let batch = TestBatch::new(4);
    let first = plan(&batch);
    batch.run("send", &["--limit", "2"]).expect(0);
    assert_eq!(plan(&batch), first);
}

/// Fails unless the change gives another plan.
#[track_caller]
fn changes_the_plan(change: impl FnOnce(&TestBatch)) {
    let batch = TestBatch::new(3);
    let before = plan(&batch);
    change(&batch);
    assert_ne!(plan(&batch), before);
}

fn replace(batch: &TestBatch, name: &str, from: &str, to: &str) {
    let text = fs::read_to_string(batch.path(name)).unwrap();
    assert!(text.contains(from), "{from:?} is not in {text}");
    batch.write(name, text.replace(from, to));
}

#[test]
fn another_address_is_another_plan() {
    changes_the_plan(|batch| replace(batch, "list.csv", "teacher2@", "head2@"));
}

#[test]
fn another_subject_is_another_plan() {
    changes_the_plan(|batch| replace(batch, "batch.toml", "Report for", "The report for"));
}

#[test]
fn another_template_is_another_plan() {
    changes_the_plan(|batch| replace(batch, "letter.html", "your report", "the report"));
}

#[test]
fn another_report_is_another_plan() {
    changes_the_plan(|batch| batch.write(&format!("reports/{}.pdf", id(2)), report(99)));
}

#[test]
fn another_sender_is_another_plan() {
    changes_the_plan(|batch| replace(batch, "batch.toml", "reports@study", "office@study"));
}

#[test]
fn another_attachment_name_is_another_plan() {
    changes_the_plan(|batch| replace(batch, "batch.toml", "\"report.pdf\"", "\"Report.pdf\""));
}

#[test]
fn a_school_more_is_another_plan() {
    changes_the_plan(|batch| {
        batch.write("reports/S004.pdf", report(4));
        let list = fs::read_to_string(batch.path("list.csv")).unwrap();
        batch.write("list.csv", list + "S004,Four,d@s.example\n");
    });
}

#[test]
fn a_column_that_no_letter_shows_is_no_part_of_the_plan() {
    let batch = TestBatch::new(3);
    let before = plan(&batch);
    let list = fs::read_to_string(batch.path("list.csv")).unwrap();
    let list: String = list.lines().map(|line| format!("{line},Note\n")).collect();
    batch.write("list.csv", list);
    assert_eq!(plan(&batch), before);
}
