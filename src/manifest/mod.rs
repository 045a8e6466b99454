//! Rows of a CSV file or a workbook, grouped into recipients.
//!
//! A [`Table`] holds all cells in one block of text, so that a list of 100,000 schools costs little
//! more than its file. Faults are gathered, not thrown: a person mends a list in one go.

mod alike;
mod archive;
mod biff;
mod bounds;
mod columns;
mod condition;
mod csv;
mod domains;
mod flaws;
mod header;
mod ids;
mod intake;
mod near;
mod ods;
mod plain;
mod quotes;
mod recipients;
mod sheet_marks;
mod sheet_rows;
mod shown;
mod survey;
mod table;
mod workbook;
mod xlsx;

pub(crate) use columns::snake_case;
pub(crate) use ids::is_total;
pub(crate) use recipients::{Addressees, Recipient};
pub(crate) use survey::ListSurvey;
pub(crate) use table::{LeftOutReason, Table};

use self::columns::Columns;
use self::recipients::Groups;
use self::workbook::BookKind;
use std::path::Path;

use serde::Serialize;

use crate::config::{Batch, BatchOpenError, ManifestConfig};
use crate::finding::{Finding, quote};
use crate::regular;

/// How the names of the columns begin that a record of ours adds to its list.
pub(crate) const RECORD_COLUMNS: &str = "postroom_";

/// All recipients of a batch with the rows they come from.
#[derive(Debug)]
pub struct Manifest {
    table: Table,
    columns: Columns,
    groups: Groups,
    file: String,
    sheet: Option<String>,
}

/// A row that is left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// The row number that a person sees.
    pub row: u32,
    /// What stands in the id column.
    pub id: String,
    /// What stands in the name column.
    pub name: String,
    /// The key of `[manifest]` by which it is left out, or that there is no report.
    pub because: &'static str,
}

impl Manifest {
    /// Reads the manifest of a batch. With the manifest come warnings and notices; without one the
    /// faults say why.
    #[must_use]
    pub fn read(batch: &Batch) -> (Option<Self>, Vec<Finding>) {
        let config = &batch.manifest;
        let mut findings = Findings::of(config);
        let path = batch.resolve(&config.path);
        findings.list.extend(open_elsewhere(&path, config));
        let bytes = match batch
            .open(&config.path)
            .and_then(|file| Ok(bounds::read(file)?))
        {
            Ok(Some(bytes)) => bytes,
            Ok(None) => {
                findings.add(Finding::fault(bounds::too_large(), bounds::SPLIT));
                return (None, findings.list);
            }
            Err(BatchOpenError::LedOut) => {
                findings.add(Finding::fault(
                    "the dispatch list is a link that leaves the batch's folder",
                    "put the file itself there, or set allow_outside = true in [batch]",
                ));
                return (None, findings.list);
            }
            Err(BatchOpenError::System(error)) => {
                findings.add(Finding::fault(
                    format!("the dispatch list cannot be read: {error}"),
                    regular::to_read_it(
                        &error,
                        "correct [manifest] path in the batch file, or put the file there",
                    ),
                ));
                return (None, findings.list);
            }
        };
        Self::of(&bytes, config, &batch.vars, findings)
    }

    /// The same for the bytes of a file whose name is that of `[manifest] path`; for those who try
    /// what no file system holds, such as the fuzz targets.
    #[doc(hidden)]
    #[must_use]
    pub fn of_bytes(bytes: &[u8], config: &ManifestConfig) -> (Option<Self>, Vec<Finding>) {
        Self::of(bytes, config, &toml::Table::new(), Findings::of(config))
    }

