use std::sync::Arc;

use mail_parser::{MessageParser, MimeHeaders};
use proptest::prelude::*;

use super::*;
use crate::address::{HeaderText, Mailbox};
use crate::config::Importance;
use crate::letter::{Attachment, Extras, Picture};

fn letter(subject: &str, attachment: &str) -> Letter {
    let mailbox = |text: &str| Mailbox::parse(text).unwrap();
    Letter {
        id: "RRS1".into(),
        name: "Lycée".into(),
        from: mailbox("Étude Lecture <reports@study.example>"),
        reply_to: Some(mailbox("help@study.example")),
        to: vec![
            mailbox("Zoë <zoe@school.example>"),
            mailbox("b@school.example"),
        ],
        cc: vec![mailbox("leader@school.example")],
        bcc: vec![mailbox("hidden@study.example")],
        subject: HeaderText::parse(subject).unwrap(),
        html: Some(format!(
            "<p>Un été à l’école</p>\n<p>{}</p>\n.\n",
            "x".repeat(2_000)
        )),
        own_text: Some("Un été à l’école\n.\n".into()),
        pictures: Vec::new(),
        extras: Extras::default(),
        attachments: vec![Attachment {
            path: "report.pdf".into(),
            name: Arc::from(attachment),
            media_type: "application/pdf",
            bytes: 9,
            sha256: [0; 32],
            shared: false,
            is_pdf: true,
            lock: None,
        }],
        is_rehearsal: false,
    }
}

fn message(letter: Letter, contents: &[u8]) -> Message {
    Message::first("batch", letter, &[7; 32], vec![contents.to_vec()])
}

/// 7-bit, CRLF only, no line over 998 octets (RFC 5322 section 2.1.1).
fn assert_fit_for_the_wire(mime: &[u8]) {
    assert!(mime.is_ascii());
    assert!(!mime.contains(&0));
    let text = String::from_utf8_lossy(mime);
    assert!(
        !text.replace("\r\n", "").contains(['\r', '\n']),
        "bare line end"
    );
    assert!(text.split("\r\n").all(|line| line.len() <= 998));
}

#[test]
fn everything_is_found_again_by_another_parser() {
    let sent = message(letter("Rapport d’été", "RRED_report.pdf"), b"%PDF-1.4\nx\n");
    let mime = sent.mime();
    assert_fit_for_the_wire(&mime);
    let read = MessageParser::new().parse(&mime).unwrap();
    assert_eq!(read.subject(), Some("Rapport d’été"));
    assert_eq!(read.message_id(), Some(sent.message_id.as_str()));
    let to: Vec<_> = read
        .to()
        .unwrap()
        .iter()
        .map(|a| (a.name(), a.address().unwrap()))
        .collect();
    assert_eq!(
        to,
        [
            (Some("Zoë"), "zoe@school.example"),
            (None, "b@school.example")
        ]
    );
    let from = read.from().unwrap().first().unwrap();
    assert_eq!(from.name(), Some("Étude Lecture"));
    assert_eq!(
        read.cc().unwrap().first().unwrap().address(),
        Some("leader@school.example")
    );
    assert_eq!(
        read.reply_to().unwrap().first().unwrap().address(),
        Some("help@study.example")
    );
    assert_eq!(read.date().unwrap().to_timestamp(), 0);
    assert!(read.body_html(0).unwrap().contains("Un été à l’école"));
    assert!(read.body_text(0).unwrap().contains("Un été à l’école"));
    let attachment = read.attachment(0).unwrap();
    assert_eq!(attachment.contents(), b"%PDF-1.4\nx\n");
    assert_eq!(attachment.attachment_name(), Some("RRED_report.pdf"));
}

#[test]
fn bcc_is_in_the_envelope_only() {
    let sent = message(letter("x", "r.pdf"), b"%PDF-");
    let all: Vec<_> = sent.envelope.to.iter().map(Address::as_str).collect();
    assert!(all.contains(&"hidden@study.example"));
    let mime = String::from_utf8(sent.mime()).unwrap();
    assert!(!mime.contains("hidden@study.example") && !mime.to_lowercase().contains("bcc:"));
}

