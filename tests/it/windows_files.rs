//! Batch files as they are written on Windows: backslashes in paths, and other encodings.

use std::fs;

use crate::support::TestBatch;

/// A batch whose file has one part replaced, and what check says of it.
fn checked(part: &str, other: &str) -> (i32, String) {
    let batch = TestBatch::new(1);
    batch.replace("batch.toml", part, other);
    let ran = batch.run("check", &[]);
    (ran.code.unwrap(), ran.stderr)
}

#[test]
fn a_backslash_in_a_path_is_explained() {
    for (part, other, what) in [
        // `\l` is no escape of TOML; `\r`, `\t` and `\n` are, and mean something else than was meant.
        (
            "\"letter.html\"",
            r#""sub\letter.html""#,
            "begins a special character",
        ),
        (
            "\"list.csv\"",
            r#""lists\nlist.csv""#,
            "`manifest.path` has a control character",
        ),
        (
            "\"letter.html\"",
            r#""letters\text.html""#,
            "`letter.html` has a control character",
        ),
        (
            "reports/{{ id }}.pdf",
            r"pdf\reports\{{ id }}.pdf",
            "begins a special character",
        ),
        (
            "reports/{{ id }}.pdf",
            r"pdf\r{{ id }}.pdf",
            "`attachment.path` has a control character",
        ),
    ] {
        let (code, said) = checked(part, other);
        assert_eq!(code, 2, "{other}: {said}");
        assert!(said.contains(what), "{other}: {said}");
        assert!(
            said.contains("write paths with /, on Windows too"),
            "{other}: {said}"
        );
    }
}

#[cfg(unix)]
#[test]
fn a_backslash_between_single_quotes_is_explained_too() {
    let (code, said) = checked("\"letter.html\"", r"'sub\letter.html'");
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("no separator of folders here"), "{said}");
}

#[test]
fn a_file_in_utf_16_is_named_as_what_it_is() {
    let batch = TestBatch::new(1);
    let text = fs::read_to_string(batch.path("batch.toml")).unwrap();
    let units = || text.encode_utf16();
    let little: Vec<u8> = units().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = units().flat_map(u16::to_be_bytes).collect();
    for (mark, bytes) in [([0xFF, 0xFE], little), ([0xFE, 0xFF], big)] {
        batch.write("batch.toml", [&mark[..], &bytes].concat());
        let ran = batch.run("check", &[]).expect(2);
        assert!(ran.stderr.contains("it is saved as UTF-16"), "{ran:?}");
        assert!(
            ran.stderr.contains("next: save it again as UTF-8"),
            "{ran:?}"
        );
    }
}

#[test]
fn windows_line_ends_and_a_mark_of_utf_8_are_no_trouble() {
    let batch = TestBatch::new(1);
    let text = fs::read_to_string(batch.path("batch.toml")).unwrap();
    batch.write(
        "batch.toml",
        format!("\u{feff}{}", text.replace('\n', "\r\n")),
    );
    batch.run("check", &[]).expect(0);
}

#[test]
fn other_encodings_are_named_without_the_file() {
    let batch = TestBatch::new(1);
    batch.write("batch.toml", b"[batch]\nname = \"Schulb\xFCcher\"\n");
    let ran = batch.run("check", &[]).expect(2);
    assert!(ran.stderr.contains("it is not saved as UTF-8"), "{ran:?}");
}
