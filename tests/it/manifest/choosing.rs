//! Who is meant: `where`, hidden rows, and `--only` by ids, names and files.

use std::fs;

use rust_xlsxwriter::Workbook;
use serde_json::Value;

use crate::manifest::workbook::{HEADER, of, school};
use crate::manifest::{PLAIN, ids, list_with, one_fault};
use crate::support::TestBatch;

const LIST: &str = "ID,School,Email,Send\nS1,Oak School,a@s.example,yes\nS2,Elm School,b@s.example,no\nS3,Ash School,c@s.example,yes\n";

fn with(condition: &str) -> TestBatch {
    list_with(
        "list.csv",
        LIST,
        &format!("{PLAIN}\nwhere = '''{condition}'''"),
    )
}

/// Ids, rows and reasons of those that are left out.
fn left_out(checked: &Value) -> Vec<String> {
    let rows = checked["left_out"].as_array().unwrap().iter();
    rows.map(|row| format!("{} {} {}", row["row"], row["id"], row["because"]))
        .collect()
}

#[test]
fn an_equals_sign_that_compares_nothing_is_named() {
    for condition in [
        "row['Send'] = 'yes'",
        "send=\"yes\" or school == \"Oak (1) = 2\"",
    ] {
        let ran = with(condition).run("check", &[]).expect(3);
        ran.says("`=` does not compare")
            .says("write == between two values");
    }
    for condition in [
        "send == 'a = b'",
        "send >= \"n\"",
        "send | default(value=\"no\") == \"yes\"",
    ] {
        let ran = with(condition).run("check", &[]);
        assert!(!ran.stderr.contains("does not compare"), "{ran:?}");
    }
    let ran = with("send ==").run("check", &[]).expect(3);
    assert!(
        !ran.stderr.contains("-->") && !ran.stderr.contains("%}"),
        "{ran:?}"
    );
}

