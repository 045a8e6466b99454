//! Sending a part, a plan that was looked at, or nothing at all.

use std::fs;

use crate::resume::sent;
use crate::support::{TestBatch, report};

#[track_caller]
fn plan(batch: &TestBatch) -> String {
    let checked = batch.run("check", &["--json"]).expect(0).json();
    checked["plan"].as_str().unwrap().to_owned()
}

#[test]
fn the_plan_that_was_looked_at_is_sent() {
    let batch = TestBatch::new(2);
    let plan = plan(&batch);
    batch.run("send", &["--plan", &plan[..12]]).expect(0);
    assert_eq!(sent(&batch).len(), 2);
}

#[test]
fn another_plan_than_the_one_that_was_looked_at_is_not_sent() {
    let batch = TestBatch::new(2);
    let seen = plan(&batch);
    batch.write("reports/S002.pdf", report(22));
    let now = plan(&batch);
    batch
        .run("send", &["--plan", &seen[..12]])
        .expect(3)
        .says(&format!(
            "the plan is now {}, not {}",
            &now[..12],
            &seen[..12]
        ))
        .says("nothing was sent")
        .says("next: look at `postroom check` again");
    assert_eq!(sent(&batch), Vec::<String>::new());
    assert!(!batch.path("batch.outbox.db").exists());
}

#[test]
fn a_plan_id_of_a_few_digits_is_not_enough() {
    let batch = TestBatch::new(1);
    let plan = plan(&batch);
    batch.run("send", &["--plan", &plan[..4]]).expect(3);
    assert_eq!(sent(&batch), Vec::<String>::new());
}

#[test]
fn a_limit_sends_the_first_letters_and_the_next_run_the_rest() {
    let batch = TestBatch::new(5);
    batch.run("send", &["--limit", "2"]).expect(0);
    assert_eq!(sent(&batch), ["S001.eml", "S002.eml"]);
    assert_eq!(batch.in_state("pending"), ["S003", "S004", "S005"]);
    batch.run("resume", &[]).expect(0);
    assert_eq!(sent(&batch).len(), 5);
    assert_eq!(batch.in_state("accepted").len(), 5);
}

#[test]
fn only_the_named_schools_are_sent() {
    let batch = TestBatch::new(4);
    batch
        .run("send", &["--only", "S003", "--only", "S001"])
        .expect(0);
    assert_eq!(sent(&batch), ["S001.eml", "S003.eml"]);
    batch.run("send", &[]).expect(0);
    assert_eq!(sent(&batch).len(), 4);
}

#[test]
fn an_unknown_id_is_refused_and_nothing_is_sent() {
    let batch = TestBatch::new(2);
    batch
        .run("send", &["--only", "S001", "--only", "S00"])
        .expect(2)
        .says("the dispatch list has no recipient S00\n")
        .says("nothing was sent")
        .says("next: correct --only");
    assert_eq!(sent(&batch), Vec::<String>::new());
    assert!(!batch.path("batch.outbox.db").exists());
}

#[test]
fn a_dry_run_sends_nothing_and_writes_no_state_file() {
    let batch = TestBatch::new(2);
    let ran = batch.run("send", &["--dry-run"]).expect(0);
    assert!(
        ran.stdout.contains("dry run: 2 letters made ready")
            && ran.stdout.contains("nothing was sent"),
        "{ran:?}"
    );
    assert!(ran.stdout.contains("t…@school1.example"), "{ran:?}");
    assert_eq!(sent(&batch), Vec::<String>::new());
    assert!(!batch.path("batch.outbox.db").exists());
}

#[test]
fn a_dry_run_needs_no_server() {
    let batch = TestBatch::new(2);
    batch.configure("[dispatch]\ntransport = \"smtp\"");
    batch.run("send", &["--dry-run"]).expect(0);
    assert!(!batch.path("batch.state.db").exists());
}

#[test]
fn a_dry_run_in_json_is_one_object() {
    let batch = TestBatch::new(2);
    let shown = batch.run("send", &["--dry-run", "--json"]).expect(0).json();
    assert_eq!(shown["letters"][0]["state"], "planned");
}

#[test]
fn resume_refuses_when_nothing_was_begun() {
    let batch = TestBatch::new(2);
    batch
        .run("resume", &[])
        .expect(2)
        .says("there is no state file")
        .says("next: `postroom send` starts the batch");
    assert_eq!(sent(&batch), Vec::<String>::new());
    assert!(!batch.path("batch.outbox.db").exists());
}

#[test]
fn status_before_anything_was_sent_says_so() {
    TestBatch::new(2)
        .run("status", &[])
        .expect(2)
        .says("there is no state file");
}

#[test]
fn status_shows_the_figures_and_with_v_every_letter() {
    let batch = TestBatch::new(3);
    batch.run("send", &["--limit", "2"]).expect(0);
    let short = batch.run("status", &[]).expect(0).stdout;
    assert!(
        short.contains("batch   Test reports")
            && short.contains("2 accepted, 1 pending, 0 rejected, 0 in doubt"),
        "{short}"
    );
    assert!(!short.contains("S001"), "{short}");
    let long = batch.run("status", &["-v"]).expect(0).stdout;
    assert!(
        long.contains("accepted  S001  20") && long.contains("pending   S003"),
        "{long}"
    );
    let one = batch.run("status", &["--only", "S002"]).expect(0).stdout;
    assert!(one.contains("S002") && !one.contains("S001"), "{one}");
}

#[test]
fn status_json_has_every_letter_with_its_state() {
    let batch = TestBatch::new(3);
    batch.run("send", &["--limit", "1"]).expect(0);
    let plan = plan(&batch);
    let status = batch.run("status", &["--json"]).expect(0).json();
    assert_eq!(status["batch"], "Test reports");
    assert_eq!(status["plan"], plan.as_str());
    assert_eq!(status["transport"], "outbox");
    assert_eq!(
        status["counts"],
        serde_json::json!({"pending": 2, "accepted": 1, "rejected": 0, "in_doubt": 0, "delayed": 0, "relayed": 0, "delivered": 0, "bounced": 0, "to_look_at": 0, "our_side": 0})
    );
    let first = &status["letters"][0];
    assert_eq!(first["state"], "accepted");
    assert_eq!(first["attempts"], 1);
    assert!(
        first["accepted_at"].as_str().unwrap().ends_with('Z'),
        "{first:#}"
    );
    assert_eq!(first["attachments"][0]["name"], "report.pdf");
    let path = batch.path("outbox/S001.eml");
    let mail = crate::support::parse_mail(&fs::read(path).unwrap());
    assert_eq!(first["message_id"], mail.message_id.as_str());
    assert_eq!(status["letters"][2]["accepted_at"], serde_json::Value::Null);
}
