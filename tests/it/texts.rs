//! The texts that a person meets when something is wrong, kept whole: the thing, the place and the
//! next step must be in each.

// Paths and the words of the system are part of the texts.
use std::fs;
use std::fs::File;

use insta::assert_snapshot;

use crate::support::{Ran, TestBatch, pdf, program, report};

const STATE: &str = "batch.outbox.db";

/// What a run said, without what differs from run to run.
fn shown(batch: &TestBatch, ran: &Ran) -> String {
    let folder = batch.folder().display().to_string();
    let mut text = format!("exit {}\n", ran.code.unwrap());
    for (stream, said) in [("stdout", &ran.stdout), ("stderr", &ran.stderr)] {
        if !said.is_empty() {
            text.push_str(&format!("--- {stream}\n{said}"));
        }
    }
    text.replace(&folder, "[folder]")
        .split(' ')
        .map(without_time)
        .collect::<Vec<_>>()
        .join(" ")
}

/// A date or a time of day, and the hash of a log that has times in it, are named instead of shown.
fn without_time(word: &str) -> String {
    if let Some((first, rest)) = word.split_at_checked(16)
        && first.bytes().all(|digit| digit.is_ascii_hexdigit())
    {
        return format!("[hash]{rest}");
    }
    let shape: String = word
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    match shape.as_str() {
        "0000-00-00" => "[date]".to_owned(),
        "00:00:00" => "[time]".to_owned(),
        _ => word.to_owned(),
    }
}

/// A list with most of what can be wrong with one.
const BAD_LIST: &str = "\
ID,School,Email,Leader,Note
S001,Oak School,a@oak.example,lead@x.example,
,Ash School,a@ash.example,,
S002,Elm School,head(at)elm.example,,
S002,Elm Primary School,b@elm.example,,
S003,Fir School,,,
S004,Yew School,\"a@yew.example, b@yew\",zoé@yew.example,
S005,a@box.example
S006,,f@holly.example,,,stray
S007,Bay School,\"g\u{1b}[2J@bay.example\",,
S008,\"The Box
School\",h@box.example /,,
";

#[test]
fn a_bad_list() {
    let batch = TestBatch::new(1);
    let file = fs::read_to_string(batch.path("batch.toml")).unwrap();
    batch.write(
        "batch.toml",
        file.replace("to = [\"Email\"]", "to = [\"Email\", \"Leader\"]"),
    );
    batch.write("list.csv", BAD_LIST);
    assert_snapshot!(shown(&batch, &batch.run("check", &[])));
}

#[test]
fn a_list_without_its_columns() {
    let batch = TestBatch::new(1);
    batch.write(
        "list.csv",
        "Id,School ,Contact\nS001,Oak School,a@oak.example\n",
    );
    assert_snapshot!(shown(&batch, &batch.run("send", &[])));
}

#[test]
fn templates_with_slips() {
    let batch = TestBatch::new(2);
    batch.write(
        "letter.html",
        "<p>Dear {{ nmae }},</p>\n{% include \"foot.html\" %}\n",
    );
    batch.write("foot.html", "<p>{{ year }}</p>\n");
    assert_snapshot!(shown(&batch, &batch.run("check", &[])));
}

#[test]
fn a_template_that_takes_text_for_something_else() {
    let wrong = [
        "{{ name | join(sep=\", \") }}",
        "{{ id | round }}",
        "{{ id * 2 }}",
        "{{ name + 1 }}",
        "{% if name > 3 %}x{% endif %}",
        "{{ 3 | upper }}",
        "{% for part in name %}{{ part | nth(n=1) }}{% endfor %}",
        "{{ [1] | upper }}",
    ];
    let said = wrong.map(|template| {
        let batch = TestBatch::new(1);
        batch.write("letter.html", format!("<p>{template}</p>"));
        let ran = batch.run("check", &[]);
        let faults = ran.stderr.lines().filter(|line| line.starts_with("fault"));
        faults.collect::<Vec<_>>().join("\n")
    });
    assert_snapshot!(said.join("\n"));
}

