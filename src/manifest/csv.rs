//! CSV: comma, semicolon or tab; UTF-8 or UTF-16 with a mark, else Windows-1252 with a notice.
//!
//! Excel writes `sep=;` as a first line, and leaves out the delimiters behind a row's last value.

use std::borrow::Cow;

use csv::{ReaderBuilder, StringRecord, Trim};

use super::bounds::{SPLIT, WIDEST};
use super::header::HeaderRule;
use super::intake::{Intake, MOST_ABOVE, RawRow};
use super::{Findings, Table, quotes};
use crate::config::ManifestConfig;
use crate::finding::{Finding, quote};

/// Reads a CSV file into a table. Without a table the findings say why.
pub(super) fn read(
    bytes: &[u8],
    config: &ManifestConfig,
    findings: &mut Findings,
) -> Option<Table> {
    read_by(bytes, HeaderRule::Named(config), findings)
}

/// The same, by another way to know the header.
pub(super) fn read_by(
    bytes: &[u8],
    rule: HeaderRule<'_>,
    findings: &mut Findings,
) -> Option<Table> {
    let text = decode(bytes, findings)?;
    if text.split(['\n', '\r']).any(is_too_wide) {
        return too_much(
            findings,
            &format!("a line has more than {MOST_DELIMITERS} cells"),
        );
    }
    let (begin, delimiter) = match separator_line(&text) {
        Some((begin, delimiter)) => (begin, Some(delimiter)),
        None => (0, None),
    };
    let delimiter = delimiter.unwrap_or_else(|| delimiter_of(&text[begin..], rule));
    parse(&text, begin, delimiter, rule, findings)
}

/// The line `sep=;` by which Excel learns the delimiter: where the next line begins, and which it is.
fn separator_line(text: &str) -> Option<(usize, u8)> {
    let rest = text
        .get(..4)
        .filter(|start| start.eq_ignore_ascii_case("sep="));
    let rest = rest.and(text.get(4..))?;
    let delimiter = *rest.as_bytes().first()?;
    let after = &rest[1..].trim_start_matches('"');
    let line_end = after
        .find(|c| c != '\r')
        .filter(|at| after[*at..].starts_with('\n'))?;
    let begin = text.len() - after.len() + line_end + 1;
    delimiter
        .is_ascii_punctuation()
        .then_some((begin, delimiter))
        .or((delimiter == b'\t').then_some((begin, delimiter)))
}

/// The reader notes where each cell of a record ends, also of a record that is refused afterwards.
/// An address list in one cell has semicolons too, so that this is more than `WIDEST`.
const MOST_DELIMITERS: usize = 1_000_000;

fn is_too_wide(line: &str) -> bool {
    line.len() > MOST_DELIMITERS
        && [b',', b';', b'\t'].iter().any(|delimiter| {
            let cells = line.bytes().filter(|byte| byte == delimiter);
            cells.count() > MOST_DELIMITERS
        })
}

fn too_much<T>(findings: &mut Findings, text: &str) -> Option<T> {
    findings.add(Finding::fault(
        format!("the dispatch list is not read: {text}"),
        SPLIT,
    ));
    None
}

fn decode<'a>(bytes: &'a [u8], findings: &mut Findings) -> Option<Cow<'a, str>> {
    if let Some((encoding, mark)) = encoding_rs::Encoding::for_bom(bytes) {
        let (text, malformed) = encoding.decode_without_bom_handling(&bytes[mark..]);
        return if malformed || text.contains('\0') {
            unreadable(findings, encoding.name())
        } else {
            Some(text)
        };
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        if text.contains('\0') {
            return unreadable(findings, "UTF-8");
        }
        return Some(Cow::Borrowed(text));
    }
    let (text, _) = encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes);
    // Windows-1252 leaves five bytes without a meaning; in text they say that it is something else.
    if text
        .chars()
        .any(|c| matches!(c, '\0' | '\u{80}'..='\u{9f}'))
    {
        return unreadable(findings, "Windows-1252");
    }
    findings.add(Finding::notice(
        "the file is not UTF-8 and was read as Windows-1252",
        "look at a name with an accent in the preview; to be certain save the list as \"CSV UTF-8\"",
    ));
    Some(text)
}

fn unreadable<T>(findings: &mut Findings, encoding: &str) -> Option<T> {
    findings.add(Finding::fault(
        format!("the text of the dispatch list cannot be read as {encoding}"),
        "save the list as \"CSV UTF-8\" or as .xlsx",
    ));
    None
}

/// The delimiter under which the header has most of the named columns, then most columns.
fn delimiter_of(text: &str, rule: HeaderRule<'_>) -> u8 {
    let rate = |delimiter: u8| {
        let rows = first_rows(text, delimiter, 0);
        let header = rule.find(&rows).map(|place| &rows[place]);
        header.map_or((0, 0), |header| {
            let (named, _) = rule.has(header);
            (named, header.cells.len())
        })
    };
    // On a tie the first one wins: a comma.
    let mut best = b',';
    for candidate in [b';', b'\t'] {
        if rate(candidate) > rate(best) {
            best = candidate;
        }
    }
    best
}

/// The first rows that are not blank, of a text with so many lines before it.
fn first_rows(text: &str, delimiter: u8, lines_before: u32) -> Vec<RawRow> {
    let mut reader = reader(text, delimiter);
    let mut record = StringRecord::new();
    let mut lines = Lines::new(text);
    let mut rows = Vec::new();
    while rows.len() < MOST_ABOVE && reader.read_record(&mut record).unwrap_or(false) {
        let row = RawRow {
            number: lines.of(record.position().map_or(0, csv::Position::byte)) + lines_before,
            cells: record.iter().take(WIDEST + 1).map(str::to_owned).collect(),
            ..RawRow::default()
        };
        if !row.is_blank() {
            rows.push(row);
        }
    }
    rows
}

