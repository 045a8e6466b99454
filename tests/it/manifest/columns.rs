//! The columns that the batch file names.

use crate::manifest::{ids, list, list_with, one_fault};

#[test]
fn a_missing_column_is_reported_with_a_near_name() {
    one_fault(
        &list("list.csv", "ID,School,E-mail\nS1,A,a@s.example\n"),
        None,
        Some("Email"),
        "column `Email` ([manifest] to) is missing",
        "did you mean `E-mail`?",
    );
}

#[test]
fn a_missing_column_without_a_near_name_is_reported_with_all_names() {
    one_fault(
        &list("list.csv", "ID,School,Contact\nS1,A,a@s.example\n"),
        None,
        Some("Email"),
        "column `Email` ([manifest] to) is missing",
        "the columns are `ID`, `School`, `Contact`",
    );
}

#[test]
fn a_column_of_another_case_is_missing() {
    one_fault(
        &list("list.csv", "id,School,Email\nS1,A,a@s.example\n"),
        None,
        Some("ID"),
        "column `ID` ([manifest] id) is missing",
        "did you mean `id`?",
    );
}

#[test]
fn a_named_column_that_stands_twice_is_refused() {
    one_fault(
        &list("list.csv", "ID,School,Email,Email\nS1,A,a@s.example,\n"),
        None,
        Some("Email"),
        "column `Email` ([manifest] to) appears twice in the header",
        "rename one of the two",
    );
}

#[test]
fn another_column_that_stands_twice_is_a_warning() {
    let batch = list(
        "list.csv",
        "ID,School,Email,Note,Note\nS1,A,a@s.example,,\n",
    );
    batch
        .run("check", &[])
        .expect(0)
        .says("warning: list.csv [Note]: column `Note` appears twice in the header");
}

#[test]
fn a_header_with_stray_blanks_is_reported_as_that() {
    one_fault(
        &list("list.csv", "ID,School, Email \nS1,A,a@s.example\n"),
        None,
        Some("Email"),
        "column `Email` ([manifest] to) is written ` Email ` in the header, with extra spaces",
        "remove the spaces from the header",
    );
}

#[test]
fn a_header_with_stray_blanks_can_be_named_just_so() {
    let batch = list_with(
        "list.csv",
        "ID,School, Email \nS1,A,a@s.example\n",
        "id = \"ID\"\nname = \"School\"\nto = [\" Email \"]",
    );
    assert_eq!(ids(&batch), ["S1"]);
}

#[test]
fn every_missing_column_is_reported() {
    let batch = list("list.csv", "Nr,Label,Contact\nS1,A,a@s.example\n");
    let columns: Vec<_> = crate::manifest::faults(&batch)
        .iter()
        .map(|fault| fault["column"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(columns, ["ID", "School", "Email"]);
}

#[test]
fn an_empty_cell_where_others_have_an_address_is_one_warning_with_its_rows() {
    let rows = |filled: &dyn Fn(usize) -> bool| -> String {
        let row = |n: usize| {
            let head = if filled(n) {
                format!("head@s{n}.example")
            } else {
                String::new()
            };
            format!("S{n},School {n},office@s{n}.example,{head}\n")
        };
        (1..=10).map(row).collect()
    };
    let found = |filled: &dyn Fn(usize) -> bool| -> Vec<String> {
        let batch = list(
            "list.csv",
            format!("ID,School,Email,Head\n{}", rows(filled)),
        );
        batch.replace(
            "batch.toml",
            "to = [\"Email\"]",
            "to = [\"Email\", \"Head\"]",
        );
        let checked = batch.run("check", &["--json"]).json();
        let findings = checked["findings"].as_array().unwrap().iter();
        findings
            .filter(|finding| finding["column"] == "Head" && finding["severity"] == "warning")
            .map(|finding| finding["text"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        found(&|n| n != 2 && n != 5),
        ["2 recipients have no address in `Head`, where 8 have one: rows 3, 6"]
    );
    assert_eq!(
        found(&|n| n != 2),
        ["1 recipient has no address in `Head`, where 9 have one: row 3"]
    );
    // A column for second addresses is empty for several.
    assert!(found(&|n| n > 3).is_empty());
}
