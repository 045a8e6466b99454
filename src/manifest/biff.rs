//! What workbooks of the binary forms say beside their values, and the reader of workbooks does not
//! give: hidden rows, merged cells and the number formats of cells.
//!
//! Records are those of MS-XLS section 2.4 (Excel until 2003, in a compound file) and MS-XLSB section 2.4
//! (parts of an archive). What cannot be read here is passed over: the reader of the values says so.

use std::collections::HashMap;
use std::io::{Cursor, Read};

use zip::ZipArchive;

use super::bounds::WIDEST;
use super::sheet_marks::{Merged, SheetMarks};
use super::shown::NumberStyle;

/// Cells with a format of their own beyond so many are shown by their digits.
const MOST_CELLS: usize = 1_000_000;
/// Excel has no more styles.
const MOST_STYLES: usize = 65_536;

/// The marks of one sheet, and how its cells show numbers.
#[derive(Debug, Default)]
pub(super) struct BiffMarks {
    pub marks: SheetMarks,
    pub styles: BiffStyles,
}

/// How the cells of a sheet show numbers.
#[derive(Debug, Default)]
pub(super) struct BiffStyles {
    styles: Vec<NumberStyle>,
    /// Styles of cells that do not show numbers by their digits alone, by row and column.
    of_cells: HashMap<(u32, u32), u32>,
}

impl BiffMarks {
    /// Those of a sheet of Excel until 2003, by its number; none when they cannot be found.
    pub(super) fn of_xls(bytes: &[u8], sheet: usize) -> Option<Self> {
        of_stream(&stream_of(bytes)?, sheet)
    }

    /// The same of the binary form of XLSX.
    pub(super) fn of_xlsb(bytes: &[u8], sheet: usize) -> Option<Self> {
        of_archive(bytes, sheet)
    }
}

impl BiffStyles {
    /// How a cell shows a number, by row and column.
    pub(super) fn of(&self, cell: (u32, u32)) -> &NumberStyle {
        let style = self.of_cells.get(&cell);
        style
            .and_then(|style| self.styles.get(*style as usize))
            .unwrap_or(&NumberStyle::General)
    }
}

/// Gathers what records say.
#[derive(Default)]
struct BiffGathering {
    codes: HashMap<u32, String>,
    /// For each style the number of its format.
    formats: Vec<u32>,
    hidden: Vec<u32>,
    merged: Vec<Merged>,
    of_cells: HashMap<(u32, u32), u32>,
}

impl BiffGathering {
    fn cell(&mut self, row: u32, column: u32, style: u32) {
        let is_plain = self
            .formats
            .get(style as usize)
            .is_none_or(|format| *format == 0);
        if !is_plain && (column as usize) < WIDEST && self.of_cells.len() < MOST_CELLS {
            self.of_cells.insert((row, column), style);
        }
    }

    fn format(&mut self, format: u32) {
        if self.formats.len() < MOST_STYLES {
            self.formats.push(format);
        }
    }

    fn merge(&mut self, first_row: u32, last_row: u32, column: u32) {
        if last_row > first_row && (column as usize) < WIDEST {
            self.merged.push(Merged {
                first_row,
                last_row,
                column: column as usize,
            });
        }
    }

    fn finish(self) -> BiffMarks {
        let styles = self.formats.iter().map(|format| {
            let own = self.codes.get(format).map(String::as_str);
            let code = own.or_else(|| ssfmt::format_code_from_id(*format));
            NumberStyle::of(code.unwrap_or_default(), Some(*format))
        });
        BiffMarks {
            styles: BiffStyles {
                styles: styles.collect(),
                of_cells: self.of_cells,
            },
            marks: SheetMarks::of(self.hidden, self.merged),
        }
    }
}

fn two(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at + 2)?;
    Some(u32::from(u16::from_le_bytes(bytes.try_into().ok()?)))
}

fn four(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at + 4)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}

/// A text of two bytes each.
fn wide(bytes: &[u8]) -> String {
    encoding_rs::UTF_16LE
        .decode_without_bom_handling(bytes)
        .0
        .into_owned()
}

/// The stream of records in a compound file.
fn stream_of(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut file = cfb::CompoundFile::open(Cursor::new(bytes)).ok()?;
    let name = ["/Workbook", "/Book"]
        .into_iter()
        .find(|name| file.is_stream(name))?;
    let mut stream = Vec::new();
    let opened = file.open_stream(name).ok()?;
    // No stream is longer than its file, unless its table goes round.
    opened
        .take(bytes.len() as u64)
        .read_to_end(&mut stream)
        .ok()?;
    Some(stream)
}

/// The records from a place on: what they are, and what is in them.
fn records(stream: &[u8], mut at: usize) -> impl Iterator<Item = (u32, &[u8])> {
    std::iter::from_fn(move || {
        let (kind, length) = (two(stream, at)?, two(stream, at + 2)? as usize);
        let inside = stream.get(at + 4..at + 4 + length)?;
        at += 4 + length;
        Some((kind, inside))
    })
}

