//! What a sheet of XLSX says beside its values, and the reader of workbooks does not give: hidden rows,
//! formulas without a stored value, merged cells and links to addresses.
//!
//! Elements and attributes are those of ECMA-376 part 1, section 18.3.1. A part that cannot be read
//! here cannot be read by the reader of the values either, which says so.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Cursor};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;

use super::bounds::WIDEST;
use super::intake::mail_of_link;

/// Merged cells and links beyond so many are passed over: no list has them.
const MOST: usize = 200_000;

/// Cells that are merged over several rows, all counted from 0. Only the first column counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Merged {
    pub first_row: u32,
    pub last_row: u32,
    pub column: usize,
}

/// The marks of one sheet.
#[derive(Debug, Default)]
pub(super) struct SheetMarks {
    /// Hidden rows, in their order.
    hidden: Vec<u32>,
    /// Cells of formulas without a value, by row and column, in their order.
    without_value: Vec<(u32, u32)>,
    /// In the order of their first rows.
    pub merged: Vec<Merged>,
    links: HashMap<(u32, u32), String>,
}

impl SheetMarks {
    /// Those of a workbook whose parts are no XML: hidden rows and merged cells.
    pub(super) fn of(mut hidden: Vec<u32>, mut merged: Vec<Merged>) -> Self {
        hidden.sort_unstable();
        merged.truncate(MOST);
        merged.sort_unstable_by_key(|merged| merged.first_row);
        Self {
            hidden,
            merged,
            ..Self::default()
        }
    }

    /// Reads the marks of a sheet by its name.
    pub(super) fn read(bytes: &[u8], sheet: &str) -> Self {
        let mut marks = Self::default();
        let Ok(mut archive) = ZipArchive::new(Cursor::new(bytes)) else {
            return marks;
        };
        let Some(path) = part_of(&mut archive, sheet) else {
            return marks;
        };
        let mut links = Vec::new();
        with_part(&mut archive, &path, |part| {
            marks.gather(part, &mut links);
        });
        if !links.is_empty() {
            let targets = relations(&mut archive, &relations_of(&path));
            for (cells, relation) in links {
                let target = targets
                    .get(&relation)
                    .and_then(|target| mail_of_link(target));
                if let (Some(target), Some((row, column))) = (target, first_cell(&cells)) {
                    marks.links.insert((row, column), target);
                }
            }
        }
        marks.hidden.sort_unstable();
        marks.without_value.sort_unstable();
        marks.merged.sort_unstable_by_key(|merged| merged.first_row);
        marks
    }

    /// Whether a row is hidden.
    pub(super) fn is_hidden(&self, row: u32) -> bool {
        self.hidden.binary_search(&row).is_ok()
    }

    /// Whether a cell is a formula whose value was never stored.
    pub(super) fn is_without_value(&self, row: u32, column: usize) -> bool {
        let column = u32::try_from(column).unwrap_or(u32::MAX);
        self.without_value.binary_search(&(row, column)).is_ok()
    }

    /// The address that a cell links to.
    pub(super) fn link(&self, row: u32, column: usize) -> Option<&str> {
        let column = u32::try_from(column).ok()?;
        self.links.get(&(row, column)).map(String::as_str)
    }

    fn gather(&mut self, part: &mut dyn BufRead, links: &mut Vec<(String, String)>) {
        let mut reader = Reader::from_reader(part);
        reader.config_mut().check_end_names = false;
        let mut buffer = Vec::new();
        let (mut row, mut column) = (0_u32, 0_u32);
        let mut formula = CellFormula::default();
        loop {
            buffer.clear();
            let event = match reader.read_event_into(&mut buffer) {
                Ok(Event::Eof) | Err(_) => return,
                Ok(event) => event,
            };
            match &event {
                Event::Start(start) | Event::Empty(start) => {
                    let is_empty = matches!(event, Event::Empty(_));
                    match start.local_name().as_ref() {
                        "row" => {
                            let seen = MarkedPlace::of(start);
                            row = seen.number.unwrap_or(row);
                            column = 0;
                            if seen.is_hidden {
                                self.hidden.push(row);
                            }
                            if is_empty {
                                row = row.saturating_add(1);
                            }
                        }
                        "c" => {
                            let seen = MarkedPlace::of(start);
                            (row, column) = seen.cell.unwrap_or((row, column));
                            formula = CellFormula {
                                is_text: seen.is_text,
                                ..CellFormula::default()
                            };
                            if is_empty {
                                column = column.saturating_add(1);
                            }
                        }
                        "f" => formula.is_there = true,
                        "v" | "is" => {
                            // An empty text is a value where the cell says that it is a text.
                            formula.has_value |= formula.is_text;
                            formula.in_value = !is_empty;
                        }
                        "mergeCell" => self.merge(start),
                        "hyperlink" if links.len() < MOST => {
                            if let (Some(cells), Some(id)) =
                                (attribute(start, "ref"), attribute(start, "id"))
                            {
                                links.push((cells, id));
                            }
                        }
                        _ => {}
                    }
                }
                Event::Text(text) if formula.in_value => {
                    formula.has_value |= !text.is_empty();
                }
                Event::GeneralRef(_) | Event::CData(_) if formula.in_value => {
                    formula.has_value = true;
                }
                Event::End(end) => match end.local_name().as_ref() {
                    "v" | "is" => formula.in_value = false,
                    "c" => {
                        if formula.is_there && !formula.has_value && (column as usize) < WIDEST {
                            self.without_value.push((row, column));
                        }
                        column = column.saturating_add(1);
                    }
                    "row" => row = row.saturating_add(1),
                    _ => {}
                },
                _ => {}
            }
        }
    }

