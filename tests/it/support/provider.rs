//! An OAuth server that others wrote, npm's oidc-provider, and what a person does with it.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;

use reqwest::Url;
use reqwest::blocking::Client;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;

use super::{Ran, TestBatch, http, wait};

/// The account that the provider signs in.
pub const PERSON: &str = "ann@study.example";

/// A child process that is ended with the test, by its own id.
pub struct Running(pub Child);

impl Running {
    /// Waits for the end, with a bound, and gives all that was said.
    #[track_caller]
    pub fn ended(mut self, what: &str, said: Said) -> Ran {
        wait::until(what, || self.0.try_wait().unwrap().is_some());
        Ran {
            code: self.0.wait().unwrap().code(),
            stdout: said.stdout.recv_timeout(wait::LONG).unwrap(),
            stderr: said.rest(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a running process says.
pub struct Said {
    lines: Receiver<String>,
    stdout: Receiver<String>,
}

impl Said {
    fn by(child: &mut Child) -> Self {
        let (line, lines) = channel();
        let (whole, stdout) = channel();
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        thread::spawn(move || {
            for said in BufReader::new(err).lines().map_while(Result::ok) {
                let _ = line.send(said);
            }
        });
        thread::spawn(move || {
            let mut text = String::new();
            let _ = BufReader::new(out).read_to_string(&mut text);
            let _ = whole.send(text);
        });
        Self { lines, stdout }
    }

    /// What else standard error brings before it is closed.
    #[track_caller]
    fn rest(&self) -> String {
        let mut rest = String::new();
        loop {
            match self.lines.recv_timeout(wait::LONG) {
                Ok(line) => rest.push_str(&(line + "\n")),
                Err(RecvTimeoutError::Disconnected) => return rest,
                Err(RecvTimeoutError::Timeout) => panic!("standard error stays open: {rest}"),
            }
        }
    }

    /// The next line of standard error that has this in it.
    #[track_caller]
    pub fn line_with(&self, part: &str) -> String {
        let mut before = Vec::new();
        loop {
            match self.lines.recv_timeout(wait::LONG) {
                Ok(line) if line.contains(part) => return line,
                Ok(line) => before.push(line),
                Err(_) => panic!("no line with {part:?}, only {before:?}"),
            }
        }
    }
}

/// The provider on a port of this machine.
pub struct Provider {
    port: u16,
    _child: Running,
}

impl Provider {
    pub fn start() -> Result<Self, String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let script = root.join("tests/it/support/oidc/provider.mjs");
        let modules = [
            root.join("target/ci-oidc/node_modules"),
            root.join("tests/it/support/oidc/node_modules"),
        ];
        let modules = modules
            .into_iter()
            .find(|modules| modules.join("oidc-provider").is_dir())
            .ok_or("oidc-provider is not installed: run npm ci in tests/it/support/oidc")?;
        // It ends when its standard input does, so a killed test leaves none behind.
        let child = Command::new("node")
            .arg(script)
            .arg(modules)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .map_err(|error| format!("node cannot be run: {error}"))?;
        let mut child = Running(child);
        let (line, first) = channel();
        let stdout = child.0.stdout.take().unwrap();
        thread::spawn(move || {
            for said in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = line.send(said);
            }
        });
        let said = first.recv_timeout(wait::LONG);
        let port = said.expect("the provider says its port").parse().unwrap();
        Ok(Self {
            port,
            _child: child,
        })
    }

    /// A batch whose secrets file signs in here.
    pub fn batch(&self, username: &str) -> TestBatch {
        let batch = TestBatch::new(1);
        batch.secrets(&format!(
            "authority = \"http://127.0.0.1:{}\"\ntenant_id = \"study\"\nclient_id = \"postroom-test\"\n\
             username = \"{username}\"\nsend_emails_as = \"reports@study.example\"\n\
             graph_scopes = \"Mail.Send SMTP.Send\"\nscope = \"SMTP.Send\"\n\
             token_store = 'file:{}'\n",
            self.port,
            kept(&batch).display()
        ));
        fs::create_dir(batch.path("nothing")).unwrap();
        batch
    }
}

/// The file of the sign-in, which must not lie in the batch's folder.
pub fn kept(batch: &TestBatch) -> PathBuf {
    let name = batch.folder().file_name().unwrap().to_string_lossy();
    batch.folder().with_file_name(format!("{name}-token.json"))
}

/// What is kept of the sign-in, which must be there.
pub fn record(batch: &TestBatch) -> String {
    fs::read_to_string(kept(batch)).unwrap()
}

/// Begins `postroom login` by a flow.
pub fn login(batch: &TestBatch, flow: &str) -> (Running, Said) {
    start(batch, "login", &["--flow", flow])
}

/// Starts a verb and leaves it running. It finds no browser that it could open.
pub fn start(batch: &TestBatch, verb: &str, arguments: &[&str]) -> (Running, Said) {
    let mut child = batch
        .command(verb, arguments)
        .env("PATH", batch.path("nothing"))
        .spawn()
        .unwrap();
    let said = Said::by(&mut child);
    (Running(child), said)
}

/// A browser: chromium without a window, in a folder of its own.
pub fn chromium(url: &str) -> Result<String, String> {
    let profile = tempfile::tempdir().unwrap();
    let mut child = Command::new("chromium")
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--dump-dom",
        ])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("chromium cannot be run: {error}"))?;
    let said = Said::by(&mut child);
    let ran = Running(child).ended("chromium", said);
    Ok(ran.expect(0).stdout)
}

