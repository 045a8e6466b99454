//! Mails of every kind that came back, made for these tests, and what they must and must not say.

use std::convert::Infallible;
use std::fmt::Write as _;

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::lifecycle::{
    Accepted, Addresses, Claiming, Event, LetterHistory, MailEvidence, Planned, PlannedMessage,
    SettledAs, Settling,
};

const ID: &str = "0123456789abcdef0123456789abcdef.postroom@study.example";
const OLDER: &str = "fedcba9876543210fedcba9876543210.postroom@study.example";
const FOREIGN: &str = "00000000000000000000000000000000.postroom@study.example";

/// Letters that were accepted on 2 November 2026 at eight.
struct Sent(Vec<(String, LetterHistory)>);

impl Sent {
    fn letter(id: &str, message_id: &str, addresses: &[&str]) -> (String, LetterHistory) {
        let at = "2026-11-02T08:00:00Z".parse().unwrap();
        let message = PlannedMessage {
            message_id: message_id.to_owned(),
            digest: [1; 32],
            addresses: Addresses {
                to: addresses
                    .iter()
                    .map(|address| (*address).to_owned())
                    .collect(),
                ..Addresses::default()
            },
            attachments: Vec::new(),
            parts: None,
        };
        let events = [
            Event::Planned(Box::new(Planned {
                position: 0,
                message,
            })),
            Event::Claimed(Claiming {
                attempt: 1,
                trace: String::new(),
                message_id: message_id.to_owned(),
                bytes: 1,
                addresses: 1,
            }),
            Event::Settled(Settling {
                attempt: 1,
                ended: SettledAs::Accepted(Accepted::default()),
                request_ids: Vec::new(),
            }),
        ];
        let letter = events.iter().fold(None, |letter, event| {
            Some(LetterHistory::apply(letter, at, event).unwrap())
        });
        (id.to_owned(), letter.unwrap())
    }

    fn usual() -> Self {
        Self(vec![
            Self::letter(
                "S001",
                ID,
                &["head@school1.example", "office@school1.example"],
            ),
            Self::letter("S002", OLDER, &["Shared@District.example"]),
            Self::letter(
                "S003",
                "33333333333333333333333333333333.postroom@study.example",
                &["shared@district.example", "c@school3.example"],
            ),
        ])
    }
}

impl SentMail for Sent {
    type Error = Infallible;

    fn by_message_id(&self, id: &str) -> Result<Option<(String, LetterHistory)>, Infallible> {
        let found = self
            .0
            .iter()
            .find(|(_, letter)| letter.sendings[0].message.message_id == id);
        Ok(found.cloned())
    }

    fn by_address(&self, address: &str) -> Result<Vec<(String, LetterHistory)>, Infallible> {
        let has = |letter: &LetterHistory| letter.sendings[0].message.addresses.has(address);
        Ok(self
            .0
            .iter()
            .filter(|(_, letter)| has(letter))
            .cloned()
            .collect())
    }
}

/// Reads a mail and says what follows: its kind, then `id word address[ hard] reason` of each event.
fn meaning(mail: &str) -> (MailKind, Vec<String>) {
    meaning_of(mail.replace('\n', "\r\n").as_bytes())
}

fn meaning_of(bytes: &[u8]) -> (MailKind, Vec<String>) {
    let mail = read(bytes);
    let evidence = MailEvidence {
        kind: mail.kind.word().to_owned(),
        sha256: "00".repeat(32),
        message_id: None,
    };
    let Ok(judged) = judge(&mail, &evidence, &Sent::usual());
    let events = judged.events.iter();
    let events = events.map(|(id, event)| {
        let mut line = format!("{id} {}", event.kind());
        if let Event::Bounced(of)
        | Event::Delayed(of)
        | Event::Relayed(of)
        | Event::Delivered(of)
        | Event::Suspected(of) = event
        {
            let _ = write!(line, " {}", of.address);
            if of.hard {
                line.push_str(" hard");
            }
            if !of.reason.is_empty() {
                let _ = write!(line, " {}", of.reason);
            }
        }
        line
    });
    (mail.kind, events.collect())
}

