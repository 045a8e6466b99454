//! What the front-door tests share: a batch in a temporary folder, the built program run on it, and
//! a mail server with scripted faults.

pub mod chromium;
pub mod closed_port;
pub mod connections;
pub mod disk;
pub mod dns;
#[cfg(target_os = "linux")]
pub mod dovecot;
pub mod ews;
pub mod ews_desk;
pub mod ews_schema;
pub mod exchange;
#[cfg(target_os = "linux")]
pub mod exim;
pub mod graph;
pub mod graph_desk;
pub mod http;
pub mod mailbox;
#[cfg(target_os = "linux")]
pub mod maildir;
pub mod oauth;
pub mod pace;
pub mod pdf;
pub mod png;
#[cfg(target_os = "linux")]
pub mod postfix;
pub mod provider;
pub mod servers;
pub mod signing_in;
pub mod smtp;
#[cfg(target_os = "linux")]
pub mod sshfs;
#[cfg(target_os = "linux")]
pub mod terminal;
pub mod victim;
pub mod wait;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

pub use mailbox::*;
pub use pdf::pdf;
use tempfile::TempDir;

/// A batch in a temporary folder.
pub struct TestBatch {
    folder: TempDir,
    schools: usize,
}

impl TestBatch {
    /// A batch of so many schools, ids `S001`…, one address each and a report of their own. Sent
    /// into the outbox unless `dispatch` says otherwise.
    pub fn new(schools: usize) -> Self {
        let batch = Self {
            folder: tempfile::tempdir().unwrap(),
            schools,
        };
        let mut list = String::from("ID,School,Email\n");
        fs::create_dir(batch.path("reports")).unwrap();
        for number in 1..=schools {
            let id = id(number);
            list.push_str(&format!(
                "{id},School {number},teacher{number}@school{number}.example\n"
            ));
            fs::write(batch.path(&format!("reports/{id}.pdf")), report(number)).unwrap();
        }
        fs::write(batch.path("list.csv"), list).unwrap();
        fs::write(
            batch.path("letter.html"),
            "<p>Dear {{ name }},</p>\n<p>your report.</p>\n",
        )
        .unwrap();
        batch.configure("");
        batch
    }

    /// Writes the batch file anew with these lines at its end, such as a `[dispatch]` table.
    pub fn configure(&self, lines: &str) {
        let file = format!(
            "[batch]\nname = \"Test reports\"\n\n[manifest]\npath = \"list.csv\"\nid = \"ID\"\nname = \"School\"\n\
             to = [\"Email\"]\n\n[letter]\nfrom = \"Study <reports@study.example>\"\n\
             subject = \"Report for {{{{ name }}}}\"\nhtml = \"letter.html\"\n\n\
             [[attachment]]\npath = \"reports/{{{{ id }}}}.pdf\"\nname = \"report.pdf\"\n\n{lines}\n"
        );
        fs::write(self.path("batch.toml"), file).unwrap();
    }

    /// Sends over SMTP to a port of this machine, as fast as it goes, with short patience.
    pub fn use_smtp(&self, port: u16, dispatch: &str) {
        self.configure(&format!(
            "[dispatch]\ntransport = \"smtp\"\nmessages_per_minute = 100000\nrecipients_per_day = 1000000\n\
             backoff = \"10ms\"\n{dispatch}"
        ));
        self.secrets(&format!(
            "[smtp]\nhost = \"127.0.0.1\"\nport = {port}\nsecurity = \"none\"\ntimeout = \"5s\"\n"
        ));
    }

    /// Sends over SMTP to a server that is given up on after 300 ms of silence, or ten times as long
    /// after the final dot.
    pub fn use_impatient_smtp(&self, port: u16) {
        self.use_smtp(port, "");
        self.replace(".secrets.toml", "\"5s\"", "\"300ms\"");
    }

    /// Replaces a part of a file, which must be there.
    #[track_caller]
    pub fn replace(&self, name: &str, part: &str, other: &str) {
        let text = fs::read_to_string(self.path(name)).unwrap();
        assert!(text.contains(part), "{part:?} is not in {name}: {text}");
        self.write(name, text.replace(part, other));
    }

    /// Sends without being asked, with further arguments.
    pub fn send(&self, arguments: &[&str]) -> Ran {
        self.run("send", &[&["--yes"], arguments].concat())
    }