fn reader(text: &str, delimiter: u8) -> csv::Reader<&[u8]> {
    ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .trim(Trim::None)
        .from_reader(text.as_bytes())
}

/// The lines of the file, counted as an editor counts them.
///
/// The reader's own count stands where it began to look for a record: before blank lines, and before
/// the second half of a line end of two characters.
pub(super) struct Lines<'a> {
    bytes: &'a [u8],
    counted: usize,
    line: u32,
}

impl<'a> Lines<'a> {
    /// Begins to count.
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            bytes: text.as_bytes(),
            counted: 0,
            line: 1,
        }
    }

    /// The line of the record that the reader found when it looked from this byte on. Records are
    /// asked for in their order.
    pub(super) fn of(&mut self, byte: u64) -> u32 {
        let begun = usize::try_from(byte).unwrap_or(usize::MAX);
        while let Some(byte) = self.bytes.get(self.counted) {
            let ends_line = match byte {
                b'\n' => true,
                b'\r' => self.bytes.get(self.counted + 1) != Some(&b'\n'),
                _ if self.counted >= begun => break,
                _ => false,
            };
            self.line = self.line.saturating_add(u32::from(ends_line));
            self.counted += 1;
        }
        self.line
    }
}

impl Lines<'_> {
    /// The line of a byte that stands on it. Bytes are asked for in their order.
    pub(super) fn at(&mut self, byte: usize) -> u32 {
        while self.counted < byte {
            let ends_line = match self.bytes.get(self.counted) {
                Some(b'\n') => true,
                Some(b'\r') => self.bytes.get(self.counted + 1) != Some(&b'\n'),
                Some(_) => false,
                None => break,
            };
            self.line = self.line.saturating_add(u32::from(ends_line));
            self.counted += 1;
        }
        self.line
    }
}

fn parse(
    text: &str,
    begin: usize,
    delimiter: u8,
    rule: HeaderRule<'_>,
    findings: &mut Findings,
) -> Option<Table> {
    let lines_before = u32::from(begin > 0);
    let above = first_rows(&text[begin..], delimiter, lines_before);
    let Some(place) = rule.find(&above) else {
        findings.add(if above.is_empty() {
            Finding::fault(
                "the dispatch list is empty",
                "check [manifest] path: the first line must hold the column names",
            )
        } else {
            Finding::fault(
                "the row of [manifest] header_row has nothing in it",
                "correct header_row, or leave it out: it is found",
            )
        });
        return None;
    };
    let header = &above[place];
    if header.cells.len() > WIDEST {
        return too_much(findings, &format!("it has more than {WIDEST} columns"));
    }
    let header_line = header.number;
    let mut intake = Intake::with_header(rule, header_line, header.cells.clone());
    let width = intake.width();
    for fault in quotes::unclosed(text, delimiter, width) {
        findings.add(fault);
    }
    let has_typographic = text.contains(['\u{201c}', '\u{201e}', '\u{ab}']);
    let mut reader = reader(&text[begin..], delimiter);
    let mut record = StringRecord::new();
    let mut lines = Lines::new(&text[begin..]);
    let mut short = ShortRows::default();
    loop {
        match reader.read_record(&mut record) {
            Ok(false) => break,
            Ok(true) => {}
            Err(error) => {
                findings.add(Finding::fault(
                    format!("the dispatch list cannot be parsed: {error}"),
                    "save the list again as CSV",
                ));
                return None;
            }
        }
        let line = lines.of(record.position().map_or(0, csv::Position::byte)) + lines_before;
        if line <= header_line {
            continue;
        }
        let is_blank = record.iter().all(|cell| cell.trim().is_empty());
        let overhangs = record
            .iter()
            .skip(width)
            .any(|cell| !cell.trim().is_empty());
        if !is_blank && overhangs {
            findings.add(
                Finding::fault(
                    format!("the row has {} cells and the header {width}, beginning `{}`", record.len(), quote(record.get(0).unwrap_or(""))),
                    "put cells that hold the delimiter in double quotes; every row needs all its cells",
                )
                .row(line)
                .same_cause("rows have more cells than the header"),
            );
        } else if !is_blank && record.len() < width {
            short.note(line);
        }
        if has_typographic && let Some(fault) = record.iter().find_map(quotes::typographic) {
            findings.add(fault.row(line));
        }
        if let Err(error) = intake.text_row(line, record.iter()) {
            return too_much(findings, &error.to_string());
        }
    }
    findings.list.extend(
        short
            .notice(width)
            .map(|fault| fault.file(findings.file.clone())),
    );
    match intake.end(findings) {
        Ok(table) => table,
        Err(error) => too_much(findings, &error.to_string()),
    }
}

/// Rows without their last cells.
#[derive(Default)]
struct ShortRows {
    rows: u32,
    first: u32,
}

impl ShortRows {
    fn note(&mut self, line: u32) {
        if self.rows == 0 {
            self.first = line;
        }
        self.rows += 1;
    }

    fn notice(&self, width: usize) -> Option<Finding> {
        let text = match self.rows {
            0 => return None,
            1 => format!(
                "a row has fewer cells than the header's {width}: those behind its last one are empty"
            ),
            rows => format!(
                "{rows} rows have fewer cells than the header's {width}: those behind their last ones are empty"
            ),
        };
        let next = "see that nothing is missing there; Excel leaves empty cells at the end out";
        Some(Finding::notice(text, next).row(self.first))
    }
}