/// A report of the usual form with these recipients and this original.
fn dsn(recipients: &str, original: &str) -> String {
    format!(
        "From: MAILER-DAEMON@mx.study.example\nTo: reports@study.example\nSubject: Undelivered Mail Returned to Sender\n\
         Date: Mon, 2 Nov 2026 09:00:00 +0000\nMessage-ID: <b1@mx.study.example>\nMIME-Version: 1.0\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\n\n\
         --b\nContent-Type: text/plain\n\nThe message could not be delivered.\n\n\
         --b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.study.example\n\n{recipients}\n\n\
         --b\n{original}\n--b--\n"
    )
}

fn original(id: &str) -> String {
    format!(
        "Content-Type: text/rfc822-headers\n\nFrom: reports@study.example\n\
         To: head@school1.example, office@school1.example\nSubject: Report\nMessage-ID: <{id}>\n"
    )
}

const DEAD: &str = "Original-Recipient: rfc822;head@school1.example\nFinal-Recipient: rfc822;head@school1.example\n\
    Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 <head@school1.example>: user unknown";

#[test]
fn a_report_marks_the_address_that_it_names_and_no_other() {
    let (kind, events) = meaning(&dsn(DEAD, &original(ID)));
    assert_eq!(kind, MailKind::DeliveryReport);
    assert_eq!(
        events,
        ["S001 bounced head@school1.example hard no_such_address"]
    );
}

#[test]
fn each_action_has_its_outcome() {
    for (action, outcome) in [
        ("delayed", "delayed head@school1.example other"),
        ("DELIVERED", "delivered head@school1.example"),
        ("relayed", "relayed head@school1.example"),
        ("expanded", "relayed head@school1.example"),
    ] {
        let recipient = format!(
            "Final-Recipient: rfc822; HEAD@school1.example\nAction: {action}\nStatus: 2.0.0"
        );
        let (_, events) = meaning(&dsn(&recipient, &original(ID)));
        assert_eq!(events, [format!("S001 {outcome}")], "{action}");
    }
}

#[test]
fn what_was_given_up_after_days_is_a_bounce_and_the_address_may_be_right() {
    let recipient = "Final-Recipient: rfc822;head@school1.example\nAction: failed\nStatus: 4.4.1\n\
        Diagnostic-Code: X-Postfix; connect to mx.school1.example[192.0.2.1]:25: Connection timed out";
    let (_, events) = meaning(&dsn(recipient, &original(ID)));
    assert_eq!(events, ["S001 bounced head@school1.example not_reachable"]);
}

#[test]
fn an_alias_of_ours_bounced_and_a_forwarding_of_the_recipient_is_looked_at() {
    let alias = "Original-Recipient: rfc822;head@school1.example\nFinal-Recipient: rfc822;h.old@inside.example\n\
        Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 user unknown";
    let (_, events) = meaning(&dsn(alias, &original(ID)));
    assert_eq!(
        events,
        ["S001 bounced head@school1.example hard no_such_address"]
    );
    let forwarded =
        "Final-Recipient: rfc822;private@elsewhere.example\nAction: failed\nStatus: 5.1.1";
    let (_, events) = meaning(&dsn(forwarded, &original(ID)));
    assert_eq!(events, ["S001 unclear"]);
}

#[test]
fn the_name_of_the_envelope_and_the_answered_message_are_enough() {
    let no_original = "Content-Type: text/plain\n\n(the message is not given back)\n";
    let with_name = dsn(DEAD, no_original).replace(
        "Reporting-MTA: dns; mx.study.example",
        &format!("Reporting-MTA: dns; mx.study.example\nOriginal-Envelope-ID: {ID}"),
    );
    let answering = dsn(DEAD, no_original).replace(
        "MIME-Version",
        &format!("In-Reply-To: <{ID}>\nMIME-Version"),
    );
    for mail in [with_name, answering] {
        let (_, events) = meaning(&mail);
        assert_eq!(
            events,
            ["S001 bounced head@school1.example hard no_such_address"]
        );
    }
}