    fn merge(&mut self, start: &BytesStart<'_>) {
        if self.merged.len() >= MOST {
            return;
        }
        let Some(cells) = attribute(start, "ref") else {
            return;
        };
        let Some((first, last)) = cells.split_once(':') else {
            return;
        };
        if let (Some((first_row, column)), Some((last_row, _))) =
            (first_cell(first), first_cell(last))
            && last_row > first_row
            && (column as usize) < WIDEST
        {
            self.merged.push(Merged {
                first_row,
                last_row,
                column: column as usize,
            });
        }
    }
}

/// The formula of the cell that is read.
#[derive(Default)]
struct CellFormula {
    is_there: bool,
    is_text: bool,
    in_value: bool,
    has_value: bool,
}

fn attribute(start: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut attributes = start.attributes();
    let mut attributes = attributes.with_checks(false).flatten();
    let found = attributes.find(|attribute| attribute.key.local_name().as_ref() == name)?;
    let value = quick_xml::escape::unescape(&found.value).ok()?;
    Some(value.into_owned())
}

/// What a row or a cell says of itself. There may be millions, so nothing is copied.
#[derive(Default)]
struct MarkedPlace {
    /// The row, from 0.
    number: Option<u32>,
    /// Row and column, from 0.
    cell: Option<(u32, u32)>,
    is_hidden: bool,
    is_text: bool,
}

impl MarkedPlace {
    fn of(start: &BytesStart<'_>) -> Self {
        let mut place = Self::default();
        for attribute in start.attributes().with_checks(false).flatten() {
            let value: &str = &attribute.value;
            match attribute.key.as_ref() {
                "r" => {
                    place.cell = first_cell(value);
                    let number: Option<u32> = value.trim().parse().ok();
                    place.number = number.map(|number| number.saturating_sub(1));
                }
                "hidden" => place.is_hidden = matches!(value.trim(), "1" | "true" | "on"),
                "t" => place.is_text = value == "str",
                _ => {}
            }
        }
        place
    }
}

/// Row and column, from 0, of a reference such as `B12`, or of the first cell of `B12:C14`.
fn first_cell(reference: &str) -> Option<(u32, u32)> {
    let cell = reference.split(':').next()?;
    let digits = cell.find(|c: char| c.is_ascii_digit())?;
    let (letters, digits) = cell.split_at(digits);
    let mut column = 0_u32;
    for letter in letters.bytes().filter(|byte| *byte != b'$') {
        let value = letter.to_ascii_uppercase().checked_sub(b'A')?;
        if value > 25 {
            return None;
        }
        column = column.checked_mul(26)?.checked_add(u32::from(value) + 1)?;
    }
    let row: u32 = digits.trim_start_matches('$').parse().ok()?;
    Some((row.checked_sub(1)?, column.checked_sub(1)?))
}

type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;

fn with_part(archive: &mut Archive<'_>, path: &str, act: impl FnOnce(&mut dyn BufRead)) {
    let found = archive.index_for_name(path).or_else(|| {
        // Some programs write other letters than they refer to.
        (0..archive.len()).find(|index| {
            archive
                .name_for_index(*index)
                .and_then(Result::ok)
                .is_some_and(|name| name.replace('\\', "/").eq_ignore_ascii_case(path))
        })
    });
    if let Some(part) = found.and_then(|index| archive.by_index(index).ok()) {
        act(&mut BufReader::with_capacity(64 << 10, part));
    }
}

/// The part that holds a sheet, by the workbook's list of sheets and its relations.
fn part_of(archive: &mut Archive<'_>, sheet: &str) -> Option<String> {
    let workbook = "xl/workbook.xml";
    let mut id = None;
    with_part(archive, workbook, |part| {
        elements(part, "sheet", |start| {
            if id.is_none() && attribute(start, "name").is_some_and(|name| name == sheet) {
                id = attribute(start, "id");
            }
        });
    });
    target(archive, workbook, &id?)
}

/// The part that a relation of a part in `xl` leads to.
fn target(archive: &mut Archive<'_>, part: &str, relation: &str) -> Option<String> {
    let relations = relations(archive, &relations_of(part));
    let target = relations.get(relation)?;
    Some(match target.strip_prefix('/') {
        Some(whole) => whole.to_owned(),
        None => format!("xl/{target}"),
    })
}

/// The same of an archive that is not open yet.
pub(super) fn target_of(bytes: &[u8], part: &str, relation: &str) -> Option<String> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).ok()?;
    target(&mut archive, part, relation)
}

fn relations_of(part: &str) -> String {
    match part.rsplit_once('/') {
        Some((folder, name)) => format!("{folder}/_rels/{name}.rels"),
        None => format!("_rels/{part}.rels"),
    }
}

fn relations(archive: &mut Archive<'_>, path: &str) -> HashMap<String, String> {
    let mut targets = HashMap::new();
    with_part(archive, path, |part| {
        elements(part, "Relationship", |start| {
            if let (Some(id), Some(target)) = (attribute(start, "Id"), attribute(start, "Target")) {
                targets.insert(id, target);
            }
        });
    });
    targets
}

fn elements(part: &mut dyn BufRead, name: &str, mut act: impl FnMut(&BytesStart<'_>)) {
    let mut reader = Reader::from_reader(part);
    reader.config_mut().check_end_names = false;
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Start(start) | Event::Empty(start))
                if start.local_name().as_ref() == name =>
            {
                act(&start);
            }
            Ok(Event::Eof) | Err(_) => return,
            Ok(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_a_row_and_a_column() {
        for (reference, cell) in [
            ("A1", Some((0, 0))),
            ("$B$12", Some((11, 1))),
            ("AA3:AB9", Some((2, 26))),
            ("A0", None),
            ("12", None),
            ("A", None),
            ("", None),
        ] {
            assert_eq!(first_cell(reference), cell, "{reference}");
        }
    }
}
