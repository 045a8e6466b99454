//! What `postroom returns` takes.

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;

use super::Common;

#[derive(Debug, Args)]
pub(in crate::cli) struct ReturnsArgs {
    #[command(flatten)]
    pub common: Common,
    /// Read this: an .eml file, a folder of them, a Maildir or an mbox file; may be given several
    /// times [default: the mailbox that the letters were sent from]
    #[arg(long, value_name = "PATH")]
    pub from: Vec<PathBuf>,
    /// Read a message trace that the Exchange admin centre exported as CSV
    #[arg(long, value_name = "FILE")]
    pub trace: Vec<PathBuf>,
    /// Leave out mail that was written before: a date, or a time such as 2026-11-02T08:00:00Z
    /// [default: with a mailbox, a day before the first letter went out]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub since: Option<Timestamp>,
    /// Confirm what is suspected of this letter; may be given several times
    #[arg(long, value_name = "ID", requires = "because", conflicts_with_all = ["from", "trace", "since", "dismiss"])]
    pub confirm: Vec<String>,
    /// Dismiss what is suspected or unclear about this letter; may be given several times
    #[arg(long, value_name = "ID", requires = "because", conflicts_with_all = ["from", "trace", "since"])]
    pub dismiss: Vec<String>,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    pub because: Option<String>,
}

/// A moment, or the beginning of a day (UTC).
fn time(text: &str) -> Result<Timestamp, String> {
    text.parse::<Timestamp>()
        .or_else(|_| format!("{text}T00:00:00Z").parse())
        .map_err(|_| "write it as 2026-11-02 or 2026-11-02T08:00:00Z".to_owned())
}
