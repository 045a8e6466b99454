//! Every step of a letter over every transport: the program is killed there, and goes on until each
//! letter has arrived once. The manual has the same table.

use std::fs;

use rusqlite::{Connection, OpenFlags};

use crate::faults::judge::{Look, look};
use crate::faults::scenes;
use crate::faults::stage::{Road, Scene};
use crate::support::id;

const BEGIN: &str = "<!-- table of the kills: begin -->\n";
const END: &str = "<!-- table of the kills: end -->";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    BeforeClaim,
    Claimed,
    Uploading,
    Accepted,
    Settled,
    AtALimit,
    AskedToWait,
    Refreshing,
    LookingUp,
}

/// How the state file must have the letter in hand, so that the kill was where it should be.
struct Mark {
    state: &'static str,
    /// Times claimed.
    attempts: u32,
    has_arrived: bool,
}

impl Step {
    const ALL: [Self; 9] = [
        Self::BeforeClaim,
        Self::Claimed,
        Self::Uploading,
        Self::Accepted,
        Self::Settled,
        Self::AtALimit,
        Self::AskedToWait,
        Self::Refreshing,
        Self::LookingUp,
    ];

    fn words(self) -> &'static str {
        match self {
            Self::BeforeClaim => "before the claim",
            Self::Claimed => "claimed, nothing read of it",
            Self::Uploading => "half of the letter read",
            Self::Accepted => "taken, not settled",
            Self::Settled => "settled, next not claimed",
            Self::AtALimit => "waiting at a limit",
            Self::AskedToWait => "waiting as asked to",
            Self::Refreshing => "while a token is renewed",
            Self::LookingUp => "while a letter in doubt is looked up",
        }
    }

    /// Why a transport does not have this step.
    fn is_missing(self, road: Road) -> Option<&'static str> {
        match (self, road) {
            (Self::AskedToWait, Road::Outbox) => Some("a folder asks for nothing"),
            (Self::Refreshing, Road::Outbox) => Some("no sign-in"),
            (Self::LookingUp, Road::Smtp) => Some("a mail server cannot be asked"),
            _ => None,
        }
    }

    /// Plays until the kill, and tells which letter was in hand.
    fn kill(self, scene: &Scene) -> usize {
        let play = match self {
            Self::BeforeClaim => scenes::before_a_claim,
            Self::Claimed => scenes::after_a_claim,
            Self::Uploading => scenes::in_an_upload,
            Self::Accepted => scenes::after_acceptance,
            Self::Settled => scenes::after_a_settlement,
            Self::AtALimit => scenes::at_a_limit,
            Self::AskedToWait => scenes::while_asked_to_wait,
            Self::Refreshing => scenes::in_a_refresh,
            Self::LookingUp => |scene: &Scene| scenes::in_a_look_up(scene, &|_| {}),
        };
        play(scene)
    }

    /// What becomes of the letter in hand.
    fn outcome(self, road: Road) -> &'static str {
        match (self.mark(road).state, road) {
            ("in_doubt", Road::Smtp) => "in doubt, by hand",
            ("in_doubt", _) => "in doubt, looked up",
            ("accepted", _) => "accepted",
            _ => "pending, sent",
        }
    }

    fn mark(self, road: Road) -> Mark {
        let mark = |state, attempts, has_arrived| Mark {
            state,
            attempts,
            has_arrived,
        };
        match self {
            Self::BeforeClaim | Self::AtALimit => mark("pending", 0, false),
            Self::Claimed | Self::Uploading | Self::Refreshing => mark("in_doubt", 1, false),
            Self::Accepted => mark("in_doubt", 1, true),
            Self::Settled => mark("accepted", 1, true),
            Self::AskedToWait => mark("pending", 1, false),
            // What it looks for is a letter of the step before.
            Self::LookingUp => mark("in_doubt", 1, road != Road::Outbox),
        }
    }
}

/// How often a letter was claimed.
pub fn attempts(scene: &Scene, number: usize) -> u32 {
    let state_file = scene.server.side().batch().path(scene.road.state_file());
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let db = Connection::open_with_flags(state_file, flags).unwrap();
    let sql = "SELECT sum(s.attempts) FROM letters l
        JOIN sendings s ON s.letter = l.seq WHERE l.id = ?1";
    let attempts = db.query_row(sql, [id(number)], |row| row.get(0));
    attempts.unwrap()
}

#[track_caller]
pub fn assert_nothing_wrong(scene: &Scene) -> Look {
    scene.server.side().settle();
    let seen = look(scene.server.side(), &scene.plan, &scene.asked.borrow());
    assert!(seen.findings.is_empty(), "{:#?}", seen.findings);
    seen
}

/// Kills a run at a step, and goes on to the end.
fn play(road: Road, step: Step, is_second_time: bool) {
    let scene = Scene::new(road, is_second_time);
    let number = step.kill(&scene);
    let seen = assert_nothing_wrong(&scene);
    let mark = step.mark(road);
    assert_eq!(seen.states[&number], mark.state, "{}", id(number));
    assert_eq!(attempts(&scene, number), mark.attempts, "{}", id(number));
    assert_eq!(seen.has_arrived(number), mark.has_arrived, "{}", id(number));
    scene.calm();
    let batch = scene.server.side().batch();
    let ran = batch.run("resume", &["--yes"]);
    // Who can be asked is asked; the others leave it to a person.
    if road == Road::Smtp && mark.state == "in_doubt" {
        ran.expect(4);
        let word = if mark.has_arrived {
            "--accepted"
        } else {
            "--unsent"
        };
        batch.run("resolve", &[&id(number), word]).expect(0);
        batch.send(&[]).expect(0);
    } else {
        ran.expect(0);
    }
    let seen = assert_nothing_wrong(&scene);
    assert_eq!(seen.in_state("accepted").len(), scene.plan.letters);
    assert_eq!(seen.arrived.len(), scene.plan.letters);
    assert_eq!(scene.server.side().leftovers(), Vec::<String>::new());
}

fn play_all(road: Road) {
    for step in Step::ALL {
        if step.is_missing(road).is_some() {
            continue;
        }
        eprintln!("{road:?}, {step:?}");
        play(road, step, false);
        if step == Step::Refreshing {
            play(road, step, true);
        }
    }
}

#[test]
fn killed_at_every_step_into_the_outbox() {
    play_all(Road::Outbox);
}

#[test]
fn killed_at_every_step_over_smtp() {
    play_all(Road::Smtp);
}

#[test]
fn killed_at_every_step_through_graph_in_one_request() {
    play_all(Road::GraphAtOnce);
}

#[test]
fn killed_at_every_step_through_graph_by_a_draft() {
    play_all(Road::GraphDraft);
}

#[test]
fn killed_at_every_step_through_ews() {
    play_all(Road::Ews);
}

/// The table in Markdown.
fn table() -> String {
    let roads = Road::ALL.map(Road::words).join(" | ");
    let mut text = format!(
        "| killed | {roads} |\n|---{}|\n",
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
fn the_manual_has_the_table_of_these_steps() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reliability.md");
    let page = fs::read_to_string(page).unwrap();
    let (_, rest) = page.split_once(BEGIN).unwrap();
    let (written, _) = rest.split_once(END).unwrap();
    assert_eq!(written, table());
}
