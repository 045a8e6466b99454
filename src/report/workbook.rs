//! The record as an Excel workbook, for people who live in one: the rows of the dispatch list, every
//! address, and the batch.
//!
//! What a list or a server says is text here, whatever it looks like: it is stored as text and its cells
//! have the format of text, so that ids keep their zeros and `=1+1` stays what it is, also when somebody
//! edits the cell. Times are Excel's own, in UTC.

use std::borrow::Cow;
use std::collections::HashSet;

use jiff::Timestamp;
use rust_xlsxwriter::{
    DocProperties, ExcelDateTime, Format, FormatAlign, IgnoreError, Table, TableColumn, TableStyle,
    Workbook, Worksheet, XlsxError,
};
use thiserror::Error;

use super::columns::{ADDED, Cell, added};
use super::letter::{AddressRecord, addresses};
use super::{Record, ReportedLetter};
use crate::ledger::LedgerKind;
use crate::lifecycle::{AddressKind, reason_in_words};

/// Why a workbook cannot be made.
#[derive(Debug, Error)]
pub(crate) enum WorkbookError {
    /// There is too much for a sheet.
    #[error(
        "the sheet {sheet:?} would have {rows} rows of {columns} columns, more than Excel takes"
    )]
    TooLarge {
        /// The sheet.
        sheet: &'static str,
        /// Its rows, the header among them.
        rows: usize,
        /// Its columns.
        columns: usize,
    },
    /// The library refused something.
    #[error("the workbook cannot be made: {0}")]
    Library(#[from] XlsxError),
}

/// What a sheet of Excel holds ("Excel specifications and limits").
const MOST_ROWS: usize = 1_048_576;
const MOST_COLUMNS: usize = 16_384;
/// The most cells of a table here: with more the program would fill the memory, and so would Excel.
const MOST_CELLS: usize = 20_000_000;
/// What a cell holds, in units of UTF-16, and what a table's header does.
const LONGEST: usize = 32_767;
const LONGEST_HEADER: usize = 255;
/// What stands at the end of a text that a cell cannot hold.
const CUT: &str = "… (cut: the record as CSV has all of it)";

/// How wide a column is, in characters.
const NARROWEST: usize = 8;
const WIDEST: usize = 48;

/// The columns of the sheet with one row for each address.
const OF_ADDRESSES: [&str; 13] = [
    "Recipient",
    "Name",
    "Address",
    "Kind",
    "State",
    "Code",
    "Text",
    "At (UTC)",
    "Message-ID",
    "Reason",
    "Outcome",
    "Why",
    "Next",
];

const OF_RUNS: [&str; 8] = [
    "Run",
    "Command",
    "Through",
    "Machine",
    "State",
    "Began (UTC)",
    "Ended (UTC)",
    "How",
];

const LAST_OF_RUNS: u16 = 7;

/// The first sheet.
const LIST: &str = "Dispatch list";
/// The second.
const LETTERS: &str = "Letters";
/// The third.
const BATCH: &str = "Batch";

impl Record {
    /// The record as an Excel workbook.
    ///
    /// # Errors
    /// When it is more than Excel takes.
    pub(crate) fn workbook(&self) -> Result<Vec<u8>, WorkbookError> {
        let formats = Formats::new();
        let mut workbook = Workbook::new();
        workbook.set_properties(&self.properties());
        self.write_list(workbook.add_worksheet(), &formats)?;
        self.write_letters(workbook.add_worksheet(), &formats)?;
        self.write_batch(workbook.add_worksheet(), &formats)?;
        Ok(workbook.save_to_buffer()?)
    }

    /// The same record is the same file.
    fn properties(&self) -> DocProperties {
        let properties = DocProperties::new().set_title(format!("Record: {}", self.batch));
        match ExcelDateTime::from_timestamp(self.made_at.as_second()) {
            Ok(made_at) => properties.set_creation_datetime(&made_at),
            Err(_) => properties,
        }
    }

    fn write_list(&self, sheet: &mut Worksheet, formats: &Formats) -> Result<(), WorkbookError> {
        let headers: Vec<&str> = self.own_headers().into_iter().chain(ADDED).collect();
        let rows = self.rows();
        let mut table =
            TableSheet::begin(sheet, formats, (LIST, "DispatchList"), &headers, rows.len())?;
        for row in rows {
            for cell in self.own_cells(row) {
                table.text(cell)?;
            }
            for cell in &added(row) {
                table.cell(cell)?;
            }
            table.end_row();
        }
        table.end()
    }