#[test]
fn the_same_letter_at_the_same_time_gives_the_same_bytes() {
    let mime = || message(letter("Report", "r.pdf"), b"%PDF-1.7").mime();
    assert_eq!(mime(), mime());
}

#[test]
fn the_message_id_follows_from_batch_recipient_and_letter() {
    let from = Address::parse("a@study.example").unwrap();
    let id = message_id("batch", "1", &[0; 32], &from, 1);
    assert!(id.ends_with(".postroom@study.example"));
    assert_eq!(id, message_id("batch", "1", &[0; 32], &from, 1));
    assert_ne!(id, message_id("other", "1", &[0; 32], &from, 1));
    assert_ne!(id, message_id("batch", "2", &[0; 32], &from, 1));
    assert_ne!(id, message_id("batch", "1", &[1; 32], &from, 1));
    assert_ne!(id, message_id("batch", "1", &[0; 32], &from, 2));
}

#[test]
fn the_report_mark_follows_from_recipient_and_reports_alone() {
    let mark = |letter: Letter| message(letter, b"%PDF-1.7").report_mark;
    let one = mark(letter("Report", "r.pdf"));
    assert!(one.is_some());
    // Neither text nor addresses nor the file's name matter.
    let mut other = letter("Your report", "report.pdf");
    other.to.pop();
    assert_eq!(one, mark(other));
    let mut other = letter("Report", "r.pdf");
    other.id = "RRS2".into();
    assert_ne!(one, mark(other));
    let mut other = letter("Report", "r.pdf");
    other.attachments[0].sha256 = [1; 32];
    assert_ne!(one, mark(other));
}

#[test]
fn the_report_mark_does_not_depend_on_the_order_of_the_reports() {
    let of = |digests: [Sha256Digest; 2]| report_mark("1", digests.into_iter());
    assert_eq!(of([[1; 32], [2; 32]]), of([[2; 32], [1; 32]]));
    assert_ne!(of([[1; 32], [2; 32]]), of([[1; 32], [1; 32]]));
}

#[test]
fn a_rehearsal_and_a_letter_without_attachments_have_no_report_mark() {
    let mut rehearsal = letter("Report", "r.pdf");
    rehearsal.is_rehearsal = true;
    assert_eq!(message(rehearsal, b"%PDF-1.7").report_mark, None);
    let mut bare = letter("Report", "r.pdf");
    bare.attachments.clear();
    assert_eq!(message(bare, b"").report_mark, None);
}

#[test]
fn a_file_name_beyond_ascii_has_a_plain_twin() {
    let mime = message(letter("x", "Évaluation \"é\" 100%.pdf"), b"%PDF-").mime();
    assert_fit_for_the_wire(&mime);
    let text = String::from_utf8(mime.clone())
        .unwrap()
        .replace("\r\n ", " ");
    assert!(
        text.contains("; name=\"_valuation ___ 100_.pdf\""),
        "{text}"
    );
    assert!(
        text.contains("filename*=UTF-8''%C3%89valuation%20%22%C3%A9%22%20100%25.pdf"),
        "{text}"
    );
    let read = MessageParser::new().parse(&mime).unwrap();
    assert_eq!(
        read.attachment(0).unwrap().attachment_name(),
        Some("Évaluation \"é\" 100%.pdf")
    );
}

#[test]
fn a_letter_without_attachments_is_only_its_two_bodies() {
    let mut plain = letter("x", "r.pdf");
    plain.attachments.clear();
    let mime = Message::first("batch", plain, &[7; 32], Vec::new()).mime();
    let read = MessageParser::new().parse(&mime).unwrap();
    assert_eq!(read.attachment_count(), 0);
    assert!(read.content_type().unwrap().subtype() == Some("alternative"));
}

