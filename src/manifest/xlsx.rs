//! XLSX and XLSM, cell by cell, as a person sees them in Excel.

use std::io::Cursor;

use calamine::{Reader, SheetVisible, Xlsx, XlsxError};

use super::sheet_marks::SheetMarks;
use super::sheet_rows::SheetRows;
use super::shown::NumberStyle;
use super::workbook::{Book, RowSink, SheetError, SheetName};

/// A workbook of Excel.
pub(super) struct XlsxBook<'a> {
    bytes: &'a [u8],
    book: Xlsx<Cursor<&'a [u8]>>,
}

impl<'a> XlsxBook<'a> {
    /// Opens it.
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, XlsxError> {
        Ok(Self {
            bytes,
            book: Xlsx::new(Cursor::new(bytes))?,
        })
    }
}

impl From<XlsxError> for SheetError {
    fn from(error: XlsxError) -> Self {
        Self::Cells(error.to_string())
    }
}

impl Book for XlsxBook<'_> {
    fn sheets(&self) -> Vec<SheetName> {
        let sheets = self.book.sheets_metadata().iter();
        sheets
            .map(|sheet| SheetName {
                name: sheet.name.clone(),
                is_visible: sheet.visible == SheetVisible::Visible,
            })
            .collect()
    }

    fn knows_hidden_rows(&self) -> bool {
        true
    }

    fn rows(&mut self, sheet: &str, sink: &mut RowSink<'_>) -> Result<(), SheetError> {
        let marks = SheetMarks::read(self.bytes, sheet);
        self.read(sheet, marks, sink)
    }

    fn texts(&mut self, sheet: &str, sink: &mut RowSink<'_>) -> Result<(), SheetError> {
        self.read(sheet, SheetMarks::default(), sink)
    }
}

impl XlsxBook<'_> {
    fn read(
        &mut self,
        sheet: &str,
        marks: SheetMarks,
        sink: &mut RowSink<'_>,
    ) -> Result<(), SheetError> {
        let is_1904 = self.book.has_1904_epoch();
        let mut cells = self.book.worksheet_cells_reader(sheet)?;
        let styles: Vec<NumberStyle> = cells
            .styles()
            .iter()
            .map(|style| match &style.number_format {
                Some(format) => NumberStyle::of(&format.format_code, format.format_id),
                None => NumberStyle::General,
            })
            .collect();
        let mut rows = SheetRows::new(marks, is_1904);
        while let Some((cell, style)) = cells.next_cell_with_style_id()? {
            let style = styles.get(style).unwrap_or(&NumberStyle::General);
            let taken = rows.cell(cell.get_position(), cell.get_value(), style, sink)?;
            if taken.is_break() {
                return Ok(());
            }
        }
        rows.finish(sink)
    }
}
