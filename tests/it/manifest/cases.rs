//! Lists as people have them, one small batch a folder, and what is said of each.

use std::path::Path;

use serde_json::Value;

use crate::manifest::{ids, send_and_read};
use crate::support::{self, TestBatch};

/// A batch of `tests/fixtures/cases`.
fn case(name: &str) -> TestBatch {
    let batch = TestBatch::new(0);
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/cases");
    support::copy_folder(&cases.join(name), &batch.path("."));
    batch
}

/// The findings of `check`, which ends with this code.
#[track_caller]
fn findings(batch: &TestBatch, code: i32) -> Vec<Value> {
    let checked = batch.run("check", &["--json"]).expect(code).json();
    checked["findings"].as_array().unwrap().clone()
}

/// The finding of this severity, in this row, that says this.
#[track_caller]
fn says(name: &str, severity: &str, row: Option<u32>, text: &str, next: &str) {
    let findings = findings(&case(name), if severity == "fault" { 3 } else { 0 });
    let found = findings.iter().any(|finding| {
        finding["severity"] == severity
            && finding["row"] == serde_json::json!(row)
            && finding["text"].as_str().unwrap().contains(text)
            && finding["next_step"].as_str().unwrap().contains(next)
    });
    assert!(found, "{name}: {findings:#?}");
}

#[track_caller]
fn is_without_warning(name: &str) {
    let findings = findings(&case(name), 0);
    assert!(
        findings
            .iter()
            .all(|finding| finding["severity"] == "notice"),
        "{findings:#?}"
    );
}

#[test]
fn a_first_line_that_names_the_delimiter_is_no_header() {
    is_without_warning("c01_sep");
    assert_eq!(ids(&case("c01_sep")), ["1001", "1002"]);
}

#[test]
fn an_invisible_character_in_an_id_is_named() {
    says(
        "c11_zwsp_id",
        "fault",
        Some(2),
        "zero-width space (U+200B)",
        "type the id again",
    );
}

#[test]
fn an_invisible_character_in_an_address_is_named() {
    says(
        "c12_zwsp_addr",
        "fault",
        Some(2),
        "zero-width space (U+200B)",
        "type the address again",
    );
}

#[test]
fn a_row_without_its_empty_last_cell_is_a_row() {
    says(
        "c14_short",
        "notice",
        Some(3),
        "fewer cells",
        "Excel leaves",
    );
    assert_eq!(ids(&case("c14_short")), ["1001", "1002"]);
}

#[test]
fn an_id_that_excel_wrote_short_is_a_fault() {
    says(
        "c17_sci",
        "fault",
        Some(2),
        "its last digits are lost",
        "as text",
    );
}

#[test]
fn a_formula_that_is_a_text_is_that_text() {
    assert_eq!(ids(&case("v03_eq")), ["0042", "0043"]);
    is_without_warning("v03_eq");
}

#[test]
fn a_formula_without_a_value_is_a_fault_in_a_column_that_is_used() {
    says(
        "x02_formula_cc_nocache",
        "fault",
        Some(2),
        "value is not stored",
        "save it there",
    );
}

#[test]
fn hidden_rows_are_a_fault_until_somebody_decides() {
    for name in ["x05_hidden_row", "x06_filtered_row"] {
        says(
            name,
            "fault",
            Some(3),
            "row 3 is hidden",
            "hidden_rows = \"skip\"",
        );
    }
}

#[test]
fn a_hidden_sheet_with_the_columns_is_not_read_without_a_word() {
    says(
        "x07_hidden_first_sheet",
        "warning",
        None,
        "is hidden and has the same columns",
        "sheet = ",
    );
    assert_eq!(ids(&case("x07_hidden_first_sheet")), ["1003"]);
}

#[test]
fn an_error_in_a_column_that_nobody_uses_is_none() {
    is_without_warning("x09_NA_unused");
}

#[test]
fn a_number_format_writes_the_id() {
    assert_eq!(ids(&case("x11_1__S_0000")), ["S0042"]);
}

#[test]
fn percentages_and_money_are_shown_as_excel_shows_them() {
    let body = send_and_read(&case("x29_percent"), "1001").body;
    assert!(body.contains("12.5% £1,234.50 01/03/2026"), "{body}");
}

#[test]
fn a_cell_that_only_has_a_colour_costs_nothing() {
    is_without_warning("y01_stray_styled_blank_cell_col1500");
}

#[test]
fn times_and_durations_are_shown_as_excel_shows_them() {
    let body = send_and_read(&case("y05_time_duration"), "1001").body;
    assert!(body.contains("09:30") && body.contains("26:30"), "{body}");
}

#[test]
fn one_school_under_two_ids_is_worth_a_look() {
    says(
        "y11_two_ids_same_name_addr",
        "warning",
        Some(4),
        "the same name and addresses as `1001` (row 2)",
        "correct the id",
    );
}

#[test]
fn text_in_the_wrong_encoding_is_known() {
    says(
        "z02_mojibake",
        "warning",
        Some(2),
        "`École Française`",
        "as UTF-8",
    );
}

#[test]
fn the_mark_of_a_text_is_no_part_of_an_address() {
    says(
        "z03_lead_apos",
        "fault",
        Some(2),
        "begins with an apostrophe",
        "take the apostrophe out",
    );
}

#[test]
fn a_quote_that_nobody_closed_is_shown_where_it_opened() {
    says(
        "z04_unclosed",
        "fault",
        Some(2),
        "never closed",
        "close the quote",
    );
}
