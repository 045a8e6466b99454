//! Compares the list, the recipients' mailbox and the state file.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use crate::faults::asked::Asked;
use crate::faults::plan::Plan;
use crate::faults::sides::{Seen, Side, sha256};
use crate::support::id;

/// What must not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wrong {
    /// Accepted in the state file, and not in the mailbox.
    Lost,
    /// In the mailbox more often than was asked for.
    Twice,
    /// Another school's report, another address, or nobody's letter.
    Another,
    /// The record does not say what the mailbox has.
    Unknown,
    /// More than a limit allows.
    Limit,
    /// The log is not whole.
    Log,
    /// A breach of the protocol, or an ending that should not be.
    Breach,
}

/// A finding with its words.
pub type Finding = (Wrong, String);

/// The letters' states by number of the school.
pub type States = BTreeMap<usize, String>;

/// A letter as the record has it.
#[derive(Clone, Debug, Default)]
pub struct Recorded {
    pub sendings: Vec<SendingSeen>,
    pub addresses: Vec<AddressSeen>,
}

/// A message of a letter as the record has it.
#[derive(Clone, Debug)]
pub struct SendingSeen {
    pub message_id: String,
    pub state: String,
    pub to: Vec<String>,
    /// The SHA-256 of each attachment.
    pub files: Vec<String>,
    pub reason: Option<String>,
    /// Whether it goes to the addresses that the message before was deferred for.
    pub is_rest: bool,
}

impl SendingSeen {
    fn is_to(&self, address: &str) -> bool {
        self.to.iter().any(|other| other == address)
    }
}

/// An address as the record has it.
#[derive(Clone, Debug)]
pub struct AddressSeen {
    pub address: String,
    pub state: String,
    pub message_id: Option<String>,
}

/// What a look at everything showed.
pub struct Look {
    pub states: States,
    pub recorded: BTreeMap<usize, Recorded>,
    /// How many letters of each school arrived.
    pub arrived: BTreeMap<usize, usize>,
    /// What arrived, each with its Message-ID and addresses.
    pub mail: Vec<Seen>,
    /// How many letters each address of each school has.
    pub at: BTreeMap<(usize, String), usize>,
    /// How many messages that were accepted the server refused for single addresses.
    pub refused: BTreeMap<(usize, String), usize>,
    pub findings: Vec<Finding>,
}

impl Look {
    pub fn in_state(&self, state: &str) -> Vec<usize> {
        let states = self.states.iter();
        let those = states.filter(|(_, other)| *other == state);
        those.map(|(number, _)| *number).collect()
    }

    pub fn has_arrived(&self, number: usize) -> bool {
        self.arrived.contains_key(&number)
    }

    /// The message of a letter that counts now, if it was ever handed over.
    pub fn last_sending(&self, number: usize) -> Option<&SendingSeen> {
        self.recorded.get(&number)?.sendings.last()
    }

    /// The message with this Message-ID in the mailbox.
    pub fn message(&self, message_id: &str) -> Option<&Seen> {
        self.mail.iter().find(|seen| seen.message_id == message_id)
    }

    /// Whether a message that somebody asked for with this reason was accepted.
    pub fn is_done(&self, number: usize, because: &str) -> bool {
        let recorded = self.recorded.get(&number).into_iter();
        let mut sendings = recorded.flat_map(|letter| &letter.sendings);
        sendings.any(|sending| {
            sending.reason.as_deref() == Some(because) && sending.state == "accepted"
        })
    }

    /// Whether the record says that an address has the letter.
    pub fn has_it(&self, number: usize, address: &str) -> bool {
        let recorded = self.recorded.get(&number).into_iter();
        let mut addresses = recorded.flat_map(|letter| &letter.addresses);
        addresses.any(|seen| seen.address == address && seen.state == "accepted")
    }

    /// The letters that did not come to an address, or came once too often.
    pub fn lacking(&self, asked: &Asked) -> Vec<String> {
        let mut lacking = Vec::new();
        for (place, wanted) in asked.letters() {
            let has = self.at.get(&place).copied().unwrap_or(0);
            let refused = self.refused.get(&place).copied().unwrap_or(0);
            if has + refused != wanted {
                let (number, address) = place;
                lacking.push(format!(
                    "{}: {address} has {has} of {wanted}, of which {refused} were refused",
                    id(number)
                ));
            }
        }
        lacking
    }
}

/// Looks at everything after a run.
pub fn look(side: &dyn Side, plan: &Plan, asked: &Asked) -> Look {
    let mut seen = Look {
        states: States::new(),
        recorded: BTreeMap::new(),
        arrived: BTreeMap::new(),
        mail: side.mailbox(),
        at: BTreeMap::new(),
        refused: BTreeMap::new(),
        findings: Vec::new(),
    };
    read_record(side, plan, &mut seen);
    judge_mail(side, plan, asked, &mut seen);
    for number in 1..=plan.letters {
        judge_letter(side, asked, number, &mut seen);
    }
    for breach in side.breaches(plan.connections) {
        seen.findings.push((Wrong::Breach, breach));
    }
    seen
}

