//! What a person writes down: the batch file and the secrets file, typed, unknown keys refused.

mod attachment;
mod batch;
mod cloud;
mod dispatch;
mod ews;
mod graph;
mod imap;
mod letter;
mod mailbox;
mod preset;
mod secrets;
mod sign_in;
mod smtp;
mod unshown;
mod values;

pub(crate) use attachment::{AttachmentConfig, Missing, Unreadable};
pub use batch::Batch;
pub(crate) use batch::{BatchOpenError, HiddenRows, ManifestConfig};
pub(crate) use cloud::Cloud;
pub(crate) use dispatch::Receipts;
pub use dispatch::{DispatchConfig, TransportName};
pub(crate) use ews::{EwsLogin, EwsPlace, EwsSettings};
pub(crate) use graph::{GraphPlace, GraphSettings};
pub(crate) use imap::{ImapLogin, ImapSettings};
pub(crate) use letter::{Importance, LetterConfig, is_template};
pub(crate) use mailbox::SaveIn;
pub(crate) use preset::{Pace, SmtpPreset};
pub use secrets::Secrets;
pub(crate) use sign_in::{
    AppCredential, AppRegistration, NATIVE_CLIENT, Registration, SignInSettings,
};
pub(crate) use smtp::{SmtpLogin, SmtpSecurity, SmtpSettings};
#[cfg(test)]
pub(crate) use values::SendWindow;
pub(crate) use values::{DomainName, parse_duration};

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::finding::{Finding, NextStep};
use crate::regular;

/// A batch or secrets file beyond this size is another file: what is parsed of it would take a
/// hundred times as much memory.
const LARGEST_FILE: u64 = 1 << 20;

/// Reads a file that a person wrote.
fn read_written(path: &Path) -> io::Result<String> {
    read_opened(regular::open(path)?)
}

fn read_opened(file: File) -> io::Result<String> {
    let mut bytes = Vec::new();
    // What has no size of its own, as some files of the system, is bounded too.
    file.take(LARGEST_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            "it is larger than 1 MB",
        ));
    }
    let is_utf16 = bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF");
    String::from_utf8(bytes).map_err(|_| {
        let encoding = if is_utf16 {
            "it is saved as UTF-16, not as UTF-8"
        } else {
            "it is not saved as UTF-8"
        };
        io::Error::new(io::ErrorKind::InvalidData, encoding)
    })
}

