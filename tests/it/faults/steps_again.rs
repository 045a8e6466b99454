//! Every step of a letter that is sent again, over every transport: `resend` is killed there, and
//! `send` or another `resend` goes on until each address has what was asked for. The manual has the
//! same table.

use std::collections::BTreeMap;
use std::fs;

use crate::faults::asked::Ask;
use crate::faults::judge::Look;
use crate::faults::scenes;
use crate::faults::stage::{Road, Scene};
use crate::faults::steps::{assert_nothing_wrong, attempts};
use crate::support::{Ran, id};

const BEGIN: &str = "<!-- table of the kills of resend: begin -->\n";
const END: &str = "<!-- table of the kills of resend: end -->";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    BeforeReopening,
    Reopened,
    Claimed,
    Accepted,
    Settled,
    LookingUp,
}

/// What goes on after the kill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Successor {
    Send,
    Resend,
}

impl Step {
    const ALL: [Self; 6] = [
        Self::BeforeReopening,
        Self::Reopened,
        Self::Claimed,
        Self::Accepted,
        Self::Settled,
        Self::LookingUp,
    ];

    fn words(self) -> &'static str {
        match self {
            Self::BeforeReopening => "before the letters are opened again",
            Self::Reopened => "opened again, nothing claimed",
            Self::Claimed => "claimed, nothing read of it",
            Self::Accepted => "taken, not settled",
            Self::Settled => "settled, next not claimed",
            Self::LookingUp => "while a letter in doubt is looked up",
        }
    }

    fn is_missing(self, road: Road) -> Option<&'static str> {
        (self == Self::LookingUp && road == Road::Smtp).then_some("a mail server cannot be asked")
    }

    /// The state of the letter in hand, how often it was claimed, and how many of its messages
    /// arrived.
    fn mark(self, road: Road) -> (&'static str, u32, usize) {
        match self {
            Self::BeforeReopening => ("accepted", 1, 1),
            Self::Reopened => ("pending", 1, 1),
            Self::Claimed => ("in_doubt", 2, 1),
            Self::Accepted => ("in_doubt", 2, 2),
            Self::Settled => ("accepted", 2, 2),
            Self::LookingUp if road == Road::Outbox => ("in_doubt", 2, 1),
            Self::LookingUp => ("in_doubt", 2, 2),
        }
    }

    /// What the next `send` makes of it.
    fn outcome(self, road: Road) -> &'static str {
        match (self, road) {
            (Self::BeforeReopening, _) => "nothing was asked for",
            (Self::Reopened, _) => "pending, sent",
            (Self::Settled, _) => "accepted",
            (_, Road::Smtp) => "in doubt, by hand",
            _ => "in doubt, looked up",
        }
    }
}

/// Addresses that are written to anew in place of others, or the same ones once more.
fn ask(scene: &Scene, all_addresses: bool) -> Ask {
    let mut asked = scene.asked.borrow_mut();
    let mut meant = BTreeMap::new();
    for number in 1..=scene.plan.letters {
        if !all_addresses {
            let old = asked.listed(number)[0].clone();
            asked.correct(number, &old);
        }
        meant.insert(number, asked.listed(number).to_vec());
    }
    asked.write_list(scene.server.side().batch());
    let number = asked.ask(all_addresses, meant);
    asked.asks[number].clone()
}

/// What is not done, and not in doubt.
fn open(seen: &Look, ask: &Ask) -> Vec<usize> {
    let numbers = ask.meant.keys().copied();
    numbers
        .filter(|number| seen.states[number] != "in_doubt" && !seen.is_done(*number, &ask.because))
        .collect()
}

fn resend(scene: &Scene, ask: &Ask, numbers: &[usize]) -> Ran {
    let arguments = ask.arguments(numbers);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    scene.server.side().batch().run("resend", &arguments)
}

/// Does what a person does who asks the school.
fn resolve(scene: &Scene, number: usize, seen: &Look) {
    let sending = seen.last_sending(number).unwrap();
    let word = if seen.message(&sending.message_id).is_some() {
        "--accepted"
    } else {
        "--unsent"
    };
    let batch = scene.server.side().batch();
    batch.run("resolve", &[&id(number), word]).expect(0);
}

