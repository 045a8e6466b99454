//! Workbooks of every kind: which sheet is the list, and its rows.

use std::ops::ControlFlow;
use std::path::Path;

use super::bounds::{MOST_TEXT, SPLIT, WIDEST};
use super::header::HeaderRule;
use super::intake::{Intake, MOST_ABOVE, RawRow};
use super::ods::OdsBook;
use super::plain::PlainBook;
use super::table::TooLarge;
use super::xlsx::XlsxBook;
use super::{Findings, Table, archive};
use crate::config::{HiddenRows, ManifestConfig};
use crate::contain;
use crate::finding::{Finding, quote, quote_up_to};

/// What else may be done about a workbook that cannot be read.
const SAVE_ANEW: &str =
    "correct [manifest] path, or save the list again as .xlsx without a password";

/// A kind of workbook, by the ending of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BookKind {
    /// Excel since 2007, with or without macros.
    Xlsx,
    /// Excel's binary form of the same.
    Xlsb,
    /// Excel until 2003.
    Xls,
    /// `OpenDocument`.
    Ods,
}

impl BookKind {
    /// The kind of a file; none if it is no workbook.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        Some(match ending.as_str() {
            "xlsx" | "xlsm" => Self::Xlsx,
            "xlsb" => Self::Xlsb,
            "xls" => Self::Xls,
            "ods" => Self::Ods,
            _ => return None,
        })
    }
}

/// Why a sheet cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum SheetError {
    /// The library cannot read it.
    #[error("{0}")]
    Cells(String),
    /// A row, counted from 1, is too wide.
    #[error("row {0} has more than {WIDEST} columns")]
    Width(u32),
    /// A row, counted from 1, has too much text.
    #[error("row {0} has more than {most} MB of text", most = MOST_TEXT >> 20)]
    Text(u32),
    /// The table has no room for another row.
    #[error(transparent)]
    Full(#[from] TooLarge),
}

/// A sheet of a workbook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SheetName {
    /// Its name.
    pub name: String,
    /// Whether a person sees it.
    pub is_visible: bool,
}

/// Takes a row, and says whether another one is wanted.
pub(super) type RowSink<'a> = dyn FnMut(RawRow) -> Result<ControlFlow<()>, SheetError> + 'a;

/// A workbook that is open.
pub(super) trait Book {
    /// Its sheets.
    fn sheets(&self) -> Vec<SheetName>;

    /// Gives the rows of a sheet, from the first one on.
    fn rows(&mut self, sheet: &str, sink: &mut RowSink<'_>) -> Result<(), SheetError>;

    /// The same for those who only want the first few, and their texts alone.
    fn texts(&mut self, sheet: &str, sink: &mut RowSink<'_>) -> Result<(), SheetError> {
        self.rows(sheet, sink)
    }

    /// Whether it says which rows are hidden.
    fn knows_hidden_rows(&self) -> bool;
}

/// Reads the list of a workbook into a table, and says which sheet it is. Without a table the findings
/// say why.
pub(super) fn read(
    bytes: &[u8],
    kind: BookKind,
    config: &ManifestConfig,
    findings: &mut Findings,
) -> Option<(Table, String)> {
    contained(bytes, kind, findings, |book, findings| {
        let name = choose(book, config, findings)?;
        let rule = HeaderRule::Named(config);
        let mut intake = Intake::new(rule, config.hidden_rows);
        let read = book.rows(&name, &mut |row| {
            intake.row(row, findings)?;
            Ok(ControlFlow::Continue(()))
        });
        let table = match read.and_then(|()| Ok(intake.end(findings)?)) {
            Ok(table) => table,
            Err(error) => {
                findings.add(unreadable_sheet(&name, &error));
                return None;
            }
        };
        let Some(table) = table else {
            findings.add(match config.header_row {
                Some(row) => Finding::fault(
                    format!("the sheet `{}` has nothing in row {row}", quote(&name)),
                    "correct [manifest] header_row, or leave it out: it is found",
                ),
                None => Finding::fault(
                    format!("the sheet `{}` is empty", quote(&name)),
                    "check [manifest] sheet: the first row must hold the column names",
                ),
            });
            return None;
        };
        if !book.knows_hidden_rows() && config.hidden_rows != HiddenRows::Send {
            findings.add(Finding::warning(
                "hidden rows and number formats of this workbook cannot be seen: rows that a filter hides are \
                 read too, and numbers have no more than their digits",
                "save the list as .xlsx; hidden_rows = \"send\" in [manifest] says that none is hidden",
            ));
        }
        Some((table, name))
    })
}

/// Opens a workbook and does something with it; what panics in a library is a damaged file.
pub(super) fn contained<T>(
    bytes: &[u8],
    kind: BookKind,
    findings: &mut Findings,
    act: impl FnOnce(&mut dyn Book, &mut Findings) -> Option<T>,
) -> Option<T> {
    if kind != BookKind::Xls
        && let Err(excess) = archive::check(bytes)
    {
        findings.add(Finding::fault(
            format!("the workbook is not read: {excess}"),
            SPLIT,
        ));
        return None;
    }
    let done = contain::panics(|| match open(bytes, kind) {
        Ok(mut book) => act(&mut *book, findings),
        Err(text) => {
            findings.add(Finding::fault(
                // It may name what stands in the file.
                format!("the workbook cannot be read: {}", quote_up_to(200, &text)),
                SAVE_ANEW,
            ));
            None
        }
    });
    done.unwrap_or_else(|_| {
        findings.add(Finding::fault(
            "the workbook cannot be read: it is damaged",
            SAVE_ANEW,
        ));
        None
    })
}

fn open(bytes: &[u8], kind: BookKind) -> Result<Box<dyn Book + '_>, String> {
    Ok(match kind {
        BookKind::Xlsx => Box::new(XlsxBook::open(bytes).map_err(|error| error.to_string())?),
        BookKind::Xlsb => Box::new(PlainBook::xlsb(bytes).map_err(|error| error.to_string())?),
        BookKind::Xls => Box::new(PlainBook::xls(bytes).map_err(|error| error.to_string())?),
        BookKind::Ods => Box::new(OdsBook::open(bytes).map_err(|error| error.to_string())?),
    })
}

