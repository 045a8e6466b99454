//! What is said when a mail server, a sign-in service or a person's own files stand in the way: who it is about,
//! and the step that mends it, each in full.

use std::fs;
use std::path::Path;

use insta::assert_snapshot;

use crate::support::closed_port::ClosedPort;
use crate::support::signing_in::Desk;
use crate::support::smtp::SmtpServer;
use crate::support::{Ran, TestBatch};

/// What a verb said, without what differs from run to run.
fn said(batch: &TestBatch, port: u16, verb: &str, arguments: &[&str]) -> String {
    let Ran {
        code,
        stdout,
        stderr,
    } = batch.run(verb, arguments);
    let all = format!("exit {}\n{stdout}{stderr}", code.unwrap());
    let all = all
        .replace(&batch.folder().display().to_string(), "[folder]")
        .replace(&format!(":{port}"), ":[port]");
    let lines = all.lines().filter(|line| !line.starts_with("log: "));
    lines.collect::<Vec<_>>().join("\n")
}

/// A batch for the server at a port, with these lines in `[smtp]`.
fn batch_for(port: u16, lines: &str) -> TestBatch {
    let batch = TestBatch::new(2);
    batch.use_smtp(port, "attempts = 1");
    batch.secrets(&format!(
        "[smtp]\nhost = \"127.0.0.1\"\nport = {port}\ntimeout = \"1s\"\n{lines}\n"
    ));
    batch
}

#[test]
fn tls_to_a_clear_port_and_the_other_way_round_name_the_setting() {
    let clear = SmtpServer::start();
    let batch = batch_for(clear.port(), "security = \"tls\"");
    let tls_to_clear = said(&batch, clear.port(), "check", &["--online"]);
    let batch = batch_for(clear.port(), "security = \"starttls\"");
    let starttls_to_clear = said(&batch, clear.port(), "send", &["--yes"]);
    let tls = SmtpServer::builder().implicit_tls().start();
    let batch = batch_for(tls.port(), "security = \"none\"");
    let clear_to_tls = said(&batch, tls.port(), "check", &["--online"]);
    assert_snapshot!(format!(
        "{tls_to_clear}\n\n{starttls_to_clear}\n\n{clear_to_tls}"
    ));
}

#[test]
fn a_server_that_is_not_there_and_a_name_that_is_none() {
    let nobody = ClosedPort::new();
    let port = nobody.number;
    let batch = batch_for(port, "security = \"none\"");
    let refused = said(&batch, port, "check", &["--online"]);
    let batch = batch_for(port, "security = \"none\"");
    // A name with an empty part is none to any system, so nobody has to be asked.
    batch.replace(".secrets.toml", "127.0.0.1", "mail..example");
    let unknown = said(&batch, port, "check", &["--online"]);
    let (before, rest) = unknown.split_once("smtp.host: ").unwrap();
    let unknown = format!(
        "{before}smtp.host: [the system's words]\n{}",
        rest.split_once('\n').unwrap().1
    );
    assert_snapshot!(format!("{refused}\n\n{unknown}"));
}

#[test]
fn a_wrong_password_and_a_certificate_nobody_signed() {
    let server = SmtpServer::builder().auth("reports", "right").start();
    let login = "security = \"none\"\nusername = \"reports\"\npassword = \"wrong\"";
    let batch = batch_for(server.port(), login);
    let checked = said(&batch, server.port(), "check", &["--online"]);
    let sent = said(&batch, server.port(), "send", &["--yes"]);
    let tls = SmtpServer::builder().implicit_tls().start();
    let batch = batch_for(tls.port(), "security = \"tls\"");
    let untrusted = said(&batch, tls.port(), "check", &["--online"]);
    assert_snapshot!(format!("{checked}\n\n{sent}\n\n{untrusted}"));
}

#[test]
fn tags_that_are_not_closed_are_named_where_they_were_opened() {
    let batch = TestBatch::new(1);
    let mut all = String::new();
    for letter in [
        "<p>Dear {{ name }},</p>\n{% if id == \"S001\" %}\n<p>your report.</p>\n",
        "{% for row in rows %}\n{% if id %}\n{% endfor %}\n",
        "<p>Dear {{ name }},</p>\n{% endif %}\n",
        "<p>{% fi id %}x{% endif %}</p>\n",
        "<p>{{ row[\"Leader\"] }}</p>\n",
        "{% for letter in id | length %}x{% endfor %}\n",
    ] {
        batch.write("letter.html", letter);
        all.push_str(&format!("{letter}{}\n\n", said(&batch, 0, "check", &[])));
    }
    assert_snapshot!(all);
}

#[test]
fn a_value_of_another_kind_is_said_in_words() {
    let batch = TestBatch::new(1);
    let good = fs::read_to_string(batch.path("batch.toml")).unwrap();
    let mut all = String::new();
    for (part, other) in [
        ("to = [\"Email\"]", "to = \"Email\""),
        ("name = \"Test reports\"", "name = 2026"),
        ("[[attachment]]", "[attachment]"),
        (
            "html = \"letter.html\"",
            "html = \"letter.html\"\nalways_cc = true",
        ),
    ] {
        batch.write("batch.toml", good.replace(part, other));
        all.push_str(&format!("{}\n\n", said(&batch, 0, "check", &[])));
    }
    batch.write(
        "batch.toml",
        format!("{good}[dispatch]\nconnections = \"two\"\n"),
    );
    all.push_str(&said(&batch, 0, "check", &[]));
    assert_snapshot!(all);
}