    fn write_letters(&self, sheet: &mut Worksheet, formats: &Formats) -> Result<(), WorkbookError> {
        let of = |letter: &ReportedLetter| addresses(&letter.record).len();
        let rows = self.letters.iter().map(of).sum();
        let mut table = TableSheet::begin(sheet, formats, (LETTERS, LETTERS), &OF_ADDRESSES, rows)?;
        for letter in &self.letters {
            for address in addresses(&letter.record) {
                table.address(letter, &address)?;
            }
        }
        table.end()
    }

    fn write_batch(&self, sheet: &mut Worksheet, formats: &Formats) -> Result<(), WorkbookError> {
        sheet.set_name(BATCH)?;
        let log = &self.log;
        let text = |text: &str| Cell::Text(text.to_owned());
        let count = |count: u64| {
            u32::try_from(count).map_or_else(|_| text(&count.to_string()), Cell::Count)
        };
        let mut lines = vec![("Batch", text(&self.batch))];
        match self.kind {
            LedgerKind::Mail => {}
            LedgerKind::Outbox => lines.push((
                "Outbox",
                text("These letters were written into a folder; accepted means that the file is there."),
            )),
            LedgerKind::Rehearsal => lines.push((
                "Rehearsal",
                text("No school has had a letter by it."),
            )),
        }
        lines.extend([
            ("Plan", text(self.plan.as_deref().unwrap_or_default())),
            ("State file", text(&self.state_file)),
            ("Made at (UTC)", Cell::Time(self.made_at)),
            ("Accepted", count(self.counts.accepted)),
            ("", text("Accepted is what our server said when it took a letter; it says nothing of delivery.")),
            ("Not sent", count(self.counts.pending)),
            ("Rejected", count(self.counts.rejected)),
            ("In doubt", count(self.counts.in_doubt)),
            ("Accepted, but some addresses do not have it", count(self.with_open_addresses)),
            ("Addresses that it bounced at", count(self.outcomes.bounced)),
            ("Of these by trouble of our own", count(self.outcomes.our_side)),
            ("Addresses where it was delivered", count(self.outcomes.delivered)),
            ("Letters with mail to look at", count(self.outcomes.to_look_at)),
            ("Events of the log", count(log.events)),
            ("Last hash", text(&log.last_hash)),
            ("The log", text(&match &log.flaw {
                None => "was whole when this was made".to_owned(),
                Some(flaw) if log.has_log => format!("is not whole: {}", flaw.text),
                Some(flaw) => flaw.text.clone(),
            })),
        ]);
        if log.before_the_log > 0 {
            lines.push((
                "Letters sent before the log began",
                count(log.before_the_log),
            ));
        }
        lines.extend(self.notice.iter().map(|notice| ("", text(notice))));
        lines.push(("", text("Confidential: it holds addresses.")));
        let mut row = 0;
        for (label, value) in &lines {
            sheet.write_string_with_format(row, 0, *label, &formats.label)?;
            write(sheet, formats, (row, 1), value)?;
            row += 1;
        }
        self.write_runs(sheet, formats, row + 1)?;
        for (column, width) in (0..).zip([40, 32, 32, 20, 10, 20, 20, 48]) {
            sheet.set_column_width(column, width)?;
        }
        Ok(())
    }

    fn write_runs(
        &self,
        sheet: &mut Worksheet,
        formats: &Formats,
        first: u32,
    ) -> Result<(), WorkbookError> {
        let rows = u32::try_from(self.runs.len().max(1)).unwrap_or(u32::MAX);
        let table = table_of("Runs", &OF_RUNS, formats);
        let last = first.saturating_add(rows);
        sheet.add_table(first, 0, last, LAST_OF_RUNS, &table)?;
        for (record, row) in self.runs.iter().zip(first + 1..) {
            let run = &record.run;
            let text = |text: &str| Cell::Text(text.to_owned());
            let cells = [
                u32::try_from(record.number).map_or(Cell::Empty, Cell::Count),
                text(&run.begun.command),
                text(&run.begun.transport),
                text(&run.begun.host),
                text(&run.state.word().replace('_', " ")),
                Cell::Time(run.began_at),
                run.ended_at.map_or(Cell::Empty, Cell::Time),
                text(
                    run.ending
                        .as_deref()
                        .and_then(|ending| ending.lines().next())
                        .unwrap_or_default(),
                ),
            ];
            for (cell, column) in cells.iter().zip(0..) {
                write(sheet, formats, (row, column), cell)?;
            }
        }
        Ok(())
    }
}

/// The look of tables: lines between rows, and none of the colours that a printer wastes.
const STYLE: TableStyle = TableStyle::Light1;

/// How cells look.
struct Formats {
    text: Format,
    time: Format,
    count: Format,
    header: Format,
    label: Format,
}

