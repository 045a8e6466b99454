//! Reports that are missing: what lies in their folder is looked at.

use std::fs;
use std::path::Path;

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
