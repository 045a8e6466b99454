//! `OpenDocument` spreadsheets, whose cells hold the text that a person sees beside their values.
//!
//! Elements and attributes are those of `OpenDocument` 1.3 part 3, sections 9.1 and 19. They are read here
//! and not by the library of the other workbooks, which gives neither that text nor hidden rows.

use std::collections::HashMap;
use std::io::{BufReader, Cursor};
use std::ops::ControlFlow;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;

use super::bounds::{MOST_ROWS, MOST_TEXT, WIDEST};
use super::intake::{CellNote, RawRow, mail_of_link};
use super::table::TooLarge;
use super::workbook::{Book, RowSink, SheetError, SheetName};

const CONTENT: &str = "content.xml";

/// Why it is no spreadsheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum OdsError {
    /// It is no archive, or has no contents.
    #[error("it is no OpenDocument file")]
    Archive,
    /// No sheet can be read in it.
    #[error("no sheet is in it, or it is protected by a password")]
    NoSheet,
}

/// A spreadsheet of `OpenDocument`.
pub(super) struct OdsBook<'a> {
    bytes: &'a [u8],
    sheets: Vec<SheetName>,
}

impl<'a> OdsBook<'a> {
    /// Opens it.
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, OdsError> {
        let mut sheets = Vec::new();
        let mut invisible: HashMap<String, bool> = HashMap::new();
        let mut style = None;
        let found = each(bytes, &mut |event| {
            if let Event::Start(start) | Event::Empty(start) = event {
                match start.local_name().as_ref() {
                    "style" => style = attribute(start, "name"),
                    "table-properties" => {
                        let hidden = attribute(start, "display").is_some_and(|is| is == "false");
                        if let Some(style) = style.take() {
                            invisible.insert(style, hidden);
                        }
                    }
                    "table" => {
                        let style = attribute(start, "style-name");
                        let hidden = style.and_then(|style| invisible.get(&style).copied());
                        if let Some(name) = attribute(start, "name") {
                            sheets.push(SheetName {
                                name,
                                is_visible: !hidden.unwrap_or(false),
                            });
                        }
                    }
                    _ => {}
                }
            }
            ControlFlow::Continue(())
        });
        if !found {
            return Err(OdsError::Archive);
        }
        if sheets.is_empty() {
            return Err(OdsError::NoSheet);
        }
        Ok(Self { bytes, sheets })
    }
}

impl Book for OdsBook<'_> {
    fn sheets(&self) -> Vec<SheetName> {
        self.sheets.clone()
    }

    fn knows_hidden_rows(&self) -> bool {
        true
    }

    fn rows(&mut self, sheet: &str, sink: &mut RowSink<'_>) -> Result<(), SheetError> {
        let mut rows = OdsRows {
            sheet,
            sink,
            is_inside: false,
            next: 0,
            row: RawRow::default(),
            repeated: 1,
            text: 0,
            column: 0,
            cell: None,
            in_note: 0,
            in_paragraph: false,
            spanned: HashMap::new(),
        };
        let mut result = Ok(());
        each(self.bytes, &mut |event| match rows.event(event) {
            Ok(flow) => flow,
            Err(error) => {
                result = Err(error);
                ControlFlow::Break(())
            }
        });
        result
    }
}

/// The cell that is read.
struct OpenCell {
    text: String,
    /// The columns that it stands for.
    columns: usize,
    /// The rows that it is merged over.
    rows: u32,
    value: Option<String>,
    is_formula: bool,
    is_error: bool,
    is_typed: bool,
    paragraphs: usize,
    link: Option<String>,
}

struct OdsRows<'a, 's> {
    sheet: &'a str,
    sink: &'a mut RowSink<'s>,
    is_inside: bool,
    /// How many rows there were.
    next: u32,
    row: RawRow,
    repeated: u32,
    text: usize,
    column: usize,
    cell: Option<OpenCell>,
    /// How many elements deep inside a comment.
    in_note: usize,
    in_paragraph: bool,
    /// For each column the last row of the cells merged there, and their text.
    spanned: HashMap<usize, (u32, String)>,
}

impl OdsRows<'_, '_> {
    fn event(&mut self, event: &Event<'_>) -> Result<ControlFlow<()>, SheetError> {
        match event {
            Event::Start(start) => {
                if self.in_note > 0 || start.local_name().as_ref() == "annotation" {
                    self.in_note += 1;
                } else {
                    self.start(start);
                }
            }
            Event::Empty(start) if self.in_note == 0 => {
                self.start(start);
                return self.end(start.local_name().as_ref());
            }
            Event::End(_) if self.in_note > 0 => self.in_note -= 1,
            Event::End(end) => return self.end(end.local_name().as_ref()),
            Event::Text(text) if self.in_note == 0 => self.add(text),
            Event::GeneralRef(reference) if self.in_note == 0 => {
                let entity = format!("&{};", &**reference);
                if let Ok(text) = quick_xml::escape::unescape(&entity) {
                    self.add(&text);
                }
            }
            _ => {}
        }
        Ok(ControlFlow::Continue(()))
    }

    fn add(&mut self, text: &str) {
        if let (true, Some(cell)) = (self.in_paragraph, &mut self.cell) {
            cell.text.push_str(text);
        }
    }