#[test]
fn a_report_that_names_no_message_of_ours_is_a_suspicion_at_each_letter_it_may_be() {
    let shared = "Final-Recipient: rfc822;shared@district.example\nAction: failed\nStatus: 5.1.1\n\
        Diagnostic-Code: smtp; 550 no such user";
    let exchanged = original("AM0PR01MB0001@tenant.example");
    let (_, events) = meaning(&dsn(shared, &exchanged));
    assert_eq!(
        events,
        [
            "S002 suspected Shared@District.example hard no_such_address",
            "S003 suspected shared@district.example hard no_such_address"
        ]
    );
    // Backscatter to addresses of nobody, and reports from before anything was sent.
    let nobody = shared.replace("shared@district", "who@nowhere");
    assert_eq!(meaning(&dsn(&nobody, &exchanged)).1, [""; 0]);
    let early = dsn(shared, &exchanged).replace("2 Nov 2026", "2 Oct 2026");
    assert_eq!(meaning(&early).1, [""; 0]);
}

#[test]
fn one_dead_address_of_many_letters_is_marked_at_the_letter_named_alone() {
    let shared = "Final-Recipient: rfc822;shared@district.example\nAction: failed\nStatus: 5.1.1\n\
        Diagnostic-Code: smtp; 550 no such user";
    let (_, events) = meaning(&dsn(shared, &original(OLDER)));
    assert_eq!(
        events,
        ["S002 bounced Shared@District.example hard no_such_address"]
    );
}

#[test]
fn a_report_about_another_batch_is_not_ours() {
    assert_eq!(meaning(&dsn(DEAD, &original(FOREIGN))).1, [""; 0]);
}

#[test]
fn a_forged_report_with_an_invented_name_marks_nothing() {
    let forged = dsn(DEAD, &original("guess@study.example"));
    let (_, events) = meaning(&forged);
    assert_eq!(
        events,
        ["S001 suspected head@school1.example hard no_such_address"]
    );
}

#[test]
fn a_bounce_that_a_person_forwards_is_no_bounce() {
    let inner = dsn(DEAD, &original(ID));
    let forwarded = format!(
        "From: Anna <anna@study.example>\nTo: reports@study.example\nSubject: Fwd: Undelivered Mail Returned to Sender\n\
         Message-ID: <f1@study.example>\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"m\"\n\n\
         --m\nContent-Type: text/plain\n\nCould you look at this one?\n\n\
         --m\nContent-Type: message/rfc822\n\n{inner}\n--m--\n"
    );
    let (kind, events) = meaning(&forwarded);
    assert_eq!(kind, MailKind::Other);
    assert_eq!(events, [""; 0]);
    // Nor is the text of it, pasted.
    let pasted = format!(
        "From: anna@study.example\nSubject: bounced\n\nThe message could not be delivered: 550 5.1.1\n\
         <head@school1.example>: user unknown\nMessage-ID: <{ID}>\n"
    );
    assert_eq!(meaning(&pasted).1, [""; 0]);
}

#[test]
fn out_of_office_is_neither_a_bounce_nor_a_delivery() {
    let mail = format!(
        "From: head@school1.example\nSubject: Automatic reply: Report\nAuto-Submitted: auto-replied\n\
         Return-Path: <>\nIn-Reply-To: <{ID}>\n\nI am away. Mail to office@school1.example could not be \
         delivered last week: user unknown.\n"
    );
    assert_eq!(
        meaning(&mail),
        (
            MailKind::AutomaticAnswer,
            vec!["S001 automatic_answer".to_owned()]
        )
    );
    let german = mail
        .replace("Automatic reply: Report", "Automatische Antwort: Report")
        .replace("Auto-Submitted: auto-replied\n", "");
    assert_eq!(meaning(&german).0, MailKind::AutomaticAnswer);
}

#[test]
fn answers_and_receipts_are_of_their_own_kind() {
    let answer = format!(
        "From: head@school1.example\nSubject: Re: Report\nReferences: <x@y.example> <{ID}>\n\nThank you.\n"
    );
    assert_eq!(
        meaning(&answer),
        (MailKind::Answer, vec!["S001 answer".to_owned()])
    );
    let receipt = format!(
        "From: head@school1.example\nSubject: Read: Report\nMIME-Version: 1.0\n\
         Content-Type: multipart/report; report-type=disposition-notification; boundary=b\n\n\
         --b\nContent-Type: text/plain\n\nIt was read.\n\n--b\nContent-Type: message/disposition-notification\n\n\
         Final-Recipient: rfc822;head@school1.example\nOriginal-Message-ID: <{ID}>\n\
         Disposition: manual-action/MDN-sent-manually; displayed\n\n--b--\n"
    );
    assert_eq!(
        meaning(&receipt),
        (MailKind::Receipt, vec!["S001 read".to_owned()])
    );
    let deleted = receipt.replace("displayed", "deleted");
    assert_eq!(meaning(&deleted), (MailKind::Other, Vec::new()));
}

