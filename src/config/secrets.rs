//! `.secrets.toml`, with an environment override for each key.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::ews::EwsKeys;
use super::imap::{ImapSettings, ImapTable};
use super::sign_in::SignInSettings;
use super::smtp::{SmtpSettings, SmtpTable};
use super::unshown::{table, value};
use super::{ConfigError, EwsSettings, GraphSettings, TransportName, at_line, read_opened};
use crate::address::Address;
use crate::regular;
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
    pub smtp: SettingsOf<Option<SmtpSettings>>,
    /// A program with its arguments that is run when a run has ended; none if it is empty.
    pub on_end: Vec<String>,
    /// The app registration and the account that signs in.
    pub sign_in: SignInSettings,
    /// Microsoft Graph.
    pub graph: SettingsOf<GraphSettings>,
    /// Exchange Web Services.
    pub ews: SettingsOf<EwsSettings>,
    /// The mailbox that bounces come into, where one is named.
    pub returns: SettingsOf<Option<ImapSettings>>,
}

/// The settings of one transport, or why they cannot be used: what is half filled in stops only who
/// needs it.
#[derive(Debug)]
pub struct SettingsOf<T>(Result<T, ConfigError>);

impl<T> SettingsOf<T> {
    /// The settings.
    ///
    /// # Errors
    /// When they cannot be used as they are written.
    pub fn get(&self) -> Result<&T, &ConfigError> {
        self.0.as_ref()
    }
}

impl<T: Default> Default for SettingsOf<T> {
    fn default() -> Self {
        Self(Ok(T::default()))
    }
}

/// The file as written.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct SecretsFile {
    #[serde(deserialize_with = "value")]
    send_emails_as: Option<String>,
    #[serde(deserialize_with = "value")]
    send_email_as: Option<String>,
    #[serde(deserialize_with = "table")]
    smtp: SmtpTable,
    #[serde(deserialize_with = "table")]
    returns: ImapTable,
    #[serde(deserialize_with = "value")]
    client_id: Option<String>,
    #[serde(deserialize_with = "value")]
    sign_in: Option<String>,
    #[serde(deserialize_with = "value")]
    client_secret: Option<Secret>,
    #[serde(deserialize_with = "value")]
    certificate: Option<PathBuf>,
    #[serde(deserialize_with = "value")]
    tenant_id: Option<String>,
    #[serde(deserialize_with = "value")]
    username: Option<String>,
    #[serde(deserialize_with = "value")]
    scope: Option<String>,
    #[serde(deserialize_with = "value")]
    graph_scopes: Option<String>,
    #[serde(deserialize_with = "value")]
    redirect_uri: Option<String>,
    #[serde(deserialize_with = "value")]
    cloud: Option<String>,
    #[serde(deserialize_with = "value")]
    authority: Option<String>,
    #[serde(deserialize_with = "value")]
    token_store: Option<String>,
    #[serde(deserialize_with = "value")]
    token_command: Option<Vec<String>>,
    #[serde(deserialize_with = "value")]
    on_end: Option<Vec<String>>,
    #[serde(deserialize_with = "value")]
    graph_url: Option<String>,
    #[serde(deserialize_with = "value")]
    save_in: Option<String>,
    #[serde(deserialize_with = "value")]
    timeout: Option<String>,
    #[serde(deserialize_with = "value")]
    server: Option<String>,
    #[serde(deserialize_with = "value")]
    ews_url: Option<String>,
    #[serde(deserialize_with = "value")]
    ews_auth: Option<String>,
    #[serde(deserialize_with = "value")]
    ews_username: Option<String>,
    #[serde(deserialize_with = "value")]
    ews_password: Option<Secret>,
    #[serde(deserialize_with = "value")]
    #[serde(rename = "ews_ca_file")]
    ews_authority: Option<PathBuf>,
}

