//! The folder of a gallery: made under another name and put in place whole.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Component, Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::PreviewError;
use crate::durable::{self, Readers};

/// The file by which a gallery is known, so that nothing else is ever replaced.
const MARK: &str = ".postroom-preview";

/// What stands for itself in a path: the unreserved characters (RFC 3986 section 2.3).
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A gallery in the making.
pub(super) struct PreviewFolder {
    into: PathBuf,
    partial: PathBuf,
}

impl PreviewFolder {
    /// Makes the folder under another name.
    pub fn prepare(into: &Path) -> Result<Self, PreviewError> {
        let into = std::path::absolute(into).map_err(|source| storage(into, source))?;
        let partial = durable::beside(&into, ".partial");
        let old = durable::beside(&into, ".old");
        for path in [&into, &partial, &old] {
            if !may_be_replaced(path) {
                return Err(PreviewError::Foreign { path: path.clone() });
            }
        }
        remove(&partial)?;
        remove(&old)?;
        let folder = Self { into, partial };
        // The mark comes first: what a cut leaves behind without one would stand in the way.
        folder.make("")?;
        folder.file(MARK, b"")?;
        folder.make("letters")?;
        folder.make("eml")?;
        Ok(folder)
    }

    /// Writes one file.
    pub fn file(&self, name: &str, bytes: &[u8]) -> Result<(), PreviewError> {
        let path = self.partial.join(name);
        durable::new_file(&path, Readers::Owner)
            .and_then(|mut file| file.write_all(bytes))
            .map_err(|source| storage(&path, source))
    }

    /// Makes a folder in it, or itself. Letters and addresses are nobody else's business on this
    /// machine.
    fn make(&self, name: &str) -> Result<(), PreviewError> {
        let path = self.partial.join(name);
        durable::make_folder(&path).map_err(|source| storage(&path, source))
    }

    /// Puts the whole gallery in place of an older one, and gives its page.
    pub fn put_in_place(self) -> Result<PathBuf, PreviewError> {
        if !may_be_replaced(&self.into) {
            return Err(PreviewError::Foreign { path: self.into });
        }
        // A file of the old gallery that is open elsewhere keeps Windows from removing or moving it. Then
        // the old gallery is whole, and the new one, which nobody could look at, is taken away.
        let old = durable::beside(&self.into, ".old");
        let moved = match fs::rename(&self.into, &old) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => fs::rename(&self.partial, &self.into),
        };
        if let Err(source) = moved {
            // Best effort: the fault is what the person has to hear of.
            let _ = fs::remove_dir_all(&self.partial);
            return Err(storage(&self.into, source));
        }
        remove(&old)?;
        Ok(self.into.join("index.html"))
    }

    /// The address of a file for a page in the gallery.
    pub fn link_to(&self, file: &Path) -> String {
        let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
        let drive = |path: &Path| match path.components().next() {
            Some(Component::Prefix(prefix)) => Some(prefix.as_os_str().to_owned()),
            _ => None,
        };
        if let Some(other) = drive(&file).filter(|other| Some(other) != drive(&self.into).as_ref())
        {
            // No way leads from one drive of Windows to another.
            return format!("file:///{}/{}", other.to_string_lossy(), encoded(&file, 0));
        }
        let shared = self
            .into
            .components()
            .zip(file.components())
            .take_while(|(ours, other)| ours == other)
            .count();
        let up = self.into.components().count() - shared;
        let mut link = "../".repeat(up);
        link.push_str(&encoded(&file, shared));
        link
    }
}

/// The names of a path from a certain part on, for an address.
fn encoded(path: &Path, from: usize) -> String {
    let names = path.components().skip(from).filter_map(|part| match part {
        Component::Normal(name) => {
            Some(utf8_percent_encode(&name.to_string_lossy(), PATH).to_string())
        }
        _ => None,
    });
    names.collect::<Vec<_>>().join("/")
}

/// Whether nothing is there, nothing is in it, or an older gallery.
fn may_be_replaced(path: &Path) -> bool {
    match fs::symlink_metadata(path) {
        Err(error) => error.kind() == io::ErrorKind::NotFound,
        Ok(metadata) if metadata.is_dir() => {
            path.join(MARK).is_file()
                || fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none())
        }
        Ok(_) => false,
    }
}

/// The name of a letter's files: its place, and as much of its id as every system takes.
pub(super) fn name(index: usize, id: &str) -> String {
    const LONGEST: usize = 60;
    let safe: String = id
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "-_".contains(c) {
                c
            } else {
                '_'
            }
        })
        .take(LONGEST)
        .collect();
    format!("{:05}-{safe}", index + 1)
}

fn remove(path: &Path) -> Result<(), PreviewError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(storage(path, error)),
        _ => Ok(()),
    }
}

fn storage(path: &Path, source: io::Error) -> PreviewError {
    PreviewError::Storage {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_linked_from_wherever_the_gallery_is() {
        let base = tempfile::tempdir().unwrap();
        let folder = PreviewFolder::prepare(&base.path().join("b/preview")).unwrap();
        let report = base.path().join("b/reports/a report #1.pdf");
        assert_eq!(folder.link_to(&report), "../reports/a%20report%20%231.pdf");
        assert_eq!(folder.link_to(&base.path().join("c.pdf")), "../../c.pdf");
    }

    #[test]
    fn nothing_but_an_older_gallery_is_replaced() {
        let base = tempfile::tempdir().unwrap();
        let into = base.path().join("preview");
        fs::create_dir(&into).unwrap();
        fs::write(into.join("thesis.txt"), "mine").unwrap();
        assert!(matches!(
            PreviewFolder::prepare(&into),
            Err(PreviewError::Foreign { .. })
        ));
        fs::remove_file(into.join("thesis.txt")).unwrap();
        for _ in 0..2 {
            let folder = PreviewFolder::prepare(&into).unwrap();
            folder.file("index.html", b"x").unwrap();
            folder.put_in_place().unwrap();
        }
        assert!(into.join("index.html").is_file());
    }
}
