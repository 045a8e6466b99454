//! Compares the list, the recipients' mailbox and the state file.

use std::collections::BTreeMap;
use std::fs;

use crate::faults::plan::Plan;
use crate::faults::sides::{Seen, Side, sha256};
use crate::support::id;

/// What must not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wrong {
    /// Accepted in the state file, and not in the mailbox.
    Lost,
    /// In the mailbox twice.
    Twice,
    /// Another school's report, another address, or nobody's letter.
    Another,
    /// In the mailbox, and neither accepted nor in doubt in the state file.
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

/// What a look at everything showed.
pub struct Look {
    pub states: States,
    /// How often the letter of each school arrived.
    pub arrived: BTreeMap<usize, usize>,
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
}

/// Looks at everything after a run.
pub fn look(side: &dyn Side, plan: &Plan) -> Look {
    let mut findings = Vec::new();
    let mut wrong = |kind, text: String| findings.push((kind, text));
    let states = states(side, plan, &mut wrong);
    let mut arrived = BTreeMap::new();
    for seen in side.mailbox() {
        match number_of(&seen, plan) {
            Some(number) => {
                *arrived.entry(number).or_default() += 1;
                let report = format!("reports/{}.pdf", id(number));
                let report = sha256(&fs::read(side.batch().path(&report)).unwrap());
                if seen.to != [format!("teacher{number}@school{number}.example")]
                    || seen.files != [("report.pdf".to_owned(), report)]
                {
                    wrong(Wrong::Another, format!("{} got {seen:?}", id(number)));
                }
            }
            None => wrong(Wrong::Another, format!("nobody's letter: {seen:?}")),
        }
    }
    for (&number, state) in &states {
        let times = arrived.get(&number).copied().unwrap_or(0);
        if times > 1 {
            wrong(Wrong::Twice, format!("{} {times} times", id(number)));
        }
        match state.as_str() {
            "accepted" if times == 0 => wrong(Wrong::Lost, id(number)),
            "accepted" | "in_doubt" => {}
            "pending" | "rejected" if times > 0 => {
                wrong(Wrong::Unknown, format!("{} is {state}", id(number)));
            }
            "pending" | "rejected" => {}
            other => wrong(Wrong::Breach, format!("{} is {other}", id(number))),
        }
    }
    for breach in side.breaches(plan.connections) {
        wrong(Wrong::Breach, breach);
    }
    Look {
        states,
        arrived,
        findings,
    }
}

/// The letters' states, and whether the log is whole. A run that was killed early leaves no state
/// file: then nothing may have left.
fn states(side: &dyn Side, plan: &Plan, wrong: &mut dyn FnMut(Wrong, String)) -> States {
    let batch = side.batch();
    if !batch.path(plan.way.state_file()).exists() {
        return (1..=plan.letters)
            .map(|number| (number, "pending".to_owned()))
            .collect();
    }
    let ran = batch.run("report", &["--verify"]);
    if ran.code != Some(0) || !ran.stdout.starts_with("the log is whole") {
        wrong(Wrong::Log, format!("{ran:?}"));
    }
    let status = batch.run("status", &["--json"]).json();
    let letters = status["letters"].as_array().unwrap();
    let mut states = States::new();
    for letter in letters {
        let text = letter["id"].as_str().unwrap();
        let number = (1..=plan.letters).find(|number| id(*number) == text);
        let Some(number) = number else {
            wrong(Wrong::Another, format!("the state file has {text}"));
            continue;
        };
        states.insert(number, letter["state"].as_str().unwrap().to_owned());
    }
    if states.len() != plan.letters {
        wrong(Wrong::Lost, format!("the state file has {states:?}"));
    }
    states
}

fn number_of(seen: &Seen, plan: &Plan) -> Option<usize> {
    let number = seen.subject.strip_prefix("Report for School ")?;
    let number = number.parse().ok()?;
    (1..=plan.letters).contains(&number).then_some(number)
}
