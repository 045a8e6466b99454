//! The only printer: results to stdout, the rest to stderr.

use std::borrow::Cow;
use std::io::{self, BufWriter, IsTerminal, Stderr, Stdout, Write};
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use console::Term;
use indicatif::{ProgressBar, ProgressStyle};

use super::bar::Line;
use super::exit::Exit;
use super::words;
use crate::dispatch::Interrupt;
use crate::finding::{Finding, escape};

/// How much is said.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Output {
    /// One JSON object on stdout.
    pub json: bool,
    /// Only what goes wrong.
    pub quiet: bool,
    /// Whole addresses and every letter.
    pub verbose: bool,
}

/// Writes for people, or JSON for programs.
pub(super) struct Console {
    /// How much is said.
    pub output: Output,
    /// The batch as commands name it; none where it is that of the current folder.
    batch: Option<String>,
    bar: Mutex<Option<ProgressBar>>,
    foot: Mutex<Option<Foot>>,
    json: Mutex<BufWriter<Stdout>>,
}

impl Console {
    pub(super) fn new(output: Output, batch: Option<&Path>) -> Self {
        Self {
            output,
            batch: batch
                .filter(|batch| !is_of_current_folder(batch))
                .map(words::argument),
            bar: Mutex::new(None),
            foot: Mutex::new(None),
            json: Mutex::new(BufWriter::new(stdout())),
        }
    }

    /// A result, for people.
    pub(super) fn result(&self, text: &str) {
        if !self.output.json && !self.output.quiet {
            self.above_bar(|| self.write(&mut stdout().lock(), text));
        }
    }

    /// A piece of a JSON object.
    pub(super) fn json(&self, piece: &str) {
        // Whoever reads may close the pipe early; that is no error of ours.
        let _ = self.lock_json().write_all(tame(piece).as_bytes());
    }

    /// Writes out what is left of a JSON object.
    pub(super) fn end_json(&self) {
        let _ = self.lock_json().flush();
    }

    /// A file's contents as they are. On a terminal, what it would act on is escaped.
    pub(super) fn raw(&self, contents: &[u8]) {
        if stdout().is_terminal() {
            write_line(&mut stdout().lock(), &String::from_utf8_lossy(contents));
            return;
        }
        let mut stdout = self.lock_json();
        let _ = stdout.write_all(contents).and_then(|()| stdout.flush());
    }

    fn lock_json(&self) -> MutexGuard<'_, BufWriter<Stdout>> {
        self.json.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something worth knowing, beside the result.
    pub(super) fn note(&self, text: &str) {
        if !self.output.quiet {
            self.above_bar(|| self.write(&mut stderr().lock(), text));
        }
    }

    /// What the checks found; only faults break a silence that was asked for.
    pub(super) fn finding(&self, finding: &Finding) {
        if finding.is_fault() || !self.output.quiet {
            self.above_bar(|| self.write(&mut stderr().lock(), &words::fault(finding)));
        }
    }

    /// Something that went wrong.
    pub(super) fn error(&self, text: &str) {
        self.above_bar(|| self.write(&mut stderr().lock(), &format!("postroom: {text}")));
    }

    /// Writes what the program itself says. What is copied from it has to mean the same batch.
    fn write(&self, to: &mut dyn Write, text: &str) {
        match &self.batch {
            Some(batch) => write_line(to, &words::naming_batch(text, batch)),
            None => write_line(to, text),
        }
    }

    /// Whether a person can be asked and shown a bar.
    pub(super) fn is_terminal() -> bool {
        Self::terminals() == [true; 2]
    }

    /// Whether standard input and standard error are a terminal that is still there.
    pub(super) fn terminals() -> [bool; 2] {
        [io::stdin().is_terminal(), stderr().is_terminal()]
    }

    /// Whether standard output is a terminal, which shows text alone.
    pub(super) fn shows_output() -> bool {
        stdout().is_terminal()
    }

    /// Whether a bar may be drawn.
    pub(super) fn shows_bar(&self) -> bool {
        stderr().is_terminal() && !self.output.quiet && !self.output.json
    }

    /// Draws a line at the foot of the terminal, for its width as it is now. It stays below everything that is
    /// written until [`Self::clear_foot`].
    pub(super) fn draw_foot(&self, line: &Line) {
        let mut slot = self.foot.lock().unwrap_or_else(PoisonError::into_inner);
        let foot = slot.get_or_insert_with(|| Foot {
            terminal: Term::buffered_stderr(),
            text: String::new(),
        });
        let (_, columns) = foot.terminal.size();
        foot.text = line.fit(columns.into());
        foot.draw();
    }

    /// Takes the line away.
    pub(super) fn clear_foot(&self) {
        let mut slot = self.foot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(foot) = slot.take() {
            foot.clear();
        }
    }

    /// Shows a bar below everything that is written, until another one or none replaces it.
    pub(super) fn set_bar(&self, bar: Option<ProgressBar>) {
        let mut slot = self.bar.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(old) = slot.take() {
            old.finish_and_clear();
        }
        *slot = bar;
    }

    /// Calls a person back to the terminal.
    pub(super) fn bell(&self) {
        if stderr().is_terminal() && !self.output.quiet {
            let mut stderr = stderr().lock();
            let _ = stderr.write_all(b"\x07").and_then(|()| stderr.flush());
        }
    }

