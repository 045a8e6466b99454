//! A whole session of two users of one machine: a colleague prepares the batch in a folder that both can
//! write to, plants what may lead elsewhere and reads what may be read; another user checks and sends.
//!
//! It needs root, to be both of them, and is skipped with a word without. `.ci/run` makes the colleague
//! and names their number in `POSTROOM_SECOND_UID`; otherwise it is the system's own user `nobody`.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::{Ran, TestBatch, copy_folder, program};

/// Who runs the program: a number that no user of the system has.
const SENDER: u32 = 54_321;
const NOBODY: u32 = 65_534;
const STATE: &str = "batch.outbox.db";
/// What the sender has and nobody else may see.
const DIARY: &str = "the sender's diary";

/// A shared folder with a batch, and a home of the sender's.
struct Session {
    _place: tempfile::TempDir,
    batch: PathBuf,
    home: PathBuf,
    postroom: PathBuf,
    colleague: u32,
}

impl Session {
    /// None without root.
    fn begin(schools: usize) -> Option<Self> {
        let place = tempfile::tempdir().unwrap();
        if chown(place.path(), Some(SENDER), None).is_err() {
            eprintln!("skipped: only root can be two users");
            return None;
        }
        let colleague = std::env::var("POSTROOM_SECOND_UID")
            .ok()
            .and_then(|uid| uid.parse().ok())
            .unwrap_or(NOBODY);
        open_to_all(place.path());
        let session = Self {
            batch: place.path().join("shared"),
            home: place.path().join("home"),
            postroom: place.path().join("postroom"),
            colleague,
            _place: place,
        };
        fs::copy(program().get_program(), &session.postroom).unwrap();
        copy_folder(TestBatch::new(schools).folder(), &session.batch);
        give(&session.batch, colleague);
        open_to_all(&session.batch);
        fs::set_permissions(&session.batch, fs::Permissions::from_mode(0o777)).unwrap();
        fs::create_dir(&session.home).unwrap();
        fs::write(session.home.join("diary.txt"), DIARY).unwrap();
        fs::write(
            session.home.join("diary.pdf"),
            format!("%PDF-1.7 {DIARY} %%EOF"),
        )
        .unwrap();
        for private in ["diary.txt", "diary.pdf"] {
            fs::set_permissions(
                session.home.join(private),
                fs::Permissions::from_mode(0o600),
            )
            .unwrap();
        }
        fs::set_permissions(&session.home, fs::Permissions::from_mode(0o700)).unwrap();
        give(&session.home, SENDER);
        Some(session)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.batch.join(name)
    }

    /// Runs the program as the sender does, who never gets to see the diary by it.
    #[track_caller]
    fn run(&self, verb: &str, arguments: &[&str]) -> Ran {
        let output = Command::new(&self.postroom)
            .arg(verb)
            .arg(&self.batch)
            .args(arguments)
            .current_dir(&self.batch)
            .env_clear()
            .env("HOME", &self.home)
            .stdin(Stdio::null())
            .uid(SENDER)
            .gid(SENDER)
            .output()
            .unwrap();
        let ran = Ran::of(output);
        assert!(!ran.output().contains(DIARY), "{ran:?}");
        ran
    }

    /// What the colleague does in the shared folder; says whether it worked.
    fn colleague_does(&self, line: &str) -> (bool, String) {
        let output = Command::new("sh")
            .args(["-c", line])
            .current_dir(&self.batch)
            .uid(self.colleague)
            .gid(self.colleague)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.success(), text)
    }

    /// The colleague puts a link in place of whatever is there.
    fn plant_link(&self, name: &str, to: &str) {
        let to = self.home.join(to);
        let line = format!("rm -rf '{name}' && ln -s '{}' '{name}'", to.display());
        assert!(self.colleague_does(&line).0, "{line}");
    }

    #[track_caller]
    fn assert_home_as_it_was(&self) {
        let mut names: Vec<_> = fs::read_dir(&self.home)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        assert_eq!(names, ["diary.pdf", "diary.txt"]);
        assert_eq!(
            fs::read_to_string(self.home.join("diary.txt")).unwrap(),
            DIARY
        );
    }
}

/// Every folder below can be entered and every file read, whatever the umask is.
fn open_to_all(path: &Path) {
    let mode = if path.is_dir() { 0o755 } else { 0o644 };
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            open_to_all(&entry.unwrap().path());
        }
    }
}

