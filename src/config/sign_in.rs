//! The sign-in part of the secrets file: the app registration and the account.

use std::path::{Path, PathBuf};

use reqwest::Url;

use super::{Cloud, ConfigError};
use crate::address::Address;
use crate::secret::Secret;

/// The redirect address of the study's guide: a blank page whose address the user pastes.
pub const NATIVE_CLIENT: &str = "https://login.microsoftonline.com/common/oauth2/nativeclient";

/// The keys as they stand in the file. An empty value counts as not given.
#[derive(Clone, Debug, Default)]
pub struct SignInSettings {
    /// The file that the keys came from, for messages.
    pub file: PathBuf,
    /// Application (client) ID.
    pub client_id: Option<String>,
    /// Directory (tenant) ID.
    pub tenant_id: Option<String>,
    /// The account that signs in.
    pub username: Option<String>,
    /// The secret of a confidential registration.
    pub client_secret: Option<Secret>,
    /// What is asked of the mail resource by name instead of all that the registration has.
    pub scope: Option<String>,
    /// The same for Microsoft Graph.
    pub graph_scopes: Option<String>,
    /// Where the sign-in page hands its answer back.
    pub redirect_uri: Option<String>,
    /// Which of Microsoft's clouds the tenant is in.
    pub cloud: Option<String>,
    /// Where sign-in takes place, if not at the cloud's own address.
    pub authority: Option<String>,
    /// Where the sign-in is remembered.
    pub token_store: Option<String>,
    /// A program that gives access tokens, with its arguments.
    pub token_command: Option<Vec<String>>,
}

/// The app registration and account, all there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Application (client) ID.
    pub client_id: String,
    /// Directory (tenant) ID.
    pub tenant_id: String,
    /// The account that signs in.
    pub username: Address,
}

impl SignInSettings {
    pub(super) fn read_from(&mut self, file: &Path) {
        file.clone_into(&mut self.file);
        for slot in [
            &mut self.client_id,
            &mut self.tenant_id,
            &mut self.username,
            &mut self.scope,
            &mut self.graph_scopes,
            &mut self.redirect_uri,
            &mut self.cloud,
            &mut self.authority,
            &mut self.token_store,
        ] {
            *slot = slot
                .take()
                .map(|text| text.trim().to_owned())
                .filter(|text| !text.is_empty());
        }
        self.client_secret = self
            .client_secret
            .take()
            .filter(|secret| !secret.is_empty());
        self.token_command = self
            .token_command
            .take()
            .filter(|command| !command.is_empty());
    }

    /// The cloud that the tenant is in; the global one if none is named.
    ///
    /// # Errors
    /// When there is no cloud of that name.
    pub fn cloud(&self) -> Result<Cloud, ConfigError> {
        Cloud::named(self.cloud.as_deref()).ok_or_else(|| {
            ConfigError::value(
                &self.file,
                "cloud",
                "is not one of Microsoft's clouds",
                "write \"global\", \"us-gov\", \"us-dod\" or \"china\"",
            )
        })
    }

    /// Whether the tokens for mail are made for a server and for nobody else: every scope that is asked
    /// for by name is at its host. What another program gives as a token is always Microsoft's.
    #[must_use]
    pub fn asks_for(&self, server: &Url) -> bool {
        const OF_THE_SIGN_IN: [&str; 4] = ["offline_access", "openid", "profile", "email"];
        let mut scopes = self.scope.as_deref().unwrap_or_default().split_whitespace();
        let is_at = |scope: &str| {
            Url::parse(scope).is_ok_and(|url| {
                url.scheme() == "https" && url.host().is_some() && url.host() == server.host()
            })
        };
        let mut is_named = false;
        let is_alone = scopes.all(|scope| {
            is_named |= is_at(scope);
            is_at(scope) || OF_THE_SIGN_IN.contains(&scope)
        });
        is_named && is_alone && self.token_command.is_none()
    }

    /// The registration.
    ///
    /// # Errors
    /// Names the first key that is missing or cannot be used, and where the portal shows its value.
    pub fn registration(&self) -> Result<Registration, ConfigError> {
        let needed = |key: &str, value: &Option<String>, place: &str| {
            value
                .clone()
                .ok_or_else(|| ConfigError::value(&self.file, key, "is missing or empty", place))
        };
        let client_id = needed(
            "client_id",
            &self.client_id,
            "copy \"Application (client) ID\" from the app registration's overview in the Azure portal",
        )?;
        let tenant_id = needed(
            "tenant_id",
            &self.tenant_id,
            "copy \"Directory (tenant) ID\" from the app registration's overview in the Azure portal",
        )?;
        let username = needed(
            "username",
            &self.username,
            "write the address of the account that signs in and may send as the shared mailbox",
        )?;
        for (key, value) in [("client_id", &client_id), ("tenant_id", &tenant_id)] {
            // Both go into a URL, where a slash or a blank would name another place.
            if !value
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte))
            {
                return Err(ConfigError::value(
                    &self.file,
                    key,
                    "has characters that an ID does not have",
                    "copy it again from the app registration's overview in the Azure portal",
                ));
            }
        }
        let username = Address::parse(&username).map_err(|error| {
            ConfigError::value(
                &self.file,
                "username",
                format!("cannot be used: {error}"),
                "write the address of the account that signs in",
            )
        })?;
        Ok(Registration {
            client_id,
            tenant_id,
            username,
        })
    }
}