#[test]
fn complaints_and_reports_about_encryption_are_nothing_of_ours() {
    for kind in ["feedback-report", "tlsrpt"] {
        let mail = dsn(DEAD, &original(ID)).replace(
            "report-type=delivery-status",
            &format!("report-type={kind}"),
        );
        assert_eq!(meaning(&mail), (MailKind::Other, Vec::new()), "{kind}");
    }
}

#[test]
fn a_bounce_that_lies_in_a_file_or_a_digest_is_no_bounce() {
    let inner = dsn(DEAD, &original(ID));
    for kind in [
        "application/octet-stream; name=\"bounce.eml\"",
        "text/plain; name=\"bounce.txt\"",
        "message/rfc822",
    ] {
        let mail = format!(
            "From: helpdesk@study.example\nTo: reports@study.example\nSubject: see attached\n\
             Message-ID: <h1@study.example>\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"m\"\n\n\
             --m\nContent-Type: text/plain\n\nThis came in last week.\n\n\
             --m\nContent-Type: {kind}\nContent-Disposition: attachment\n\n{inner}\n--m--\n"
        );
        assert_eq!(meaning(&mail), (MailKind::Other, Vec::new()), "{kind}");
    }
    let digest = format!(
        "From: list@study.example\nSubject: Digest\nMIME-Version: 1.0\n\
         Content-Type: multipart/digest; boundary=\"m\"\n\n--m\n\n{inner}\n--m--\n"
    );
    assert_eq!(meaning(&digest), (MailKind::Other, Vec::new()));
}

/// Whoever says that a letter was spam, or how servers were encrypted, says nothing of an address.
#[test]
fn a_complaint_with_the_letter_in_it_and_a_report_about_encryption_mark_nothing() {
    let complaint = format!(
        "From: feedback@isp.example\nTo: reports@study.example\nSubject: Complaint about message from 192.0.2.1\n\
         MIME-Version: 1.0\nContent-Type: multipart/report; report-type=feedback-report; boundary=\"f\"\n\n\
         --f\nContent-Type: text/plain\n\nThis is an email abuse report for a message to head@school1.example.\n\n\
         --f\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\nUser-Agent: X/1.0\nVersion: 1\n\
         Original-Rcpt-To: head@school1.example\n\n\
         --f\nContent-Type: message/rfc822\n\nFrom: reports@study.example\nTo: head@school1.example\n\
         Message-ID: <{ID}>\nSubject: Report\n\nDear colleagues\n--f--\n"
    );
    assert_eq!(meaning(&complaint), (MailKind::Other, Vec::new()));
    let encryption = "From: tlsrpt-noreply@isp.example\nTo: reports@study.example\n\
        Subject: Report Domain: study.example Submitter: isp.example Report-ID: <1@isp.example>\n\
        TLS-Report-Domain: study.example\nMIME-Version: 1.0\n\
        Content-Type: multipart/report; report-type=\"tlsrpt\"; boundary=\"t\"\n\n\
        --t\nContent-Type: text/plain\n\nThis is an aggregate TLS report. 2 sessions failed.\n\n\
        --t\nContent-Type: application/tlsrpt+gzip\nContent-Transfer-Encoding: base64\n\nH4sIAAAAAAAAAwMAAAAAAAAAAAA=\n--t--\n";
    assert_eq!(meaning(encryption), (MailKind::Other, Vec::new()));
}

/// Somebody else sent mail in our name: what comes back is about messages that were never ours.
#[test]
fn backscatter_marks_nothing_even_where_it_names_an_address_of_ours() {
    let spam = "Content-Type: message/rfc822\n\nFrom: reports@study.example\nTo: head@school1.example\n\
        Subject: You have won\nMessage-ID: <spam17@botnet.example>\n\nClick here.\n";
    let (kind, events) = meaning(&dsn(DEAD, spam));
    assert_eq!(kind, MailKind::DeliveryReport);
    assert_eq!(
        events,
        ["S001 suspected head@school1.example hard no_such_address"]
    );
    let elsewhere = DEAD.replace("head@school1.example", "victim@elsewhere.example");
    assert_eq!(meaning(&dsn(&elsewhere, spam)).1, [""; 0]);
}

