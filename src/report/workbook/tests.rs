use super::*;

#[test]
fn headers_are_those_that_a_table_can_have() {
    let headers = unique(&[
        "ID",
        " id ",
        "",
        "a\r\nb\u{1}",
        "_x0041_",
        "id_xlsx",
        "id (2)",
        "ID (2)",
        "ﬀ_x00é",
    ]);
    assert_eq!(
        headers,
        [
            "ID",
            "id (2)",
            "Column 3",
            "a  b",
            "-x0041_",
            "id_xlsx",
            "id (2) (2)",
            "ID (2) (3)",
            "ﬀ_x00é"
        ]
    );
    let long = "é".repeat(300);
    let headers = unique(&[&long, &long]);
    assert!(
        headers
            .iter()
            .all(|header| header.chars().count() <= LONGEST_HEADER)
    );
    assert_ne!(headers[0], headers[1]);
}

#[test]
fn a_cell_holds_no_more_than_excel_and_says_where_the_rest_is() {
    let long = "😀".repeat(LONGEST);
    let cell = in_a_cell(&long);
    assert!(cell.encode_utf16().count() <= LONGEST);
    assert!(cell.starts_with("😀😀") && cell.ends_with(CUT));
    let exact = "x".repeat(LONGEST);
    assert_eq!(in_a_cell(&exact), exact);
    assert_eq!(in_a_cell("a\r\nb\rc"), "a\nb\nc");
}

#[test]
fn times_are_those_of_excel() {
    let serial = |text: &str| serial(text.parse().unwrap());
    assert_eq!(serial("1970-01-01T00:00:00Z"), Some(25_569.0));
    assert_eq!(serial("2026-11-26T12:00:00Z"), Some(46_352.5));
    assert_eq!(serial("1900-02-28T00:00:00Z"), None);
}

#[test]
fn a_column_is_as_wide_as_its_longest_line() {
    assert_eq!(width("abc\nde"), 3);
    assert_eq!(width("学校"), 4);
    assert_eq!(width("a – b’s"), 7);
    assert_eq!(width(""), 0);
}
