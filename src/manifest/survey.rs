//! A list of which nobody has said yet what its columns are.

use std::path::Path;

use super::header::HeaderRule;
use super::intake::Intake;
use super::workbook::{self, BookKind};
use super::{Findings, Table, bounds, csv};
use crate::config::HiddenRows;
use crate::finding::{Finding, quote};
use crate::regular;

/// A list as it was found. Its hidden rows are left out of the table's rows.
#[derive(Debug)]
pub(crate) struct ListSurvey {
    /// Its rows.
    pub table: Table,
    /// The sheet of a workbook.
    pub sheet: Option<String>,
    /// The other sheets that a person sees.
    pub other_sheets: Vec<String>,
}

impl ListSurvey {
    /// Reads a list: its sheet is the one that somebody named, else the one with most addresses at its
    /// beginning; its header the row of names above them.
    ///
    /// # Errors
    /// What keeps it from being read.
    pub(crate) fn of(path: &Path, sheet: Option<&str>) -> Result<Self, Vec<Finding>> {
        let mut findings = Findings {
            file: path.display().to_string(),
            list: Vec::new(),
        };
        let read = read(path, sheet, &mut findings);
        match read {
            Some((table, sheet, other_sheets)) => Ok(Self {
                table,
                sheet,
                other_sheets,
            }),
            None => Err(findings.list),
        }
    }
}

type SurveyedTable = (Table, Option<String>, Vec<String>);

fn read(path: &Path, sheet: Option<&str>, findings: &mut Findings) -> Option<SurveyedTable> {
    let bytes = match regular::open(path).and_then(bounds::read) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => {
            findings.add(Finding::fault(bounds::too_large(), bounds::SPLIT));
            return None;
        }
        Err(error) => {
            findings.add(Finding::fault(
                format!("the list cannot be read: {error}"),
                regular::to_read_it(&error, "name the list with --from"),
            ));
            return None;
        }
    };
    let Some(kind) = BookKind::of(path) else {
        let table = csv::read_by(&bytes, HeaderRule::Guessed, findings)?;
        return Some((table, None, Vec::new()));
    };
    workbook::contained(&bytes, kind, findings, |book, findings| {
        let seen: Vec<String> = book
            .sheets()
            .into_iter()
            .filter(|sheet| sheet.is_visible)
            .map(|sheet| sheet.name)
            .collect();
        let addresses = |rows: Vec<super::intake::RawRow>| {
            let cells = rows.iter().flat_map(|row| &row.cells);
            cells.filter(|cell| cell.contains('@')).count()
        };
        let mut best: Option<(usize, String)> = None;
        let named = seen.iter().find(|name| Some(name.as_str()) == sheet);
        for name in named.map_or(&*seen, std::slice::from_ref) {
            let count = workbook::first_rows(book, name).map_or(0, addresses);
            if best.as_ref().is_none_or(|(most, _)| count > *most) {
                best = Some((count, name.clone()));
            }
        }
        let Some((_, name)) = best else {
            findings.add(Finding::fault(
                "the workbook has no visible sheet",
                "show the sheet with the list in Excel, and save it",
            ));
            return None;
        };
        let mut intake = Intake::new(HeaderRule::Guessed, HiddenRows::Skip);
        let read = book.rows(&name, &mut |row| {
            intake.row(row, findings)?;
            Ok(std::ops::ControlFlow::Continue(()))
        });
        let table = match read.and_then(|()| Ok(intake.end(findings)?)) {
            Ok(Some(table)) => table,
            Ok(None) => {
                findings.add(Finding::fault(
                    format!("the sheet `{}` is empty", quote(&name)),
                    "name another list with --from",
                ));
                return None;
            }
            Err(error) => {
                findings.add(Finding::fault(
                    format!("the sheet `{}` cannot be read: {error}", quote(&name)),
                    "save the list again as .xlsx or as \"CSV UTF-8\"",
                ));
                return None;
            }
        };
        let others = seen.into_iter().filter(|other| *other != name).collect();
        Some((table, Some(name), others))
    })
}
