//! What of a file is not as it follows from its log, in words.

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Row, params_from_iter};

use super::Flaw;
use super::schema::PROJECTIONS;
use crate::digest::hex;

/// A file beside what it should be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Comparison<'a> {
    pub file: &'a Connection,
    pub expected: &'a Connection,
}

impl Comparison<'_> {
    /// The first thing in which the file's tables are not those of its format.
    pub(super) fn schema(&self) -> rusqlite::Result<Option<Flaw>> {
        let schema = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name";
        if let Some(difference) = self.first_difference(schema)? {
            return Ok(Some(schema_flaw(&difference)));
        }
        for pragma in ["application_id", "user_version"] {
            if self
                .first_difference(&format!("PRAGMA {pragma}"))?
                .is_some()
            {
                let text = format!("the file's {pragma} is not that of this format");
                return Ok(Some(Flaw::new(None, None, text)));
            }
        }
        Ok(None)
    }

    /// The first row that is not what it should be.
    pub(super) fn tables(&self) -> rusqlite::Result<Option<Flaw>> {
        for (table, key) in PROJECTIONS {
            let sql = format!("SELECT * FROM {table} ORDER BY {key}");
            if let Some(difference) = self.first_difference(&sql)? {
                return self.table_flaw(table, key, difference).map(Some);
            }
        }
        Ok(None)
    }

    /// The first rows in which the answers of the two differ.
    fn first_difference(&self, sql: &str) -> rusqlite::Result<Option<RowDifference>> {
        let mut found = self.file.prepare(sql)?;
        let mut expected = self.expected.prepare(sql)?;
        let columns = expected.column_count();
        let (mut found, mut expected) = (found.query([])?, expected.query([])?);
        loop {
            let (found, expected) = (found.next()?, expected.next()?);
            let column = match (found, expected) {
                (None, None) => return Ok(None),
                (Some(found), Some(expected)) => {
                    let Some(column) = differs(found, expected, columns)? else {
                        continue;
                    };
                    column
                }
                _ => 0,
            };
            return Ok(Some(RowDifference {
                found: found.map(|row| line(row, columns)).transpose()?,
                expected: expected.map(|row| line(row, columns)).transpose()?,
                column,
            }));
        }
    }

    fn table_flaw(
        &self,
        table: &str,
        key: &str,
        difference: RowDifference,
    ) -> rusqlite::Result<Flaw> {
        let RowDifference {
            found,
            expected,
            column,
        } = difference;
        let keys: Vec<&str> = key.split(", ").collect();
        let statement = self.expected.prepare(&format!("SELECT * FROM {table}"))?;
        let columns: Vec<&str> = statement.column_names().collect();
        let place = |name: &str| columns.iter().position(|column| *column == name);
        let key_of = |line: &RowValues| -> RowValues {
            keys.iter()
                .filter_map(|name| line.get(place(name)?).cloned())
                .collect()
        };
        let letter = |line: &RowValues| -> Option<String> {
            match table {
                "letters" => text_of(line.get(place("id")?)?),
                "sendings" | "addresses" | "attempts" => self.id_of(line.get(place("letter")?)?),
                _ => None,
            }
        };
        let row = |line: &RowValues| {
            let keys = key_of(line);
            let keys: Vec<String> = keys.iter().map(in_words).collect();
            format!("row {} of {table}", keys.join(", "))
        };
        match (found, expected) {
            (Some(found), Some(expected)) if key_of(&found) == key_of(&expected) => {
                let text = format!(
                    "{} of {} is {}, and the log says {}",
                    columns[column],
                    row(&expected),
                    in_words(&found[column]),
                    in_words(&expected[column])
                );
                Ok(Flaw::new(None, letter(&expected).as_deref(), text))
            }
            (Some(found), expected) => {
                let condition: Vec<String> = (1..)
                    .zip(&keys)
                    .map(|(number, name)| format!("{name} = ?{number}"))
                    .collect();
                let sql = format!(
                    "SELECT EXISTS (SELECT 1 FROM {table} WHERE {})",
                    condition.join(" AND ")
                );
                let is_expected =
                    self.expected
                        .query_row(&sql, params_from_iter(key_of(&found)), |row| row.get(0))?;
                match expected {
                    Some(expected) if is_expected => Ok(Flaw::new(
                        None,
                        letter(&expected).as_deref(),
                        format!("{} is missing", row(&expected)),
                    )),
                    _ => Ok(Flaw::new(
                        None,
                        letter(&found).as_deref(),
                        format!("the log does not have {}", row(&found)),
                    )),
                }
            }
            (None, expected) => {
                let expected = expected.unwrap_or_default();
                let text = format!("{} is missing", row(&expected));
                Ok(Flaw::new(None, letter(&expected).as_deref(), text))
            }
        }
    }

    fn id_of(&self, seq: &Value) -> Option<String> {
        self.expected
            .query_row("SELECT id FROM letters WHERE seq = ?1", [seq], |row| {
                row.get(0)
            })
            .ok()
    }
}

/// The columns of a row, as they are shown.
type RowValues = Vec<Value>;

/// Where a file is not what it should be.
struct RowDifference {
    found: Option<RowValues>,
    expected: Option<RowValues>,
    /// The first column that differs, where both have a row.
    column: usize,
}

/// The first column in which two rows differ, in value or kind.
fn differs(one: &Row<'_>, other: &Row<'_>, columns: usize) -> rusqlite::Result<Option<usize>> {
    for column in 0..columns {
        if one.get_ref(column)? != other.get_ref(column)? {
            return Ok(Some(column));
        }
    }
    Ok(None)
}

fn line(row: &Row<'_>, columns: usize) -> rusqlite::Result<RowValues> {
    let value = |column| -> rusqlite::Result<Value> {
        Ok(match row.get_ref(column)? {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(number) => Value::Integer(number),
            ValueRef::Real(number) => Value::Real(number),
            ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
            ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
        })
    };
    (0..columns).map(value).collect()
}

fn schema_flaw(difference: &RowDifference) -> Flaw {
    let name = |line: &Option<RowValues>| -> Option<(String, String)> {
        let line = line.as_ref()?;
        Some((text_of(line.first()?)?, text_of(line.get(1)?)?))
    };
    let text = match (name(&difference.found), name(&difference.expected)) {
        (Some((kind, one)), Some((_, other))) if one == other => {
            format!("the {kind} {one} is not that of this format")
        }
        // The lines come in order, so the one that is first is not among the others.
        (Some(found), Some(expected)) if found < expected => {
            format!("the {} {} was added", found.0, found.1)
        }
        (Some((kind, name)), None) => format!("the {kind} {name} was added"),
        (_, Some((kind, name))) => format!("the {kind} {name} is missing"),
        (None, None) => "the tables are not those of this format".to_owned(),
    };
    Flaw::new(None, None, text)
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(text.clone()),
        Value::Null | Value::Integer(_) | Value::Real(_) | Value::Blob(_) => None,
    }
}

fn in_words(value: &Value) -> String {
    const LONGEST: usize = 80;
    let text = match value {
        Value::Null => return "empty".to_owned(),
        Value::Integer(number) => return number.to_string(),
        Value::Real(number) => return number.to_string(),
        Value::Text(text) => text.clone(),
        Value::Blob(bytes) => hex(bytes),
    };
    let short: String = text.chars().take(LONGEST).collect();
    let more = if short.len() < text.len() { "…" } else { "" };
    format!("`{short}{more}`")
}
