//! The files of the gallery.

use std::fs;

use mail_parser::{MessageParser, MimeHeaders};

use crate::support::TestBatch;

#[test]
fn each_letter_has_the_exact_message_in_a_file() {
    let batch = TestBatch::new(3);
    batch.run("preview", &[]).expect(0);
    for number in 1..=3 {
        let file = batch.path(&format!("preview/eml/0000{number}-S00{number}.eml"));
        let bytes = fs::read(file).unwrap();
        let message = MessageParser::new().parse(&bytes).unwrap();
        let report = fs::read(batch.path(&format!("reports/S00{number}.pdf"))).unwrap();
        let attachment = message.attachment(0).unwrap();
        assert_eq!(attachment.contents(), report);
        assert_eq!(attachment.attachment_name(), Some("report.pdf"));
        let subject = format!("Report for School {number}");
        assert_eq!(message.subject(), Some(subject.as_str()));
    }
}

#[test]
fn what_is_previewed_is_what_is_sent() {
    let batch = TestBatch::new(2);
    let shown = batch.run("preview", &[]).expect(0);
    let plan = shown
        .stdout
        .lines()
        .find_map(|line| line.strip_prefix("plan "));
    let plan = plan.unwrap();
    batch.run("send", &["--plan", plan]).expect(0);
    for name in ["S001", "S002"] {
        let number = &name[3..];
        let shown = fs::read_to_string(batch.path(&format!("preview/eml/0000{number}-{name}.eml")));
        let sent = fs::read_to_string(batch.path(&format!("outbox/{name}.eml"))).unwrap();
        let but_for_date = |text: &str| {
            let lines = text.lines().filter(|line| !line.starts_with("Date:"));
            lines.collect::<Vec<_>>().join("\n")
        };
        assert_eq!(but_for_date(&shown.unwrap()), but_for_date(&sent));
    }
}

#[test]
fn with_a_fault_there_is_no_gallery() {
    let batch = TestBatch::new(2);
    fs::remove_file(batch.path("reports/S002.pdf")).unwrap();
    batch.run("preview", &[]).expect(3).says("nothing was sent");
    assert!(!batch.path("preview").exists());
}

#[test]
fn a_folder_of_somebody_else_is_left_alone() {
    let batch = TestBatch::new(1);
    fs::create_dir(batch.path("preview")).unwrap();
    fs::write(batch.path("preview/thesis.txt"), "mine").unwrap();
    batch
        .run("preview", &[])
        .expect(2)
        .says("is there and is not a preview")
        .says("--into");
    assert_eq!(
        fs::read_to_string(batch.path("preview/thesis.txt")).unwrap(),
        "mine"
    );
    let other = batch.path("other");
    batch
        .run("preview", &["--into", other.to_str().unwrap()])
        .expect(0);
    assert!(other.join("index.html").is_file());
}

#[test]
fn an_older_gallery_is_replaced_whole() {
    let batch = TestBatch::new(2);
    batch.run("preview", &[]).expect(0);
    batch.replace("list.csv", "S002,School 2", "S002,Another School");
    batch.run("preview", &[]).expect(0);
    let page = fs::read_to_string(batch.path("preview/index.html")).unwrap();
    assert!(page.contains("Another School") && !page.contains("School 2\""));
    assert!(!batch.path("preview.partial").exists());
}

#[cfg(unix)]
#[test]
fn a_gallery_is_for_nobody_else_on_this_machine() {
    use std::os::unix::fs::PermissionsExt;
    let batch = TestBatch::new(1);
    batch.run("preview", &[]).expect(0);
    let mode = fs::metadata(batch.path("preview"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o077, 0);
}

#[test]
fn a_preview_sends_nothing_and_keeps_no_state() {
    let batch = TestBatch::new(2);
    batch.use_smtp(1, "");
    batch.run("preview", &[]).expect(0);
    for name in ["batch.state.db", "batch.outbox.db", "outbox"] {
        assert!(!batch.path(name).exists(), "{name}");
    }
}

#[test]
fn a_rehearsal_can_be_looked_at_too() {
    let batch = TestBatch::new(1);
    batch
        .run("preview", &["--redirect-to", "me@study.example"])
        .expect(0);
    let page = fs::read_to_string(batch.path("preview/index.html")).unwrap();
    assert!(page.contains("[Rehearsal] Report for School 1"));
    assert!(page.contains("\"to\":[\"me@study.example\"]"));
}

#[test]
fn the_policy_stands_first_and_nothing_leads_away() {
    let batch = TestBatch::new(1);
    batch.write(
        "letter.html",
        "\u{a0}\u{2028}<!doctype html><html><head><link rel=preconnect href=\"//x.example\">\
         <meta http-equiv=refresh content=\"0;http://x.example\"><base href=\"http://x.example/\">\
         </head><body><form action=\"http://x.example\"><p>Dear {{ name }}</p></form></body></html>",
    );
    batch.run("preview", &[]).expect(0);
    let frame = fs::read_to_string(batch.path("preview/letters/00001-S001.html")).unwrap();
    let policy = "<meta charset=\"utf-8\"><meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';";
    assert!(frame.starts_with(policy), "{frame}");
    let (_, letter) = frame.split_once("<!doctype").unwrap();
    for element in ["<link", "<meta", "<base", "<form"] {
        assert!(!letter.contains(element), "{element}: {frame}");
    }
    assert!(frame.contains("Dear School 1"), "{frame}");
}

#[test]
fn an_earlier_preview_is_none_of_the_templates() {
    let batch = TestBatch::new(1);
    batch.replace("list.csv", "School 1", "{% evil %}");
    for _ in 0..2 {
        batch.run("preview", &[]).expect(0);
    }
    batch.run("check", &[]).expect(0);
}

#[test]
fn a_folder_that_is_called_partial_and_is_not_ours_is_left_alone() {
    let batch = TestBatch::new(1);
    fs::create_dir(batch.path("preview.partial")).unwrap();
    batch.write("preview.partial/thesis.txt", "mine");
    batch
        .run("preview", &[])
        .expect(2)
        .says("preview.partial is there and is not a preview");
    assert!(batch.path("preview.partial/thesis.txt").exists());
    // What a cut left of a preview is ours.
    fs::rename(
        batch.path("preview.partial/thesis.txt"),
        batch.path("preview.partial/.postroom-preview"),
    )
    .unwrap();
    batch.run("preview", &[]).expect(0);
    assert!(!batch.path("preview.partial").exists());
}
