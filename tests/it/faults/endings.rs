//! Endings that are nobody's wish: a terminal that is closed, a pipe that nobody reads, a batch that
//! goes on in another place.

use std::fs;
use std::process::{Command, Stdio};

use crate::support::smtp::{Action, SmtpServer, Step};
use crate::support::victim::Victim;
use crate::support::{Ran, TestBatch, accepted_by, assert_each_once, copy_folder, program};

/// A batch of five letters over SMTP.
fn five() -> (SmtpServer, TestBatch) {
    let server = SmtpServer::start();
    let batch = TestBatch::new(5);
    batch.use_smtp(server.port(), "");
    (server, batch)
}

/// Stops a run by this signal when the server has the second letter, and waits for its end.
fn stopped(server: &SmtpServer, batch: &TestBatch, signal: &'static str) -> Victim {
    let victim = Victim::default();
    let hook = victim.clone();
    server.script(move |event| {
        if event.step != Step::FinalDot || event.message != 2 {
            return Action::Go;
        }
        let hook = hook.clone();
        let stop = move || {
            hook.signal(signal);
            hook.wait_until_it_says("stopping: waiting for the answer");
        };
        Action::call(stop, Action::Go)
    });
    victim.send(batch);
    assert_eq!(victim.wait().code(), Some(130), "{}", victim.said());
    server.script(|_| Action::Go);
    victim
}

/// What closing the terminal and ending the session send is taken as Ctrl-C is.
#[test]
fn a_hangup_or_a_termination_finishes_the_letter_in_hand() {
    for signal in ["HUP", "TERM", "INT"] {
        let (server, batch) = five();
        stopped(&server, &batch, signal);
        assert_eq!(accepted_by(&server), [1, 2], "{signal}");
        assert_eq!(batch.in_state("accepted").len(), 2, "{signal}");
        assert_eq!(batch.in_state("pending").len(), 3, "{signal}");
        batch.assert_log_is_whole();
        batch.run("resume", &["--yes"]).expect(0);
        assert_each_once(&server, 5);
    }
}

/// Letters matter more than what is said of them.
#[test]
fn a_run_that_nobody_listens_to_sends_all_the_same() {
    for (deaf_stdout, deaf_stderr, json) in [
        (true, false, false),
        (true, false, true),
        (false, true, false),
        (true, true, false),
    ] {
        let (server, batch) = five();
        let mut arguments = vec!["--yes"];
        if json {
            arguments.push("--json");
        }
        let mut child = batch.start("send", &arguments);
        // The pipe has no reader from now on.
        if deaf_stdout {
            drop(child.stdout.take());
        }
        if deaf_stderr {
            drop(child.stderr.take());
        }
        let ran = child.wait_with_output().unwrap();
        let ran = Ran::of(ran);
        assert!(ran.code.is_some(), "ended by a signal: {ran:?}");
        assert_each_once(&server, 5);
        assert_eq!(batch.in_state("accepted").len(), 5, "{ran:?}");
        batch.assert_log_is_whole();
        batch.send(&[]).expect(0);
        assert_each_once(&server, 5);
    }
}

/// The limit of the day is no failure, and nothing to wait for: the next day goes on.
#[test]
fn a_day_that_is_used_up_ends_the_run_with_a_code_of_its_own() {
    let (server, batch) = five();
    batch.replace(
        "batch.toml",
        "recipients_per_day = 1000000",
        "recipients_per_day = 2",
    );
    for verb in ["send", "resume"] {
        let ran = batch.run(verb, &["--yes"]).expect(5);
        ran.says("the addresses of the day are used up");
        assert_eq!(accepted_by(&server), [1, 2]);
        assert_eq!(batch.in_state("pending").len(), 3);
    }
    batch.use_smtp(server.port(), "");
    batch.run("resume", &["--yes"]).expect(0);
    assert_each_once(&server, 5);
}

