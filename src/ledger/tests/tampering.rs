//! Whatever is changed in a file behind the program's back is found and named.

use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};

use super::history::{answered, everything, rehearsed_twice};
use super::older::{mail, open_reading, reading};
use super::*;
use crate::ledger::compare::Comparison;
use crate::ledger::schema::{PROJECTIONS, VERSION};

/// A whole file in memory, of which tampered copies are made.
struct Whole {
    db: Connection,
    events: u64,
    tables: Vec<Table>,
}

struct Table {
    name: String,
    columns: Vec<Column>,
    /// By what each of its rows is found.
    rows: Vec<String>,
}

struct Column {
    name: String,
    kind: String,
    is_key: bool,
    allows_null: bool,
}

fn copy(from: &Connection) -> Connection {
    let mut copy = Connection::open_in_memory().unwrap();
    let pages = Backup::new(from, &mut copy).unwrap();
    assert_eq!(pages.step(-1).unwrap(), StepResult::Done);
    drop(pages);
    copy
}

fn texts(db: &Connection, sql: &str) -> Vec<String> {
    let mut statement = db.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

impl Whole {
    fn of(path: &Path) -> Self {
        let db = copy(&Connection::open(path).unwrap());
        let check = check(copy(&db)).unwrap();
        assert_eq!(check.flaw, None);
        let tables = texts(&db, "SELECT name FROM sqlite_schema WHERE type = 'table'");
        let tables = tables.into_iter().map(|name| Table::of(&db, name));
        Self {
            tables: tables.collect(),
            events: check.events,
            db,
        }
    }

    /// Asserts that a change of a copy is found and named. False where the file does not allow it.
    #[track_caller]
    fn assert_found(&self, change: &str, is_named: impl Fn(&Flaw) -> bool) -> bool {
        let db = copy(&self.db);
        is_done(&db, change) && {
            assert_named(db, change, is_named);
            true
        }
    }

    /// The same for a change of one row.
    #[track_caller]
    fn assert_row_counts(
        &self,
        (table, row): (&Table, &str),
        change: &str,
        is_named: impl Fn(&Flaw) -> bool,
    ) {
        let db = copy(&self.db);
        assert!(is_done(&db, change), "{change}");
        self.assert_named((table, row), db, change, is_named);
    }

    /// The same for one value. False where it is the same afterwards, too.
    #[track_caller]
    fn assert_value_counts(&self, table: &Table, row: &str, column: &Column, other: &str) -> bool {
        let db = copy(&self.db);
        let name = &column.name;
        let select = format!(
            "SELECT hex({name}) || typeof({name}) FROM {} WHERE {row}",
            table.name
        );
        let before = texts(&db, &select);
        let change = format!("UPDATE {} SET {name} = {other} WHERE {row}", table.name);
        if !is_done(&db, &change) || texts(&db, &select) == before {
            return false;
        }
        self.assert_named((table, row), db, &change, |flaw| {
            table.is_named(flaw, row, Some(column))
        });
        true
    }

    /// Looks through all of a file whose log was changed, or the first row of another table. Where
    /// another row was, the log is the same, and so is what follows from it.
    #[track_caller]
    fn assert_named(
        &self,
        (table, row): (&Table, &str),
        db: Connection,
        change: &str,
        is_named: impl Fn(&Flaw) -> bool,
    ) {
        if table.is_log() || *row == table.rows[0] {
            return assert_named(db, change, is_named);
        }
        let comparison = Comparison {
            file: &db,
            expected: &self.db,
        };
        let flaw = comparison.tables().unwrap();
        let flaw = flaw.unwrap_or_else(|| panic!("{change}: not found"));
        assert!(is_named(&flaw), "{change}: {flaw:?}");
    }
}

/// Whether the file allows a change.
fn is_done(db: &Connection, change: &str) -> bool {
    use rusqlite::ErrorCode::{ConstraintViolation, TypeMismatch};
    match change_in(db, change) {
        Ok(()) => true,
        Err(error) => {
            let code = error.sqlite_error_code();
            assert!(
                matches!(code, Some(ConstraintViolation | TypeMismatch)),
                "{change}: {error}"
            );
            false
        }
    }
}

#[track_caller]
fn assert_named(db: Connection, change: &str, is_named: impl Fn(&Flaw) -> bool) {
    let check = check(db).unwrap_or_else(|error| panic!("{change}: {error}"));
    let flaw = check.flaw.unwrap_or_else(|| panic!("{change}: not found"));
    assert!(is_named(&flaw), "{change}: {flaw:?}");
}

fn check(db: Connection) -> Result<LogCheck, LedgerError> {
    let view = LedgerView {
        db,
        path: PathBuf::from("copy.db"),
        format: VERSION,
        claims_are_in_flight: false,
    };
    view.check_log(None)
}

impl Table {
    fn of(db: &Connection, name: String) -> Self {
        let mut statement = db.prepare(&format!("PRAGMA table_info({name})")).unwrap();
        let columns = statement.query_map([], |row| {
            let key: i64 = row.get("pk")?;
            Ok(Column {
                name: row.get("name")?,
                kind: row.get("type")?,
                is_key: key > 0,
                allows_null: !row.get::<_, bool>("notnull")?,
            })
        });
        let columns: Vec<Column> = columns.unwrap().map(Result::unwrap).collect();
        let keys = columns.iter().filter(|column| column.is_key);
        let conditions: Vec<String> = keys
            .map(|key| format!("'{0} IS ' || quote({0})", key.name))
            .collect();
        let rows = format!("SELECT {} FROM {name}", conditions.join(" || ' AND ' || "));
        Self {
            rows: texts(db, &rows),
            columns,
            name,
        }
    }

    fn is_log(&self) -> bool {
        self.name == "events"
    }

    /// Whether a flaw is named as one of this table, and of a column where it is in one.
    fn is_named(&self, flaw: &Flaw, row: &str, column: Option<&Column>) -> bool {
        if self.is_log() {
            let seq = row.strip_prefix("seq IS ").unwrap();
            return flaw.event == seq.parse().ok();
        }
        let of_table = flaw.text.contains(&format!(" of {}", self.name));
        let of_column = column.is_none_or(|column| {
            column.is_key || flaw.text.starts_with(&format!("{} of row ", column.name))
        });
        of_table && of_column
    }
}

impl Column {
    /// The value of a row beside one that is there: what must be unique is another.
    fn beside(&self, step: i64) -> String {
        let name = &self.name;
        match (self.kind.as_str(), self.is_key) {
            ("INTEGER", true) => format!("{name} + {step}"),
            // Before or after all others.
            ("TEXT", _) if step < 0 => format!("' ' || {name}"),
            ("TEXT", _) => format!("'~' || {name}"),
            _ => name.clone(),
        }
    }

    /// Another value of the same kind, one of another kind, and none.
    fn others(&self) -> Vec<String> {
        let name = &self.name;
        let mut others = match self.kind.as_str() {
            "INTEGER" => vec![
                format!("iif({name} IS NULL, 7, {name} + 1000003)"),
                format!("{name} || 'x'"),
            ],
            "TEXT" => vec![
                format!("iif({name} IS NULL, 'x', {name} || 'x')"),
                format!("CAST({name} AS BLOB)"),
            ],
            "BLOB" => vec!["x'c3'".to_owned(), format!("CAST({name} AS TEXT)")],
            kind => panic!("{name} has the kind {kind}"),
        };
        if self.allows_null {
            others.push("NULL".to_owned());
        }
        others
    }

    /// Values of all kinds, and one that another row has.
    fn strangers(&self, table: &str) -> Vec<String> {
        let name = &self.name;
        let mut strangers = ["7", "1.5", "'7'", "'x'", "x'c3'", "CAST(x'c3' AS TEXT)"]
            .map(str::to_owned)
            .to_vec();
        strangers.push(format!(
            "(SELECT other.{name} FROM {table} other WHERE other.{name} IS NOT {table}.{name})"
        ));
        strangers
    }
}

/// Changes every value, one at a time.
#[track_caller]
fn assert_every_value_counts(whole: &Whole) {
    for table in &whole.tables {
        assert!(!table.rows.is_empty(), "nothing of {} is tried", table.name);
        for (index, row) in table.rows.iter().enumerate() {
            for column in &table.columns {
                let mut others = column.others();
                if index == 0 {
                    others.extend(column.strangers(&table.name));
                }
                let changes = others
                    .iter()
                    .filter(|other| whole.assert_value_counts(table, row, column, other));
                assert!(
                    changes.count() > 0,
                    "{row} of {}: {}",
                    table.name,
                    column.name
                );
            }
        }
    }
}

/// Deletes every row, and puts in one like it, one at a time.
#[track_caller]
fn assert_every_row_counts(whole: &Whole) {
    for table in &whole.tables {
        let name = &table.name;
        let is_log = table.is_log();
        let last = format!("seq IS {}", whole.events);
        for row in &table.rows {
            let delete = format!("DELETE FROM {name} WHERE {row}");
            whole.assert_row_counts((table, row), &delete, |flaw| {
                // What the last event did is in the tables all the same.
                (is_log && *row == last)
                    || table.is_named(flaw, row, None) && flaw.text.contains("missing")
            });
            if is_log && *row != table.rows[0] {
                // Each other one would come to the same place.
                continue;
            }
            for step in [1_000_003, -1_000_003] {
                let values: Vec<String> = table.columns.iter().map(|c| c.beside(step)).collect();
                let insert = format!(
                    "INSERT INTO {name} SELECT {} FROM {name} WHERE {row}",
                    values.join(", ")
                );
                whole.assert_row_counts((table, row), &insert, |flaw| {
                    if is_log {
                        let end = whole.events + 1;
                        flaw.event == Some(end) || flaw.text.contains("was put in")
                    } else {
                        flaw.text.starts_with("the log does not have row ")
                            && flaw.text.ends_with(&format!(" of {name}"))
                    }
                });
            }
        }
    }
}

/// Changes what there is besides rows.
#[track_caller]
fn assert_the_schema_counts(whole: &Whole) {
    let named = |change: String, shown: String| {
        assert!(whole.assert_found(&change, |flaw| flaw.text == shown));
    };
    let is_added = |kind: &str, name: &str| format!("the {kind} {name} was added");
    let is_missing = |kind: &str, name: &str| format!("the {kind} {name} is missing");
    let is_other = |kind: &str, name: &str| format!("the {kind} {name} is not that of this format");
    for name in ["aaa", "zzz"] {
        named(format!("CREATE TABLE {name} (x)"), is_added("table", name));
        named(
            format!("CREATE VIEW {name} AS SELECT 1"),
            is_added("view", name),
        );
    }
    named("ANALYZE".to_owned(), is_added("table", "sqlite_stat1"));
    for table in &whole.tables {
        let (table, column) = (&table.name, &table.columns[0].name);
        for name in ["aaa", "zzz"] {
            named(
                format!("CREATE INDEX {name} ON {table} ({column})"),
                is_added("index", name),
            );
            named(
                format!(
                    "CREATE TRIGGER {name} AFTER INSERT ON {table} BEGIN DELETE FROM letters; END"
                ),
                is_added("trigger", name),
            );
        }
        named(
            format!("ALTER TABLE {table} ADD COLUMN extra"),
            is_other("table", table),
        );
    }
    let db = &whole.db;
    let dropped = "SELECT type || ' ' || name FROM sqlite_schema WHERE sql IS NOT NULL";
    for thing in texts(db, dropped) {
        let (kind, name) = thing.split_once(' ').unwrap();
        let found = |flaw: &Flaw| {
            // With a table its indexes go, and those come first.
            flaw.text == is_missing(kind, name)
                || kind == "table" && flaw.text.starts_with("the index ")
        };
        let db = copy(db);
        db.execute_batch(&format!("DROP {thing}")).unwrap();
        assert_named(db, &thing, found);
    }
    let columns = [
        ("letters", "error_text"),
        ("sendings", "because"),
        ("addresses", "evidence"),
        ("attempts", "note"),
        ("runs", "place"),
        ("waits", "run"),
        ("meta", "value"),
        ("events", "run"),
    ];
    for (table, column) in columns {
        named(
            format!("ALTER TABLE {table} DROP COLUMN {column}"),
            is_other("table", table),
        );
    }
    for pragma in ["application_id", "user_version"] {
        named(
            format!("PRAGMA {pragma} = 8"),
            format!("the file's {pragma} is not that of this format"),
        );
    }
}

#[track_caller]
fn assert_everything_counts(path: &Path) {
    let whole = Whole::of(path);
    let names: Vec<&str> = whole.tables.iter().map(|table| &*table.name).collect();
    let mut known: Vec<&str> = PROJECTIONS.iter().map(|(table, _)| *table).collect();
    known.insert(0, "events");
    assert_eq!(names, known, "a table that nobody compares");
    assert_every_value_counts(&whole);
    assert_every_row_counts(&whole);
    assert_the_schema_counts(&whole);
}

#[test]
fn every_value_row_and_table_of_a_ledger_counts() {
    let case = Case::new();
    everything(&case);
    assert_everything_counts(&case.path());
}

#[test]
fn every_value_row_and_table_counts_after_a_rehearsal_was_cleared() {
    let case = Case::new();
    rehearsed_twice(&case);
    assert_everything_counts(&case.path());
}

/// A file of an older format that was gone on with.
#[track_caller]
fn assert_everything_counts_in_one_brought_up_to_date(format: i64) {
    let case = mail(format);
    let mut ledger = open_reading(&case);
    let next = ledger.pending(None, 1).unwrap()[0].seq;
    let claimed = ledger.commit(&[], &[claim(next, 1_800_000_001)]).unwrap();
    ledger.throttled(at(1_800_000_002), Duration::from_secs(40));
    let ends = [settlement(claimed[0], accepted(), 1_800_000_002)];
    ledger.commit(&ends, &[]).unwrap();
    let mut first = None;
    ledger
        .each_letter(&mut |record| {
            let is_accepted = record.letter.last_accepted().is_some();
            first = first.take().or_else(|| is_accepted.then_some(record.id));
        })
        .unwrap();
    answered(&mut ledger, &first.unwrap(), at(1_800_000_003));
    ledger.end_run(at(1_800_000_003), "stopped").1.unwrap();
    assert_everything_counts(&case.path());
}

#[test]
fn every_value_row_and_table_of_a_file_that_had_format_1_counts() {
    assert_everything_counts_in_one_brought_up_to_date(1);
}

#[test]
fn every_value_row_and_table_of_a_file_that_had_format_2_counts() {
    assert_everything_counts_in_one_brought_up_to_date(2);
}

#[test]
fn every_value_row_and_table_of_a_file_that_had_format_3_counts() {
    assert_everything_counts_in_one_brought_up_to_date(3);
}

#[test]
fn a_header_that_names_another_program_or_format_is_refused() {
    let case = Case::new();
    drop(case.ledger());
    let assert_refused = |case: &Case, identity: &BatchIdentity, pragma: &str, shown: &str| {
        let whole = fs::read(case.path()).unwrap();
        change_behind(&case.path(), &format!("PRAGMA {pragma}")).unwrap();
        let view = LedgerView::open(&case.path(), identity).unwrap_err();
        assert!(view.to_string().contains(shown), "{pragma}: {view}");
        let ledger = Ledger::open(&case.path(), identity, &holder()).unwrap_err();
        assert!(ledger.to_string().contains(shown), "{pragma}: {ledger}");
        fs::write(case.path(), whole).unwrap();
    };
    let refused = |pragma: &str, shown: &str| {
        assert_refused(&case, &identity("b"), pragma, shown);
    };
    refused("application_id = 7", "is not a postroom state file");
    refused("user_version = 8", "has format 8");
    for format in -1..VERSION {
        let shown = format!("its tables are not those of format {format}");
        refused(&format!("user_version = {format}"), &shown);
    }
    let older = mail(3);
    let shown = "its tables are not those of format 4";
    assert_refused(
        &older,
        &reading(LedgerKind::Mail),
        "user_version = 4",
        shown,
    );
}
