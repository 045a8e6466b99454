//! Rows of one id become one recipient.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::columns::Columns;
use super::{Findings, Table};
use crate::address::{Mailbox, parse_list};
use crate::fault::{Fault, quote};

/// All rows of one id.
///
/// Addresses are parsed again from the cells when a letter is made, so that a long list stays small.
#[derive(Clone, Debug)]
pub struct Recipient {
    /// The id, exactly as it stands in the cells less the blanks around it.
    pub id: Box<str>,
    pub(super) first: u32,
    pub(super) rows: u32,
    columns: std::sync::Arc<AddressColumns>,
    name_column: u32,
}

/// Where addresses stand.
#[derive(Debug)]
struct AddressColumns {
    to: Vec<usize>,
    cc: Vec<usize>,
    bcc: Vec<usize>,
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

impl Recipient {
    /// The recipient's name: the first one that its rows give.
    #[must_use]
    pub fn name<'a>(&self, table: &'a Table, rows: &[u32]) -> &'a str {
        let column = self.name_column as usize;
        rows.iter()
            .map(|&row| table.cell(row as usize, column).trim())
            .find(|name| !name.is_empty())
            .unwrap_or("")
    }

    /// The recipient's addresses. Malformed cells were refused when the manifest was read.
    #[must_use]
    pub fn addressees(&self, table: &Table, rows: &[u32]) -> Addressees {
        let mut seen = Vec::new();
        let mut gather = |columns: &[usize]| {
            let mut mailboxes: Vec<Mailbox> = Vec::new();
            for &column in columns {
                for &row in rows {
                    let cell = table.cell(row as usize, column);
                    for mailbox in parse_list(cell).unwrap_or_default() {
                        let folded = mailbox.address.folded();
                        if !seen.contains(&folded) {
                            seen.push(folded);
                            mailboxes.push(mailbox);
                        }
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
}

/// Groups the rows of a table by id. The second value lists the rows of the first recipient, then
/// those of the second, and so on.
pub(super) fn group(
    table: &Table,
    columns: &Columns,
    findings: &mut Findings,
) -> (Vec<Recipient>, Vec<u32>) {
    let (heads, next) = chain_rows(table, columns.id, findings);
    let shared = std::sync::Arc::new(AddressColumns {
        to: columns.to.clone(),
        cc: columns.cc.clone(),
        bcc: columns.bcc.clone(),
    });
    let mut recipients = Vec::with_capacity(heads.len());
    let mut row_order = Vec::with_capacity(table.len());
    for head in heads {
        let first = row_order.len();
        let mut row = head;
        while row != NONE {
            row_order.push(row);
            row = next[row as usize];
        }
        let rows = &row_order[first..];
        let recipient = Recipient {
            id: table.cell(head as usize, columns.id).trim().into(),
            first: index(first),
            rows: index(rows.len()),
            columns: std::sync::Arc::clone(&shared),
            name_column: index(columns.name),
        };
        check_name(table, columns, &recipient, rows, findings);
        check_addresses(table, columns, &recipient, rows, findings);
        recipients.push(recipient);
    }
    (recipients, row_order)
}

const NONE: u32 = u32::MAX;

/// Row counts stay below 2^32 because the table's text does.
fn index(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(NONE)
}

/// The first row of each id, and for each row the next one of the same id.
fn chain_rows(table: &Table, id_column: usize, findings: &mut Findings) -> (Vec<u32>, Vec<u32>) {
    let mut heads = Vec::new();
    let mut next = vec![NONE; table.len()];
    let mut last_of: HashMap<&str, u32> = HashMap::new();
    for row in 0..table.len() {
        let is_blank =
            (0..table.headers().len()).all(|column| table.cell(row, column).trim().is_empty());
        if is_blank {
            continue;
        }
        let id = table.cell(row, id_column).trim();
        let header = &table.headers()[id_column];
        if id.is_empty() {
            findings.add(
                Fault::new("the id is empty", "fill in the id, or delete the row")
                    .row(table.number(row))
                    .column(header),
            );
            continue;
        }
        if id.chars().any(char::is_control) {
            findings.add(
                Fault::new(
                    format!("the id `{}` has control characters in it", quote(id)),
                    "type the id anew",
                )
                .row(table.number(row))
                .column(header),
            );
            continue;
        }
        match last_of.entry(id) {
            Entry::Occupied(mut last) => {
                next[*last.get() as usize] = index(row);
                last.insert(index(row));
            }
            Entry::Vacant(vacant) => {
                vacant.insert(index(row));
                heads.push(index(row));
            }
        }
    }
    (heads, next)
}

fn check_name(
    table: &Table,
    columns: &Columns,
    recipient: &Recipient,
    rows: &[u32],
    findings: &mut Findings,
) {
    let name = recipient.name(table, rows);
    let header = &table.headers()[columns.name];
    let first = rows.first().map_or(0, |&row| table.number(row as usize));
    if name.is_empty() {
        findings.add(
            Fault::new("the recipient has no name", "fill in the name")
                .row(first)
                .column(header)
                .id(&*recipient.id),
        );
    }
    for &row in rows {
        let other = table.cell(row as usize, columns.name).trim();
        if !other.is_empty() && other != name {
            findings.add(
                Fault::new(
                    format!(
                        "one id has two names: `{}` (row {first}) and `{}`",
                        quote(name),
                        quote(other)
                    ),
                    "correct the id or the name: the rows of one id are one recipient",
                )
                .row(table.number(row as usize))
                .column(header)
                .id(&*recipient.id),
            );
        }
    }
}

fn check_addresses(
    table: &Table,
    columns: &Columns,
    recipient: &Recipient,
    rows: &[u32],
    findings: &mut Findings,
) {
    let mut any_malformed = false;
    let mut any_to = false;
    let mut given = vec![false; columns.require.len()];
    let address_columns = columns.to.iter().chain(&columns.cc).chain(&columns.bcc);
    for (column, row) in
        address_columns.flat_map(|&column| rows.iter().map(move |&row| (column, row)))
    {
        match parse_list(table.cell(row as usize, column)) {
            Ok(mailboxes) if mailboxes.is_empty() => {}
            Ok(_) => {
                any_to |= columns.to.contains(&column);
                for (given, _) in given
                    .iter_mut()
                    .zip(&columns.require)
                    .filter(|(_, required)| **required == column)
                {
                    *given = true;
                }
            }
            Err(error) => {
                any_malformed = true;
                findings.add(
                    Fault::new(error.to_string(), "correct the address, or empty the cell")
                        .row(table.number(row as usize))
                        .column(&table.headers()[column])
                        .id(&*recipient.id),
                );
            }
        }
    }
    if any_malformed {
        return;
    }
    let names = |columns: &[usize]| {
        let names: Vec<_> = columns
            .iter()
            .map(|&column| format!("`{}`", quote(&table.headers()[column])))
            .collect();
        names.join(", ")
    };
    let first = rows.first().map_or(0, |&row| table.number(row as usize));
    if !any_to {
        findings.add(
            Fault::new(
                format!("no address in {}", names(&columns.to)),
                "fill in an address in one of the recipient's rows, or delete the rows",
            )
            .row(first)
            .id(&*recipient.id),
        );
        return;
    }
    for (&required, _) in columns
        .require
        .iter()
        .zip(&given)
        .filter(|(_, given)| !**given)
    {
        findings.add(
            Fault::new(
                format!(
                    "no address in {}, which [manifest] require names",
                    names(&[required])
                ),
                "fill in the address, or take the column out of require",
            )
            .row(first)
            .column(&table.headers()[required])
            .id(&*recipient.id),
        );
    }
}