/// Where the state file was, a run that was stopped does not begin anew.
#[test]
fn a_state_folder_that_cannot_be_written_or_is_not_there_sends_nothing() {
    let Some(disk) = Disk::mount() else {
        return;
    };
    let (server, batch) = five();
    let state = disk.path.join("state.db");
    let state = state.to_str().unwrap();
    let resume = |code| {
        batch
            .run("resume", &["--yes", "--state", state])
            .expect(code)
    };
    batch.send(&["--state", state, "--limit", "2"]).expect(0);
    assert_eq!(accepted_by(&server), [1, 2]);
    disk.remount("ro");
    resume(3).says("state.db");
    assert_eq!(accepted_by(&server), [1, 2]);
    disk.remount("rw");
    disk.hide();
    resume(2).says("state.db");
    // To begin is not to resume, and makes no folder.
    let gone = batch.path("nowhere/state.db");
    let gone = gone.to_str().unwrap();
    batch.send(&["--state", gone]).expect(3);
    assert_eq!(accepted_by(&server), [1, 2]);
    disk.show();
    resume(0);
    assert_each_once(&server, 5);
}

/// A file system in memory, which even the user who may do everything cannot write to when it is
/// read-only.
struct Disk {
    folder: tempfile::TempDir,
    path: std::path::PathBuf,
}

impl Disk {
    /// None where this user cannot mount.
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("disk");
        fs::create_dir(&path).unwrap();
        let disk = Self { folder, path };
        if disk.mounts(&["-t", "tmpfs", "-o", "size=8m", "tmpfs"]) {
            return Some(disk);
        }
        eprintln!("skipped: this user cannot mount a file system");
        None
    }

    fn mounts(&self, arguments: &[&str]) -> bool {
        let mut command = Command::new("mount");
        let mounted = command.args(arguments).arg(&self.path).output();
        mounted.is_ok_and(|output| output.status.success())
    }

    fn remount(&self, how: &str) {
        assert!(self.mounts(&["-o", &format!("remount,{how}")]));
    }

    /// Puts it elsewhere: where it was there is no folder.
    fn hide(&self) {
        self.go(&self.path, &self.folder.path().join("elsewhere"));
    }

    fn show(&self) {
        self.go(&self.folder.path().join("elsewhere"), &self.path);
    }

    fn go(&self, from: &std::path::Path, to: &std::path::Path) {
        fs::create_dir(to).unwrap();
        let moved = Command::new("mount")
            .arg("--move")
            .arg(from)
            .arg(to)
            .status();
        assert!(moved.unwrap().success());
        fs::remove_dir(from).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Without this the folder could not be removed.
        let _ = Command::new("umount").arg("-l").arg(&self.path).output();
    }
}

/// The state file names no place, so the whole folder may be moved to another machine.
#[test]
fn a_batch_that_is_copied_with_its_state_file_goes_on_in_the_copy() {
    let (server, batch) = five();
    stopped(&server, &batch, "INT");
    let elsewhere = tempfile::tempdir().unwrap();
    let copy = elsewhere.path().join("another place");
    copy_folder(batch.folder(), &copy);
    for entry in fs::read_dir(batch.folder()).unwrap().map(Result::unwrap) {
        if entry.file_name().to_string_lossy().contains(".state.db") {
            fs::copy(entry.path(), copy.join(entry.file_name())).unwrap();
        }
    }
    let run = |verb: &str, arguments: &[&str]| {
        let mut command = program();
        command
            .arg(verb)
            .arg(&copy)
            .args(arguments)
            .stdin(Stdio::null());
        Ran::of(command.output().unwrap())
    };
    let ran = run("resume", &["--yes"]).expect(0);
    assert!(ran.stdout.contains("5 accepted, 0 pending"), "{ran:?}");
    assert_each_once(&server, 5);
    let ran = run("report", &["--verify"]).expect(0);
    assert!(ran.stdout.starts_with("the log is whole"), "{ran:?}");
}
