//! Quotes of a CSV file that nobody closed: they swallow the rows below them, and readers of CSV say
//! nothing of it.

use memchr::memchr;

use super::csv::Lines;
use crate::finding::{Finding, quote};

/// The quotes of a text that do not close where they should, the first few.
pub(super) fn unclosed(text: &str, delimiter: u8, width: usize) -> Vec<Finding> {
    const MOST: usize = 20;
    let bytes = text.as_bytes();
    let mut faults = Vec::new();
    let mut lines = Lines::new(text);
    let mut at = 0;
    while let Some(found) = memchr(b'"', &bytes[at..]) {
        let open = at + found;
        let begins_cell =
            open == 0 || bytes[open - 1] == delimiter || matches!(bytes[open - 1], b'\n' | b'\r');
        if !begins_cell {
            at = open + 1;
            continue;
        }
        let close = closing(bytes, open + 1);
        let end = close.unwrap_or(bytes.len());
        let row = lines.at(open);
        let inside = &text[open + 1..end];
        let what = match close {
            None => Some("is never closed, so it swallows all that follows".to_owned()),
            Some(close) if !ends_cell(bytes, close + 1, delimiter) => {
                Some("is closed in the middle of a cell".to_owned())
            }
            Some(_) => {
                swallowed(inside, delimiter, width).map(|rows| format!("swallows {rows} below it"))
            }
        };
        if let Some(what) = what {
            let begins: String = inside.lines().next().unwrap_or_default().to_owned();
            faults.push(
                Finding::fault(
                    format!("the quote before `{}` {what}", quote(&begins)),
                    "close the quote at the end of its cell, or take it out",
                )
                .row(row),
            );
            if faults.len() >= MOST {
                return faults;
            }
        }
        at = end + 1;
        if at >= bytes.len() {
            break;
        }
    }
    faults
}

/// Where the quoted cell that begins here is closed.
fn closing(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let close = at + memchr(b'"', bytes.get(at..)?)?;
        if bytes.get(close + 1) != Some(&b'"') {
            return Some(close);
        }
        at = close + 2;
    }
}

fn ends_cell(bytes: &[u8], at: usize, delimiter: u8) -> bool {
    bytes
        .get(at)
        .is_none_or(|byte| *byte == delimiter || matches!(byte, b'\n' | b'\r'))
}

/// How many whole rows stand inside a cell, in words.
fn swallowed(cell: &str, delimiter: u8, width: usize) -> Option<String> {
    if width < 3 || !cell.contains(['\n', '\r']) {
        return None;
    }
    let rows = cell.lines().skip(1).filter(|line| {
        let cells = line.bytes().filter(|byte| *byte == delimiter).count();
        cells + 1 >= width && line.contains('@')
    });
    match rows.count() {
        0 => None,
        1 => Some("a row".to_owned()),
        rows => Some(format!("{rows} rows")),
    }
}

/// The fault of a cell that begins with a typographic quote, which closes nothing.
pub(super) fn typographic(cell: &str) -> Option<Finding> {
    let opens = cell
        .trim_start()
        .starts_with(['\u{201c}', '\u{201e}', '\u{ab}']);
    let closes = cell.contains(['\u{201d}', '\u{bb}'])
        || cell.matches('\u{201c}').count() > 1
        || (cell.contains('\u{201e}') && cell.contains('\u{201c}'));
    (opens && !closes).then(|| {
        Finding::fault(
            format!(
                "the cell begins with a typographic quote that is not closed in it: `{}`",
                quote(cell.trim())
            ),
            "put the cell in straight quotes (\"): a typographic one does not hold a cell together",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_that_swallows_rows_is_found_where_it_opened() {
        for (text, row, part) in [
            ("a,b,c\n1,x,\"y\n2,x@s.example,z\n", 2, "never closed"),
            ("a,b,c\n1,\"x,y\n2,\"z,w\n", 2, "middle of a cell"),
            (
                "a,b,c\n1,x,y\n2,\"x,y\n3,q@s.example,r\n4,z\",w\n",
                3,
                "swallows a row",
            ),
        ] {
            let faults = unclosed(text, b',', 3);
            assert_eq!(
                faults.first().and_then(|fault| fault.row),
                Some(row),
                "{text}"
            );
            assert!(faults[0].text.contains(part), "{}", faults[0].text);
        }
    }

    #[test]
    fn quotes_that_are_closed_are_no_fault() {
        for text in [
            "a,b,c\n1,\"x, \"\"y\"\"\",z\n",
            "a,b,c\n1,\"x\ny\",z\n",
            "a,b,c\n1,the \"Oak\",z\n",
            "a,b,c\n\"1\",\"\",\"z\"",
        ] {
            assert_eq!(unclosed(text, b',', 3), [], "{text}");
        }
    }
}
