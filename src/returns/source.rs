//! Mail in files: single messages, folders of them, Maildir and mbox. All of it is only read.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::{MAX_HEAD, MAX_MAIL};
use crate::digest::Sha256Digest;
use crate::finding::NextStep;
use crate::regular;

/// A mail that was found.
#[derive(Clone, Debug)]
pub(crate) struct FoundMail {
    /// Where: the file, with the number of the message in an mbox, or the name that a mailbox gives.
    pub place: String,
    /// The digest of all its bytes.
    pub sha256: Sha256Digest,
    /// Its beginning, as much of it as is looked at; or why it cannot be read.
    pub head: Result<Vec<u8>, String>,
}

/// Why mail cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SourceError {
    /// The place cannot be read.
    #[error("cannot read {}: {detail}", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        detail: String,
    },
}

impl NextStep for SourceError {
    fn next_step(&self) -> Cow<'_, str> {
        match self {
            Self::Unreadable { .. } => {
                "name an .eml file, a folder of them, a Maildir or an mbox file with --from".into()
            }
        }
    }
}

/// The mail files below a place, in the order of their names.
#[derive(Debug)]
pub(crate) struct MailFiles {
    files: Vec<PathBuf>,
}

/// How deep folders are looked through.
const DEEPEST: usize = 20;

impl MailFiles {
    /// Looks for them. Links are not followed, so that a loop of them has no end to find.
    ///
    /// # Errors
    /// When the place cannot be read.
    pub(crate) fn below(path: &Path) -> Result<Self, SourceError> {
        let unreadable = |error: &io::Error| SourceError::Unreadable {
            path: path.to_owned(),
            detail: error.to_string(),
        };
        let metadata = path.metadata().map_err(|error| unreadable(&error))?;
        let mut files = Vec::new();
        if metadata.is_dir() {
            gather(path, DEEPEST, &mut files).map_err(|error| unreadable(&error))?;
            files.sort();
        } else {
            files.push(path.to_owned());
        }
        Ok(Self { files })
    }

    /// Hands over every mail, and goes on while it is asked to.
    ///
    /// # Errors
    /// What `take` fails with.
    pub(crate) fn each<E>(
        &self,
        take: &mut dyn FnMut(FoundMail) -> Result<(), E>,
    ) -> Result<(), E> {
        for file in &self.files {
            read_file(file, take)?;
        }
        Ok(())
    }
}

fn gather(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in folder.read_dir()? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if kind.is_dir() {
            // `tmp` of a Maildir holds what is not whole yet.
            let is_unfinished = name == "tmp" && folder.join("cur").is_dir();
            if depth > 0 && !is_unfinished {
                // A folder inside that is closed to us is no reason to leave the rest.
                let _ = gather(&entry.path(), depth - 1, files);
            }
        } else if kind.is_file() && !name.starts_with('.') && !is_index(&name) {
            files.push(entry.path());
        }
    }
    Ok(())
}

/// Whether a file is one that mail programs keep beside mail.
fn is_index(name: &str) -> bool {
    let extension = Path::new(name).extension().unwrap_or_default();
    name.starts_with("dovecot")
        || name == "maildirfolder"
        || extension == "msf"
        || extension == "db"
}

fn read_file<E>(path: &Path, take: &mut dyn FnMut(FoundMail) -> Result<(), E>) -> Result<(), E> {
    let place = path.display().to_string();
    let failed = |error: &io::Error| FoundMail {
        place: place.clone(),
        sha256: [0; 32],
        head: Err(error.to_string()),
    };
    let mut file = match regular::open(path) {
        Ok(file) => BufReader::with_capacity(64 * 1024, file),
        Err(error) => return take(failed(&error)),
    };
    let is_mbox = match file.fill_buf() {
        Ok(beginning) => beginning.starts_with(b"From "),
        Err(error) => return take(failed(&error)),
    };
    if is_mbox {
        return read_mbox(&place, file, take);
    }
    let mut gathering = Gathering::new();
    match file_into(&mut file, &mut gathering) {
        Ok(()) => take(gathering.finish(place)),
        Err(error) => take(failed(&error)),
    }
}

fn file_into(file: &mut BufReader<File>, gathering: &mut Gathering) -> io::Result<()> {
    let mut piece = vec![0; 64 * 1024];
    loop {
        let read = file.read(&mut piece)?;
        let Some(read) = piece.get(..read).filter(|read| !read.is_empty()) else {
            return Ok(());
        };
        gathering.add(read);
        if gathering.bytes > MAX_MAIL {
            return Ok(());
        }
    }
}

/// Each message begins with a line `From `, which writers escape within messages (RFC 4155).
fn read_mbox<E>(
    place: &str,
    mut file: BufReader<File>,
    take: &mut dyn FnMut(FoundMail) -> Result<(), E>,
) -> Result<(), E> {
    let mut number = 0_u64;
    let mut gathering: Option<Gathering> = None;
    let mut line = Vec::new();
    let mut after_blank = true;
    let mut begins_line = true;
    loop {
        line.clear();
        // A line without an end must not be taken into memory whole.
        let read = (&mut file).take(64 * 1024).read_until(b'\n', &mut line);
        match read {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) => {
                return take(FoundMail {
                    place: format!("{place}, message {}", number + 1),
                    sha256: [0; 32],
                    head: Err(error.to_string()),
                });
            }
        }
        if begins_line && after_blank && line.starts_with(b"From ") {
            if let Some(whole) = gathering.replace(Gathering::new()) {
                take(whole.finish(format!("{place}, message {number}")))?;
            }
            number += 1;
        } else if let Some(gathering) = &mut gathering {
            let escaped = begins_line
                && line.first() == Some(&b'>')
                && line.trim_ascii_start_of(b'>').starts_with(b"From ");
            gathering.add(if escaped { &line[1..] } else { &line });
        }
        after_blank = begins_line && matches!(line.as_slice(), b"\n" | b"\r\n");
        begins_line = line.ends_with(b"\n");
    }
    if let Some(whole) = gathering {
        take(whole.finish(format!("{place}, message {number}")))?;
    }
    Ok(())
}

trait TrimStart {
    fn trim_ascii_start_of(&self, byte: u8) -> &[u8];
}

impl TrimStart for Vec<u8> {
    fn trim_ascii_start_of(&self, byte: u8) -> &[u8] {
        let from = self.iter().position(|b| *b != byte).unwrap_or(self.len());
        &self[from..]
    }
}

/// A mail as it comes in: digest over all of it, and its beginning.
#[derive(Debug)]
struct Gathering {
    digest: Sha256,
    head: Vec<u8>,
    bytes: u64,
}

impl Gathering {
    fn new() -> Self {
        Self {
            digest: Sha256::new(),
            head: Vec::new(),
            bytes: 0,
        }
    }

    fn add(&mut self, piece: &[u8]) {
        self.bytes += piece.len() as u64;
        self.digest.update(piece);
        let room = MAX_HEAD - self.head.len();
        self.head.extend_from_slice(&piece[..room.min(piece.len())]);
    }

    fn finish(self, place: String) -> FoundMail {
        FoundMail {
            place,
            sha256: self.digest.finalize().into(),
            head: if self.bytes > MAX_MAIL {
                Err("it is larger than 64 MB".to_owned())
            } else {
                Ok(self.head)
            },
        }
    }
}

impl FoundMail {
    /// A mail that a mailbox gave, whole.
    #[must_use]
    pub(crate) fn of(place: String, bytes: &[u8]) -> Self {
        let mut gathering = Gathering::new();
        gathering.add(bytes);
        gathering.finish(place)
    }
}
