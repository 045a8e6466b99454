//! XLS and XLSB: the values alone, for the library gives neither number formats nor hidden rows.

use std::io::Cursor;
use std::ops::ControlFlow;

use calamine::{
    Data, DataRef, ExcelDateTime, Reader, SheetVisible, Xls, XlsError, Xlsb, XlsbError,
};

use super::bounds::{MOST_TEXT, WIDEST};
use super::intake::{CellNote, RawRow};
use super::shown::NumberStyle;
use super::workbook::{Book, RowSink, SheetError, SheetName};

/// A workbook of one of the older forms.
pub(super) enum PlainBook<'a> {
    /// Excel until 2003.
    Xls(Box<Xls<Cursor<&'a [u8]>>>),
    /// The binary form of XLSX.
    Xlsb(Box<Xlsb<Cursor<&'a [u8]>>>),
}

impl<'a> PlainBook<'a> {
    /// Opens a workbook of Excel until 2003.
    pub fn xls(bytes: &'a [u8]) -> Result<Self, XlsError> {
        Ok(Self::Xls(Box::new(Xls::new(Cursor::new(bytes))?)))
    }

    /// Opens a binary workbook.
    pub fn xlsb(bytes: &'a [u8]) -> Result<Self, XlsbError> {
        Ok(Self::Xlsb(Box::new(Xlsb::new(Cursor::new(bytes))?)))
    }
}

impl From<XlsbError> for SheetError {
    fn from(error: XlsbError) -> Self {
        Self::Cells(error.to_string())
    }
}

impl From<XlsError> for SheetError {
    fn from(error: XlsError) -> Self {
        Self::Cells(error.to_string())
    }
}

impl Book for PlainBook<'_> {
    fn sheets(&self) -> Vec<SheetName> {
        let sheets = match self {
            Self::Xls(book) => book.sheets_metadata(),
            Self::Xlsb(book) => book.sheets_metadata(),
        };
        let sheets = sheets.iter();
        sheets
            .map(|sheet| SheetName {
                name: sheet.name.clone(),
                is_visible: sheet.visible == SheetVisible::Visible,
            })
            .collect()
    }

    fn knows_hidden_rows(&self) -> bool {
        false
    }

    fn rows(&mut self, sheet: &str, sink: &mut RowSink<'_>) -> Result<(), SheetError> {
        let mut row = RawRow::default();
        let mut text = 0;
        let mut cell = |at: (u32, u32), shown: ShownCell| -> Result<bool, SheetError> {
            if row.number != at.0 + 1 {
                if !row.is_blank() && sink(std::mem::take(&mut row))?.is_break() {
                    return Ok(false);
                }
                text = 0;
                row = RawRow {
                    number: at.0 + 1,
                    ..RawRow::default()
                };
            }
            text += shown.text.len();
            if text > MOST_TEXT {
                return Err(SheetError::Text(row.number));
            }
            let column = at.1 as usize;
            if shown.text.trim().is_empty() {
                return Ok(true);
            }
            if column >= WIDEST {
                return Err(SheetError::Width(row.number));
            }
            if row.cells.len() <= column {
                row.cells.resize(column + 1, String::new());
            }
            if shown.is_error {
                let note = CellNote::Error(shown.text.clone());
                row.notes.push((column, note));
            }
            row.cells[column] = shown.text;
            Ok(true)
        };
        match self {
            Self::Xls(book) => {
                let range = book.worksheet_range(sheet)?;
                let (top, left) = range.start().unwrap_or_default();
                for (below, right, value) in range.used_cells() {
                    let at = (top + narrow(below), left + narrow(right));
                    if !cell(at, of_data(value))? {
                        return Ok(());
                    }
                }
            }
            Self::Xlsb(book) => {
                let mut cells = book.worksheet_cells_reader(sheet)?;
                while let Some(found) = cells.next_cell()? {
                    if !cell(found.get_position(), of_ref(found.get_value()))? {
                        return Ok(());
                    }
                }
            }
        }
        if !row.is_blank() {
            let _: ControlFlow<()> = sink(row)?;
        }
        Ok(())
    }
}

struct ShownCell {
    text: String,
    is_error: bool,
}

impl From<String> for ShownCell {
    fn from(text: String) -> Self {
        Self {
            text,
            is_error: false,
        }
    }
}

fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn of_data(value: &Data) -> ShownCell {
    match value {
        Data::Empty => String::new().into(),
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => {
            text.clone().into()
        }
        Data::Int(number) => number.to_string().into(),
        Data::Float(number) => super::shown::general(*number).into(),
        Data::Bool(value) => yes_or_no(*value),
        Data::DateTime(moment) => date(moment),
        Data::Error(error) => ShownCell {
            text: error.to_string(),
            is_error: true,
        },
    }
}

fn of_ref(value: &DataRef<'_>) -> ShownCell {
    match value {
        DataRef::SharedString(text) => (*text).to_owned().into(),
        other => of_data(&other.clone().into()),
    }
}

fn yes_or_no(value: bool) -> ShownCell {
    if value { "TRUE" } else { "FALSE" }.to_owned().into()
}

fn date(moment: &ExcelDateTime) -> ShownCell {
    let number = moment.as_f64();
    let text = if moment.is_duration() {
        NumberStyle::of("[h]:mm:ss", None).show(number, true, false)
    } else {
        // The library has chosen between the two epochs where it reads the parts of a date.
        let (year, month, day, hour, minute, second, _) = moment.to_ymd_hms_milli();
        match (number.trunc() == 0.0, number.fract() == 0.0) {
            (_, true) => format!("{year:04}-{month:02}-{day:02}"),
            (true, false) => format!("{hour:02}:{minute:02}:{second:02}"),
            (false, false) => {
                format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
            }
        }
    };
    text.into()
}
