//! A person who signs in: a batch with a sign-in of its own, the fake sign-in service that it uses,
//! and a watch over everything that is shown.

use std::cell::RefCell;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command};
use std::sync::Arc;

use tempfile::TempDir;

use super::oauth::{self, BrowseResult, OauthServer};
use super::{Ran, TestBatch, private, wait};

/// A batch, its sign-in service and the place where the sign-in is kept.
///
/// Every run is searched for secrets, and so is the batch's folder at the end.
pub struct Desk {
    pub batch: TestBatch,
    pub server: Arc<OauthServer>,
    outside: TempDir,
    further_secrets: RefCell<Vec<String>>,
}

impl Desk {
    pub fn new() -> Self {
        Self::at(OauthServer::builder())
    }

    pub fn at(server: oauth::Builder) -> Self {
        Self::for_schools(server, 3)
    }

    /// A desk with a batch of so many schools.
    pub fn for_schools(server: oauth::Builder, schools: usize) -> Self {
        let desk = Self {
            batch: TestBatch::new(schools),
            server: Arc::new(server.start()),
            outside: tempfile::tempdir().unwrap(),
            further_secrets: RefCell::default(),
        };
        desk.secrets("");
        desk
    }

    /// Writes the secrets file with the sign-in, and further lines behind it.
    pub fn secrets(&self, further: &str) {
        self.batch.secrets(&format!("{}{further}", self.keys()));
    }

    /// The keys of the sign-in.
    pub fn keys(&self) -> String {
        format!(
            "send_emails_as = \"reports@study.example\"\nclient_id = \"{}\"\ntenant_id = \"{}\"\n\
             username = \"ann@study.example\"\nauthority = \"{}\"\ntoken_store = 'file:{}'\n",
            self.server.client(),
            self.server.tenant(),
            self.server.authority(),
            self.store().display()
        )
    }

    /// Changes a value of the secrets file.
    #[track_caller]
    pub fn change(&self, part: &str, other: &str) {
        self.batch.replace(".secrets.toml", part, other);
    }

    /// Sends over SMTP with the sign-in.
    pub fn use_smtp(&self, port: u16) {
        self.use_smtp_with(port, "");
    }

    /// The same, with further keys in front of `[smtp]`.
    pub fn use_smtp_with(&self, port: u16, keys: &str) {
        self.batch.use_smtp(port, "");
        self.secrets(&format!(
            "{keys}[smtp]\nhost = \"127.0.0.1\"\nport = {port}\nsecurity = \"none\"\n\
             auth = \"oauth\"\ntimeout = \"5s\"\n"
        ));
    }

    /// The file of the sign-in.
    pub fn store(&self) -> PathBuf {
        self.elsewhere("state/sign-in.json")
    }

    /// A path outside the batch.
    pub fn elsewhere(&self, name: &str) -> PathBuf {
        self.outside.path().join(name)
    }

    /// Writes a file outside the batch.
    pub fn write_elsewhere(&self, name: &str, text: &str) -> PathBuf {
        let path = self.elsewhere(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        private(&path);
        path
    }

    /// Something more that nobody may see.
    pub fn keep_secret(&self, secret: &str) {
        self.further_secrets.borrow_mut().push(secret.into());
    }

    /// Runs a verb and searches what it says for secrets.
    #[track_caller]
    pub fn run(&self, verb: &str, arguments: &[&str]) -> Ran {
        let output = self.command(verb, arguments).output().unwrap();
        self.watched(Ran::of(output))
    }

    /// Sends without being asked.
    #[track_caller]
    pub fn send(&self) -> Ran {
        self.run("send", &["--yes"])
    }

    /// A run's words, searched for secrets.
    #[track_caller]
    pub fn watched(&self, ran: Ran) -> Ran {
        self.assert_no_secret("the output", ran.output().as_bytes());
        ran
    }

    /// A command that opens no browser of this machine: it finds no other program.
    pub fn command(&self, verb: &str, arguments: &[&str]) -> Command {
        let mut command = self.batch.command(verb, arguments);
        if verb == "login" {
            command.env("PATH", self.outside.path());
        }
        command
    }

    /// Begins a sign-in and reads on until it names a page to open.
    #[track_caller]
    pub fn begin(&self, arguments: &[&str]) -> Login<'_> {
        let mut child = self.command("login", arguments).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let (mut said, mut url) = (String::new(), None);
        while url.is_none() {
            let mut line = String::new();
            if stderr.read_line(&mut line).unwrap() == 0 {
                break;
            }
            url = line.starts_with("http").then(|| line.trim().to_owned());
            said.push_str(&line);
        }
        let login = Login {
            desk: self,
            child,
            stderr,
            said,
            url: url.unwrap_or_default(),
        };
        assert!(!login.url.is_empty(), "no page was named: {}", login.said);
        login
    }

