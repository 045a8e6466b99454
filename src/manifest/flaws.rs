//! Cells of a workbook that show an error or have no value: they matter where their column is used.

use super::Findings;
use super::columns::Columns;
use super::table::{ColumnFlaw, FlawKind, Table};
use crate::finding::{Finding, quote};

/// Finds what is wrong in the columns that the batch file names. What templates use, they look for
/// themselves.
pub(super) fn in_columns(table: &Table, columns: &Columns, findings: &mut Findings) {
    for flaw in table.flaws() {
        if columns.all().any(|column| column == flaw.column) {
            findings.add(fault(table, flaw));
        }
    }
}

/// A flaw in a column that is used.
pub(super) fn fault(table: &Table, flaw: &ColumnFlaw) -> Finding {
    let others = match flaw.rows {
        0 | 1 => String::new(),
        2 => ", and so does one more row".to_owned(),
        rows => format!(", and so do {} more rows", rows - 1),
    };
    let fault = match flaw.kind {
        FlawKind::Error => Finding::fault(
            format!(
                "the cell shows the error {}{others}",
                quote(table.cell(flaw.first, flaw.column))
            ),
            "fix the formula, or put the value there",
        ),
        FlawKind::NoValue => Finding::fault(
            format!("the cell has a formula whose value is not stored in the file{others}"),
            "open the list in Excel and save it there, or put the value in place of the formula",
        ),
    };
    fault
        .row(table.number(flaw.first))
        .column(&table.headers()[flaw.column])
}
