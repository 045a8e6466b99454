//! The rows of the record: those of the dispatch list as they are, then one for each letter that the
//! list no longer has.

use std::collections::{HashMap, HashSet};

use super::{Record, ReportedLetter};

/// One row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'a> {
    /// Its place in the list; none when the list no longer has it.
    listed: Option<usize>,
    /// The letter that it belongs to; none when no plan had it.
    pub letter: Option<&'a ReportedLetter>,
    /// The key of `[manifest]` by which the row is left out, or that there is no report.
    pub left_out: Option<&'static str>,
}

impl Record {
    /// The names of the list's own columns; the id's alone where there is no list.
    pub(super) fn own_headers(&self) -> Vec<&str> {
        match &self.list {
            Some(list) => {
                let headers = list.manifest.headers();
                headers.iter().map(String::as_str).collect()
            }
            None => vec!["id"],
        }
    }

    /// All rows. Those of the list that are blank are left out.
    pub(super) fn rows(&self) -> Vec<Row<'_>> {
        let letters = self.letters.iter();
        let by_id: HashMap<&str, &ReportedLetter> = letters
            .map(|letter| (letter.record.id.as_str(), letter))
            .collect();
        let mut rows = Vec::new();
        let mut listed = HashSet::new();
        if let Some(list) = &self.list {
            let table = list.manifest.table();
            let width = list.manifest.headers().len();
            let mut left_out = table.left_out().peekable();
            for row in 0..table.len() {
                if (0..width).all(|column| table.cell(row, column).trim().is_empty()) {
                    continue;
                }
                let id = table.cell(row, list.id_column).trim();
                while left_out.next_if(|(other, _)| *other < row).is_some() {}
                let reason = left_out.next_if(|(other, _)| *other == row);
                listed.insert(id);
                rows.push(Row {
                    listed: Some(row),
                    letter: by_id.get(id).copied(),
                    left_out: reason.map(|(_, reason)| reason.word()),
                });
            }
        }
        let left = self.letters.iter();
        let left = left.filter(|letter| !listed.contains(letter.record.id.as_str()));
        rows.extend(left.map(|letter| Row {
            listed: None,
            letter: Some(letter),
            left_out: None,
        }));
        rows
    }

    /// What stands in the list's own columns of a row.
    pub(super) fn own_cells<'a>(&'a self, row: Row<'a>) -> impl Iterator<Item = &'a str> {
        let list = self.list.as_ref();
        let (width, id_column) = list.map_or((1, 0), |list| {
            (list.manifest.headers().len(), list.id_column)
        });
        (0..width).map(move |column| match (row.listed, list) {
            (Some(row), Some(list)) => list.manifest.table().cell(row, column),
            _ if column == id_column => row.letter.map_or("", |letter| letter.record.id.as_str()),
            _ => "",
        })
    }
}
