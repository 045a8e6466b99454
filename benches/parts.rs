//! What one letter costs, part by part: `cargo bench`.
//!
//! The letter has 6 KB of HTML and a report of 300 KB, as in `benches/compare`.

#![allow(
    clippy::unwrap_used,
    clippy::pedantic,
    reason = "a measurement may stop at a surprise"
)]

use std::fs;
use std::sync::Arc;

use divan::Bencher;
use divan::counter::BytesCount;
use jiff::Timestamp;
use postroom::{
    Accepted, Addresses, AdoptedLetter, Batch, BatchIdentity, Claim, Cost, DispatchConfig, Holder,
    Ledger, LedgerKind, Letters, Limiter, Manifest, Message, Pending, PlannedLetter,
    PlannedMessage, Secrets, SentAttachment, SettledAs, Settlement, TransportName,
};
use tempfile::TempDir;

const REPORT: usize = 300 * 1024;
const LETTERS: usize = 1_000;

const BATCH: &str = r#"
[batch]
name = "measured"
[manifest]
path = "list.csv"
id = "id"
name = "school"
to = ["email"]
[letter]
from = "study@study.example"
subject = "Report for {{ name }}"
html = "letter.html"
[[attachment]]
path = "report.pdf"
shared = true
"#;

fn main() {
    divan::main();
}

/// A batch of schools that share one report.
fn batch() -> (TempDir, Batch) {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    let mut list = String::from("id,school,email\n");
    for number in 0..LETTERS {
        list.push_str(&format!(
            "S{number:06},School {number},head@s{number}.example\n"
        ));
    }
    let paragraph = "<p>This report shows how the children of your school got on.</p>\n".repeat(90);
    let mut report = b"%PDF-1.7\n".to_vec();
    report.extend((0..REPORT).map(|at| ((at * at) >> 7) as u8));
    write("list.csv", list.as_bytes());
    write(
        "letter.html",
        format!("<p>Dear {{{{ name }}}},</p>\n{paragraph}").as_bytes(),
    );
    write("report.pdf", &report);
    write("batch.toml", BATCH.as_bytes());
    let batch = Batch::load(folder.path()).unwrap();
    (folder, batch)
}

fn letters() -> (TempDir, Arc<Letters>) {
    let (folder, batch) = batch();
    let manifest = Manifest::read(&batch).0.unwrap();
    let letters = Letters::new(&batch, &Secrets::default(), manifest, None).unwrap();
    (folder, Arc::new(letters))
}

#[divan::bench]
fn read_a_list_of_1000(bencher: Bencher) {
    let (_folder, batch) = batch();
    bencher.bench_local(|| Manifest::read(&batch).0.unwrap());
}

/// Rendered, its report read and digested.
#[divan::bench]
fn make_a_letter(bencher: Bencher) {
    let (_folder, letters) = letters();
    bencher
        .counter(BytesCount::new(REPORT))
        .bench_local(|| letters.make(7).unwrap());
}

#[divan::bench]
fn digest_of_a_letter(bencher: Bencher) {
    let (_folder, letters) = letters();
    let letter = letters.make(7).unwrap();
    bencher.bench_local(|| PlannedLetter::of(&letter, &[]));
}

#[divan::bench]
fn text_of_the_html(bencher: Bencher) {
    let (_folder, letters) = letters();
    let letter = letters.make(7).unwrap();
    bencher.bench_local(|| letter.text().len());
}

/// With the text alternative.
#[divan::bench]
fn mime(bencher: Bencher) {
    let (_folder, letters) = letters();
    let (letter, contents) = letters.make_with_contents(7).unwrap();
    let message = Message::first("measured", letter, &[7; 32], contents);
    bencher
        .counter(BytesCount::new(REPORT))
        .bench_local(|| message.mime());
}

/// One commit to the disk for the answer of one letter and the claim of the next.
#[divan::bench(sample_count = 20, sample_size = 20)]
fn settle_and_claim(bencher: Bencher) {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = ledger(&folder);
    let letters = ledger.pending(None, LETTERS).unwrap();
    let mut next = letters.iter();
    let mut claimed = ledger.commit(&[], &[claim(next.next().unwrap())]).unwrap();
    bencher.bench_local(|| {
        let settled = Settlement {
            claim: claimed[0],
            ended: SettledAs::Accepted(Accepted {
                receipt: "250 2.0.0 Ok: queued".into(),
                refused: Vec::new(),
                rest: None,
            }),
            at: Timestamp::UNIX_EPOCH,
            request_ids: Vec::new(),
        };
        claimed = ledger
            .commit(&[settled], &[claim(next.next().unwrap())])
            .unwrap();
    });
}

fn ledger(folder: &TempDir) -> Ledger {
    let identity = BatchIdentity {
        batch: "measured".into(),
        kind: LedgerKind::Mail,
    };
    let holder = Holder {
        command: "send".into(),
        transport: "smtp relay.example:25".into(),
        pid: 1,
        host: "office".into(),
        started: Timestamp::UNIX_EPOCH,
    };
    let mut ledger =
        Ledger::open(&folder.path().join("batch.state.db"), &identity, &holder).unwrap();
    let letters = (0..LETTERS).map(|number| AdoptedLetter {
        id: format!("S{number:06}"),
        message: PlannedMessage {
            message_id: format!("{number}@study.example"),
            digest: [7; 32],
            addresses: Addresses {
                to: vec!["head@school.example".into()],
                ..Addresses::default()
            },
            attachments: vec![SentAttachment {
                name: "report.pdf".into(),
                sha256: [8; 32],
                bytes: 307_200,
                locked: false,
            }],
            parts: None,
        },
    });
    ledger.adopt("plan", "outbox", &[9; 32], letters).unwrap();
    ledger
}

fn claim(letter: &Pending) -> Claim {
    Claim {
        seq: letter.seq,
        bytes: 433_000,
        addresses: 1,
        at: Timestamp::UNIX_EPOCH,
        trace: String::new(),
    }
}

/// With a day's letters in its windows.
#[divan::bench]
fn permit(bencher: Bencher) {
    let config = DispatchConfig {
        transport: TransportName::Graph,
        ..DispatchConfig::default()
    };
    let mut limiter = Limiter::new(&config);
    let cost = Cost {
        bytes: 433_000,
        addresses: 2,
    };
    let second = std::time::Duration::from_secs(1);
    for number in 0..10_000 {
        limiter.claim(cost);
        limiter.settle(second * number, cost, true);
    }
    bencher.bench_local(|| limiter.permit(second * 10_000, cost));
}