impl Secrets {
    /// Reads the secrets of a batch: the file given, else `.secrets.toml` in the batch's folder, else in
    /// the current folder, else `secrets.toml` of the user's settings; then the environment, key by key,
    /// through `variable`.
    ///
    /// A batch's folder may be somebody else's work. The file that is found there, or where the user
    /// happens to be, runs no program and names no other address of a sign-in or service.
    ///
    /// # Errors
    /// When the file is another user's, can be read by others, is not valid, or holds values that cannot
    /// be used.
    pub fn load(
        folder: &Path,
        given: Option<&Path>,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let own = own_file(variable);
        let found = || {
            let places = [folder.join(".secrets.toml"), ".secrets.toml".into()];
            places.into_iter().find(|path| path.exists())
        };
        let (file, lies_with_batch) = match (given, found()) {
            (Some(path), _) => (Some(path.to_owned()), false),
            (None, Some(path)) => (Some(path), true),
            (None, None) => (own.clone().filter(|path| path.exists()), false),
        };
        let mut parsed = match &file {
            Some(path) => read(path)?,
            None => SecretsFile::default(),
        };
        if let (true, Some(path)) = (lies_with_batch, &file) {
            parsed.keeps_to_its_place(path, own.as_deref())?;
        }
        parsed.override_from(variable);
        let shown = file
            .clone()
            .unwrap_or_else(|| "environment (there is no .secrets.toml)".into());
        parsed.typed(file, &shown)
    }

    /// The same, if the settings of a transport can be used as they are written.
    ///
    /// # Errors
    /// When they cannot.
    pub fn usable_for(mut self, transport: TransportName) -> Result<Self, ConfigError> {
        match transport {
            TransportName::Outbox => {}
            TransportName::Smtp => self.smtp = SettingsOf(Ok(self.smtp.0?)),
            TransportName::Graph => self.graph = SettingsOf(Ok(self.graph.0?)),
            TransportName::Ews => self.ews = SettingsOf(Ok(self.ews.0?)),
        }
        Ok(self)
    }

    /// Reads the text of a secrets file; for those who try what no file system holds, such as the
    /// fuzz targets.
    ///
    /// # Errors
    /// When it is not valid, or holds values that cannot be used.
    #[doc(hidden)]
    pub fn parse(file: &Path, text: &str) -> Result<Self, ConfigError> {
        parse(file, text)?.typed(Some(file.to_owned()), file)
    }
}

fn read(path: &Path) -> Result<SecretsFile, ConfigError> {
    let cannot = |source| ConfigError::Read {
        what: WHAT,
        path: path.to_owned(),
        next_step: super::after_reading(
            &source,
            "copy .example-secrets.toml to .secrets.toml and fill it in",
        ),
        source,
    };
    let file = regular::open(path).map_err(cannot)?;
    let metadata = file.metadata().map_err(cannot)?;
    if !regular::is_of_user(&metadata) {
        return Err(ConfigError::OtherOwner {
            path: path.to_owned(),
        });
    }
    if regular::others_may_read(&file).map_err(cannot)? {
        return Err(ConfigError::Permissions {
            path: path.to_owned(),
        });
    }
    parse(path, &read_opened(file).map_err(cannot)?)
}

