//! Where a sign-in is kept between runs: the system's keyring, else a file that only its user reads.

use std::fmt::Debug;
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
pub(crate) struct Kept {
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
pub(crate) struct Store {
    registration: Registration,
    keyring: Option<Box<dyn Keyring>>,
    file: Option<PathBuf>,
}

/// Where a sign-in was put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeptIn {
    /// In the system's keyring.
    Keyring,
    /// In the file that the secrets file names.
    File,
    /// In a file, since the keyring does not take it.
    FileInstead {
        /// Which.
        file: PathBuf,
        /// Why the keyring does not, in its own words.
        why: String,
    },
}

/// One entry of a keyring. What goes wrong is in the keyring's own words.
trait Keyring: Debug + Send + Sync {
    /// What it holds; none when it holds nothing.
    fn text(&self) -> Result<Option<String>, String>;
    /// Puts a text in place of what it holds.
    fn keep(&self, text: &str) -> Result<(), String>;
    /// Empties it, and says whether it held something.
    fn forget(&self) -> bool;
}

/// The entry of an account in the system's keyring.
#[derive(Debug)]
struct SystemKeyring {
    account: String,
}

impl SystemKeyring {
    fn entry(&self) -> Result<keyring::Entry, String> {
        keyring::Entry::new(SERVICE, &self.account).map_err(|error| error.to_string())
    }
}

impl Keyring for SystemKeyring {
    fn text(&self) -> Result<Option<String>, String> {
        match self.entry()?.get_password() {
            Ok(text) => Ok(Some(text)),
            Err(keyring::Error::NoEntry) => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }

    fn keep(&self, text: &str) -> Result<(), String> {
        self.entry()?
            .set_password(text)
            .map_err(|error| error.to_string())
    }

    fn forget(&self) -> bool {
        self.entry()
            .is_ok_and(|entry| entry.delete_credential().is_ok())
    }
}

impl Store {
    /// The place that the secrets file names: `keyring`, or `file:` with a whole path; else the
    /// keyring where the system has one, and a file of the user's state folder where not.
    ///
    /// # Errors
    /// When the place cannot be used.
    pub(crate) fn new(
        settings: &SignInSettings,
        registration: Registration,
    ) -> Result<Self, AuthError> {
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
                        if cfg!(windows) {
                            "write \"keyring\" or, for instance, 'file:C:\\Users\\ann\\postroom-token'"
                        } else {
                            "write \"keyring\" or, for instance, \"file:/home/ann/.postroom-token\""
                        },
                    )
                })?;
                (false, Some(path))
            }
        };
        let system = || -> Box<dyn Keyring> {
            Box::new(SystemKeyring {
                account: format!(
                    "{} {} {}",
                    registration.username.folded(),
                    registration.client_id,
                    registration.tenant_id
                ),
            })
        };
        Ok(Self {
            keyring: keyring.then(system),
            registration,
            file,
        })
    }

    /// The file, if the sign-in may be kept in one.
    #[must_use]
    pub(crate) fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Holds other runs off this sign-in until what this gives is dropped: of two that renew with
    /// one refresh token, a server that gives out another each time takes the second for a thief.
    #[must_use]
    pub(crate) fn lock(&self) -> Option<File> {
        match &self.file {
            Some(file) => lock(file),
            None => lock(&state_folder()?.join(file_name(&self.registration))),
        }
    }

    /// The sign-in that is kept; none when nobody is signed in.
    ///
    /// # Errors
    /// When what is there is damaged, belongs to somebody else or may be read by others.
    pub(crate) fn load(&self) -> Result<Option<Kept>, AuthError> {
        // A sign-in that goes into the keyring takes the file away, so a file that is there is newer.
        let in_file = match &self.file {
            Some(file) => read(file)?,
            None => None,
        };
        let text = match (in_file, &self.keyring) {
            (Some(text), _) => Some(text),
            (None, None) => None,
            (None, Some(keyring)) => match (keyring.text(), &self.file) {
                (Ok(text), _) => text,
                // Without a keyring the file is the place, unless the secrets file insists.
                (Err(_), Some(_)) => None,
                (Err(why), None) => return Err(no_keyring(&why)),
            },
        };
        text.map(|text| self.parse(&text)).transpose()
    }

    /// Keeps a sign-in in the place of an older one, which is good until the new one is in place.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn save(&self, refresh: &Secret) -> Result<KeptIn, AuthError> {
        let record = StoredSignIn {
            version: 1,
            account: self.registration.username.folded(),
            client_id: self.registration.client_id.clone(),
            tenant_id: self.registration.tenant_id.clone(),
            refresh_token: refresh.expose().to_owned(),
        };
        let text = serde_json::to_string(&record)
            .map_err(|error| AuthError::store(error.to_string(), SIGN_IN_AGAIN))?;
        let kept_in = match (&self.keyring, &self.file) {
            (None, _) => KeptIn::File,
            (Some(keyring), file) => match (keyring.keep(&text), file) {
                (Ok(()), Some(file)) => {
                    // An older sign-in in a file would be taken for a newer one, and outlive its logout.
                    remove(file)?;
                    return Ok(KeptIn::Keyring);
                }
                (Ok(()), None) => return Ok(KeptIn::Keyring),
                (Err(why), None) => return Err(no_keyring(&why)),
                (Err(why), Some(file)) => KeptIn::FileInstead {
                    file: file.clone(),
                    why,
                },
            },
        };
        if let Some(file) = &self.file {
            write(file, &text).map_err(|error| {
                AuthError::store(
                    format!("the sign-in cannot be kept in {}: {error}", file.display()),
                    "correct the rights of its folder, or set token_store in the secrets file",
                )
            })?;
        }
        if let Some(keyring) = &self.keyring {
            // An older one there is good for nothing any more.
            keyring.forget();
        }
        Ok(kept_in)
    }

    /// Forgets the sign-in, wherever it is, and says whether there was one.
    ///
    /// # Errors
    /// When it is there and cannot be removed.
    pub(crate) fn clear(&self) -> Result<bool, AuthError> {
        let _lock = self.lock();
        let mut any = false;
        if let Some(keyring) = &self.keyring {
            any |= keyring.forget();
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
}

fn no_keyring(why: &str) -> AuthError {
    AuthError::store(
        format!("the keyring cannot be used: {why}"),
        "unlock it, or set token_store to \"file:\" with a whole path",
    )
}

#[cfg(test)]
mod tests;
