//! `.secrets.toml`, with an environment override for each key.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::smtp::{SmtpSettings, SmtpTable};
use super::{Batch, ConfigError};
use crate::address::Address;
use crate::secret::Secret;

const WHAT: &str = "secrets file";

/// The account that sends, and how it gets in.
#[derive(Debug, Default)]
pub struct Secrets {
    /// The file it was read from, if there is one.
    pub file: Option<PathBuf>,
    /// The mailbox that the letters come from.
    pub send_emails_as: Option<Address>,
    /// The mail server, if one is named.
    pub smtp: Option<SmtpSettings>,
}

/// The file as written. The sign-in keys are the study guide's; they belong to the Graph and EWS
/// transports and are accepted here so that one file serves every version.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    send_emails_as: Option<String>,
    send_email_as: Option<String>,
    smtp: SmtpTable,
    #[serde(rename = "client_id")]
    _client_id: serde::de::IgnoredAny,
    #[serde(rename = "client_secret")]
    _client_secret: serde::de::IgnoredAny,
    #[serde(rename = "tenant_id")]
    _tenant_id: serde::de::IgnoredAny,
    #[serde(rename = "username")]
    _username: serde::de::IgnoredAny,
    #[serde(rename = "scope")]
    _scope: serde::de::IgnoredAny,
    #[serde(rename = "server")]
    _server: serde::de::IgnoredAny,
    #[serde(rename = "redirect_uri")]
    _redirect_uri: serde::de::IgnoredAny,
    #[serde(rename = "authority")]
    _authority: serde::de::IgnoredAny,
    #[serde(rename = "graph_url")]
    _graph_url: serde::de::IgnoredAny,
    #[serde(rename = "ews_url")]
    _ews_url: serde::de::IgnoredAny,
    #[serde(rename = "token_store")]
    _token_store: serde::de::IgnoredAny,
}

impl Secrets {
    /// Reads the secrets of a batch: the file given, else `.secrets.toml` in the batch's folder,
    /// else in the current folder; then the environment, key by key, through `variable`.
    ///
    /// # Errors
    /// When the file can be read by other users, is not valid, or holds values that cannot be used.
    pub fn load(
        batch: &Batch,
        given: Option<&Path>,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let file = match given {
            Some(path) => Some(path.to_owned()),
            None => [batch.folder.join(".secrets.toml"), ".secrets.toml".into()]
                .into_iter()
                .find(|path| path.exists()),
        };
        let mut parsed = match &file {
            Some(path) => read(path)?,
            None => File::default(),
        };
        parsed.override_from(variable);
        let shown = file.clone().unwrap_or_else(|| "environment".into());
        parsed.typed(file, &shown)
    }
}

fn read(path: &Path) -> Result<File, ConfigError> {
    let cannot = |source| ConfigError::Read {
        what: WHAT,
        path: path.to_owned(),
        source,
        next_step: "copy .example-secrets.toml to .secrets.toml and fill it in",
    };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(path)
            .map_err(cannot)?
            .permissions()
            .mode();
        if mode & 0o077 != 0 {
            return Err(ConfigError::Permissions {
                path: path.to_owned(),
            });
        }
    }
    let text = std::fs::read_to_string(path).map_err(cannot)?;
    toml::from_str(&text).map_err(|error| {
        // The reader's own display quotes the line, which may hold a password.
        let line = error.span().map_or(0, |span| {
            text[..span.start.min(text.len())].matches('\n').count()
        });
        ConfigError::Syntax {
            what: WHAT,
            path: path.to_owned(),
            detail: format!("line {}: {}", line + 1, without_value(error.message())),
        }
    })
}

/// What the reader says, less the value it read: a password may stand in the wrong line.
fn without_value(message: &str) -> String {
    match message.rsplit_once(", expected ") {
        Some((read, expected)) if read.starts_with("invalid") => {
            format!("the value is of another kind, expected {expected}")
        }
        _ => message.to_owned(),
    }
}

impl File {
    fn override_from(&mut self, variable: &dyn Fn(&str) -> Option<String>) {
        let smtp = &mut self.smtp;
        for (key, slot) in [
            ("SEND_EMAILS_AS", &mut self.send_emails_as),
            ("SMTP_HOST", &mut smtp.host),
            ("SMTP_SECURITY", &mut smtp.security),
            ("SMTP_USERNAME", &mut smtp.username),
            ("SMTP_TIMEOUT", &mut smtp.timeout),
        ] {
            if let Some(value) = variable(&format!("POSTROOM_{key}")) {
                *slot = Some(value);
            }
        }
        if let Some(value) = variable("POSTROOM_SMTP_PORT") {
            // 0 is no port: `typed` refuses it with the key's name.
            smtp.port = Some(value.parse().unwrap_or(0));
        }
        if let Some(value) = variable("POSTROOM_SMTP_PASSWORD") {
            smtp.password = Some(Secret::new(value));
        }
        if let Some(value) = variable("POSTROOM_SMTP_CA_FILE") {
            smtp.ca_file = Some(value.into());
        }
    }

    fn typed(self, file: Option<PathBuf>, shown: &Path) -> Result<Secrets, ConfigError> {
        let written = self.send_emails_as.or(self.send_email_as);
        let send_emails_as = match written.as_deref().map(str::trim) {
            None | Some("") => None,
            Some(text) => Some(Address::parse(text).map_err(|error| {
                ConfigError::value(
                    shown,
                    "send_emails_as",
                    format!("cannot be used: {error}"),
                    "write the address of the shared mailbox",
                )
            })?),
        };
        Ok(Secrets {
            file,
            send_emails_as,
            smtp: self.smtp.typed(shown)?,
        })
    }
}

#[cfg(test)]
mod tests;
