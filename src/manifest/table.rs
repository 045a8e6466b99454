//! Cells in one block of text.

/// A table that does not fit: more than 4 GB of text.
#[derive(Debug)]
pub struct TooLarge;

/// A header and rows of cells, held in one block of text.
#[derive(Debug, Default)]
pub struct Table {
    headers: Vec<String>,
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

    /// Adds a row; cells beyond the header are dropped and missing ones are empty.
    ///
    /// # Errors
    /// When the table would hold more than 4 GB of text.
    pub fn push<'a>(
        &mut self,
        number: u32,
        cells: impl Iterator<Item = &'a str>,
    ) -> Result<(), TooLarge> {
        let mut cells = cells.fuse();
        for _ in 0..self.headers.len() {
            self.text.push_str(cells.next().unwrap_or(""));
            self.ends
                .push(u32::try_from(self.text.len()).map_err(|_| TooLarge)?);
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
