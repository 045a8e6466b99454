//! Rows of a CSV or XLSX file, grouped into recipients.
//!
//! A [`Table`] holds all cells in one block of text, so that a list of 100,000 schools costs little
//! more than its file. Faults are gathered, not thrown: a person mends a list in one go.

mod columns;
mod csv;
mod recipients;
mod table;
mod xlsx;

pub use columns::snake_case;
pub use recipients::{Addressees, Recipient};
pub use table::Table;

use std::path::Path;

use self::columns::Columns;
use crate::config::{Batch, ManifestConfig};
use crate::fault::Fault;

/// All recipients of a batch with the rows they come from.
#[derive(Debug)]
pub struct Manifest {
    /// The rows.
    pub table: Table,
    recipients: Vec<Recipient>,
    row_order: Vec<u32>,
}

impl Manifest {
    /// Reads the manifest of a batch. With the manifest come warnings and notices; without one the
    /// faults say why.
    #[must_use]
    pub fn read(batch: &Batch) -> (Option<Self>, Vec<Fault>) {
        let config = &batch.manifest;
        let file = config.path.display().to_string();
        let mut findings = Findings {
            file,
            list: Vec::new(),
        };
        let manifest = read_table(&batch.resolve(&config.path), config, &mut findings)
            .and_then(|table| group(table, config, &mut findings));
        let sound = !findings.list.iter().any(Fault::is_fault);
        (manifest.filter(|_| sound), findings.list)
    }

    /// The recipients in the order of their first rows.
    #[must_use]
    pub fn recipients(&self) -> &[Recipient] {
        &self.recipients
    }

    /// The rows of a recipient, as indices into the table.
    #[must_use]
    pub fn rows(&self, recipient: &Recipient) -> &[u32] {
        let start = recipient.first as usize;
        &self.row_order[start..start + recipient.rows as usize]
    }
}

fn group(table: Table, config: &ManifestConfig, findings: &mut Findings) -> Option<Manifest> {
    let columns = Columns::find(&table, config, findings)?;
    let (recipients, row_order) = recipients::group(&table, &columns, findings);
    if recipients.is_empty() && !findings.list.iter().any(Fault::is_fault) {
        findings.add(Fault::new(
            "the manifest has a header but no recipients",
            "check that this is the right file and sheet",
        ));
    }
    Some(Manifest {
        table,
        recipients,
        row_order,
    })
}

fn read_table(path: &Path, config: &ManifestConfig, findings: &mut Findings) -> Option<Table> {
    let is_xlsx = path
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("xlsx"));
    if is_xlsx {
        xlsx::read(path, config.sheet.as_deref(), findings)
    } else {
        csv::read(path, config, findings)
    }
}

/// The findings of one manifest file.
struct Findings {
    file: String,
    list: Vec<Fault>,
}

impl Findings {
    fn add(&mut self, fault: Fault) {
        self.list.push(fault.file(self.file.clone()));
    }
}
