//! What `postroom report` takes.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Common;

#[derive(Debug, Args)]
pub(in crate::cli) struct ReportArgs {
    #[command(flatten)]
    pub common: Common,
    /// Only this form [default: html, csv and json, beside the batch file]
    #[arg(long, value_name = "FORM", conflicts_with = "json")]
    pub format: Option<Format>,
    /// Where to, with --format; - is standard output
    #[arg(long, short, value_name = "FILE", requires = "format")]
    pub output: Option<PathBuf>,
    /// Show the page in the browser
    #[arg(long)]
    pub open: bool,
    /// The record of the rehearsal
    #[arg(long)]
    pub rehearsal: bool,
    /// Check that the log of all steps is whole, and write nothing
    #[arg(long, conflicts_with_all = ["format", "output", "open"])]
    pub verify: bool,
    /// With --verify: the log must have had this hash, which was written down before
    #[arg(long, value_name = "HEX", requires = "verify", value_parser = hash)]
    pub hash: Option<String>,
}

/// A form of the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Format {
    /// A page to look at
    Html,
    /// The rows of the dispatch list with what became of each
    Csv,
    /// For programs
    Json,
    /// For Excel: rows, addresses and the batch, with filters
    Xlsx,
}

impl Format {
    /// Those that are written when none is named.
    pub(crate) const USUAL: [Self; 3] = [Self::Html, Self::Csv, Self::Json];

    /// The ending of its files.
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Xlsx => "xlsx",
        }
    }
}

fn hash(text: &str) -> Result<String, String> {
    let digits = text.trim().to_ascii_lowercase();
    let are_digits = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    if are_digits && (12..=64).contains(&digits.len()) {
        Ok(digits)
    } else {
        Err("a hash has 12 to 64 hexadecimal digits".to_owned())
    }
}
