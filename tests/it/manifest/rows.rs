//! Rows, blank rows and rows of more than one line: a fault names the line of the file.

use crate::manifest::{assert_fault, faults, ids, list, one_fault, send_and_read};

/// A list whose last row has a malformed address; it stands in this line.
#[track_caller]
fn fault_in_line(contents: &str, line: u32) {
    one_fault(
        &list("list.csv", contents),
        Some(line),
        Some("Email"),
        "`nobody` is not a mail address",
        "correct the address",
    );
}

#[test]
fn a_row_is_the_line_of_the_file() {
    fault_in_line("ID,School,Email\nS1,A,a@s.example\nS2,B,nobody\n", 3);
}

#[test]
fn a_row_is_the_line_of_the_file_with_windows_line_ends() {
    fault_in_line("ID,School,Email\r\nS1,A,a@s.example\r\nS2,B,nobody\r\n", 3);
}

#[test]
fn a_row_is_the_line_of_the_file_without_an_end_of_the_last_line() {
    fault_in_line("ID,School,Email\nS1,A,a@s.example\nS2,B,nobody", 3);
}

#[test]
fn rows_are_counted_over_cells_with_line_breaks() {
    fault_in_line(
        "ID,School,Email\nS1,\"A\nof\nB\",a@s.example\nS2,B,nobody\n",
        5,
    );
    fault_in_line(
        "ID,School,Email\r\nS1,\"A\r\nof\r\nB\",a@s.example\r\nS2,B,nobody\r\n",
        5,
    );
}

#[test]
fn rows_are_counted_over_blank_lines() {
    fault_in_line("ID,School,Email\nS1,A,a@s.example\n\n\nS2,B,nobody\n", 5);
    fault_in_line(
        "ID,School,Email\r\n\r\nS1,A,a@s.example\r\n\r\nS2,B,nobody\r\n",
        5,
    );
}

#[test]
fn rows_are_counted_from_the_first_line_though_it_is_blank() {
    fault_in_line("\n\nID,School,Email\nS1,A,nobody\n", 4);
}

#[test]
fn a_cell_with_line_breaks_is_one_cell() {
    let batch = list(
        "list.csv",
        "ID,School,Email\nS1,\"Oak\nHouse\",\"a@s.example\nb@s.example\"\n",
    );
    let sent = send_and_read(&batch, "S1");
    assert_eq!(sent.to, ["a@s.example", "b@s.example"]);
    assert!(sent.body.contains("Oak"), "{}", sent.body);
}

#[test]
fn a_doubled_quote_in_a_cell_is_a_quote() {
    let batch = list(
        "list.csv",
        "ID,School,Email\nS1,\"The \"\"Oak\"\"\",a@s.example\n",
    );
    let sent = send_and_read(&batch, "S1");
    assert!(sent.body.contains("The &quot;Oak&quot;"), "{}", sent.body);
}

#[test]
fn blank_rows_are_skipped() {
    let batch = list(
        "list.csv",
        "ID,School,Email\n,,\nS1,A,a@s.example\n\n  ,\t,\nS2,B,b@s.example\n,,\n",
    );
    assert_eq!(ids(&batch), ["S1", "S2"]);
}

#[test]
fn rows_of_one_id_need_not_stand_together() {
    let batch = list(
        "list.csv",
        "ID,School,Email\nS1,A,a@s.example\nS2,B,b@s.example\n S1 ,A,c@s.example\n",
    );
    assert_eq!(ids(&batch), ["S1", "S2"]);
    let sent = send_and_read(&batch, "S1");
    assert_eq!(sent.to, ["a@s.example", "c@s.example"]);
}

#[test]
fn a_row_whose_cells_have_moved_is_refused() {
    let list = list(
        "list.csv",
        "ID,School,Email\nS1,A,a@s.example\nS1,a@s.example\n",
    );
    // What it has is not what its columns are for, and that is said.
    let faults = faults(&list);
    assert_fault(
        &faults[0],
        Some(3),
        Some("School"),
        "one id has two names: `A` (row 2) and `a@s.example`",
        "correct the id or the name",
    );
}

#[test]
fn a_row_with_a_value_beyond_the_header_is_refused() {
    one_fault(
        &list(
            "list.csv",
            "ID,School,Email\nS1,A,a@s.example,b@s.example\n",
        ),
        Some(2),
        None,
        "the row has 4 cells and the header 3, beginning `S1`",
        "in double quotes",
    );
}

#[test]
fn a_quote_that_is_not_closed_is_reported_where_it_opens() {
    let batch = list(
        "list.csv",
        "ID,School,Email\nS1,A,a@s.example\nS2,\"B,b@s.example\nS3,C,c@s.example\n",
    );
    assert_fault(
        &faults(&batch)[0],
        Some(3),
        None,
        "the quote before `B,b@s.example` is never closed",
        "close the quote",
    );
}

#[test]
fn empty_cells_beyond_the_header_are_no_fault() {
    let batch = list("list.csv", "ID,School,Email\nS1,A,a@s.example,, ,\n");
    assert_eq!(ids(&batch), ["S1"]);
}

#[test]
fn an_empty_id_is_refused() {
    one_fault(
        &list(
            "list.csv",
            "ID,School,Email\nS1,A,a@s.example\n ,B,b@s.example\n",
        ),
        Some(3),
        Some("ID"),
        "the id is empty",
        "fill in the id, or delete the row",
    );
}

#[test]
fn one_id_with_two_names_is_refused() {
    let batch = list(
        "list.csv",
        "ID,School,Email\nS1,Oak,a@s.example\nS2,Ash,b@s.example\nS1,Elm,c@s.example\n",
    );
    one_fault(
        &batch,
        Some(4),
        Some("School"),
        "one id has two names: `Oak` (row 2) and `Elm`",
        "correct the id or the name",
    );
}

#[test]
fn a_name_may_stand_in_one_row_of_an_id_only() {
    let batch = list("list.csv", "ID,School,Email\nS1,,a@s.example\nS1,Oak,\n");
    let sent = send_and_read(&batch, "S1");
    assert!(sent.body.contains("Dear Oak (S1)"), "{}", sent.body);
}

#[test]
fn a_school_without_a_name_is_refused() {
    one_fault(
        &list("list.csv", "ID,School,Email\nS1, ,a@s.example\n"),
        Some(2),
        Some("School"),
        "the recipient has no name",
        "fill in the name",
    );
}

#[test]
fn all_faults_of_a_list_are_reported_at_once_and_counted() {
    let batch = list(
        "list.csv",
        "ID,School,Email\n,Oak,a@s.example\nS1,Ash,nobody\nS2,Elm,\nS3,Fir,c@s.example\nS3,Yew,d@s.example\nS4,Box\n",
    );
    let faults = faults(&batch);
    let rows: Vec<_> = faults
        .iter()
        .map(|fault| fault["row"].as_u64().unwrap())
        .collect();
    assert_eq!(rows, [2, 3, 4, 6, 7], "{faults:#?}");
    batch
        .run("check", &[])
        .expect(3)
        .says("5 faults found, nothing was sent");
}