/// Whether chromium is there.
pub fn chromium_version() -> Result<(), String> {
    let mut command = Command::new("chromium");
    let output = command.arg("--version").stdin(Stdio::null()).output();
    match output {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("chromium ends with {}", output.status)),
        Err(error) => Err(format!("chromium cannot be run: {error}")),
    }
}

/// A browser as small as can be: follows redirects, keeps cookies and sends the form of a page.
pub struct SmallBrowser {
    http: Client,
    cookies: Vec<(String, String)>,
}

impl SmallBrowser {
    pub fn new() -> Self {
        let http = http::client()
            .redirect(Policy::none())
            .timeout(wait::LONG)
            .build()
            .unwrap();
        Self {
            http,
            cookies: Vec::new(),
        }
    }

    /// Opens a page and follows redirects to the last, whose text it gives.
    pub fn open(&mut self, url: &str) -> String {
        self.go(Url::parse(url).unwrap(), None).1
    }

    /// Opens a page and sends its form with these further fields, and the form of the page after it,
    /// until a page has none.
    pub fn fill_in(&mut self, url: &str, further: &[(&str, &str)]) -> String {
        let (mut at, mut page) = self.go(Url::parse(url).unwrap(), None);
        for _ in 0..5 {
            let Some((action, mut fields)) = form(&page) else {
                return page;
            };
            let further = further.iter();
            fields.extend(further.map(|(name, value)| ((*name).into(), (*value).into())));
            (at, page) = self.go(at.join(&action).unwrap(), Some(fields));
        }
        panic!("forms without end: {page}");
    }

    fn go(&mut self, mut url: Url, mut fields: Option<Vec<(String, String)>>) -> (Url, String) {
        for _ in 0..20 {
            let jar: Vec<String> = self
                .cookies
                .iter()
                .map(|(n, v)| format!("{n}={v}"))
                .collect();
            let request = match fields.take() {
                Some(fields) => {
                    let mut body = Url::parse("http://form").unwrap();
                    body.query_pairs_mut().extend_pairs(fields);
                    self.http
                        .post(url.clone())
                        .header("content-type", "application/x-www-form-urlencoded")
                        .body(body.query().unwrap().to_owned())
                }
                None => self.http.get(url.clone()),
            };
            let answer = request.header(COOKIE, jar.join("; ")).send().unwrap();
            for cookie in answer.headers().get_all(SET_COOKIE) {
                let pair = cookie.to_str().unwrap().split(';').next().unwrap();
                let (name, value) = pair.split_once('=').unwrap();
                self.cookies.retain(|(other, _)| other != name);
                if !value.is_empty() {
                    self.cookies.push((name.to_owned(), value.to_owned()));
                }
            }
            match answer.headers().get(LOCATION) {
                Some(location) => url = url.join(location.to_str().unwrap()).unwrap(),
                None => return (url, answer.text().unwrap()),
            }
        }
        panic!("redirects without end: {url}");
    }
}

/// Where the form of a page goes, and its hidden fields.
fn form(page: &str) -> Option<(String, Vec<(String, String)>)> {
    let inside = page.split_once("<form")?.1.split_once("</form>")?.0;
    let action = attribute(inside, "action")?;
    let fields = inside.split("<input").skip(1).filter_map(|input| {
        let input = input.split('>').next()?;
        Some((attribute(input, "name")?, attribute(input, "value")?))
    });
    Some((action, fields.collect()))
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let value = tag.split_once(&format!("{name}=\""))?.1;
    Some(value.split('"').next()?.to_owned())
}
