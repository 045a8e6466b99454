//! The same letter by each transport: HTML, text, a picture in it, and what stands in the header.

use mail_parser::{HeaderValue, MessageParser, MimeHeaders};

use super::mail;
use crate::support::TestBatch;
use crate::support::ews_desk::EwsDesk;
use crate::support::exchange::Stored;
use crate::support::graph_desk::{GraphDesk, SHARED};
use crate::support::png::png;
use crate::support::smtp::SmtpServer;

/// Makes the letter of a batch one in Markdown with a picture, and with all that the header may have.
fn enrich(batch: &TestBatch) {
    batch.replace(
        "batch.toml",
        "html = \"letter.html\"",
        "markdown = \"letter.md\"\nimportance = \"high\"\nin_reply_to = \"<first@study.example>\"\n\
         headers = { X-Study = \"{{ id }}\" }",
    );
    batch.write("letter.md", "![Study](logo.png)\n\nDear **{{ name }}**\n");
    batch.write("logo.png", logo());
}

fn logo() -> Vec<u8> {
    png(40, 20, [200, 0, 0])
}

/// Fails the test unless a mail has all of it.
#[track_caller]
fn assert_rich(bytes: &[u8]) {
    assert_shown(bytes);
    let mail = MessageParser::new().parse(bytes).unwrap();
    for (name, value) in [
        ("Importance", "high"),
        ("In-Reply-To", "first@study.example"),
        ("X-Study", "S001"),
    ] {
        match mail.header(name) {
            Some(HeaderValue::Text(text)) => assert_eq!(text, value),
            other => panic!("{name}: {other:?}"),
        }
    }
}

/// Fails the test unless a mail shows the letter with its picture.
#[track_caller]
fn assert_shown(bytes: &[u8]) {
    let mail = MessageParser::new().parse(bytes).unwrap();
    let html = mail.body_html(0).unwrap();
    assert!(html.contains("<strong>School 1</strong>"), "{html}");
    assert!(mail.body_text(0).unwrap().contains("School 1"));
    let pictures: Vec<_> = mail
        .parts
        .iter()
        .filter_map(|part| Some((part.content_id()?, part.contents())))
        .collect();
    let [(id, contents)] = pictures[..] else {
        panic!("{pictures:?}")
    };
    assert_eq!(contents, logo());
    assert!(html.contains(&format!("src=\"cid:{id}\"")), "{html}");
}

/// The same of a message in a mailbox that keeps no MIME.
#[track_caller]
fn assert_rich_in_mailbox(stored: &Stored) {
    let html = stored.html.as_deref().unwrap();
    assert!(html.contains("<strong>School 1</strong>"), "{html}");
    let inline: Vec<_> = stored
        .attachments
        .iter()
        .filter_map(|file| Some((file.content_id.as_deref()?, file)))
        .collect();
    let [(id, file)] = inline[..] else {
        panic!("{:?}", stored.attachments)
    };
    assert!(html.contains(&format!("src=\"cid:{id}\"")), "{html}");
    assert_eq!(*file.bytes, *logo());
    assert_eq!(file.content_type, "image/png");
    assert_eq!(stored.attachments.len(), 2);
}

#[test]
fn through_the_outbox() {
    let batch = TestBatch::new(1);
    enrich(&batch);
    batch.send(&[]).expect(0);
    assert_rich(&mail(&batch, "S001"));
}

#[test]
fn through_smtp() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(1);
    batch.use_smtp(server.port(), "");
    enrich(&batch);
    batch.send(&[]).expect(0);
    assert_rich(&server.received()[0].data);
    assert!(server.violations().is_empty());
}

#[test]
fn through_exchange_web_services() {
    let desk = EwsDesk::new(1);
    enrich(&desk.desk.batch);
    desk.desk.send().expect(0);
    desk.assert_proper();
    let sent = desk.exchange.mailbox(SHARED).sent();
    assert_rich_in_mailbox(&sent[0]);
    assert_shown(&sent[0].as_sent());
    let header = |name: &str| {
        let mut headers = sent[0].headers.iter();
        headers
            .find(|(other, _)| other == name)
            .map(|(_, value)| value.as_str())
    };
    assert_eq!(header("Importance"), Some("high"));
    assert_eq!(header("In-Reply-To"), Some("<first@study.example>"));
    assert_eq!(header("X-Study"), Some("S001"));
}

#[test]
fn through_graph_in_one_request() {
    let desk = GraphDesk::new(1);
    enrich(&desk.desk.batch);
    desk.desk.send().expect(0);
    assert_in_graph(&desk);
}

#[test]
fn through_graph_by_way_of_a_draft() {
    let desk = GraphDesk::with_all_scopes(1);
    enrich(&desk.desk.batch);
    desk.desk.send().expect(0);
    assert_in_graph(&desk);
}

#[track_caller]
fn assert_in_graph(desk: &GraphDesk) {
    desk.assert_proper();
    let sent = desk.graph.mailbox(SHARED).sent();
    assert_rich_in_mailbox(&sent[0]);
    // Importance and the letter that is answered have fields of their own in Graph.
    assert_shown(&sent[0].as_sent());
    assert_eq!(sent[0].headers, [("X-Study".to_owned(), "S001".to_owned())]);
    let answered = "<first@study.example>".to_owned();
    for id in ["String 0x1042", "String 0x1039"] {
        let property = (id.to_owned(), answered.clone());
        assert!(
            sent[0].properties.contains(&property),
            "{:?}",
            sent[0].properties
        );
    }
}

#[test]
fn plain_text_through_graph_is_text() {
    let desk = GraphDesk::new(1);
    let batch = &desk.desk.batch;
    batch.replace(
        "batch.toml",
        "html = \"letter.html\"",
        "text = \"letter.txt\"",
    );
    batch.write("letter.txt", "Dear {{ name }}\n");
    desk.desk.send().expect(0);
    desk.assert_proper();
    let sent = desk.graph.mailbox(SHARED).sent();
    assert_eq!(sent[0].html, None);
    assert_eq!(sent[0].text.as_deref(), Some("Dear School 1\n"));
}
