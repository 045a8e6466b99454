//! The files of the templates.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use crate::config::{Batch, BatchOpenError};
use crate::finding::Finding;
use crate::regular::Opened;

/// Files beyond these bounds are not templates.
pub(super) const LARGEST_FILE: u64 = 1 << 20;
const MOST_FILES: usize = 500;
/// What may be extended or included is called so.
const SUFFIXES: [&str; 8] = ["html", "htm", "txt", "md", "markdown", "tera", "j2", "xml"];

/// The name of a template: its path below the folder, with slashes.
pub(super) fn name_of(path: &Path, folder: &Path) -> String {
    let relative = path.strip_prefix(folder).unwrap_or(path);
    let parts: Vec<_> = relative
        .components()
        .map(|part| part.as_os_str().to_string_lossy())
        .collect();
    parts.join("/")
}

/// Reads what the templates extend or include, and what that extends or includes in turn: what
/// merely lies in the folder, such as an earlier preview, is none of the letter's business.
///
/// A name that no file has is left to the engine, which says where it stands.
pub(super) fn gather(
    folder: &Path,
    strings: &[(String, String)],
    files: &mut Vec<(String, String)>,
) -> Vec<Finding> {
    let mut wanted: Vec<String> = strings
        .iter()
        .chain(files.iter())
        .flat_map(|(_, source)| names_in(source))
        .collect();
    let mut faults = Vec::new();
    while let Some(name) = wanted.pop() {
        if files.iter().any(|(other, _)| *other == name) || files.len() >= MOST_FILES {
            continue;
        }
        let Some(path) = inside(folder, &name) else {
            continue;
        };
        match read_of(folder, &path, &name) {
            Ok(source) => {
                wanted.extend(names_in(&source));
                files.push((name, source));
            }
            Err(fault) => faults.push(fault.file(name)),
        }
    }
    // The order in which they were found depends on where they are named.
    files.sort();
    faults
}

/// The names that a template extends or includes. Those in a comment are among them: a file too many
/// does no harm, one too few would.
fn names_in(source: &str) -> impl Iterator<Item = String> {
    source.split("{%").skip(1).filter_map(|tag| {
        let tag = tag.strip_prefix('-').unwrap_or(tag).trim_start();
        let after = tag
            .strip_prefix("extends")
            .or_else(|| tag.strip_prefix("include"))?;
        let after = after.trim_start();
        let mark = after.chars().next().filter(|mark| "\"'`".contains(*mark))?;
        let (name, _) = after[1..].split_once(mark)?;
        Some(name.to_owned())
    })
}

/// Whether a file is called like a template.
pub(super) fn is_called_so(name: &Path) -> bool {
    let suffix = name.extension();
    suffix.is_some_and(|suffix| {
        SUFFIXES
            .iter()
            .any(|known| suffix.eq_ignore_ascii_case(known))
    })
}

/// The file of a name, if it is called like a template, lies in the folder, is not hidden, and no link
/// leads to it: what else lies there, such as a secrets file, is nothing to be sent.
fn inside(folder: &Path, name: &str) -> Option<PathBuf> {
    if !is_called_so(Path::new(name)) {
        return None;
    }
    let mut path = folder.to_owned();
    for part in name.split('/') {
        let [Component::Normal(_)] = Path::new(part).components().collect::<Vec<_>>()[..] else {
            return None;
        };
        if part.starts_with('.') {
            return None;
        }
        path.push(part);
        if std::fs::symlink_metadata(&path).ok()?.is_symlink() {
            return None;
        }
    }
    Some(path)
}

/// Reads a file that a template names. A link that was put there after it was looked for leads to
/// nothing.
fn read_of(folder: &Path, path: &Path, name: &str) -> Result<String, Finding> {
    let unreadable = |error: io::Error| unreadable("template", &error);
    let opened = Opened::at(path).map_err(unreadable)?;
    if opened.real != folder.canonicalize().map_err(unreadable)?.join(name) {
        return Err(Finding::fault(
            "the template became a link while it was read",
            "put the file itself there",
        ));
    }
    text(opened.file, LARGEST_FILE, "template")
}

/// Reads one template file of a batch.
pub(super) fn read(batch: &Batch, path: &Path) -> Result<String, Finding> {
    read_up_to(batch, path, LARGEST_FILE, "template")
}

/// Reads a file of text of a batch that is no larger than it may be.
pub(super) fn read_up_to(
    batch: &Batch,
    path: &Path,
    largest: u64,
    what: &str,
) -> Result<String, Finding> {
    let file = batch.open(path).map_err(|error| match error {
        BatchOpenError::LedOut => Finding::fault(
            format!("the {what} is a link that leaves the batch's folder"),
            "put the file itself there, or set allow_outside = true in [batch]",
        ),
        BatchOpenError::System(error) => unreadable(what, &error),
    })?;
    text(file, largest, what)
}

fn unreadable(what: &str, error: &io::Error) -> Finding {
    Finding::fault(
        format!("the {what} cannot be read: {error}"),
        "put the file there, saved as UTF-8",
    )
}

fn text(file: File, largest: u64, what: &str) -> Result<String, Finding> {
    let mut source = String::new();
    let read = file.take(largest + 1).read_to_string(&mut source);
    if source.len() as u64 > largest {
        return Err(Finding::fault(
            format!("the {what} is larger than {} MB", largest >> 20),
            "take out what is not text, such as embedded pictures",
        ));
    }
    read.map(|_| source)
        .map(|source| source.trim_start_matches('\u{feff}').to_owned())
        .map_err(|error| unreadable(what, &error))
}
