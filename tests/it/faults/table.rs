//! What many rounds came to, as a table for a page.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::faults::judge::Wrong;
use crate::faults::mischief::Fault;
use crate::faults::plan::Way;
use crate::faults::run::Tally;

const BEGIN: &str = "<!-- table of the fault suite: begin -->";
const END: &str = "<!-- table of the fault suite: end -->";

type Row = (&'static str, fn(&Tally) -> usize);

const ROWS: [Row; 19] = [
    ("rounds", |tally| tally.rounds),
    ("letters", |tally| tally.letters),
    ("runs of the program", |tally| tally.runs),
    ("… of `resend`", |tally| tally.resends),
    ("letters asked for again", |tally| tally.asked),
    ("addresses refused where others were accepted", |tally| {
        tally.refused
    }),
    ("kills (SIGKILL)", |tally| tally.kills),
    ("interrupts (SIGINT, SIGTERM, SIGHUP)", |tally| {
        tally.interrupts
    }),
    ("other faults", |tally| tally.faults.values().sum()),
    ("limits reached", |tally| tally.limits),
    ("**letters lost**", |tally| count(tally, &[Wrong::Lost])),
    ("**letters sent more often than was asked for**", |tally| {
        count(tally, &[Wrong::Twice])
    }),
    ("**wrong report or address**", |tally| {
        count(tally, &[Wrong::Another])
    }),
    ("**limits passed**", |tally| count(tally, &[Wrong::Limit])),
    ("**other findings**", |tally| {
        count(tally, &[Wrong::Unknown, Wrong::Log, Wrong::Breach])
    }),
    (
        "letters in doubt that the same run settled, by looking",
        |tally| tally.found_at_once,
    ),
    ("letters in doubt after a run", |tally| tally.in_doubt),
    ("… settled by a later run, by looking", |tally| {
        tally.found
    }),
    ("… settled by hand (sent + not sent)", |tally| {
        tally.by_hand.0 + tally.by_hand.1
    }),
];

fn count(tally: &Tally, kinds: &[Wrong]) -> usize {
    let findings = tally.findings.iter();
    findings.filter(|(kind, _)| kinds.contains(kind)).count()
}

/// The table in Markdown.
pub fn write(tallies: &BTreeMap<Way, Tally>, first: u64, count: u64) -> String {
    let mut text = format!("Seeds {first} to {}:\n\n", first + count - 1);
    heading(&mut text, "", tallies);
    for (name, figure) in ROWS {
        line(&mut text, name, tallies.values().map(figure));
    }
    text.push_str("\nThe other faults:\n\n");
    heading(&mut text, "fault", tallies);
    for fault in Fault::ALL {
        let times = |tally: &Tally| tally.faults.get(&fault).copied().unwrap_or(0);
        line(&mut text, fault.words(), tallies.values().map(times));
    }
    text
}

fn heading(text: &mut String, first: &str, tallies: &BTreeMap<Way, Tally>) {
    let ways: Vec<String> = tallies.keys().map(ToString::to_string).collect();
    text.push_str(&format!("| {first} | {} | all |\n|---", ways.join(" | ")));
    text.push_str(&"|---:".repeat(ways.len() + 1));
    text.push_str("|\n");
}

fn line(text: &mut String, name: &str, figures: impl Iterator<Item = usize>) {
    let mut sum = 0;
    text.push_str(&format!("| {name} |"));
    for figure in figures {
        sum += figure;
        text.push_str(&format!(" {figure} |"));
    }
    text.push_str(&format!(" {sum} |\n"));
}

/// Puts a table between the two marks of a page.
pub fn put(page: &Path, table: &str) {
    let old = fs::read_to_string(page).unwrap();
    let (before, rest) = old.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    fs::write(page, format!("{before}{BEGIN}\n{table}{END}{after}")).unwrap();
}

#[test]
fn a_table_takes_the_place_of_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("page.md");
    fs::write(&page, format!("before\n{BEGIN}\nold\n{END}\nafter\n")).unwrap();
    let tally = Tally {
        rounds: 2,
        kills: 3,
        findings: vec![(Wrong::Twice, "S001 2 times".into())],
        ..Tally::default()
    };
    let both = [(Way::Smtp, tally.clone()), (Way::Graph, tally)].into();
    put(&page, &write(&both, 5, 2));
    let text = fs::read_to_string(&page).unwrap();
    assert!(text.starts_with(&format!("before\n{BEGIN}\nSeeds 5 to 6:\n")));
    assert!(text.ends_with(&format!("{END}\nafter\n")));
    for part in [
        "|  | smtp | graph | all |",
        "| rounds | 2 | 2 | 4 |",
        "than was asked for** | 1 | 1 | 2 |",
    ] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
}
