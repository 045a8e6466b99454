//! Files in which everything has happened that can happen.

use std::time::Duration;

use super::*;
use crate::ledger::rows::{self, Key};
use crate::lifecycle::{AddressOutcome, AddressReturn, Event, Planned, Refusal, Reopening};

/// What a plan has of a letter: its id and the digest of what it carries.
type Entry = (&'static str, u8);

const FIRST: [Entry; 10] = [
    ("a", 1),
    ("b", 1),
    ("c", 1),
    ("d", 1),
    ("e", 1),
    ("f", 1),
    ("g", 1),
    ("h", 1),
    ("i", 1),
    ("j", 1),
];
/// b is in another place, d was changed before it went out and a after, c and i left the list, and k
/// is new.
const SECOND: [Entry; 9] = [
    ("b", 1),
    ("a", 2),
    ("d", 2),
    ("e", 1),
    ("f", 1),
    ("g", 1),
    ("h", 1),
    ("j", 1),
    ("k", 1),
];

/// A ledger of which no step is missing that the program can take.
pub(super) fn everything(case: &Case) {
    claimed_settled_and_cut_off(case);
    looked_up_resolved_and_planned_anew(case);
    reopened_and_returned(case);
}

fn adopt(ledger: &mut Ledger, plan: &str, entries: &[Entry]) {
    let letters = entries.iter().map(|(id, digest)| planned(id, *digest));
    ledger
        .adopt(plan, "smtp relay.example:587, starttls", &SOURCES, letters)
        .unwrap();
}

fn claims<const N: usize>(ledger: &mut Ledger, ids: [&str; N], second: i64) -> [Claimed; N] {
    let claims = ids.map(|id| {
        let row = rows::load(&ledger.db, Key::Id(id)).unwrap();
        claim(row.unwrap().seq, second)
    });
    let claimed = ledger.commit(&[], &claims).unwrap();
    claimed.try_into().unwrap()
}

fn reply(code: &str, text: &str) -> Reply {
    Reply {
        code: code.into(),
        text: text.into(),
    }
}

/// Accepted, and refused for the head.
fn partly_refused(id: &str) -> SettledAs {
    SettledAs::Accepted(Accepted {
        receipt: "250 queued".into(),
        refused: vec![Refusal {
            address: format!("head@{id}.example"),
            code: "550".into(),
            answer: "no such user".into(),
        }],
        rest: None,
    })
}

fn claimed_settled_and_cut_off(case: &Case) {
    let mut ledger = open(&case.path()).unwrap();
    adopt(&mut ledger, "plan1", &FIRST);
    ledger.set_sources(&[8; 32]).unwrap();
    let claimed = claims(&mut ledger, ["a", "b", "c", "d", "e", "f", "g"], 1);
    ledger.note(claimed[0], "draft 1").unwrap();
    ledger.note(claimed[2], "draft 2").unwrap();
    ledger.throttled(at(2), Duration::from_secs(40));
    let mut traced = settlement(claimed[0], partly_refused("a"), 2);
    traced.request_ids = vec!["request-1".into(), "request-2".into()];
    let cut = || SettledAs::InDoubt(reply("cut", "no answer"));
    let ends = [
        traced,
        settlement(claimed[1], SettledAs::Rejected(reply("550", "no")), 2),
        settlement(claimed[2], cut(), 2),
        settlement(claimed[3], SettledAs::NotTaken(reply("421", "later")), 2),
        settlement(claimed[5], cut(), 2),
        settlement(claimed[6], cut(), 2),
    ];
    ledger.commit(&ends, &[]).unwrap();
    let [h] = claims(&mut ledger, ["h"], 3);
    ledger.commit(&[settlement(h, cut(), 4)], &[]).unwrap();
}

fn looked_up_resolved_and_planned_anew(case: &Case) {
    let mut ledger = open(&case.path()).unwrap();
    let doubts = ledger.in_doubt().unwrap();
    let doubt = |id: &str| doubts.iter().find(|doubt| doubt.id == id).unwrap().claim;
    ledger
        .commit_look_up(settlement(doubt("c"), accepted(), 10))
        .unwrap();
    let absent = SettledAs::NotTaken(reply("absent", "not found"));
    ledger
        .commit_look_up(settlement(doubt("e"), absent, 10))
        .unwrap();
    let word = |accepted, because: Option<&str>| PersonalWord {
        accepted,
        by: "ann on office".into(),
        because: because.map(str::to_owned),
    };
    let resolve = |ledger: &mut Ledger, id: &str, word| {
        ledger.resolve(&[id.to_owned()], &word, at(11)).unwrap();
    };
    resolve(&mut ledger, "f", word(true, Some("they have it")));
    resolve(&mut ledger, "g", word(false, None));
    assert_eq!(ledger.retry_rejected(&[], at(12)).unwrap(), 1);
    adopt(&mut ledger, "plan2", &SECOND);
    let [b, d, e] = claims(&mut ledger, ["b", "d", "e"], 13);
    let ends = [
        settlement(b, partly_refused("b"), 14),
        settlement(d, partly_refused("d"), 14),
        settlement(e, accepted(), 14),
    ];
    ledger.commit(&ends, &[]).unwrap();
    let [g] = claims(&mut ledger, ["g"], 15);
    let refused = SettledAs::Rejected(reply("550", "never"));
    ledger.commit(&[settlement(g, refused, 15)], &[]).unwrap();
    ledger.end_run(at(16), "finished").1.unwrap();
}

fn reopened_and_returned(case: &Case) {
    let mut ledger = open(&case.path()).unwrap();
    let reopen = |id: &str, digest, position, all_addresses: bool| {
        let whole = planned(id, digest).message;
        let mut message = whole.clone();
        message.message_id = format!("{id}-again@x.example");
        if !all_addresses {
            message.addresses.to.clear();
            message.digest = [digest + 100; 32];
        }
        let planned = Planned {
            position,
            message: whole,
        };
        let reopening = Reopening {
            by: "ann on office".into(),
            because: "the head changed".into(),
            all_addresses,
            planned,
            message,
        };
        (id.to_owned(), reopening)
    };
    let letters = vec![
        reopen("b", 1, 0, false),
        reopen("a", 2, 1, false),
        reopen("d", 2, 2, false),
        reopen("e", 1, 3, true),
    ];
    ledger.reopen(letters, at(20)).unwrap();
    ledger
        .close(&["d".to_owned()], "ann on office", "not now", at(21))
        .unwrap();
    let [a] = claims(&mut ledger, ["a"], 22);
    ledger
        .commit(&[settlement(a, accepted(), 23)], &[])
        .unwrap();
    let of = |id: &str, address: &str| AddressReturn {
        message_id: format!("{id}-1@x.example"),
        address: address.to_owned(),
        hard: true,
        reason: "there is no such mailbox".into(),
        code: Some("5.1.1".into()),
        text: Some("550 5.1.1 unknown".into()),
        evidence: "returned mail 7".into(),
    };
    let message_id = "e-1@x.example".to_owned();
    let evidence = "mail 8".to_owned();
    let returns = [
        ("e", Event::Delayed(of("e", "e@school.example"))),
        ("e", Event::Bounced(of("e", "e@school.example"))),
        ("e", Event::Relayed(of("e", "head@e.example"))),
        ("f", Event::Delivered(of("f", "f@school.example"))),
        (
            "e",
            Event::AutomaticAnswer {
                message_id: message_id.clone(),
                evidence: evidence.clone(),
            },
        ),
        (
            "e",
            Event::Answer {
                message_id,
                evidence,
            },
        ),
        (
            "f",
            Event::Correction {
                returned: of("f", "f@school.example"),
                outcome: AddressOutcome::Unknown,
                by: "ann on office".into(),
            },
        ),
    ];
    let returned = ledger.append(|log| {
        returns
            .iter()
            .try_for_each(|(id, event)| log.append(at(24), Some(id), event))
    });
    returned.unwrap();
    ledger.end_run(at(25), "finished").1.unwrap();
}

/// A ledger whose rehearsal began anew.
pub(super) fn rehearsed_twice(case: &Case) {
    for run in 0..2 {
        let mut ledger = open(&case.path()).unwrap();
        if run > 0 {
            ledger.clear_rehearsal().unwrap();
        }
        adopt(&mut ledger, "plan1", &FIRST[..3]);
        let [a, b] = claims(&mut ledger, ["a", "b"], 1);
        ledger.throttled(at(2), Duration::from_secs(40));
        let rejected = SettledAs::Rejected(reply("550", "no"));
        let ends = [
            settlement(a, partly_refused("a"), 2),
            settlement(b, rejected, 2),
        ];
        ledger.commit(&ends, &[]).unwrap();
        answered(&mut ledger, "a", at(3));
        ledger.end_run(at(3), "finished").1.unwrap();
    }
}

/// A person answers to the message of a letter that was accepted.
pub(super) fn answered(ledger: &mut Ledger, id: &str, at: Timestamp) {
    let letter = ledger.letter(id).unwrap().unwrap().letter;
    let message_id = letter.last_accepted().unwrap().message.message_id.clone();
    let answer = Event::Answer {
        message_id,
        evidence: "mail 9".into(),
    };
    ledger.append_all(&[(id.to_owned(), answer)], at).unwrap();
}
