//! Letters that a server takes for some of their addresses: the others get a message of their own, by
//! themselves, and nobody gets two.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::support::smtp::{Action, SmtpServer, Step};
use crate::support::victim::Victim;
use crate::support::{TestBatch, wait};

const HEAD: &str = "head@school1.example";
const TEACHER: &str = "teacher1@school1.example";
const OFFICE: &str = "office@school1.example";

/// A batch whose first letter goes to three addresses.
fn batch(server: &SmtpServer, schools: usize, dispatch: &str) -> TestBatch {
    let batch = TestBatch::new(schools);
    batch.use_smtp(server.port(), dispatch);
    batch.replace("list.csv", TEACHER, &format!("{HEAD} {TEACHER} {OFFICE}"));
    batch
}

/// How often a message was taken for each address of the first school, and how many Message-IDs there
/// are.
fn taken(server: &SmtpServer) -> (BTreeMap<String, usize>, usize) {
    let mut counts = BTreeMap::new();
    let mut ids: Vec<String> = Vec::new();
    let received = server.received();
    for mail in received
        .iter()
        .filter(|mail| mail.rcpt_to[0].ends_with("@school1.example"))
    {
        for address in &mail.rcpt_to {
            *counts.entry(address.clone()).or_default() += 1;
        }
        let text = String::from_utf8_lossy(&mail.data);
        let id = text.lines().find(|line| line.starts_with("Message-ID:"));
        ids.push(id.unwrap().to_owned());
    }
    ids.sort();
    ids.dedup();
    (counts, ids.len())
}

#[track_caller]
fn assert_each_address_once(server: &SmtpServer, addresses: &[&str], messages: usize) {
    let (counts, ids) = taken(server);
    let once = addresses
        .iter()
        .map(|address| ((*address).to_owned(), 1))
        .collect();
    assert_eq!(counts, once);
    assert_eq!(ids, messages, "Message-IDs");
    assert_eq!(server.violations(), Vec::<String>::new());
}

fn defers(server: &SmtpServer, address: &'static str, times: u64, code: u16, text: &'static str) {
    let asked = AtomicU64::new(0);
    server.script(move |event| match &event.step {
        Step::Rcpt(to) if to == address && asked.fetch_add(1, Ordering::SeqCst) < times => {
            Action::reply(code, text)
        }
        _ => Action::Go,
    });
}

#[test]
fn the_others_get_the_letter_at_once_and_a_deferred_address_a_message_of_its_own() {
    for (address, code, text) in [
        (HEAD, 450, "4.2.0 Greylisted"),
        (TEACHER, 451, "4.3.0 Try later"),
        // What is a matter of policy is said of single addresses, too.
        (OFFICE, 450, "4.7.1 Greylisted"),
        (HEAD, 452, "4.2.2 Mailbox full"),
    ] {
        let server = SmtpServer::start();
        let batch = batch(&server, 3, "");
        defers(&server, address, 2, code, text);
        let ran = batch
            .send(&[])
            .expect(0)
            .says("S001: accepted, but not yet for")
            .says(text);
        assert!(!ran.output().contains(address), "not masked: {ran:?}");
        assert!(ran.stdout.contains("3 accepted, 0 pending"), "{ran:?}");
        assert_each_address_once(&server, &[HEAD, TEACHER, OFFICE], 2);
        let of_one = |mail: &&crate::support::smtp::Received| mail.rcpt_to == [address];
        assert_eq!(server.received().iter().filter(of_one).count(), 1);
        batch.assert_log_is_whole();
        batch.send(&[]).expect(0);
        assert_eq!(server.received().len(), 4);
    }
}

#[test]
fn an_address_that_stays_deferred_leaves_the_letter_open_and_is_tried_by_the_next_run() {
    let server = SmtpServer::start();
    let batch = batch(&server, 2, "attempts = 3");
    defers(&server, HEAD, u64::MAX, 450, "4.1.2 Domain not found");
    batch
        .send(&[])
        .expect(5)
        .says("left pending")
        .says("450 4.1.2 Domain not found");
    assert_eq!(batch.in_state("pending"), ["S001"]);
    assert_each_address_once(&server, &[TEACHER, OFFICE], 1);
    let status = batch.run("status", &[]).expect(0).stdout;
    assert!(
        status.contains("not yet taken for h…@school1.example: 450 4.1.2"),
        "{status}"
    );
    let letter = batch.run("status", &["--json"]).json()["letters"][0].clone();
    assert_eq!(letter["state"], "pending");
    let states: Vec<(&str, &str)> = letter["addresses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|of| {
            (
                of["address"].as_str().unwrap(),
                of["state"].as_str().unwrap(),
            )
        })
        .collect();
    assert!(states.contains(&(TEACHER, "accepted")), "{states:?}");
    assert!(!states.contains(&(HEAD, "accepted")), "{states:?}");
    // The same again, and then it is taken.
    batch.send(&[]).expect(5);
    assert_each_address_once(&server, &[TEACHER, OFFICE], 1);
    server.script(|_| Action::Go);
    batch.send(&[]).expect(0);
    assert_each_address_once(&server, &[HEAD, TEACHER, OFFICE], 2);
    batch.assert_log_is_whole();
}

