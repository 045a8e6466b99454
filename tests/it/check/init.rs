//! `postroom init`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{Ran, program};

fn run(verb: &str, folder: &Path) -> Ran {
    Ran::of(program().arg(verb).arg(folder).output().unwrap())
}

/// All files below a folder with their contents.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            all.extend(contents(&entry.path()));
        } else {
            all.insert(entry.path(), fs::read(entry.path()).unwrap());
        }
    }
    all
}

#[test]
fn the_starter_checks_and_sends_clean() {
    let folder = tempfile::tempdir().unwrap();
    let starter = folder.path().join("new/batch");
    run("init", &starter).expect(0);
    let checked = run("check", &starter).expect(0);
    assert_eq!(checked.stderr, "");
    let sent = run("send", &starter).expect(0);
    assert!(sent.stdout.contains("3 accepted, 0 pending"), "{sent:?}");
    assert_eq!(fs::read_dir(starter.join("outbox")).unwrap().count(), 3);
}

#[test]
fn a_second_init_refuses_and_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    run("init", folder.path()).expect(0);
    fs::write(folder.path().join("batch.toml"), "# mine\n").unwrap();
    fs::remove_file(folder.path().join("dispatch-list.csv")).unwrap();
    let before = contents(folder.path());
    run("init", folder.path())
        .expect(2)
        .says("batch.toml")
        .says("nothing was written")
        .says("next: name another folder");
    assert_eq!(contents(folder.path()), before);
}

#[test]
fn other_files_in_the_folder_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("notes.txt"), "mine").unwrap();
    run("init", folder.path()).expect(0);
    assert_eq!(
        fs::read_to_string(folder.path().join("notes.txt")).unwrap(),
        "mine"
    );
}

#[test]
fn a_file_in_place_of_the_folder_is_refused() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let ran = run("init", file.path()).says("next: ");
    assert_ne!(ran.code, Some(0));
    assert_eq!(fs::read(file.path()).unwrap(), b"");
}

#[test]
fn the_starter_keeps_its_secrets_out_of_git() {
    let folder = tempfile::tempdir().unwrap();
    run("init", folder.path()).expect(0);
    let ignored = fs::read_to_string(folder.path().join(".gitignore")).unwrap();
    for line in [".secrets.toml", "*.state.db*"] {
        assert!(ignored.lines().any(|other| other == line), "{ignored}");
    }
}
