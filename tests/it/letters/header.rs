//! Who a letter comes from, who else gets it, and what its header says besides.

use mail_parser::{HeaderValue, MessageParser};

use super::{assert_finds, mail, with_lines};
use crate::support::smtp::SmtpServer;

const LIST: &str = "ID,School,Email,Region,Answers,First\n\
    S001,Elm,a@school.example,North,north@study.example,<one.postroom@study.example>\n\
    S002,Oak,b@school.example,South,,\n";

#[test]
fn sender_answers_and_thread_come_by_value() {
    let batch = with_lines(
        2,
        "reply_to = \"{{ answers }}\"\nin_reply_to = \"{{ first }}\"\nimportance = \"high\"\n\
         [letter.headers]\nX-Study = \"{{ region }} 2026\"\n",
    );
    batch.replace(
        "batch.toml",
        "Study <reports",
        "Study {{ region }} <reports",
    );
    batch.write("list.csv", LIST);
    batch.send(&[]).expect(0);
    let bytes = mail(&batch, "S001");
    let first = MessageParser::new().parse(&bytes).unwrap();
    let text = |name: &str| match first.header(name) {
        Some(HeaderValue::Text(text)) => text.to_string(),
        other => panic!("{name}: {other:?}"),
    };
    let from = first.from().unwrap().first().unwrap();
    assert_eq!(from.name(), Some("Study North"));
    assert_eq!(from.address(), Some("reports@study.example"));
    let answers = first.reply_to().unwrap().first().unwrap();
    assert_eq!(answers.address(), Some("north@study.example"));
    assert_eq!(text("In-Reply-To"), "one.postroom@study.example");
    assert_eq!(text("References"), "one.postroom@study.example");
    assert_eq!(text("Importance"), "high");
    assert_eq!(text("X-Study"), "North 2026");
    let bytes = mail(&batch, "S002");
    let second = MessageParser::new().parse(&bytes).unwrap();
    assert!(second.reply_to().is_none());
    assert!(second.header("In-Reply-To").is_none());
    assert_eq!(
        second.from().unwrap().first().unwrap().name(),
        Some("Study South")
    );
    batch.assert_log_is_whole();
}

#[test]
fn a_value_cannot_write_a_header() {
    let batch = with_lines(1, "[letter.headers]\nX-Study = \"{{ row['Region'] }}\"\n");
    batch.write(
        "list.csv",
        "ID,School,Email,Region\nS001,Elm,a@school.example,\"a\nBcc: x@y.example\"\n",
    );
    assert_finds(&batch, 3, "has a line break");
    let batch = with_lines(1, "in_reply_to = \"{{ row['Region'] }}\"");
    batch.write(
        "list.csv",
        "ID,School,Email,Region\nS001,Elm,a@school.example,\"<a@b> <c@d>\"\n",
    );
    assert_finds(&batch, 3, "no Message-ID to answer to");
}

#[test]
fn senders_of_two_domains_are_refused() {
    let batch = with_lines(2, "");
    batch.replace(
        "batch.toml",
        "Study <reports@study.example>",
        "{{ answers }}",
    );
    batch.write(
        "list.csv",
        "ID,School,Email,Answers\nS001,Elm,a@school.example,a@one.example\nS002,Oak,b@school.example,b@two.example\n",
    );
    assert_finds(&batch, 3, "their domains differ");
}

#[test]
fn some_always_get_a_copy() {
    let server = SmtpServer::start();
    let batch = with_lines(2, "");
    batch.use_smtp(server.port(), "");
    batch.replace(
        "batch.toml",
        "html = \"letter.html\"",
        "html = \"letter.html\"\nalways_cc = [\"Head <head@study.example>\"]\n\
         always_bcc = [\"archive@study.example\", \"TEACHER1@school1.example\"]",
    );
    batch.send(&[]).expect(0);
    let received = server.received();
    assert_eq!(received.len(), 2);
    let first = received
        .iter()
        .find(|one| one.rcpt_to.contains(&"teacher1@school1.example".to_owned()))
        .unwrap();
    assert_eq!(
        first.rcpt_to,
        [
            "teacher1@school1.example",
            "head@study.example",
            "archive@study.example"
        ]
    );
    let text = String::from_utf8_lossy(&first.data).into_owned();
    assert!(
        text.contains("head@study.example") && !text.contains("archive@"),
        "{text}"
    );
    let status = batch.run("status", &["--json"]).json();
    let bcc = &status["letters"][0]["bcc"];
    assert!(
        bcc.to_string().contains("archive@study.example"),
        "{status:#}"
    );
}

#[test]
fn a_rehearsal_leaves_those_out_who_always_get_a_copy() {
    let batch = with_lines(1, "always_bcc = [\"archive@study.example\"]");
    batch.send(&["--redirect-to", "me@study.example"]).expect(0);
    let status = batch.run("status", &["--json", "--rehearsal"]);
    let _ = status;
    let text = String::from_utf8(mail(&batch, "S001")).unwrap();
    assert!(text.contains("Bcc: archive@study.example"), "{text}");
    assert!(!text.contains("\r\nTo: <archive"), "{text}");
}

#[test]
fn the_batch_file_says_what_a_header_may_be() {
    for (lines, part) in [
        ("importance = \"urgent\"", "urgent"),
        ("always_cc = [\"nobody\"]", "letter.always_cc"),
        ("[letter.headers]\nBcc = \"a@b.example\"", "begins with X-"),
    ] {
        with_lines(1, lines).run("check", &[]).expect(2).says(part);
    }
}