/// The secrets file in the folder where programs of this user keep their settings.
fn own_file(variable: &dyn Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let folder = |name: &str| {
        variable(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let settings = if cfg!(windows) {
        folder("APPDATA")
    } else if cfg!(target_os = "macos") {
        folder("HOME").map(|home| home.join("Library/Application Support"))
    } else {
        folder("XDG_CONFIG_HOME").or_else(|| folder("HOME").map(|home| home.join(".config")))
    };
    settings.map(|settings| settings.join("postroom").join("secrets.toml"))
}

fn parse(path: &Path, text: &str) -> Result<SecretsFile, ConfigError> {
    toml::from_str(text).map_err(|error| ConfigError::Syntax {
        what: WHAT,
        path: path.to_owned(),
        // The reader's own display quotes the line, which may hold a password. Its message holds no
        // value: those of `unshown` do not, and those on syntax are fixed texts.
        detail: at_line(text, &error, error.message()),
    })
}

impl SecretsFile {
    /// Refuses what a file that lies with a batch may not say.
    fn keeps_to_its_place(&self, path: &Path, own: Option<&Path>) -> Result<(), ConfigError> {
        let is_given =
            |text: &Option<String>| text.as_deref().is_some_and(|text| !text.trim().is_empty());
        let is_program =
            |words: &Option<Vec<String>>| words.as_ref().is_some_and(|words| !words.is_empty());
        for (key, is_given) in [
            ("token_command", is_program(&self.token_command)),
            ("on_end", is_program(&self.on_end)),
            ("authority", is_given(&self.authority)),
            ("graph_url", is_given(&self.graph_url)),
            ("ews_url", is_given(&self.ews_url)),
        ] {
            if is_given {
                let place = own.map_or_else(String::new, |own| {
                    format!(", keep the file as {}", own.display())
                });
                return Err(ConfigError::value(
                    path,
                    key,
                    "is taken from no file that is found with a batch, which may be somebody else's work",
                    format!(
                        "if you wrote it, name the file with --secrets{place}, or set POSTROOM_{}",
                        key.to_uppercase()
                    ),
                ));
            }
        }
        Ok(())
    }

    fn override_from(&mut self, variable: &dyn Fn(&str) -> Option<String>) {
        let smtp = &mut self.smtp;
        for (key, slot) in [
            ("SEND_EMAILS_AS", &mut self.send_emails_as),
            ("SIGN_IN", &mut self.sign_in),
            ("CLIENT_ID", &mut self.client_id),
            ("TENANT_ID", &mut self.tenant_id),
            ("USERNAME", &mut self.username),
            ("SCOPE", &mut self.scope),
            ("GRAPH_SCOPES", &mut self.graph_scopes),
            ("REDIRECT_URI", &mut self.redirect_uri),
            ("CLOUD", &mut self.cloud),
            ("AUTHORITY", &mut self.authority),
            ("TOKEN_STORE", &mut self.token_store),
            ("GRAPH_URL", &mut self.graph_url),
            ("SAVE_IN", &mut self.save_in),
            ("TIMEOUT", &mut self.timeout),
            ("SERVER", &mut self.server),
            ("EWS_URL", &mut self.ews_url),
            ("EWS_AUTH", &mut self.ews_auth),
            ("EWS_USERNAME", &mut self.ews_username),
            ("SMTP_PRESET", &mut smtp.preset),
            ("SMTP_HOST", &mut smtp.host),
            ("SMTP_AUTH", &mut smtp.auth),
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
        if let Some(value) = variable("POSTROOM_CLIENT_SECRET") {
            self.client_secret = Some(Secret::new(value));
        }
        if let Some(value) = variable("POSTROOM_CERTIFICATE") {
            self.certificate = Some(value.into());
        }
        if let Some(value) = variable("POSTROOM_TOKEN_COMMAND") {
            self.token_command = Some(value.split_whitespace().map(str::to_owned).collect());
        }
        if let Some(value) = variable("POSTROOM_ON_END") {
            self.on_end = Some(value.split_whitespace().map(str::to_owned).collect());
        }
        if let Some(value) = variable("POSTROOM_SMTP_PASSWORD") {
            smtp.password = Some(Secret::new(value));
        }
        if let Some(value) = variable("POSTROOM_RETURNS_PASSWORD") {
            self.returns.password = Some(Secret::new(value));
        }
        if let Some(value) = variable("POSTROOM_EWS_PASSWORD") {
            self.ews_password = Some(Secret::new(value));
        }
        if let Some(value) = variable("POSTROOM_EWS_CA_FILE") {
            self.ews_authority = Some(value.into());
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
        let mut sign_in = SignInSettings {
            client_id: self.client_id,
            tenant_id: self.tenant_id,
            username: self.username,
            sign_in: self.sign_in,
            client_secret: self.client_secret,
            certificate: self.certificate,
            scope: self.scope,
            graph_scopes: self.graph_scopes,
            redirect_uri: self.redirect_uri,
            cloud: self.cloud,
            authority: self.authority,
            token_store: self.token_store,
            token_command: self.token_command,
            ..SignInSettings::default()
        };
        sign_in.read_from(shown);
        let ews = EwsKeys {
            server: self.server,
            url: self.ews_url,
            auth: self.ews_auth,
            username: self.ews_username,
            password: self.ews_password,
            ca_file: self.ews_authority,
        };
        Ok(Secrets {
            file,
            smtp: SettingsOf(self.smtp.typed(shown, send_emails_as.as_ref())),
            returns: SettingsOf(self.returns.typed(shown, send_emails_as.as_ref())),
            send_emails_as,
            on_end: self.on_end.unwrap_or_default(),
            ews: SettingsOf(ews.typed(
                self.save_in.as_deref(),
                self.timeout.as_deref(),
                &sign_in,
                shown,
            )),
            sign_in,
            graph: SettingsOf(GraphSettings::typed(
                self.graph_url,
                self.save_in.as_deref(),
                self.timeout.as_deref(),
                shown,
            )),
        })
    }
}

#[cfg(test)]
mod tests;
