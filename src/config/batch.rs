//! `batch.toml`.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::num::NonZeroU32;
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;

use super::attachment::AttachmentConfig;
use super::dispatch::{DispatchConfig, OutboxConfig, ReturnsTable};
use super::letter::{LetterConfig, with_slashes};
use super::values::DomainName;
use super::{ConfigError, read_written};
use crate::regular::Opened;

const WHAT: &str = "batch file";

/// One batch as its file describes it.
#[derive(Debug)]
pub struct Batch {
    /// The file's text, by which changes to it are noticed.
    pub text: String,
    /// The batch file.
    pub file: PathBuf,
    /// Its folder; all paths in the file are relative to it.
    pub folder: PathBuf,
    /// The batch's name.
    pub name: String,
    /// Whether paths may leave the folder.
    pub allow_outside: bool,
    /// Where the recipients come from.
    pub manifest: ManifestConfig,
    /// Free values for the templates.
    pub vars: toml::Table,
    /// What is written to them.
    pub letter: LetterConfig,
    /// What is attached.
    pub attachments: Vec<AttachmentConfig>,
    /// How it goes out.
    pub dispatch: DispatchConfig,
    /// The folder of the outbox transport.
    pub outbox: OutboxConfig,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BatchFile {
    batch: BatchTable,
    manifest: ManifestConfig,
    #[serde(default)]
    vars: toml::Table,
    letter: LetterConfig,
    #[serde(default, rename = "attachment")]
    attachments: Vec<AttachmentConfig>,
    #[serde(default)]
    dispatch: DispatchConfig,
    #[serde(default)]
    outbox: OutboxConfig,
    #[serde(default)]
    returns: ReturnsTable,
}

impl BatchFile {
    /// The paths that may be templates, as every part of the program reads them.
    fn with_slashes(mut self) -> Self {
        for attachment in &mut self.attachments {
            attachment.path = with_slashes(&attachment.path);
        }
        let letter = &mut self.letter;
        for path in [&mut letter.markdown, &mut letter.html, &mut letter.text] {
            *path = path.take().map(|path| match path.to_str() {
                Some(text) => with_slashes(text).into(),
                None => path,
            });
        }
        self
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BatchTable {
    name: String,
    #[serde(default)]
    allow_outside: bool,
}

/// `[manifest]`: the dispatch list and its columns.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestConfig {
    /// The file: CSV, or a workbook.
    pub path: PathBuf,
    /// The sheet of a workbook; the first visible one that is a list if not given.
    pub sheet: Option<String>,
    /// The row with the column names, counted from 1; found if not given.
    pub header_row: Option<NonZeroU32>,
    /// What becomes of the rows of a workbook that are hidden, by hand or by a filter.
    #[serde(default)]
    pub hidden_rows: HiddenRows,
    /// The rows that are meant, as an expression of templates over one row; all if not given.
    #[serde(rename = "where")]
    pub condition: Option<String>,
    /// The column that tells recipients apart.
    pub id: String,
    /// The column with the recipient's name.
    pub name: String,
    /// Columns with addresses for To.
    pub to: Vec<String>,
    /// Columns with addresses for Cc.
    #[serde(default)]
    pub cc: Vec<String>,
    /// Columns with addresses for Bcc.
    #[serde(default)]
    pub bcc: Vec<String>,
    /// Columns of which each must give at least one address; without them any one address is enough.
    #[serde(default)]
    pub require: Vec<String>,
    /// The domains that addresses may have, each with all below it; any if there are none.
    #[serde(default)]
    pub allow_domains: Vec<DomainName>,
    /// The domains that no address may have, each with all below it.
    #[serde(default)]
    pub deny_domains: Vec<DomainName>,
}

/// Why a file that a batch file names was not opened.
#[derive(Debug, thiserror::Error)]
pub enum BatchOpenError {
    /// A link leads out of the batch's folder.
    #[error("it is a link that leaves the batch's folder")]
    LedOut,
    /// The system does not let us.
    #[error(transparent)]
    System(#[from] io::Error),
}

/// What becomes of hidden rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HiddenRows {
    /// They are a fault: somebody must decide.
    #[default]
    Fault,
    /// They are left out.
    Skip,
    /// They are rows as any other.
    Send,
}

impl Batch {
    /// Reads a batch file, given itself or by its folder.
    ///
    /// # Errors
    /// When it cannot be read, is not valid, or has values that cannot be worked with.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let file = if path.is_dir() {
            path.join("batch.toml")
        } else {
            path.to_owned()
        };
        let ending = file.extension().map(OsStr::to_ascii_lowercase);
        let is_list = ["csv", "tsv", "xlsx", "xlsm", "xls", "xlsb", "ods"]
            .iter()
            .any(|list| ending.as_deref() == Some(OsStr::new(list)));
        if is_list {
            return Err(ConfigError::Read {
                what: WHAT,
                path: file,
                source: std::io::Error::other(
                    "this is a list, and a batch is a folder with a batch.toml that names its list, reports and letter",
                ),
                next_step: "name the folder of the batch; `postroom init DIR --from LIST` makes one for this list",
            });
        }
        let text = read_written(&file).map_err(|source| ConfigError::Read {
            what: WHAT,
            path: file.clone(),
            next_step: super::after_reading(
                &source,
                "name a batch.toml or its folder; `postroom init DIR` makes one",
            ),
            source,
        })?;
        Self::parse(&file, &text)
    }

