//! Mail servers that others wrote, run as they are: Postfix's smtp-sink and Python's aiosmtpd.

use std::fs;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use tempfile::TempDir;

use super::wait;

/// A running server that keeps every message in a file.
pub struct RealServer {
    pub port: u16,
    child: Child,
    folder: TempDir,
}

impl RealServer {
    /// Postfix's smtp-sink.
    pub fn smtp_sink() -> Result<Self, String> {
        Self::smtp_sink_at(wait::free_port())
    }

    /// The same at a port that others know beforehand.
    pub fn smtp_sink_at(port: u16) -> Result<Self, String> {
        let sink = [
            "smtp-sink",
            "/usr/sbin/smtp-sink",
            "/usr/local/sbin/smtp-sink",
        ]
        .into_iter()
        .find(|program| ends(Command::new(program).arg("-?")).is_some())
        .ok_or("Postfix's smtp-sink is not installed")?;
        Self::start(port, |folder, port| {
            let mut command = Command::new(sink);
            if is_root() {
                // It insists on giving up root's rights; then it must be able to write here.
                open_to_all(folder);
                command.args(["-u", "nobody"]);
            }
            // One file for each message, named by the template and a number of its own.
            command
                .arg("-d")
                .arg(folder.join("%M."))
                .arg(format!("127.0.0.1:{port}"))
                .arg("100");
            command
        })
    }

    /// Python's aiosmtpd, in the Python that `POSTROOM_PYTHON` names, else `python3`.
    pub fn aiosmtpd() -> Result<Self, String> {
        let python = std::env::var("POSTROOM_PYTHON").unwrap_or_else(|_| "python3".into());
        let import = ends(Command::new(&python).args(["-c", "import aiosmtpd"]));
        if !import.is_some_and(|status| status.success()) {
            return Err(format!(
                "{python} has no aiosmtpd (POSTROOM_PYTHON may name another)"
            ));
        }
        Self::start(wait::free_port(), |folder, port| {
            let mut command = Command::new(&python);
            let port = port.to_string();
            command.args(["-c", AIOSMTPD]).arg(folder).arg(port);
            command
        })
    }

    fn start(port: u16, command: impl FnOnce(&Path, u16) -> Command) -> Result<Self, String> {
        let folder = tempfile::tempdir().unwrap();
        let child = command(folder.path(), port)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| error.to_string())?;
        let mut server = Self {
            port,
            child,
            folder,
        };
        wait::until("the start of the server", || {
            let ended = server.child.try_wait().unwrap();
            assert!(ended.is_none(), "the server ended: {ended:?}");
            TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
        });
        Ok(server)
    }

    /// How many messages are there.
    pub fn count(&self) -> usize {
        fs::read_dir(self.folder.path()).unwrap().count()
    }

    /// The messages that are there, as the server wrote them.
    pub fn messages(&self) -> Vec<Vec<u8>> {
        let mut messages = Vec::new();
        for entry in fs::read_dir(self.folder.path()).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            let unfinished = path.extension().is_some_and(|suffix| suffix == "part");
            match fs::read(&path) {
                Ok(bytes) if !unfinished => messages.push(bytes),
                Err(error) if error.kind() != ErrorKind::NotFound => panic!("{path:?}: {error}"),
                _ => {}
            }
        }
        messages
    }
}

impl Drop for RealServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether what only root can start is tried; a word about it where it is not.
pub fn is_root_or_skip() -> bool {
    let root = is_root();
    if !root {
        eprintln!("skipped: only root starts it");
    }
    root
}

/// The server; none, with a word about it, when it is not installed and nobody insists on it.
#[track_caller]
pub fn or_skip<T>(server: Result<T, String>) -> Option<T> {
    let why = match server {
        Ok(server) => return Some(server),
        Err(why) => why,
    };
    assert!(!insists(), "{why}");
    eprintln!("skipped: {why}");
    None
}

/// Whether a test that cannot run here is one that fails.
pub fn insists() -> bool {
    std::env::var("POSTROOM_REAL_SERVERS").is_ok_and(|value| value == "1")
}

/// Keeps each message with its envelope in front, in the form of smtp-sink's files.
const AIOSMTPD: &str = r#"
import os, sys, threading
from aiosmtpd.controller import Controller

folder, port = sys.argv[1], int(sys.argv[2])

class Keep:
    count = 0

    async def handle_DATA(self, server, session, envelope):
        Keep.count += 1
        path = os.path.join(folder, f"{Keep.count:04}")
        with open(path + ".part", "wb") as file:
            for address in envelope.rcpt_tos:
                file.write(f"X-Rcpt-Args: <{address}>\r\n".encode())
            file.write(envelope.content)
        os.rename(path + ".part", path)
        return "250 OK"

controller = Controller(Keep(), hostname="127.0.0.1", port=port)
controller.start()
threading.Event().wait()
"#;

/// How a command ends that is only asked whether it is there; none when it is not.
fn ends(command: &mut Command) -> Option<ExitStatus> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .ok()
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn open_to_all(folder: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o777)).unwrap();
    }
    #[cfg(not(unix))]
    let _ = folder;
}
