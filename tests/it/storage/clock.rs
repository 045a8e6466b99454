//! A state file whose times go back and forth, as a clock that was set leaves it.

use std::fs;

use jiff::{SignedDuration, Timestamp};
use postroom::{Accepted, BatchIdentity, Claim, Holder, Ledger, LedgerKind, SettledAs, Settlement};

use crate::storage::OUTBOX;
use crate::support::TestBatch;

#[test]
fn times_that_go_back_and_forth_are_reported_as_they_are() {
    let batch = TestBatch::new(6);
    batch.run("send", &["--limit", "1"]).expect(0);
    let identity = BatchIdentity {
        batch: "Test reports".into(),
        kind: LedgerKind::Outbox,
    };
    let began: Timestamp = fs::metadata(batch.path("outbox"))
        .unwrap()
        .modified()
        .unwrap()
        .try_into()
        .unwrap();
    for hours in [-1, 2, -25] {
        let now = began + SignedDuration::from_hours(hours);
        let holder = Holder {
            command: "send".into(),
            transport: "outbox".into(),
            pid: 4711,
            host: "office".into(),
            started: now,
        };
        let mut ledger = Ledger::open(&batch.path(OUTBOX), &identity, &holder).unwrap();
        let seq = ledger.pending(None, 1).unwrap()[0].seq;
        let claim = Claim {
            seq,
            bytes: 100,
            addresses: 1,
            at: now,
            trace: format!("trace {hours}"),
        };
        let claimed = ledger.commit(&[], &[claim]).unwrap();
        // Answered before it was asked, by a clock that was set in between.
        let settlement = Settlement {
            claim: claimed[0],
            ended: SettledAs::Accepted(Accepted {
                receipt: "taken".into(),
                refused: Vec::new(),
                rest: None,
            }),
            at: now - SignedDuration::from_mins(59),
            request_ids: Vec::new(),
        };
        ledger.commit(&[settlement], &[]).unwrap();
        let ended = now - SignedDuration::from_mins(58);
        ledger.end_run(ended, "finished").1.unwrap();
    }
    let ran = batch.run("status", &[]).expect(0);
    assert!(ran.stdout.contains("4 accepted, 2 pending"), "{ran:?}");
    batch.run("send", &[]).expect(0);
    assert_eq!(batch.in_state("accepted").len(), 6);
    batch.assert_log_is_whole();
    batch.run("report", &[]).expect(0);
    let report = fs::read_to_string(batch.path("batch.outbox.report.json"));
    let report = report.unwrap_or_else(|error| panic!("{error}: {:?}", batch.folder()));
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    let text = report.to_string();
    for hours in [-1, 2, -25] {
        let at = began + SignedDuration::from_hours(hours) - SignedDuration::from_mins(59);
        let shown = at.strftime("%Y-%m-%dT%H:%M").to_string();
        assert!(text.contains(&shown), "{shown} is not in {text}");
    }
}
