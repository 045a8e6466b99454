//! Cells that were not written in good faith, or by no person at all.

use std::fs;

use crate::manifest::{faults, list, list_with, one_fault, send_and_read};
use crate::support::{Ran, TestBatch};

/// Clears a terminal, changes its title, turns the text round, and hides.
const TRICKS: &str = "\u{1b}[2J\u{1b}]0;x\u{7}\u{9b}31m\u{7f}\u{202e}abc\u{2066}\u{200b}\u{feff}";

/// Fails unless all output can be shown on a terminal as it is.
#[track_caller]
fn assert_tame(ran: &Ran) {
    for (stream, text) in [("stdout", &ran.stdout), ("stderr", &ran.stderr)] {
        let wild = text.chars().find(|&c| {
            (c.is_control() && c != '\n')
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
        });
        assert_eq!(wild, None, "on {stream}: {ran:?}");
    }
}

/// Runs everything that shows a batch.
#[track_caller]
fn assert_all_tame(batch: &TestBatch) {
    for (verb, arguments) in [
        ("check", &[][..]),
        ("check", &["--json"]),
        ("send", &["--dry-run", "-v"]),
        ("send", &["-v"]),
        ("send", &["--json"]),
        ("status", &["-v"]),
        ("status", &["--json"]),
    ] {
        assert_tame(&batch.run(verb, arguments));
    }
}

#[test]
fn tricks_in_a_name_never_reach_the_terminal() {
    let batch = list(
        "list.csv",
        format!("ID,School,Email\nS1,Oak{TRICKS},a@s.example\n"),
    );
    assert_all_tame(&batch);
}

#[test]
fn tricks_in_a_subject_are_refused_and_never_reach_the_terminal() {
    let batch = list(
        "list.csv",
        format!("ID,School,Email\nS1,Oak{TRICKS},a@s.example\n"),
    );
    let file = fs::read_to_string(batch.path("batch.toml")).unwrap();
    batch.write(
        "batch.toml",
        file.replace("subject = \"Report\"", "subject = \"{{ name }}\""),
    );
    batch
        .run("check", &[])
        .expect(3)
        .says("has a line break or control character in it");
    assert_all_tame(&batch);
}

#[test]
fn text_that_turns_round_in_a_subject_never_reaches_the_terminal() {
    let batch = list(
        "list.csv",
        "ID,School,Email\nS1,Oak\u{202e}fdp.exe,a@s.example\n",
    );
    let file = fs::read_to_string(batch.path("batch.toml")).unwrap();
    batch.write(
        "batch.toml",
        file.replace("subject = \"Report\"", "subject = \"{{ name }}\""),
    );
    let shown = batch.run("send", &["--dry-run"]).expect(0);
    assert!(shown.stdout.contains("Oak\\u{202e}fdp.exe"), "{shown:?}");
    assert_all_tame(&batch);
}

#[test]
fn tricks_in_an_id_are_refused() {
    let batch = list(
        "list.csv",
        format!("ID,School,Email\nS1{TRICKS},Oak,a@s.example\n"),
    );
    one_fault(
        &batch,
        Some(2),
        Some("ID"),
        "has control characters in it",
        "type the id again",
    );
    assert_all_tame(&batch);
}

#[test]
fn an_id_that_turns_text_round_never_reaches_the_terminal() {
    let batch = list("list.csv", "ID,School,Email\nS\u{202e}1,Oak,a@s.example\n");
    assert_all_tame(&batch);
}

#[test]
fn tricks_in_an_address_are_refused() {
    let batch = list(
        "list.csv",
        format!("ID,School,Email\nS1,Oak,a{TRICKS}@s.example\n"),
    );
    one_fault(
        &batch,
        Some(2),
        Some("Email"),
        "\\u{1b}[2J",
        "correct the address",
    );
    assert_all_tame(&batch);
}

#[test]
fn tricks_in_a_header_never_reach_the_terminal() {
    let batch = list(
        "list.csv",
        format!("ID,School,E{TRICKS}\nS1,Oak,a@s.example\n"),
    );
    batch.run("check", &[]).expect(3).says("is missing");
    assert_all_tame(&batch);
    let doubled = list(
        "list.csv",
        format!("ID,School,Email,N{TRICKS},N{TRICKS}\nS1,Oak,a@s.example,,\n"),
    );
    doubled.run("check", &[]).expect(0).says("appears twice");
    assert_all_tame(&doubled);
}