#[test]
fn an_encoded_part_and_a_truncated_original_are_read() {
    use base64::Engine;
    let fields = format!(
        "Reporting-MTA: dns; mx.x.example\r\n\r\n{}\r\n",
        DEAD.replace('\n', "\r\n")
    );
    let encoded = base64::engine::general_purpose::STANDARD.encode(fields);
    let mail = dsn("", &original(ID)).replace(
        "Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.study.example\n\n\n",
        &format!("Content-Type: message/delivery-status\nContent-Transfer-Encoding: base64\n\n{encoded}\n"),
    );
    assert_eq!(
        meaning(&mail).1,
        ["S001 bounced head@school1.example hard no_such_address"]
    );
    let whole = format!(
        "Content-Type: message/rfc822\n\nFrom: reports@study.example\nMessage-ID: <{ID}>\nMIME-Version: 1.0\n\
         Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: application/pdf\n\nJVBERi0xLjc"
    );
    let cut = dsn(DEAD, &whole).replace("\n--b--\n", "");
    assert_eq!(
        meaning(&cut).1,
        ["S001 bounced head@school1.example hard no_such_address"]
    );
}

#[test]
fn exchange_is_understood() {
    let mail = format!(
        "From: <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@tenant.example>\nTo: reports@study.example\n\
         Subject: Undeliverable: Report\nDate: Mon, 2 Nov 2026 09:00:00 +0000\nAuto-Submitted: auto-replied\n\
         In-Reply-To: <{ID}>\nReferences: <{ID}>\nX-MS-Exchange-Message-Is-Ndr:\nMIME-Version: 1.0\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n\
         --b\nContent-Type: multipart/alternative; boundary=a\n\n--a\nContent-Type: text/plain\n\n\
         Your message to head@school1.example couldn't be delivered.\n\n--a\nContent-Type: text/html\n\n<p>…</p>\n\n--a--\n\n\
         --b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns;AM0.tenant.example\n\n\
         Final-Recipient: rfc822;IMCEASMTP-head+40school1+2Eexample@tenant.example\nAction: failed\nStatus: 5.4.1\n\
         Diagnostic-Code: smtp;550 5.4.1 Recipient address rejected: Access denied. AS(201806281)\n\n--b--\n"
    );
    assert_eq!(
        meaning(&mail).1,
        ["S001 bounced head@school1.example hard no_such_address"]
    );
    let quota = dsn(
        "Final-Recipient: rfc822;head@school1.example\nAction: failed\nStatus: 5.2.2\n\
         Diagnostic-Code: smtp;554 5.2.2 mailbox full; STOREDRV.Submission.Exception:SubmissionQuotaExceededException",
        &original(ID),
    );
    assert_eq!(
        meaning(&quota).1,
        ["S001 bounced head@school1.example our_side"]
    );
}

/// As Exim 4.96 writes it of an address that it does not even try.
#[test]
fn a_report_without_a_line_of_a_server_has_its_reason_in_the_words() {
    let recipient = "Original-Recipient: rfc822;head@school1.example\nAction: failed\n\
        Final-Recipient: rfc822;head@school1.example\nStatus: 5.0.0";
    let mail = dsn(recipient, &original(ID)).replace(
        "The message could not be delivered.\n",
        "A message that you sent could not be delivered to one or more of its\nrecipients. The following \
         addresses failed:\n\n  office@school1.example\n    mailbox is full\n\n  head@school1.example\n    \
         Unrouteable address\n",
    );
    assert_eq!(
        meaning(&mail).1,
        ["S001 bounced head@school1.example hard no_such_address"]
    );
}

