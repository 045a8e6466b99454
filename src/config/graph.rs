//! Where Microsoft Graph is, and which mailbox letters go out of.

use std::path::Path;
use std::time::Duration;

use reqwest::Url;

use super::{Cloud, ConfigError, SignInSettings, parse_duration};
use crate::address::Address;

/// The keys of Microsoft Graph in the secrets file.
#[derive(Clone, Debug)]
pub struct GraphSettings {
    /// Where it answers, if not at the cloud's own address.
    pub url: Option<String>,
    /// Whose Sent Items folder keeps the copies.
    pub save_in: SaveIn,
    /// How long Microsoft's servers may be silent.
    pub silence: Duration,
}

/// Whose Sent Items folder keeps a copy of each letter. It follows from the mailbox that the letter
/// is sent out of (Microsoft Graph, "Send Outlook messages from another user").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SaveIn {
    /// That of the mailbox that letters come from, which needs full access to it.
    #[default]
    Shared,
    /// That of the person who signed in.
    Own,
}

/// Where letters are handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphPlace {
    /// The address of the service with its version.
    pub url: Url,
    /// The mailbox that letters go out of; none for that of the person who signed in.
    pub mailbox: Option<Address>,
}

impl Default for GraphSettings {
    fn default() -> Self {
        Self {
            url: None,
            save_in: SaveIn::default(),
            // A little longer than Microsoft's own front gives a request.
            silence: Duration::from_mins(2),
        }
    }
}

impl GraphSettings {
    pub(super) fn typed(
        url: Option<String>,
        save_in: Option<&str>,
        timeout: Option<&str>,
        shown: &Path,
    ) -> Result<Self, ConfigError> {
        let silence = match timeout.map(str::trim).filter(|text| !text.is_empty()) {
            None => Self::default().silence,
            Some(text) => parse_duration(text).map_err(|error| {
                ConfigError::value(shown, "timeout", error, "write it like \"120s\"")
            })?,
        };
        let save_in = match save_in.map(str::trim) {
            None | Some("" | "shared") => SaveIn::Shared,
            Some("own") => SaveIn::Own,
            Some(other) => {
                return Err(ConfigError::value(
                    shown,
                    "save_in",
                    format!("is `{other}`"),
                    "write \"shared\" or \"own\": whose Sent Items folder keeps the copies",
                ));
            }
        };
        Ok(Self {
            url: url.filter(|url| !url.trim().is_empty()),
            save_in,
            silence,
        })
    }

    /// Where letters of `sender` are handed over. Any host but Microsoft's and this machine is
    /// refused, for it would be shown the token.
    ///
    /// # Errors
    /// When `graph_url` or `cloud` cannot be used.
    pub fn place(
        &self,
        sign_in: &SignInSettings,
        sender: Option<&Address>,
    ) -> Result<GraphPlace, ConfigError> {
        let mailbox = match (self.save_in, sender) {
            (SaveIn::Own, _) | (_, None) => None,
            (SaveIn::Shared, Some(sender)) => Some(sender.clone()),
        };
        let own = sign_in.username.as_deref();
        let mailbox = mailbox
            .filter(|mailbox| own.is_none_or(|own| !mailbox.as_str().eq_ignore_ascii_case(own)));
        Ok(GraphPlace {
            url: self.address(sign_in)?,
            mailbox,
        })
    }

    fn address(&self, sign_in: &SignInSettings) -> Result<Url, ConfigError> {
        let refuse = |key: &str, text: String, next_step: &str| {
            ConfigError::value(&sign_in.file, key, text, next_step)
        };
        let cloud = Cloud::named(sign_in.cloud.as_deref()).ok_or_else(|| {
            refuse(
                "cloud",
                "is not one of Microsoft's clouds".into(),
                "write \"global\", \"us-gov\", \"us-dod\" or \"china\"",
            )
        })?;
        let written = match &self.url {
            Some(url) => url.trim().to_owned(),
            None => format!("https://{}", cloud.graph),
        };
        let leave_out = "leave the key out: `cloud` names the national clouds";
        let mut url = Url::parse(&written)
            .map_err(|_| refuse("graph_url", format!("`{written}` is not a URL"), leave_out))?;
        let host = url.host_str().unwrap_or_default();
        let microsofts =
            url.scheme() == "https" && Cloud::ALL.iter().any(|cloud| cloud.graph == host);
        if !microsofts && !Cloud::is_this_machine(host) {
            return Err(refuse(
                "graph_url",
                format!("`{written}` is not Microsoft's, so nothing was asked there"),
                leave_out,
            ));
        }
        if url.path() == "/" {
            url.set_path("/v1.0");
        }
        Ok(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(url: Option<&str>, cloud: Option<&str>) -> Result<String, String> {
        let settings = GraphSettings {
            url: url.map(str::to_owned),
            ..GraphSettings::default()
        };
        let sign_in = SignInSettings {
            cloud: cloud.map(str::to_owned),
            ..SignInSettings::default()
        };
        settings
            .place(&sign_in, None)
            .map(|place| place.url.to_string())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_cloud_names_the_service_and_another_address_may() {
        assert_eq!(
            place(None, None).unwrap(),
            "https://graph.microsoft.com/v1.0"
        );
        assert_eq!(
            place(None, Some("china")).unwrap(),
            "https://microsoftgraph.chinacloudapi.cn/v1.0"
        );
        assert_eq!(
            place(Some("http://127.0.0.1:8080"), None).unwrap(),
            "http://127.0.0.1:8080/v1.0"
        );
        assert_eq!(
            place(Some("https://graph.microsoft.com/v1.0"), None).unwrap(),
            "https://graph.microsoft.com/v1.0"
        );
    }

    #[test]
    fn the_token_is_shown_to_no_other_host() {
        for url in [
            "https://graph.microsoft.com.evil.example",
            "https://graph.microsoft.com@evil.example/v1.0",
            "http://graph.microsoft.com",
            "graph.microsoft.com",
        ] {
            assert!(place(Some(url), None).is_err(), "{url}");
        }
    }

    #[test]
    fn letters_go_out_of_the_mailbox_that_keeps_them() {
        let shared = Address::parse("reports@study.example").unwrap();
        let sign_in = SignInSettings {
            username: Some("ann@study.example".into()),
            ..SignInSettings::default()
        };
        let of = |save_in, sender: &Address| {
            let settings = GraphSettings {
                save_in,
                ..GraphSettings::default()
            };
            settings.place(&sign_in, Some(sender)).unwrap().mailbox
        };
        assert_eq!(of(SaveIn::Shared, &shared), Some(shared.clone()));
        assert_eq!(of(SaveIn::Own, &shared), None);
        let own = Address::parse("Ann@Study.example").unwrap();
        assert_eq!(of(SaveIn::Shared, &own), None);
    }
}
