//! The rows of the dispatch list, with what became of each.

use std::borrow::Cow;
use std::io::{self, Write};

use csv::{Writer, WriterBuilder};

use super::Record;
use super::columns::{ADDED, added};

impl Record {
    /// Writes one line for each row of the dispatch list, then one for each letter that the list no
    /// longer has.
    ///
    /// A cell that a spreadsheet would take for a formula begins with an apostrophe, whoever wrote it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn write_csv(&self, to: &mut dyn Write) -> io::Result<()> {
        let mut rows = WriterBuilder::new()
            .terminator(csv::Terminator::CRLF)
            .from_writer(to);
        line(&mut rows, self.own_headers().into_iter().chain(ADDED))?;
        for row in self.rows() {
            let added = added(row);
            let added: [Cow<'_, str>; 11] = std::array::from_fn(|column| added[column].text());
            let added = added.iter().map(AsRef::as_ref);
            line(&mut rows, self.own_cells(row).chain(added))?;
        }
        rows.flush()
    }
}

fn line<'a>(
    rows: &mut Writer<&mut dyn Write>,
    cells: impl Iterator<Item = &'a str>,
) -> io::Result<()> {
    for cell in cells {
        rows.write_field(harmless(cell).as_bytes())?;
    }
    rows.write_record(None::<&[u8]>)?;
    Ok(())
}

/// A cell that no spreadsheet takes for a formula, nor any part of it where one splits the line at
/// another sign than the comma, as it does in many countries.
fn harmless(cell: &str) -> Cow<'_, str> {
    let mut safe = String::new();
    let mut done = 0;
    // Blanks and quotation marks do not keep what follows from being a formula.
    let mut begins = true;
    let mut from = 0;
    for (at, c) in cell.char_indices() {
        if begins && is_formula(c) {
            safe.push_str(&cell[done..from]);
            safe.push('\'');
            done = from;
        }
        if matches!(c, ';' | '\t' | '|' | '\n' | '\r') {
            begins = true;
            from = at + c.len_utf8();
        } else if !matches!(c, ' ' | '"' | '\u{a0}') {
            begins = false;
        }
    }
    if done == 0 && safe.is_empty() {
        return cell.into();
    }
    safe.push_str(&cell[done..]);
    safe.into()
}

/// Whether a formula may begin so; the wide forms are taken for the others where Japanese is written.
fn is_formula(c: char) -> bool {
    matches!(c, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn no_part_of_a_cell_is_a_formula() {
        for (cell, safe) in [
            ("=1+1", "'=1+1"),
            ("Oak;=1+1", "Oak;'=1+1"),
            ("Oak\t=1+1", "Oak\t'=1+1"),
            ("Oak|@x; \"=1", "Oak|'@x;' \"=1"),
            ("\t=1+1", "\t'=1+1"),
            ("\r\n-1", "\r\n'-1"),
            ("＝1", "'＝1"),
            ("St Mary-le-Bow; a@x.example", "St Mary-le-Bow; a@x.example"),
            ("", ""),
        ] {
            assert_eq!(harmless(cell), safe, "{cell:?}");
        }
    }

    proptest! {
        #[test]
        fn no_part_begins_like_a_formula(cell in "[=+@;|\\t\\r \"-]{0,4}\\PC{0,8}[;|\\t][=+@ -]{0,3}x") {
            let safe = harmless(&cell);
            for part in safe.split([';', '\t', '|', '\n', '\r']) {
                let part = part.trim_start_matches([' ', '"', '\u{a0}']);
                prop_assert!(!part.starts_with(is_formula), "{:?}", safe);
            }
            prop_assert_eq!(safe.replace('\'', ""), cell.replace('\'', ""));
        }
    }
}
