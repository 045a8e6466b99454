//! Rows of a CSV or XLSX file, grouped into recipients.
//!
//! A [`Table`] holds all cells in one block of text, so that a list of 100,000 schools costs little
//! more than its file. Faults are gathered, not thrown: a person mends a list in one go.

mod archive;
mod bounds;
mod columns;
mod csv;
mod domains;
mod near;
mod recipients;
mod table;
mod xlsx;

pub use columns::snake_case;
pub use recipients::{Addressees, Recipient};
pub use table::Table;

use self::columns::Columns;
use self::recipients::Groups;
use crate::config::{Batch, ManifestConfig};
use crate::fault::Fault;

/// All recipients of a batch with the rows they come from.
#[derive(Debug)]
pub struct Manifest {
    table: Table,
    columns: Columns,
    groups: Groups,
}

impl Manifest {
    /// Reads the manifest of a batch. With the manifest come warnings and notices; without one the
    /// faults say why.
    #[must_use]
    pub fn read(batch: &Batch) -> (Option<Self>, Vec<Fault>) {
        let config = &batch.manifest;
        let mut findings = Findings::of(config);
        if batch.is_led_out(&config.path) {
            findings.add(Fault::new(
                "the manifest is a link that leaves the batch's folder",
                "put the file itself there, or set allow_outside = true in [batch]",
            ));
            return (None, findings.list);
        }
        let bytes = match bounds::read_file(&batch.resolve(&config.path)) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => {
                findings.add(Fault::new(bounds::too_large(), bounds::SPLIT));
                return (None, findings.list);
            }
            Err(error) => {
                findings.add(Fault::new(
                    format!("the manifest cannot be read: {error}"),
                    "correct [manifest] path in the batch file, or put the file there",
                ));
                return (None, findings.list);
            }
        };
        Self::of(&bytes, config, findings)
    }

    /// The same for the bytes of a file whose name is that of `[manifest] path`; for those who try
    /// what no file system holds, such as the fuzz targets.
    #[doc(hidden)]
    #[must_use]
    pub fn of_bytes(bytes: &[u8], config: &ManifestConfig) -> (Option<Self>, Vec<Fault>) {
        Self::of(bytes, config, Findings::of(config))
    }

    fn of(
        bytes: &[u8],
        config: &ManifestConfig,
        mut findings: Findings,
    ) -> (Option<Self>, Vec<Fault>) {
        let manifest = read_table(bytes, config, &mut findings)
            .and_then(|table| group(table, config, &mut findings));
        // As they stand in the file, so that a person mends it from top to bottom.
        findings.list.sort_by_key(|fault| fault.row);
        let sound = !findings.list.iter().any(Fault::is_fault);
        (manifest.filter(|_| sound), findings.list)
    }

    /// The column headers.
    #[must_use]
    pub fn headers(&self) -> &[String] {
        self.table.headers()
    }

    /// The rows.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// How many recipients there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.groups.ends.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.groups.ends.is_empty()
    }

    /// A recipient, in the order of their first rows.
    #[must_use]
    pub fn recipient(&self, index: usize) -> Recipient<'_> {
        Recipient {
            table: &self.table,
            columns: &self.columns,
            rows: self.groups.rows(index),
        }
    }
}

fn group(table: Table, config: &ManifestConfig, findings: &mut Findings) -> Option<Manifest> {
    let columns = Columns::find(&table, config, findings)?;
    let groups = recipients::group(&table, &columns, findings)?;
    if groups.ends.is_empty() && !findings.list.iter().any(Fault::is_fault) {
        findings.add(Fault::new(
            "the manifest has a header but no recipients",
            "check that this is the right file and sheet",
        ));
    }
    domains::check(&table, &columns, &groups, config, findings);
    Some(Manifest {
        table,
        columns,
        groups,
    })
}

fn read_table(bytes: &[u8], config: &ManifestConfig, findings: &mut Findings) -> Option<Table> {
    let is_xlsx = config
        .path
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("xlsx"));
    if is_xlsx {
        xlsx::read(bytes, config.sheet.as_deref(), findings)
    } else {
        csv::read(bytes, config, findings)
    }
}

/// The findings of one manifest file.
struct Findings {
    file: String,
    list: Vec<Fault>,
}

impl Findings {
    fn of(config: &ManifestConfig) -> Self {
        Self {
            file: config.path.display().to_string(),
            list: Vec::new(),
        }
    }

    /// Notes a finding. Beyond the bound one more says that there are others.
    fn add(&mut self, fault: Fault) {
        let fault = match self.list.len() {
            ..bounds::MOST_FINDINGS => fault,
            bounds::MOST_FINDINGS => Fault::new(
                "there is more to find than is listed here",
                "mend what is listed, then check again",
            ),
            _ => return,
        };
        self.list.push(fault.file(self.file.clone()));
    }
}
