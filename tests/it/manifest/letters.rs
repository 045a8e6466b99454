//! Who gets a letter, and to which addresses.

use std::fs;

use crate::manifest::{ids, list, list_with, one_fault, read, send_and_read};
use crate::support::{parse_mail, report};

const LEADERS: &str = "id = \"ID\"\nname = \"School\"\nto = [\"Email\", \"Leader\"]";

#[test]
fn an_id_that_is_the_beginning_of_another_gets_its_own_report() {
    // On the disks of Windows two names that differ in case alone are one file.
    let last = if cfg!(windows) { "S1000" } else { "s1" };
    let batch = list(
        "list.csv",
        format!(
            "ID,School,Email\nS1,A,a@s.example\nS10,B,b@s.example\nS100,C,c@s.example\n{last},D,d@s.example\n"
        ),
    );
    let file = fs::read_to_string(batch.path("batch.toml")).unwrap();
    batch.write(
        "batch.toml",
        file + "\n[[attachment]]\npath = \"reports/report_{{ id }}.pdf\"\nname = \"report.pdf\"\n",
    );
    for (number, name) in ["S1", "S10", "S100", last].into_iter().enumerate() {
        batch.write(&format!("reports/report_{name}.pdf"), report(number));
    }
    batch.run("send", &[]).expect(0);
    for (number, id) in ["S1", "S10", "S100"].into_iter().enumerate() {
        let mail = parse_mail(&fs::read(batch.path(&format!("outbox/{id}.eml"))).unwrap());
        let digest: [u8; 32] = <sha2::Sha256 as sha2::Digest>::digest(report(number)).into();
        assert_eq!(mail.attachments[0].1, digest, "{id}");
    }
}

#[test]
fn addresses_come_from_all_columns_and_rows_of_an_id() {
    let batch = list_with(
        "list.csv",
        "ID,School,Email,Leader\nS1,A,a@s.example,lead@x.example\nS1,A,\"b@s.example; Bea <c@s.example>\",\nS1,A,,deputy@x.example d@s.example\n",
        LEADERS,
    );
    assert_eq!(
        send_and_read(&batch, "S1").to,
        [
            "a@s.example",
            "b@s.example",
            "c@s.example",
            "lead@x.example",
            "deputy@x.example",
            "d@s.example"
        ]
    );
}

#[test]
fn an_address_stands_once_in_a_letter_however_it_is_written() {
    let batch = list_with(
        "list.csv",
        "ID,School,Email,Leader\nS1,A,a@s.example,A@S.EXAMPLE\nS1,A,\"Ann <a@s.example>\",b@s.example\n",
        LEADERS,
    );
    assert_eq!(
        send_and_read(&batch, "S1").to,
        ["a@s.example", "b@s.example"]
    );
}

#[test]
fn an_address_in_to_is_not_repeated_in_cc() {
    let batch = list_with(
        "list.csv",
        "ID,School,Email,Leader\nS1,A,a@s.example,\"A@s.example, c@s.example\"\n",
        "id = \"ID\"\nname = \"School\"\nto = [\"Email\"]\ncc = [\"Leader\"]",
    );
    let sent = send_and_read(&batch, "S1");
    assert_eq!(sent.to, ["a@s.example"]);
    assert_eq!(sent.cc, ["c@s.example"]);
}

#[test]
fn a_leader_of_six_schools_gets_six_letters() {
    let mut rows = String::from("ID,School,Email,Leader\n");
    for number in 1..=6 {
        rows.push_str(&format!("S{number},School {number},,lead@x.example\n"));
    }
    let batch = list_with("list.csv", rows, LEADERS);
    batch.run("send", &[]).expect(0);
    for number in 1..=6 {
        let sent = read(&batch, &format!("S{number}"));
        assert_eq!(sent.to, ["lead@x.example"]);
        assert!(
            sent.body.contains(&format!("School {number} ")),
            "{}",
            sent.body
        );
    }
}

#[test]
fn a_school_with_only_a_leader_writes_to_the_leader() {
    let batch = list_with(
        "list.csv",
        "ID,School,Email,Leader\nS1,A,,lead@x.example\n",
        LEADERS,
    );
    assert_eq!(send_and_read(&batch, "S1").to, ["lead@x.example"]);
}

#[test]
fn a_required_column_must_give_an_address() {
    let batch = list_with(
        "list.csv",
        "ID,School,Email,Leader\nS1,A,a@s.example,lead@x.example\nS2,B,,lead@x.example\n",
        &format!("{LEADERS}\nrequire = [\"Email\"]"),
    );
    one_fault(
        &batch,
        Some(3),
        Some("Email"),
        "no address in `Email`, which [manifest] require names",
        "fill in the address",
    );
}

#[test]
fn any_row_of_an_id_may_give_the_required_address() {
    let batch = list_with(
        "list.csv",
        "ID,School,Email,Leader\nS1,A,,lead@x.example\nS1,A,a@s.example,\n",
        &format!("{LEADERS}\nrequire = [\"Email\"]"),
    );
    assert_eq!(ids(&batch), ["S1"]);
}

#[test]
fn a_required_column_need_not_be_one_that_is_written_to() {
    let batch = list_with(
        "list.csv",
        "ID,School,Email,Leader\nS1,A,a@s.example,lead@x.example\n",
        "id = \"ID\"\nname = \"School\"\nto = [\"Email\"]\nrequire = [\"Leader\"]",
    );
    assert_eq!(send_and_read(&batch, "S1").to, ["a@s.example"]);
}

#[test]
fn a_school_without_any_address_is_refused() {
    let batch = list_with(
        "list.csv",
        "ID,School,Email,Leader\nS1,A,a@s.example,\nS2,B,,\nS2,B, , \n",
        LEADERS,
    );
    one_fault(
        &batch,
        Some(3),
        None,
        "no address in `Email`, `Leader`",
        "fill in an address",
    );
}

#[test]
fn an_address_in_cc_alone_is_not_enough() {
    let batch = list_with(
        "list.csv",
        "ID,School,Email,Leader\nS1,A,,lead@x.example\n",
        "id = \"ID\"\nname = \"School\"\nto = [\"Email\"]\ncc = [\"Leader\"]",
    );
    one_fault(&batch, Some(2), None, "no address in `Email`", "fill in");
}

#[test]
fn a_malformed_address_is_reported_as_it_was_read() {
    for (cell, text) in [
        ("ann.s.example", "`ann.s.example` is not a mail address"),
        ("ann@", "`ann@` is not a mail address"),
        ("ann@school", "not a domain name"),
        ("a@b@s.example", "exactly one @"),
        ("ann..b@s.example", "before the @ is malformed"),
        ("zoé@s.example", "letters that a mail address cannot carry"),
        ("Ann <ann@s.example", "is not a mailbox"),
        ("a@s.example / b@s.example", "`/` is not a mail address"),
    ] {
        let batch = list("list.csv", format!("ID,School,Email\nS1,A,{cell}\n"));
        one_fault(&batch, Some(2), Some("Email"), text, "correct the address");
    }
}
