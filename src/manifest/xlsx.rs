//! XLSX, cell by cell, as a person sees it in Excel.

use std::io::Cursor;

use calamine::{CellErrorType, DataRef, Reader, Xlsx, XlsxError};

use super::bounds::{MOST_FINDINGS, MOST_TEXT, SPLIT, WIDEST};
use super::table::TooLarge;
use super::{Findings, Table, archive};
use crate::contain;
use crate::fault::{Fault, quote, quote_up_to};

type Book<'a> = Xlsx<Cursor<&'a [u8]>>;

/// What else may be done about a workbook that the library cannot read.
const SAVE_ANEW: &str =
    "correct [manifest] path, or save the list anew as .xlsx without a password";

/// Reads one sheet, the first unless named, into a table. Without a table the findings say why.
pub(super) fn read(bytes: &[u8], sheet: Option<&str>, findings: &mut Findings) -> Option<Table> {
    if let Err(excess) = archive::check(bytes) {
        findings.add(Fault::new(
            format!("the workbook is not read: {excess}"),
            SPLIT,
        ));
        return None;
    }
    contain::panics(|| read_cells(bytes, sheet, findings)).unwrap_or_else(|_| {
        findings.add(Fault::new(
            "the workbook cannot be read: it is damaged",
            SAVE_ANEW,
        ));
        None
    })
}

fn read_cells(bytes: &[u8], sheet: Option<&str>, findings: &mut Findings) -> Option<Table> {
    let mut workbook = match Book::new(Cursor::new(bytes)) {
        Ok(workbook) => workbook,
        Err(error) => {
            findings.add(Fault::new(
                // It may name what stands in the file.
                format!(
                    "the workbook cannot be read: {}",
                    quote_up_to(200, &error.to_string())
                ),
                SAVE_ANEW,
            ));
            return None;
        }
    };
    let names = workbook.sheet_names();
    let name = match sheet {
        Some(wanted) => names.iter().find(|name| *name == wanted),
        None => names.first(),
    };
    let Some(name) = name.cloned() else {
        let names: Vec<_> = names
            .iter()
            .map(|name| format!("`{}`", quote(name)))
            .collect();
        findings.add(Fault::new(
            format!(
                "the workbook has no sheet `{}`",
                quote(sheet.unwrap_or("1"))
            ),
            format!(
                "the sheets are {}: correct [manifest] sheet",
                names.join(", ")
            ),
        ));
        return None;
    };
    let mut sheet = match Sheet::read(&mut workbook, &name) {
        Ok(sheet) => sheet,
        Err(error) => {
            findings.add(Fault::new(
                format!(
                    "the sheet `{}` cannot be read: {}",
                    quote(&name),
                    quote_up_to(200, &error.to_string())
                ),
                "save the list anew as .xlsx or as \"CSV UTF-8\"",
            ));
            return None;
        }
    };
    for fault in sheet.faults.drain(..) {
        findings.add(fault);
    }
    let Some(mut table) = sheet.table else {
        findings.add(Fault::new(
            format!("the sheet `{}` is empty", quote(&name)),
            "check [manifest] sheet: the first row must hold the column names",
        ));
        return None;
    };
    table.shrink();
    Some(table)
}

