//! `[returns]` of the secrets file: the mailbox that bounces come into, read with IMAP.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::unshown::value;
use super::{ConfigError, parse_duration};
use crate::address::Address;
use crate::secret::Secret;

/// `[returns]`: a mailbox that is read with IMAP (RFC 9051).
#[derive(Clone, Debug)]
pub struct ImapSettings {
    /// The server's name or address.
    pub host: String,
    /// Its port: 993 for TLS and 143 for none unless given.
    pub port: u16,
    /// Whether the connection is protected by TLS from the first byte. Without it only this machine is
    /// spoken to.
    pub is_protected: bool,
    /// How we sign in.
    pub login: ImapLogin,
    /// The folders that are read.
    pub folders: Vec<String>,
    /// A PEM file with a private certificate authority.
    pub ca_file: Option<PathBuf>,
    /// How long the server may be silent.
    pub timeout: Duration,
}

/// How we sign in to a mailbox.
#[derive(Clone, Debug)]
pub enum ImapLogin {
    /// With an account and its password.
    Password(String, Secret),
    /// With an access token of the sign-in, as this account (XOAUTH2).
    Token(String),
}

/// The servers of Microsoft's clouds: a token is shown to no other host but this machine.
const TOKEN_HOSTS: [&str; 3] = [
    "outlook.office365.com",
    "outlook.office365.us",
    "partner.outlook.cn",
];

/// The table as written.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ImapTable {
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
    pub(super) folders: Option<Vec<String>>,
    #[serde(deserialize_with = "value")]
    pub(super) ca_file: Option<PathBuf>,
    #[serde(deserialize_with = "value")]
    pub(super) timeout: Option<String>,
}

impl ImapTable {
    /// The settings as they are used; none when no host is named.
    pub(super) fn typed(
        self,
        shown: &Path,
        mailbox: Option<&Address>,
    ) -> Result<Option<ImapSettings>, ConfigError> {
        let refuse = |key: &str, text: &str, next_step: &str| {
            ConfigError::value(shown, format!("returns.{key}"), text, next_step)
        };
        let Some(host) = self.host.filter(|host| !host.trim().is_empty()) else {
            return Ok(None);
        };
        let is_local = matches!(host.as_str(), "localhost" | "127.0.0.1" | "::1");
        let is_protected = match self.security.as_deref() {
            None | Some("tls") => true,
            Some("none") if is_local => false,
            Some("none") => {
                return Err(refuse(
                    "security",
                    "is \"none\", which would send the password in the clear",
                    "write \"tls\"",
                ));
            }
            Some(_) => return Err(refuse("security", "is no such word", "write \"tls\"")),
        };
        let port = self.port.unwrap_or(if is_protected { 993 } else { 143 });
        if port == 0 {
            return Err(refuse(
                "port",
                "is not a port",
                "write a number from 1 to 65535",
            ));
        }
        let timeout = match self.timeout.as_deref() {
            None => Duration::from_mins(1),
            Some(text) => parse_duration(text)
                .map_err(|error| refuse("timeout", &error.to_string(), "write it like \"60s\""))?,
        };
        let account = self
            .username
            .filter(|name| !name.is_empty())
            .or_else(|| mailbox.map(Address::to_string))
            .ok_or_else(|| refuse("username", "is missing", "write the account of the mailbox"))?;
        let password = self.password.filter(|password| !password.is_empty());
        let login = match (self.auth.as_deref(), password) {
            (None | Some("" | "password"), Some(password)) => {
                ImapLogin::Password(account, password)
            }
            (None | Some("" | "password"), None) => {
                return Err(refuse(
                    "password",
                    "is missing",
                    "fill it in, set POSTROOM_RETURNS_PASSWORD, or write auth = \"oauth\"",
                ));
            }
            (Some("oauth"), _) if is_local || TOKEN_HOSTS.contains(&host.as_str()) => {
                ImapLogin::Token(account)
            }
            (Some("oauth"), _) => {
                return Err(refuse(
                    "host",
                    "is none of Microsoft's, and the sign-in's token is for these alone",
                    "write outlook.office365.com, or sign in with a password",
                ));
            }
            (Some(_), _) => {
                return Err(refuse(
                    "auth",
                    "is no such word",
                    "write \"password\" or \"oauth\"",
                ));
            }
        };
        Ok(Some(ImapSettings {
            host,
            port,
            is_protected,
            login,
            folders: self
                .folders
                .filter(|folders| !folders.is_empty())
                .unwrap_or_else(|| vec!["INBOX".into(), "Junk".into(), "Junk Email".into()]),
            ca_file: self.ca_file,
            timeout,
        }))
    }
}