/// What arrived: each message once, at addresses of its school, with its report, and no address has
/// more than was asked for.
fn judge_mail(side: &dyn Side, plan: &Plan, asked: &Asked, seen: &mut Look) {
    let mut by_id = BTreeMap::<String, usize>::new();
    for mail in seen.mail.clone() {
        *by_id.entry(mail.message_id.clone()).or_default() += 1;
        let Some(number) = number_of(&mail, plan) else {
            let text = format!("nobody's letter: {mail:?}");
            seen.findings.push((Wrong::Another, text));
            continue;
        };
        *seen.arrived.entry(number).or_default() += 1;
        if mail.files != [("report.pdf".to_owned(), report_of(side, number))] {
            let text = format!("{} got {mail:?}", id(number));
            seen.findings.push((Wrong::Another, text));
        }
        for address in &mail.to {
            *seen.at.entry((number, address.clone())).or_default() += 1;
        }
        let recorded = seen.recorded.get(&number);
        let is_known = recorded.is_some_and(|letter| {
            let mut sendings = letter.sendings.iter();
            sendings.any(|sending| sending.message_id == mail.message_id)
        });
        if !is_known {
            let text = format!(
                "{} has {}, of which no sending is",
                id(number),
                mail.message_id
            );
            seen.findings.push((Wrong::Unknown, text));
        }
    }
    for (message_id, times) in by_id {
        if times > 1 {
            let text = format!("{message_id} arrived {times} times");
            seen.findings.push((Wrong::Twice, text));
        }
    }
    let letters = asked.letters();
    for ((number, address), times) in seen.at.clone() {
        match letters.get(&(number, address.clone())) {
            None => seen
                .findings
                .push((Wrong::Another, format!("{} went to {address}", id(number)))),
            Some(wanted) if times > *wanted => seen.findings.push((
                Wrong::Twice,
                format!("{}: {address} has {times} of {wanted}", id(number)),
            )),
            Some(_) => {}
        }
    }
}

/// What the record says of a letter is what the mailbox has.
fn judge_letter(side: &dyn Side, asked: &Asked, number: usize, seen: &mut Look) {
    let (Some(state), Some(letter)) = (seen.states.get(&number), seen.recorded.get(&number)) else {
        return;
    };
    let name = id(number);
    let mut findings = Vec::new();
    let mut wrong = |kind, text: String| findings.push((kind, format!("{name} {text}")));
    let is_any = |word: &str| {
        let mut sendings = letter.sendings.iter();
        sendings.any(|sending| sending.state == word)
    };
    match state.as_str() {
        "accepted" if !is_any("accepted") => wrong(Wrong::Lost, "without a message".into()),
        "in_doubt" if !is_any("in_doubt") && !is_any("claimed") => {
            wrong(Wrong::Unknown, format!("is in doubt: {letter:?}"));
        }
        "accepted" | "in_doubt" | "pending" | "rejected" => {}
        other => wrong(Wrong::Breach, format!("is {other}")),
    }
    let report = report_of(side, number);
    let is_unfinished = matches!(state.as_str(), "pending" | "in_doubt");
    let mut refused = Vec::new();
    for (place, sending) in letter.sendings.iter().enumerate() {
        let mail = seen.message(&sending.message_id);
        match (sending.state.as_str(), mail) {
            ("accepted", None) => wrong(Wrong::Lost, format!("is not there: {sending:?}")),
            ("accepted" | "in_doubt", _) => {}
            ("claimed", _) if state == "in_doubt" => {}
            ("ready" | "rejected", None) => {}
            (_, Some(_)) => wrong(Wrong::Unknown, format!("is there: {sending:?}")),
            (_, None) => wrong(Wrong::Breach, format!("{sending:?}")),
        }
        let mut others = letter.sendings[..place].iter();
        if others.any(|other| other.message_id == sending.message_id) {
            wrong(
                Wrong::Unknown,
                format!("has a Message-ID twice: {letter:?}"),
            );
        }
        if sending.files != [report.clone()] {
            wrong(Wrong::Another, format!("has another report: {sending:?}"));
        }
        let before = place.checked_sub(1).map(|place| &letter.sendings[place]);
        let meant = match (&sending.reason, before) {
            (None, _) => Some(asked.first(number)),
            (Some(_), Some(before)) if sending.is_rest => Some(&before.to[..]),
            (Some(because), _) => {
                let ask = asked.with_reason(because);
                let meant = ask.and_then(|ask| ask.meant.get(&number));
                meant.map(Vec::as_slice)
            }
        };
        let is_meant = |address: &String| meant.is_some_and(|meant| meant.contains(address));
        if !sending.to.iter().all(is_meant) {
            let text = format!("is written to others than {meant:?}: {sending:?}");
            wrong(Wrong::Another, text);
        }
        let reached = mail.map_or(&[][..], |mail| &mail.to);
        if !reached.iter().all(|address| sending.is_to(address)) {
            wrong(
                Wrong::Another,
                format!("went to others: {sending:?} {mail:?}"),
            );
        }
        let rest = letter.sendings.get(place + 1).filter(|next| next.is_rest);
        let is_over = sending.state == "accepted" || sending.is_rest && sending.state == "rejected";
        let missed = sending.to.iter().filter(|address| {
            is_over && !reached.contains(address) && !rest.is_some_and(|rest| rest.is_to(address))
        });
        // A message that a person says was accepted has no rest: that is asked for.
        let by_hand = asked.by_hand.contains(&sending.message_id);
        for address in missed {
            let is_deferred = side.deferred().contains(address);
            let is_refused = side.refused().contains(address) || sending.state == "rejected";
            if is_refused || is_deferred && by_hand {
                refused.push(address.clone());
            } else if !(is_deferred && is_unfinished) {
                wrong(Wrong::Lost, format!("never came to {address}: {letter:?}"));
            }
        }
    }
    for address in &letter.addresses {
        let mail = address.message_id.as_deref();
        let mail = mail.and_then(|message_id| seen.message(message_id));
        let is_there = mail.is_some_and(|mail| mail.to.contains(&address.address));
        let by_hand = address.message_id.as_ref();
        let by_hand = by_hand.is_some_and(|message_id| asked.by_hand.contains(message_id));
        let has = seen.at.contains_key(&(number, address.address.clone()));
        match address.state.as_str() {
            "accepted" if !is_there && !by_hand => wrong(Wrong::Lost, format!("{address:?}")),
            "accepted" => {}
            "refused" | "deferred" if is_there => wrong(Wrong::Unknown, format!("{address:?}")),
            "pending" if has && state != "in_doubt" => {
                wrong(Wrong::Unknown, format!("{address:?}"));
            }
            "refused" | "deferred" | "pending" => {}
            _ => wrong(Wrong::Breach, format!("{address:?}")),
        }
    }
    seen.findings.append(&mut findings);
    for address in refused {
        *seen.refused.entry((number, address)).or_default() += 1;
    }
}

