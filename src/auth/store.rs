//! Where a sign-in is kept between runs: the system's keyring, else a file that only its user reads.

use std::fs::File;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::AuthError;
use super::place::{file_name, lock, read, remove, state_folder, write};
use crate::config::{Registration, SignInSettings};
use crate::secret::Secret;

const SERVICE: &str = "postroom";
pub(super) const SIGN_IN_AGAIN: &str = "run `postroom logout`, then `postroom login`";

/// What is kept of a sign-in.
#[derive(Debug)]
pub struct Kept {
    /// The refresh token.
    pub refresh: Secret,
}

/// The form in which it is kept.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct StoredSignIn {
    version: u32,
    account: String,
    client_id: String,
    tenant_id: String,
    refresh_token: String,
}

/// The place where the sign-in of one account with one app is kept.
#[derive(Debug)]
pub struct Store {
    registration: Registration,
    keyring: bool,
    file: Option<PathBuf>,
}

impl Store {
    /// The place that the secrets file names: `keyring`, or `file:` with a whole path; else the
    /// keyring where the system has one, and a file of the user's state folder where not.
    ///
    /// # Errors
    /// When the place cannot be used.
    pub fn new(settings: &SignInSettings, registration: Registration) -> Result<Self, AuthError> {
        let (keyring, file) = match settings.token_store.as_deref() {
            None => (
                true,
                state_folder().map(|folder| folder.join(file_name(&registration))),
            ),
            Some("keyring") => (true, None),
            Some(other) => {
                let path = other.strip_prefix("file:").map(PathBuf::from);
                let path = path.filter(|path| path.is_absolute()).ok_or_else(|| {
                    AuthError::setting(
                        "token_store",
                        "it is neither \"keyring\" nor \"file:\" with a whole path",
                        "write \"keyring\" or, for instance, \"file:/home/ann/.postroom-token\"",
                    )
                })?;
                (false, Some(path))
            }
        };
        Ok(Self {
            registration,
            keyring,
            file,
        })
    }

    /// The file, if the sign-in may be kept in one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Holds other runs off this sign-in until what this gives is dropped: of two that renew with
    /// one refresh token, a server that gives out another each time takes the second for a thief.
    #[must_use]
    pub fn lock(&self) -> Option<File> {
        match &self.file {
            Some(file) => lock(file),
            None => lock(&state_folder()?.join(file_name(&self.registration))),
        }
    }

    /// The sign-in that is kept; none when nobody is signed in.
    ///
    /// # Errors
    /// When what is there is damaged, belongs to somebody else or may be read by others.
    pub fn load(&self) -> Result<Option<Kept>, AuthError> {
        let in_keyring = if self.keyring {
            self.keyring_text()?
        } else {
            None
        };
        let text = match (in_keyring, &self.file) {
            (Some(text), _) => Some(text),
            (None, Some(file)) => read(file)?,
            (None, None) => None,
        };
        text.map(|text| self.parse(&text)).transpose()
    }

    /// Keeps a sign-in in the place of an older one, which is good until the new one is in place.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&self, refresh: &Secret) -> Result<(), AuthError> {
        let record = StoredSignIn {
            version: 1,
            account: self.registration.username.folded(),
            client_id: self.registration.client_id.clone(),
            tenant_id: self.registration.tenant_id.clone(),
            refresh_token: refresh.expose().to_owned(),
        };
        let text = serde_json::to_string(&record)
            .map_err(|error| AuthError::store(error.to_string(), SIGN_IN_AGAIN))?;
        if self.keyring {
            match (self.keep_in_keyring(&text), &self.file) {
                (Ok(()), Some(file)) => {
                    // An older sign-in in a file would outlive its logout.
                    return remove(file);
                }
                (Ok(()), None) => return Ok(()),
                (Err(error), None) => return Err(error),
                (Err(_), Some(_)) => {}
            }
        }
        match &self.file {
            Some(file) => write(file, &text).map_err(|error| {
                AuthError::store(
                    format!("the sign-in cannot be kept in {}: {error}", file.display()),
                    "correct the rights of its folder, or set token_store in the secrets file",
                )
            }),
            None => Ok(()),
        }
    }

    /// Forgets the sign-in, wherever it is, and says whether there was one.
    ///
    /// # Errors
    /// When it is there and cannot be removed.
    pub fn clear(&self) -> Result<bool, AuthError> {
        let _lock = self.lock();
        let mut any = false;
        if let Some(entry) = self.entry() {
            any |= entry.delete_credential().is_ok();
        }
        if let Some(file) = &self.file {
            any |= file.exists();
            remove(file)?;
        }
        Ok(any)
    }

    fn parse(&self, text: &str) -> Result<Kept, AuthError> {
        let record: StoredSignIn = serde_json::from_str(text).map_err(|_| {
            AuthError::store("what is kept of the sign-in is damaged", SIGN_IN_AGAIN)
        })?;
        let registration = &self.registration;
        let is_ours = record.version == 1
            && record.account == registration.username.folded()
            && record.client_id == registration.client_id
            && record.tenant_id == registration.tenant_id;
        if !is_ours {
            return Err(AuthError::store(
                "what is kept is the sign-in of another account or app",
                SIGN_IN_AGAIN,
            ));
        }
        Ok(Kept {
            refresh: Secret::new(record.refresh_token),
        })
    }

    /// The keyring's entry; none where the system has no keyring.
    fn entry(&self) -> Option<keyring::Entry> {
        let account = format!(
            "{} {} {}",
            self.registration.username.folded(),
            self.registration.client_id,
            self.registration.tenant_id
        );
        if self.keyring {
            keyring::Entry::new(SERVICE, &account).ok()
        } else {
            None
        }
    }

    fn keyring_text(&self) -> Result<Option<String>, AuthError> {
        let why = match self.entry().map(|entry| entry.get_password()) {
            Some(Ok(text)) => return Ok(Some(text)),
            Some(Err(keyring::Error::NoEntry)) => return Ok(None),
            Some(Err(error)) => error.to_string(),
            None => NO_KEYRING.to_owned(),
        };
        // Without a keyring the file is the place, unless the secrets file insists.
        match self.file {
            Some(_) => Ok(None),
            None => Err(no_keyring(&why)),
        }
    }

    fn keep_in_keyring(&self, text: &str) -> Result<(), AuthError> {
        match self.entry() {
            Some(entry) => entry
                .set_password(text)
                .map_err(|error| no_keyring(&error.to_string())),
            None => Err(no_keyring(NO_KEYRING)),
        }
    }
}

const NO_KEYRING: &str = "this system has none";

fn no_keyring(why: &str) -> AuthError {
    AuthError::store(
        format!("the keyring cannot be used: {why}"),
        "unlock it, or set token_store to \"file:\" with a whole path",
    )
}

#[cfg(test)]
mod tests;
