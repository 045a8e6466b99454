//! The record, through the front door: its three forms, and the log that is checked.

use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::process::Command;

use calamine::{Data, DataType, Reader, Xlsx};
use rusqlite::Connection;
use serde_json::Value;

use crate::support::smtp::{Action, SmtpServer, Step};
use crate::support::{TestBatch, copy_folder};

/// The last hash that a run shown, as it stands at the end of what it said.
fn reported_hash(stderr: &str) -> String {
    let line = stderr
        .lines()
        .find(|line| line.starts_with("log: "))
        .unwrap();
    line.rsplit(' ').next().unwrap().to_owned()
}

#[test]
fn the_record_is_written_in_three_forms_beside_the_batch_file() {
    let batch = TestBatch::new(3);
    batch.run("send", &["--limit", "2"]).expect(0);
    batch.run("report", &[]).expect(0);
    let csv = fs::read_to_string(batch.path("batch.outbox.report.csv")).unwrap();
    // With the mark that Excel needs.
    let lines: Vec<_> = csv.strip_prefix('\u{feff}').unwrap().lines().collect();
    assert_eq!(lines.len(), 4);
    let address = "teacher1@school1.example";
    assert!(lines[1].starts_with(&format!("S001,School 1,{address},accepted,{address},,20")));
    assert!(lines[3].starts_with("S003,School 3,teacher3@school3.example,pending,,,,"));
    let json = fs::read(batch.path("batch.outbox.report.json")).unwrap();
    let json: Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json["kind"], "outbox");
    assert_eq!(json["counts"]["accepted"], 2);
    assert_eq!(
        json["letters"][0]["attachments"][0]["sha256"]
            .as_str()
            .unwrap()
            .len(),
        64
    );
    let page = fs::read_to_string(batch.path("batch.outbox.report.html")).unwrap();
    assert!(page.contains("teacher1@school1.example"));
    #[cfg(unix)]
    for form in ["html", "csv", "json"] {
        use std::os::unix::fs::PermissionsExt;
        let file = fs::metadata(batch.path(&format!("batch.outbox.report.{form}"))).unwrap();
        assert_eq!(file.permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn one_form_goes_where_it_is_asked_to_go_and_nothing_else_is_written() {
    let batch = TestBatch::new(1);
    batch.run("send", &[]).expect(0);
    let ran = batch
        .run("report", &["--format", "csv", "--output", "-"])
        .expect(0);
    assert!(
        ran.stdout.starts_with("ID,School,Email,postroom_state,"),
        "{ran:?}"
    );
    let json = batch.run("report", &["--json"]).expect(0).json();
    assert_eq!(json["letters"][0]["id"], "S001");
    batch
        .run("report", &["--format", "json", "-o", "here.json"])
        .expect(0);
    assert!(batch.path("here.json").exists());
    assert!(!batch.path("batch.outbox.report.html").exists());
    batch.run("report", &["--output", "x"]).expect(2);
    batch
        .run("report", &["--json", "--format", "csv"])
        .expect(2);
    batch
        .run(
            "report",
            &["--format", "json", "-o", "no/such/folder/x.json"],
        )
        .expect(1)
        .says("next: ");
}

#[test]
fn a_workbook_is_written_where_it_is_asked_for_and_for_its_user_alone() {
    let batch = TestBatch::new(2);
    batch.replace("list.csv", "S002", "0002");
    fs::rename(
        batch.path("reports/S002.pdf"),
        batch.path("reports/0002.pdf"),
    )
    .unwrap();
    batch.run("send", &[]).expect(0);
    batch.run("report", &["--format", "xlsx"]).expect(0);
    let path = batch.path("batch.outbox.report.xlsx");
    let mut workbook: Xlsx<_> = calamine::open_workbook(&path).unwrap();
    let rows = workbook.worksheet_range("Dispatch list").unwrap();
    assert_eq!(rows.get((2, 0)), Some(&Data::String("0002".into())));
    assert_eq!(rows.get((2, 3)), Some(&Data::String("accepted".into())));
    assert!(rows.get((2, 6)).unwrap().is_datetime());
    let letters = workbook.worksheet_range("Letters").unwrap();
    assert_eq!(letters.height(), 3);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    // The three forms of every day are what they were, and a pipe takes the workbook too.
    assert!(!batch.path("batch.outbox.report.csv").exists());
    batch.run("report", &[]).expect(0);
    let piped = batch
        .command("report", &["--format", "xlsx", "--output", "-"])
        .output()
        .unwrap();
    let piped: Result<Xlsx<_>, _> = calamine::open_workbook_from_rs(Cursor::new(piped.stdout));
    assert_eq!(piped.unwrap().sheet_names().len(), 3);
}

#[test]
fn a_workbook_that_libreoffice_reads_has_the_same_cells() {
    let mut office = Command::new("soffice");
    if office.arg("--version").output().is_err() {
        eprintln!("skipped: soffice is not installed");
        return;
    }
    let batch = TestBatch::new(1);
    batch.replace("list.csv", "School 1", "=1+1");
    batch.run("send", &[]).expect(0);
    batch
        .run("report", &["--format", "xlsx", "-o", "here.xlsx"])
        .expect(0);
    let folder = batch.path("");
    let profile = format!("-env:UserInstallation=file://{}/office", folder.display());
    let status = Command::new("soffice")
        .args([&profile, "--headless", "--convert-to", "csv", "here.xlsx"])
        .current_dir(&folder)
        .status()
        .unwrap();
    assert!(status.success());
    let csv = fs::read_to_string(batch.path("here.csv")).unwrap();
    assert!(
        csv.contains("S001,=1+1,teacher1@school1.example,accepted"),
        "{csv}"
    );
}

#[test]
fn a_rehearsal_has_a_record_of_its_own() {
    let batch = TestBatch::new(1);
    batch
        .run("send", &["--redirect-to", "me@study.example", "--yes"])
        .expect(0);
    batch.run("report", &["--rehearsal"]).expect(0);
    let json = fs::read_to_string(batch.path("batch.rehearsal.report.json")).unwrap();
    assert!(json.contains("\"kind\":\"rehearsal\""));
    batch
        .run("report", &[])
        .expect(2)
        .says("there is no state file");
}

#[test]
fn a_list_that_cannot_be_read_any_more_leaves_the_letters() {
    let batch = TestBatch::new(2);
    batch.run("send", &[]).expect(0);
    fs::remove_file(batch.path("list.csv")).unwrap();
    let ran = batch
        .run("report", &["--format", "csv", "--output", "-"])
        .expect(0)
        .says("the record has the letters alone")
        .says("next: ");
    assert!(ran.stdout.contains("\r\nS002,accepted,"), "{ran:?}");
}

#[test]
fn the_hash_that_a_run_reported_is_found_again_in_a_longer_log() {
    let batch = TestBatch::new(3);
    let first = reported_hash(&batch.run("send", &["--limit", "1"]).expect(0).stderr);
    let last = reported_hash(&batch.run("send", &[]).expect(0).stderr);
    let ran = batch.run("report", &["--verify"]).expect(0);
    assert!(ran.stdout.contains(&format!("last hash {last}")), "{ran:?}");
    assert!(
        ran.stdout.contains("tamper-evident, not tamper-proof"),
        "{ran:?}"
    );
    let ran = batch
        .run("report", &["--verify", "--hash", &first])
        .expect(0);
    assert!(
        ran.stdout.contains("nothing up to there was changed"),
        "{ran:?}"
    );
    batch
        .run("report", &["--verify", "--hash", "0123456789ab"])
        .expect(3)
        .says("no event has the hash")
        .says("next: ");
    batch
        .run("report", &["--verify", "--hash", "xyz"])
        .expect(2);
    let json = batch
        .run("report", &["--verify", "--json"])
        .expect(0)
        .json();
    assert_eq!(json["whole"], true);
    assert_eq!(json["last_hash"].as_str().unwrap()[..16], last);
}

#[test]
fn a_log_that_was_changed_is_reported_and_its_record_is_not_passed_off_as_good() {
    let batch = TestBatch::new(2);
    batch.run("send", &[]).expect(0);
    let ledger = Connection::open(batch.path("batch.outbox.db")).unwrap();
    ledger
        .execute_batch(
            "DROP TRIGGER events_stay; UPDATE events SET at = at - 60000 WHERE kind = 'settled'",
        )
        .unwrap();
    ledger.close().unwrap();
    let ran = batch
        .run("report", &["--verify"])
        .expect(3)
        .says("the log is not whole: event ")
        .says("letter S001");
    assert!(!ran.stdout.contains("whole"), "{ran:?}");
    batch
        .run("report", &[])
        .expect(3)
        .says("the log is not whole");
    let json = fs::read(batch.path("batch.outbox.report.json")).unwrap();
    let json: Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json["log"]["whole"], false);
}

#[test]
fn a_state_file_that_is_older_than_the_log_has_a_record_all_the_same() {
    let batch = TestBatch::new(0);
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/state");
    copy_folder(&kept.join("batch"), batch.folder());
    fs::copy(
        kept.join("format-2/outbox.db"),
        batch.path("batch.outbox.db"),
    )
    .unwrap();
    let run =
        |verb: &str, more: &[&str]| batch.run(verb, &[&["--transport", "outbox"], more].concat());
    run("report", &[]).expect(0).says("the file has no log");
    run("report", &["--verify"])
        .expect(3)
        .says("the file has no log");
    run("send", &[]).expect(0);
    let ran = run("report", &["--verify"]).expect(0);
    assert!(
        ran.stdout.contains("it cannot speak of 15 letters that"),
        "{ran:?}"
    );
}

#[test]
fn who_settled_a_letter_by_hand_and_why_is_in_the_record() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(1);
    batch.use_smtp(server.port(), "");
    server.script(|event| match event.step {
        Step::FinalDot => Action::AcceptThenCut,
        _ => Action::Go,
    });
    batch.send(&[]).expect(4);
    let why = "the school has it";
    let mut command = batch.command("resolve", &["S001", "--accepted", "--because", why]);
    command.env("USER", "ann");
    assert!(command.status().unwrap().success());
    let json = batch.run("report", &["--json"]).expect(0).json();
    let resolved = &json["letters"][0]["resolved"];
    assert!(
        resolved["by"].as_str().unwrap().starts_with("ann on "),
        "{json}"
    );
    assert_eq!(resolved["because"], why);
}

