use super::*;
use crate::config::TransportName;
use crate::finding::NextStep;

const SMALL: &str = r#"
    [batch]
    name = "Autumn reports"
    [manifest]
    path = "list.csv"
    id = "ID"
    name = "School"
    to = ["Email"]
    [letter]
    subject = "Report"
    html = "letter.html"
"#;

fn parse(text: &str) -> Result<Batch, ConfigError> {
    Batch::parse(Path::new("reports/batch.toml"), text)
}

fn refusal(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

#[test]
fn a_small_batch_file_takes_the_defaults() {
    let batch = parse(SMALL).unwrap();
    assert_eq!(batch.folder, Path::new("reports"));
    assert_eq!(
        batch.beside("state.db"),
        Path::new("reports/batch.state.db")
    );
    assert_eq!(batch.dispatch.transport, TransportName::Outbox);
    assert_eq!(batch.dispatch.message_limit(), None);
    assert_eq!(batch.dispatch.chunk.get(), 50);
}

#[test]
fn smtp_has_the_limits_of_a_mailbox_unless_others_are_written() {
    let smtp = parse(&format!("{SMALL}[dispatch]\ntransport = \"smtp\"")).unwrap();
    assert_eq!(smtp.dispatch.message_limit(), Some(28));
    assert_eq!(smtp.dispatch.byte_limit(), None);
    assert_eq!(smtp.dispatch.recipient_limit(), Some(9_500));
    assert_eq!(smtp.dispatch.hour_limit(), None);
    let fast = parse(&format!(
        "{SMALL}[dispatch]\ntransport = \"smtp\"\nmessages_per_minute = 600"
    ));
    assert_eq!(fast.unwrap().dispatch.message_limit(), Some(600));
}

#[test]
fn an_unknown_key_is_refused_with_its_line() {
    let text = refusal(&SMALL.replace("to =", "too ="));
    assert!(text.contains("too") && text.contains("line 8"), "{text}");
}

#[test]
fn values_that_cannot_work_are_refused() {
    for (text, part) in [
        (SMALL.replace("Autumn reports", " "), "batch.name"),
        (SMALL.replace("[\"Email\"]", "[]"), "manifest.to"),
        (
            SMALL.replace("list.csv", "../list.csv"),
            "leaves the batch's folder",
        ),
        (
            SMALL.replace("letter.html", "/etc/letter.html"),
            "leaves the batch's folder",
        ),
        (format!("{SMALL}reply_to = \"nobody\""), "letter.reply_to"),
        (
            format!("{SMALL}[dispatch]\nconnections = 0"),
            "a whole number of at least 1",
        ),
        (
            format!("{SMALL}[dispatch]\npause = \"soon\""),
            "not a duration",
        ),
        (
            format!("{SMALL}[dispatch]\ntransport = \"pigeon\""),
            "unknown variant `pigeon`",
        ),
    ] {
        let refusal = parse(&text).unwrap_err();
        assert!(refusal.to_string().contains(part), "{part}: {refusal}");
        assert!(!refusal.next_step().is_empty(), "{refusal}");
    }
}

#[test]
fn paths_may_leave_the_folder_when_the_batch_says_so() {
    let text = SMALL
        .replace("list.csv", "../list.csv")
        .replace("[manifest]", "allow_outside = true\n[manifest]");
    assert!(parse(&text).is_ok());
}
