//! `[[attachment]]` of `batch.toml`.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::ConfigError;

/// `[[attachment]]`: one file for each recipient, and what proves that it is theirs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttachmentConfig {
    /// The file, a template; a `*` in its last part stands for any characters. Empty if a table names
    /// the files.
    #[serde(default)]
    pub path: String,
    /// A table that names the file of each recipient, in place of a path: CSV with the columns `id`
    /// and `file`.
    pub files: Option<PathBuf>,
    /// Whether a recipient may have several files: all that the path fits, or all that the table names.
    #[serde(default)]
    pub many: bool,
    /// What the PDF is locked with when it is sent, a template.
    pub password: Option<String>,
    /// The name that recipients see, a template; the file's own name if not given.
    pub name: Option<String>,
    /// Whether the same file goes to everyone.
    #[serde(default)]
    pub shared: bool,
    /// What happens to a recipient without the file.
    #[serde(default)]
    pub missing: Missing,
    /// How many pages the PDF should have.
    pub pages: Option<NonZeroU32>,
    /// Texts that the PDF must show, templates.
    #[serde(default)]
    pub must_contain: Vec<String>,
    /// Texts that the PDF must not show, templates.
    #[serde(default)]
    pub must_not_contain: Vec<String>,
    /// Names and ids of others that the PDF may show, templates: a report may mention a partner school.
    #[serde(default)]
    pub may_show: Vec<String>,
    /// How much it weighs that a PDF cannot be read. Written at all, it has every PDF read.
    pub unreadable: Option<Unreadable>,
    /// Whether the PDF is searched for the names and ids of other recipients; it is unless the file
    /// is shared.
    pub cross_check: Option<bool>,
}

/// What happens to a recipient without the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Missing {
    /// It is a fault: nothing is sent.
    #[default]
    Fault,
    /// The recipient gets no letter, which is a warning.
    Skip,
}

/// How much it weighs that a PDF cannot be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unreadable {
    /// It is worth a look.
    #[default]
    Warn,
    /// Nothing is sent.
    Fault,
}

impl AttachmentConfig {
    /// Whether the PDF is searched for what belongs to others.
    #[must_use]
    pub fn is_cross_checked(&self) -> bool {
        self.cross_check.unwrap_or(!self.shared)
    }

    /// Whether anything asks for the PDF's text.
    #[must_use]
    pub fn wants_text(&self) -> bool {
        self.is_cross_checked()
            || self.unreadable.is_some()
            || !self.must_contain.is_empty()
            || !self.must_not_contain.is_empty()
    }

    /// Whether the PDF is opened at all.
    #[must_use]
    pub fn is_read(&self) -> bool {
        self.pages.is_some() || self.wants_text()
    }

    pub(super) fn validate(&self, file: &Path) -> Result<(), ConfigError> {
        let refuse =
            |key: &str, text: &str, next: &str| Err(ConfigError::value(file, key, text, next));
        if self.path.trim().is_empty() == self.files.is_none() {
            return refuse(
                "attachment",
                if self.files.is_none() {
                    "names no file"
                } else {
                    "has both path and files"
                },
                "write either path, or files with a table of ids and files",
            );
        }
        if self.path.chars().any(char::is_control) {
            return refuse(
                "attachment.path",
                &format!("has a control character: {}", super::BACKSLASH),
                super::WITH_SLASHES,
            );
        }
        if self.many && self.name.is_some() {
            return refuse(
                "attachment.name",
                "would be the name of several files",
                "leave name out, so that each keeps its own, or leave many out",
            );
        }
        if self
            .password
            .as_deref()
            .is_some_and(|text| text.trim().is_empty())
        {
            return refuse(
                "attachment.password",
                "is empty",
                "write a template such as \"{{ row['Code'] }}\", or leave the line out",
            );
        }
        for (key, texts) in [
            ("attachment.must_contain", &self.must_contain),
            ("attachment.must_not_contain", &self.must_not_contain),
            ("attachment.may_show", &self.may_show),
        ] {
            if texts.iter().any(|text| text.trim().is_empty()) {
                return Err(ConfigError::value(
                    file,
                    key,
                    "has an empty text",
                    "write a text to look for, or take the empty one out",
                ));
            }
        }
        Ok(())
    }
}
