//! Workbooks of the binary forms: hidden rows, number formats and merged cells are seen as in the others.

use std::io::{Cursor, Write};

use serde_json::Value;

use super::{PLAIN, ids, list_with, send_and_read};
use crate::support::TestBatch;

/// A record of MS-XLSB: kind and length have seven bits in each byte.
fn record(kind: u16, inside: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    if kind < 0x80 {
        bytes.push(u8::try_from(kind).unwrap());
    } else {
        bytes.push(u8::try_from(kind & 0x7f).unwrap() | 0x80);
        bytes.push(u8::try_from(kind >> 7).unwrap());
    }
    let mut length = inside.len();
    loop {
        let more = length >= 0x80;
        bytes.push(u8::try_from(length & 0x7f).unwrap() | if more { 0x80 } else { 0 });
        length >>= 7;
        if !more {
            break;
        }
    }
    bytes.extend(inside);
    bytes
}

/// A text with its length in four bytes.
fn text(text: &str) -> Vec<u8> {
    let units: Vec<u16> = text.encode_utf16().collect();
    let mut bytes = u32::try_from(units.len()).unwrap().to_le_bytes().to_vec();
    bytes.extend(units.into_iter().flat_map(u16::to_le_bytes));
    bytes
}

enum Cell {
    Text(&'static str),
    /// A number in a style.
    Number(f64, u32),
    /// Nothing.
    None,
}

/// Where a sheet has what its cells do not say.
struct Rows {
    rows: Vec<Vec<Cell>>,
    hidden: Vec<usize>,
    /// First row, last row and column.
    merged: Vec<[u32; 3]>,
}

/// A workbook with one sheet, and the styles `General`, `00000` and the built-in `0.00%`.
fn xlsb(sheet: &Rows) -> Vec<u8> {
    let four = |number: usize| u32::try_from(number).unwrap().to_le_bytes();
    let mut part = record(129, &[]);
    part.extend(record(148, &[0; 16]));
    part.extend(record(145, &[]));
    for (number, row) in sheet.rows.iter().enumerate() {
        let flags = if sheet.hidden.contains(&number) {
            0x10
        } else {
            0
        };
        let mut header = [four(number), [0; 4]].concat();
        header.extend([0, 0, 0, flags, 0, 0, 0, 0, 0]);
        part.extend(record(0, &header));
        for (column, cell) in row.iter().enumerate() {
            let of = |style: u32| [four(column), style.to_le_bytes()].concat();
            match cell {
                Cell::None => {}
                Cell::Text(words) => part.extend(record(6, &[of(0), text(words)].concat())),
                Cell::Number(number, style) => {
                    let bytes = [of(*style), number.to_le_bytes().to_vec()].concat();
                    part.extend(record(5, &bytes));
                }
            }
        }
    }
    part.extend(record(146, &[]));
    for [first, last, column] in &sheet.merged {
        let bytes = [first, last, column, column].map(|number| number.to_le_bytes());
        part.extend(record(176, &bytes.concat()));
    }
    part.extend(record(130, &[]));
    let mut workbook = record(131, &[]);
    workbook.extend(record(143, &[]));
    let bundle = [vec![0; 4], vec![1, 0, 0, 0], text("rId1"), text("Schools")];
    workbook.extend(record(156, &bundle.concat()));
    workbook.extend(record(144, &[]));
    workbook.extend(record(157, &[]));
    let mut styles = record(278, &[]);
    styles.extend(record(615, &four(1)));
    let format = [164_u16.to_le_bytes().to_vec(), text("00000")].concat();
    styles.extend(record(44, &format));
    styles.extend(record(616, &[]));
    styles.extend(record(617, &four(3)));
    for format in [0_u16, 164, 10] {
        let style = [[0, 0], format.to_le_bytes(), [0, 0], [0, 0], [0, 0], [0, 0]].concat();
        styles.extend(record(47, &style));
    }
    styles.extend(record(618, &[]));
    let relations = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
        <Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\
        <Relationship Id=\"rId1\" Target=\"worksheets/sheet1.bin\" \
        Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet\"/></Relationships>";
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, contents) in [
        ("xl/workbook.bin", workbook.as_slice()),
        ("xl/_rels/workbook.bin.rels", relations.as_bytes()),
        ("xl/worksheets/sheet1.bin", &part),
        ("xl/styles.bin", &styles),
    ] {
        let options = zip::write::SimpleFileOptions::default();
        archive.start_file(name, options).unwrap();
        archive.write_all(contents).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn list() -> Rows {
    use Cell::{None, Number, Text};
    Rows {
        rows: vec![
            vec![Text("ID"), Text("School"), Text("Email"), Text("Value")],
            vec![
                Number(123.0, 1),
                Text("Oak"),
                Text("a@oak.example"),
                Number(0.125, 2),
            ],
            vec![
                Number(1002.0, 1),
                Text("Elm"),
                Text("a@elm.example"),
                Number(12.5, 0),
            ],
            vec![None, Text("Elm"), Text("b@elm.example"), Number(12.5, 0)],
            vec![
                Number(3.0, 1),
                Text("Left"),
                Text("a@left.example"),
                Number(1.0, 0),
            ],
        ],
        hidden: vec![4],
        merged: vec![[2, 3, 0]],
    }
}

/// The findings of a batch, as severity and text.
fn findings(batch: &TestBatch) -> Vec<(String, String)> {
    let checked = batch.run("check", &["--json"]).json();
    let part = |finding: &Value, key: &str| finding[key].as_str().unwrap().to_owned();
    let findings = checked["findings"].as_array().unwrap().iter();
    findings
        .map(|finding| (part(finding, "severity"), part(finding, "text")))
        .collect()
}

#[test]
fn hidden_rows_formats_and_merged_cells_of_a_binary_workbook_are_seen() {
    let bytes = xlsb(&list());
    let batch = list_with("list.xlsb", &bytes, PLAIN);
    let found = findings(&batch);
    assert!(
        found
            .iter()
            .any(|(severity, text)| severity == "fault" && text.contains("row 5 is hidden")),
        "{found:?}"
    );
    let skipping = format!("{PLAIN}\nhidden_rows = \"skip\"");
    let batch = list_with("list.xlsb", &bytes, &skipping);
    batch.write("letter.html", "<p>{{ name }} [{{ value }}]</p>\n");
    let found = findings(&batch);
    assert!(
        found.iter().all(|(severity, _)| severity == "notice"),
        "{found:?}"
    );
    assert_eq!(ids(&batch), ["00123", "01002"]);
    let letter = send_and_read(&batch, "00123");
    assert!(letter.body.contains("[12.50%]"), "{}", letter.body);
}
