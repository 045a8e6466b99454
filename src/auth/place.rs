//! The file of a sign-in, for its user alone.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::AuthError;
use super::store::SIGN_IN_AGAIN;
use crate::config::Registration;
use crate::durable;
use crate::regular;

/// The folder where programs of this user keep their state.
pub(super) fn state_folder() -> Option<PathBuf> {
    let variable = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let folder = if cfg!(windows) {
        variable("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        variable("HOME").map(|home| home.join("Library/Application Support"))
    } else {
        variable("XDG_STATE_HOME")
            .or_else(|| variable("HOME").map(|home| home.join(".local/state")))
    };
    folder.map(|folder| folder.join("postroom"))
}

/// The file of one account and app.
pub(super) fn file_name(registration: &Registration) -> String {
    let mut hasher = Sha256::new();
    for part in [
        registration.username.folded(),
        registration.client_id.clone(),
        registration.tenant_id.clone(),
    ] {
        hasher.update(part);
        hasher.update([0]);
    }
    let digest = hasher.finalize();
    let digits = u64::from_be_bytes([
        digest[0], digest[1], digest[2], digest[3], digest[4], digest[5], digest[6], digest[7],
    ]);
    format!("sign-in-{digits:016x}.json")
}

/// What a file holds; none when it is not there.
pub(super) fn read(path: &Path) -> Result<Option<String>, AuthError> {
    let cannot = |error: io::Error| {
        AuthError::store(
            format!("{} cannot be read: {error}", path.display()),
            SIGN_IN_AGAIN,
        )
    };
    // A link is not followed: what it leads to is not a file that this program keeps for itself.
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(cannot(error)),
    };
    if !metadata.is_file() {
        return Err(AuthError::store(
            format!("{} is not a file", path.display()),
            "correct token_store",
        ));
    }
    let mut file = regular::open_unfollowed(path).map_err(cannot)?;
    if regular::others_may_read(&file).map_err(cannot)? {
        return Err(AuthError::store(
            format!(
                "{} can be read by other users of this machine, so it was not used",
                path.display()
            ),
            SIGN_IN_AGAIN,
        ));
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(cannot)?;
    Ok(Some(text))
}

/// Puts a sign-in in place of another.
pub(super) fn write(path: &Path, text: &str) -> io::Result<()> {
    durable::make_folder(path.parent().unwrap_or(Path::new(".")))?;
    durable::put(path, text.as_bytes())
}

/// Holds other runs off a file until what this gives is dropped. The empty file beside it stays: to
/// remove it would let two runs in. None where files cannot be locked, which stops nobody.
pub(super) fn lock(path: &Path) -> Option<File> {
    durable::make_folder(path.parent()?).ok()?;
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let file = options.open(durable::beside(path, ".lock")).ok()?;
    file.lock().ok()?;
    Some(file)
}

/// Removes a file, if it is there.
pub(super) fn remove(path: &Path) -> Result<(), AuthError> {
    match fs::remove_file(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(AuthError::store(
            format!("{} cannot be removed: {error}", path.display()),
            "remove it by hand",
        )),
    }
}
