//! XLS and XLSB, as a person sees them in Excel.

use std::io::Cursor;

use calamine::{Data, DataRef, Reader, SheetVisible, Xls, XlsError, Xlsb, XlsbError};

use super::biff::BiffMarks;
use super::sheet_rows::SheetRows;
use super::workbook::{Book, RowSink, SheetError, SheetName};

/// A workbook of one of the binary forms.
pub(super) struct PlainBook<'a> {
    bytes: &'a [u8],
    book: BinaryBook<'a>,
    /// Whether the marks of the sheet that was read were found.
    has_marks: bool,
}

enum BinaryBook<'a> {
    /// Excel until 2003.
    Xls(Box<Xls<Cursor<&'a [u8]>>>),
    /// The binary form of XLSX.
    Xlsb(Box<Xlsb<Cursor<&'a [u8]>>>),
}

impl<'a> PlainBook<'a> {
    fn new(bytes: &'a [u8], book: BinaryBook<'a>) -> Self {
        Self {
            bytes,
            book,
            has_marks: false,
        }
    }

    /// Opens a workbook of Excel until 2003.
    pub(super) fn xls(bytes: &'a [u8]) -> Result<Self, XlsError> {
        let book = BinaryBook::Xls(Box::new(Xls::new(Cursor::new(bytes))?));
        Ok(Self::new(bytes, book))
    }

    /// Opens a binary workbook.
    pub(super) fn xlsb(bytes: &'a [u8]) -> Result<Self, XlsbError> {
        let book = BinaryBook::Xlsb(Box::new(Xlsb::new(Cursor::new(bytes))?));
        Ok(Self::new(bytes, book))
    }

    fn read(
        &mut self,
        sheet: &str,
        biff: BiffMarks,
        sink: &mut RowSink<'_>,
    ) -> Result<(), SheetError> {
        let BiffMarks { marks, styles, .. } = biff;
        match &mut self.book {
            BinaryBook::Xls(book) => {
                let range = book.worksheet_range(sheet)?;
                let mut rows = SheetRows::new(marks, book.has_1904_epoch());
                let (top, left) = range.start().unwrap_or_default();
                for (below, right, value) in range.used_cells() {
                    let at = (top + narrow(below), left + narrow(right));
                    if rows
                        .cell(at, &borrowed(value), styles.of(at), sink)?
                        .is_break()
                    {
                        return Ok(());
                    }
                }
                rows.finish(sink)
            }
            BinaryBook::Xlsb(book) => {
                let mut rows = SheetRows::new(marks, book.has_1904_epoch());
                let mut cells = book.worksheet_cells_reader(sheet)?;
                while let Some(found) = cells.next_cell()? {
                    let at = found.get_position();
                    let taken = rows.cell(at, found.get_value(), styles.of(at), sink)?;
                    if taken.is_break() {
                        return Ok(());
                    }
                }
                rows.finish(sink)
            }
        }
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
        let sheets = match &self.book {
            BinaryBook::Xls(book) => book.sheets_metadata(),
            BinaryBook::Xlsb(book) => book.sheets_metadata(),
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
        self.has_marks
    }

    fn rows(&mut self, sheet: &str, sink: &mut RowSink<'_>) -> Result<(), SheetError> {
        let sheets = self.sheets();
        let place = sheets.iter().position(|other| other.name == sheet);
        let biff = place.and_then(|place| match &self.book {
            BinaryBook::Xls(_) => BiffMarks::of_xls(self.bytes, place),
            BinaryBook::Xlsb(_) => BiffMarks::of_xlsb(self.bytes, place),
        });
        self.has_marks = biff.is_some();
        self.read(sheet, biff.unwrap_or_default(), sink)
    }

    fn texts(&mut self, sheet: &str, sink: &mut RowSink<'_>) -> Result<(), SheetError> {
        self.read(sheet, BiffMarks::default(), sink)
    }
}

fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn borrowed(value: &Data) -> DataRef<'_> {
    match value {
        Data::Empty => DataRef::Empty,
        Data::String(text) => DataRef::SharedString(text),
        Data::DateTimeIso(text) => DataRef::DateTimeIso(text.clone()),
        Data::DurationIso(text) => DataRef::DurationIso(text.clone()),
        Data::Int(number) => DataRef::Int(*number),
        Data::Float(number) => DataRef::Float(*number),
        Data::Bool(value) => DataRef::Bool(*value),
        Data::DateTime(moment) => DataRef::DateTime(*moment),
        Data::Error(error) => DataRef::Error(error.clone()),
    }
}