#[test]
fn too_many_addresses_for_one_message_go_out_in_several_at_once() {
    for (code, text) in [
        (452, "4.5.3 Too many recipients"),
        (552, "5.5.3 Too many recipients"),
    ] {
        let server = SmtpServer::start();
        // A wait would be of an hour.
        let batch = batch(&server, 2, "");
        batch.replace("batch.toml", "\"10ms\"", "\"1h\"");
        let more = "a@school1.example b@school1.example c@school1.example";
        batch.replace("list.csv", OFFICE, &format!("{OFFICE} {more}"));
        let (message, count) = (AtomicU64::new(0), AtomicU64::new(0));
        server.script(move |event| {
            if !matches!(event.step, Step::Rcpt(_)) {
                return Action::Go;
            }
            if message.swap(event.message, Ordering::SeqCst) != event.message {
                count.store(0, Ordering::SeqCst);
            }
            if count.fetch_add(1, Ordering::SeqCst) < 2 {
                Action::Go
            } else {
                Action::reply(code, text)
            }
        });
        batch.send(&[]).expect(0).says("a message of their own");
        let all = [
            HEAD,
            TEACHER,
            OFFICE,
            "a@school1.example",
            "b@school1.example",
            "c@school1.example",
        ];
        assert_each_address_once(&server, &all, 3);
        let letter = batch.run("status", &["--json"]).json()["letters"][0].clone();
        assert_eq!(letter["sendings"].as_array().unwrap().len(), 3);
        batch.assert_log_is_whole();
    }
}

#[test]
fn an_address_deferred_and_then_refused_for_good_is_left_to_a_person() {
    let server = SmtpServer::start();
    let batch = batch(&server, 1, "");
    let asked = AtomicBool::new(false);
    server.script(move |event| match &event.step {
        Step::Rcpt(to) if to == HEAD => {
            if asked.swap(true, Ordering::SeqCst) {
                Action::reply(550, "5.1.1 No such user")
            } else {
                Action::reply(450, "4.2.0 Greylisted")
            }
        }
        _ => Action::Go,
    });
    let ran = batch.send(&[]).expect(4).says("550 5.1.1 No such user");
    assert!(
        ran.stdout.contains("1 accepted, 0 pending, 0 rejected"),
        "{ran:?}"
    );
    let letter = batch.run("status", &["--json"]).json()["letters"][0].clone();
    assert_eq!(letter["refused"][0]["address"], HEAD);
    let answer = letter["refused"][0]["answer"].as_str().unwrap();
    assert!(answer.contains("5.1.1 No such user"), "{answer}");
    batch.send(&[]).expect(4);
    assert_each_address_once(&server, &[TEACHER, OFFICE], 1);
    server.script(|_| Action::Go);
    batch
        .run(
            "resend",
            &["--yes", "--bounced", "--because", "it exists now"],
        )
        .expect(0);
    assert_each_address_once(&server, &[HEAD, TEACHER, OFFICE], 2);
    batch.assert_log_is_whole();
}

#[test]
fn one_refused_and_one_deferred_are_kept_apart() {
    let server = SmtpServer::start();
    let batch = batch(&server, 1, "");
    let asked = AtomicBool::new(false);
    server.script(move |event| match &event.step {
        Step::Rcpt(to) if to == HEAD => Action::reply(550, "5.1.1 No such user"),
        Step::Rcpt(to) if to == OFFICE && !asked.swap(true, Ordering::SeqCst) => {
            Action::reply(450, "4.2.0 Greylisted")
        }
        _ => Action::Go,
    });
    batch
        .send(&[])
        .expect(4)
        .says("refused for")
        .says("not yet for");
    assert_each_address_once(&server, &[TEACHER, OFFICE], 2);
}

/// A message that is refused after that was taken for nobody: all are offered it anew.
#[test]
fn a_message_that_is_not_taken_after_all_is_offered_to_every_address_again() {
    let server = SmtpServer::start();
    let batch = batch(&server, 1, "");
    server.script(|event| match &event.step {
        Step::Rcpt(to) if to == HEAD && event.message == 1 => {
            Action::reply(450, "4.2.0 Greylisted")
        }
        Step::FinalDot if event.message == 1 => Action::reply(451, "4.3.0 Local error"),
        _ => Action::Go,
    });
    batch.send(&[]).expect(0);
    assert_each_address_once(&server, &[HEAD, TEACHER, OFFICE], 1);
    batch.assert_log_is_whole();
}

