//! Chromium without a window, driven over its debugging pipe: pages are opened, looked at and typed
//! on as a person would, and what they do wrong is seen.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::provider::chromium_version;
use super::wait;

/// A running browser with one page.
pub struct Chromium {
    child: Child,
    pipe: ChildStdin,
    messages: Receiver<Value>,
    session: Option<String>,
    calls: u64,
    events: Vec<Value>,
    _profile: tempfile::TempDir,
}

impl Chromium {
    /// Starts it; an error says why it cannot be.
    pub fn start() -> Result<Self, String> {
        chromium_version()?;
        let profile = tempfile::tempdir().unwrap();
        // The debugging pipe has the numbers 3 and 4.
        let mut child = Command::new("sh")
            .args([
                "-c",
                "exec chromium \"$@\" 3<&0 4>&1 </dev/null >/dev/null",
                "sh",
            ])
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--remote-debugging-pipe",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("chromium cannot be run: {error}"))?;
        let (pipe, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (sender, messages) = channel();
        thread::spawn(move || {
            for message in BufReader::new(stdout).split(0).map_while(Result::ok) {
                if let Ok(message) = serde_json::from_slice(&message)
                    && sender.send(message).is_err()
                {
                    return;
                }
            }
        });
        let mut chromium = Self {
            child,
            pipe,
            messages,
            session: None,
            calls: 0,
            events: Vec::new(),
            _profile: profile,
        };
        let target = chromium.call("Target.createTarget", json!({"url": "about:blank"}));
        let attached = chromium.call(
            "Target.attachToTarget",
            json!({"targetId": target["targetId"], "flatten": true}),
        );
        chromium.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            chromium.call(&format!("{domain}.enable"), json!({}));
        }
        Ok(chromium)
    }

    /// Calls a method of the DevTools protocol.
    #[track_caller]
    pub fn call(&mut self, method: &str, params: Value) -> Value {
        self.calls += 1;
        let mut call = json!({"id": self.calls, "method": method, "params": params});
        if let Some(session) = &self.session {
            call["sessionId"] = json!(session);
        }
        self.pipe.write_all(format!("{call}\0").as_bytes()).unwrap();
        loop {
            let message = self.next(method);
            if message["id"] == json!(self.calls) {
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].clone();
            }
            self.events.push(message);
        }
    }

    #[track_caller]
    fn next(&self, what: &str) -> Value {
        let message = self.messages.recv_timeout(wait::LONG);
        message.unwrap_or_else(|error| panic!("chromium does not answer to {what}: {error}"))
    }

    /// Opens a page and waits until it is there.
    #[track_caller]
    pub fn open(&mut self, url: &str) {
        // The same page with another fragment would not be loaded anew.
        self.navigate("about:blank");
        self.events.clear();
        self.navigate(url);
    }

    #[track_caller]
    fn navigate(&mut self, url: &str) {
        let before = self.count("Page.loadEventFired");
        self.call("Page.navigate", json!({ "url": url }));
        while self.count("Page.loadEventFired") == before {
            let event = self.next(url);
            self.events.push(event);
        }
    }

    fn count(&self, method: &str) -> usize {
        self.named(method).count()
    }

    fn named<'a>(&'a self, method: &'a str) -> impl Iterator<Item = &'a Value> {
        self.events
            .iter()
            .filter(move |event| event["method"] == json!(method))
    }

    /// The value of an expression on the page.
    #[track_caller]
    pub fn eval(&mut self, expression: &str) -> Value {
        let result = self.call(
            "Runtime.evaluate",
            json!({"expression": expression, "returnByValue": true, "awaitPromise": true}),
        );
        assert!(
            result["exceptionDetails"].is_null(),
            "{expression}: {result}"
        );
        result["result"]["value"].clone()
    }

    /// The same for text.
    #[track_caller]
    pub fn text(&mut self, expression: &str) -> String {
        let value = self.eval(expression);
        let text = value.as_str();
        text.unwrap_or_else(|| panic!("{expression} is {value}"))
            .to_owned()
    }

    /// Opens a PDF, and goes on in the viewer that the browser shows it with.
    #[track_caller]
    pub fn open_pdf(&mut self, path: &Path) {
        let attach = json!({"autoAttach": true, "waitForDebuggerOnStart": false, "flatten": true});
        self.call("Target.setAutoAttach", attach);
        self.open(&file_url(path));
        while self.count("Target.attachedToTarget") == 0 {
            let event = self.next("the viewer of PDFs");
            self.events.push(event);
        }
        let attached = self.named("Target.attachedToTarget").last();
        let session = attached.and_then(|event| event["params"]["sessionId"].as_str());
        self.session = session.map(str::to_owned);
    }

    /// Waits until an expression is true.
    #[track_caller]
    pub fn wait_until(&mut self, expression: &str) {
        let begun = Instant::now();
        while self.eval(expression) != true {
            assert!(begun.elapsed() < wait::LONG, "{expression} never came true");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Presses a key, as `Enter` or `/`.
    pub fn press(&mut self, key: &str) {
        let (code, text) = match key {
            "Enter" => (13, "\r"),
            "Escape" => (27, ""),
            "ArrowUp" => (38, ""),
            "ArrowDown" => (40, ""),
            "/" => (191, "/"),
            "j" => (74, "j"),
            "k" => (75, "k"),
            other => panic!("no such key: {other}"),
        };
        let mut event = json!({"type": "keyDown", "key": key, "windowsVirtualKeyCode": code});
        if !text.is_empty() {
            event["text"] = json!(text);
        }
        self.call("Input.dispatchKeyEvent", event.clone());
        event["type"] = json!("keyUp");
        self.call("Input.dispatchKeyEvent", event);
    }

    /// Types into what has the focus.
    pub fn write(&mut self, text: &str) {
        self.call("Input.insertText", json!({ "text": text }));
    }

    /// A window of this width, light or dark.
    pub fn look(&mut self, width: u32, dark: bool) {
        self.call(
            "Emulation.setDeviceMetricsOverride",
            json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}),
        );
        let scheme = if dark { "dark" } else { "light" };
        self.call(
            "Emulation.setEmulatedMedia",
            json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]}),
        );
    }

    /// A picture of the whole page, as PNG in base64.
    pub fn picture(&mut self) -> String {
        let picture = self.call(
            "Page.captureScreenshot",
            json!({"format": "png", "captureBeyondViewport": true}),
        );
        picture["data"].as_str().unwrap().to_owned()
    }

    /// What the page wrote on its console, threw, or was refused by its policy.
    pub fn complaints(&mut self) -> Vec<String> {
        // What was said before this answer has come in with it.
        self.eval("1");
        [
            "Runtime.consoleAPICalled",
            "Runtime.exceptionThrown",
            "Log.entryAdded",
        ]
        .into_iter()
        .flat_map(|method| self.named(method).map(|event| event["params"].to_string()))
        .collect()
    }

    /// The addresses that were asked for since the page was opened, its own first.
    pub fn requests(&mut self) -> Vec<String> {
        self.eval("1");
        self.named("Network.requestWillBeSent")
            .map(|event| {
                event["params"]["request"]["url"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            })
            .collect()
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // Asked to, it ends its own processes; the wait is for them.
        self.session = None;
        let _ = self
            .pipe
            .write_all(b"{\"id\":0,\"method\":\"Browser.close\"}\0");
        let _ = self.child.wait();
    }
}

/// The address of a file.
pub fn file_url(path: &Path) -> String {
    reqwest::Url::from_file_path(path).unwrap().to_string()
}