/// MS-XLS: the globals, then the records of the sheet.
fn of_stream(stream: &[u8], sheet: usize) -> Option<BiffMarks> {
    let mut found = BiffGathering::default();
    let mut places = Vec::new();
    let mut is_biff_8 = true;
    for (kind, inside) in records(stream, 0) {
        match kind {
            // BOF: the version.
            0x0809 => is_biff_8 = two(inside, 0) == Some(0x0600),
            // BoundSheet8: where the sheet begins.
            0x0085 => places.extend(four(inside, 0)),
            // Format.
            0x041e => found.codes.extend(code_of(inside, is_biff_8)),
            // XF.
            0x00e0 => found.format(two(inside, 2).unwrap_or_default()),
            // EOF.
            0x000a => break,
            _ => {}
        }
    }
    let place = places.get(sheet)?;
    let mut depth = 0_usize;
    for (kind, inside) in records(stream, *place as usize) {
        match kind {
            0x0809 => depth += 1,
            0x000a if depth <= 1 => break,
            0x000a => depth -= 1,
            // A chart inside the sheet has records of its own.
            _ if depth != 1 => {}
            _ => of_sheet(&mut found, kind, inside),
        }
    }
    Some(found.finish())
}

/// A record of a sheet of MS-XLS.
fn of_sheet(found: &mut BiffGathering, kind: u32, inside: &[u8]) {
    let at = |at: usize| two(inside, at);
    match kind {
        // Row: fDyZero is the sixth bit of its flags.
        0x0208 => {
            if let (Some(row), Some(flags)) = (at(0), at(12))
                && flags & 0x20 != 0
            {
                found.hidden.push(row);
            }
        }
        // Number, RK, Formula.
        0x0203 | 0x027e | 0x0006 => {
            if let (Some(row), Some(column), Some(style)) = (at(0), at(2), at(4)) {
                found.cell(row, column, style);
            }
        }
        // MulRk: a style and a number for each column, and the last column.
        0x00bd => {
            if let (Some(row), Some(first)) = (at(0), at(2)) {
                let count = inside.len().saturating_sub(6) / 6;
                for (column, place) in (first..).zip(0..count) {
                    if let Some(style) = at(4 + place * 6) {
                        found.cell(row, column, style);
                    }
                }
            }
        }
        // MergeCells.
        0x00e5 => {
            for place in 0..at(0).unwrap_or_default() as usize {
                let from = 2 + place * 8;
                if let (Some(first), Some(last), Some(column)) =
                    (at(from), at(from + 2), at(from + 4))
                {
                    found.merge(first, last, column);
                }
            }
        }
        _ => {}
    }
}

/// The number and the code of a format.
fn code_of(inside: &[u8], is_biff_8: bool) -> Option<(u32, String)> {
    let number = two(inside, 0)?;
    if !is_biff_8 {
        let length = usize::from(*inside.get(2)?);
        let text = encoding_rs::WINDOWS_1252.decode(inside.get(3..3 + length)?);
        return Some((number, text.0.into_owned()));
    }
    // XLUnicodeString: its length, whether each letter takes two bytes, and its letters.
    let length = two(inside, 2)? as usize;
    let is_wide = inside.get(4)? & 1 == 1;
    let text = if is_wide {
        wide(inside.get(5..5 + length * 2)?)
    } else {
        let letters = inside.get(5..5 + length)?;
        letters.iter().map(|letter| char::from(*letter)).collect()
    };
    Some((number, text))
}

/// A part of an archive, whose size was looked at before.
fn part(archive: &mut ZipArchive<Cursor<&[u8]>>, name: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    archive.by_name(name).ok()?.read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// The records of a part (MS-XLSB section 2.1.4): kind and length have seven bits in each byte.
fn parts_records(part: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let first = u32::from(*part.get(at)?);
        at += 1;
        let mut kind = first;
        if first & 0x80 != 0 {
            kind = (first & 0x7f) | (u32::from(*part.get(at)?) & 0x7f) << 7;
            at += 1;
        }
        let (mut length, mut shift) = (0_usize, 0);
        loop {
            let byte = usize::from(*part.get(at)?);
            at += 1;
            length |= (byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 || shift >= 28 {
                break;
            }
        }
        let inside = part.get(at..at.checked_add(length)?)?;
        at += length;
        Some((kind, inside))
    })
}