/// Nobody knows whether the others have it; that this one does not is known.
#[test]
fn of_a_message_in_doubt_it_is_known_whom_it_was_not_for() {
    let server = SmtpServer::start();
    let batch = batch(&server, 1, "");
    server.script(|event| match &event.step {
        Step::Rcpt(to) if to == HEAD => Action::reply(450, "4.2.0 Greylisted"),
        Step::FinalDot => Action::AcceptThenCut,
        _ => Action::Go,
    });
    batch.send(&[]).expect(4).says("in doubt");
    assert_each_address_once(&server, &[TEACHER, OFFICE], 1);
    server.script(|_| Action::Go);
    batch.run("resolve", &["S001", "--accepted"]).expect(0);
    batch.send(&[]).expect(4).says("resend");
    batch
        .run("resend", &["--yes", "--bounced", "--because", "deferred"])
        .expect(0);
    assert_each_address_once(&server, &[HEAD, TEACHER, OFFICE], 2);
    batch.assert_log_is_whole();
}

/// The list has another letter by now: what nobody has looked at is not sent.
#[test]
fn a_changed_list_leaves_the_rest_to_a_person() {
    let server = SmtpServer::start();
    let batch = batch(&server, 2, "attempts = 1");
    defers(&server, HEAD, u64::MAX, 450, "4.2.0 Greylisted");
    batch.send(&[]).expect(5);
    server.script(|_| Action::Go);
    batch.replace("list.csv", HEAD, "principal@school1.example");
    batch.send(&[]).expect(3);
    batch.send(&["--accept-changes"]).expect(4);
    assert_each_address_once(&server, &[TEACHER, OFFICE], 1);
    batch
        .run("resend", &["--yes", "--bounced", "--because", "corrected"])
        .expect(0);
    assert_each_address_once(&server, &["principal@school1.example", TEACHER, OFFICE], 2);
    batch.assert_log_is_whole();
}

/// Killed at each step of a letter with a deferred address and of its rest, a run never leads to a
/// second message for an address.
#[test]
fn a_kill_at_any_step_writes_to_no_address_twice() {
    type IsIt = fn(&Step) -> bool;
    let steps: [(u64, IsIt); 8] = [
        (1, |step| matches!(step, Step::Rcpt(to) if to == HEAD)),
        (1, |step| *step == Step::Data),
        (1, |step| *step == Step::FinalDot),
        (2, |step| matches!(step, Step::MailFrom(_))),
        (2, |step| matches!(step, Step::Rcpt(_))),
        (2, |step| *step == Step::Data),
        (2, |step| *step == Step::FinalDot),
        (3, |step| matches!(step, Step::MailFrom(_))),
    ];
    for (message, at) in steps {
        let server = SmtpServer::start();
        let batch = batch(&server, 2, "");
        let (victim, killed) = (Victim::default(), Arc::new(AtomicBool::new(false)));
        let (of_server, done) = (victim.clone(), Arc::clone(&killed));
        let deferred = AtomicBool::new(false);
        server.script(move |event| {
            let is_it = event.message == message && at(&event.step);
            let answer = match &event.step {
                Step::Rcpt(to) if to == HEAD && !deferred.swap(true, Ordering::SeqCst) => {
                    Action::reply(450, "4.2.0 Greylisted")
                }
                _ => Action::Go,
            };
            if is_it && !done.swap(true, Ordering::SeqCst) {
                let victim = of_server.clone();
                Action::CallThen(Arc::new(move || victim.kill()), Box::new(answer))
            } else {
                answer
            }
        });
        victim.send(&batch);
        victim.wait_until_killed();
        assert!(server.wait_idle(wait::LONG));
        batch.assert_log_is_whole();
        // What a person does: whoever has a message of the last try has it.
        for id in batch.in_state("in_doubt") {
            let is_there = if id == "S001" {
                let (counts, _) = taken(&server);
                let letter = batch.run("status", &["--json"]).json()["letters"][0].clone();
                let is_rest = letter["sendings"].as_array().unwrap().len() > 1;
                counts.contains_key(if is_rest { HEAD } else { TEACHER })
            } else {
                let received = server.received();
                let mut first = received.iter().map(|mail| &mail.rcpt_to[0]);
                first.any(|address| address.ends_with("@school2.example"))
            };
            let word = if is_there { "--accepted" } else { "--unsent" };
            batch.run("resolve", &[&id, word]).expect(0);
        }
        let sent = batch.send(&[]);
        if sent.code == Some(4) {
            // Deferred, and the answer to the message was never seen.
            batch
                .run("resend", &["--yes", "--bounced", "--because", "deferred"])
                .expect(0);
        }
        let (counts, _) = taken(&server);
        let each_once = counts.values().all(|count| *count == 1);
        assert!(each_once && counts.len() == 3, "{message}: {counts:?}");
        batch.assert_log_is_whole();
    }
}