#[test]
fn a_header_with_a_line_break_does_not_break_the_line_of_its_fault() {
    let batch = list_with(
        "list.csv",
        "ID,School,\"Email\n(main)\"\nS1,Oak,nobody\n",
        "id = \"ID\"\nname = \"School\"\nto = [\"Email\\n(main)\"]",
    );
    batch
        .run("check", &[])
        .expect(3)
        .says("fault: list.csv:3 [Email\\n(main)] S1: `nobody`");
}

/// A text of a million letters.
fn long() -> String {
    "x".repeat(1_000_000)
}

/// What is said of a cell of 1 MB is short.
#[track_caller]
fn assert_short(batch: &TestBatch) {
    for arguments in [&[][..], &["--json"]] {
        let ran = batch.run("check", arguments).expect(3);
        let length = ran.stdout.len() + ran.stderr.len();
        assert!(length < 2_000, "{length} bytes were said");
    }
}

#[test]
fn a_megabyte_that_is_no_address_is_reported_in_short() {
    let batch = list("list.csv", format!("ID,School,Email\nS1,Oak,{}\n", long()));
    one_fault(
        &batch,
        Some(2),
        Some("Email"),
        "… (1000000 characters)` is not a mail address",
        "correct the address",
    );
    assert_short(&batch);
}

#[test]
fn a_megabyte_of_addresses_is_read() {
    let addresses: Vec<_> = (0..40_000)
        .map(|number| format!("teacher{number}@school.example"))
        .collect();
    let batch = list(
        "list.csv",
        format!("ID,School,Email\nS1,Oak,{}\n", addresses.join(";")),
    );
    assert_eq!(send_and_read(&batch, "S1").to, addresses);
    // The letter is known again, however long its headers are.
    fs::remove_file(batch.path("batch.outbox.db")).unwrap();
    batch.run("send", &["--accept-lost-state"]).expect(0);
}

#[test]
fn a_megabyte_in_the_letter_is_carried() {
    let batch = list(
        "list.csv",
        format!("ID,School,Email,Notes\nS1,Oak,a@s.example,{}\n", long()),
    );
    batch.write("letter.html", "<p>{{ notes }}</p>");
    let sent = send_and_read(&batch, "S1");
    assert!(sent.body.contains(&long()), "{} bytes", sent.body.len());
}

#[test]
fn a_megabyte_in_the_subject_is_refused_in_short() {
    let batch = list(
        "list.csv",
        format!("ID,School,Email,Notes\nS1,Oak,a@s.example,{}\n", long()),
    );
    let file = fs::read_to_string(batch.path("batch.toml")).unwrap();
    batch.write(
        "batch.toml",
        file.replace("subject = \"Report\"", "subject = \"{{ notes }}\""),
    );
    batch
        .run("check", &[])
        .expect(3)
        .says("S1: the subject cannot be used: it has 1000000 characters, more than 1000");
    assert_short(&batch);
}

#[test]
fn a_megabyte_in_a_column_that_nobody_uses_is_no_fault() {
    let batch = list(
        "list.csv",
        format!("ID,School,Email,Notes\nS1,Oak,a@s.example,{}\n", long()),
    );
    assert!(send_and_read(&batch, "S1").body.contains("Oak"));
}

#[test]
fn a_megabyte_as_an_id_is_refused_in_short() {
    let batch = list(
        "list.csv",
        format!("ID,School,Email\n{},Oak,a@s.example\n", long()),
    );
    one_fault(
        &batch,
        Some(2),
        Some("ID"),
        "(1000000 characters)` is longer than",
        "use a shorter id",
    );
    assert_short(&batch);
}

#[test]
fn a_megabyte_in_the_header_is_reported_in_short() {
    let batch = list(
        "list.csv",
        format!("ID,School,Email,{0},{0}\nS1,Oak,nobody,,\n", long()),
    );
    assert_eq!(faults(&batch).len(), 1);
    let ran = batch.run("check", &[]).expect(3);
    assert!(ran.stderr.len() < 2_000, "{} bytes", ran.stderr.len());
}

#[test]
fn a_value_cannot_be_a_template_or_break_out_of_html() {
    let batch = list(
        "list.csv",
        "ID,School,Email\nS1,\"<script>{{ id }}{% include 'x' %}</script>\",a@s.example\n",
    );
    let sent = send_and_read(&batch, "S1");
    assert!(
        sent.body.contains("&lt;script&gt;{{ id }}{% include"),
        "{}",
        sent.body
    );
}
