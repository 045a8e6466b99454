//! The values that templates can use.

use std::collections::{BTreeMap, HashSet};

use tera::{Context, Value};

use crate::config::Batch;
use crate::finding::{Finding, quote};
use crate::manifest::{Table, snake_case};

/// Names that every letter has.
const BUILT_IN: [&str; 4] = ["id", "name", "row", "rows"];

/// Turns rows into template values.
#[derive(Debug)]
pub(super) struct Values {
    vars: Vec<(String, Value)>,
    columns: Vec<Column>,
}

/// A column under its exact header and, where that is certain, under its template name.
#[derive(Debug)]
struct Column {
    index: usize,
    header: Option<String>,
    name: Option<String>,
}

impl Values {
    /// Works out the names once for all letters.
    pub(super) fn new(batch: &Batch, headers: &[String]) -> Result<Self, Vec<Finding>> {
        let names: Vec<String> = headers.iter().map(|header| snake_case(header)).collect();
        let once =
            |all: &[String], one: &String| all.iter().filter(|other| *other == one).count() == 1;
        let columns: Vec<Column> = headers
            .iter()
            .zip(&names)
            .enumerate()
            .map(|(index, (header, name))| Column {
                index,
                header: once(headers, header).then(|| header.clone()),
                name: (!name.is_empty() && once(&names, name)).then(|| name.clone()),
            })
            .collect();
        let mut faults = Vec::new();
        for key in batch.vars.keys() {
            let column = columns
                .iter()
                .find(|column| column.name.as_ref() == Some(key));
            let taken = match column {
                Some(column) => format!("column `{}`", quote(&headers[column.index])),
                None if BUILT_IN.contains(&key.as_str()) => "every letter".to_owned(),
                None => continue,
            };
            faults.push(
                Finding::fault(
                    format!("[vars] {key} has the name of a value that {taken} gives"),
                    "give the value in [vars] another name",
                )
                .file(batch.file.display().to_string()),
            );
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let vars = batch
            .vars
            .iter()
            .map(|(key, value)| (key.clone(), plain(value)))
            .collect();
        Ok(Self { vars, columns })
    }

    /// All names that a template can use.
    pub(super) fn names(&self) -> HashSet<&str> {
        let vars = self.vars.iter().map(|(key, _)| key.as_str());
        let columns = self
            .columns
            .iter()
            .filter_map(|column| column.name.as_deref());
        BUILT_IN.into_iter().chain(vars).chain(columns).collect()
    }

    /// The values of one recipient: a column stands for its cell in the first row.
    pub(super) fn context(&self, id: &str, name: &str, table: &Table, rows: &[u32]) -> Context {
        let mut context = Context::new();
        for (key, value) in &self.vars {
            context.insert_value(key.clone(), value.clone());
        }
        if let Some(&first) = rows.first() {
            for column in &self.columns {
                if let Some(name) = &column.name {
                    let cell = table.cell(first as usize, column.index).trim();
                    context.insert_value(name.clone(), Value::from(cell));
                }
            }
            context.insert_value("row", self.row(table, first));
        }
        let rows: Vec<Value> = rows.iter().map(|&row| self.row(table, row)).collect();
        context.insert_value("rows", Value::from(rows));
        context.insert_value("id", Value::from(id));
        context.insert_value("name", Value::from(name));
        context
    }

    /// One row under both spellings of its columns; the exact header wins.
    fn row(&self, table: &Table, row: u32) -> Value {
        let mut cells: BTreeMap<String, Value> = BTreeMap::new();
        for spelling in [
            |column: &Column| column.name.clone(),
            |column: &Column| column.header.clone(),
        ] {
            for column in &self.columns {
                if let Some(key) = spelling(column) {
                    cells.insert(
                        key,
                        Value::from(table.cell(row as usize, column.index).trim()),
                    );
                }
            }
        }
        Value::from(cells)
    }
}

/// A TOML value as a template value; dates are written as they stand in the file.
fn plain(value: &toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::from(text.as_str()),
        toml::Value::Integer(number) => Value::from(*number),
        toml::Value::Float(number) => Value::from(*number),
        toml::Value::Boolean(value) => Value::from(*value),
        toml::Value::Datetime(moment) => Value::from(moment.to_string()),
        toml::Value::Array(values) => Value::from(values.iter().map(plain).collect::<Vec<_>>()),
        toml::Value::Table(table) => {
            let entries: BTreeMap<String, Value> = table
                .iter()
                .map(|(key, value)| (key.clone(), plain(value)))
                .collect();
            Value::from(entries)
        }
    }
}
