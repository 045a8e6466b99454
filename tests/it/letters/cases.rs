//! Letters from the field, each with what a user expects of it.

use super::{assert_finds, findings};
use crate::support::TestBatch;

/// A batch with another list and letter, without attachments.
fn case(list: &str, letter: &str) -> TestBatch {
    let batch = TestBatch::new(1);
    batch.replace(
        "batch.toml",
        "[[attachment]]\npath = \"reports/{{ id }}.pdf\"\nname = \"report.pdf\"",
        "",
    );
    batch.write("list.csv", list);
    batch.write("letter.html", letter);
    batch
}

/// v04: pictures that show nowhere.
#[test]
fn pictures_that_show_nowhere_are_found() {
    let batch = case(
        "ID,School,Email\n1001,Oak School,oak@oak.sch.example\n",
        "<p>Hi <img src=\"logo.png\"><img src=\"cid:logo@x\"><img src=\"data:image/png;base64,iVBORw0KGgo=\"></p>",
    );
    assert_finds(&batch, 3, "the picture is missing");
    assert_finds(&batch, 3, "carries no such picture");
    assert_finds(&batch, 3, "Outlook and Gmail do not show");
    assert_finds(&batch, 3, "has no text in its place");
}

/// v07: a subject of nothing.
#[test]
fn an_empty_subject_is_a_fault() {
    let batch = case(
        "ID,School,Email,Note\n1001,Oak School,oak@oak.sch.example,\n",
        "<p>Dear {{ name }}</p>",
    );
    batch.replace("batch.toml", "Report for {{ name }}", "{{ note }}");
    assert_finds(&batch, 3, "the subject is empty");
}

/// v08: a salutation without a name.
#[test]
fn a_gap_from_an_empty_cell_is_a_warning_that_names_the_value() {
    let batch = case(
        "ID,School,Email,Contact\n1001,Oak School,oak@oak.sch.example,Ms A\n1002,Elm School,elm@elm.sch.example,\n",
        "<p>Dear {{ contact }},</p>",
    );
    let found = findings(&batch, 0);
    assert_eq!(found.len(), 1, "{found:#?}");
    let text = found[0]["text"].as_str().unwrap();
    assert!(
        text.contains("`Dear ,`") && text.contains("`contact`"),
        "{text}"
    );
    assert_eq!(found[0]["id"], "1002");
}

#[test]
fn marks_left_over_from_word_are_a_warning() {
    for mark in [
        "«School»",
        "{ name }",
        "&laquo;School&raquo;",
        "&lt;&lt;School&gt;&gt;",
    ] {
        let batch = case(
            "ID,School,Email\n1001,Oak School,oak@oak.sch.example\n",
            &format!("<p>Dear {mark}</p>"),
        );
        assert_finds(&batch, 0, "as it stands there");
    }
}

#[test]
fn a_charset_that_the_letter_does_not_have_is_a_warning() {
    let batch = case(
        "ID,School,Email\n1001,Oak School,oak@oak.sch.example\n",
        "<meta http-equiv=\"Content-Type\" content=\"text/html; charset=iso-8859-1\"><p>Dear {{ name }}</p>",
    );
    assert_finds(&batch, 0, "`iso-8859-1`");
}

#[test]
fn an_ordinary_letter_has_no_warning() {
    let batch = case(
        "ID,School,Email\n1001,L'École,oak@oak.sch.example\n",
        "<!doctype html><meta charset=utf-8><style>p { margin: 0 }</style>\
         <p>Bonjour {{ name }} ! « oui », 3,5 % … .pdf</p>",
    );
    assert!(findings(&batch, 0).is_empty());
}