    /// Asks a question that is answered with a line; none, and the end of the input, is an empty one.
    pub(super) fn ask(question: &str) -> String {
        let mut stderr = stderr().lock();
        let asked = write!(stderr, "{question}").and_then(|()| stderr.flush());
        let mut answer = String::new();
        if asked.is_err() || io::stdin().read_line(&mut answer).is_err() {
            return String::new();
        }
        answer.trim().to_owned()
    }

    /// Asks a question that is answered with the word `yes`. Ctrl-C is a no, and one letter is none yet.
    pub(super) fn confirm(question: &str, interrupt: &Interrupt) -> bool {
        const BETWEEN_LOOKS: Duration = Duration::from_millis(50);
        let mut stderr = stderr().lock();
        let asked = write!(stderr, "{question} Type yes to go on: ").and_then(|()| stderr.flush());
        if asked.is_err() {
            return false;
        }
        let (answers_tx, answers_rx) = channel();
        // Whoever reads a line cannot be called away, so another thread does; it ends with the process.
        let read = || {
            let answers_tx = answers_tx.clone();
            thread::spawn(move || {
                let mut answer = String::new();
                let _ = io::stdin().read_line(&mut answer);
                let _ = answers_tx.send(answer.trim().to_ascii_lowercase());
            });
        };
        read();
        loop {
            match answers_rx.recv_timeout(BETWEEN_LOOKS) {
                Ok(answer) if answer == "y" => {
                    let asked = write!(stderr, "Type the whole word yes to go on: ");
                    if asked.and_then(|()| stderr.flush()).is_err() {
                        return false;
                    }
                    read();
                }
                Ok(answer) => return answer == "yes",
                Err(RecvTimeoutError::Timeout) if !interrupt.is_asked() => {}
                Err(_) => {
                    // The terminal has written ^C behind the question.
                    let _ = writeln!(stderr);
                    return false;
                }
            }
        }
    }

    /// Ends the process at once, as a second Ctrl-C asks.
    #[expect(
        clippy::disallowed_methods,
        reason = "nothing else can end it while `main` waits"
    )]
    pub(super) fn leave(exit: Exit) -> ! {
        const ENDED: &str = "\npostroom: ended at once; if letters were on their way, they are in doubt\n  next: the same command goes on; `postroom status` shows what is in doubt";
        const PATIENCE: Duration = Duration::from_millis(200);
        // Whoever writes to a pipe that nobody reads holds it for good.
        let (written_tx, written_rx) = channel();
        thread::spawn(move || {
            let _ = writeln!(stderr(), "{ENDED}");
            let _ = written_tx.send(());
        });
        let _ = written_rx.recv_timeout(PATIENCE);
        std::process::exit(exit.code().into())
    }

    fn above_bar(&self, write: impl FnOnce()) {
        let foot = self.foot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(foot) = &*foot {
            foot.clear();
            write();
            foot.draw();
            return;
        }
        let slot = self.bar.lock().unwrap_or_else(PoisonError::into_inner);
        match &*slot {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }
}

/// Whether commands mean this batch where they name none.
fn is_of_current_folder(batch: &Path) -> bool {
    [".", "batch.toml"].iter().any(|usual| {
        *batch == *Path::new(usual) || same_file::is_same_file(batch, usual).unwrap_or(false)
    })
}

/// The line at the foot of the terminal. indicatif would fill it with blanks up to the edge, and what the
/// terminal writes at Ctrl-C would begin a line of its own, so that this one could not be taken away.
struct Foot {
    terminal: Term,
    text: String,
}

impl Foot {
    fn draw(&self) {
        // Whoever closed the terminal misses nothing by it.
        let _ = self.terminal.clear_line();
        let _ = self.terminal.write_str(&self.text);
        let _ = self.terminal.flush();
    }

    fn clear(&self) {
        let _ = self.terminal.clear_line();
        let _ = self.terminal.flush();
    }
}

/// A bar's style; a template that indicatif does not take is its default.
pub(super) fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}

/// Standard output for answers to another process.
pub(super) fn raw_stdout() -> Stdout {
    stdout()
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that prints"
)]
fn stdout() -> Stdout {
    io::stdout()
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that prints"
)]
fn stderr() -> Stderr {
    io::stderr()
}

/// Writes text line by line; what a terminal would act on is escaped, whoever wrote it.
fn write_line(to: &mut dyn Write, text: &str) {
    let safe: String = text
        .chars()
        .flat_map(|c| {
            let keep = (c == '\n').then_some(c);
            keep.into_iter().chain(escape(c).filter(move |_| c != '\n'))
        })
        .collect();
    // A closed pipe or a full log disk must not stop the sending.
    let _ = writeln!(to, "{safe}");
}

/// A piece of JSON with escapes for what a terminal would act on or not show. All of it stands in
/// strings, and serde escapes only what JSON forbids there.
fn tame(piece: &str) -> Cow<'_, str> {
    let hidden = |c: char| c == '\u{7f}' || (!c.is_ascii() && escape(c).next() != Some(c));
    if !piece.contains(hidden) {
        return piece.into();
    }
    let mut safe = String::with_capacity(piece.len());
    for character in piece.chars() {
        if hidden(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                safe.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            safe.push(character);
        }
    }
    safe.into()
}