impl Formats {
    fn new() -> Self {
        // The built-in formats of text and of whole numbers (ECMA-376 part 1, 18.8.30).
        const TEXT: u8 = 49;
        const WHOLE: u8 = 1;
        Self {
            text: Format::new().set_num_format_index(TEXT),
            time: Format::new()
                .set_num_format("yyyy-mm-dd hh:mm:ss")
                .set_align(FormatAlign::Left),
            count: Format::new().set_num_format_index(WHOLE),
            header: Format::new().set_num_format_index(TEXT).set_bold(),
            label: Format::new().set_bold(),
        }
    }
}

/// A table, which brings a filter for each of its columns.
fn table_of(name: &str, headers: &[impl AsRef<str>], formats: &Formats) -> Table {
    let columns: Vec<TableColumn> = headers
        .iter()
        .map(|header| {
            TableColumn::new()
                .set_header(header.as_ref())
                .set_header_format(&formats.header)
        })
        .collect();
    Table::new()
        .set_name(name)
        .set_style(STYLE)
        .set_columns(&columns)
}

/// A sheet that is one table: a header that stays where it is, a filter for each column, and columns as
/// wide as what stands in them.
struct TableSheet<'a> {
    sheet: &'a mut Worksheet,
    formats: &'a Formats,
    widths: Vec<usize>,
    row: u32,
    column: u16,
}