/// MS-XLSB: the styles, then the records of the sheet.
fn of_archive(bytes: &[u8], sheet: usize) -> Option<BiffMarks> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).ok()?;
    let mut found = BiffGathering::default();
    if let Some(styles) = part(&mut archive, "xl/styles.bin") {
        let mut in_cells = false;
        for (kind, inside) in parts_records(&styles) {
            match kind {
                // BrtFmt: number, and a text with its length in four bytes.
                44 => {
                    if let (Some(number), Some(length)) = (two(inside, 0), four(inside, 2))
                        && let Some(text) = inside.get(6..6 + length as usize * 2)
                    {
                        found.codes.insert(number, wide(text));
                    }
                }
                // BrtBeginCellXFs and BrtEndCellXFs, and BrtXF between them.
                617 => in_cells = true,
                618 => in_cells = false,
                47 if in_cells => found.format(two(inside, 2).unwrap_or_default()),
                _ => {}
            }
        }
    }
    let relation = {
        let workbook = part(&mut archive, "xl/workbook.bin")?;
        // BrtBundleSh: state, number, and the name of a relation with its length in four bytes.
        let mut sheets = parts_records(&workbook).filter(|(kind, _)| *kind == 156);
        let (_, inside) = sheets.nth(sheet)?;
        let length = four(inside, 8)? as usize;
        wide(inside.get(12..12 + length * 2)?)
    };
    let target = super::sheet_marks::target_of(bytes, "xl/workbook.bin", &relation)?;
    let sheet = part(&mut archive, &target)?;
    let mut row = 0;
    for (kind, inside) in parts_records(&sheet) {
        match kind {
            // BrtRowHdr: fDyZero is the fifth bit of its twelfth byte.
            0 => {
                row = four(inside, 0)?;
                if inside.get(11).is_some_and(|flags| flags & 0x10 != 0) {
                    found.hidden.push(row);
                }
            }
            // BrtCellRk, BrtCellReal and BrtFmlaNum: the column, and a style in three bytes.
            2 | 5 | 9 => {
                if let (Some(column), Some(style)) = (four(inside, 0), four(inside, 4)) {
                    found.cell(row, column, style & 0x00ff_ffff);
                }
            }
            // BrtMergeCell: rows, then columns.
            176 => {
                if let (Some(first), Some(last), Some(column)) =
                    (four(inside, 0), four(inside, 4), four(inside, 8))
                {
                    found.merge(first, last, column);
                }
            }
            _ => {}
        }
    }
    Some(found.finish())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record(kind: u16, inside: &[u8]) -> Vec<u8> {
        let length = u16::try_from(inside.len()).unwrap();
        [&kind.to_le_bytes()[..], &length.to_le_bytes(), inside].concat()
    }

    fn twos(numbers: &[u16]) -> Vec<u8> {
        numbers
            .iter()
            .flat_map(|number| number.to_le_bytes())
            .collect()
    }

    /// A sheet with a hidden row, two formats and a merged cell.
    fn stream() -> Vec<u8> {
        let begin = record(0x0809, &twos(&[0x0600, 5]));
        let format = [&twos(&[164, 5])[..], &[0], b"00000"].concat();
        let globals = |place: u32| {
            [
                begin.clone(),
                record(0x0085, &place.to_le_bytes()),
                record(0x041e, &format),
                record(0x00e0, &twos(&[0, 0])),
                record(0x00e0, &twos(&[0, 164])),
                record(0x00e0, &twos(&[0, 10])),
                record(0x000a, &[]),
            ]
            .concat()
        };
        let place = u32::try_from(globals(0).len()).unwrap();
        let mut stream = globals(place);
        for part in [
            begin.clone(),
            record(0x0208, &twos(&[7, 0, 4, 255, 0, 0, 0x20, 0])),
            record(0x0208, &twos(&[8, 0, 4, 255, 0, 0, 0, 0])),
            record(0x0203, &[&twos(&[1, 0, 1])[..], &[0; 8]].concat()),
            record(0x00bd, &twos(&[2, 3, 2, 0, 0, 1, 0, 0, 4])),
            // A chart: what is in it is not the sheet's.
            begin,
            record(0x0208, &twos(&[9, 0, 4, 255, 0, 0, 0x20, 0])),
            record(0x000a, &[]),
            record(0x00e5, &twos(&[1, 3, 5, 0, 0])),
            record(0x000a, &[]),
        ] {
            stream.extend(part);
        }
        stream
    }

    #[test]
    fn records_of_a_sheet_say_what_is_hidden_merged_and_shown() {
        let found = of_stream(&stream(), 0).unwrap();
        let hidden: Vec<u32> = (0..12).filter(|row| found.marks.is_hidden(*row)).collect();
        assert_eq!(hidden, [7]);
        assert_eq!(found.marks.merged.len(), 1);
        assert_eq!(found.marks.merged[0].first_row, 3);
        let shown = |cell, number| found.styles.of(cell).show(number, false, false);
        assert_eq!(shown((1, 0), 123.0), "00123");
        assert_eq!(shown((2, 3), 0.125), "12.50%");
        assert_eq!(shown((2, 4), 123.0), "00123");
        assert_eq!(shown((5, 5), 123.0), "123");
        assert!(of_stream(&stream(), 1).is_none());
    }

    proptest! {
        #[test]
        fn no_bytes_stop_it(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _ = (of_stream(&bytes, 0), BiffMarks::of_xls(&bytes, 0), BiffMarks::of_xlsb(&bytes, 0));
            prop_assert!(parts_records(&bytes).count() <= bytes.len());
        }

        #[test]
        fn no_damage_stops_it(at in 0_usize..300, with in any::<[u8; 4]>()) {
            let mut bytes = stream();
            let at = at.min(bytes.len() - 4);
            bytes[at..at + 4].copy_from_slice(&with);
            let _ = of_stream(&bytes, 0);
        }
    }
}