    /// Signs in with a browser.
    #[track_caller]
    pub fn sign_in(&self) {
        let login = self.begin(&["--flow", "browser"]);
        oauth::browse(&login.url);
        login.end().expect(0);
    }

    /// Signs in without a browser: keeps a fresh sign-in as `postroom login` does.
    pub fn keep_sign_in(&self) {
        let scope = "https://graph.microsoft.com/.default openid profile offline_access";
        let record = serde_json::json!({
            "version": 1,
            "account": "ann@study.example",
            "client_id": self.server.client(),
            "tenant_id": self.server.tenant(),
            "refresh_token": self.server.hand_out_refresh(scope),
        });
        self.write_elsewhere("state/sign-in.json", &record.to_string());
    }

    /// The refresh token that is kept.
    #[track_caller]
    pub fn kept(&self) -> String {
        let text = fs::read_to_string(self.store()).unwrap();
        let record: serde_json::Value = serde_json::from_str(&text).unwrap();
        record["refresh_token"].as_str().unwrap().to_owned()
    }

    /// Fails the test when the sign-in service saw a breach of the protocol.
    #[track_caller]
    pub fn assert_proper(&self) {
        let violations = self.server.violations();
        assert!(violations.is_empty(), "{violations:#?}");
    }

    #[track_caller]
    fn assert_no_secret(&self, place: &str, bytes: &[u8]) {
        let mut secrets = self.server.secrets();
        secrets.extend(self.further_secrets.borrow().iter().cloned());
        secrets.extend(fs::read_to_string(self.store()));
        for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
            // Found quickly: a desk may have sent many megabytes.
            let found = memchr::memmem::find(bytes, secret.as_bytes());
            assert!(
                found.is_none(),
                "{secret:?} is in {place}: {}",
                String::from_utf8_lossy(bytes)
            );
        }
    }

    fn search(&self, folder: &Path) {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                self.search(&path);
            } else if entry.file_name() != ".secrets.toml" {
                self.assert_no_secret(&path.display().to_string(), &fs::read(&path).unwrap());
            }
        }
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.search(self.batch.folder());
        }
    }
}

/// A sign-in on its way, waiting for its browser.
pub struct Login<'a> {
    desk: &'a Desk,
    child: Child,
    stderr: BufReader<ChildStderr>,
    said: String,
    pub url: String,
}

impl Login<'_> {
    /// The port that the browser comes back to.
    #[track_caller]
    pub fn port(&self) -> u16 {
        let (_, rest) = self.url.split_once("localhost%3A").unwrap();
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().unwrap()
    }

    /// Opens the page as the browser of the person does.
    pub fn browse(&self) -> BrowseResult {
        oauth::browse(&self.url)
    }

    /// Waits for the end and searches what was said for secrets.
    #[track_caller]
    pub fn end(mut self) -> Ran {
        let mut code = None;
        wait::until("the sign-in", || {
            code = self.child.try_wait().unwrap();
            code.is_some()
        });
        self.stderr.read_to_string(&mut self.said).unwrap();
        let mut stdout = String::new();
        let mut pipe = self.child.stdout.take().unwrap();
        pipe.read_to_string(&mut stdout).unwrap();
        self.desk.watched(Ran {
            code: code.and_then(|status| status.code()),
            stdout,
            stderr: std::mem::take(&mut self.said),
        })
    }
}

impl Drop for Login<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
