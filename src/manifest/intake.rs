//! Rows on their way into the table: the header is found, and what cannot stand as it is written is
//! taken for what it means or marked.

use std::borrow::Cow;

use super::header::HeaderRule;
use super::table::{FlawKind, LeftOutReason, TooLarge};
use super::{Findings, Table};
use crate::config::HiddenRows;
use crate::finding::{Finding, quote};

/// Rows that may stand above the header.
pub(super) const MOST_ABOVE: usize = 50;

/// What a workbook knows of a cell beside its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CellNote {
    /// It shows this error.
    Error(String),
    /// It is a formula whose result was never stored.
    NoValue,
    /// It is a link to this address.
    Mail(String),
}

/// A row as its file has it. The columns are counted from 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct RawRow {
    /// The row number that a person sees.
    pub number: u32,
    /// Whether it is hidden.
    pub is_hidden: bool,
    /// Its cells; those behind the last one with a text may be left out.
    pub cells: Vec<String>,
    /// What is to be known of some of them.
    pub notes: Vec<(usize, CellNote)>,
}

impl RawRow {
    /// Whether nothing is in it.
    pub(super) fn is_blank(&self) -> bool {
        self.cells.iter().all(|cell| cell.trim().is_empty())
            && self
                .notes
                .iter()
                .all(|(_, note)| matches!(note, CellNote::Mail(_)))
    }
}

/// Takes rows in, from the first one of the file on.
pub(super) struct Intake<'a> {
    rule: HeaderRule<'a>,
    hidden_rows: HiddenRows,
    above: Vec<RawRow>,
    table: Option<Table>,
    /// For each column whether it is one of addresses.
    addresses: Vec<bool>,
    hidden: Vec<u32>,
}

impl<'a> Intake<'a> {
    /// Begins with a table.
    pub(super) fn new(rule: HeaderRule<'a>, hidden_rows: HiddenRows) -> Self {
        Self {
            rule,
            hidden_rows,
            above: Vec::new(),
            table: None,
            addresses: Vec::new(),
            hidden: Vec::new(),
        }
    }

    /// Begins with a table whose header is known.
    pub(super) fn with_header(rule: HeaderRule<'a>, number: u32, header: Vec<String>) -> Self {
        let mut intake = Self::new(rule, HiddenRows::Send);
        intake.begin(number, header);
        intake
    }

    /// How many columns the header has; none while it is not known.
    pub(super) fn width(&self) -> usize {
        self.table.as_ref().map_or(0, |table| table.headers().len())
    }

    /// Takes a row.
    ///
    /// # Errors
    /// When the table has no room for it.
    pub(super) fn row(&mut self, row: RawRow, findings: &mut Findings) -> Result<(), TooLarge> {
        if row.is_blank() {
            return Ok(());
        }
        if self.table.is_some() {
            return self.below(&row, findings);
        }
        let is_certain = self.rule.is_certain(&row);
        self.above.push(row);
        if is_certain || self.above.len() >= MOST_ABOVE {
            self.find_header(findings)?;
        }
        Ok(())
    }

    /// The table, and the numbers of its hidden rows; none when there was no header.
    pub(super) fn end(mut self, findings: &mut Findings) -> Result<Option<Table>, TooLarge> {
        self.find_header(findings)?;
        let (Some(mut table), hidden) = (self.table, self.hidden) else {
            return Ok(None);
        };
        table.shrink();
        if self.hidden_rows == HiddenRows::Fault && !hidden.is_empty() {
            findings.add(hidden_rows(&hidden));
        }
        Ok(Some(table))
    }

    fn find_header(&mut self, findings: &mut Findings) -> Result<(), TooLarge> {
        let mut above = std::mem::take(&mut self.above);
        let Some(place) = self.rule.find(&above) else {
            return Ok(());
        };
        let rows = above.split_off(place + 1);
        if let Some(mut header) = above.pop() {
            // Behind the last name there may be cells that only have a colour.
            while header
                .cells
                .last()
                .is_some_and(|name| name.trim().is_empty())
            {
                header.cells.pop();
            }
            self.begin(header.number, header.cells);
        }
        for row in rows {
            self.below(&row, findings)?;
        }
        Ok(())
    }

    fn begin(&mut self, number: u32, header: Vec<String>) {
        self.addresses = header
            .iter()
            .map(|name| self.rule.is_of_addresses(name))
            .collect();
        self.table = Some(Table::new(header).with_header_row(number));
    }

    fn below(&mut self, row: &RawRow, findings: &mut Findings) -> Result<(), TooLarge> {
        let Some(table) = &mut self.table else {
            return Ok(());
        };
        let width = table.headers().len();
        let beyond = row.cells.iter().skip(width);
        if beyond.clone().any(|cell| !cell.trim().is_empty()) {
            findings.add(
                Finding::fault(
                    format!(
                        "the row has a value in column {}, which has no header",
                        row.cells.len()
                    ),
                    "give the column a name, or empty the cell",
                )
                .row(row.number)
                .same_cause("rows have a value in a column without a header"),
            );
        }
        let place = table.len();
        let addresses = &self.addresses;
        let mut cells = Vec::with_capacity(width);
        for column in 0..width {
            let cell = row.cells.get(column).map_or("", String::as_str);
            let link = row.notes.iter().find_map(|(at, note)| match note {
                CellNote::Mail(address) if *at == column => Some(address.as_str()),
                _ => None,
            });
            let is_address = addresses.get(column).is_some_and(|is| *is);
            cells.push(match link {
                Some(link) if is_address => {
                    over_link(cell, link, row.number, &table.headers()[column], findings)
                }
                _ => meant(cell, is_address),
            });
        }
        table.push(row.number, cells.iter().map(|cell| &**cell))?;
        for (column, note) in &row.notes {
            let kind = match note {
                CellNote::Error(_) => FlawKind::Error,
                CellNote::NoValue => FlawKind::NoValue,
                CellNote::Mail(_) => continue,
            };
            if *column < width {
                table.mark(place, *column, kind);
            }
        }
        if row.is_hidden {
            self.hidden.push(row.number);
            if self.hidden_rows == HiddenRows::Skip {
                table.leave_out(place, LeftOutReason::Hidden);
            }
        }
        Ok(())
    }