#[test]
fn a_column_called_name_is_not_the_name_where_another_is() {
    let list = LIST.replace("Send", "Name").replace(",no", ",Elm School");
    let with = |condition: &str| {
        let config = format!("{PLAIN}\nwhere = '{condition}'");
        list_with("list.csv", &list, &config)
    };
    let meant = r#"name != "Elm School" and row["Name"] == "yes""#;
    assert_eq!(ids(&with(meant)), ["S1", "S3"]);
    // Nobody is called so: every row would be left out.
    with(r#"name == "yes""#).run("check", &[]).expect(3);
}

#[test]
fn only_rows_that_are_meant_get_a_letter_and_the_others_are_named() {
    for condition in [
        "send == \"yes\"",
        "row[\"Send\"] == \"yes\"",
        "send != 'no' and name_of",
        "id != 'S2'",
        "name != 'Elm School'",
    ] {
        let condition = condition.replace(" and name_of", " and school");
        assert_eq!(ids(&with(&condition)), ["S1", "S3"], "{condition}");
    }
    let batch = with("send == \"yes\"");
    let checked = batch.run("check", &["--json"]).expect(0).json();
    assert_eq!(left_out(&checked), ["3 \"S2\" \"where\""]);
    batch
        .send(&["--only", "S2"])
        .expect(2)
        .says("S2 is left out: row 3 of the dispatch list (where)");
    batch.send(&[]).expect(0);
    let status = batch.run("status", &["-v"]).expect(0);
    let line = "  left out  S2  Elm School  (row 3: where)";
    assert!(status.stdout.contains(line), "{status:?}");
    let said = batch.run("check", &[]).expect(0);
    assert!(
        said.stdout.contains("left out     1 row of the list"),
        "{said:?}"
    );
    said.says("1 row is left out: row 3 S2 Elm School (where)");
    batch.run("preview", &[]).expect(0);
    let page = fs::read_to_string(batch.path("preview/index.html")).unwrap();
    assert!(page.contains("row 3 S2 Elm School (where)"));
    batch
        .run("send", &[])
        .expect(0)
        .says("row 3 S2 Elm School (where)");
    batch
        .run(
            "report",
            &[
                "--format",
                "csv",
                "--output",
                batch.path("record.csv").to_str().unwrap(),
            ],
        )
        .expect(0);
    let record = fs::read_to_string(batch.path("record.csv")).unwrap();
    assert!(
        record.contains("S2,Elm School,b@s.example,no,left out (where)"),
        "{record}"
    );
}

#[test]
fn a_condition_that_asks_for_what_no_row_has_is_a_fault() {
    for (condition, part) in [
        ("sned == \"yes\"", "gives `sned`"),
        ("row[\"Sned\"] == \"yes\"", "there is no column `Sned`"),
        ("send ==", "cannot be used"),
        ("send %} x {% if send", "without the brackets"),
    ] {
        one_fault(&with(condition), None, None, part, "one expression");
    }
    one_fault(
        &with("send == \"maybe\""),
        None,
        None,
        "every row of the dispatch list is left out",
        "where",
    );
}

#[test]
fn hidden_rows_are_skipped_or_sent_when_somebody_says_so() {
    let hidden = |line: &str| {
        let mut book = Workbook::new();
        let sheet = book.add_worksheet();
        for (column, header) in (0..).zip(HEADER) {
            sheet.write(0, column, header).unwrap();
        }
        for row in 1..=3 {
            school(sheet, row, &format!("S{row}"));
            sheet.write(row, 1, format!("School {row}")).unwrap();
        }
        sheet.set_row_hidden(2).unwrap();
        of(&mut book, &format!("{PLAIN}\n{line}"))
    };
    one_fault(
        &hidden(""),
        Some(3),
        None,
        "row 3 is hidden",
        "hidden_rows = \"skip\"",
    );
    let batch = hidden("hidden_rows = \"skip\"");
    assert_eq!(ids(&batch), ["S1", "S3"]);
    let checked = batch.run("check", &["--json"]).expect(0).json();
    assert_eq!(left_out(&checked), ["3 \"S2\" \"hidden_rows\""]);
    assert_eq!(ids(&hidden("hidden_rows = \"send\"")), ["S1", "S2", "S3"]);
}

#[test]
fn a_few_recipients_are_chosen_by_id_name_or_file_on_every_verb() {
    let batch = list_with("list.csv", LIST, PLAIN);
    batch.write("few.txt", "# two of them\nS1\nElm School\n");
    let file = format!("@{}", batch.path("few.txt").display());
    let chosen = |only: &[&str]| {
        let arguments: Vec<&str> = only.iter().flat_map(|only| ["--only", *only]).collect();
        let checked = batch
            .run("check", &[&["--json"], &arguments[..]].concat())
            .expect(0);
        let checked = checked.json();
        let letters = checked["letters"].as_array().unwrap().iter();
        letters
            .map(|letter| letter["id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(chosen(&["S1,S3"]), ["S1", "S3"]);
    assert_eq!(chosen(&["ash  school"]), ["S3"]);
    assert_eq!(chosen(&["S3", "Oak School"]), ["S1", "S3"]);
    assert_eq!(chosen(&[&file]), ["S1", "S2"]);
    batch.run("check", &["--only", "S9"]).expect(2).says("S9");
    batch
        .run("check", &["--only", "@nowhere.txt"])
        .expect(2)
        .says("cannot be read");
    let said = batch.run("check", &["--only", "S2"]).expect(0).stdout;
    assert!(
        said.contains("only         S2 Elm School: b@s.example"),
        "{said}"
    );
    batch.run("preview", &["--only", "Elm School"]).expect(0);
    assert_eq!(fs::read_dir(batch.path("preview/eml")).unwrap().count(), 1);
    batch.run("send", &["--only", "elm school,S1"]).expect(0);
    assert!(batch.path("outbox/S1.eml").exists() && batch.path("outbox/S2.eml").exists());
    assert!(!batch.path("outbox/S3.eml").exists());
}

#[test]
fn a_name_of_two_recipients_chooses_neither() {
    let list = "ID,School,Email\nS1,Oak School,a@s.example\nS2,Oak School,b@s.example\n";
    let batch = list_with("list.csv", list, PLAIN);
    batch
        .run("send", &["--only", "Oak School"])
        .expect(2)
        .says("several recipients: S1, S2")
        .says("by its id");
}
