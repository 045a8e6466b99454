//! With a real Postfix: what it sends back is read, and the record is right at every address.

use std::collections::BTreeMap;

use super::Sent;
use crate::support::postfix::Postfix;
use crate::support::smtp::{Action, SmtpServer, Step};
use crate::support::{TestBatch, servers, wait};

const SCHOOLS: usize = 60;

/// What is wrong with the address of a school.
fn trouble(number: usize) -> Option<&'static str> {
    match number {
        5 | 15 | 25 | 35 => Some("gone"),
        8 | 18 => Some("full"),
        12 => Some("slow"),
        20 | 40 => Some("nowhere"),
        _ => None,
    }
}

/// The outcome, reason and hardness of each address.
pub(super) fn outcomes(sent: &Sent) -> BTreeMap<String, (String, String, bool)> {
    let status = sent.batch.run("status", &["--json"]).json();
    let mut all = BTreeMap::new();
    for letter in status["letters"].as_array().unwrap() {
        for address in letter["addresses"].as_array().unwrap() {
            let text = |key: &str| address[key].as_str().unwrap_or_default().to_owned();
            let hard = address["hard"].as_bool().unwrap();
            all.insert(text("address"), (text("outcome"), text("reason"), hard));
        }
    }
    all
}

/// The servers of the schools, where an address says by its first letters what is wrong with it.
pub(super) fn servers_of_schools() -> SmtpServer {
    let schools = SmtpServer::start();
    schools.script(|event| match &event.step {
        Step::Rcpt(to) if to.starts_with("gone") => {
            Action::reply(550, "5.1.1 Recipient address rejected: User unknown")
        }
        Step::Rcpt(to) if to.starts_with("full") => {
            Action::reply(552, "5.2.2 mailbox is over quota")
        }
        Step::Rcpt(to) if to.starts_with("slow") => {
            Action::reply(450, "4.2.0 busy, try again later")
        }
        _ => Action::Go,
    });
    schools
}

#[test]
fn sixty_letters_come_back_where_they_must_and_are_sent_again_where_the_list_was_corrected() {
    if !servers::is_root_or_skip() {
        return;
    }
    let schools = servers_of_schools();
    let Some(postfix) = servers::or_skip(Postfix::start(schools.port())) else {
        return;
    };
    let batch = TestBatch::new(SCHOOLS);
    batch.use_smtp(postfix.port, "");
    let mut bad = Vec::new();
    for number in 1..=SCHOOLS {
        let Some(trouble) = trouble(number) else {
            continue;
        };
        let address = if trouble == "nowhere" {
            format!("head{number}@nowhere.example")
        } else {
            format!("{trouble}{number}@school{number}.example")
        };
        batch.replace(
            "list.csv",
            &format!(",teacher{number}@school{number}.example"),
            &format!(",{address}"),
        );
        bad.push((number, trouble, address));
    }
    let sent = Sent {
        batch,
        server: schools,
    };
    sent.batch.send(&[]).expect(0);
    wait::until_others("what comes back", || {
        let given_up = postfix
            .mails()
            .iter()
            .filter(|mail| mail.contains("Action: failed"))
            .count();
        given_up >= bad.len() && postfix.is_idle()
    });
    let inbox = postfix.inbox();
    let inbox = inbox.to_str().unwrap();
    sent.batch.run("returns", &["--from", inbox]).expect(4);

    let found = outcomes(&sent);
    assert_eq!(found.len(), SCHOOLS);
    for (address, (outcome, reason, hard)) in &found {
        let expected = match bad.iter().find(|(_, _, other)| other == address) {
            Some((_, "gone", _)) => ("bounced", "no_such_address", true),
            Some((_, "full", _)) => ("bounced", "mailbox_full", false),
            Some((_, "nowhere", _)) => ("bounced", "no_such_domain", true),
            Some((_, _, _)) => ("bounced", "not_reachable", false),
            None => ("unknown", "", false),
        };
        assert_eq!(
            (outcome.as_str(), reason.as_str(), *hard),
            expected,
            "{address}"
        );
    }
    // The reports do not travel back.
    for mail in postfix.mails() {
        assert!(!mail.contains("application/pdf"), "{mail}");
    }

    for (number, _, address) in &bad {
        sent.batch.replace(
            "list.csv",
            address,
            &format!("office{number}@school{number}.example"),
        );
    }
    let before = sent.server.received().len();
    let resend = ["--bounced", "--because", "the schools gave others", "--yes"];
    sent.batch.run("resend", &resend).expect(0);
    wait::until_others("the letters sent again", || postfix.is_idle());
    let again = sent.server.received().split_off(before);
    let mut to: Vec<String> = again.into_iter().flat_map(|mail| mail.rcpt_to).collect();
    to.sort();
    let mut corrected: Vec<String> = bad
        .iter()
        .map(|(number, _, _)| format!("office{number}@school{number}.example"))
        .collect();
    corrected.sort();
    assert_eq!(to, corrected);
    let events = sent.events();
    sent.batch.run("returns", &["--from", inbox]).expect(0);
    assert_eq!(
        sent.events(),
        events,
        "what was read before changed something"
    );
    let found = outcomes(&sent);
    assert_eq!(found.len(), SCHOOLS + bad.len());
    for (_, _, address) in &bad {
        assert_eq!(found[address].0, "bounced", "{address}");
    }
    for address in &corrected {
        assert_eq!(found[address].0, "unknown", "{address}");
    }
    sent.batch.assert_log_is_whole();
}