/// The record, and whether the log is whole. A run that was killed early leaves no state file: then
/// nothing may have left.
fn read_record(side: &dyn Side, plan: &Plan, seen: &mut Look) {
    let batch = side.batch();
    if !batch.path(plan.way.state_file()).exists() {
        seen.states = (1..=plan.letters)
            .map(|number| (number, "pending".to_owned()))
            .collect();
        return;
    }
    let ran = batch.run("report", &["--verify"]);
    if ran.code != Some(0) || !ran.stdout.starts_with("the log is whole") {
        seen.findings.push((Wrong::Log, format!("{ran:?}")));
    }
    let status = batch.run("status", &["--json"]).json();
    for letter in array(&status["letters"]) {
        let text = text(&letter["id"]);
        let number = (1..=plan.letters).find(|number| id(*number) == text);
        let Some(number) = number else {
            let text = format!("the state file has {text}");
            seen.findings.push((Wrong::Another, text));
            continue;
        };
        seen.states.insert(number, self::text(&letter["state"]));
        seen.recorded.insert(number, recorded(letter));
    }
    if seen.states.len() != plan.letters {
        let text = format!("the state file has {:?}", seen.states);
        seen.findings.push((Wrong::Lost, text));
    }
}

fn array(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn recorded(letter: &Value) -> Recorded {
    let optional = |value: &Value| value.as_str().map(str::to_owned);
    let sendings = array(&letter["sendings"]).iter();
    let addresses = array(&letter["addresses"]).iter();
    Recorded {
        sendings: sendings
            .map(|sending| {
                let to = ["to", "cc", "bcc"].into_iter();
                let to = to.flat_map(|kind| array(&sending[kind]));
                let files = array(&sending["attachments"]).iter();
                SendingSeen {
                    message_id: text(&sending["message_id"]),
                    state: text(&sending["state"]),
                    to: to.map(text).collect(),
                    files: files.map(|file| text(&file["sha256"])).collect(),
                    reason: optional(&sending["reason"]),
                    is_rest: sending["rest"] == true,
                }
            })
            .collect(),
        addresses: addresses
            .map(|address| AddressSeen {
                address: text(&address["address"]),
                state: text(&address["state"]),
                message_id: optional(&address["message_id"]),
            })
            .collect(),
    }
}

fn report_of(side: &dyn Side, number: usize) -> String {
    let report = format!("reports/{}.pdf", id(number));
    sha256(&fs::read(side.batch().path(&report)).unwrap())
}

fn number_of(seen: &Seen, plan: &Plan) -> Option<usize> {
    let number = seen.subject.strip_prefix("Report for School ")?;
    let number = number.parse().ok()?;
    (1..=plan.letters).contains(&number).then_some(number)
}
