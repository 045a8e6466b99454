use std::fs;
use std::sync::Mutex;

use super::*;
use crate::address::Address;

fn store(file: &Path, username: &str) -> Store {
    let settings = SignInSettings {
        token_store: Some(format!("file:{}", file.display())),
        ..SignInSettings::default()
    };
    let registration = Registration {
        client_id: "client".into(),
        tenant_id: "tenant".into(),
        username: Address::parse(username).unwrap(),
    };
    Store::new(&settings, registration).unwrap()
}

#[test]
fn what_is_kept_is_found_again_until_it_is_cleared() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("new/token");
    let ann = store(&file, "Ann@study.example");
    assert!(ann.load().unwrap().is_none());
    ann.save(&Secret::new("one".into())).unwrap();
    ann.save(&Secret::new("two".into())).unwrap();
    assert_eq!(ann.load().unwrap().unwrap().refresh.expose(), "two");
    assert_eq!(fs::read_dir(folder.path().join("new")).unwrap().count(), 1);
    assert!(ann.clear().unwrap());
    assert!(!ann.clear().unwrap());
    assert!(ann.load().unwrap().is_none());
}

#[test]
fn damaged_and_foreign_contents_are_refused_without_being_shown() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    store(&file, "ann@study.example")
        .save(&Secret::new("hush".into()))
        .unwrap();
    let foreign = store(&file, "eve@study.example")
        .load()
        .unwrap_err()
        .to_string();
    assert!(
        foreign.contains("another account") && !foreign.contains("hush"),
        "{foreign}"
    );
    let whole = fs::read_to_string(&file).unwrap();
    write(&file, &whole[..whole.len() - 4]).unwrap();
    let damaged = store(&file, "ann@study.example")
        .load()
        .unwrap_err()
        .to_string();
    assert!(
        damaged.contains("damaged") && !damaged.contains("hush"),
        "{damaged}"
    );
}

#[cfg(unix)]
#[test]
fn the_file_is_for_its_user_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let ann = store(&file, "ann@study.example");
    ann.save(&Secret::new("one".into())).unwrap();
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(ann.load().unwrap_err().to_string().contains("other users"));
}

#[test]
fn a_place_that_is_no_place_is_refused() {
    for place in ["file:relative/path", "elsewhere", "file:"] {
        let settings = SignInSettings {
            token_store: Some(place.into()),
            ..SignInSettings::default()
        };
        let registration = store(&std::env::temp_dir().join("x"), "ann@study.example").registration;
        assert!(Store::new(&settings, registration).is_err(), "{place}");
    }
}

/// A keyring that takes texts up to a length, as Windows does (`CRED_MAX_CREDENTIAL_BLOB_SIZE`, 2,560
/// bytes).
#[derive(Debug)]
struct Bounded {
    text: Mutex<Option<String>>,
    most: usize,
}

impl Keyring for Bounded {
    fn text(&self) -> Result<Option<String>, String> {
        Ok(self.text.lock().unwrap().clone())
    }

    fn keep(&self, text: &str) -> Result<(), String> {
        if text.len() > self.most {
            return Err(format!("longer than {} bytes", self.most));
        }
        *self.text.lock().unwrap() = Some(text.to_owned());
        Ok(())
    }

    fn forget(&self) -> bool {
        self.text.lock().unwrap().take().is_some()
    }
}

fn with_keyring(file: Option<&Path>) -> Store {
    Store {
        keyring: Some(Box::new(Bounded {
            text: Mutex::default(),
            most: 300,
        })),
        file: file.map(Path::to_owned),
        ..store(&std::env::temp_dir().join("none"), "ann@study.example")
    }
}

#[test]
fn what_the_keyring_does_not_take_goes_into_the_file_and_is_the_one_that_counts() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let ann = with_keyring(Some(&file));
    let refresh = |ann: &Store| ann.load().unwrap().unwrap().refresh.expose().to_owned();
    assert_eq!(
        ann.save(&Secret::new("old".into())).unwrap(),
        KeptIn::Keyring
    );
    assert!(!file.exists());
    let long = "x".repeat(400);
    assert_eq!(
        ann.save(&Secret::new(long.clone())).unwrap(),
        KeptIn::FileInstead {
            file: file.clone(),
            why: "longer than 300 bytes".into(),
        }
    );
    assert_eq!(refresh(&ann), long);
    assert_eq!(ann.keyring.as_ref().unwrap().text(), Ok(None));
    // A short one goes back into the keyring, and the file away.
    assert_eq!(
        ann.save(&Secret::new("new".into())).unwrap(),
        KeptIn::Keyring
    );
    assert!(!file.exists());
    assert_eq!(refresh(&ann), "new");
    // An older entry that could not be taken out does not count beside a file.
    ann.save(&Secret::new(long.clone())).unwrap();
    let older = with_keyring(None);
    older.save(&Secret::new("old".into())).unwrap();
    let both = Store {
        file: Some(file),
        ..older
    };
    assert_eq!(refresh(&both), long);
    assert!(both.clear().unwrap() && both.load().unwrap().is_none());
}

#[test]
fn a_keyring_that_was_asked_for_is_the_only_place() {
    let ann = with_keyring(None);
    let refusal = ann.save(&Secret::new("x".repeat(400))).unwrap_err();
    assert!(
        refusal.to_string().contains("longer than 300 bytes"),
        "{refusal}"
    );
    assert!(ann.load().unwrap().is_none());
}

/// The Credential Manager of this machine, under an account of the test's own.
#[cfg(windows)]
#[test]
fn the_credential_manager_keeps_a_sign_in_and_what_is_too_long_goes_into_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let store = Store {
        keyring: Some(Box::new(SystemKeyring {
            account: format!("test {}", std::process::id()),
        })),
        file: Some(file.clone()),
        ..store(&file, "ann@study.example")
    };
    let kept = || store.load().unwrap().unwrap().refresh.expose().to_owned();
    assert_eq!(
        store.save(&Secret::new("short".into())).unwrap(),
        KeptIn::Keyring
    );
    assert_eq!(kept(), "short");
    let long = "t".repeat(2_000);
    let kept_in = store.save(&Secret::new(long.clone())).unwrap();
    assert!(matches!(kept_in, KeptIn::FileInstead { .. }), "{kept_in:?}");
    assert_eq!(kept(), long);
    assert!(store.clear().unwrap());
    assert!(store.load().unwrap().is_none() && !file.exists());
}
