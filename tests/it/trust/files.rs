//! Lock and state files: through no link, and for their user alone.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{Ran, TestBatch, program};

const STATE: &str = "batch.outbox.db";
const PRECIOUS: &str = "somebody's thesis\n";

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// A batch, and a file outside it that is not to be touched.
fn with_a_file_of_value() -> (TestBatch, tempfile::TempDir) {
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(elsewhere.path().join("thesis.txt"), PRECIOUS).unwrap();
    (TestBatch::new(2), elsewhere)
}

#[track_caller]
fn assert_untouched(elsewhere: &Path) {
    assert_eq!(
        fs::read_to_string(elsewhere.join("thesis.txt")).unwrap(),
        PRECIOUS
    );
    assert_eq!(
        fs::read_dir(elsewhere).unwrap().count(),
        1,
        "a file was made"
    );
}

#[test]
fn a_planted_link_is_not_followed_whatever_it_is_called() {
    for suffix in ["", ".lock", ".new", "-wal", "-shm", "-journal", ".new-wal"] {
        // To a file that is there, and to one that would be made.
        for target in ["thesis.txt", "made.db"] {
            let (batch, elsewhere) = with_a_file_of_value();
            let name = format!("{STATE}{suffix}");
            symlink(elsewhere.path().join(target), batch.path(&name)).unwrap();
            batch
                .run("send", &[])
                .expect(3)
                .says(&format!("{name} is a link, so it was left as it is"))
                .says("next: look who put it there, and remove it");
            assert_untouched(elsewhere.path());
            assert!(batch.path(&name).is_symlink(), "{name}");
            assert!(!batch.path("outbox").exists(), "{name}");
            fs::remove_file(batch.path(&name)).unwrap();
            batch.run("send", &[]).expect(0);
            batch.assert_log_is_whole();
        }
    }
}

#[test]
fn a_state_file_that_is_a_link_is_not_looked_at_either() {
    let batch = TestBatch::new(1);
    batch.run("send", &[]).expect(0);
    let other = TestBatch::new(1);
    symlink(batch.path(STATE), other.path(STATE)).unwrap();
    for (verb, arguments) in [
        ("status", &[][..]),
        ("report", &["--verify"]),
        ("send", &[]),
        ("send", &["--accept-lost-state"]),
    ] {
        other.run(verb, arguments).expect(3).says("is a link");
    }
    // The folder may be reached by one.
    let elsewhere = tempfile::tempdir().unwrap();
    let link = elsewhere.path().join("batch");
    symlink(batch.folder(), &link).unwrap();
    for verb in ["status", "send"] {
        let output = program().arg(verb).arg(&link).stdin(Stdio::null()).output();
        Ran::of(output.unwrap()).expect(0);
    }
}

#[test]
fn another_name_of_somebodys_file_is_no_lock() {
    let (batch, elsewhere) = with_a_file_of_value();
    let lock = format!("{STATE}.lock");
    fs::hard_link(elsewhere.path().join("thesis.txt"), batch.path(&lock)).unwrap();
    batch
        .run("send", &[])
        .expect(3)
        .says(&format!("{lock} holds something else"));
    assert_untouched(elsewhere.path());
}

#[test]
fn what_is_no_file_is_neither_lock_nor_state() {
    for name in [STATE.to_owned(), format!("{STATE}.lock")] {
        let batch = TestBatch::new(1);
        let made = Command::new("mkfifo").arg(batch.path(&name)).status();
        assert!(made.unwrap().success());
        let mut run = Command::new("timeout");
        run.args(["-s", "KILL", "20"])
            .arg(program().get_program())
            .args(["send", batch.folder().to_str().unwrap()])
            .stdin(Stdio::null());
        Ran::of(run.output().unwrap())
            .expect(3)
            .says(&format!("{name} is not a regular file"));
    }
}

#[test]
fn a_lock_or_state_file_of_another_user_is_refused_for_a_run() {
    for name in [STATE.to_owned(), format!("{STATE}.lock")] {
        let batch = TestBatch::new(2);
        batch.run("send", &["--limit", "1"]).expect(0);
        if !crate::trust::given_away(&batch.path(&name)) {
            return;
        }
        batch
            .run("send", &[])
            .expect(3)
            .says(&format!("{name} belongs to another user"))
            .says("chown");
        assert_eq!(batch.in_state("accepted"), ["S001"], "{name}");
    }
}

#[test]
fn what_holds_addresses_is_for_its_user_alone_whatever_the_umask() {
    for umask in ["000", "022"] {
        let batch = TestBatch::new(200);
        let line = format!("umask {umask} && exec \"$0\" send \"$1\"");
        let mut run = Command::new("sh")
            .args(["-c", &line])
            .arg(program().get_program())
            .arg(batch.folder())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // The write-ahead log is there as long as the run is.
        let mut seen = Vec::new();
        while run.try_wait().unwrap().is_none() {
            for suffix in ["", "-wal", "-shm", ".lock", ".new", ".new-wal"] {
                let path = batch.path(&format!("{STATE}{suffix}"));
                if let Ok(metadata) = fs::metadata(&path) {
                    let mode = metadata.mode() & 0o777;
                    assert_eq!(mode, 0o600, "{}", path.display());
                    seen.push(suffix);
                }
            }
        }
        assert!(run.wait().unwrap().success());
        assert!(seen.contains(&"-wal"), "{seen:?}");
        for suffix in ["", ".lock"] {
            assert_eq!(mode(&batch.path(&format!("{STATE}{suffix}"))), 0o600);
        }
        assert_eq!(mode(&batch.path("outbox")), 0o700);
        assert_eq!(mode(&batch.path("outbox/S001.eml")), 0o600);
    }
}

#[test]
fn a_state_file_that_is_there_keeps_its_rights() {
    let batch = TestBatch::new(2);
    batch.run("send", &["--limit", "1"]).expect(0);
    for suffix in ["", ".lock"] {
        let path = batch.path(&format!("{STATE}{suffix}"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    }
    batch.run("send", &[]).expect(0);
    for suffix in ["", ".lock"] {
        assert_eq!(mode(&batch.path(&format!("{STATE}{suffix}"))), 0o640);
    }
}
