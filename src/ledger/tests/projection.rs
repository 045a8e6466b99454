//! The tables against the letters that they are made from.

use jiff::Timestamp;
use proptest::prelude::*;
use rusqlite::Connection;

use crate::ledger::create::fill;
use crate::ledger::log::event_of;
use crate::ledger::projection::{LogEntry, Projection};
use crate::ledger::rows::{self, Key};
use crate::ledger::schema::PROJECTIONS;
use crate::lifecycle::Event;
use crate::lifecycle::tests::history::{Draw, Story, draws};

const LETTERS: [&str; 3] = ["one", "two", "three"];

fn empty() -> Connection {
    let db = Connection::open_in_memory().unwrap();
    fill(&db).unwrap();
    db
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// Every row of every table.
fn tables(db: &Connection) -> Vec<String> {
    let mut lines = Vec::new();
    for (table, key) in PROJECTIONS {
        let mut statement = db
            .prepare(&format!("SELECT * FROM {table} ORDER BY {key}"))
            .unwrap();
        let columns = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let cells: Vec<rusqlite::types::Value> = (0..columns)
                .map(|column| row.get(column).unwrap())
                .collect();
            lines.push(format!("{table} {cells:?}"));
        }
    }
    lines
}

/// The event as a replay reads it.
fn stored(event: &Event) -> Event {
    let value = serde_json::to_value(event).unwrap();
    event_of(event.kind(), &value["body"].to_string()).unwrap()
}

/// Several letters with their events between each other, applied three times: purely, by one
/// projection, and by a new one for each event.
fn follow(draws: &[(Draw, usize, bool)]) -> Result<(), TestCaseError> {
    let (one, each) = (empty(), empty());
    let mut kept = Projection::default();
    let mut stories: [Story; 3] = Default::default();
    for (number, (draw, which, is_wild)) in (1..).zip(draws) {
        let (story, id) = (&mut stories[*which], LETTERS[*which]);
        let event = if *is_wild {
            story.draw_any(*draw, number)
        } else {
            story.draw(*draw, number)
        };
        let taken = story.take(at(number), &event);
        let read = stored(&event);
        let entry = |event| LogEntry {
            seq: number,
            at: at(number),
            letter: Some(id),
            run: Some(1),
            event,
        };
        let before = tables(&one);
        let applied = kept.apply(&one, &entry(&event));
        prop_assert_eq!(applied.is_ok(), taken.is_ok(), "{:?}: {:?}", event, applied);
        let applied = Projection::default().apply(&each, &entry(&read));
        prop_assert_eq!(applied.is_ok(), taken.is_ok(), "{:?}: {:?}", event, applied);
        if taken.is_err() {
            prop_assert_eq!(before, tables(&one), "a refused event changed something");
        }
        for db in [&one, &each] {
            let row = rows::load(db, Key::Id(id)).unwrap();
            let position = row.as_ref().and_then(|row| row.position);
            let letter = row.map(|row| row.letter);
            prop_assert_eq!(&letter, &story.letter, "after {:?}", event);
            let is_listed = letter.is_some_and(|letter| letter.is_listed);
            prop_assert_eq!(position, is_listed.then_some(3));
        }
        prop_assert_eq!(tables(&one), tables(&each));
        let counts = kept.counts(&one).unwrap().clone();
        let counted = crate::ledger::projection::count(&one).unwrap();
        prop_assert_eq!(
            counts
                .into_iter()
                .filter(|(_, count)| *count > 0)
                .collect::<Vec<_>>()
                .len(),
            counted.len()
        );
        for (state, count) in counted {
            prop_assert_eq!(kept.counts(&one).unwrap().get(&state), Some(&count));
        }
    }
    // The whole log over again.
    for (story, id) in stories.iter().zip(LETTERS) {
        let db = empty();
        let mut projection = Projection::default();
        for (seq, (at, event)) in (1..).zip(&story.events) {
            let entry = LogEntry {
                seq,
                at: *at,
                letter: Some(id),
                run: None,
                event,
            };
            projection.apply(&db, &entry).unwrap();
        }
        let letter = rows::load(&db, Key::Id(id)).unwrap().map(|row| row.letter);
        prop_assert_eq!(&letter, &story.letter);
    }
    Ok(())
}

/// Draws for letters of which each is drawn, and now and then an event that need not be possible.
fn mixed(most: usize) -> impl Strategy<Value = Vec<(Draw, usize, bool)>> {
    let more = prop::collection::vec((0..LETTERS.len(), prop::bool::weighted(0.1)), most);
    (draws(most), more).prop_map(|(draws, more)| {
        let pairs = draws.into_iter().zip(more);
        pairs
            .map(|(draw, (which, is_wild))| (draw, which, is_wild))
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// What the tables hold of a letter is what its events make of it, whatever is kept in memory
    /// between them.
    #[test]
    fn the_tables_are_what_the_events_make(draws in mixed(80)) {
        follow(&draws)?;
    }
}
