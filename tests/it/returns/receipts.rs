//! What `[returns] receipts` asks for, as it stands on the wire, and that it is part of the plan.

use mail_parser::MessageParser;

use crate::support::TestBatch;
use crate::support::ews_desk::EwsDesk;
use crate::support::exchange::AskedReceipts;
use crate::support::graph_desk::{GraphDesk, SHARED};
use crate::support::smtp::SmtpServer;

/// The lines of the batch file, and what they ask for.
const CASES: [(&str, AskedReceipts); 3] = [
    (
        "",
        AskedReceipts {
            of_delivery: false,
            of_reading: false,
        },
    ),
    (
        "[returns]\nreceipts = \"delivery\"\n",
        AskedReceipts {
            of_delivery: true,
            of_reading: false,
        },
    ),
    (
        "[returns]\nreceipts = \"read\"\n",
        AskedReceipts {
            of_delivery: true,
            of_reading: true,
        },
    ),
];

fn asks_to_be_read(mail: &[u8]) -> bool {
    let mail = MessageParser::new().parse(mail).unwrap();
    let asked = mail.header_raw("Disposition-Notification-To");
    asked.is_some_and(|to| {
        assert!(to.contains("<reports@study.example>"), "{to}");
        true
    })
}

#[test]
fn over_smtp() {
    for (lines, expected) in CASES {
        let server = SmtpServer::builder().dsn().start();
        let batch = TestBatch::new(1);
        batch.use_smtp(server.port(), lines);
        batch.send(&[]).expect(0);
        let received = &server.received()[0];
        let status = batch.run("status", &["--json"]).json();
        let id = status["letters"][0]["message_id"].as_str().unwrap();
        let notify = if expected.of_delivery {
            "SUCCESS,FAILURE,DELAY"
        } else {
            "FAILURE,DELAY"
        };
        assert_eq!(
            received.asked,
            [
                format!("RET=HDRS ENVID={id}"),
                format!("NOTIFY={notify} ORCPT=rfc822;{}", received.rcpt_to[0])
            ],
            "{lines}"
        );
        assert_eq!(
            asks_to_be_read(&received.data),
            expected.of_reading,
            "{lines}"
        );
        assert!(server.violations().is_empty());
    }
}

/// A server without delivery reports is asked for none; the receipt of reading is in the message.
#[test]
fn over_smtp_without_delivery_reports() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(1);
    batch.use_smtp(server.port(), CASES[2].0);
    batch.send(&[]).expect(0);
    let received = &server.received()[0];
    assert_eq!(received.asked, ["", ""]);
    assert!(asks_to_be_read(&received.data));
}

#[test]
fn over_graph_in_one_request_and_as_a_draft() {
    for (lines, expected) in CASES {
        for desk in [GraphDesk::new(1), GraphDesk::with_all_scopes(1)] {
            desk.configure(lines);
            desk.desk.send().expect(0);
            desk.assert_proper();
            let sent = desk.graph.mailbox(SHARED).sent();
            assert_eq!(sent[0].receipts, expected, "{lines}");
        }
    }
}

#[test]
fn over_exchange_web_services() {
    for (lines, expected) in CASES {
        let desk = EwsDesk::new(1);
        desk.configure(lines);
        desk.desk.send().expect(0);
        desk.assert_proper();
        let sent = desk.exchange.mailbox(SHARED).sent();
        assert_eq!(sent[0].receipts, expected, "{lines}");
    }
}

#[test]
fn other_receipts_are_another_plan() {
    let batch = TestBatch::new(1);
    let configured = std::fs::read_to_string(batch.path("batch.toml")).unwrap();
    let plan = |lines: &str| {
        batch.write("batch.toml", format!("{configured}\n{lines}"));
        let shown = batch.run("send", &["--dry-run", "--json"]).expect(0).json();
        shown["plan"].as_str().unwrap().to_owned()
    };
    let plans = CASES.map(|(lines, _)| plan(lines));
    assert_eq!(plans[0], plan(""));
    assert_eq!(plans[0], plan("[returns]\nreceipts = \"none\"\n"));
    assert_ne!(plans[0], plans[1]);
    assert_ne!(plans[1], plans[2]);
}
