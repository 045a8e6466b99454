//! A terminal of a chosen width with one program in it: what it wrote, and what is left on the screen.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::{lock, wait};

/// More lines than any test writes, so that nothing scrolls away.
const ROWS: u16 = 60;

/// The terminal. The program in it is ended with it.
pub struct Terminal {
    master: File,
    child: Child,
    seen: Arc<Mutex<Seen>>,
    reader: Option<JoinHandle<()>>,
}

struct Seen {
    screen: vt100::Parser,
    bytes: Vec<u8>,
}

impl Terminal {
    /// Runs a command as the only program of a terminal with so many columns.
    pub fn run(wanted: &Command, columns: u16) -> Self {
        let master =
            openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let size = Winsize {
            ws_row: ROWS,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&master, size).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let side = || {
            let mut options = File::options();
            let file = options.read(true).write(true);
            file.open(name.to_str().unwrap()).unwrap()
        };
        let mut command = Command::new("setsid");
        command
            .arg("--ctty")
            .arg("--wait")
            .arg(wanted.get_program());
        command.args(wanted.get_args());
        for (name, value) in wanted.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.env("TERM", "xterm-256color");
        if let Some(folder) = wanted.get_current_dir() {
            command.current_dir(folder);
        }
        let child = command.stdin(side()).stdout(side()).stderr(side()).spawn();
        let master = File::from(master);
        let seen = Arc::new(Mutex::new(Seen {
            screen: vt100::Parser::new(ROWS, columns, 0),
            bytes: Vec::new(),
        }));
        let (mut source, kept) = (master.try_clone().unwrap(), Arc::clone(&seen));
        let reader = thread::spawn(move || {
            let mut block = [0; 4096];
            // The last program that leaves a terminal makes its reading an error.
            while let Ok(read @ 1..) = source.read(&mut block) {
                let mut seen = lock(&kept);
                seen.screen.process(&block[..read]);
                seen.bytes.extend_from_slice(&block[..read]);
            }
        });
        Self {
            master,
            child: child.unwrap(),
            seen,
            reader: Some(reader),
        }
    }

    /// Types.
    pub fn types(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).unwrap();
    }

    /// What is on the screen, without the blanks at the ends of lines and the empty lines below.
    pub fn screen(&self) -> String {
        let seen = lock(&self.seen);
        let contents = seen.screen.screen().contents();
        let lines: Vec<&str> = contents.lines().map(str::trim_end).collect();
        lines.join("\n").trim_end().to_owned()
    }

    /// Waits until this is on the screen.
    pub fn wait_until_it_shows(&self, text: &str) {
        wait::until(text, || self.screen().contains(text));
    }

    /// Waits until the program has ended; everything that it wrote is then known.
    pub fn wait(&mut self) {
        wait::until("the end of the program", || {
            self.child.try_wait().unwrap().is_some()
        });
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
    }

    /// Each line that was drawn, those too that another one was drawn over.
    pub fn drawn(&self) -> Vec<String> {
        let seen = lock(&self.seen);
        let text = String::from_utf8_lossy(&seen.bytes).into_owned();
        let mut lines = vec![String::new()];
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            match character {
                '\r' | '\n' => lines.push(String::new()),
                // A sequence ends with a letter: ESC [ 2 K.
                '\u{1b}' => {
                    characters.find(char::is_ascii_alphabetic);
                }
                other => lines.last_mut().unwrap().push(other),
            }
        }
        lines.retain(|line| !line.trim().is_empty());
        lines
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
