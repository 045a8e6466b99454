//! Attachments, and what must hold of any file that goes with a letter.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::own::{OwnFiles, refuse_contents, refuse_system};
use crate::digest::Sha256Digest;
use crate::finding::{Finding, quote};
use crate::regular::{self, Opened};

/// What files that are not there have in common.
pub(super) const MISSING: &str = "reports are missing";

/// What to do about one, where no other file may be meant.
pub(super) const PUT_THERE: &str =
    "put the file there, or take the recipient's rows out of the dispatch list";

/// A file beyond this size is not read: Exchange Online takes letters of 150 MB.
const LARGEST: u64 = 256 << 20;

/// What goes with a letter.
pub(super) const ATTACHMENT: &str = "attachment";
pub(super) const PICTURE: &str = "picture";

/// As much of a file's beginning is kept: the header of a state file has 100 bytes.
const STARTS: usize = 100;

/// A file that goes with a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// The file, from where the program runs.
    pub path: PathBuf,
    /// The name that recipients see.
    pub name: Arc<str>,
    /// Its media type, by its suffix.
    pub media_type: &'static str,
    /// Its size.
    pub bytes: u64,
    /// The digest of its contents.
    pub sha256: Sha256Digest,
    /// Whether the batch file says that everyone gets the same.
    pub shared: bool,
    /// Whether it is called a PDF, and begins like one.
    pub is_pdf: bool,
    /// What stands for its password in the plan, if it goes out locked; the digest is that of the file
    /// before.
    pub lock: Option<Sha256Digest>,
}

/// What reading a file found.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileRead {
    bytes: u64,
    sha256: Sha256Digest,
    /// As much of its beginning as is kept.
    start: Vec<u8>,
}

/// Where attachments may lie.
pub(super) struct Place<'a> {
    pub folder: &'a Path,
    /// The folder without links.
    pub real: &'a Path,
    pub allow_outside: bool,
    pub own: &'a OwnFiles,
}