fn play(road: Road, step: Step, all_addresses: bool, successor: Successor) {
    let letters = if road == Road::Outbox { 8 } else { 3 };
    let scene = Scene::with_letters(road, false, letters);
    let batch = scene.server.side().batch();
    if road == Road::Outbox {
        scenes::enlarge(&scene, scenes::FIFTH, scenes::OUTBOX_LARGE);
    }
    batch.send(&[]).expect(0);
    let ask = ask(&scene, all_addresses);
    let all: Vec<usize> = ask.meant.keys().copied().collect();
    scene.resends(&ask, &all);
    let number = match step {
        Step::BeforeReopening => scenes::before_a_reopening(&scene),
        Step::Reopened => scenes::before_a_claim(&scene),
        Step::Claimed => scenes::after_a_claim(&scene),
        Step::Accepted => scenes::after_acceptance(&scene),
        Step::Settled => scenes::after_a_settlement(&scene),
        Step::LookingUp => scenes::in_a_look_up(&scene, &|scene| {
            let seen = assert_nothing_wrong(scene);
            match successor {
                Successor::Send => scene.sends(),
                // What is in doubt is looked up before others are sent again.
                Successor::Resend => scene.resends(&ask, &open(&seen, &ask)),
            }
        }),
    };
    let mut seen = assert_nothing_wrong(&scene);
    let (state, claims, messages) = step.mark(road);
    assert_eq!(seen.states[&number], state, "{}", id(number));
    assert_eq!(attempts(&scene, number), claims, "{}", id(number));
    assert_eq!(seen.arrived[&number], messages, "{}", id(number));
    scene.calm();
    let by_hand = road == Road::Smtp && state == "in_doubt";
    match successor {
        Successor::Send => {
            let ran = batch.send(&[]);
            if by_hand {
                ran.expect(4);
                resolve(&scene, number, &seen);
                batch.send(&[]).expect(0);
            } else {
                ran.expect(0);
            }
            seen = assert_nothing_wrong(&scene);
            if step == Step::BeforeReopening {
                // Nobody's word is on record.
                assert_eq!(open(&seen, &ask), all);
                resend(&scene, &ask, &all).expect(0);
            }
        }
        Successor::Resend => {
            if state == "in_doubt" {
                let ran = resend(&scene, &ask, &[number]).expect(2);
                ran.says("is in doubt").says("nothing was sent");
            }
            if by_hand {
                resolve(&scene, number, &seen);
                seen = assert_nothing_wrong(&scene);
            }
            resend(&scene, &ask, &open(&seen, &ask)).expect(0);
            seen = assert_nothing_wrong(&scene);
            assert!(seen.in_state("in_doubt").is_empty());
            let rest = open(&seen, &ask);
            if !rest.is_empty() {
                // It was looked up, did not go out, and is asked for anew.
                assert_eq!(rest, [number]);
                resend(&scene, &ask, &rest).expect(0);
            }
        }
    }
    seen = assert_nothing_wrong(&scene);
    batch.send(&[]).expect(0);
    assert!(open(&seen, &ask).is_empty());
    let seen = assert_nothing_wrong(&scene);
    assert_eq!(seen.lacking(&scene.asked.borrow()), Vec::<String>::new());
    assert_eq!(seen.mail.len(), 2 * scene.plan.letters);
    assert_eq!(scene.server.side().leftovers(), Vec::<String>::new());
}

fn play_all(road: Road) {
    for step in Step::ALL {
        if step.is_missing(road).is_some() {
            continue;
        }
        for successor in [Successor::Send, Successor::Resend] {
            for all_addresses in [false, true] {
                eprintln!("{road:?}, {step:?}, {successor:?}, all addresses: {all_addresses}");
                play(road, step, all_addresses, successor);
            }
        }
    }
}

#[test]
fn resend_killed_at_every_step_into_the_outbox() {
    play_all(Road::Outbox);
}

#[test]
fn resend_killed_at_every_step_over_smtp() {
    play_all(Road::Smtp);
}

#[test]
fn resend_killed_at_every_step_through_graph_in_one_request() {
    play_all(Road::GraphAtOnce);
}

#[test]
fn resend_killed_at_every_step_through_graph_by_a_draft() {
    play_all(Road::GraphDraft);
}

#[test]
fn resend_killed_at_every_step_through_ews() {
    play_all(Road::Ews);
}

/// The table in Markdown.
fn table() -> String {
    let roads = Road::ALL.map(Road::words).join(" | ");
    let mut text = format!(
        "| `resend` killed | {roads} |\n|---{}|\n",
        "|---".repeat(Road::ALL.len())
    );
    for step in Step::ALL {
        let cells = Road::ALL.map(|road| match step.is_missing(road) {
            Some(why) => format!("— ({why})"),
            None => step.outcome(road).to_owned(),
        });
        text.push_str(&format!("| {} | {} |\n", step.words(), cells.join(" | ")));
    }
    text
}

#[test]
fn the_manual_has_the_table_of_the_steps_of_resend() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reliability.md");
    let page = fs::read_to_string(page).unwrap();
    let (_, rest) = page.split_once(BEGIN).unwrap();
    let (written, _) = rest.split_once(END).unwrap();
    assert_eq!(written, table());
}