fn give(path: &Path, to: u32) {
    chown(path, Some(to), Some(to)).unwrap();
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            give(&entry.unwrap().path(), to);
        }
    }
}

#[test]
fn what_a_run_leaves_is_the_senders_alone() {
    let Some(session) = Session::begin(2) else {
        return;
    };
    session.run("check", &[]).expect(0);
    session.run("preview", &[]).expect(0);
    session.run("send", &["--yes"]).expect(0);
    session.run("report", &["--format", "csv"]).expect(0);
    let mut made = 0;
    for entry in fs::read_dir(&session.batch).unwrap() {
        let entry = entry.unwrap();
        if entry.metadata().unwrap().uid() != SENDER {
            continue;
        }
        made += 1;
        let name = entry.file_name().into_string().unwrap();
        let (works, text) = session.colleague_does(&format!("cat '{name}' || ls '{name}/'"));
        assert!(!works && text.is_empty(), "{name}: {text}");
    }
    // State file, lock, outbox, preview and record.
    assert!(made >= 5, "{made}");
    let (works, text) = session.colleague_does("cat outbox/S001.eml preview/index.html");
    assert!(!works && text.is_empty(), "{text}");
}

#[test]
fn a_colleagues_secrets_file_is_not_used() {
    let Some(session) = Session::begin(1) else {
        return;
    };
    let line = "printf '[smtp]\\nhost = \"127.0.0.1\"\\nport = 9\\nsecurity = \"none\"\\n' > .secrets.toml && chmod 600 .secrets.toml";
    assert!(session.colleague_does(line).0);
    for (verb, arguments) in [("check", &[][..]), ("send", &["--yes"]), ("preview", &[])] {
        let ran = session.run(verb, arguments);
        assert_ne!(ran.code, Some(0), "{ran:?}");
        assert!(!session.path("outbox").exists(), "{ran:?}");
    }
}

#[test]
fn no_planted_link_is_followed_to_what_is_the_senders() {
    for (name, to) in [
        (".lock", "diary.txt"),
        ("", "diary.txt"),
        ("-wal", "diary.txt"),
        (".new", "made.db"),
    ] {
        let Some(session) = Session::begin(1) else {
            return;
        };
        session.plant_link(&format!("{STATE}{name}"), to);
        session
            .run("send", &["--yes"])
            .expect(3)
            .says("is a link, so it was left as it is");
        session.assert_home_as_it_was();
    }
    for (name, to) in [
        ("list.csv", "diary.txt"),
        ("letter.html", "diary.txt"),
        ("reports/S001.pdf", "diary.pdf"),
        ("outbox", ""),
    ] {
        let Some(session) = Session::begin(1) else {
            return;
        };
        session.plant_link(name, to);
        let ran = session.run("send", &["--yes"]);
        assert_ne!(ran.code, Some(0), "{name}: {ran:?}");
        session.assert_home_as_it_was();
        assert!(!session.path("outbox/S001.eml").exists(), "{name}: {ran:?}");
    }
    // A link where the preview is to stand, or is made.
    for name in ["preview", "preview.partial"] {
        let Some(session) = Session::begin(1) else {
            return;
        };
        session.plant_link(name, "");
        let ran = session.run("preview", &[]);
        assert_ne!(ran.code, Some(0), "{name}: {ran:?}");
        session.assert_home_as_it_was();
    }
}

#[test]
fn a_state_file_of_somebody_else_is_refused() {
    let Some(session) = Session::begin(1) else {
        return;
    };
    let other = TestBatch::new(1);
    other.run("send", &[]).expect(0);
    fs::copy(other.path(STATE), session.path(STATE)).unwrap();
    give(&session.path(STATE), session.colleague);
    fs::set_permissions(session.path(STATE), fs::Permissions::from_mode(0o666)).unwrap();
    let ran = session.run("send", &["--yes"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(!session.path("outbox").exists(), "{ran:?}");
}

#[test]
fn an_outbox_that_stays_in_the_folder_may_be_a_link() {
    let batch = TestBatch::new(1);
    fs::create_dir(batch.path("kept")).unwrap();
    symlink("kept", batch.path("outbox")).unwrap();
    batch.run("send", &[]).expect(0);
    assert!(batch.path("kept/S001.eml").is_file());
}