    /// Takes a row of a text file straight into the table.
    ///
    /// # Errors
    /// When the table has no room for it.
    pub(super) fn text_row<'t>(
        &mut self,
        number: u32,
        cells: impl Iterator<Item = &'t str>,
    ) -> Result<(), TooLarge> {
        let Some(table) = &mut self.table else {
            return Ok(());
        };
        let addresses = &self.addresses;
        let cells = cells
            .enumerate()
            .map(|(column, cell)| meant(cell, addresses.get(column).is_some_and(|is| *is)));
        table.push(number, cells)
    }
}

/// What a cell means: `="0042"` is how a text is kept from being taken for a number, and `mailto:` is
/// how a link writes an address.
fn meant(cell: &str, is_address: bool) -> Cow<'_, str> {
    match cell.as_bytes().first() {
        Some(b'=') => as_text(cell).map_or(Cow::Borrowed(cell), Cow::Owned),
        Some(b'm' | b'M' | b' ') if is_address => {
            mail_of_link(cell.trim()).map_or(Cow::Borrowed(cell), Cow::Owned)
        }
        _ => Cow::Borrowed(cell),
    }
}

/// The text of a formula that is a text and nothing else.
fn as_text(cell: &str) -> Option<String> {
    let inner = cell.trim().strip_prefix("=\"")?.strip_suffix('"')?;
    let text = inner.replace("\"\"", "\u{0}");
    (!text.contains('"')).then(|| text.replace('\u{0}', "\""))
}

/// The address of a `mailto:` link, without its subject.
pub(super) fn mail_of_link(link: &str) -> Option<String> {
    let (scheme, rest) = link.split_at_checked("mailto:".len())?;
    if !scheme.eq_ignore_ascii_case("mailto:") {
        return None;
    }
    let address = rest.split('?').next().unwrap_or_default();
    let decoded = percent_encoding::percent_decode_str(address).decode_utf8_lossy();
    Some(decoded.trim().to_owned())
}

/// A cell of addresses that is a link: what it shows is taken, unless only the link is an address.
fn over_link<'t>(
    cell: &'t str,
    link: &'t str,
    row: u32,
    header: &str,
    findings: &mut Findings,
) -> Cow<'t, str> {
    if let Some(address) = mail_of_link(cell.trim()) {
        return Cow::Owned(address);
    }
    if !cell.contains('@') {
        let shown = match cell.trim() {
            "" => return Cow::Borrowed(cell),
            shown => quote(shown),
        };
        findings.add(
            Finding::notice(
                format!(
                    "the cell shows `{shown}` over a link: the link's address is taken, `{}`",
                    quote(link)
                ),
                "see whether this address is meant",
            )
            .row(row)
            .column(header)
            .same_cause("cells show a text over a link, whose address is taken"),
        );
        return Cow::Borrowed(link);
    }
    if !cell.trim().eq_ignore_ascii_case(link) && !cell.contains([',', ';', '<', '\n']) {
        findings.add(
            Finding::warning(
                format!(
                    "the cell shows `{}`, and its link goes to `{}`: what it shows is taken",
                    quote(cell.trim()),
                    quote(link)
                ),
                "correct the one that is not meant",
            )
            .row(row)
            .column(header)
            .same_cause("cells show one address and link to another"),
        );
    }
    Cow::Borrowed(cell)
}

fn hidden_rows(hidden: &[u32]) -> Finding {
    const MOST_NAMED: usize = 10;
    let named: Vec<String> = hidden.iter().take(MOST_NAMED).map(u32::to_string).collect();
    let mut rows = named.join(", ");
    if hidden.len() > MOST_NAMED {
        rows.push_str(&format!(" and {} more", hidden.len() - MOST_NAMED));
    }
    let text = match hidden.len() {
        1 => format!("row {rows} is hidden, by hand or by a filter"),
        many => format!("{many} rows are hidden, by hand or by a filter: {rows}"),
    };
    let fault = Finding::fault(
        text,
        "say in [manifest] what is meant: hidden_rows = \"skip\" leaves them out, \
         hidden_rows = \"send\" writes to them too",
    );
    match hidden.first() {
        Some(&first) => fault.row(first),
        None => fault,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_taken_for_what_it_means() {
        for (cell, is_address, text) in [
            ("=\"0042\"", false, "0042"),
            ("=\"a \"\"b\"\"\"", false, "a \"b\""),
            ("=A1&\"x\"", false, "=A1&\"x\""),
            ("mailto:a@s.example?subject=x", true, "a@s.example"),
            ("MAILTO:a%40s.example", true, "a@s.example"),
            ("mailto:a@s.example", false, "mailto:a@s.example"),
            ("mary@s.example", true, "mary@s.example"),
        ] {
            assert_eq!(meant(cell, is_address), text, "{cell}");
        }
    }
}
