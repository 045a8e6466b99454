//! Rows of one id become one recipient.

use std::collections::{HashMap, HashSet};

use super::bounds::{MOST_ADDRESSES, SPLIT};
use super::columns::Columns;
use super::{Findings, Table, ids};
use crate::address::{Mailbox, parse_list};
use crate::finding::{Finding, quote};

/// All rows of one id, as a view into the manifest: a long list stays small because nothing is
/// copied out of its cells.
#[derive(Clone, Copy, Debug)]
pub struct Recipient<'a> {
    pub(super) table: &'a Table,
    pub(super) columns: &'a Columns,
    /// The recipient's rows, as indices into the table.
    pub rows: &'a [u32],
}

/// The addresses of one recipient, each once, To before Cc before Bcc.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addressees {
    /// The To mailboxes.
    pub to: Vec<Mailbox>,
    /// The Cc mailboxes.
    pub cc: Vec<Mailbox>,
    /// The Bcc mailboxes.
    pub bcc: Vec<Mailbox>,
}

impl<'a> Recipient<'a> {
    /// The id, exactly as it stands in the cells less the blanks around it.
    #[must_use]
    pub fn id(&self) -> &'a str {
        self.cells(self.columns.id).next().unwrap_or("")
    }

    /// The name: the first one that the rows give.
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.cells(self.columns.name)
            .find(|name| !name.is_empty())
            .unwrap_or("")
    }

    /// The addresses. Malformed cells were refused when the manifest was read.
    #[must_use]
    pub fn addressees(&self) -> Addressees {
        let mut seen = HashSet::new();
        let mut gather = |columns: &[usize]| {
            let mut mailboxes: Vec<Mailbox> = Vec::new();
            for cell in columns.iter().flat_map(|&column| self.cells(column)) {
                for mailbox in parse_list(cell).unwrap_or_default() {
                    if seen.insert(mailbox.address.folded()) {
                        mailboxes.push(mailbox);
                    }
                }
            }
            mailboxes
        };
        Addressees {
            to: gather(&self.columns.to),
            cc: gather(&self.columns.cc),
            bcc: gather(&self.columns.bcc),
        }
    }

    fn cells(&self, column: usize) -> impl Iterator<Item = &'a str> + use<'a> {
        let table = self.table;
        self.rows
            .iter()
            .map(move |&row| table.cell(row as usize, column).trim())
    }

    fn number(&self, row: u32) -> u32 {
        self.table.number(row as usize)
    }

    pub(super) fn first_number(&self) -> u32 {
        self.rows.first().map_or(0, |&row| self.number(row))
    }
}

/// The rows of a table put together by id: first those of the first recipient, then those of the
/// second, and so on, with the place where each recipient's rows end.
#[derive(Debug, Default)]
pub(super) struct Groups {
    pub row_order: Vec<u32>,
    pub ends: Vec<u32>,
}

impl Groups {
    pub(super) fn rows(&self, index: usize) -> &[u32] {
        let start = match index {
            0 => 0,
            _ => self.ends[index - 1] as usize,
        };
        &self.row_order[start..self.ends[index] as usize]
    }

    pub(super) fn recipient<'a>(
        &'a self,
        table: &'a Table,
        columns: &'a Columns,
        index: usize,
    ) -> Recipient<'a> {
        Recipient {
            table,
            columns,
            rows: self.rows(index),
        }
    }
}

/// Groups the rows of a table by id and checks each recipient; none when there are more addresses
/// than a list can have.
pub(super) fn group(table: &Table, columns: &Columns, findings: &mut Findings) -> Option<Groups> {
    let mut addresses = 0;
    let mut unfilled = Unfilled::default();
    let rows = rows_by_id(table, columns.id, findings);
    let id = |row: u32| id_of(table, columns.id, row);
    let same = rows.chunk_by(|one, other| id(*one) == id(*other));
    let mut same: Vec<&[u32]> = same.collect();
    same.sort_unstable_by_key(|rows| rows[0]);
    let mut groups = Groups {
        row_order: Vec::with_capacity(table.len()),
        ends: Vec::with_capacity(same.len()),
    };
    for rows in same {
        groups.row_order.extend(rows);
        groups.ends.push(index(groups.row_order.len()));
        let recipient = Recipient {
            table,
            columns,
            rows,
        };
        check_name(&recipient, findings);
        addresses += check_addresses(&recipient, &mut unfilled, findings);
        if addresses > MOST_ADDRESSES {
            findings.add(Finding::fault(
                format!(
                    "the dispatch list is not read: it has more than {MOST_ADDRESSES} addresses"
                ),
                SPLIT,
            ));
            return None;
        }
    }
    unfilled.report(table, columns, findings);
    Some(groups)
}