fn unreadable_sheet(name: &str, error: &SheetError) -> Finding {
    Finding::fault(
        format!(
            "the sheet `{}` cannot be read: {}",
            quote(name),
            quote_up_to(200, &error.to_string())
        ),
        "save the list again as .xlsx or as \"CSV UTF-8\"",
    )
}

fn listed(names: &[&str]) -> String {
    let names: Vec<_> = names
        .iter()
        .map(|name| format!("`{}`", quote(name)))
        .collect();
    names.join(", ")
}

/// The sheet that is the list: the named one, else the first visible one that has the columns.
fn choose(book: &mut dyn Book, config: &ManifestConfig, findings: &mut Findings) -> Option<String> {
    let sheets = book.sheets();
    let all: Vec<&str> = sheets.iter().map(|sheet| &*sheet.name).collect();
    if let Some(wanted) = &config.sheet {
        if all.contains(&wanted.as_str()) {
            return Some(wanted.clone());
        }
        findings.add(Finding::fault(
            format!("the workbook has no sheet `{}`", quote(wanted)),
            format!("the sheets are {}: correct [manifest] sheet", listed(&all)),
        ));
        return None;
    }
    let seen: Vec<&str> = sheets
        .iter()
        .filter(|sheet| sheet.is_visible)
        .map(|sheet| &*sheet.name)
        .collect();
    let Some(&first) = seen.first().or(all.first()) else {
        findings.add(Finding::fault("the workbook has no sheet", SAVE_ANEW));
        return None;
    };
    let has = |book: &mut dyn Book, name: &str| columns(book, name, config);
    let lists: Vec<&str> = seen
        .iter()
        .copied()
        .filter(|name| matches!(has(book, name), Some((found, of)) if found == of))
        .collect();
    let chosen = lists.first().copied().unwrap_or(first);
    for sheet in sheets.iter().filter(|sheet| !sheet.is_visible) {
        let is_list = matches!(has(book, &sheet.name), Some((found, of)) if found == of);
        if is_list && sheet.name != chosen {
            findings.add(Finding::warning(
                format!(
                    "the sheet `{}` is hidden and has the same columns: it is not read",
                    quote(&sheet.name)
                ),
                format!(
                    "name the sheet that is meant in [manifest]: sheet = \"{}\"",
                    quote(chosen)
                ),
            ));
        }
    }
    if lists.len() > 1 {
        findings.add(Finding::warning(
            format!(
                "several sheets have the columns of the list: {}; `{}` is read and the others are not",
                listed(&lists),
                quote(chosen)
            ),
            format!(
                "name the sheet that is meant in [manifest]: sheet = \"{}\"; a batch has one",
                quote(chosen)
            ),
        ));
    } else if chosen != first {
        findings.add(Finding::notice(
            format!(
                "the sheet `{}` is not the list, so `{}` is read, which has its columns",
                quote(first),
                quote(chosen)
            ),
            format!(
                "write sheet = \"{}\" in [manifest] to be certain",
                quote(chosen)
            ),
        ));
    }
    Some(chosen.to_owned())
}

/// How many of the named columns the header of a sheet has, and of how many; none for a sheet that
/// cannot be read or has nothing in it.
fn columns(book: &mut dyn Book, name: &str, config: &ManifestConfig) -> Option<(usize, usize)> {
    let above = first_rows(book, name)?;
    let rule = HeaderRule::Named(config);
    let header = rule.find(&above)?;
    Some(rule.has(&above[header]))
}

/// The first rows of a sheet that are not blank.
pub(super) fn first_rows(book: &mut dyn Book, name: &str) -> Option<Vec<RawRow>> {
    let mut above: Vec<RawRow> = Vec::new();
    book.texts(name, &mut |row| {
        if !row.is_blank() {
            above.push(row);
        }
        Ok(if above.len() < MOST_ABOVE {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        })
    })
    .ok()?;
    Some(above)
}
