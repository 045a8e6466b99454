//! Sending into the outbox, through the front door.

use std::fs;

use crate::support::{TestBatch, assert_is_letter_of, id};

#[test]
fn every_school_gets_its_own_report_once() {
    let batch = TestBatch::new(12);
    let ran = batch.run("send", &[]).expect(0);
    assert!(ran.stdout.contains("12 accepted, 0 pending"), "{ran:?}");
    for number in 1..=12 {
        let path = batch.path(&format!("outbox/{}.eml", id(number)));
        assert_is_letter_of(number, &fs::read(path).unwrap());
    }
    assert_eq!(fs::read_dir(batch.path("outbox")).unwrap().count(), 12);
}

#[test]
fn sending_again_writes_nothing() {
    let batch = TestBatch::new(3);
    batch.run("send", &[]).expect(0);
    fs::remove_dir_all(batch.path("outbox")).unwrap();
    let ran = batch.run("send", &[]).expect(0);
    assert!(ran.stdout.contains("3 accepted, 0 pending"), "{ran:?}");
    assert!(!batch.path("outbox").exists());
    batch
        .run("resume", &[])
        .expect(2)
        .says("there is nothing to resume");
}

#[test]
fn the_shipped_example_makes_its_letters() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/reading-recovery");
    let state = tempfile::tempdir().unwrap();
    let copy = state.path().join("example");
    crate::support::copy_folder(example.as_ref(), &copy);
    let output = crate::support::program()
        .arg("send")
        .arg(&copy)
        .arg("--yes")
        .output()
        .unwrap();
    let ran = crate::support::Ran::of(output).expect(0);
    assert!(ran.stdout.contains("24 accepted, 0 pending"), "{ran:?}");
    assert_eq!(fs::read_dir(copy.join("outbox")).unwrap().count(), 24);
}

#[test]
fn rows_in_another_order_are_the_same_letters() {
    let batch = TestBatch::new(6);
    batch.run("send", &["--limit", "2"]).expect(0);
    let list = fs::read_to_string(batch.path("list.csv")).unwrap();
    let mut rows: Vec<&str> = list.lines().collect();
    rows[1..].reverse();
    batch.write("list.csv", rows.join("\n"));
    let ran = batch.run("send", &[]).expect(0);
    assert!(ran.stdout.contains("6 accepted, 0 pending"), "{ran:?}");
    for number in 1..=6 {
        let path = batch.path(&format!("outbox/{}.eml", id(number)));
        assert_is_letter_of(number, &fs::read(path).unwrap());
    }
}

#[test]
fn what_looks_encoded_in_a_cell_is_read_as_it_stands() {
    use mail_parser::{MessageParser, MimeHeaders};
    let name = "=?utf-8?q?Oak=0d=0aBcc:_x=40evil.example?= and a name that goes on for longer than a line has room, =?x";
    let batch = TestBatch::new(1);
    batch.write(
        "list.csv",
        format!("ID,School,Email\nS001,\"{name}\",\"\"\"{name}\"\" <teacher1@school1.example>\"\n"),
    );
    batch.replace(
        "batch.toml",
        "name = \"report.pdf\"",
        "name = \"=?utf-8?q?x?= {{ id }}.pdf\"",
    );
    let checked = batch.run("check", &[]).expect(0);
    assert!(
        checked.stderr.contains("as encoded text does"),
        "{checked:?}"
    );
    batch.run("send", &[]).expect(0);
    let bytes = fs::read(batch.path("outbox/S001.eml")).unwrap();
    let text = String::from_utf8(bytes.clone()).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(!head.to_lowercase().contains("?q?"), "{head}");
    assert!(head.lines().all(|line| line.len() <= 76), "{head}");
    assert!(body.contains("name=\"=_utf-8_q_x_= S001.pdf\""), "{body}");
    let message = MessageParser::new().parse(&bytes).unwrap();
    assert_eq!(
        message.subject(),
        Some(format!("Report for {name}").as_str())
    );
    let to = message.to().unwrap().first().unwrap();
    assert_eq!(
        (to.name(), to.address()),
        (Some(name), Some("teacher1@school1.example"))
    );
    let attached = message.attachment(0).unwrap();
    assert_eq!(attached.attachment_name(), Some("=?utf-8?q?x?= S001.pdf"));
}

#[test]
fn an_address_that_looks_encoded_is_refused() {
    let batch = TestBatch::new(1);
    batch.replace("list.csv", "teacher1@", "=?utf-8?q?x=40evil.example=3e?=@");
    batch
        .run("check", &[])
        .expect(3)
        .says("some programs decode");
}

#[cfg(unix)]
#[test]
fn what_holds_addresses_is_for_its_user_alone_whatever_the_umask() {
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for made_before in [false, true] {
        let batch = TestBatch::new(2);
        let outbox = batch.path("outbox");
        if made_before {
            fs::create_dir(&outbox).unwrap();
            fs::set_permissions(&outbox, fs::Permissions::from_mode(0o755)).unwrap();
        }
        for verb in ["preview", "send", "report"] {
            let output = std::process::Command::new("sh")
                .args(["-c", "umask 000; exec \"$0\" \"$@\""])
                .arg(crate::support::program().get_program())
                .arg(verb)
                .arg(batch.folder())
                .current_dir(batch.folder())
                .output()
                .unwrap();
            crate::support::Ran::of(output).expect(0);
        }
        // A folder that was there keeps its mode.
        let folder_mode = if made_before { 0o755 } else { 0o700 };
        assert_eq!(mode(&outbox), folder_mode);
        assert_eq!(mode(&batch.path("preview")), 0o700);
        let mut written = vec![outbox, batch.path("preview")];
        let mut at = 0;
        while let Some(path) = written.get(at).cloned() {
            if path.is_dir() {
                let entries = fs::read_dir(path).unwrap();
                written.extend(entries.map(|entry| entry.unwrap().path()));
            }
            at += 1;
        }
        written.drain(..2);
        for form in ["html", "csv", "json"] {
            written.push(batch.path(&format!("batch.outbox.report.{form}")));
        }
        assert!(written.len() > 12, "{written:?}");
        for path in written {
            let expected = if path.is_dir() { 0o700 } else { 0o600 };
            assert_eq!(mode(&path), expected, "{}", path.display());
        }
    }
}