/// Who lacks an address in a column of To that gives others one, while another column gives them theirs.
#[derive(Default)]
struct Unfilled {
    /// How many recipients have one in a column.
    filled: HashMap<usize, usize>,
    /// The first rows of those that have none there.
    empty: HashMap<usize, Vec<u32>>,
}

impl Unfilled {
    fn take(&mut self, recipient: &Recipient<'_>, given: &[usize]) {
        let to = &recipient.columns.to;
        if !to.iter().any(|column| given.contains(column)) {
            return;
        }
        for &column in to {
            if given.contains(&column) {
                *self.filled.entry(column).or_default() += 1;
            } else {
                let rows = self.empty.entry(column).or_default();
                rows.push(recipient.first_number());
            }
        }
    }

    /// One warning for a column that nearly all have filled. Where several have not, it is for those who have
    /// a second address.
    fn report(&self, table: &Table, columns: &Columns, findings: &mut Findings) {
        const MOST_NAMED: usize = 10;
        /// How many have one for each that has none.
        const FEW: usize = 4;
        for column in &columns.to {
            let filled = self.filled.get(column).copied().unwrap_or_default();
            let Some(rows) = self
                .empty
                .get(column)
                .filter(|rows| rows.len() * FEW <= filled)
            else {
                continue;
            };
            let header = &table.headers()[*column];
            let named: Vec<String> = rows.iter().take(MOST_NAMED).map(u32::to_string).collect();
            let more = match rows.len().saturating_sub(MOST_NAMED) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let (has, row) = if rows.len() == 1 {
                ("recipient has", "row")
            } else {
                ("recipients have", "rows")
            };
            findings.add(
                Finding::warning(
                    format!(
                        "{} {has} no address in `{}`, where {filled} have one: {row} {}{more}",
                        rows.len(),
                        quote(header),
                        named.join(", ")
                    ),
                    "fill in the address, if there is one; the letter goes to the other addresses",
                )
                .column(header),
            );
        }
    }
}

/// An id stands in file names and in most messages about a letter.
const LONGEST_ID: usize = 200;

/// A name is looked for in every report, letter by letter.
const LONGEST_NAME: usize = 300;

