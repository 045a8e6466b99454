//! With a real Exim: its reports, its warnings that come again and again, and mail that it gives up.

use super::Sent;
use super::postfix::{outcomes, servers_of_schools};
use crate::support::exim::Exim;
use crate::support::{TestBatch, servers, wait};

#[test]
fn what_exim_sends_back_is_entered_at_the_right_address() {
    if !servers::is_root_or_skip() {
        return;
    }
    let schools = servers_of_schools();
    let Some(exim) = servers::or_skip(Exim::start(schools.port())) else {
        return;
    };
    let batch = TestBatch::new(6);
    batch.use_smtp(exim.port, "");
    let bad = [
        (
            1,
            "gone1@school1.example",
            ("bounced", "no_such_address", true),
        ),
        (
            2,
            "full2@school2.example",
            ("bounced", "mailbox_full", false),
        ),
        (
            3,
            "slow3@school3.example",
            ("bounced", "not_reachable", false),
        ),
        (
            4,
            "head4@nowhere.example",
            ("bounced", "no_such_address", true),
        ),
    ];
    for (number, address, _) in bad {
        let usual = format!("teacher{number}@school{number}.example");
        batch.replace("list.csv", &usual, address);
    }
    let sent = Sent {
        batch,
        server: schools,
    };
    sent.batch.send(&[]).expect(0);
    let inbox = exim.inbox();
    let inbox = inbox.to_str().unwrap();
    wait::until("the first warning", || {
        exim.mails()
            .iter()
            .any(|mail| mail.contains("Action: delayed"))
    });
    sent.batch.run("returns", &["--from", inbox]).expect(4);
    assert_eq!(outcomes(&sent)["slow3@school3.example"].0, "delayed");
    wait::until("what comes back", || {
        let mails = exim.mails();
        let given_up = mails.iter().filter(|mail| mail.contains("Action: failed"));
        given_up.count() >= bad.len() && exim.is_idle()
    });
    let warnings = exim
        .mails()
        .iter()
        .filter(|mail| mail.contains("Action: delayed"))
        .count();
    assert!(warnings > 1, "Exim warned {warnings} times");
    sent.batch.run("returns", &["--from", inbox]).expect(4);
    let found = outcomes(&sent);
    for (_, address, expected) in bad {
        let (outcome, reason, hard) = &found[address];
        assert_eq!(
            (outcome.as_str(), reason.as_str(), *hard),
            expected,
            "{address}"
        );
    }
    for address in ["teacher5@school5.example", "teacher6@school6.example"] {
        assert_eq!(found[address].0, "unknown", "{address}");
    }
    sent.batch.assert_log_is_whole();
}
