//! Workbooks as people keep them: covers, several sheets, links over texts, merged and hidden rows.

use std::io::{Cursor, Write};

use rust_xlsxwriter::{Format, Url, Workbook};
use serde_json::Value;

use crate::manifest::workbook::{HEADER, of, school, workbook};
use crate::manifest::{PLAIN, ids, list_with, one_fault, read, send_and_read};
use crate::support::TestBatch;

/// The findings of a batch without a fault, as severity and text.
#[track_caller]
fn findings(batch: &TestBatch) -> Vec<(String, String)> {
    let checked = batch.run("check", &["--json"]).expect(0).json();
    let part = |finding: &Value, key: &str| finding[key].as_str().unwrap().to_owned();
    let findings = checked["findings"].as_array().unwrap().iter();
    findings
        .map(|finding| (part(finding, "severity"), part(finding, "text")))
        .collect()
}

#[track_caller]
fn finds(batch: &TestBatch, severity: &str, text: &str) {
    let found = findings(batch);
    let is_there = |(own, said): &(String, String)| own == severity && said.contains(text);
    assert!(found.iter().any(is_there), "{found:#?}");
}

fn sheet_with(book: &mut Workbook, name: &str, id: &str) {
    let sheet = book.add_worksheet().set_name(name).unwrap();
    for (column, header) in (0..).zip(HEADER) {
        sheet.write(0, column, header).unwrap();
    }
    school(sheet, 1, id);
}

#[test]
fn a_cover_is_passed_over_with_a_notice() {
    let mut book = Workbook::new();
    let cover = book.add_worksheet().set_name("Read me").unwrap();
    cover.write(0, 0, "How to use this list").unwrap();
    sheet_with(&mut book, "Schools", "S1");
    let batch = of(&mut book, PLAIN);
    finds(&batch, "notice", "`Schools` is read, which has its columns");
    assert_eq!(ids(&batch), ["S1"]);
}

#[test]
fn a_second_list_in_the_workbook_is_not_left_out_without_a_word() {
    let mut book = Workbook::new();
    sheet_with(&mut book, "North", "N1");
    sheet_with(&mut book, "South", "S1");
    let batch = of(&mut book, PLAIN);
    finds(
        &batch,
        "warning",
        "several sheets have the columns of the list: `North`, `South`",
    );
    let batch = of(&mut book, &format!("{PLAIN}\nsheet = \"South\""));
    assert_eq!(findings(&batch), []);
    assert_eq!(ids(&batch), ["S1"]);
}

#[test]
fn a_header_below_titles_is_found_or_named() {
    let list = "Reports 2026\nstate of March,,\nID,School,Email\nS1,Oak,a@s.example\n";
    assert_eq!(ids(&list_with("list.csv", list, PLAIN)), ["S1"]);
    let named = format!("{PLAIN}\nheader_row = 3");
    assert_eq!(ids(&list_with("list.csv", list, &named)), ["S1"]);
    let wrong = list_with("list.csv", list, &format!("{PLAIN}\nheader_row = 9"));
    one_fault(
        &wrong,
        None,
        None,
        "header_row has nothing in it",
        "correct header_row",
    );
}

#[test]
fn the_address_of_a_link_is_taken_where_the_cell_shows_a_text() {
    let batch = workbook(|sheet| {
        school(sheet, 1, "S1");
        let link = Url::new("mailto:head@s.example?subject=Report").set_text("Head teacher");
        sheet.write_url(1, 2, link).unwrap();
    });
    finds(&batch, "notice", "shows `Head teacher` over a link");
    assert_eq!(send_and_read(&batch, "S1").to, ["head@s.example"]);
}

#[test]
fn a_link_that_goes_elsewhere_is_worth_a_look() {
    let batch = workbook(|sheet| {
        school(sheet, 1, "S1");
        let link = Url::new("mailto:old@s.example").set_text("new@s.example");
        sheet.write_url(1, 2, link).unwrap();
    });
    finds(&batch, "warning", "its link goes to `old@s.example`");
    assert_eq!(send_and_read(&batch, "S1").to, ["new@s.example"]);
}

#[test]
fn a_merged_cell_stands_for_each_of_its_rows() {
    let batch = workbook(|sheet| {
        school(sheet, 1, "");
        school(sheet, 2, "");
        sheet.merge_range(1, 0, 2, 0, "S1", &Format::new()).unwrap();
        sheet.write(2, 2, "b@s.example").unwrap();
    });
    assert_eq!(ids(&batch), ["S1"]);
    assert_eq!(
        send_and_read(&batch, "S1").to,
        ["a@s.example", "b@s.example"]
    );
}

