//! Where Exchange Web Services are, how we get in, and which mailbox letters go out of.

use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::Url;

use super::{Cloud, ConfigError, SaveIn, SignInSettings, mailbox};
use crate::address::Address;
use crate::secret::Secret;

/// The keys of Exchange Web Services in the secrets file.
#[derive(Clone, Debug)]
pub struct EwsSettings {
    /// The host, if not Exchange Online's own.
    pub server: Option<String>,
    /// The whole address, if it is not the usual one of the host.
    pub url: Option<String>,
    /// How we get in.
    pub login: EwsLogin,
    /// A PEM file with a private certificate authority.
    pub ca_file: Option<PathBuf>,
    /// Whose Sent Items folder keeps the copies.
    pub save_in: SaveIn,
    /// How long the server may be silent.
    pub silence: Duration,
}

/// How we get in.
#[derive(Clone, Debug)]
pub enum EwsLogin {
    /// With an access token of the sign-in.
    Token,
    /// With an account and its password (RFC 7617), which Exchange Online no longer takes.
    Password(String, Secret),
}

/// Where letters are handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EwsPlace {
    /// The address of the service.
    pub url: Url,
    /// The mailbox that letters go out of; none for that of the person who signed in.
    pub mailbox: Option<Address>,
    /// The mailbox that requests are routed by, where one is known.
    pub anchor: Option<String>,
}

/// The keys as written.
#[derive(Debug, Default)]
pub(super) struct EwsKeys {
    pub server: Option<String>,
    pub url: Option<String>,
    pub auth: Option<String>,
    pub username: Option<String>,
    pub password: Option<Secret>,
    pub ca_file: Option<PathBuf>,
}

/// The hosts of Exchange Web Services in Microsoft's clouds.
const MICROSOFTS: [&str; 4] = [
    "outlook.office365.com",
    "outlook.office.com",
    "outlook.office365.us",
    "partner.outlook.cn",
];

impl Default for EwsSettings {
    fn default() -> Self {
        Self {
            server: None,
            url: None,
            login: EwsLogin::Token,
            ca_file: None,
            save_in: SaveIn::default(),
            silence: Duration::from_mins(2),
        }
    }
}

impl EwsKeys {
    pub(super) fn typed(
        self,
        save_in: Option<&str>,
        timeout: Option<&str>,
        sign_in: &SignInSettings,
        shown: &Path,
    ) -> Result<EwsSettings, ConfigError> {
        let refuse = |key: &str, text: &str, next_step: &str| {
            Err(ConfigError::value(shown, key, text, next_step))
        };
        let given = |text: Option<String>| {
            text.map(|text| text.trim().to_owned())
                .filter(|text| !text.is_empty())
        };
        let password = self.password.filter(|password| !password.is_empty());
        let username = given(self.username).or_else(|| sign_in.username.clone());
        let login = match (given(self.auth).as_deref(), username, password) {
            (None | Some("oauth"), _, _) => EwsLogin::Token,
            (Some("basic"), Some(username), _) if username.contains(':') => {
                return refuse(
                    "ews_username",
                    "holds a colon, which basic authentication cannot carry",
                    "write it as user@domain or DOMAIN\\user",
                );
            }
            (Some("basic"), Some(username), Some(password)) => {
                EwsLogin::Password(username, password)
            }
            (Some("basic"), None, _) => {
                return refuse(
                    "ews_username",
                    "is missing",
                    "write it, or username: the account that may send as the shared mailbox",
                );
            }
            (Some("basic"), Some(_), None) => {
                return refuse(
                    "ews_password",
                    "is missing",
                    "fill it in, set POSTROOM_EWS_PASSWORD, or write `ews_auth = \"oauth\"`",
                );
            }
            (Some("ntlm"), _, _) => {
                return refuse(
                    "ews_auth",
                    "is `ntlm`, which postroom does not speak",
                    "write \"basic\" and have basic authentication over TLS switched on for EWS, or \"oauth\"",
                );
            }
            (Some(other), _, _) => {
                return refuse(
                    "ews_auth",
                    &format!("is `{other}`"),
                    "write \"oauth\" or \"basic\"",
                );
            }
        };
        Ok(EwsSettings {
            server: given(self.server),
            url: given(self.url),
            login,
            ca_file: self.ca_file.filter(|path| !path.as_os_str().is_empty()),
            save_in: SaveIn::typed(save_in, shown)?,
            silence: mailbox::silence(timeout, shown)?,
        })
    }
}