/// A letter with a picture that the HTML shows, and with all that may stand in the header.
fn rich() -> Letter {
    let contents: Arc<[u8]> = b"\x89PNG\r\n\x1a\n picture".as_slice().into();
    Letter {
        html: Some("<p><img src=\"cid:abc.postroom@study.example\" alt=\"x\"></p>".into()),
        pictures: vec![Picture {
            name: "logo été.png".into(),
            media_type: "image/png",
            content_id: "abc.postroom@study.example".into(),
            sha256: [1; 32],
            contents,
        }],
        extras: Extras {
            importance: Some(Importance::High),
            in_reply_to: Some("first.postroom@study.example".into()),
            headers: vec![("X-Study".into(), HeaderText::parse("Été 2026").unwrap())],
            receipts: crate::config::Receipts::None,
        },
        ..letter("s", "report.pdf")
    }
}

#[test]
fn a_picture_stands_with_the_html_that_shows_it() {
    let sent = message(rich(), b"%PDF-1.4\n");
    let mime = sent.mime();
    assert_fit_for_the_wire(&mime);
    let read = MessageParser::new().parse(&mime).unwrap();
    let types: Vec<String> = read
        .parts
        .iter()
        .filter_map(|part| part.content_type())
        .map(|of| format!("{}/{}", of.ctype(), of.subtype().unwrap_or_default()))
        .collect();
    assert_eq!(
        types,
        [
            "multipart/mixed",
            "multipart/alternative",
            "text/plain",
            "multipart/related",
            "text/html",
            "image/png",
            "application/pdf"
        ]
    );
    let picture = &read.parts[5];
    assert_eq!(picture.content_id(), Some("abc.postroom@study.example"));
    assert_eq!(picture.content_disposition().unwrap().ctype(), "inline");
    assert_eq!(picture.attachment_name(), Some("logo été.png"));
    assert_eq!(picture.contents(), b"\x89PNG\r\n\x1a\n picture");
    assert_eq!(read.header("Importance").unwrap().as_text(), Some("high"));
    // A parser that does not know the field leaves it as it is on the wire.
    let study = read.header("X-Study").unwrap().as_text();
    assert_eq!(study, Some("=?utf-8?B?w4l0w6kgMjAyNg==?="));
    let answered = Some("first.postroom@study.example");
    assert_eq!(read.in_reply_to().as_text(), answered);
    assert_eq!(read.references().as_text(), answered);
}

#[test]
fn a_letter_of_plain_text_has_no_html() {
    let mut plain = letter("s", "report.pdf");
    plain.html = None;
    plain.attachments.clear();
    let mime = Message::first("batch", plain, &[7; 32], Vec::new()).mime();
    assert_fit_for_the_wire(&mime);
    let read = MessageParser::new().parse(&mime).unwrap();
    assert_eq!(read.parts.len(), 1);
    assert_eq!(read.content_type().unwrap().subtype(), Some("plain"));
    assert_eq!(read.body_text(0).unwrap(), "Un été à l’école\r\n.\r\n");
}

proptest! {
    #[test]
    fn whatever_stands_in_a_letter_the_wire_form_holds(
        subject in "\\PC{0,120}",
        body in any::<String>(),
        name in "[^/\\\\\\p{Cc}]{1,60}",
        contents in prop::collection::vec(any::<u8>(), 0..2_000),
    ) {
        prop_assume!(HeaderText::parse(&subject).is_ok());
        let mut any = letter(&subject, &name);
        any.html = Some(body.clone());
        any.own_text = Some(body);
        let sent = message(any, &contents);
        let mime = sent.mime();
        assert_fit_for_the_wire(&mime);
        let read = MessageParser::new().parse(&mime).unwrap();
        prop_assert_eq!(read.message_id(), Some(sent.message_id.as_str()));
        prop_assert_eq!(read.attachment_count(), 1);
        prop_assert_eq!(read.attachment(0).unwrap().contents(), contents.as_slice());
    }
}