#[test]
fn a_row_of_totals_is_said_to_be_one() {
    let batch = workbook(|sheet| {
        school(sheet, 1, "S1");
        sheet.write(2, 1, "Total: 1").unwrap();
    });
    one_fault(&batch, Some(3), Some("ID"), "a row of totals", "where = ");
}

#[test]
fn a_list_that_is_open_elsewhere_is_noticed() {
    let batch = workbook(|sheet| school(sheet, 1, "S1"));
    batch.write("~$list.xlsx", "x");
    finds(&batch, "notice", "open in another program");
}

#[test]
fn hidden_and_merged_rows_of_a_spreadsheet_are_seen_too() {
    let text = |cell: &str| {
        format!(
            "<table:table-cell office:value-type=\"string\"><text:p>{cell}</text:p></table:table-cell>"
        )
    };
    let row = |attributes: &str, cells: &[&str]| {
        let cells: String = cells.iter().map(|cell| text(cell)).collect();
        format!("<table:table-row{attributes}>{cells}</table:table-row>")
    };
    let mut rows = row("", &HEADER);
    rows.push_str(&row("", &["S1", "Oak", "a@s.example", "x"]));
    rows.push_str(&row(
        " table:visibility=\"filter\"",
        &["S2", "Elm", "b@s.example", ""],
    ));
    rows.push_str(
        "<table:table-row><table:table-cell table:number-rows-spanned=\"2\" office:value-type=\"string\">\
         <text:p>S3</text:p></table:table-cell>",
    );
    rows.push_str(&text("Ash"));
    rows.push_str(&text("c@s.example"));
    rows.push_str(
        "<table:table-cell office:value-type=\"percentage\" office:value=\"0.125\"><text:p>12.5%</text:p>\
         <office:annotation><text:p>a note</text:p></office:annotation></table:table-cell></table:table-row>",
    );
    rows.push_str("<table:table-row><table:covered-table-cell/>");
    rows.push_str(&text("Ash"));
    rows.push_str(&text("d@s.example"));
    rows.push_str("</table:table-row>");
    let ods = |manifest: &str| {
        let batch = list_with("list.ods", spreadsheet(&rows), manifest);
        batch.write("letter.html", "<p>{{ id }} [{{ value }}]</p>\n");
        batch
    };
    one_fault(&ods(PLAIN), Some(3), None, "row 3 is hidden", "hidden_rows");
    let batch = ods(&format!("{PLAIN}\nhidden_rows = \"skip\""));
    assert_eq!(ids(&batch), ["S1", "S3"]);
    let sent = send_and_read(&batch, "S3");
    assert_eq!(sent.to, ["c@s.example", "d@s.example"]);
    assert!(sent.body.contains("[12.5%]"), "{}", sent.body);
}

fn spreadsheet(rows: &str) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    archive.start_file("content.xml", options).unwrap();
    let contents = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<office:document-content \
         xmlns:office=\"urn:oasis:names:tc:opendocument:xmlns:office:1.0\" \
         xmlns:table=\"urn:oasis:names:tc:opendocument:xmlns:table:1.0\" \
         xmlns:text=\"urn:oasis:names:tc:opendocument:xmlns:text:1.0\" office:version=\"1.3\">\
         <office:body><office:spreadsheet><table:table table:name=\"Sheet1\">{rows}</table:table>\
         </office:spreadsheet></office:body></office:document-content>"
    );
    archive.write_all(contents.as_bytes()).unwrap();
    archive.finish().unwrap().into_inner()
}

#[test]
fn a_workbook_of_old_is_read_as_excel_shows_it() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/lists/schools.xls"
    );
    let bytes = std::fs::read(path).unwrap();
    let batch = list_with("list.xls", &bytes, PLAIN);
    batch.write("letter.html", "<p>{{ name }} [{{ value }}]</p>\n");
    finds(&batch, "notice", "`Schools` is read, which has its columns");
    assert_eq!(ids(&batch), ["0042", "1002"]);
    let body = send_and_read(&batch, "0042").body;
    assert!(body.contains("Oak School [01/03/2026]"), "{body}");
    let body = read(&batch, "1002").body;
    assert!(body.contains("École Élémentaire [12.5]"), "{body}");
    assert!(
        findings(&batch)
            .iter()
            .all(|(severity, _)| severity == "notice")
    );
}
