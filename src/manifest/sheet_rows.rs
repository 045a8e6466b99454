//! Rows of a workbook's sheet, cell by cell, as a person sees them in Excel.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use calamine::DataRef;

use super::bounds::{MOST_TEXT, WIDEST};
use super::intake::{CellNote, RawRow};
use super::sheet_marks::{Merged, SheetMarks};
use super::shown::NumberStyle;
use super::workbook::{RowSink, SheetError};

/// A sheet as it is read.
pub(super) struct SheetRows {
    is_1904: bool,
    marks: SheetMarks,
    /// For each column the last row of the cells that are merged there now, and their text.
    merged: BTreeMap<usize, (u32, String)>,
    next_merged: usize,
    /// The text of the row: a shared string may stand in each of its cells.
    text: usize,
    row: RawRow,
}

impl SheetRows {
    /// Begins with a sheet that has these marks.
    pub(super) fn new(marks: SheetMarks, is_1904: bool) -> Self {
        Self {
            is_1904,
            marks,
            merged: BTreeMap::new(),
            next_merged: 0,
            text: 0,
            row: RawRow::default(),
        }
    }

    /// Takes the next cell, and hands over the row before it where that has ended. Cells come row by row.
    pub(super) fn cell(
        &mut self,
        (row, column): (u32, u32),
        value: &DataRef<'_>,
        style: &NumberStyle,
        sink: &mut RowSink<'_>,
    ) -> Result<ControlFlow<()>, SheetError> {
        if self.row.number != row + 1 {
            if self.end()?.is_some_and(|row| !row.is_blank()) && sink(self.take())?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
            self.begin(row);
        }
        self.add(row, column as usize, value, style)?;
        Ok(ControlFlow::Continue(()))
    }

    /// Hands over the last row.
    pub(super) fn finish(mut self, sink: &mut RowSink<'_>) -> Result<(), SheetError> {
        if self.end()?.is_some_and(|row| !row.is_blank()) {
            let _: ControlFlow<()> = sink(self.take())?;
        }
        Ok(())
    }

    fn begin(&mut self, row: u32) {
        self.text = 0;
        self.row = RawRow {
            number: row + 1,
            is_hidden: self.marks.is_hidden(row),
            ..RawRow::default()
        };
    }

    fn take(&mut self) -> RawRow {
        std::mem::take(&mut self.row)
    }

    fn add(
        &mut self,
        row: u32,
        column: usize,
        value: &DataRef<'_>,
        style: &NumberStyle,
    ) -> Result<(), SheetError> {
        let is_1904 = self.is_1904;
        let text = match value {
            DataRef::Empty => {
                // A cell that only has a colour costs nothing, wherever it is.
                if column < WIDEST && self.marks.is_without_value(row, column) {
                    self.row.notes.push((column, CellNote::NoValue));
                }
                return Ok(());
            }
            DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
                text.clone()
            }
            DataRef::SharedString(text) => (*text).to_owned(),
            DataRef::Int(number) => style.show(*number as f64, false, is_1904),
            DataRef::Float(number) => style.show(*number, false, is_1904),
            DataRef::DateTime(moment) => style.show(moment.as_f64(), true, is_1904),
            DataRef::Bool(value) => if *value { "TRUE" } else { "FALSE" }.to_owned(),
            DataRef::Error(error) => {
                if column < WIDEST {
                    let note = CellNote::Error(error.to_string());
                    self.row.notes.push((column, note));
                }
                error.to_string()
            }
        };
        if text.trim().is_empty() {
            if self.marks.is_without_value(row, column) && column < WIDEST {
                self.row.notes.push((column, CellNote::NoValue));
            }
            return Ok(());
        }
        if column >= WIDEST {
            return Err(SheetError::Width(row + 1));
        }
        self.put(column, text)?;
        if let Some(address) = self.marks.link(row, column) {
            let note = CellNote::Mail(address.to_owned());
            self.row.notes.push((column, note));
        }
        Ok(())
    }

    fn put(&mut self, column: usize, text: String) -> Result<(), SheetError> {
        self.text += text.len();
        if self.text > MOST_TEXT {
            return Err(SheetError::Text(self.row.number));
        }
        if self.row.cells.len() <= column {
            self.row.cells.resize(column + 1, String::new());
        }
        self.row.cells[column] = text;
        Ok(())
    }

    /// Ends the row: merged cells stand for each of their rows.
    fn end(&mut self) -> Result<Option<&RawRow>, SheetError> {
        let Some(row) = self.row.number.checked_sub(1) else {
            return Ok(None);
        };
        self.merged.retain(|_, (last, _)| *last >= row);
        if !self.row.is_blank() && !self.merged.is_empty() {
            let filled: Vec<(usize, String)> = self
                .merged
                .iter()
                .filter(|(column, _)| self.row.cells.get(**column).is_none_or(String::is_empty))
                .map(|(column, (_, text))| (*column, text.clone()))
                .collect();
            for (column, text) in filled {
                self.put(column, text)?;
            }
        }
        while let Some(&Merged {
            first_row,
            last_row,
            column,
        }) = self.marks.merged.get(self.next_merged)
        {
            if first_row > row {
                break;
            }
            self.next_merged += 1;
            let text = self.row.cells.get(column);
            if let Some(text) = text.filter(|text| first_row == row && !text.is_empty()) {
                self.merged.insert(column, (last_row, text.clone()));
            }
        }
        Ok(Some(&self.row))
    }
}
