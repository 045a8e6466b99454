//! A run of the program that is stopped from outside at a chosen moment.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use super::{TestBatch, lock, wait};

/// The run; copies of it go into the hooks of a server.
#[derive(Clone, Default)]
pub struct Victim {
    run: Arc<Mutex<Run>>,
    said: Arc<Mutex<String>>,
}

#[derive(Default)]
struct Run {
    child: Option<Child>,
    /// Reads what it says.
    reader: Option<JoinHandle<()>>,
    killed: bool,
}

impl Victim {
    /// Starts `send`. Hooks that come before this returns wait for it.
    pub fn send(&self, batch: &TestBatch) {
        self.verb(batch, "send", &["--yes"]);
    }

    /// The same of any verb, with its arguments.
    pub fn verb(&self, batch: &TestBatch, verb: &str, arguments: &[&str]) {
        self.run(batch.command(verb, arguments), Stdio::null());
    }

    /// The same with a pipe for stdout that nobody reads any more.
    pub fn verb_unheard(&self, batch: &TestBatch, verb: &str, arguments: &[&str]) {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        self.run(batch.command(verb, arguments), writer.into());
    }

    /// The same under a system that ends it as soon as it has written so many KiB of any file
    /// (SIGXFSZ).
    pub fn verb_with_small_files(
        &self,
        batch: &TestBatch,
        verb: &str,
        arguments: &[&str],
        kib: usize,
    ) {
        let own = batch.command(verb, arguments);
        let mut command = Command::new("sh");
        // The shell counts in blocks of 512 bytes.
        let limited = format!("ulimit -c 0 && ulimit -f {} && exec \"$@\"", kib * 2);
        command
            .args(["-c", &limited, "sh"])
            .arg(own.get_program())
            .args(own.get_args())
            .current_dir(batch.folder())
            .stdin(Stdio::null())
            .stderr(Stdio::piped());
        self.run(command, Stdio::null());
    }

    fn run(&self, mut command: Command, stdout: Stdio) {
        let mut run = lock(&self.run);
        let mut child = command.stdout(stdout).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let said = Arc::clone(&self.said);
        run.reader = Some(thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                lock(&said).push_str(&format!("{line}\n"));
            }
        }));
        run.child = Some(child);
    }

    /// Starts `send` as the only program of a terminal, which is closed when what this gives is dropped.
    #[cfg(target_os = "linux")]
    pub fn send_in_terminal(&self, batch: &TestBatch) -> std::os::fd::OwnedFd {
        self.run_in_terminal(&batch.command("send", &["--yes"]))
    }

    /// The same with a command.
    #[cfg(target_os = "linux")]
    pub fn run_in_terminal(&self, wanted: &Command) -> std::os::fd::OwnedFd {
        let folder = std::env::current_dir().unwrap();
        self.run_in_terminal_of(wanted, &folder, (24, 80))
    }

    /// The same in a folder, on a terminal of so many rows and columns.
    #[cfg(target_os = "linux")]
    pub fn run_in_terminal_of(
        &self,
        wanted: &Command,
        folder: &std::path::Path,
        (rows, columns): (u16, u16),
    ) -> std::os::fd::OwnedFd {
        use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
        use rustix::termios::{Winsize, tcsetwinsize};
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let terminal = openpt(flags).unwrap();
        grantpt(&terminal).unwrap();
        unlockpt(&terminal).unwrap();
        let size = Winsize {
            ws_row: rows,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&terminal, size).unwrap();
        let name = ptsname(&terminal, Vec::new()).unwrap();
        let side = || {
            let mut options = std::fs::File::options();
            let file = options.read(true).write(true);
            file.open(name.to_str().unwrap()).unwrap()
        };
        let mut command = Command::new("/usr/bin/setsid");
        command.arg("--ctty").arg(wanted.get_program());
        command.args(wanted.get_args()).current_dir(folder);
        for (name, value) in wanted.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let mut run = lock(&self.run);
        let child = command.stdin(side()).stdout(side()).stderr(side()).spawn();
        run.child = Some(child.unwrap());
        terminal
    }

    /// Waits until the signals sent to it have reached it.
    pub fn wait_until_it_heard(&self) {
        let pid = lock(&self.run).child.as_ref().unwrap().id();
        wait::until("the signals", || {
            let status = std::fs::read_to_string(format!("/proc/{pid}/status"));
            let status = status.unwrap_or_default();
            let mut pending = status
                .lines()
                .filter_map(|line| line.strip_prefix("ShdPnd:"));
            pending.all(|set| set.trim().bytes().all(|digit| digit == b'0'))
        });
    }

    /// Kills it so that it can do nothing more; it is gone when this returns.
    pub fn kill(&self) {
        let mut run = lock(&self.run);
        let child = run.child.as_mut().unwrap();
        child.kill().unwrap();
        // It must not have ended by itself before.
        // On Windows whoever ends another program says with which code: the library says 1.
        let code = child.wait().unwrap().code();
        run.killed = code.is_none() || (cfg!(windows) && code == Some(1));
    }

    /// Sends it a signal that it can act on, such as `INT`.
    pub fn signal(&self, name: &str) {
        let pid = lock(&self.run).child.as_ref().unwrap().id();
        // The shell has the command built in.
        let kill = format!("kill -{name} {pid}");
        let sent = Command::new("sh").args(["-c", &kill]).status().unwrap();
        assert!(sent.success());
    }

    /// The same, if it has not ended meanwhile.
    pub fn signal_if_there(&self, name: &str) {
        let mut run = lock(&self.run);
        let child = run.child.as_mut().unwrap();
        // Whoever waits for its end needs the lock, so its number is still its own.
        if child.try_wait().unwrap().is_none() {
            let kill = format!("kill -{name} {}", child.id());
            let _ = Command::new("sh").args(["-c", &kill]).status().unwrap();
        }
    }

    /// Waits until a `STOP` has reached all its threads.
    pub fn wait_until_it_stands_still(&self) {
        let pid = lock(&self.run).child.as_ref().unwrap().id();
        wait::until("the standstill", || {
            let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
            tasks.flatten().all(|task| {
                // The state stands behind the name, which is in brackets.
                let Ok(stat) = std::fs::read_to_string(task.path().join("stat")) else {
                    return true;
                };
                let state = stat.rsplit(") ").next().unwrap_or_default();
                state.starts_with(['T', 'Z', 'X'])
            })
        });
    }

    /// Waits until it has said this on stderr.
    pub fn wait_until_it_says(&self, words: &str) {
        wait::until(words, || lock(&self.said).contains(words));
    }

    /// Waits until someone has killed it.
    #[track_caller]
    pub fn wait_until_killed(&self) {
        wait::until("the kill", || {
            let mut run = lock(&self.run);
            if run.killed {
                return true;
            }
            let ended = run.child.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none(), "not killed: {ended:?}\n{}", self.said());
            false
        });
    }

    /// Waits until it has ended by itself.
    pub fn wait(&self) -> ExitStatus {
        let mut status = None;
        wait::until("the end of the run", || {
            status = self.ended();
            status.is_some()
        });
        status.unwrap()
    }

    /// How it ended, when it has and all that it said was read.
    pub fn ended(&self) -> Option<ExitStatus> {
        let mut run = lock(&self.run);
        let ended = run.child.as_mut().unwrap().try_wait().unwrap();
        let is_read = run.reader.as_ref().is_none_or(JoinHandle::is_finished);
        ended.filter(|_| is_read)
    }

    pub fn said(&self) -> String {
        lock(&self.said).clone()
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