#[test]
fn looking_at_the_record_changes_nothing_of_it() {
    let batch = TestBatch::new(2);
    let shown = reported_hash(&batch.run("send", &[]).expect(0).stderr);
    for arguments in [vec![], vec!["--json"], vec!["--verify"]] {
        batch.run("report", &arguments).expect(0);
    }
    let ran = batch.run("report", &["--verify"]).expect(0);
    assert!(
        ran.stdout.contains(&format!("last hash {shown}")),
        "{ran:?}"
    );
}

#[test]
fn no_part_of_a_cell_is_a_formula_where_lines_are_split_at_other_signs() {
    let batch = TestBatch::new(1);
    batch.replace("list.csv", "ID,School,Email", "ID,School,Email,Note");
    batch.replace(
        "list.csv",
        "school1.example",
        "school1.example,\"x;=1+1|@y\t -z; \"\"=2\"",
    );
    batch.run("send", &[]).expect(0);
    batch.run("report", &["--format", "csv"]).expect(0);
    let csv = fs::read_to_string(batch.path("batch.outbox.report.csv")).unwrap();
    assert!(csv.contains("\"x;'=1+1|'@y\t' -z;' \"\"=2\""), "{csv}");
}

/// What a CSV record says of each letter: id, state and next step.
fn next_steps(batch: &TestBatch, record: &str) -> Vec<[String; 3]> {
    let csv = fs::read_to_string(batch.path(record)).unwrap();
    let csv = csv.trim_start_matches('\u{feff}');
    let mut rows = csv::Reader::from_reader(csv.as_bytes());
    let headers = rows.headers().unwrap().clone();
    let columns = ["ID", "postroom_state", "postroom_next"];
    let columns = columns.map(|name| headers.iter().position(|header| header == name).unwrap());
    let rows = rows.records().map(Result::unwrap);
    rows.map(|row| columns.map(|column| row[column].to_owned()))
        .collect()
}