/// Row counts stay below 2^32 because the table's text does.
fn index(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

fn id_of(table: &Table, id_column: usize, row: u32) -> &str {
    table.cell(row as usize, id_column).trim()
}

/// The rows that have an id, by id and then in their order.
fn rows_by_id(table: &Table, id_column: usize, findings: &mut Findings) -> Vec<u32> {
    // They are sorted, and not put into a map: what that takes of a large list stays with the process.
    let mut rows = Vec::with_capacity(table.len());
    for row in 0..table.len() {
        let is_blank =
            (0..table.headers().len()).all(|column| table.cell(row, column).trim().is_empty());
        if is_blank || table.is_left_out(row) {
            continue;
        }
        let id = id_of(table, id_column, index(row));
        let header = &table.headers()[id_column];
        if id.is_empty() {
            findings.add(
                without_id(table, row, header)
                    .row(table.number(row))
                    .column(header),
            );
            continue;
        }
        if id.len() > LONGEST_ID {
            findings.add(
                Finding::fault(
                    format!("the id `{}` is longer than {LONGEST_ID} bytes", quote(id)),
                    "check [manifest] id, or use a shorter id",
                )
                .row(table.number(row))
                .column(header),
            );
            continue;
        }
        if let Some(fault) = ids::fault(id) {
            findings.add(fault.row(table.number(row)).column(header));
            continue;
        }
        rows.push(index(row));
    }
    rows.sort_unstable_by_key(|row| (id_of(table, id_column, *row), *row));
    rows
}

/// The fault of a row without an id, as what the row is.
fn without_id(table: &Table, row: usize, header: &str) -> Finding {
    let cells = (0..table.headers().len()).map(|column| table.cell(row, column).trim());
    let mut filled = cells.filter(|cell| !cell.is_empty());
    let first = filled.next().unwrap_or_default();
    if ids::is_total(first) {
        return Finding::fault(
            format!(
                "this is a row of totals, not of a recipient: `{}`",
                quote(first)
            ),
            format!(
                "delete the row, or leave it out in [manifest]: where = \"row['{}']\"",
                quote(header)
            ),
        );
    }
    if filled.next().is_none() {
        return Finding::fault(
            format!(
                "the row has one cell alone, `{}`: is it a note?",
                quote(first)
            ),
            "delete the row, or fill in the id",
        );
    }
    Finding::fault("the id is empty", "fill in the id, or delete the row")
}

fn check_name(recipient: &Recipient<'_>, findings: &mut Findings) {
    let column = recipient.columns.name;
    let header = &recipient.table.headers()[column];
    let name = recipient.name();
    let first = recipient.first_number();
    if name.is_empty() {
        findings.add(
            Finding::fault("the recipient has no name", "fill in the name")
                .row(first)
                .column(header)
                .id(recipient.id()),
        );
    }
    if let Some(unseen) = ids::zero_width(name) {
        findings.add(
            Finding::fault(
                format!("the name `{}` has {unseen} in it", quote(name)),
                "type the name again: copied text brings such characters along",
            )
            .row(first)
            .column(header)
            .id(recipient.id()),
        );
    }
    let length = name.chars().count();
    if length > LONGEST_NAME {
        findings.add(
            Finding::fault(
                format!(
                    "the name has {length} characters, more than {LONGEST_NAME}: `{}`",
                    quote(name)
                ),
                "check [manifest] name, or use a shorter name",
            )
            .row(first)
            .column(header)
            .id(recipient.id()),
        );
    }
    for (&row, other) in recipient.rows.iter().zip(recipient.cells(column)) {
        if !other.is_empty() && other != name {
            findings.add(
                Finding::fault(
                    format!(
                        "one id has two names: `{}` (row {first}) and `{}`",
                        quote(name),
                        quote(other)
                    ),
                    "correct the id or the name: the rows of one id are one recipient",
                )
                .row(recipient.number(row))
                .column(header)
                .id(recipient.id()),
            );
        }
    }
}

/// Says how many addresses there are.
fn check_addresses(
    recipient: &Recipient<'_>,
    unfilled: &mut Unfilled,
    findings: &mut Findings,
) -> usize {
    let Columns {
        to,
        cc,
        bcc,
        require,
        ..
    } = recipient.columns;
    let mut any_malformed = false;
    let mut addresses = 0;
    let mut given = Vec::new();
    let mut columns: Vec<usize> = Vec::new();
    for &column in to.iter().chain(cc).chain(bcc).chain(require) {
        if !columns.contains(&column) {
            columns.push(column);
        }
    }
    for column in columns {
        for (&row, cell) in recipient.rows.iter().zip(recipient.cells(column)) {
            match parse_list(cell) {
                Ok(mailboxes) if mailboxes.is_empty() => {}
                Ok(mailboxes) => {
                    let marked = mailboxes.iter().find(|one| has_text_mark(one));
                    if let Some(marked) = marked {
                        findings.add(
                            Finding::fault(
                                format!(
                                    "`{}` begins with an apostrophe, as Excel marks a text",
                                    quote(marked.address.as_str())
                                ),
                                "take the apostrophe out",
                            )
                            .row(recipient.number(row))
                            .column(&recipient.table.headers()[column])
                            .id(recipient.id()),
                        );
                    }
                    addresses += mailboxes.len();
                    if given.last() != Some(&column) {
                        given.push(column);
                    }
                }
                Err(error) => {
                    any_malformed = true;
                    let fault = match ids::zero_width(cell) {
                        Some(unseen) => Finding::fault(
                            format!("the address `{}` has {unseen} in it", quote(cell)),
                            "type the address again: copied text brings such characters along",
                        ),
                        _ => Finding::fault(error.to_string(), "correct the address"),
                    };
                    findings.add(
                        fault
                            .row(recipient.number(row))
                            .column(&recipient.table.headers()[column])
                            .id(recipient.id()),
                    );
                }
            }
        }
    }
    // An address that cannot be read is the fault; that one is missing would be said twice.
    if !any_malformed {
        check_given(recipient, &given, findings);
        unfilled.take(recipient, &given);
    }
    addresses
}

/// A mail address may begin with an apostrophe and none does.
fn has_text_mark(mailbox: &Mailbox) -> bool {
    mailbox.address.as_str().starts_with('\'')
}

/// Whether the columns that must give an address do: any of To, and each of `require`.
fn check_given(recipient: &Recipient<'_>, given: &[usize], findings: &mut Findings) {
    let headers = recipient.table.headers();
    let Columns { to, require, .. } = recipient.columns;
    if !to.iter().any(|column| given.contains(column)) {
        let names: Vec<_> = to
            .iter()
            .map(|&column| format!("`{}`", quote(&headers[column])))
            .collect();
        findings.add(
            Finding::fault(
                format!("no address in {}", names.join(", ")),
                "fill in an address in one of the recipient's rows, or delete the rows",
            )
            .same_cause("recipients have no address")
            .row(recipient.first_number())
            .id(recipient.id()),
        );
        return;
    }
    for &column in require.iter().filter(|column| !given.contains(column)) {
        findings.add(
            Finding::fault(
                format!(
                    "no address in `{}`, which [manifest] require names",
                    quote(&headers[column])
                ),
                "fill in the address, or take the column out of require",
            )
            .row(recipient.first_number())
            .column(&headers[column])
            .id(recipient.id()),
        );
    }
}
