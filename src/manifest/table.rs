//! Cells in one block of text.

use super::bounds::{LARGEST_CELL, MOST_CELLS, MOST_ROWS, MOST_TEXT};

/// A table that does not fit, and which bound it is beyond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TooLarge {
    /// It has too many rows.
    #[error("it has more than {MOST_ROWS} rows")]
    Rows,
    /// It has too many cells.
    #[error("it has more than {MOST_CELLS} cells")]
    Cells,
    /// A cell of the row with this number is too long.
    #[error("row {0} has a cell with more than {most} MB of text", most = LARGEST_CELL >> 20)]
    Cell(u32),
    /// All cells together are too long.
    #[error("it has more than {} MB of text", MOST_TEXT >> 20)]
    Text,
}

/// What is wrong with a cell of a workbook, which matters where its column is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlawKind {
    /// It shows an error, such as `#N/A`.
    Error,
    /// It is a formula whose result was never stored.
    NoValue,
}

/// The flaws of one kind in one column. There may be as many as cells, so only the first is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColumnFlaw {
    /// The column, as an index.
    pub column: usize,
    /// What it is.
    pub kind: FlawKind,
    /// The first row that has it, as an index.
    pub first: usize,
    /// How many rows have it.
    pub rows: usize,
}

/// Why a row of the list is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftOutReason {
    /// It is hidden, and `hidden_rows` skips such rows.
    Hidden,
    /// It is not what `where` asks for.
    Condition,
    /// Its recipient lacks a report, and `missing` of `[[attachment]]` skips such recipients.
    NoReport,
}

impl LeftOutReason {
    /// The key of `[manifest]` by which the row is left out, or that there is no report.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Hidden => "hidden_rows",
            Self::Condition => "where",
            Self::NoReport => "no report",
        }
    }
}

/// A header and rows of cells, held in one block of text.
#[derive(Debug, Default)]
pub struct Table {
    headers: Vec<String>,
    header_row: u32,
    flaws: Vec<ColumnFlaw>,
    /// Rows that are left out, as indices, in their order.
    left_out: Vec<(u32, LeftOutReason)>,
    text: String,
    /// Where each cell ends in `text`; a cell begins where the one before it ends.
    ends: Vec<u32>,
    /// The row number that a person sees, for each row.
    numbers: Vec<u32>,
}

impl Table {
    /// An empty table with these headers.
    #[must_use]
    pub fn new(headers: Vec<String>) -> Self {
        Self {
            headers,
            ..Self::default()
        }
    }

    /// The same table with the row number of its header.
    #[must_use]
    pub(super) fn with_header_row(mut self, number: u32) -> Self {
        self.header_row = number;
        self
    }

    /// The row number of the header as a person sees it.
    #[must_use]
    pub fn header_row(&self) -> u32 {
        self.header_row
    }

    /// What is wrong with cells.
    #[must_use]
    pub fn flaws(&self) -> &[ColumnFlaw] {
        &self.flaws
    }

    pub(super) fn mark(&mut self, row: usize, column: usize, kind: FlawKind) {
        let mut flaws = self.flaws.iter_mut();
        match flaws.find(|flaw| flaw.column == column && flaw.kind == kind) {
            Some(flaw) => flaw.rows += 1,
            None => self.flaws.push(ColumnFlaw {
                column,
                kind,
                first: row,
                rows: 1,
            }),
        }
    }

    /// The rows that are left out, as indices, and why.
    #[must_use]
    pub fn left_out(&self) -> impl ExactSizeIterator<Item = (usize, LeftOutReason)> {
        let left_out = self.left_out.iter();
        left_out.map(|(row, reason)| (*row as usize, *reason))
    }

    /// Leaves a row out. Rows that are left out for one reason come in their order.
    pub(super) fn leave_out(&mut self, row: usize, reason: LeftOutReason) {
        let row = u32::try_from(row).unwrap_or(u32::MAX);
        if let Err(place) = self.left_out.binary_search_by_key(&row, |(row, _)| *row) {
            self.left_out.insert(place, (row, reason));
        }
    }

    /// Whether a row is left out.
    pub(super) fn is_left_out(&self, row: usize) -> bool {
        let row = u32::try_from(row).unwrap_or(u32::MAX);
        self.left_out
            .binary_search_by_key(&row, |(row, _)| *row)
            .is_ok()
    }

    /// All cells as one text.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Adds a row; cells beyond the header are dropped and missing ones are empty.
    ///
    /// # Errors
    /// When the table would hold more than a dispatch list can have: in a cell, in all cells, or in
    /// rows.
    pub fn push(
        &mut self,
        number: u32,
        cells: impl Iterator<Item = impl AsRef<str>>,
    ) -> Result<(), TooLarge> {
        if self.numbers.len() >= MOST_ROWS {
            return Err(TooLarge::Rows);
        }
        if self.ends.len() + self.headers.len() > MOST_CELLS {
            return Err(TooLarge::Cells);
        }
        let mut cells = cells.fuse();
        for _ in 0..self.headers.len() {
            let cell = cells.next();
            let cell = cell.as_ref().map_or("", AsRef::as_ref);
            if cell.len() > LARGEST_CELL {
                return Err(TooLarge::Cell(number));
            }
            if self.text.len() + cell.len() > MOST_TEXT {
                return Err(TooLarge::Text);
            }
            self.text.push_str(cell);
            let end = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
            self.ends.push(end);
        }
        self.numbers.push(number);
        Ok(())
    }

    /// The column headers as they stand in the file.
    #[must_use]
    pub fn headers(&self) -> &[String] {
        &self.headers
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// The number of a row as a person sees it in the file.
    #[must_use]
    pub fn number(&self, row: usize) -> u32 {
        self.numbers[row]
    }

    /// One cell.
    #[must_use]
    pub fn cell(&self, row: usize, column: usize) -> &str {
        let index = row * self.headers.len() + column;
        let start = match index {
            0 => 0,
            _ => self.ends[index - 1] as usize,
        };
        &self.text[start..self.ends[index] as usize]
    }

    /// Gives headers and cells, for a digest over all of them.
    pub fn each_part(&self, part: &mut dyn FnMut(&[u8])) {
        for header in &self.headers {
            part(header.as_bytes());
        }
        part(self.text.as_bytes());
        for end in &self.ends {
            part(&end.to_be_bytes());
        }
        // Who has no report is no matter of the list: whoever makes a digest of the letters has it.
        let of_the_list = self.left_out.iter();
        for (row, _) in of_the_list.filter(|(_, reason)| *reason != LeftOutReason::NoReport) {
            part(&row.to_be_bytes());
        }
    }

    pub(super) fn shrink(&mut self) {
        self.text.shrink_to_fit();
        self.ends.shrink_to_fit();
        self.numbers.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_found_again() {
        let mut table = Table::new(vec!["a".into(), "b".into()]);
        table.push(2, ["1", ""].into_iter()).unwrap();
        table.push(5, ["x"].into_iter()).unwrap();
        table.push(6, ["é", "y", "dropped"].into_iter()).unwrap();
        let cells: Vec<_> = (0..3)
            .map(|row| (table.cell(row, 0), table.cell(row, 1)))
            .collect();
        assert_eq!(cells, [("1", ""), ("x", ""), ("é", "y")]);
        assert_eq!(table.number(1), 5);
    }
}