#[test]
fn notices_of_delivery_come_back_where_they_are_asked_for() {
    if !servers::is_root_or_skip() {
        return;
    }
    let schools = SmtpServer::start();
    let Some(postfix) = servers::or_skip(Postfix::start(schools.port())) else {
        return;
    };
    let batch = TestBatch::new(2);
    batch.use_smtp(postfix.port, "[returns]\nreceipts = \"delivery\"\n");
    // One address is in a mailbox of this server, the other is passed on to one without notices.
    batch.replace(
        "list.csv",
        "teacher2@school2.example",
        "inbox@study.example",
    );
    let sent = Sent {
        batch,
        server: schools,
    };
    sent.batch.send(&[]).expect(0);
    wait::until_others("the notices", || {
        let notices = postfix
            .mails()
            .iter()
            .filter(|mail| mail.contains("\nAction: "))
            .count();
        notices >= 2 && postfix.is_idle()
    });
    let inbox = postfix.inbox();
    sent.batch
        .run("returns", &["--from", inbox.to_str().unwrap()])
        .expect(0);
    let found = outcomes(&sent);
    assert_eq!(found["teacher1@school1.example"].0, "relayed");
    assert_eq!(found["inbox@study.example"].0, "delivered");
    sent.batch.assert_log_is_whole();
}

/// The mails of a Postfix that have a word in them, in a file each.
fn keep(sent: &Sent, postfix: &Postfix, folder: &str, word: &str) -> usize {
    let mails = postfix
        .mails()
        .into_iter()
        .filter(|mail| mail.contains(word));
    let mails: Vec<String> = mails.collect();
    std::fs::create_dir_all(sent.batch.path(folder)).unwrap();
    for (number, mail) in mails.iter().enumerate() {
        sent.batch.write(&format!("{folder}/{number}.eml"), mail);
    }
    mails.len()
}

#[test]
fn what_is_delayed_is_said_so_until_it_is_given_up() {
    if !servers::is_root_or_skip() {
        return;
    }
    let schools = SmtpServer::start();
    schools.script(|event| match &event.step {
        Step::Rcpt(_) => Action::reply(450, "4.2.0 busy, try again later"),
        _ => Action::Go,
    });
    let Some(postfix) = servers::or_skip(Postfix::start(schools.port())) else {
        return;
    };
    let batch = TestBatch::new(1);
    batch.use_smtp(postfix.port, "");
    let sent = Sent {
        batch,
        server: schools,
    };
    sent.batch.send(&[]).expect(0);
    wait::until_others("the warning", || {
        keep(&sent, &postfix, "warnings", "\nAction: delayed") > 0
    });
    let address = "teacher1@school1.example";
    sent.batch
        .run("returns", &["--from", "warnings"])
        .expect(0)
        .shows("delayed    S001");
    assert_eq!(outcomes(&sent)[address].0, "delayed");
    wait::until_others("the end of it", || {
        keep(&sent, &postfix, "ends", "\nAction: failed") > 0
    });
    sent.batch.run("returns", &["--from", "ends"]).expect(4);
    // Both again, in any order: what is heavier stays.
    sent.batch
        .run("returns", &["--from", "ends", "--from", "warnings"])
        .expect(4);
    let (outcome, reason, hard) = &outcomes(&sent)[address];
    assert_eq!(
        (outcome.as_str(), reason.as_str(), *hard),
        ("bounced", "not_reachable", false)
    );
    sent.batch.assert_log_is_whole();
}

/// The next server passes it on without a notice, and sends it back later under no name of ours but the
/// Message-ID within.
#[test]
fn what_was_relayed_and_came_back_after_that_is_bounced() {
    if !servers::is_root_or_skip() {
        return;
    }
    let schools = SmtpServer::start();
    schools.script(|event| match &event.step {
        Step::Rcpt(_) => Action::reply(550, "5.1.1 User unknown"),
        _ => Action::Go,
    });
    let home = wait::free_port();
    let Some(relay) = servers::or_skip(Postfix::start_relay(home, schools.port())) else {
        return;
    };
    let Some(postfix) = servers::or_skip(Postfix::start_at(home, relay.port)) else {
        return;
    };
    let batch = TestBatch::new(1);
    batch.use_smtp(postfix.port, "[returns]\nreceipts = \"delivery\"\n");
    let sent = Sent {
        batch,
        server: schools,
    };
    sent.batch.send(&[]).expect(0);
    wait::until_others("both notices", || {
        keep(&sent, &postfix, "relayed", "\nAction: relayed") > 0
            && keep(&sent, &postfix, "failed", "\nAction: failed") > 0
    });
    for mail in postfix.mails() {
        let is_ours = mail.contains("Original-Envelope-Id");
        assert_eq!(is_ours, mail.contains("Action: relayed"), "{mail}");
    }
    let address = "teacher1@school1.example";
    sent.batch.run("returns", &["--from", "relayed"]).expect(0);
    assert_eq!(outcomes(&sent)[address].0, "relayed");
    sent.batch.run("returns", &["--from", "failed"]).expect(4);
    let (outcome, reason, hard) = &outcomes(&sent)[address];
    assert_eq!(
        (outcome.as_str(), reason.as_str(), *hard),
        ("bounced", "no_such_address", true)
    );
    sent.batch.assert_log_is_whole();
}