impl EwsSettings {
    /// Where letters of `sender` are handed over. A token is shown to one of Microsoft's hosts, this
    /// machine, or a server that `scope` names too, for which the token is then made; a password to
    /// the server that the secrets file names. Neither goes out in the clear.
    ///
    /// # Errors
    /// When `server`, `ews_url`, `cloud` or `ews_auth` cannot be used.
    pub fn place(
        &self,
        sign_in: &SignInSettings,
        sender: Option<&Address>,
    ) -> Result<EwsPlace, ConfigError> {
        let own = match &self.login {
            EwsLogin::Token => sign_in.username.as_deref(),
            EwsLogin::Password(username, _) => Some(username.as_str()),
        };
        let mailbox = self.save_in.mailbox(sender, own);
        let anchor = match &mailbox {
            Some(mailbox) => Some(mailbox.to_string()),
            None => own.filter(|own| own.contains('@')).map(str::to_owned),
        };
        let place = EwsPlace {
            url: self.address(sign_in)?,
            mailbox,
            anchor,
        };
        if matches!(self.login, EwsLogin::Token)
            && !Cloud::may_see_tokens(&place.url, &MICROSOFTS)
            && !sign_in.asks_for(&place.url)
        {
            let (key, written) = match (&self.url, &self.server) {
                (Some(url), _) => ("ews_url", url.as_str()),
                (None, server) => ("server", server.as_deref().unwrap_or_default()),
            };
            let host = place.url.host_str().unwrap_or_default();
            return Err(ConfigError::value(
                &sign_in.file,
                key,
                format!(
                    "is `{written}`, which is not Microsoft's, and the sign-in's token is for Microsoft's servers; nothing was asked there"
                ),
                format!(
                    "correct it; a server of your own takes a password (`ews_auth = \"basic\"`), or a token of `postroom login` that is made for it (`scope = \"https://{host}/.default\"`)"
                ),
            ));
        }
        if place.is_microsofts() && matches!(self.login, EwsLogin::Password(..)) {
            return Err(ConfigError::value(
                &sign_in.file,
                "ews_auth",
                "is \"basic\", and Exchange Online accepts no passwords",
                "write \"oauth\" and run `postroom login`, or name the server of your own in `server`",
            ));
        }
        Ok(place)
    }

    fn address(&self, sign_in: &SignInSettings) -> Result<Url, ConfigError> {
        let refuse = |key: &str, text: String, next_step: &str| {
            Err(ConfigError::value(&sign_in.file, key, text, next_step))
        };
        let cloud = sign_in.cloud()?;
        let server = self.server.as_deref().unwrap_or(cloud.ews);
        let usual = format!("https://{server}/EWS/Exchange.asmx");
        let Some(usual) = Url::parse(&usual).ok().filter(|url| {
            url.path() == "/EWS/Exchange.asmx" && is_plain(url) && !server.contains(['?', '#'])
        }) else {
            return refuse(
                "server",
                format!("`{server}` is not a host name"),
                "write the name alone, such as mail.study.example; a whole address goes into ews_url",
            );
        };
        let Some(written) = &self.url else {
            return Ok(usual);
        };
        let Some(url) = Url::parse(written).ok().filter(is_plain) else {
            return refuse(
                "ews_url",
                format!("`{written}` is not a URL of a server"),
                "write it like https://mail.study.example/EWS/Exchange.asmx",
            );
        };
        let host = url.host_str().unwrap_or_default();
        if url.scheme() != "https" && !Cloud::is_this_machine(host) {
            return refuse(
                "ews_url",
                format!("`{written}` is not protected by TLS, so nothing was asked there"),
                "write it with https://",
            );
        }
        let is_known = MICROSOFTS.contains(&host) || Cloud::is_this_machine(host);
        if self.server.is_some() && !is_known && usual.host_str() != Some(host) {
            return refuse(
                "ews_url",
                format!("`{written}` is at another host than `server`, so nothing was asked there"),
                "write the same host in both, or leave one out",
            );
        }
        Ok(url)
    }
}

impl EwsPlace {
    /// Whether it is in one of Microsoft's clouds.
    #[must_use]
    pub fn is_microsofts(&self) -> bool {
        let host = self.url.host_str().unwrap_or_default();
        MICROSOFTS.contains(&host)
    }
}

/// A URL of the web without a user in it, behind whose name another host could hide.
fn is_plain(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
        && url.username().is_empty()
        && url.password().is_none()
        && url.has_host()
}

#[cfg(test)]
mod tests;
