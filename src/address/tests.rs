use proptest::prelude::*;

use super::*;

fn list(cell: &str) -> Vec<String> {
    parse_list(cell)
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn a_cell_may_hold_several_addresses() {
    let two = ["a@x.example", "b@y.example"];
    for cell in [
        "a@x.example,b@y.example",
        "a@x.example; b@y.example;",
        "a@x.example b@y.example",
        "a@x.example\n\u{a0}b@y.example",
    ] {
        assert_eq!(list(cell), two, "{cell:?}");
    }
    assert!(list("  ;, ").is_empty());
}

#[test]
fn names_are_understood() {
    assert_eq!(
        list("Ann O’Hara <a@x.example>"),
        ["Ann O’Hara <a@x.example>"]
    );
    assert_eq!(
        list("\"Hara, Ann\" <a@x.example>"),
        ["Hara, Ann <a@x.example>"]
    );
    assert_eq!(
        list("Hara, Ann <a@x.example>; b@y.example"),
        ["Hara, Ann <a@x.example>", "b@y.example"]
    );
}

#[test]
fn malformed_addresses_are_refused_with_the_reason() {
    for (text, part) in [
        ("teacher", "exactly one @"),
        ("a@b@c.example", "exactly one @"),
        (".a@b.example", "before the @"),
        ("a..b@c.example", "before the @"),
        ("a@school", "not a domain name"),
        ("a@-b.example", "not a domain name"),
        ("a@b.example.", "not a domain name"),
        ("a@b_c.example", "not a domain name"),
        ("é@b.example", "cannot carry"),
        ("n/a", "exactly one @"),
        ("=?utf-8?q?b=40x.example=3e?=@y.example", "decode"),
    ] {
        let error = parse_list(text).unwrap_err().to_string();
        assert!(error.contains(part), "{text}: {error}");
    }
    assert!(parse_list("Ann <a@x.example").is_err());
    assert!(parse_list("Ann, b@x.example <c@x.example>").is_err());
}

#[test]
fn header_text_cannot_hold_a_line_break() {
    assert!(HeaderText::parse("Hello\r\nBcc: x@y.example").is_err());
    assert!(HeaderText::parse("Hello\u{2028}x").is_err());
    assert_eq!(HeaderText::parse(" Report \n").unwrap().as_str(), "Report");
}

#[test]
fn masking_hides_the_name() {
    let address = Address::parse("teacher@school.example").unwrap();
    assert_eq!(address.masked(), "t…@school.example");
}

proptest! {
    #[test]
    fn nothing_parsed_can_break_a_line(cell in any::<String>()) {
        if let Ok(mailboxes) = parse_list(&cell) {
            for mailbox in mailboxes {
                prop_assert!(!mailbox.to_string().contains(['\r', '\n', '\0']));
            }
        }
    }

    #[test]
    fn what_is_written_is_read_back(
        names in prop::collection::vec("[a-z]{1,8}", 1..6),
        separator in "[,; ]",
    ) {
        let written: Vec<_> = names.iter().map(|name| format!("{name}@x.example")).collect();
        prop_assert_eq!(list(&written.join(&separator)), written);
    }
}
