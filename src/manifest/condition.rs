//! `[manifest] where`: the rows that are meant, as an expression of templates over one row.

use std::collections::BTreeMap;

use tera::{Context, ErrorKind, Tera, Value};

use super::Findings;
use super::columns::{Columns, snake_case};
use super::table::{LeftOutReason, Table};
use crate::finding::{Finding, quote, quote_up_to};

const NAME: &str = "[manifest] where";

/// Leaves out the rows for which the condition does not hold.
pub(super) fn leave_out(
    table: &mut Table,
    chosen: &Columns,
    condition: &str,
    vars: &toml::Table,
    findings: &mut Findings,
) {
    match rows_without(table, chosen, condition, vars) {
        Ok(rows) => {
            for row in rows {
                table.leave_out(row, LeftOutReason::Condition);
            }
        }
        Err(fault) => findings.add(fault),
    }
}

fn rows_without(
    table: &Table,
    chosen: &Columns,
    condition: &str,
    vars: &toml::Table,
) -> Result<Vec<usize>, Finding> {
    let refuse = |text: String| {
        Finding::fault(
            format!("{NAME} cannot be used: {text}"),
            "write one expression over the columns, such as row['Send'] == \"yes\"",
        )
    };
    if ["{%", "%}", "{{", "}}", "{#", "#}"]
        .iter()
        .any(|mark| condition.contains(mark))
    {
        return Err(refuse(
            "it is an expression, without the brackets of a template".to_owned(),
        ));
    }
    if has_lone_equals_sign(condition) {
        return Err(Finding::fault(
            format!("{NAME} cannot be used: `=` does not compare"),
            "write == between two values that are to be the same, != where they are not",
        ));
    }
    let mut tera = Tera::new();
    let source = format!("{{% if {condition} %}}1{{% endif %}}");
    tera.add_raw_templates([(NAME.to_owned(), source)])
        .map_err(|error| refuse(said(&error)))?;
    let used: Vec<String> = tera
        .get_template_variables(NAME)
        .map(|names| names.into_iter().map(str::to_owned).collect())
        .unwrap_or_default();
    let columns = ColumnNames::of(table.headers(), chosen);
    for name in &used {
        let is_known = name == "row" || vars.contains_key(name) || columns.short(name).is_some();
        if !is_known {
            return Err(refuse(format!(
                "no column and no [vars] gives `{}`; the columns are {}",
                quote(name),
                columns.listed()
            )));
        }
    }
    // An unknown name inside `row` would be false without a word.
    for name in literals(condition) {
        if !columns.has(name) {
            return Err(refuse(format!(
                "there is no column `{}`; the columns are {}",
                quote(name),
                columns.listed()
            )));
        }
    }
    let mut context = Context::new();
    for (key, value) in vars {
        if used.contains(key) {
            context.insert(key.clone(), value);
        }
    }
    let uses_row = used.iter().any(|name| name == "row");
    let short: Vec<(&String, usize)> = used
        .iter()
        .filter_map(|name| Some((name, columns.short(name)?)))
        .collect();
    let mut without = Vec::new();
    for row in 0..table.len() {
        let cell = |column: usize| table.cell(row, column).trim();
        for (name, column) in &short {
            context.insert_value((*name).clone(), Value::from(cell(*column)));
        }
        if uses_row {
            let mut values: BTreeMap<String, Value> = BTreeMap::new();
            for (column, names) in columns.all.iter().enumerate() {
                for name in names.iter().flatten() {
                    values.insert(name.clone(), Value::from(cell(column)));
                }
            }
            context.insert_value("row", Value::from(values));
        }
        let holds = tera
            .render(NAME, &context)
            .map_err(|error| refuse(said(&error)).row(table.number(row)))?;
        if holds.is_empty() {
            without.push(row);
        }
    }
    Ok(without)
}

/// What tera says, without the template that stands around the condition.
fn said(error: &tera::Error) -> String {
    let text = match error.kind() {
        ErrorKind::SyntaxError(report) | ErrorKind::RenderingError(report) => {
            report.message().to_owned()
        }
        _ => error.to_string(),
    };
    quote_up_to(300, &text.replace("%}", "its end"))
}

/// Whether a single `=` stands outside of quoted texts: in an expression it means nothing.
fn has_lone_equals_sign(condition: &str) -> bool {
    let (mut quoted, mut before, mut depth) = (None, ' ', 0);
    let mut characters = condition.chars().peekable();
    while let Some(character) = characters.next() {
        match quoted {
            Some(mark) if character == mark => quoted = None,
            None if matches!(character, '\'' | '"' | '`') => quoted = Some(character),
            // An argument of a filter has one, too.
            None if character == '(' => depth += 1,
            None if character == ')' => depth -= 1,
            None if character == '='
                && depth == 0
                && !matches!(before, '=' | '!' | '<' | '>')
                && characters.peek() != Some(&'=') =>
            {
                return true;
            }
            _ => {}
        }
        before = character;
    }
    false
}

/// The names inside `row[…]`.
fn literals(condition: &str) -> impl Iterator<Item = &str> {
    condition.split("row[").skip(1).filter_map(|rest| {
        let rest = rest.trim_start();
        let quote = rest.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
        rest[1..].split(quote).next()
    })
}

/// The names of the columns: as they stand in the header, and as templates know them.
struct ColumnNames {
    all: Vec<[Option<String>; 2]>,
    /// The columns that templates know as `id` and `name`, whatever their headers are.
    id: usize,
    name: usize,
}

impl ColumnNames {
    fn of(headers: &[String], chosen: &Columns) -> Self {
        let short: Vec<String> = headers.iter().map(|header| snake_case(header)).collect();
        let once = |all: &[String], one: &String| {
            (!one.is_empty() && all.iter().filter(|other| *other == one).count() == 1)
                .then(|| one.clone())
        };
        let all = headers.iter().zip(&short);
        Self {
            all: all
                .map(|(header, name)| [once(&short, name), once(headers, header)])
                .collect(),
            id: chosen.id,
            name: chosen.name,
        }
    }

    fn short(&self, name: &str) -> Option<usize> {
        match name {
            "id" => Some(self.id),
            "name" => Some(self.name),
            _ => self
                .all
                .iter()
                .position(|[short, _]| short.as_deref() == Some(name)),
        }
    }

    fn has(&self, name: &str) -> bool {
        let mut all = self.all.iter().flatten().flatten();
        all.any(|other| other == name)
    }

    fn listed(&self) -> String {
        let names: Vec<String> = self
            .all
            .iter()
            .filter_map(|[_, header]| Some(format!("`{}`", quote(header.as_deref()?))))
            .collect();
        format!(
            "{}; `id` and `name` are those that [manifest] names so",
            names.join(", ")
        )
    }
}
