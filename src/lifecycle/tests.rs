use jiff::Timestamp;

use super::*;
use crate::digest::Sha256Digest;

mod cases;
pub(crate) mod history;
mod properties;
mod samples;
mod stored;
mod tables;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn digest(name: &str) -> Sha256Digest {
    let mut parts = crate::digest::Parts::default();
    parts.add(name.as_bytes());
    parts.finish()
}

/// A message whose Message-ID follows from its name, as all that it carries does.
fn message(name: &str, to: &[&str]) -> PlannedMessage {
    PlannedMessage {
        message_id: format!("{name}@x.example"),
        digest: digest(name),
        addresses: Addresses {
            to: to.iter().map(|address| (*address).to_owned()).collect(),
            ..Addresses::default()
        },
        attachments: vec![SentAttachment {
            name: "report.pdf".into(),
            sha256: digest(name),
            bytes: 4711,
            locked: false,
        }],
        parts: None,
    }
}

fn reply(text: &str) -> Reply {
    Reply {
        code: "550".into(),
        text: text.into(),
    }
}

fn planned(message: PlannedMessage) -> Event {
    Event::Planned(Box::new(Planned {
        position: 3,
        message,
    }))
}

fn claimed(attempt: i64, message_id: &str) -> Event {
    Event::Claimed(Claiming {
        attempt,
        trace: format!("trace-{attempt}"),
        message_id: message_id.into(),
        bytes: 5000,
        addresses: 2,
    })
}

fn settling(attempt: i64, ended: SettledAs) -> Settling {
    Settling {
        attempt,
        ended,
        request_ids: vec!["r1".into(), "r2".into()],
    }
}

fn accepted(refused: &[&str]) -> SettledAs {
    let refusal = |address: &&str| Refusal {
        address: (*address).to_owned(),
        code: "550 5.1.1".into(),
        answer: "no such user".into(),
    };
    SettledAs::Accepted(Accepted {
        receipt: "250 ok".into(),
        refused: refused.iter().map(refusal).collect(),
        rest: None,
    })
}

/// Taken, but for addresses that a message of their own goes to next.
fn accepted_but_for(rest: PlannedMessage) -> SettledAs {
    SettledAs::Accepted(Accepted {
        receipt: "250 ok".into(),
        refused: Vec::new(),
        rest: Some(Box::new(rest)),
    })
}

fn narrowed(attempt: i64, refused: &[&str], deferred: &[&str]) -> Event {
    let said = |addresses: &[&str], code: &str| -> Vec<Refusal> {
        let addresses = addresses.iter();
        addresses
            .map(|address| Refusal {
                address: (*address).to_owned(),
                code: code.into(),
                answer: "said the server".into(),
            })
            .collect()
    };
    Event::Narrowed(Narrowing {
        attempt,
        refused: said(refused, "550"),
        deferred: said(deferred, "450"),
    })
}

fn not_taken() -> SettledAs {
    SettledAs::NotTaken(reply("later"))
}

fn in_doubt() -> SettledAs {
    SettledAs::InDoubt(reply("no answer"))
}

fn rejected() -> SettledAs {
    SettledAs::Rejected(reply("refused"))
}

fn refused_again() -> SettledAs {
    SettledAs::Refused(reply("refused"))
}

fn resolved(accepted: bool) -> Event {
    Event::Resolved(PersonalWord {
        accepted,
        by: "ann".into(),
        because: Some("it is in the sent folder".into()),
    })
}

fn reopened(all_addresses: bool, planned: PlannedMessage, message: PlannedMessage) -> Event {
    Event::Reopened(Box::new(Reopening {
        by: "ann".into(),
        because: "the address was wrong".into(),
        all_addresses,
        planned: Planned {
            position: 3,
            message: planned,
        },
        message,
    }))
}

fn closed() -> Event {
    Event::Closed {
        by: "ann".into(),
        because: "they have it".into(),
    }
}

fn address_return(message_id: &str, address: &str, hard: bool) -> AddressReturn {
    AddressReturn {
        message_id: message_id.into(),
        address: address.into(),
        hard,
        reason: "no_such_address".into(),
        code: Some("5.1.1".into()),
        text: Some("550 no such user".into()),
        evidence: "mail 1".into(),
    }
}

fn correction(message_id: &str, address: &str, outcome: AddressOutcome) -> Event {
    Event::Correction {
        returned: address_return(message_id, address, false),
        outcome,
        by: "ann".into(),
    }
}