#[test]
fn a_template_that_fails_for_one_school() {
    let batch = TestBatch::new(2);
    batch.write(
        "letter.html",
        "<p>Dear {{ name }},</p>\n<p>{% if id == \"S002\" %}{{ school | date }}{% endif %}</p>\n",
    );
    assert_snapshot!(shown(&batch, &batch.run("check", &[])));
}

#[test]
fn reports_that_do_not_belong() {
    let batch = TestBatch::new(5);
    fs::remove_file(batch.path("reports/S001.pdf")).unwrap();
    batch.write("reports/S002.pdf", "");
    batch.write("reports/S003.pdf", "sign in first");
    assert_snapshot!(
        "reports_not_usable",
        shown(&batch, &batch.run("check", &[]))
    );
    let batch = TestBatch::new(3);
    batch.write("reports/S003.pdf", report(1));
    assert_snapshot!("reports_the_same", shown(&batch, &batch.run("check", &[])));
}

#[test]
fn reports_of_other_schools() {
    let batch = TestBatch::new(4);
    batch.replace(
        "batch.toml",
        "name = \"report.pdf\"",
        "name = \"report.pdf\"\npages = 1\nmust_contain = [\"{{ name }}\"]\nmust_not_contain = [\"Draft\"]",
    );
    batch.write("reports/S001.pdf", pdf(&[&["School 1"], &["Draft"]], b"1"));
    batch.write("reports/S002.pdf", pdf(&[&["School 3, S003"]], b"2"));
    batch.write("reports/S003.pdf", pdf(&[&["School 3"]], b"3"));
    batch.write("reports/S004.pdf", pdf(&[&[]], b"4"));
    batch.write("reports/S005.pdf", report(5));
    assert_snapshot!("reports_of_others", shown(&batch, &batch.run("check", &[])));
    batch.replace("batch.toml", "pages = 1", "unreadable = \"fault\"");
    batch.write("reports/S001.pdf", pdf(&[&["School 1"]], b"1"));
    batch.write("reports/S002.pdf", pdf(&[&["School 2"]], b"2"));
    assert_snapshot!(
        "reports_unreadable",
        shown(&batch, &batch.run("check", &[]))
    );
}

#[test]
fn a_school_without_a_report_is_skipped() {
    let batch = TestBatch::new(3);
    batch.replace(
        "batch.toml",
        "name = \"report.pdf\"",
        "name = \"report.pdf\"\nmissing = \"skip\"",
    );
    fs::remove_file(batch.path("reports/S002.pdf")).unwrap();
    let checked = shown(&batch, &batch.run("check", &[]));
    assert_snapshot!(checked.split_once("--- stderr").unwrap().1);
}

#[test]
fn domains_that_may_not_be_meant() {
    let batch = TestBatch::new(8);
    let list = fs::read_to_string(batch.path("list.csv")).unwrap();
    let list = list
        .replace("@school1.", "@gmial.com.")
        .replace("gmial.com.example", "gmial.com")
        .replace("@school2.example", "@gmail.com")
        .replace("@school3.example", "@oak.co.ul")
        .replace("@school8.example", "@school8.test");
    batch.write("list.csv", list);
    batch.replace(
        "batch.toml",
        "id = \"ID\"",
        "id = \"ID\"\nallow_domains = [\"example\", \"gmail.com\", \"gmial.com\", \"oak.co.ul\"]",
    );
    assert_snapshot!(shown(&batch, &batch.run("check", &[])));
}

#[test]
fn a_changed_plan() {
    let batch = TestBatch::new(4);
    batch.run("send", &["--limit", "2"]).expect(0);
    let list = fs::read_to_string(batch.path("list.csv")).unwrap();
    let list = list
        .replace("S002,School 2,teacher2@school2.example\n", "")
        .replace("teacher4@", "head4@");
    batch.write(
        "list.csv",
        list + "S005,School 5,teacher5@school5.example\n",
    );
    batch.write("reports/S005.pdf", report(5));
    batch.write("reports/S001.pdf", pdf(&[&["School 1"]], b"made anew"));
    assert_snapshot!(
        "a_changed_plan_send",
        shown(&batch, &batch.run("send", &[]))
    );
    let checked = shown(&batch, &batch.run("check", &[]));
    let findings = checked.split_once("--- stderr").unwrap().1;
    assert_snapshot!("a_changed_plan_check", findings);
}