#[test]
fn the_table_says_what_to_do_about_each_letter_that_did_not_go_to_all() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(4);
    batch.use_smtp(server.port(), "");
    batch.replace("list.csv", "teacher2@", "gone@school2.example teacher2@");
    server.script(|event| match &event.step {
        Step::Rcpt(to) if to.starts_with("gone@") || to.starts_with("teacher1@") => {
            Action::reply(550, "5.1.1 No such user")
        }
        Step::FinalDot if event.message == 4 => Action::AcceptThenCut,
        _ => Action::Go,
    });
    batch.send(&[]).expect(4);
    batch.run("report", &[]).expect(0);
    let steps = next_steps(&batch, "batch.report.csv");
    let expected = [
        [
            "S001",
            "rejected",
            "Mend what the answer names; then `postroom send --retry-rejected`",
        ],
        [
            "S002",
            "accepted",
            "The other addresses have it. Correct the address in the list if it is wrong; then \
             `postroom resend --only S002 --because …` writes to those that do not have it",
        ],
        ["S003", "accepted", ""],
        [
            "S004",
            "in_doubt",
            "Look in the server’s log, or in Sent Items of a mailbox, or ask the school; then \
             `postroom resolve S004 --accepted`, or `--unsent` to have it sent",
        ],
    ];
    assert_eq!(steps, expected);
    // The page says the same, with its commands set off in place of the marks.
    let page = fs::read_to_string(batch.path("batch.report.html")).unwrap();
    for step in steps.iter().map(|[_, _, next]| next) {
        for words in step.split('`').map(|words| words.trim_matches([',', ' '])) {
            let words = words.trim_end_matches(" S002 --because …");
            let words = words.trim_end_matches(" S004 --accepted");
            assert!(page.contains(words), "{words}");
        }
    }
}
