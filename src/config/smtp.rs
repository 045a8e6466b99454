//! `[smtp]` of the secrets file: the mail server and how it is reached.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::unshown::value;
use super::{ConfigError, SmtpPreset, parse_duration};
use crate::address::Address;
use crate::secret::Secret;

/// `[smtp]`: the mail server.
#[derive(Clone, Debug)]
pub struct SmtpSettings {
    /// The mail service whose place and limits are known, if one is named.
    pub preset: Option<SmtpPreset>,
    /// Its name or address.
    pub host: String,
    /// Its port: 587 for STARTTLS, 465 for TLS and 25 for none unless given.
    pub port: u16,
    /// How the connection is protected.
    pub security: SmtpSecurity,
    /// How we sign in, if the server wants it.
    pub login: Option<SmtpLogin>,
    /// A PEM file with a private certificate authority.
    pub ca_file: Option<PathBuf>,
    /// How long the server may be silent.
    pub timeout: Duration,
}

/// How we sign in to a mail server.
#[derive(Clone, Debug)]
pub enum SmtpLogin {
    /// With an account and its password (AUTH PLAIN or LOGIN).
    Password(String, Secret),
    /// With an access token of the sign-in, as this account (AUTH XOAUTH2). For a shared mailbox of
    /// Exchange Online it is the mailbox, not the person who signed in (Microsoft: "Authenticate an
    /// IMAP, POP or SMTP connection using OAuth").
    Token(String),
}

/// The mail servers of Microsoft's clouds: a token is shown to no other host but this machine.
const TOKEN_HOSTS: [&str; 3] = [
    "smtp.office365.com",
    "smtp.office365.us",
    "smtp.partner.outlook.cn",
];

impl SmtpSettings {
    /// Whether it signs in to Exchange Online with a password, which is switched off for tenants at the end
    /// of December 2026 unless an administrator allows it again (Microsoft, message MC786329 of 27 January
    /// 2026).
    #[must_use]
    pub fn has_password_that_ends(&self) -> bool {
        let is_password = matches!(self.login, Some(SmtpLogin::Password(..)));
        is_password && self.host.eq_ignore_ascii_case(TOKEN_HOSTS[0])
    }
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
    #[serde(deserialize_with = "value")]
    pub(super) preset: Option<String>,
    #[serde(deserialize_with = "value")]
    pub(super) host: Option<String>,
    #[serde(deserialize_with = "value")]
    pub(super) port: Option<u16>,
    #[serde(deserialize_with = "value")]
    pub(super) security: Option<String>,
    #[serde(deserialize_with = "value")]
    pub(super) auth: Option<String>,
    #[serde(deserialize_with = "value")]
    pub(super) username: Option<String>,
    #[serde(deserialize_with = "value")]
    pub(super) password: Option<Secret>,
    #[serde(deserialize_with = "value")]
    pub(super) ca_file: Option<PathBuf>,
    #[serde(deserialize_with = "value")]
    pub(super) timeout: Option<String>,
}

impl SmtpTable {
    /// The settings as they are used; none when no host is named.
    pub(super) fn typed(
        self,
        shown: &Path,
        mailbox: Option<&Address>,
    ) -> Result<Option<SmtpSettings>, ConfigError> {
        let refuse = |key: &str, text: String, next_step: &str| {
            ConfigError::value(shown, format!("smtp.{key}"), text, next_step)
        };
        let preset = preset_of(self.preset.as_deref(), &refuse)?;
        let written = self.host.filter(|host| !host.trim().is_empty());
        let host = match (written, preset) {
            (Some(host), _) => host,
            (None, Some(preset)) => match preset.host() {
                Some(host) => host.to_owned(),
                None => return Err(refuse("host", "is missing".into(), preset.host_to_write())),
            },
            (None, None) => return Ok(None),
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
        let port = self.port.unwrap_or(match (preset, security) {
            (Some(preset), _) => preset.port(security),
            (None, SmtpSecurity::None) => 25,
            (None, SmtpSecurity::StartTls) => 587,
            (None, SmtpSecurity::Tls) => 465,
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
                .map_err(|error| refuse("timeout", error.to_string(), "write it like \"60s\""))?,
        };
        let local = matches!(host.as_str(), "localhost" | "127.0.0.1" | "::1");
        let username = self.username.filter(|name| !name.is_empty());
        let login = match self.auth.as_deref() {
            None | Some("" | "password") => with_password(username, self.password, &refuse)?,
            Some("oauth") if local || TOKEN_HOSTS.contains(&host.as_str()) => {
                let account = username.or_else(|| mailbox.map(Address::to_string));
                Some(SmtpLogin::Token(account.ok_or_else(|| {
                    refuse(
                        "username",
                        "is missing".into(),
                        "write it, or send_emails_as: the mailbox that the letters come from",
                    )
                })?))
            }
            Some("oauth") => {
                return Err(refuse(
                    "host",
                    format!(
                        "is `{host}`, and the sign-in's token is for Microsoft's servers alone"
                    ),
                    "write smtp.office365.com, or sign in with a password",
                ));
            }
            Some(other) => {
                return Err(refuse(
                    "auth",
                    format!("is `{other}`"),
                    "write \"password\" or \"oauth\"",
                ));
            }
        };
        if security == SmtpSecurity::None && login.is_some() && !local {
            return Err(refuse(
                "security",
                "is \"none\", which would send the password in the clear".into(),
                "write \"starttls\" or \"tls\"",
            ));
        }
        Ok(Some(SmtpSettings {
            preset,
            host,
            port,
            security,
            login,
            ca_file: self.ca_file,
            timeout,
        }))
    }
}

fn preset_of(
    written: Option<&str>,
    refuse: &dyn Fn(&str, String, &str) -> ConfigError,
) -> Result<Option<SmtpPreset>, ConfigError> {
    let Some(word) = written.map(str::trim).filter(|word| !word.is_empty()) else {
        return Ok(None);
    };
    let preset = SmtpPreset::named(word).ok_or_else(|| {
        let words = SmtpPreset::ALL.map(|preset| format!("\"{}\"", preset.word()));
        refuse(
            "preset",
            format!("is `{word}`"),
            &format!("write one of {}, or leave it out", words.join(", ")),
        )
    })?;
    Ok(Some(preset))
}

fn with_password(
    username: Option<String>,
    password: Option<Secret>,
    refuse: &dyn Fn(&str, String, &str) -> ConfigError,
) -> Result<Option<SmtpLogin>, ConfigError> {
    match (username, password.filter(|password| !password.is_empty())) {
        (Some(username), Some(password)) => Ok(Some(SmtpLogin::Password(username, password))),
        (None, None) => Ok(None),
        (Some(_), None) => Err(refuse(
            "password",
            "is missing".into(),
            "fill it in, set POSTROOM_SMTP_PASSWORD, or leave the username out",
        )),
        (None, Some(_)) => Err(refuse(
            "username",
            "is missing".into(),
            "fill it in, or leave the password out",
        )),
    }
}
