//! Workbooks that cannot be used.

use rust_xlsxwriter::{Formula, Workbook};

use crate::manifest::workbook::{of, school, workbook};
use crate::manifest::{PLAIN, list, one_fault};

#[test]
fn a_missing_sheet_is_reported_with_the_names_of_all() {
    let mut book = Workbook::new();
    book.add_worksheet().set_name("Notes").unwrap();
    book.add_worksheet().set_name("Schools").unwrap();
    one_fault(
        &of(&mut book, &format!("{PLAIN}\nsheet = \"School\"")),
        None,
        None,
        "the workbook has no sheet `School`",
        "the sheets are `Notes`, `Schools`",
    );
}

#[test]
fn an_error_in_a_cell_is_refused() {
    let batch = workbook(|sheet| {
        school(sheet, 1, "S1");
        let formula = Formula::new("=NA()").set_result("#N/A");
        sheet.write(1, 3, formula).unwrap();
    });
    one_fault(
        &batch,
        Some(2),
        Some("Value"),
        "the cell shows the error #N/A",
        "fix the formula",
    );
}

#[test]
fn a_value_in_a_column_without_a_header_is_refused() {
    let batch = workbook(|sheet| {
        school(sheet, 1, "S1");
        sheet.write(1, 5, "stray").unwrap();
    });
    one_fault(
        &batch,
        Some(2),
        None,
        "a value in column 6, which has no header",
        "give the column a name",
    );
}

#[test]
fn an_address_at_fault_is_reported_with_the_row_of_the_sheet() {
    let batch = workbook(|sheet| {
        school(sheet, 1, "S1");
        school(sheet, 4, "S2");
        sheet.write(4, 2, "nobody").unwrap();
    });
    one_fault(
        &batch,
        Some(5),
        Some("Email"),
        "`nobody` is not a mail address",
        "correct the address",
    );
}

#[test]
fn an_empty_sheet_is_refused() {
    let mut book = Workbook::new();
    book.add_worksheet();
    one_fault(
        &of(&mut book, PLAIN),
        None,
        None,
        "the sheet `Sheet1` is empty",
        "the first row must hold the column names",
    );
}

#[test]
fn a_file_that_is_no_workbook_is_refused() {
    one_fault(
        &list("list.xlsx", "ID,School,Email\nS1,Oak,a@s.example\n"),
        None,
        None,
        "the workbook cannot be read",
        "save the list again as .xlsx without a password",
    );
}

#[test]
fn half_a_workbook_is_refused() {
    let mut book = Workbook::new();
    book.add_worksheet().write(0, 0, "ID").unwrap();
    let bytes = book.save_to_buffer().unwrap();
    one_fault(
        &list("list.xlsx", &bytes[..bytes.len() / 2]),
        None,
        None,
        "the workbook cannot be read",
        "save the list again as .xlsx",
    );
}
