//! Messages read back, and whether they are the right ones.

use sha2::{Digest, Sha256};

use super::report;
use super::smtp::SmtpServer;

/// One message as another parser reads it.
pub struct Mail {
    pub message_id: String,
    pub to: Vec<String>,
    pub subject: String,
    pub attachments: Vec<(String, [u8; 32])>,
}

/// Reads a message back with mail-parser.
pub fn parse_mail(bytes: &[u8]) -> Mail {
    use mail_parser::{MessageParser, MimeHeaders};
    let message = MessageParser::new().parse(bytes).unwrap();
    Mail {
        message_id: message.message_id().unwrap().to_owned(),
        to: message
            .to()
            .unwrap()
            .iter()
            .map(|address| address.address().unwrap().to_owned())
            .collect(),
        subject: message.subject().unwrap().to_owned(),
        attachments: message
            .attachments()
            .map(|part| {
                (
                    part.attachment_name().unwrap().to_owned(),
                    Sha256::digest(part.contents()).into(),
                )
            })
            .collect(),
    }
}

/// Fails the test unless a message is the letter of this school with its own report.
#[track_caller]
pub fn assert_is_letter_of(number: usize, bytes: &[u8]) {
    assert_is_letter_with(&report(number), number, bytes);
}

/// The same, with a report other than the one that [`TestBatch::new`] wrote.
#[track_caller]
pub fn assert_is_letter_with(report: &[u8], number: usize, bytes: &[u8]) {
    let mail = parse_mail(bytes);
    assert_eq!(mail.to, [format!("teacher{number}@school{number}.example")]);
    assert_eq!(mail.subject, format!("Report for School {number}"));
    assert_eq!(
        mail.attachments,
        [("report.pdf".to_owned(), digest(report))]
    );
}

/// The SHA-256 of a report.
pub fn digest(report: &[u8]) -> [u8; 32] {
    Sha256::digest(report).into()
}

/// The number of the school that a message is for.
pub fn school_of(bytes: &[u8]) -> usize {
    let subject = parse_mail(bytes).subject;
    subject
        .strip_prefix("Report for School ")
        .unwrap()
        .parse()
        .unwrap()
}

/// The numbers of the schools whose letters a server accepted, in the order of their acceptance.
/// Fails the test when one of them is not the right letter to the right school.
#[track_caller]
pub fn accepted_by(server: &SmtpServer) -> Vec<usize> {
    accepted_with(report, server)
}

/// The same, with reports other than those that [`TestBatch::new`] wrote.
#[track_caller]
pub fn accepted_with(report: fn(usize) -> Vec<u8>, server: &SmtpServer) -> Vec<usize> {
    let mut numbers = Vec::new();
    for received in server.received() {
        let number = school_of(&received.data);
        assert_is_letter_with(&report(number), number, &received.data);
        let address = format!("teacher{number}@school{number}.example");
        assert_eq!(received.rcpt_to, [address]);
        numbers.push(number);
    }
    numbers
}

/// Fails the test unless a server accepted the letter of each of so many schools exactly once, and
/// found nothing wrong with how it was sent.
#[track_caller]
pub fn assert_each_once(server: &SmtpServer, schools: usize) {
    let mut accepted = accepted_by(server);
    accepted.sort_unstable();
    assert_eq!(accepted, (1..=schools).collect::<Vec<_>>());
    assert_eq!(server.violations(), Vec::<String>::new());
}
