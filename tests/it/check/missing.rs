//! Reports that are missing: what lies in their folder is looked at.

use std::fs;
use std::path::Path;

use calamine::{Data, Reader, Xlsx};

use crate::support::{self, TestBatch, pdf::pdf};

#[test]
fn many_missing_reports_are_answered_with_the_pattern_of_the_folder() {
    let batch = TestBatch::new(6);
    for number in 1..=6 {
        fs::remove_file(batch.path(&format!("reports/S{number:03}.pdf"))).unwrap();
        let report = pdf(&[&[&format!("School {number}")]], b"");
        batch.write(&format!("reports/Report (S{number:03}) 2026.pdf"), report);
    }
    let said = batch.run("check", &[]).expect(3);
    said.says("fault: 6 reports are missing")
        .says("and 3 more; -v shows each")
        .says("path = \"reports/Report ({{ id }}) 2026.pdf\" in [[attachment]] gives 6 of 6");
    let each = batch.run("check", &["-v"]).expect(3).stderr;
    assert_eq!(
        each.matches("the attachment is missing").count(),
        6,
        "{each}"
    );
}

#[test]
fn a_missing_report_is_answered_with_the_file_that_shows_its_recipient() {
    let batch = TestBatch::new(3);
    fs::rename(
        batch.path("reports/S002.pdf"),
        batch.path("reports/S002 corrected.pdf"),
    )
    .unwrap();
    batch
        .run("check", &[])
        .expect(3)
        .says("is it `reports/S002 corrected.pdf`?");
}

#[test]
fn a_name_with_its_accents_written_in_another_way_is_seen() {
    let batch = TestBatch::new(0);
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/cases");
    support::copy_folder(&cases.join("f07_nfd"), &batch.path("."));
    let decomposed = "reports/E\u{301}cole.pdf";
    if !batch.path(decomposed).exists() {
        batch.write(decomposed, pdf(&[&["École"]], b""));
    }
    batch
        .run("check", &[])
        .expect(3)
        .says("the same letters written in another way");
}

#[test]
fn who_has_no_report_and_is_skipped_is_named_with_those_that_are_left_out() {
    const SAID: &str = "row 3 S002 School 2 (no report)";
    let batch = TestBatch::new(3);
    batch.replace(
        "batch.toml",
        "name = \"report.pdf\"",
        "name = \"report.pdf\"\nmissing = \"skip\"",
    );
    fs::remove_file(batch.path("reports/S002.pdf")).unwrap();
    let checked = batch.run("check", &["--json"]).expect(0).json();
    let left_out = serde_json::json!([
        {"row": 3, "id": "S002", "name": "School 2", "because": "no report"}
    ]);
    assert_eq!(checked["left_out"], left_out);
    let said = batch.run("check", &[]).expect(0);
    assert!(
        said.stdout.contains("left out     1 row of the list"),
        "{said:?}"
    );
    batch.run("preview", &[]).expect(0);
    let page = fs::read_to_string(batch.path("preview/index.html")).unwrap();
    assert!(page.contains(SAID));
    batch.run("send", &[]).expect(0);
    // Reports of letters that went out may be cleared away: their recipients are not left out.
    fs::remove_file(batch.path("reports/S001.pdf")).unwrap();
    fs::remove_file(batch.path("reports/S003.pdf")).unwrap();
    batch.run("report", &[]).expect(0);
    batch.run("report", &["--format", "xlsx"]).expect(0);
    let record = batch.run("report", &["--json"]).expect(0).json();
    assert_eq!(record["left_out"], left_out);
    assert_eq!(record["notice"], format!("1 row is left out: {SAID}."));
    let page = fs::read_to_string(batch.path("batch.outbox.report.html")).unwrap();
    assert!(page.contains(SAID));
    let csv = fs::read_to_string(batch.path("batch.outbox.report.csv")).unwrap();
    let lines: Vec<_> = csv.lines().collect();
    assert!(lines[1].contains(",accepted,"), "{csv}");
    assert!(lines[2].contains("School 2,teacher2@school2.example,left out (no report),"));
    let path = batch.path("batch.outbox.report.xlsx");
    let mut workbook: Xlsx<_> = calamine::open_workbook(path).unwrap();
    let rows = workbook.worksheet_range("Dispatch list").unwrap();
    let state = rows.get((2, 3));
    assert_eq!(state, Some(&Data::String("left out (no report)".into())));
}
