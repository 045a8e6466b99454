//! The sign-in part of the secrets file: the app registration and the account.

use std::path::{Path, PathBuf};

use reqwest::Url;

use super::{Cloud, ConfigError};
use crate::address::Address;
use crate::secret::Secret;

/// The redirect address of the study's guide: a blank page whose address the user pastes.
pub(crate) const NATIVE_CLIENT: &str =
    "https://login.microsoftonline.com/common/oauth2/nativeclient";

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
    /// Who signs in: a person, or the app by itself.
    pub sign_in: Option<String>,
    /// The secret of a confidential registration.
    pub client_secret: Option<Secret>,
    /// A PEM file with the app's certificate and key, in place of a secret.
    pub certificate: Option<PathBuf>,
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

/// An app that signs in by itself, all there.
#[derive(Clone, Debug)]
pub struct AppRegistration {
    /// Application (client) ID.
    pub client_id: String,
    /// Directory (tenant) ID.
    pub tenant_id: String,
    /// What it proves itself by.
    pub credential: AppCredential,
}

/// What an app proves itself by.
#[derive(Clone, Debug)]
pub enum AppCredential {
    /// A secret.
    Secret(Secret),
    /// A certificate: a PEM file with it and its private key.
    Certificate(PathBuf),
}

impl SignInSettings {
    pub(super) fn read_from(&mut self, file: &Path) {
        file.clone_into(&mut self.file);
        for slot in [
            &mut self.sign_in,
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
        self.certificate = self
            .certificate
            .take()
            .filter(|file| !file.as_os_str().is_empty());
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

    /// Whether the app signs in by itself, without a person.
    ///
    /// # Errors
    /// When `sign_in` is neither.
    pub fn is_app(&self) -> Result<bool, ConfigError> {
        match self.sign_in.as_deref() {
            None | Some("person") => Ok(false),
            Some("app") => Ok(true),
            Some(other) => Err(ConfigError::value(
                &self.file,
                "sign_in",
                format!("is `{other}`"),
                "write \"person\" for `postroom login`, or \"app\" for an app that sends by itself",
            )),
        }
    }

    /// The app that signs in by itself.
    ///
    /// # Errors
    /// Names the first key that is missing or cannot be used, and where the portal shows its value.
    pub fn app(&self) -> Result<AppRegistration, ConfigError> {
        let (client_id, tenant_id) = self.ids()?;
        let credential = match (&self.client_secret, &self.certificate) {
            (Some(secret), None) => AppCredential::Secret(secret.clone()),
            (None, Some(file)) => AppCredential::Certificate(self.beside(file)),
            (Some(_), Some(_)) => {
                return Err(ConfigError::value(
                    &self.file,
                    "certificate",
                    "and client_secret are both given",
                    "keep one of them",
                ));
            }
            (None, None) => {
                return Err(ConfigError::value(
                    &self.file,
                    "client_secret",
                    "is missing or empty",
                    "an app that signs in by itself needs it, or certificate: a PEM file with its certificate and key",
                ));
            }
        };
        Ok(AppRegistration {
            client_id,
            tenant_id,
            credential,
        })
    }

    /// A path of the secrets file, which is meant from its folder.
    fn beside(&self, file: &Path) -> PathBuf {
        let folder = self.file.parent().unwrap_or(Path::new(""));
        folder.join(file)
    }

    /// The ids of application and tenant.
    fn ids(&self) -> Result<(String, String), ConfigError> {
        let client_id = self.needed(
            "client_id",
            self.client_id.as_deref(),
            "copy \"Application (client) ID\" from the app registration's overview in the Azure portal",
        )?;
        let tenant_id = self.needed(
            "tenant_id",
            self.tenant_id.as_deref(),
            "copy \"Directory (tenant) ID\" from the app registration's overview in the Azure portal",
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
        Ok((client_id, tenant_id))
    }

    fn needed(&self, key: &str, value: Option<&str>, place: &str) -> Result<String, ConfigError> {
        value
            .map(str::to_owned)
            .ok_or_else(|| ConfigError::value(&self.file, key, "is missing or empty", place))
    }

    /// The registration that a person signs in with.
    ///
    /// # Errors
    /// Names the first key that is missing or cannot be used, and where the portal shows its value.
    pub fn registration(&self) -> Result<Registration, ConfigError> {
        let (client_id, tenant_id) = self.ids()?;
        let username = self.needed(
            "username",
            self.username.as_deref(),
            "write the address of the account that signs in and may send as the shared mailbox",
        )?;
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
