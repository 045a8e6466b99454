use std::fs;

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
        let registration = store(Path::new("/x"), "ann@study.example").registration;
        assert!(Store::new(&settings, registration).is_err(), "{place}");
    }
}