/// What to do about a file that could not be read, where `otherwise` is for one that is not there.
fn after_reading(error: &io::Error, otherwise: &'static str) -> &'static str {
    match error.kind() {
        io::ErrorKind::InvalidData => {
            "save it again as UTF-8; Notepad has that under Save as, Encoding"
        }
        _ => otherwise,
    }
}

/// What a backslash means in a path as Windows writes it.
const BACKSLASH: &str = "a backslash between double quotes begins a special character";
/// How a path is written instead.
const WITH_SLASHES: &str = "write paths with /, on Windows too";

/// Whether the reader of a file stopped at a line where a backslash stands between double quotes.
fn stopped_at_backslash(text: &str, error: &toml::de::Error) -> bool {
    let at = error.span().map_or(0, |span| span.start.min(text.len()));
    let line = text
        .get(..at)
        .map_or(0, |before| before.matches('\n').count());
    text.lines()
        .nth(line)
        .is_some_and(|line| line.contains('"') && line.contains('\\'))
}

/// Whether a file is called like one with secrets.
fn is_secrets_name(path: &Path) -> bool {
    path.file_name().is_some_and(|name| {
        name.to_string_lossy()
            .to_lowercase()
            .ends_with("secrets.toml")
    })
}

/// Whether a text gives a value to a key that is called like a secret, wherever it is given.
fn has_secrets(text: &str) -> bool {
    const SECRET: [&str; 5] = ["password", "secret", "token", "passwd", "credential"];
    let written = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    written.into_iter().any(|line| {
        line.split_once('=').is_some_and(|(key, _)| {
            let key = key.to_lowercase();
            SECRET.iter().any(|secret| key.contains(secret))
        })
    })
}

/// Whether a file that should have been a batch file may hold secrets.
fn may_hold_secrets(path: &Path, text: &str) -> bool {
    let is_toml = path
        .extension()
        .is_some_and(|suffix| suffix.eq_ignore_ascii_case("toml"));
    !is_toml || is_secrets_name(path) || has_secrets(text)
}

/// The line of a file at which its reader stopped, and what it says; not what stands there, which may
/// be a password.
fn at_line(text: &str, error: &toml::de::Error, message: &str) -> String {
    let line = error.span().map_or(0, |span| {
        text[..span.start.min(text.len())].matches('\n').count()
    });
    format!("line {}: {message}", line + 1)
}

/// What the reader says, in the words of whoever wrote the file, and less the value it read: a password
/// may stand in the wrong line. Nothing is decided by it: what has another form is shown as it is.
fn in_words(message: &str) -> String {
    let Some((read, expected)) = message.rsplit_once(", expected ") else {
        return message.to_owned();
    };
    if !read.starts_with("invalid ") {
        return message.to_owned();
    }
    match expected {
        "a sequence" if read == "invalid type: map" => {
            "there may be several of these: write the name in two brackets, [[...]]".to_owned()
        }
        "a sequence" => must_be(LIST),
        "a string" | "path string" => must_be(TEXT),
        "a boolean" => must_be("true or false, without quotes"),
        "a map" => must_be(TABLE),
        "u8" | "u16" | "u32" | "u64" | "usize" | "i64" => must_be(NUMBER),
        "a nonzero u32" => must_be(COUNT),
        kind if kind.starts_with("struct ") => must_be(TABLE),
        other => must_be(other),
    }
}

/// The kinds of values in words.
const LIST: &str = "a list in square brackets, such as [\"one\", \"two\"]";
const TEXT: &str = "a text in quotes";
const NUMBER: &str = "a whole number, without quotes";
const COUNT: &str = "a whole number of at least 1, without quotes";
const TABLE: &str = "a table with keys of its own";

/// What is said of a value of another kind.
fn must_be(kind: &str) -> String {
    format!("this must be {kind}")
}

/// A batch or secrets file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is not there or cannot be read.
    #[error("cannot read {what} {}: {source}", path.display())]
    Read {
        /// Which file it is.
        what: &'static str,
        /// Its path.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
        /// What to do.
        next_step: &'static str,
    },
    /// The file is not the TOML that is expected: a slip of syntax, a wrong type, an unknown key.
    #[error("{} is not a valid {what}:\n{detail}", path.display())]
    Syntax {
        /// Which file it is.
        what: &'static str,
        /// Its path.
        path: PathBuf,
        /// The reader's own words, with line and column, secrets left out.
        detail: String,
    },
    /// A value that cannot be worked with.
    #[error("{}: `{key}` {text}", path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// The key, with its table.
        key: String,
        /// What is wrong with it.
        text: String,
        /// What to do.
        next_step: String,
    },
    /// Others on this machine could read the secrets.
    #[error("{} can be read by other users of this machine, so it was not opened", path.display())]
    Permissions {
        /// The secrets file.
        path: PathBuf,
    },
    /// Somebody else wrote the secrets, and says where letters and passwords go.
    #[error("{} belongs to another user of this machine, so it was not used", path.display())]
    OtherOwner {
        /// The secrets file.
        path: PathBuf,
    },
}

impl NextStep for ConfigError {
    fn next_step(&self) -> Cow<'_, str> {
        match self {
            Self::Read { next_step, .. } => (*next_step).into(),
            Self::Syntax { .. } => {
                "correct the place shown; `postroom init` writes a commented example".into()
            }
            Self::Value { next_step, .. } => next_step.into(),
            Self::Permissions { path } => regular::for_its_user_alone(path).into(),
            Self::OtherOwner { .. } => {
                "write one of your own from .example-secrets.toml; if this one is yours, make it so with chown".into()
            }
        }
    }
}

impl ConfigError {
    fn value(
        path: &Path,
        key: impl Into<String>,
        text: impl Into<String>,
        next_step: impl Into<String>,
    ) -> Self {
        Self::Value {
            path: path.to_owned(),
            key: key.into(),
            text: text.into(),
            next_step: next_step.into(),
        }
    }
}

impl From<ConfigError> for Finding {
    fn from(error: ConfigError) -> Self {
        Self::from(&error)
    }
}

impl From<&ConfigError> for Finding {
    fn from(error: &ConfigError) -> Self {
        match error {
            ConfigError::Value {
                path,
                key,
                text,
                next_step,
            } => Self::fault(format!("`{key}` {text}"), next_step.clone())
                .file(path.display().to_string()),
            error @ (ConfigError::Read { .. }
            | ConfigError::Syntax { .. }
            | ConfigError::Permissions { .. }
            | ConfigError::OtherOwner { .. }) => Self::from_error(error),
        }
    }
}
