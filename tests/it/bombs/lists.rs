//! Dispatch lists.

use std::fs::File;

use crate::bombs::{check, deflated};
use crate::support::{Ran, TestBatch};

/// A batch without attachments whose list is this file.
fn list(name: &str, contents: impl AsRef<[u8]>) -> TestBatch {
    let batch = TestBatch::new(0);
    batch.write(name, contents);
    batch.write(
        "batch.toml",
        format!(
            "[batch]\nname = \"Lists\"\n[manifest]\npath = \"{name}\"\nid = \"ID\"\nname = \"School\"\n\
             to = [\"Email\"]\n[letter]\nfrom = \"reports@study.example\"\nsubject = \"Report\"\n\
             html = \"letter.html\"\n"
        ),
    );
    batch
}

#[track_caller]
fn refused(name: &str, contents: impl AsRef<[u8]>, text: &str) -> Ran {
    let ran = check(&list(name, contents)).expect(3).says(text);
    assert!(ran.stderr.len() < 5_000, "{} bytes", ran.stderr.len());
    ran
}

/// A part of an archive, packed already, and the size that its directory tells.
struct Part(&'static str, Vec<u8>, u32);

fn part(name: &'static str, text: &str) -> Part {
    let size = u32::try_from(text.len()).unwrap();
    Part(name, deflated(text.as_bytes(), 1), size)
}

/// An archive whose directory says what the test wants.
fn archive(parts: &[Part]) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for Part(name, packed, size) in parts {
        let begun = u32::try_from(file.len()).unwrap();
        let mut common = Vec::new();
        // Version, flags, method 8 (deflate), time, date and checksum, which nobody asks for.
        for field in [20_u16, 0, 8, 0, 33, 0, 0] {
            common.extend(field.to_le_bytes());
        }
        common.extend(u32::try_from(packed.len()).unwrap().to_le_bytes());
        common.extend(size.to_le_bytes());
        common.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
        common.extend(0_u16.to_le_bytes());
        file.extend(b"PK\x03\x04");
        file.extend(&common);
        file.extend(name.as_bytes());
        file.extend(packed);
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend(begun.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let begun = u32::try_from(file.len()).unwrap();
    let count = u16::try_from(parts.len()).unwrap().to_le_bytes();
    file.extend(&directory);
    file.extend(b"PK\x05\x06\0\0\0\0");
    file.extend([count, count].concat());
    file.extend(u32::try_from(directory.len()).unwrap().to_le_bytes());
    file.extend(begun.to_le_bytes());
    file.extend([0; 2]);
    file
}

const RELATIONS: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const SHEET: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";

/// A workbook of one sheet with these parts besides, the sheet among them.
fn workbook(further: Vec<Part>) -> Vec<u8> {
    let mut parts = vec![
        part(
            "_rels/.rels",
            &format!(
                "<Relationships xmlns=\"{RELATIONS}\"><Relationship Id=\"r\" Type=\"{OFFICE}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
            ),
        ),
        part(
            "xl/_rels/workbook.xml.rels",
            &format!(
                "<Relationships xmlns=\"{RELATIONS}\"><Relationship Id=\"r\" Type=\"{OFFICE}/worksheet\" Target=\"sheet.xml\"/></Relationships>"
            ),
        ),
        part(
            "xl/workbook.xml",
            &format!(
                "<workbook xmlns=\"{SHEET}\" xmlns:r=\"{OFFICE}\"><sheets><sheet name=\"S\" sheetId=\"1\" r:id=\"r\"/></sheets></workbook>"
            ),
        ),
    ];
    parts.extend(further);
    archive(&parts)
}

fn sheet(rows: &str) -> Part {
    let text = format!("<worksheet xmlns=\"{SHEET}\">{HEAD}{rows}</sheetData></worksheet>");
    part("xl/sheet.xml", &text)
}

const HEAD: &str = "<dimension ref=\"A1:XFD4294967295\"/><sheetData><row r=\"1\">\
    <c r=\"A1\" t=\"str\"><v>ID</v></c><c r=\"B1\" t=\"str\"><v>School</v></c>\
    <c r=\"C1\" t=\"str\"><v>Email</v></c></row>";

fn shared(texts: &str, promised: u64) -> Part {
    let text = format!("<sst xmlns=\"{SHEET}\" uniqueCount=\"{promised}\">{texts}</sst>");
    part("xl/sharedStrings.xml", &text)
}

const ROW: &str = "<row r=\"2\"><c r=\"A2\" t=\"str\"><v>S1</v></c><c r=\"B2\" t=\"str\"><v>Oak</v></c>\
    <c r=\"C2\" t=\"str\"><v>a@oak.example</v></c></row>";

#[test]
fn a_workbook_made_by_hand_is_read_whatever_it_says_of_its_size() {
    check(&list(
        "list.xlsx",
        workbook(vec![sheet(ROW), shared("<si><t>x</t></si>", 1)]),
    ))
    .expect(0);
}

#[test]
fn a_sheet_that_unpacks_to_gigabytes_is_refused_though_its_directory_says_little() {
    let blanks = deflated(&vec![b' '; 1 << 20], 2_048);
    assert!(blanks.len() < 12 << 20, "{} bytes", blanks.len());
    refused(
        "list.xlsx",
        workbook(vec![Part("xl/sheet.xml", blanks, 100)]),
        "larger than its declared uncompressed size",
    );
    let rows = deflated(
        "<row><c><v>1</v></c></row>".repeat(40_000).as_bytes(),
        2_000,
    );
    refused(
        "list.xlsx",
        workbook(vec![Part("xl/sheet.xml", rows, u32::MAX - 1)]),
        "it unpacks to more than 64 MB",
    );
}

#[test]
fn shared_strings_without_end_are_refused() {
    let texts = deflated("<si><t>x</t></si>".repeat(60_000).as_bytes(), 1_000);
    refused(
        "list.xlsx",
        workbook(vec![
            sheet(ROW),
            Part("xl/sharedStrings.xml", texts, u32::MAX - 1),
        ]),
        "it unpacks to more than 32 MB of texts",
    );
    for promised in [100_000_000, u64::MAX] {
        refused(
            "list.xlsx",
            workbook(vec![sheet(ROW), shared("<si><t>x</t></si>", promised)]),
            "it promises more texts than are in it",
        );
    }
}

#[test]
fn one_long_text_in_all_cells_is_refused() {
    let text = format!("<si><t>{}</t></si>", "x".repeat(3 << 20));
    let cells: String = (0..900).map(|_| "<c t=\"s\"><v>0</v></c>").collect();
    refused(
        "list.xlsx",
        workbook(vec![
            sheet(&format!("<row r=\"2\">{cells}</row>")),
            shared(&text, 1),
        ]),
        "row 2 has more than 64 MB of text",
    );
    let rows: String = (2..90)
        .map(|row| format!("<row r=\"{row}\"><c t=\"s\"><v>0</v></c></row>"))
        .collect();
    refused(
        "list.xlsx",
        workbook(vec![sheet(&rows), shared(&text, 1)]),
        "it has more than 64 MB of text",
    );
}

#[test]
fn a_million_columns_are_refused() {
    let cells = "<c><v>1</v></c>".repeat(1_000_000);
    refused(
        "list.xlsx",
        workbook(vec![sheet(&format!("<row r=\"2\">{cells}</row>"))]),
        "has more than 1000 columns",
    );
    refused(
        "list.csv",
        "a,".repeat(900_000),
        "it has more than 1000 columns",
    );
    refused(
        "list.csv",
        "a,".repeat(15_000_000),
        "a line has more than 1000000 cells",
    );
}

/// Counted in 32 bits, both would be `C2`: the address of another school.
#[test]
fn a_cell_whose_name_is_too_long_to_count_is_no_other_cell() {
    for name in ["MWLQKWY2", "C4294967298"] {
        let row = format!(
            "<row r=\"2\"><c r=\"A2\" t=\"str\"><v>S1</v></c><c r=\"B2\" t=\"str\"><v>Oak</v></c>\
             <c r=\"{name}\" t=\"str\"><v>b@oak.example</v></c></row>"
        );
        refused(
            "list.xlsx",
            workbook(vec![sheet(&row)]),
            "the workbook cannot be read: it is damaged",
        );
    }
}

#[test]
fn a_million_faults_are_reported_in_part() {
    let cells = "<row><c t=\"e\"><v>#N/A</v></c></row>".repeat(300_000);
    let ran = check(&list("list.xlsx", workbook(vec![sheet(&cells)]))).expect(3);
    let ran = ran.says("and so do 299999 more rows");
    assert!(ran.stderr.lines().count() < 20);
    let mut lines = "ID,School,Email\n".to_owned();
    lines.push_str(&",x,\n".repeat(300_000));
    check(&list("list.csv", lines))
        .expect(3)
        .says("there is more to find than is listed here");
}

#[test]
fn millions_of_empty_cells_are_refused() {
    let mut lines = "ID,School,Email".to_owned();
    lines.push_str(&",x".repeat(900));
    let row = format!("\nS1,Oak,a@oak.example{}", ",".repeat(900));
    lines.push_str(&row.repeat(19_000));
    refused("list.csv", lines, "it has more than 16777216 cells");
}

#[test]
fn a_file_that_is_no_list_is_refused_by_its_size() {
    let batch = list("list.csv", "");
    let file = File::create(batch.path("list.csv")).unwrap();
    file.set_len(8 << 30).unwrap();
    check(&batch)
        .expect(3)
        .says("the file is larger than 32 MB");
}

#[test]
fn a_quoted_cell_that_never_ends_is_reported() {
    let mut text = "ID,School,Email\nS1,\"Oak".to_owned();
    text.push_str(&"x\n".repeat(8 << 20));
    refused("list.csv", &text, "is never closed");
    let header = format!("ID,School,\"Email{}", "x".repeat(20 << 20));
    refused(
        "list.csv",
        header,
        "column `Email` ([manifest] to) is missing",
    );
}

#[test]
fn millions_of_addresses_are_refused() {
    let mut text = "ID,School,Email\n".to_owned();
    for row in 0..12 {
        text.push_str(&format!("S{row},Oak,{}\n", "a@b.example;".repeat(100_000)));
    }
    refused("list.csv", text, "it has more than 1000000 addresses");
}