/// Why a sheet cannot be read.
#[derive(Debug, thiserror::Error)]
enum SheetError {
    /// The library cannot read it.
    #[error(transparent)]
    Cells(#[from] XlsxError),
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

/// A sheet as it is read: the first row with anything in it is the header.
#[derive(Default)]
struct Sheet {
    table: Option<Table>,
    row: Vec<String>,
    /// The text of the row: a shared string may stand in each of its cells.
    row_text: usize,
    faults: Vec<Fault>,
}

impl Sheet {
    fn read(workbook: &mut Book<'_>, name: &str) -> Result<Self, SheetError> {
        let mut cells = workbook.worksheet_cells_reader(name)?;
        let formats: Vec<Option<usize>> = cells
            .styles()
            .iter()
            .map(|style| {
                let format = style.number_format.as_ref();
                format.and_then(|format| leading_zeros(&format.format_code))
            })
            .collect();
        let mut sheet = Self::default();
        let mut current = None;
        while let Some((cell, style)) = cells.next_cell_with_style_id()? {
            let (row, column) = cell.get_position();
            if current != Some(row) {
                sheet.end_row(current)?;
                current = Some(row);
            }
            let column = column as usize;
            if column >= WIDEST {
                return Err(SheetError::Width(row + 1));
            }
            match shown(cell.get_value(), formats.get(style).copied().flatten()) {
                Ok(text) if text.is_empty() => {}
                Ok(text) => {
                    sheet.row_text += text.len();
                    if sheet.row_text > MOST_TEXT {
                        return Err(SheetError::Text(row + 1));
                    }
                    if sheet.row.len() <= column {
                        sheet.row.resize(column + 1, String::new());
                    }
                    sheet.row[column] = text;
                }
                Err(error) => sheet.note_error(row + 1, column, error),
            }
        }
        sheet.end_row(current)?;
        Ok(sheet)
    }

    fn note_error(&mut self, row: u32, column: usize, error: &CellErrorType) {
        if self.faults.len() > MOST_FINDINGS {
            return;
        }
        let fault = Fault::new(
            format!("the cell shows the error {error}"),
            "mend the formula, or put the value there",
        )
        .row(row);
        let headers = self.table.as_ref().map(Table::headers);
        let header = headers.and_then(|headers| headers.get(column));
        let header = match header {
            Some(header) if !header.trim().is_empty() => header.clone(),
            _ => format!("{}", column + 1),
        };
        self.faults.push(fault.column(header));
    }

    fn end_row(&mut self, row: Option<u32>) -> Result<(), SheetError> {
        let Some(row) = row else { return Ok(()) };
        let cells = std::mem::take(&mut self.row);
        self.row_text = 0;
        if cells.iter().all(|cell| cell.trim().is_empty()) {
            return Ok(());
        }
        let Some(table) = &mut self.table else {
            self.table = Some(Table::new(cells));
            return Ok(());
        };
        let width = table.headers().len();
        if self.faults.len() <= MOST_FINDINGS
            && cells.iter().skip(width).any(|cell| !cell.trim().is_empty())
        {
            self.faults.push(
                Fault::new(
                    format!(
                        "the row has a value in column {}, which has no header",
                        cells.len()
                    ),
                    "give the column a name, or empty the cell",
                )
                .row(row + 1),
            );
        }
        table.push(row + 1, cells.iter().map(String::as_str))?;
        Ok(())
    }
}

/// A cell as Excel shows it, or the error that it shows.
fn shown<'a>(value: &'a DataRef<'_>, zeros: Option<usize>) -> Result<String, &'a CellErrorType> {
    Ok(match value {
        DataRef::Empty => String::new(),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
            text.clone()
        }
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Int(number) => padded(number.to_string(), zeros),
        // A whole number has no ".0" in Excel, and Rust prints none for it either.
        DataRef::Float(number) => padded(number.to_string(), zeros),
        DataRef::Bool(value) => if *value { "TRUE" } else { "FALSE" }.to_owned(),
        DataRef::DateTime(moment) => {
            let (year, month, day, hour, minute, second, _) = moment.to_ymd_hms_milli();
            if (hour, minute, second) == (0, 0, 0) {
                format!("{year:04}-{month:02}-{day:02}")
            } else {
                format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
            }
        }
        DataRef::Error(error) => return Err(error),
    })
}

/// The width of a number format that only adds zeros in front, such as `00000` for a school number.
fn leading_zeros(format: &str) -> Option<usize> {
    let only_zeros = format.len() > 1 && format.bytes().all(|byte| byte == b'0');
    only_zeros.then_some(format.len())
}

fn padded(digits: String, zeros: Option<usize>) -> String {
    match zeros {
        Some(width) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("{digits:0>width$}")
        }
        _ => digits,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_read_as_excel_shows_them() {
        for (value, zeros, text) in [
            (DataRef::String("0042".into()), None, "0042"),
            (DataRef::Float(1234.0), None, "1234"),
            (DataRef::Float(0.1), None, "0.1"),
            (DataRef::Float(42.0), Some(4), "0042"),
            (DataRef::Bool(true), None, "TRUE"),
        ] {
            assert_eq!(shown(&value, zeros).unwrap(), text);
        }
    }

    #[test]
    fn only_a_format_of_zeros_pads() {
        assert_eq!(leading_zeros("00000"), Some(5));
        assert_eq!(leading_zeros("0"), None);
        assert_eq!(leading_zeros("0.00"), None);
        assert_eq!(leading_zeros("General"), None);
    }
}