#[test]
fn resolve_without_a_choice_names_both() {
    let batch = TestBatch::new(1);
    let ran = batch.command("resolve", &[]).arg("S001").output().unwrap();
    let ran = Ran::of(ran).expect(2);
    assert_snapshot!(ran.stderr);
}

#[test]
fn practising_begins_again_and_never_where_letters_reach_people() {
    let batch = TestBatch::new(2);
    // Where nothing was practised yet there is nothing to set aside.
    batch.run("send", &["--fresh"]).expect(0);
    batch.write("outbox/notes.txt", "mine");
    let ran = batch.run("send", &["--fresh"]).expect(0);
    let ran = ran.says("practising begins again").shows("2 accepted");
    assert!(!ran.stdout.contains("nothing left"), "{ran:?}");
    let names = |folder: &str| -> Vec<String> {
        let entries = fs::read_dir(batch.path(folder)).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    };
    // The letters, what lies beside them, and the folder with those of before.
    let outbox = names("outbox");
    assert_eq!(outbox[1..], ["S001.eml", "S002.eml", "notes.txt"]);
    assert_eq!(
        names(&format!("outbox/{}", outbox[0])),
        ["S001.eml", "S002.eml"]
    );
    let kept: Vec<String> = names(".")
        .into_iter()
        .filter(|name| name.starts_with("batch.outbox.db.2"))
        .collect();
    assert_eq!(kept.len(), 1, "{kept:?}");
    // What was kept can be looked at.
    let old = batch.run("status", &["--state", &kept[0], "-v"]).expect(0);
    old.shows("2 accepted");
    batch.assert_log_is_whole();

    // A rehearsal over a server reaches nobody but the one who rehearses.
    let server = SmtpServer::start();
    batch.use_smtp(server.port(), "");
    let rehearse = ["--yes", "--redirect-to", "me@study.example"];
    batch
        .run("send", &[&rehearse[..], &["--limit", "1"]].concat())
        .expect(0);
    batch
        .run("send", &[&rehearse[..], &["--fresh"]].concat())
        .expect(0);
    assert_eq!(server.received().len(), 3);
    batch.run("send", &["--yes"]).expect(0);
    let refused = said(&batch, server.port(), "send", &["--yes", "--fresh"]);
    assert_snapshot!(refused);
    assert_eq!(server.received().len(), 5);
}

#[test]
fn what_of_a_letter_changed_is_named() {
    let batch = TestBatch::new(5);
    batch.run("send", &["--limit", "1"]).expect(0);
    let list = fs::read_to_string(batch.path("list.csv")).unwrap();
    batch.write(
        "list.csv",
        list.replace("teacher2@", "head2@")
            .replace("School 4", "The 4th School")
            .replace("teacher5@", "head5@"),
    );
    for id in ["S003", "S005"] {
        let report = fs::read(batch.path(&format!("reports/{id}.pdf"))).unwrap();
        batch.write(&format!("reports/{id}.pdf"), [&report[..], b"\n%"].concat());
    }
    batch.replace(
        "batch.toml",
        "name = \"report.pdf\"",
        "name = \"report.pdf\"\ncross_check = false",
    );
    assert_snapshot!(said(&batch, 0, "send", &[]));
    let checked = said(&batch, 0, "check", &[]);
    assert!(
        checked.contains("addresses and report changed, not sent yet"),
        "{checked}"
    );
}

#[test]
fn a_sign_in_service_that_cannot_be_reached_is_no_refusal() {
    let desk = Desk::new();
    desk.keep_sign_in();
    let server = SmtpServer::builder()
        .oauth("reports@study.example", "token")
        .start();
    desk.use_smtp(server.port());
    let nobody = ClosedPort::new();
    desk.change(&desk.server.authority(), &nobody.url());
    // A matter of the network, and not of who we are: exit 5, and not 6.
    let checked = said(&desk.batch, nobody.number, "check", &["--online"]);
    for part in [
        "exit 5",
        "the sign-in service could not be used: cannot connect to 127.0.0.1:[port]: nothing listens there",
        "next: check the network",
    ] {
        assert!(checked.contains(part), "{part}: {checked}");
    }
}

#[test]
fn a_next_step_can_be_typed_where_one_is() {
    let batch = TestBatch::new(2);
    let folder = batch.folder();
    let status_from = |place: &Path| {
        let mut command = batch.command("status", &[]);
        command.current_dir(place);
        Ran::of(command.output().unwrap()).expect(2)
    };
    status_from(folder.parent().unwrap()).says(&format!("`postroom send {}`", folder.display()));
    // In its folder a command needs no batch.
    status_from(folder).says("`postroom send`");
}