/// A batch with one letter sent, and its state file changed.
fn with_state(change: impl FnOnce(&TestBatch)) -> TestBatch {
    let batch = TestBatch::new(2);
    batch.run("send", &["--limit", "1"]).expect(0);
    change(&batch);
    batch
}

#[test]
fn a_state_file_that_another_run_holds() {
    let batch = with_state(|_| {});
    let lock = File::create(batch.path(&format!("{STATE}.lock"))).unwrap();
    lock.try_lock().unwrap();
    let ran = batch.run("send", &[]);
    let holder = ran.stderr.split("process ").nth(1).unwrap();
    let holder = holder.split(',').next().unwrap();
    assert_snapshot!(shown(&batch, &ran).replace(holder, "[pid] on [host]"));
}

#[test]
fn a_state_file_that_is_none() {
    let batch = with_state(|batch| batch.write(STATE, "id,state\n".repeat(99)));
    assert_snapshot!("foreign_send", shown(&batch, &batch.run("send", &[])));
    assert_snapshot!("foreign_check", shown(&batch, &batch.run("check", &[])));
}

#[test]
fn a_damaged_state_file() {
    let batch = with_state(|batch| {
        let whole = fs::read(batch.path(STATE)).unwrap();
        batch.write(STATE, &whole[..whole.len() / 2]);
    });
    assert_snapshot!(shown(&batch, &batch.run("send", &[])));
}

#[test]
fn a_state_file_of_a_newer_program() {
    let batch = with_state(|batch| {
        let ledger = rusqlite::Connection::open(batch.path(STATE)).unwrap();
        ledger.execute_batch("PRAGMA user_version = 8").unwrap();
    });
    assert_snapshot!(shown(&batch, &batch.run("send", &[])));
}

#[test]
fn the_state_file_of_another_batch() {
    let batch = with_state(|batch| {
        let file = fs::read_to_string(batch.path("batch.toml")).unwrap();
        batch.write("batch.toml", file.replace("Test reports", "Reports 2025"));
    });
    assert_snapshot!(shown(&batch, &batch.run("send", &[])));
}

#[test]
fn a_state_file_that_cannot_be_made() {
    let batch = TestBatch::new(1);
    let ran = batch.run("send", &["--state", "list.csv/state.db"]);
    assert_snapshot!(shown(&batch, &ran));
}

#[test]
fn smtp_without_a_server() {
    let batch = TestBatch::new(1);
    batch.configure("[dispatch]\ntransport = \"smtp\"");
    assert_snapshot!("smtp_check", shown(&batch, &batch.run("check", &[])));
    assert_snapshot!("smtp_send", shown(&batch, &batch.run("send", &["--yes"])));
    assert_snapshot!("smtp_unasked", shown(&batch, &batch.run("send", &[])));
}

#[test]
fn a_batch_file_with_a_slip() {
    let batch = TestBatch::new(1);
    let file = fs::read_to_string(batch.path("batch.toml")).unwrap();
    batch.write("batch.toml", file.replace("to = [", "too = ["));
    assert_snapshot!(shown(&batch, &batch.run("check", &[])));
}

#[test]
fn an_outbox_file_in_the_way() {
    let batch = TestBatch::new(2);
    fs::create_dir(batch.path("outbox")).unwrap();
    batch.write("outbox/S001.eml", "mine");
    assert_snapshot!(shown(&batch, &batch.run("send", &[])));
}

#[test]
fn an_outbox_that_cannot_be_made() {
    let batch = TestBatch::new(2);
    batch.write("outbox", "mine");
    assert_snapshot!(shown(&batch, &batch.run("send", &[])));
}

#[test]
fn nothing_to_resume() {
    let batch = TestBatch::new(1);
    assert_snapshot!("nothing_begun", shown(&batch, &batch.run("resume", &[])));
    batch.run("send", &[]).expect(0);
    assert_snapshot!("nothing_left", shown(&batch, &batch.run("resume", &[])));
}

#[test]
fn a_list_in_place_of_a_batch() {
    let batch = TestBatch::new(1);
    let mut command = program();
    command.arg("check").arg(batch.path("list.csv"));
    assert_snapshot!(shown(&batch, &Ran::of(command.output().unwrap())));
}