    fn start(&mut self, start: &BytesStart<'_>) {
        match start.local_name().as_ref() {
            "table" => {
                self.is_inside = attribute(start, "name").is_some_and(|name| name == self.sheet);
                (self.next, self.spanned) = (0, HashMap::new());
            }
            "table-row" if self.is_inside => {
                self.repeated = number(start, "number-rows-repeated");
                self.row = RawRow {
                    number: self.next + 1,
                    is_hidden: attribute(start, "visibility")
                        .is_some_and(|is| matches!(is.as_str(), "collapse" | "filter")),
                    ..RawRow::default()
                };
                (self.column, self.text) = (0, 0);
            }
            "table-cell" | "covered-table-cell" if self.is_inside => {
                self.cell = Some(OpenCell {
                    text: String::new(),
                    columns: number(start, "number-columns-repeated") as usize,
                    rows: number(start, "number-rows-spanned"),
                    value: attribute(start, "value"),
                    is_formula: attribute(start, "formula").is_some(),
                    is_error: types(start).any(|kind| kind == "error"),
                    is_typed: types(start).next().is_some(),
                    paragraphs: 0,
                    link: None,
                });
            }
            "p" => {
                self.in_paragraph = true;
                if let Some(cell) = &mut self.cell {
                    if cell.paragraphs > 0 {
                        cell.text.push('\n');
                    }
                    cell.paragraphs += 1;
                }
            }
            "s" => {
                let count = number(start, "c").min(1_000) as usize;
                self.add(&" ".repeat(count));
            }
            "tab" => self.add("\t"),
            "line-break" => self.add("\n"),
            "a" => {
                let target = attribute(start, "href").and_then(|target| mail_of_link(&target));
                if let Some(cell) = &mut self.cell {
                    cell.link = target;
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, name: &str) -> Result<ControlFlow<()>, SheetError> {
        match name {
            "p" => self.in_paragraph = false,
            "table-cell" | "covered-table-cell" if self.is_inside => {
                if let Some(cell) = self.cell.take() {
                    self.take(cell)?;
                }
            }
            "table-row" if self.is_inside => return self.end_row(),
            // The sheet has been read.
            "table" if self.is_inside => return Ok(ControlFlow::Break(())),
            _ => {}
        }
        Ok(ControlFlow::Continue(()))
    }

    fn take(&mut self, cell: OpenCell) -> Result<(), SheetError> {
        let first = self.column;
        self.column = self.column.saturating_add(cell.columns);
        let mut text = cell.text;
        // A number that is too wide for its column is written short.
        if let (true, Some(value)) = (text.contains("E+"), &cell.value)
            && let Ok(number) = value.parse()
        {
            text = super::shown::general(number);
        }
        let is_blank = text.trim().is_empty();
        let note = if cell.is_error {
            Some(CellNote::Error(text.clone()))
        } else if cell.is_formula && !cell.is_typed && is_blank {
            Some(CellNote::NoValue)
        } else {
            cell.link.map(CellNote::Mail)
        };
        if is_blank && note.is_none() {
            return Ok(());
        }
        if self.column > WIDEST {
            return Err(SheetError::Width(self.row.number));
        }
        for column in first..self.column {
            self.text += text.len();
            if self.text > MOST_TEXT {
                return Err(SheetError::Text(self.row.number));
            }
            if self.row.cells.len() <= column {
                self.row.cells.resize(column + 1, String::new());
            }
            self.row.cells[column].clone_from(&text);
            self.row
                .notes
                .extend(note.clone().map(|note| (column, note)));
        }
        if cell.rows > 1 {
            let last = self.row.number.saturating_add(cell.rows - 1);
            self.spanned.insert(first, (last, text));
        }
        Ok(())
    }

    fn end_row(&mut self) -> Result<ControlFlow<()>, SheetError> {
        let mut row = std::mem::take(&mut self.row);
        let first = row.number;
        self.next = self.next.saturating_add(self.repeated);
        if row.is_blank() {
            return Ok(ControlFlow::Continue(()));
        }
        if self.next as usize > MOST_ROWS {
            return Err(TooLarge::Rows.into());
        }
        self.spanned.retain(|_, (last, _)| *last >= first);
        for (column, (_, text)) in &self.spanned {
            if row.cells.len() <= *column {
                row.cells.resize(column + 1, String::new());
            }
            if row.cells[*column].is_empty() {
                row.cells[*column].clone_from(text);
            }
        }
        for number in first..first.saturating_add(self.repeated) {
            let row = RawRow {
                number,
                ..row.clone()
            };
            if (self.sink)(row)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

/// Goes through the contents; whether there are any.
fn each(bytes: &[u8], act: &mut dyn FnMut(&Event<'_>) -> ControlFlow<()>) -> bool {
    let Ok(mut archive) = ZipArchive::new(Cursor::new(bytes)) else {
        return false;
    };
    let Ok(part) = archive.by_name(CONTENT) else {
        return false;
    };
    let mut reader = Reader::from_reader(BufReader::with_capacity(64 << 10, part));
    reader.config_mut().check_end_names = false;
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Eof) | Err(_) => return true,
            Ok(event) => {
                if act(&event).is_break() {
                    return true;
                }
            }
        }
    }
}

fn attribute(start: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut attributes = start.attributes();
    let mut attributes = attributes.with_checks(false).flatten();
    let found = attributes.find(|attribute| attribute.key.local_name().as_ref() == name)?;
    let value = quick_xml::escape::unescape(&found.value).ok()?;
    Some(value.into_owned())
}

/// The types of a cell: that of `OpenDocument`, and that of its extension by `LibreOffice`, which knows
/// errors.
fn types<'a>(start: &'a BytesStart<'_>) -> impl Iterator<Item = String> + use<'a> {
    let mut attributes = start.attributes();
    attributes.with_checks(false);
    attributes
        .flatten()
        .filter(|attribute| attribute.key.local_name().as_ref() == "value-type")
        .map(|attribute| attribute.value.to_string())
}

fn number(start: &BytesStart<'_>, name: &str) -> u32 {
    attribute(start, name)
        .and_then(|number| number.parse().ok())
        .unwrap_or(1)
}