    /// Reads the text of a batch file; for those who try what no file system holds, such as the fuzz
    /// targets.
    ///
    /// # Errors
    /// When it is not valid, or has values that cannot be worked with.
    #[doc(hidden)]
    pub fn parse(file: &Path, text: &str) -> Result<Self, ConfigError> {
        let parsed: BatchFile = toml::from_str(text).map_err(|error| {
            // The reader's own display quotes the line, which no other file's may be.
            let mut detail = if super::may_hold_secrets(file, text) {
                format!(
                    "{}\nit may hold secrets, so no line of it is shown",
                    super::at_line(text, &error, &super::in_words(error.message()))
                )
            } else {
                let shown = error.to_string();
                let shown = shown.trim_end();
                match shown.strip_suffix(error.message()) {
                    Some(place) => format!("{place}{}", super::in_words(error.message())),
                    None => shown.to_owned(),
                }
            };
            if super::stopped_at_backslash(text, &error) {
                detail.push_str(&format!("\n{}: {}", super::BACKSLASH, super::WITH_SLASHES));
            }
            ConfigError::Syntax {
                what: WHAT,
                path: file.to_owned(),
                detail,
            }
        })?;
        let folder = match file.parent() {
            Some(folder) if folder != Path::new("") => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        let parsed = if cfg!(windows) {
            parsed.with_slashes()
        } else {
            parsed
        };
        let batch = Self {
            text: text.to_owned(),
            file: file.to_owned(),
            folder,
            name: parsed.batch.name.trim().to_owned(),
            allow_outside: parsed.batch.allow_outside,
            manifest: parsed.manifest,
            vars: parsed.vars,
            letter: parsed.letter,
            attachments: parsed.attachments,
            dispatch: DispatchConfig {
                receipts: parsed.returns.receipts,
                ..parsed.dispatch
            },
            outbox: parsed.outbox,
        };
        batch.validate()?;
        Ok(batch)
    }

    fn validate(&self) -> Result<(), ConfigError> {
        let refuse = |key: &str, text: &str, next_step: &str| {
            Err(ConfigError::value(&self.file, key, text, next_step))
        };
        if self.name.is_empty() {
            return refuse(
                "batch.name",
                "is empty",
                "give the batch a name of its own, such as its title and year",
            );
        }
        if self.manifest.to.is_empty() {
            return refuse(
                "manifest.to",
                "names no column",
                "name the columns that hold the addresses",
            );
        }
        for attachment in &self.attachments {
            attachment.validate(&self.file)?;
        }
        self.letter.validate(&self.file)?;
        self.validate_paths()
    }

    fn validate_paths(&self) -> Result<(), ConfigError> {
        let refuse = |key: &str, text: &str, next_step: &str| {
            Err(ConfigError::value(&self.file, key, text, next_step))
        };
        for (key, path) in self.read_paths() {
            let real = path.and_then(|path| self.resolve(path).canonicalize().ok());
            if [path, real.as_ref()]
                .into_iter()
                .flatten()
                .any(|path| super::is_secrets_name(path))
            {
                return refuse(
                    key,
                    "names a secrets file, which no letter shows",
                    "name the list or the template",
                );
            }
        }
        let written = [("outbox.path", Some(&self.outbox.path))];
        for (key, path) in self.read_paths().into_iter().chain(written) {
            // `"reports\new"` is TOML, of a path with a line end in it.
            let has_control = |path: &PathBuf| path.to_string_lossy().chars().any(char::is_control);
            if path.is_some_and(has_control) {
                return refuse(
                    key,
                    &format!("has a control character: {}", super::BACKSLASH),
                    super::WITH_SLASHES,
                );
            }
            let has_backslash = |path: &PathBuf| {
                path.to_string_lossy().contains('\\') && !self.resolve(path).exists()
            };
            if cfg!(unix) && path.is_some_and(has_backslash) {
                return refuse(
                    key,
                    "has a backslash, which is no separator of folders here",
                    super::WITH_SLASHES,
                );
            }
            if path.is_some_and(|path| !self.allows(path)) {
                return refuse(
                    key,
                    "leaves the batch's folder",
                    "move the file into the folder, or set allow_outside = true in [batch]",
                );
            }
        }
        Ok(())
    }

    /// The files that the batch file names, by their keys.
    fn read_paths(&self) -> Vec<(&'static str, Option<&PathBuf>)> {
        let letter = &self.letter;
        let lists = self.attachments.iter();
        let lists = lists.map(|attachment| ("attachment.files", attachment.files.as_ref()));
        [
            ("manifest.path", Some(&self.manifest.path)),
            ("letter.markdown", letter.markdown.as_ref()),
            ("letter.html", letter.html.as_ref()),
            ("letter.text", letter.text.as_ref()),
            ("letter.stylesheet", letter.stylesheet.as_ref()),
        ]
        .into_iter()
        .chain(lists)
        .collect()
    }

    /// Whether a path as written stays inside the batch's folder, or may leave it.
    #[must_use]
    pub fn allows(&self, path: &Path) -> bool {
        self.allow_outside
            || path
                .components()
                .all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
    }

    /// Opens a file that the batch file names, to read it.
    ///
    /// # Errors
    /// When it cannot be opened, or lies outside the folder although its path as written does not.
    pub fn open(&self, path: &Path) -> Result<File, BatchOpenError> {
        let opened = Opened::at(&self.resolve(path))?;
        if self.allow_outside || opened.is_beneath(&self.folder.canonicalize()?) {
            Ok(opened.file)
        } else {
            Err(BatchOpenError::LedOut)
        }
    }

    /// A path of the batch file, from where the program runs.
    #[must_use]
    pub fn resolve(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }

    /// A file beside the batch file with the same stem: `batch.state.db` for `batch.toml` and the
    /// suffix `state.db`.
    #[must_use]
    pub fn beside(&self, suffix: &str) -> PathBuf {
        self.file.with_extension(suffix)
    }
}

#[cfg(test)]
mod tests;
