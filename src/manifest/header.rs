//! Which row holds the column names: lists have titles and notes above it.

use super::intake::RawRow;
use crate::config::ManifestConfig;

/// How the header is known.
#[derive(Clone, Copy, Debug)]
pub(super) enum HeaderRule<'a> {
    /// By the columns that the batch file names, or by its own row.
    Named(&'a ManifestConfig),
    /// By what stands in the rows: nobody has named a column yet.
    Guessed,
}

impl HeaderRule<'_> {
    /// The header among the first rows that are not blank; none when there are none.
    pub(super) fn find(self, rows: &[RawRow]) -> Option<usize> {
        match self {
            Self::Named(config) => match config.header_row {
                Some(number) => rows.iter().position(|row| row.number == number.get()),
                // On a tie the first one wins.
                None => best(rows, |row| named(config, row)),
            },
            Self::Guessed => guessed(rows),
        }
    }

    /// Whether a row is the header whatever stands below it.
    pub(super) fn is_certain(self, row: &RawRow) -> bool {
        match self {
            Self::Named(config) => match config.header_row {
                Some(number) => row.number == number.get(),
                None => named(config, row) == names(config).count(),
            },
            Self::Guessed => false,
        }
    }

    /// Whether a column of this name holds addresses. While nobody has named one, any may.
    pub(super) fn is_of_addresses(self, name: &str) -> bool {
        match self {
            Self::Named(config) => {
                let mut columns = config
                    .to
                    .iter()
                    .chain(&config.cc)
                    .chain(&config.bcc)
                    .chain(&config.require);
                columns.any(|column| column == name)
            }
            Self::Guessed => true,
        }
    }

    /// How many of the named columns a row has, and of how many.
    pub(super) fn has(self, row: &RawRow) -> (usize, usize) {
        match self {
            Self::Named(config) => (named(config, row), names(config).count()),
            Self::Guessed => (0, 0),
        }
    }
}

fn names(config: &ManifestConfig) -> impl Iterator<Item = &String> {
    [&config.id, &config.name]
        .into_iter()
        .chain(&config.to)
        .chain(&config.cc)
        .chain(&config.bcc)
}

fn named(config: &ManifestConfig, row: &RawRow) -> usize {
    names(config)
        .filter(|name| row.cells.iter().any(|cell| cell.trim() == name.trim()))
        .count()
}

fn best(rows: &[RawRow], score: impl Fn(&RawRow) -> usize) -> Option<usize> {
    let mut best = None;
    for (place, row) in rows.iter().enumerate() {
        let score = score(row);
        if best.is_none_or(|(_, most)| score > most) {
            best = Some((place, score));
        }
    }
    best.map(|(place, _)| place)
}

/// The fullest row of names above the first row with an address.
fn guessed(rows: &[RawRow]) -> Option<usize> {
    let has_address = |row: &RawRow| row.cells.iter().any(|cell| cell.contains('@'));
    let data = rows
        .iter()
        .position(has_address)
        .unwrap_or(rows.len())
        .max(1);
    best(&rows[..data.min(rows.len())], |row| {
        let mut seen: Vec<&str> = Vec::new();
        for cell in row.cells.iter().map(|cell| cell.trim()) {
            let is_name = cell.chars().any(char::is_alphabetic) && !seen.contains(&cell);
            if is_name {
                seen.push(cell);
            }
        }
        seen.len()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[&[&str]]) -> Vec<RawRow> {
        (1..)
            .zip(rows)
            .map(|(number, cells)| RawRow {
                number,
                cells: cells.iter().map(|cell| (*cell).to_owned()).collect(),
                ..RawRow::default()
            })
            .collect()
    }

    #[test]
    fn a_header_is_guessed_by_what_stands_below_it() {
        let list = rows(&[
            &["Dispatch 2026"],
            &["As of", "12 March"],
            &["No", "School", "Head", "Email"],
            &["1", "Oak", "Ms A", ""],
            &["2", "Elm", "Ms B", "b@s.example"],
        ]);
        assert_eq!(HeaderRule::Guessed.find(&list), Some(2));
        assert_eq!(HeaderRule::Guessed.find(&[]), None);
    }
}