impl<'a> TableSheet<'a> {
    fn begin(
        sheet: &'a mut Worksheet,
        formats: &'a Formats,
        (name, table): (&'static str, &str),
        headers: &[&str],
        rows: usize,
    ) -> Result<Self, WorkbookError> {
        // A table has at least one row beside its header.
        let last_row = rows.max(1);
        let too_large = || WorkbookError::TooLarge {
            sheet: name,
            rows: last_row + 1,
            columns: headers.len(),
        };
        let is_too_large = last_row >= MOST_ROWS
            || headers.len() > MOST_COLUMNS
            || last_row * headers.len() > MOST_CELLS;
        let (Ok(last), Ok(last_column)) =
            (u32::try_from(last_row), u16::try_from(headers.len() - 1))
        else {
            return Err(too_large());
        };
        if is_too_large {
            return Err(too_large());
        }
        sheet.set_name(name)?;
        sheet.set_freeze_panes(1, 0)?;
        sheet
            .set_landscape()
            .set_print_fit_to_pages(1, 0)
            .set_repeat_rows(0, 0)?;
        let headers = unique(headers);
        let table = table_of(table, &headers, formats);
        sheet.add_table(0, 0, last, last_column, &table)?;
        // Excel would mark each id.
        sheet.ignore_error_range(0, 0, last, last_column, IgnoreError::NumberStoredAsText)?;
        for column in 0..=last_column {
            // What is typed into an empty cell stays text too.
            sheet.set_column_format(column, &formats.text)?;
        }
        Ok(Self {
            sheet,
            formats,
            // Beside a header stands the button of its filter.
            widths: headers.iter().map(|header| width(header) + 4).collect(),
            row: 1,
            column: 0,
        })
    }

    fn address(
        &mut self,
        letter: &ReportedLetter,
        address: &AddressRecord<'_>,
    ) -> Result<(), WorkbookError> {
        let sending = address.sending;
        self.text(&letter.record.id)?;
        self.text(letter.name.as_deref().unwrap_or_default())?;
        self.text(address.address)?;
        self.text(match address.kind {
            AddressKind::To => "To",
            AddressKind::Cc => "Cc",
            AddressKind::Bcc => "Bcc",
        })?;
        let is_open = matches!(address.word, "rejected" | "in doubt");
        let error = letter.record.letter.error.as_ref().filter(|_| is_open);
        let reply = address.refusal.or(error);
        self.text(address.word)?;
        self.text(reply.map_or("", |reply| &reply.code))?;
        self.text(reply.map_or("", |reply| &reply.text))?;
        self.cell(
            &sending
                .and_then(|sending| sending.accepted_at)
                .map_or(Cell::Empty, Cell::Time),
        )?;
        self.text(sending.map_or("", |sending| &sending.message.message_id))?;
        self.text(
            sending
                .and_then(|sending| sending.because.as_deref())
                .unwrap_or_default(),
        )?;
        let returned = address.returned;
        let outcome = returned.map_or("", |returned| returned.outcome.word());
        self.text(outcome)?;
        let why = returned.map(|returned| {
            let reason = reason_in_words(&returned.reason);
            match &returned.text {
                Some(text) => format!("{reason}: {text}"),
                None => reason.to_owned(),
            }
        });
        self.text(why.as_deref().unwrap_or_default())?;
        self.text(address.next_step(&letter.record.letter).unwrap_or_default())?;
        self.end_row();
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), WorkbookError> {
        self.widen(width(text));
        write_text(self.sheet, self.formats, (self.row, self.column), text)?;
        self.column += 1;
        Ok(())
    }

    fn cell(&mut self, cell: &Cell) -> Result<(), WorkbookError> {
        match cell {
            Cell::Text(text) => return self.text(text),
            Cell::Time(_) => self.widen("2026-11-26 09:14:00".len()),
            Cell::Empty | Cell::Count(_) => {}
        }
        write(self.sheet, self.formats, (self.row, self.column), cell)?;
        self.column += 1;
        Ok(())
    }

    fn widen(&mut self, to: usize) {
        if let Some(width) = self.widths.get_mut(usize::from(self.column)) {
            *width = to.max(*width);
        }
    }

    fn end_row(&mut self) {
        self.row += 1;
        self.column = 0;
    }

    fn end(self) -> Result<(), WorkbookError> {
        for (width, column) in self.widths.iter().zip(0..) {
            let width = (width + 1).clamp(NARROWEST, WIDEST);
            self.sheet.set_column_width(column, width as f64)?;
        }
        Ok(())
    }
}

fn write(
    sheet: &mut Worksheet,
    formats: &Formats,
    (row, column): (u32, u16),
    cell: &Cell,
) -> Result<(), WorkbookError> {
    match cell {
        Cell::Empty => {}
        Cell::Text(text) => write_text(sheet, formats, (row, column), text)?,
        Cell::Time(at) => match serial(*at) {
            Some(serial) => {
                sheet.write_number_with_format(row, column, serial, &formats.time)?;
            }
            None => write_text(sheet, formats, (row, column), &at.to_string())?,
        },
        Cell::Count(count) => {
            sheet.write_number_with_format(row, column, *count, &formats.count)?;
        }
    }
    Ok(())
}

fn write_text(
    sheet: &mut Worksheet,
    formats: &Formats,
    (row, column): (u32, u16),
    text: &str,
) -> Result<(), WorkbookError> {
    if !text.is_empty() {
        sheet.write_string_with_format(row, column, in_a_cell(text), &formats.text)?;
    }
    Ok(())
}

/// A moment as Excel counts it: the days since the end of 1899, in UTC; none before March 1900, where its
/// calendar is wrong, and after 9999.
fn serial(at: Timestamp) -> Option<f64> {
    const UNIX_EPOCH: f64 = 25_569.0;
    let days = at.as_millisecond() as f64 / 86_400_000.0 + UNIX_EPOCH;
    (61.0..2_958_466.0).contains(&days).then_some(days)
}

/// A text that a cell can hold. Lines end as Excel ends them.
fn in_a_cell(text: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    if text.contains('\r') {
        text = text.replace("\r\n", "\n").replace('\r', "\n").into();
    }
    if text.len() > LONGEST && text.encode_utf16().count() > LONGEST {
        text = format!(
            "{}{CUT}",
            first_units(&text, LONGEST - CUT.encode_utf16().count())
        )
        .into();
    }
    text
}

/// As much of a text as so many units of UTF-16 hold.
fn first_units(text: &str, most: usize) -> &str {
    let mut units = 0;
    let end = text.char_indices().find(|(_, c)| {
        units += c.len_utf16();
        units > most
    });
    end.map_or(text, |(end, _)| &text[..end])
}

/// Headers as a table must have them: of one line, not empty, each another one, whatever its case.
fn unique(headers: &[&str]) -> Vec<String> {
    let mut known = HashSet::new();
    let mut unique = Vec::with_capacity(headers.len());
    for (header, number) in headers.iter().zip(1..) {
        let header: String = header
            .chars()
            .map(|c| {
                if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') {
                    ' '
                } else {
                    c
                }
            })
            .collect();
        let header = match header.trim() {
            "" => format!("Column {number}"),
            header => first_units(&without_escapes(header), LONGEST_HEADER - 12).to_owned(),
        };
        let mut name = header.clone();
        let mut count = 2;
        while !known.insert(name.to_lowercase()) {
            name = format!("{header} ({count})");
            count += 1;
        }
        unique.push(name);
    }
    unique
}

/// A header without what Excel would read as one character (`_x0041_`): it would not be that of its
/// column any more.
fn without_escapes(header: &str) -> String {
    let mut parts = header.split("_x");
    let mut safe = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_escape = part.len() > 4
            && part.bytes().take(4).all(|digit| digit.is_ascii_hexdigit())
            && part.as_bytes()[4] == b'_';
        safe.push_str(if is_escape { "-x" } else { "_x" });
        safe.push_str(part);
    }
    safe
}

/// How wide a text is, in characters: its longest line.
fn width(text: &str) -> usize {
    let wide = |c: char| {
        if c >= '\u{1100}' && !('\u{2000}'..'\u{2e80}').contains(&c) {
            2
        } else {
            1
        }
    };
    let lines = text.lines();
    lines
        .map(|line| line.chars().take(WIDEST).map(wide).sum())
        .max()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
