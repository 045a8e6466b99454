//! The processes that read PDFs: this program run once more, with bounds on memory and time.
//!
//! A PDF may be made to take all memory, or no end of time, in ways that no check foresees. A process
//! that reads it can be ended, and takes nothing of this one with it. A few are kept ready, for
//! starting one takes longer than reading a report.
//!
//! A process opens the file that it reads by itself, and tells its digest with what it shows: whoever asks need not
//! read it too. What is sent later is read and compared with that digest.
//!
//! A request is one byte (what is asked for), eight bytes of length and the path, as JSON, of a file to be read. For one
//! to be locked it is the file itself, and before it stand four bytes of length and the password. An answer is four bytes
//! of length and JSON, or a zero byte and a locked PDF.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use super::super::attachment::{self, FileRead};
use super::encryption::LockError;
use super::{Contents, LARGEST, Why, encryption, engine};
use crate::secret::Secret;
use crate::{memory, regular};

/// How long a file may take. One that is no attack takes a small part of it.
const PATIENCE: Duration = Duration::from_secs(12);
/// When a process that does not end by itself is ended, once its file is there.
const LAST_PATIENCE: Duration = Duration::from_secs(14);
/// A file that comes more slowly, from a drive of the network, is not waited for, in bytes a second.
const SLOWEST: u64 = 100_000;
/// How often a process looks whether it takes too much.
const OFTEN: Duration = Duration::from_millis(20);
/// What a process may take of memory, in bytes.
const MOST_MEMORY: u64 = 224 << 20;
/// The library goes through nested things by calling itself.
const STACK: usize = 16 << 20;
/// A longer answer is none of ours.
const LONGEST_ANSWER: usize = 256 << 20;

/// What a locked PDF stands behind, in an answer: JSON begins with no such byte.
const LOCKED: u8 = 0;

