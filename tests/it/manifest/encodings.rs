//! How the bytes of a CSV file become cells.

use crate::manifest::{ids, list, one_fault, send_and_read};

const ROWS: &str = "ID,School,Email\nS1,École Zoé,one@school.example\n";

#[test]
fn commas_part_cells() {
    let sent = send_and_read(&list("list.csv", ROWS), "S1");
    assert_eq!(sent.to, ["one@school.example"]);
}

#[test]
fn semicolons_part_cells_though_a_cell_has_commas() {
    let batch = list(
        "list.csv",
        "ID;School;Email\nS1;Oak, Ash, Elm;one@school.example\n",
    );
    let sent = send_and_read(&batch, "S1");
    assert_eq!(sent.to, ["one@school.example"]);
    assert!(sent.body.contains("Oak, Ash, Elm"), "{}", sent.body);
}

#[test]
fn tabs_part_cells_though_cells_have_commas_and_semicolons() {
    let batch = list(
        "list.csv",
        "ID\tSchool\tEmail\nS1\tOak, Ash; Elm\tone@school.example;two@school.example\n",
    );
    let sent = send_and_read(&batch, "S1");
    assert_eq!(sent.to, ["one@school.example", "two@school.example"]);
    assert!(sent.body.contains("Oak, Ash; Elm"), "{}", sent.body);
}

#[test]
fn utf_8_is_read_without_a_word() {
    let batch = list("list.csv", ROWS);
    let checked = batch.run("check", &[]).expect(0);
    assert_eq!(checked.stderr, "");
    let sent = send_and_read(&batch, "S1");
    assert!(sent.body.contains("École Zoé"), "{}", sent.body);
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_first_column() {
    let batch = list("list.csv", format!("\u{feff}{ROWS}"));
    let sent = send_and_read(&batch, "S1");
    assert!(sent.body.contains("École Zoé"), "{}", sent.body);
}

#[test]
fn utf_16_with_a_mark_is_read_in_both_byte_orders() {
    let units = || "\u{feff}".encode_utf16().chain(ROWS.encode_utf16());
    for bytes in [
        units().flat_map(u16::to_le_bytes).collect::<Vec<u8>>(),
        units().flat_map(u16::to_be_bytes).collect(),
    ] {
        let sent = send_and_read(&list("list.csv", bytes), "S1");
        assert!(sent.body.contains("École Zoé"), "{}", sent.body);
    }
}

#[test]
fn windows_1252_is_read_with_a_notice() {
    let mut bytes = b"ID,School,Email\nS1,".to_vec();
    // É, é, a curly apostrophe and a dash as Windows-1252 has them.
    bytes.extend(b"\xc9cole Zo\xe9\x92s \x96 sud,one@school.example\n");
    let batch = list("list.csv", bytes);
    batch
        .run("check", &[])
        .expect(0)
        .says("notice: list.csv: the file is not UTF-8 and was read as Windows-1252\n  next: ");
    let sent = send_and_read(&batch, "S1");
    assert!(sent.body.contains("École Zoé’s – sud"), "{}", sent.body);
}

#[test]
fn bytes_that_windows_1252_does_not_have_are_refused() {
    let batch = list(
        "list.csv",
        b"ID,School,Email\nS1,\x81cole,one@school.example\n",
    );
    one_fault(
        &batch,
        None,
        None,
        "cannot be read as Windows-1252",
        "CSV UTF-8",
    );
}

#[test]
fn utf_16_without_a_mark_is_refused() {
    let bytes: Vec<u8> = "ID,School,Email\nS1,Oak,one@school.example\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    one_fault(
        &list("list.csv", bytes),
        None,
        None,
        "cannot be read as UTF-8",
        "CSV UTF-8",
    );
}

#[test]
fn nul_bytes_are_refused_with_and_without_a_mark() {
    for mark in ["", "\u{feff}"] {
        let batch = list(
            "list.csv",
            format!("{mark}ID,School,Email\nS1,Oak\0,one@school.example\n"),
        );
        one_fault(&batch, None, None, "cannot be read as UTF-8", "CSV UTF-8");
    }
}

#[test]
fn a_mark_that_lies_about_the_encoding_is_refused() {
    let batch = list(
        "list.csv",
        b"\xef\xbb\xbfID,School,Email\nS1,\xc9cole,a@b.example\n",
    );
    one_fault(&batch, None, None, "cannot be read as UTF-8", "CSV UTF-8");
}

#[test]
fn an_empty_file_is_refused() {
    one_fault(
        &list("list.csv", ""),
        None,
        None,
        "the dispatch list is empty",
        "check [manifest] path",
    );
}

#[test]
fn a_file_of_blank_lines_is_refused() {
    one_fault(
        &list("list.csv", "\r\n\r\n  \r\n"),
        None,
        None,
        "the dispatch list is empty",
        "check [manifest] path",
    );
}

#[test]
fn a_header_without_rows_is_refused() {
    for rows in ["", "\n\n", ",,\n , ,\n"] {
        one_fault(
            &list("list.csv", format!("ID,School,Email\n{rows}")),
            None,
            None,
            "a header but no recipients",
            "the right file",
        );
    }
}

#[test]
fn a_missing_file_is_refused() {
    let batch = list("list.csv", ROWS);
    std::fs::remove_file(batch.path("list.csv")).unwrap();
    one_fault(
        &batch,
        None,
        None,
        "cannot be read",
        "correct [manifest] path",
    );
}

#[test]
fn ids_keep_their_order_and_their_zeros() {
    let batch = list(
        "list.csv",
        "ID,School,Email\n0042,A,a@s.example\n42,B,b@s.example\n7,C,c@s.example\n",
    );
    assert_eq!(ids(&batch), ["0042", "42", "7"]);
}
