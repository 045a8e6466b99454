//! CSV: comma, semicolon or tab; UTF-8 or UTF-16 with a mark, else Windows-1252 with a notice.

use std::borrow::Cow;

use csv::{ReaderBuilder, StringRecord, Trim};

use super::bounds::{SPLIT, WIDEST};
use super::{Findings, Table};
use crate::config::ManifestConfig;
use crate::fault::{Fault, quote};

/// Reads a CSV file into a table. Without a table the findings say why.
pub(super) fn read(
    bytes: &[u8],
    config: &ManifestConfig,
    findings: &mut Findings,
) -> Option<Table> {
    let text = decode(bytes, findings)?;
    if text.split(['\n', '\r']).any(is_too_wide) {
        return too_much(
            findings,
            &format!("a line has more than {MOST_DELIMITERS} cells"),
        );
    }
    let delimiter = delimiter(&text, config);
    parse(&text, delimiter, findings)
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
    findings.add(Fault::new(
        format!("the manifest is not read: {text}"),
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
    findings.add(Fault::notice(
        "the file is not UTF-8 and was read as Windows-1252",
        "look at a name with an accent in the preview; to be certain save the list as \"CSV UTF-8\"",
    ));
    Some(text)
}

fn unreadable<T>(findings: &mut Findings, encoding: &str) -> Option<T> {
    findings.add(Fault::new(
        format!("the text of the manifest cannot be read as {encoding}"),
        "save the list as \"CSV UTF-8\" or as .xlsx",
    ));
    None
}

/// The delimiter under which the header has most of the named columns, then most columns.
fn delimiter(text: &str, config: &ManifestConfig) -> u8 {
    let named: Vec<&String> = [&config.id, &config.name]
        .into_iter()
        .chain(&config.to)
        .chain(&config.cc)
        .chain(&config.bcc)
        .collect();
    let rate = |delimiter: u8| {
        let mut reader = reader(text, delimiter);
        let mut header = StringRecord::new();
        let _ = reader.read_record(&mut header);
        let hits = named
            .iter()
            .filter(|name| header.iter().any(|cell| cell.trim() == name.trim()))
            .count();
        (hits, header.len())
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
struct Lines<'a> {
    bytes: &'a [u8],
    counted: usize,
    line: u32,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            bytes: text.as_bytes(),
            counted: 0,
            line: 1,
        }
    }

    /// The line of the record that the reader found when it looked from this byte on. Records are
    /// asked for in their order.
    fn of(&mut self, byte: u64) -> u32 {
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

fn parse(text: &str, delimiter: u8, findings: &mut Findings) -> Option<Table> {
    let mut reader = reader(text, delimiter);
    let mut record = StringRecord::new();
    let header_read = reader.read_record(&mut record).unwrap_or(false);
    if !header_read || record.iter().all(|cell| cell.trim().is_empty()) {
        findings.add(Fault::new(
            "the manifest is empty",
            "check [manifest] path: the first line must hold the column names",
        ));
        return None;
    }
    if record.len() > WIDEST {
        return too_much(findings, &format!("it has more than {WIDEST} columns"));
    }
    let mut table = Table::new(record.iter().map(str::to_owned).collect());
    let mut lines = Lines::new(text);
    let width = table.headers().len();
    loop {
        match reader.read_record(&mut record) {
            Ok(false) => break,
            Ok(true) => {}
            Err(error) => {
                findings.add(Fault::new(
                    format!("the manifest cannot be parsed: {error}"),
                    "save the list anew as CSV",
                ));
                return None;
            }
        }
        let line = lines.of(record.position().map_or(0, csv::Position::byte));
        let is_blank = record.iter().all(|cell| cell.trim().is_empty());
        let overhangs = record
            .iter()
            .skip(width)
            .any(|cell| !cell.trim().is_empty());
        if !is_blank && (record.len() < width || overhangs) {
            findings.add(
                Fault::new(
                    format!("the row has {} cells and the header {width}, beginning `{}`", record.len(), quote(record.get(0).unwrap_or(""))),
                    "put cells that hold the delimiter in double quotes; every row needs all its cells",
                )
                .row(line),
            );
        }
        if let Err(error) = table.push(line, record.iter()) {
            return too_much(findings, &error.to_string());
        }
    }
    table.shrink();
    Some(table)
}