/// The program that reads, and the argument by which it does.
static PROGRAM: OnceLock<(PathBuf, &'static str)> = OnceLock::new();

/// Has PDFs read by processes of this program, run with one argument, by which it calls
/// [`serve_pdfs`]. Without it they are read in this process, without bounds.
pub(crate) fn read_pdfs_with(program: PathBuf, argument: &'static str) {
    // Whoever came first has set the same.
    let _ = PROGRAM.set((program, argument));
}

/// The processes of a batch that wait for a PDF.
#[derive(Debug, Default)]
pub(in crate::letter) struct PdfReaders {
    idle: Mutex<Vec<Process>>,
}

impl PdfReaders {
    /// Reads the PDF at a path; without `wants_text` only its pages are counted.
    ///
    /// # Errors
    /// Why it was not read to its end.
    pub(crate) fn read(&self, path: &Path, wants_text: bool) -> Result<(FileRead, Contents), Why> {
        let size = path.metadata().map_err(|_| Why::NoReader)?.len();
        if size > LARGEST {
            return Err(Why::TooMuch);
        }
        if PROGRAM.get().is_none() {
            let (read, bytes) = load(path).map_err(|_| Why::NoReader)?;
            return Ok((read, engine::read(bytes, wants_text)));
        }
        let asked = if wants_text {
            PdfTask::Text
        } else {
            PdfTask::Pages
        };
        let patience = LAST_PATIENCE + Duration::from_secs(size / SLOWEST);
        let path = serde_json::to_vec(path.as_os_str()).map_err(|_| Why::NoReader)?;
        let answer = self.answer(&path, &asked, patience)?;
        serde_json::from_slice(&answer).unwrap_or(Err(Why::TooMuch))
    }

    /// Locks a PDF with a password.
    pub(crate) fn locked(&self, bytes: &[u8], password: &Secret) -> Result<Vec<u8>, LockError> {
        if PROGRAM.get().is_none() {
            return encryption::locked(bytes.to_vec(), password);
        }
        let asked = PdfTask::Lock(password.clone());
        let answer = self.answer(bytes, &asked, LAST_PATIENCE);
        let mut answer = answer.map_err(|_| LockError::Unread)?;
        match answer.first() {
            Some(&LOCKED) => {
                answer.remove(0);
                Ok(answer)
            }
            _ => Err(serde_json::from_slice(&answer).unwrap_or(LockError::Unread)),
        }
    }

    /// What a process answers, whether it waited or is started for this.
    fn answer(&self, body: &[u8], asked: &PdfTask, patience: Duration) -> Result<Vec<u8>, Why> {
        let waiting = self.lock().pop();
        if let Some(process) = waiting {
            match self.ask(process, body, asked, patience) {
                // It may have been ended by somebody else while it waited.
                Err(NoAnswer::Ended) => {}
                Ok(answer) => return Ok(answer),
                Err(NoAnswer::TooLong) => return Err(Why::TooMuch),
            }
        }
        let (program, argument) = PROGRAM.get().ok_or(Why::NoReader)?;
        let process = Process::start(program, argument).map_err(|_| Why::NoReader)?;
        self.ask(process, body, asked, patience)
            .map_err(|_| Why::TooMuch)
    }

    fn ask(
        &self,
        mut process: Process,
        body: &[u8],
        asked: &PdfTask,
        patience: Duration,
    ) -> Result<Vec<u8>, NoAnswer> {
        let answer = process.ask(body, asked, patience)?;
        self.lock().push(process);
        Ok(answer)
    }

    /// Ends the processes that wait.
    pub(crate) fn end(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Process>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is asked of a process.
enum PdfTask {
    /// How many pages there are.
    Pages,
    /// What they show, too.
    Text,
    /// The PDF, locked with this password.
    Lock(Secret),
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NoAnswer {
    /// The process ended: it took too much, or somebody ended it.
    Ended,
    /// It did not answer in time.
    TooLong,
}

/// A process that reads one PDF after the other.
#[derive(Debug)]
struct Process {
    child: Child,
    requests: Option<ChildStdin>,
    answers_rx: Receiver<Vec<u8>>,
}

impl Process {
    fn start(program: &PathBuf, argument: &str) -> io::Result<Self> {
        let mut command = Command::new(program);
        command
            .arg(argument)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        apart(&mut command);
        let mut child = command.spawn()?;
        let (Some(requests), Some(mut answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        let (answers_tx, answers_rx) = channel();
        thread::Builder::new()
            .name("pdf answers".to_owned())
            .spawn(move || {
                while let Ok(answer) = read_answer(&mut answers) {
                    if answers_tx.send(answer).is_err() {
                        return;
                    }
                }
            })?;
        Ok(Self {
            child,
            requests: Some(requests),
            answers_rx,
        })
    }

    fn ask(
        &mut self,
        body: &[u8],
        asked: &PdfTask,
        patience: Duration,
    ) -> Result<Vec<u8>, NoAnswer> {
        let requests = self.requests.as_mut().ok_or(NoAnswer::Ended)?;
        write_request(requests, body, asked).map_err(|_| NoAnswer::Ended)?;
        let answer = self.answers_rx.recv_timeout(patience);
        answer.map_err(|error| match error {
            RecvTimeoutError::Timeout => NoAnswer::TooLong,
            RecvTimeoutError::Disconnected => NoAnswer::Ended,
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Without requests it ends by itself; one that does not, and one that is at work still, is ended.
        self.requests = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Ctrl-C at the terminal is for this program, which then ends in order: the processes that read for
/// it are not to be gone before. They get nothing of its environment either, where secrets may be.
#[cfg(unix)]
fn apart(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    command.process_group(0).env_clear();
}

#[cfg(windows)]
fn apart(command: &mut Command) {
    use std::os::windows::process::CommandExt;
    const CREATE_NEW_PROCESS_GROUP: u32 = 0x200;
    const CREATE_NO_WINDOW: u32 = 0x0800_0000;
    command.creation_flags(CREATE_NEW_PROCESS_GROUP | CREATE_NO_WINDOW);
    command.env_clear();
    // Without it a program of Windows does not find what belongs to the system.
    if let Some(root) = std::env::var_os("SystemRoot") {
        command.env("SystemRoot", root);
    }
}

#[cfg(not(any(unix, windows)))]
fn apart(_: &mut Command) {}

/// Reads a file whole, where it is not too large by now.
fn load(path: &Path) -> io::Result<(FileRead, Vec<u8>)> {
    let mut file = regular::open(path)?.take(LARGEST + 1);
    let (read, bytes) = attachment::read(&mut file)?;
    if bytes.len() as u64 > LARGEST {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok((read, bytes))
}

fn write_request(to: &mut impl Write, body: &[u8], asked: &PdfTask) -> io::Result<()> {
    let kind = match asked {
        PdfTask::Pages => 0,
        PdfTask::Text => 1,
        PdfTask::Lock(_) => 2,
    };
    let mut head = vec![kind];
    head.extend((body.len() as u64).to_be_bytes());
    if let PdfTask::Lock(password) = asked {
        let password = password.expose().as_bytes();
        let length = u32::try_from(password.len()).map_err(io::Error::other)?;
        head.extend(length.to_be_bytes());
        head.extend(password);
    }
    to.write_all(&head)?;
    to.write_all(body)?;
    to.flush()
}

fn read_request(from: &mut impl Read) -> io::Result<(Vec<u8>, PdfTask)> {
    let (mut kind, mut length) = ([0; 1], [0; 8]);
    from.read_exact(&mut kind)?;
    from.read_exact(&mut length)?;
    let asked = match kind {
        [0] => PdfTask::Pages,
        [1] => PdfTask::Text,
        _ => {
            let mut length = [0; 4];
            from.read_exact(&mut length)?;
            let mut password = vec![0; u32::from_be_bytes(length) as usize];
            from.read_exact(&mut password)?;
            let password = String::from_utf8(password).map_err(io::Error::other)?;
            PdfTask::Lock(Secret::new(password))
        }
    };
    let length = usize::try_from(u64::from_be_bytes(length)).map_err(io::Error::other)?;
    let mut body = Vec::with_capacity(length);
    if from.take(length as u64).read_to_end(&mut body)? < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok((body, asked))
}

/// A PDF at hand, and what is to be done with it.
enum PdfJob {
    Read(io::Result<(FileRead, Vec<u8>)>, bool),
    Lock(Vec<u8>, Secret),
}

impl PdfJob {
    /// Opens the file that a request names, for as long as that takes.
    fn of(body: Vec<u8>, asked: PdfTask) -> Self {
        let load = || load(Path::new(&serde_json::from_slice::<OsString>(&body)?));
        match asked {
            PdfTask::Pages => Self::Read(load(), false),
            PdfTask::Text => Self::Read(load(), true),
            PdfTask::Lock(password) => Self::Lock(body, password),
        }
    }

    /// Does what is asked, and gives the answer in two parts.
    fn answer(self) -> io::Result<(&'static [u8], Vec<u8>)> {
        Ok(match self {
            Self::Read(file, wants_text) => {
                let read = file.map(|(read, bytes)| (read, engine::read(bytes, wants_text)));
                (&[], serde_json::to_vec(&read.map_err(|_| Why::NoReader))?)
            }
            Self::Lock(bytes, password) => match encryption::locked(bytes, &password) {
                Ok(locked) => (&[LOCKED], locked),
                Err(why) => (&[], serde_json::to_vec(&why)?),
            },
        })
    }
}

fn write_answer(to: &mut impl Write, (first, rest): (&[u8], &[u8])) -> io::Result<()> {
    let length = u32::try_from(first.len() + rest.len()).map_err(io::Error::other)?;
    to.write_all(&length.to_be_bytes())?;
    to.write_all(first)?;
    to.write_all(rest)?;
    to.flush()
}

fn read_answer(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length) as usize;
    if length > LONGEST_ANSWER {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut answer = vec![0; length];
    from.read_exact(&mut answer)?;
    Ok(answer)
}

/// Reads PDFs from `requests` and writes what they show to `answers`, until there are no more requests
/// or one takes too much memory or time. The process then ends, and with it whatever still reads.
pub(crate) fn serve_pdfs(
    mut requests: impl Read + Send + 'static,
    mut answers: impl Write + Send + 'static,
) {
    bound_memory();
    // How often a PDF was begun and done with: odd while one is read. Whoever watches looks now and then, and
    // need not be woken for each.
    let steps = Arc::new(AtomicUsize::new(0));
    let (watching, steps_taken) = (thread::current(), Arc::clone(&steps));
    let reader = thread::Builder::new().stack_size(STACK).spawn(move || {
        while let Ok((body, asked)) = read_request(&mut requests) {
            let job = PdfJob::of(body, asked);
            steps_taken.fetch_add(1, Ordering::Relaxed);
            let is_sent = job
                .answer()
                .and_then(|(first, rest)| write_answer(&mut answers, (first, &rest)))
                .is_ok();
            steps_taken.fetch_add(1, Ordering::Relaxed);
            if !is_sent {
                break;
            }
        }
        watching.unpark();
    });
    let Ok(reader) = reader else {
        return;
    };
    let (mut last, mut waited) = (0, Duration::ZERO);
    while !reader.is_finished() {
        thread::park_timeout(OFTEN);
        let step = steps.load(Ordering::Relaxed);
        let is_reading = step % 2 == 1;
        waited = if is_reading && step == last {
            waited + OFTEN
        } else {
            Duration::ZERO
        };
        last = step;
        let takes_too_much = || memory::resident().is_some_and(|taken| taken > MOST_MEMORY);
        if is_reading && (waited > PATIENCE || takes_too_much()) {
            return;
        }
    }
}

/// Bounds what this process may take of memory, where the system can: then an allocation fails before
/// anybody sees that there is too little. Nothing is left behind when it ends so.
#[cfg(unix)]
fn bound_memory() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let most = |bytes| Rlimit {
        current: Some(bytes),
        maximum: Some(bytes),
    };
    // Where a limit cannot be set the watch over this process still holds.
    let _ = setrlimit(Resource::Data, most(MOST_MEMORY));
    let _ = setrlimit(Resource::Core, most(0));
}

#[cfg(not(unix))]
fn bound_memory() {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_answers_come_over_whole() {
        for asked in [PdfTask::Text, PdfTask::Lock(Secret::new("größe 7".into()))] {
            let mut pipe = Vec::new();
            write_request(&mut pipe, b"%PDF-1.7", &asked).unwrap();
            let (bytes, came) = read_request(&mut pipe.as_slice()).unwrap();
            assert_eq!(bytes, b"%PDF-1.7");
            match (&asked, &came) {
                (PdfTask::Text, PdfTask::Text) => {}
                (PdfTask::Lock(sent), PdfTask::Lock(came)) => {
                    assert_eq!(sent.expose(), came.expose());
                }
                _ => panic!("something else came over"),
            }
        }
        let mut pipe = Vec::new();
        write_answer(&mut pipe, (&[LOCKED], b"%PDF-2.0")).unwrap();
        let answer = read_answer(&mut pipe.as_slice()).unwrap();
        assert_eq!(answer, b"\0%PDF-2.0");
    }

    #[test]
    fn a_file_is_read_where_it_lies_with_its_digest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("größe.pdf");
        std::fs::write(&path, "%PDF-1.7\n").unwrap();
        let body = serde_json::to_vec(path.as_os_str()).unwrap();
        let answer = |body: &[u8]| {
            let (first, rest) = PdfJob::of(body.to_vec(), PdfTask::Text).answer().unwrap();
            assert_eq!(first, b"");
            serde_json::from_slice::<Result<(FileRead, Contents), Why>>(&rest).unwrap()
        };
        let (read, contents) = answer(&body).unwrap();
        let mut file = regular::open(&path).unwrap();
        assert_eq!(read, attachment::digest(&mut file).unwrap());
        assert_eq!(contents, Contents::none(Why::Damaged));
        // As large as it was allowed to be when it was asked for, and larger by now.
        std::fs::File::create(&path)
            .unwrap()
            .set_len(LARGEST + 1)
            .unwrap();
        assert_eq!(answer(&body), Err(Why::NoReader));
        assert_eq!(PdfReaders::default().read(&path, true), Err(Why::TooMuch));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(answer(&body), Err(Why::NoReader));
        assert_eq!(PdfReaders::default().read(&path, true), Err(Why::NoReader));
    }

    #[test]
    fn what_cannot_be_locked_says_why() {
        let asked = PdfTask::Lock(Secret::new("correct horse".into()));
        let job = PdfJob::of(b"%PDF-1.7\n".to_vec(), asked);
        let (first, rest) = job.answer().unwrap();
        let why: LockError = serde_json::from_slice(&rest).unwrap();
        assert_eq!((first, why), (&[][..], LockError::Unread));
    }
}