#[test]
fn words_alone_mark_the_address_that_they_name() {
    let mail = format!(
        "From: MAILER-DAEMON@mail.school1.example\nSubject: failure notice\nDate: Mon, 2 Nov 2026 09:00:00 +0000\n\n\
         Hi. This is the program at mail.school1.example. I was not able to deliver your message.\n\n\
         <head@school1.example>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n\
         --- Below this line is a copy of the message.\n\nReturn-Path: <reports@study.example>\n\
         To: head@school1.example, office@school1.example\nMessage-ID: <{ID}>\n"
    );
    assert_eq!(
        meaning(&mail),
        (
            MailKind::TextBounce,
            vec!["S001 bounced head@school1.example hard no_such_address".to_owned()]
        )
    );
    let exim = format!(
        "From: Mail Delivery System <Mailer-Daemon@mx.example>\nX-Failed-Recipients: office@school1.example\n\
         Subject: Mail delivery failed: returning message to sender\n\n\
         A message that you sent could not be delivered to one or more of its recipients.\n\n\
         \x20 office@school1.example\n    mailbox is full\n\n\
         ------ This is a copy of the message, including all the headers. ------\n\n\
         To: head@school1.example, office@school1.example\nMessage-Id: <{ID}>\n"
    );
    assert_eq!(
        meaning(&exim).1,
        ["S001 bounced office@school1.example mailbox_full"]
    );
    let warning = exim
        .replace(
            "Mail delivery failed: returning message to sender",
            "Warning: message delayed 24 hours",
        )
        .replace(
            "could not be delivered to one",
            "has not yet been delivered to one",
        );
    assert_eq!(
        meaning(&warning).1,
        ["S001 delayed office@school1.example mailbox_full"]
    );
}

#[test]
fn a_copy_of_a_letter_is_no_answer_to_itself() {
    let copy = format!(
        "From: reports@study.example\nTo: head@school1.example\nMessage-ID: <{ID}>\n\
         Auto-Submitted: auto-generated\nSubject: Report\n\nDear Sir or Madam\n"
    );
    assert_eq!(meaning(&copy), (MailKind::Other, Vec::new()));
}

#[test]
fn ordinary_mail_and_garbage_say_nothing() {
    for mail in [
        "",
        "\n\n",
        "no header at all",
        "From: a@b.example\n\nHello\n",
        "Content-Type: multipart/report; boundary=\n\n--\n--\n",
    ] {
        assert_eq!(meaning(mail), (MailKind::Other, Vec::new()), "{mail:?}");
    }
}

#[test]
fn bounds_hold() {
    let mut many = String::new();
    for n in 0..12_000 {
        let _ = write!(
            many,
            "Final-Recipient: rfc822;a{n}@x.example\nAction: failed\nStatus: 5.1.1\n\n"
        );
    }
    let mail = read(dsn(&many, &original(ID)).replace('\n', "\r\n").as_bytes());
    assert_eq!(mail.recipients.len(), MAX_RECIPIENTS);
    let mut deep = "From: mailer-daemon@x.example\nMIME-Version: 1.0\n".to_owned();
    for level in 0..2_000 {
        let _ = write!(
            deep,
            "Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}\n"
        );
    }
    assert_eq!(meaning(&deep).1, [""; 0]);
    let parts = "--b\nContent-Type: text/plain\n\nx\n\n".repeat(5_000);
    let wide =
        format!("From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n{parts}--b--\n");
    assert_eq!(meaning(&wide).1, [""; 0]);
}

#[test]
fn a_time_zone_of_the_mail_is_read() {
    let mail = read(b"Date: Mon, 2 Nov 2026 09:00:00 +0100\r\nFrom: a@b.example\r\n\r\nx");
    let at: Timestamp = "2026-11-02T08:00:00Z".parse().unwrap();
    assert_eq!(mail.date, Some(at));
}

proptest! {
    #[test]
    fn no_bytes_stop_it(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        let _ = meaning_of(&bytes);
    }

    #[test]
    fn no_damage_to_a_report_marks_another_address(
        at in 0_usize..1_400,
        with in "[ -~\\r\\n]{0,12}",
        length in 0_usize..40,
    ) {
        let mut bytes = dsn(DEAD, &original(ID)).replace('\n', "\r\n").into_bytes();
        let at = at.min(bytes.len());
        let end = (at + length).min(bytes.len());
        bytes.splice(at..end, with.bytes());
        for line in meaning_of(&bytes).1 {
            let is_other = line.contains("bounced") && !line.contains("head@school1.example");
            prop_assert!(!is_other, "{}", line);
        }
    }
}