    /// Writes the secrets file with the rights it needs.
    pub fn secrets(&self, text: &str) {
        let path = self.path(".secrets.toml");
        fs::write(&path, text).unwrap();
        private(&path);
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) {
        fs::write(self.path(name), contents).unwrap();
    }

    pub fn ids(&self) -> Vec<String> {
        (1..=self.schools).map(id).collect()
    }

    /// Runs a verb on this batch with further arguments, in the batch's folder.
    pub fn run(&self, verb: &str, arguments: &[&str]) -> Ran {
        Ran::of(self.command(verb, arguments).output().unwrap())
    }

    /// Starts a verb on this batch and leaves it running.
    pub fn start(&self, verb: &str, arguments: &[&str]) -> Child {
        self.command(verb, arguments).spawn().unwrap()
    }

    /// A secrets file that says what only a file that is named may say is named.
    fn own_secrets(&self, arguments: &[&str]) -> Vec<PathBuf> {
        let path = self.path(".secrets.toml");
        let text = fs::read_to_string(&path).unwrap_or_default();
        let is_own = text.lines().any(|line| {
            ["token_command", "authority", "graph_url", "ews_url"]
                .iter()
                .any(|key| line.starts_with(key))
        });
        if is_own && !arguments.contains(&"--secrets") {
            vec!["--secrets".into(), path]
        } else {
            Vec::new()
        }
    }

    pub fn command(&self, verb: &str, arguments: &[&str]) -> Command {
        let mut command = program();
        command
            .arg(verb)
            .arg(self.folder())
            .args(self.own_secrets(arguments))
            .args(arguments)
            .current_dir(self.folder())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// The letters' states by id, as `status --json` tells them.
    pub fn states(&self) -> Vec<(String, String)> {
        let status = self.run("status", &["--json"]).json();
        let letters = status["letters"].as_array().unwrap();
        letters
            .iter()
            .map(|letter| (text(&letter["id"]), text(&letter["state"])))
            .collect()
    }

    /// Fails the test unless the log fits together, and to the letters.
    #[track_caller]
    pub fn assert_log_is_whole(&self) {
        let ran = self.run("report", &["--verify"]).expect(0);
        assert!(ran.stdout.starts_with("the log is whole"), "{ran:?}");
    }

    /// The ids of the letters in a state.
    pub fn in_state(&self, state: &str) -> Vec<String> {
        let states = self.states().into_iter();
        states
            .filter(|(_, other)| other == state)
            .map(|(id, _)| id)
            .collect()
    }
}

/// The built program, without the settings of whoever runs the tests.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_postroom"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("POSTROOM_") {
            command.env_remove(name);
        }
    }
    // Nothing is asked of the network that this machine happens to be in.
    command.env("POSTROOM_DNS", "off");
    command
}

/// A lock that outlives the panic of another session.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The id of a school.
pub fn id(number: usize) -> String {
    format!("S{number:03}")
}

/// The report of a school, by its name: different from all others, and with bytes that need encoding.
pub fn report(number: usize) -> Vec<u8> {
    let filling: Vec<u8> = (0..3_000_usize)
        .map(|byte| (byte * (number + 7)) as u8)
        .chain(number.to_be_bytes())
        .collect();
    let name = format!("School {number}");
    pdf(&[&["Annual report", &name]], &filling)
}

/// What a run of the program left.
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    pub fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Fails the test unless the program ended with this code.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        self
    }

    /// Fails the test unless the program said this on stderr.
    #[track_caller]
    pub fn says(self, part: &str) -> Self {
        assert!(self.stderr.contains(part), "{part:?} is not in {self:?}");
        self
    }

    /// Fails the test unless this is among its results.
    #[track_caller]
    pub fn shows(self, part: &str) -> Self {
        let output = self.output();
        assert!(self.stdout.contains(part), "{part:?} is not in {output}");
        self
    }

    /// Everything the program said.
    pub fn output(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// The JSON object on stdout.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl std::fmt::Debug for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "exit {:?}\n--- stdout\n{}\n--- stderr\n{}",
            self.code, self.stdout, self.stderr
        )
    }
}

fn text(value: &serde_json::Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Takes the rights of others away, where files have modes.
pub fn private(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    #[cfg(not(unix))]
    let _ = path;
}

/// Copies a batch without what runs left in it.
pub fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            if entry.file_name() != "outbox" {
                copy_folder(&entry.path(), &target);
            }
        } else if !entry.file_name().to_string_lossy().contains(".db") {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
