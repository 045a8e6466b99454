//! Workbooks, made for each test: what a person sees in Excel is what is read.

use rust_xlsxwriter::{ExcelDateTime, Format, Workbook, Worksheet};

use crate::manifest::{PLAIN, ids, list_with, send_and_read};
use crate::support::{self, Ran, TestBatch};

/// The header of a plain list with a column for the test.
pub const HEADER: [&str; 4] = ["ID", "School", "Email", "Value"];

/// A batch whose list is a workbook of one sheet; the letter shows the value column.
pub fn workbook(fill: impl FnOnce(&mut Worksheet)) -> TestBatch {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (column, header) in (0..).zip(HEADER) {
        sheet.write(0, column, header).unwrap();
    }
    fill(sheet);
    of(&mut book, PLAIN)
}

/// A batch whose list is this workbook.
pub fn of(book: &mut Workbook, manifest: &str) -> TestBatch {
    let batch = list_with("list.xlsx", book.save_to_buffer().unwrap(), manifest);
    batch.write("letter.html", "<p>{{ id }} [{{ value }}]</p>\n");
    batch
}

/// Fills a row with a school of this id and leaves its value to the test.
pub fn school(sheet: &mut Worksheet, row: u32, id: &str) {
    sheet.write(row, 0, id).unwrap();
    sheet.write(row, 1, "Oak").unwrap();
    sheet.write(row, 2, "a@s.example").unwrap();
}

/// The value of the only school as its letter shows it.
#[track_caller]
fn assert_value(fill: impl FnOnce(&mut Worksheet), value: &str) {
    let batch = workbook(|sheet| {
        school(sheet, 1, "S1");
        fill(sheet);
    });
    let body = send_and_read(&batch, "S1").body;
    assert!(body.contains(&format!("[{value}]")), "{body}");
}

#[test]
fn a_text_of_digits_keeps_its_zeros() {
    let batch = workbook(|sheet| school(sheet, 1, "0042"));
    assert_eq!(ids(&batch), ["0042"]);
}

#[test]
fn a_whole_number_has_no_point() {
    let batch = workbook(|sheet| {
        school(sheet, 1, "");
        sheet.write(1, 0, 1234.0).unwrap();
    });
    assert_eq!(ids(&batch), ["1234"]);
}

#[test]
fn a_number_shown_with_leading_zeros_has_them() {
    let batch = workbook(|sheet| {
        school(sheet, 1, "");
        let format = Format::new().set_num_format("0000");
        sheet.write_with_format(1, 0, 42, &format).unwrap();
    });
    assert_eq!(ids(&batch), ["0042"]);
}

#[test]
fn a_fraction_is_shown_in_full() {
    assert_value(|sheet| drop(sheet.write(1, 3, 0.25)), "0.25");
}

#[test]
fn a_long_number_is_shown_with_all_its_digits() {
    assert_value(
        |sheet| drop(sheet.write(1, 3, 1_000_000_012_345_u64)),
        "1000000012345",
    );
}

#[test]
fn a_date_is_shown_as_a_date() {
    assert_value(
        |sheet| {
            let format = Format::new().set_num_format("dd/mm/yyyy");
            let date = ExcelDateTime::from_ymd(2024, 2, 29).unwrap();
            sheet.write_with_format(1, 3, date, &format).unwrap();
        },
        "29/02/2024",
    );
}

#[test]
fn a_date_with_a_time_is_shown_with_it() {
    assert_value(
        |sheet| {
            let format = Format::new().set_num_format("yyyy-mm-dd hh:mm");
            let moment = ExcelDateTime::from_ymd(2024, 2, 29)
                .unwrap()
                .and_hms(8, 30, 0)
                .unwrap();
            sheet.write_with_format(1, 3, moment, &format).unwrap();
        },
        "2024-02-29 08:30",
    );
}

#[test]
fn a_yes_or_no_is_shown_as_excel_shows_it() {
    assert_value(|sheet| drop(sheet.write(1, 3, true)), "TRUE");
}

#[test]
fn a_formula_is_its_result() {
    assert_value(
        |sheet| {
            let formula = rust_xlsxwriter::Formula::new("=A2&\"!\"").set_result("S1!");
            sheet.write(1, 3, formula).unwrap();
        },
        "S1!",
    );
}

#[test]
fn blank_rows_are_skipped_and_the_header_may_stand_lower() {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (column, header) in (0..).zip(HEADER) {
        sheet.write(2, column, header).unwrap();
    }
    school(sheet, 4, "S1");
    school(sheet, 7, "S2");
    assert_eq!(ids(&of(&mut book, PLAIN)), ["S1", "S2"]);
}

#[test]
fn a_sheet_is_found_by_its_name() {
    let mut book = Workbook::new();
    book.add_worksheet().set_name("Notes").unwrap();
    let sheet = book.add_worksheet().set_name("Schools 2024").unwrap();
    for (column, header) in (0..).zip(HEADER) {
        sheet.write(0, column, header).unwrap();
    }
    school(sheet, 1, "S1");
    let batch = of(&mut book, &format!("{PLAIN}\nsheet = \"Schools 2024\""));
    assert_eq!(ids(&batch), ["S1"]);
}

#[test]
fn the_shipped_list_makes_the_same_plan_from_csv_and_workbook() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/reading-recovery");
    let folder = tempfile::tempdir().unwrap();
    support::copy_folder(example.as_ref(), folder.path());
    let plan = || {
        let mut command = support::program();
        let output = command
            .arg("check")
            .arg(folder.path())
            .arg("--json")
            .output();
        let plan = Ran::of(output.unwrap()).expect(0).json()["plan"].clone();
        plan.as_str().unwrap().to_owned()
    };
    let from_csv = plan();
    let file = folder.path().join("batch.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("\"dispatch-list.csv\""), "{text}");
    let text = text.replace("\"dispatch-list.csv\"", "\"dispatch-list.xlsx\"");
    std::fs::write(&file, text).unwrap();
    std::fs::remove_file(folder.path().join("dispatch-list.csv")).unwrap();
    assert_eq!(plan(), from_csv);
}
