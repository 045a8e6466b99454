//! Where Microsoft Graph is, and which mailbox letters go out of.

use std::path::Path;
use std::time::Duration;

use reqwest::Url;

use super::{Cloud, ConfigError, SaveIn, SignInSettings, mailbox};
use crate::address::Address;

/// The keys of Microsoft Graph in the secrets file.
#[derive(Clone, Debug)]
pub struct GraphSettings {
    /// Where it answers, if not at the cloud's own address.
    pub url: Option<String>,
    /// Whose Sent Items folder keeps the copies. It follows from the mailbox that the letter is sent
    /// out of (Microsoft Graph, "Send Outlook messages from another user").
    pub save_in: SaveIn,
    /// How long Microsoft's servers may be silent.
    pub silence: Duration,
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
        Ok(Self {
            url: url.filter(|url| !url.trim().is_empty()),
            save_in: SaveIn::typed(save_in, shown)?,
            silence: mailbox::silence(timeout, shown)?,
        })
    }

    /// Where letters of `sender` are handed over. Any host but Microsoft's and this machine is
    /// refused, for it would be shown the token.
    ///
    /// # Errors
    /// When `graph_url`, `cloud` or `save_in` cannot be used.
    pub fn place(
        &self,
        sign_in: &SignInSettings,
        sender: Option<&Address>,
    ) -> Result<GraphPlace, ConfigError> {
        if self.save_in == SaveIn::None {
            return Err(ConfigError::value(
                &sign_in.file,
                "save_in",
                "is \"none\", and letters in doubt are looked up in Sent Items",
                "write \"shared\" or \"own\"; \"none\" is for `transport = \"ews\"`",
            ));
        }
        let mailbox = if sign_in.is_app()? {
            // An app has no mailbox of its own.
            let missing = || {
                ConfigError::value(
                    &sign_in.file,
                    "send_emails_as",
                    "is missing or empty",
                    "write the mailbox that the app may send from",
                )
            };
            Some(sender.cloned().ok_or_else(missing)?)
        } else {
            self.save_in.mailbox(sender, sign_in.username.as_deref())
        };
        Ok(GraphPlace {
            url: self.address(sign_in)?,
            mailbox,
        })
    }

    fn address(&self, sign_in: &SignInSettings) -> Result<Url, ConfigError> {
        let refuse = |key: &str, text: String, next_step: &str| {
            ConfigError::value(&sign_in.file, key, text, next_step)
        };
        let cloud = sign_in.cloud()?;
        let written = match &self.url {
            Some(url) => url.trim().to_owned(),
            None => format!("https://{}", cloud.graph),
        };
        let leave_out = "leave the key out: `cloud` names the national clouds";
        let mut url = Url::parse(&written)
            .map_err(|_| refuse("graph_url", format!("`{written}` is not a URL"), leave_out))?;
        if !Cloud::may_see_tokens(&url, &Cloud::ALL.map(|cloud| cloud.graph)) {
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
    fn copies_are_kept() {
        let settings = GraphSettings {
            save_in: SaveIn::None,
            ..GraphSettings::default()
        };
        let refusal = settings.place(&SignInSettings::default(), None);
        assert!(refusal.unwrap_err().to_string().contains("`save_in`"));
    }
}