    fn of(
        bytes: &[u8],
        config: &ManifestConfig,
        vars: &toml::Table,
        mut findings: Findings,
    ) -> (Option<Self>, Vec<Finding>) {
        let manifest = read_table(bytes, config, &mut findings)
            .and_then(|(table, sheet)| group(table, sheet, config, vars, &mut findings));
        // As they stand in the file, so that a person mends it from top to bottom.
        findings.list.sort_by_key(|fault| fault.row);
        let sound = !findings.list.iter().any(Finding::is_fault);
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

    /// The file, as the batch file writes it.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The sheet of a workbook.
    #[must_use]
    pub fn sheet(&self) -> Option<&str> {
        self.sheet.as_deref()
    }

    /// The rows that are left out, in their order.
    #[must_use]
    pub fn left_out(&self) -> impl ExactSizeIterator<Item = LeftOut> {
        self.table.left_out().map(|(row, reason)| LeftOut {
            row: self.table.number(row),
            id: self.table.cell(row, self.columns.id).trim().to_owned(),
            name: self.table.cell(row, self.columns.name).trim().to_owned(),
            because: reason.word(),
        })
    }

    /// Leaves out the rows of recipients that have no report, by their places. They stay recipients of
    /// the list: whoever makes the letters makes none for them.
    pub fn leave_out(&mut self, places: &[u32]) {
        for place in places {
            for row in self.groups.rows(*place as usize) {
                self.table.leave_out(*row as usize, LeftOutReason::NoReport);
            }
        }
    }

    /// Who is left out and why, in one line; none if nobody is.
    #[must_use]
    pub fn left_out_in_words(&self) -> Option<String> {
        in_words(&self.left_out().collect::<Vec<_>>())
    }

    /// Who is left out for want of a report, in one line; none if nobody is.
    #[must_use]
    pub fn without_report_in_words(&self) -> Option<String> {
        let word = LeftOutReason::NoReport.word();
        let rows = self.left_out().filter(|row| row.because == word);
        in_words(&rows.collect::<Vec<_>>())
    }

    /// The faults of cells that show an error or have no value, in columns that templates use by this
    /// template name or header. Those of the columns that the batch file names were found before.
    pub fn flaws_where(&self, is_used: impl Fn(&str, &str) -> bool) -> Vec<Finding> {
        let headers = self.table.headers();
        let used = self.table.flaws().iter().filter(|flaw| {
            let header = &headers[flaw.column];
            is_used(&snake_case(header), header)
        });
        used.map(|flaw| flaws::fault(&self.table, flaw).file(self.file.clone()))
            .collect()
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
        self.groups.recipient(&self.table, &self.columns, index)
    }
}

/// Rows that are left out, in one line.
fn in_words(rows: &[LeftOut]) -> Option<String> {
    const MOST_NAMED: usize = 10;
    let named: Vec<String> = rows
        .iter()
        .take(MOST_NAMED)
        .map(|row| {
            let who = match (row.id.as_str(), row.name.as_str()) {
                ("", name) => quote(name),
                (id, name) => format!("{} {}", quote(id), quote(name)),
            };
            format!("row {} {} ({})", row.row, who.trim(), row.because)
        })
        .collect();
    let named = named.join(", ");
    match rows.len() {
        0 => None,
        1 => Some(format!("1 row is left out: {named}")),
        number if number > MOST_NAMED => Some(format!(
            "{number} rows are left out: {named} and {} more",
            number - MOST_NAMED
        )),
        number => Some(format!("{number} rows are left out: {named}")),
    }
}

fn group(
    mut table: Table,
    sheet: Option<String>,
    config: &ManifestConfig,
    vars: &toml::Table,
    findings: &mut Findings,
) -> Option<Manifest> {
    let columns = Columns::find(&table, config, findings)?;
    if let Some(condition) = &config.condition {
        condition::leave_out(&mut table, &columns, condition, vars, findings);
    }
    flaws::in_columns(&table, &columns, findings);
    alike::garbled(&table, findings);
    let groups = recipients::group(&table, &columns, findings)?;
    if groups.ends.is_empty() && !findings.list.iter().any(Finding::is_fault) {
        findings.add(match table.left_out().len() {
            0 => Finding::fault(
                "the dispatch list has a header but no recipients",
                "check that this is the right file and sheet",
            ),
            _ => Finding::fault(
                "every row of the dispatch list is left out",
                "correct [manifest] where or hidden_rows",
            ),
        });
    }
    domains::check(&table, &columns, &groups, config, findings);
    alike::ids(&table, &columns, &groups, findings);
    let manifest = Manifest {
        table,
        columns,
        groups,
        file: findings.file.clone(),
        sheet,
    };
    if let Some(text) = manifest.left_out_in_words() {
        findings.add(Finding::notice(
            text,
            "see that none of them should get a letter; --json lists all",
        ));
    }
    Some(manifest)
}

fn read_table(
    bytes: &[u8],
    config: &ManifestConfig,
    findings: &mut Findings,
) -> Option<(Table, Option<String>)> {
    match BookKind::of(&config.path) {
        Some(kind) => {
            workbook::read(bytes, kind, config, findings).map(|(table, sheet)| (table, Some(sheet)))
        }
        None => csv::read(bytes, config, findings).map(|table| (table, None)),
    }
}

/// The notice that the list is open in a program, whose lock file lies beside it: Excel's begins with
/// `~$`, that of `LibreOffice` with `.~lock.`.
fn open_elsewhere(path: &Path, config: &ManifestConfig) -> Option<Finding> {
    let name = path.file_name()?.to_str()?;
    let locks = [format!("~${name}"), format!(".~lock.{name}#")];
    let lock = locks
        .iter()
        .find(|lock| path.with_file_name(lock).exists())?;
    let fault = Finding::notice(
        format!(
            "the list is open in another program, which left `{}` beside it",
            quote(lock)
        ),
        "save it there: what is not saved is not read",
    );
    Some(fault.file(config.path.display().to_string()))
}

/// The findings of one manifest file.
struct Findings {
    file: String,
    list: Vec<Finding>,
}

impl Findings {
    fn of(config: &ManifestConfig) -> Self {
        Self {
            file: config.path.display().to_string(),
            list: Vec::new(),
        }
    }

    /// Notes a finding. Beyond the bound one more says that there are others.
    fn add(&mut self, fault: Finding) {
        let fault = match self.list.len() {
            ..bounds::MOST_FINDINGS => fault,
            bounds::MOST_FINDINGS => Finding::fault(
                "there is more to find than is listed here",
                "fix what is listed, then check again",
            ),
            _ => return,
        };
        self.list.push(fault.file(self.file.clone()));
    }
}
