//! `[smtp]` of the secrets file: the mail server and how it is reached.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::{ConfigError, parse_duration};
use crate::secret::Secret;

/// `[smtp]`: the mail server.
#[derive(Clone, Debug)]
pub struct SmtpSettings {
    /// Its name or address.
    pub host: String,
    /// Its port: 587 for STARTTLS, 465 for TLS and 25 for none unless given.
    pub port: u16,
    /// How the connection is protected.
    pub security: SmtpSecurity,
    /// The account and its password, if the server wants them.
    pub login: Option<(String, Secret)>,
    /// A PEM file with a private certificate authority.
    pub ca_file: Option<PathBuf>,
    /// How long the server may be silent.
    pub timeout: Duration,
}

/// How an SMTP connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpSecurity {
    /// Not at all: for a relay on this machine or in a trusted network.
    None,
    /// TLS is asked for in the open connection (RFC 3207) and must be granted.
    StartTls,
    /// TLS from the first byte (RFC 8314).
    Tls,
}

/// The table as written.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SmtpTable {
    pub(super) host: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) security: Option<String>,
    pub(super) username: Option<String>,
    pub(super) password: Option<Secret>,
    pub(super) ca_file: Option<PathBuf>,
    pub(super) timeout: Option<String>,
}

impl SmtpTable {
    /// The settings as they are used; none when no host is named.
    pub(super) fn typed(self, shown: &Path) -> Result<Option<SmtpSettings>, ConfigError> {
        let refuse = |key: &str, text: String, next_step: &str| {
            ConfigError::value(shown, format!("smtp.{key}"), text, next_step)
        };
        let Some(host) = self.host.filter(|host| !host.trim().is_empty()) else {
            return Ok(None);
        };
        let security = match self.security.as_deref() {
            None | Some("starttls") => SmtpSecurity::StartTls,
            Some("tls") => SmtpSecurity::Tls,
            Some("none") => SmtpSecurity::None,
            Some(other) => {
                return Err(refuse(
                    "security",
                    format!("is `{other}`"),
                    "write \"starttls\", \"tls\" or \"none\"",
                ));
            }
        };
        let port = self.port.unwrap_or(match security {
            SmtpSecurity::None => 25,
            SmtpSecurity::StartTls => 587,
            SmtpSecurity::Tls => 465,
        });
        if port == 0 {
            return Err(refuse(
                "port",
                "is not a port".into(),
                "write a number from 1 to 65535",
            ));
        }
        let timeout = match self.timeout.as_deref() {
            None => Duration::from_mins(1),
            Some(text) => parse_duration(text)
                .map_err(|error| refuse("timeout", error, "write it like \"60s\""))?,
        };
        let password = self.password.filter(|password| !password.is_empty());
        let login = match (self.username.filter(|name| !name.is_empty()), password) {
            (Some(username), Some(password)) => Some((username, password)),
            (None, None) => None,
            (Some(_), None) => {
                return Err(refuse(
                    "password",
                    "is missing".into(),
                    "fill it in, set POSTROOM_SMTP_PASSWORD, or leave the username out",
                ));
            }
            (None, Some(_)) => {
                return Err(refuse(
                    "username",
                    "is missing".into(),
                    "fill it in, or leave the password out",
                ));
            }
        };
        let local = matches!(host.as_str(), "localhost" | "127.0.0.1" | "::1");
        if security == SmtpSecurity::None && login.is_some() && !local {
            return Err(refuse(
                "security",
                "is \"none\", which would send the password in the clear".into(),
                "write \"starttls\" or \"tls\"",
            ));
        }
        Ok(Some(SmtpSettings {
            host,
            port,
            security,
            login,
            ca_file: self.ca_file,
            timeout,
        }))
    }
}