/// Reads a file for its digest, in pieces.
pub(super) fn digest(file: &mut File) -> io::Result<FileRead> {
    let mut hasher = Sha256::new();
    let mut piece = vec![0; 256 << 10];
    let mut read = FileRead::default();
    loop {
        match file.read(&mut piece) {
            Ok(0) => break,
            Ok(length) => {
                read.note_start(&piece[..length]);
                read.bytes += length as u64;
                hasher.update(&piece[..length]);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    read.sha256 = hasher.finalize().into();
    Ok(read)
}

/// Reads a file whole.
pub(super) fn read(file: &mut impl Read) -> io::Result<(FileRead, Vec<u8>)> {
    let mut contents = Vec::new();
    file.read_to_end(&mut contents)?;
    let mut read = FileRead {
        bytes: contents.len() as u64,
        sha256: Sha256::digest(&contents).into(),
        start: Vec::new(),
    };
    read.note_start(&contents);
    Ok((read, contents))
}

impl FileRead {
    /// The digest of the contents.
    pub(super) fn sha256(&self) -> Sha256Digest {
        self.sha256
    }

    fn note_start(&mut self, piece: &[u8]) {
        let wanted = STARTS - self.start.len();
        self.start.extend(piece.iter().take(wanted));
    }
}

/// Finds an attachment and checks it: inside the folder, a regular file that is none of the run's
/// own, not empty, and a PDF if it is called one. `fixed` is the folder that the batch file writes.
pub(super) fn belongs(
    place: &Place<'_>,
    fixed: &str,
    written: &str,
    name: Option<&str>,
    shared: bool,
    read: &mut dyn FnMut(&mut Opened) -> io::Result<FileRead>,
) -> Result<Attachment, Finding> {
    let at = |fault: Finding| fault.file(quote(written));
    let mut opened = locate(place, fixed, written, ATTACHMENT).map_err(at)?;
    let path = place.folder.join(written);
    let name = match name {
        Some(name) => name.trim().to_owned(),
        None => path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default(),
    };
    check_name(&name).map_err(at)?;
    let read = read(&mut opened).map_err(|error| {
        at(Finding::fault(
            format!("the attachment cannot be read: {error}"),
            regular::to_read_it(&error, "let this user read the file"),
        ))
    })?;
    refuse_contents(&read.start).map_err(at)?;
    if read.bytes == 0 {
        return Err(at(Finding::fault(
            "the attachment is empty",
            "make the report again",
        )));
    }
    let is_pdf = is_called_pdf(written, &name);
    // Readers take no offence at a line end before it.
    if is_pdf && !read.start.trim_ascii_start().starts_with(b"%PDF-") {
        return Err(at(Finding::fault(
            "the attachment is called .pdf but does not begin like a PDF",
            "make the report again",
        )));
    }
    Ok(Attachment {
        media_type: media_type(&name),
        name: name.into(),
        bytes: read.bytes,
        sha256: read.sha256,
        path,
        shared,
        is_pdf,
        lock: None,
    })
}

/// Whether a file is a PDF by its own name or by the one that recipients see.
pub(super) fn is_called_pdf(written: &str, name: &str) -> bool {
    [written, name].iter().any(|name| {
        let suffix = Path::new(name).extension();
        suffix.is_some_and(|suffix| suffix.eq_ignore_ascii_case("pdf"))
    })
}

/// Opens a file that goes with a letter, and is called `what` where it may not. All that is asked is
/// asked of what was opened, and only that is read: its path may lead elsewhere the next moment.
pub(super) fn locate(
    place: &Place<'_>,
    fixed: &str,
    written: &str,
    what: &str,
) -> Result<Opened, Finding> {
    let leaves = || {
        Finding::fault(
            format!("the {what} is outside the batch's folder"),
            "put the file into the folder, or set allow_outside = true in [batch]",
        )
    };
    let inside = Path::new(written)
        .components()
        .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if !place.allow_outside && !inside {
        return Err(leaves());
    }
    if written.is_empty() || written.contains(char::is_control) {
        return Err(Finding::fault(
            format!("the {what}'s path is empty, or has a control character in it"),
            format!("correct the path of the {what}"),
        ));
    }
    let path = place.folder.join(written);
    let missing = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => Finding::fault(
            format!("the {what} is missing"),
            if what == PICTURE {
                "put the file beside the letter, or take the picture out of it"
            } else {
                PUT_THERE
            },
        )
        .same_cause(if what == PICTURE {
            "pictures are missing"
        } else {
            MISSING
        }),
        _ => Finding::fault(
            format!("the {what} cannot be read: {error}"),
            regular::to_read_it(&error, "let this user read the file"),
        ),
    };
    // A device may do something when it is merely opened.
    if !std::fs::metadata(&path).map_err(missing)?.is_file() {
        refuse_system(&path.canonicalize().map_err(missing)?)?;
        return Err(Finding::fault(
            format!("the {what} is not a regular file"),
            format!("correct the path of the {what}"),
        ));
    }
    let opened = Opened::at(&path).map_err(missing)?;
    // A link may lead out of the folder although the path as written does not.
    if !place.allow_outside && !opened.is_beneath(place.real) {
        return Err(leaves());
    }
    place.own.refuse(place, fixed, written, &opened)?;
    if opened.metadata.len() > LARGEST {
        return Err(Finding::fault(
            format!("the {what} is larger than {} MB", LARGEST >> 20),
            "make it smaller: no mail server accepts so much",
        ));
    }
    Ok(opened)
}

fn check_name(name: &str) -> Result<(), Finding> {
    const LONGEST: usize = 150;
    let refused = if name.is_empty() {
        "is empty"
    } else if name.chars().any(char::is_control) {
        "has a line break or control character in it"
    } else if name.contains(['/', '\\']) {
        "has a slash in it"
    } else if name.len() > LONGEST {
        "is longer than 150 bytes"
    } else {
        return Ok(());
    };
    Err(Finding::fault(
        format!("the attachment's name `{}` {refused}", quote(name)),
        "correct [[attachment]] name",
    ))
}

fn media_type(name: &str) -> &'static str {
    let suffix = Path::new(name)
        .extension()
        .map(|suffix| suffix.to_string_lossy().to_lowercase());
    match suffix.as_deref() {
        Some("pdf") => "application/pdf",
        Some("docx") => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        Some("xlsx") => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        Some("zip") => "application/zip",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        _ => "application/octet-stream",
    }
}
