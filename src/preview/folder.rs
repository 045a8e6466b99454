//! The folder of a gallery: made under another name and put in place whole.

use std::io;
use std::path::{Component, Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::PreviewError;
use crate::durable;
use crate::own_folder::{Links, OwnFolder};

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
    /// Under which name in the folder above it is put in place, is made, and an older one is kept until
    /// it is there.
    name: PathBuf,
    partial_name: PathBuf,
    old_name: PathBuf,
    above: OwnFolder,
    partial: OwnFolder,
}

impl PreviewFolder {
    /// Makes the folder under another name.
    pub(super) fn prepare(into: &Path) -> Result<Self, PreviewError> {
        let into = std::path::absolute(into).map_err(|source| storage(into, source))?;
        let at = |source| storage(&into, source);
        let (Some(upper), Some(name)) = (into.parent(), into.file_name()) else {
            return Err(PreviewError::Foreign { path: into });
        };
        let name = PathBuf::from(name);
        let (partial_name, old_name) = (
            durable::beside(&name, ".partial"),
            durable::beside(&name, ".old"),
        );
        let above = OwnFolder::make(upper, Path::new(""), Links::Anywhere).map_err(at)?;
        for taken in [&name, &partial_name, &old_name] {
            if !above.may_be_replaced(taken, MARK).map_err(at)? {
                let path = upper.join(taken);
                return Err(PreviewError::Foreign { path });
            }
        }
        for earlier in [&partial_name, &old_name] {
            above.remove_folder(earlier).map_err(at)?;
        }
        let partial = above.make_new(&partial_name).map_err(at)?;
        let folder = Self {
            into,
            name,
            partial_name,
            old_name,
            above,
            partial,
        };
        // The mark comes first: what a cut leaves behind without one would stand in the way.
        folder.file(MARK, b"")?;
        for inner in ["letters", "eml"] {
            let made = folder.partial.make_new(Path::new(inner));
            made.map_err(|source| storage(&folder.into, source))?;
        }
        Ok(folder)
    }

    /// Writes one file.
    pub(super) fn file(&self, name: &str, bytes: &[u8]) -> Result<(), PreviewError> {
        let written = self.partial.write_new(name, &[bytes]);
        written.map(drop).map_err(|source| {
            let folder = self.into.with_file_name(&self.partial_name);
            storage(&folder.join(name), source)
        })
    }

    /// Puts the whole gallery in place of an older one, and gives its page.
    pub(super) fn put_in_place(self) -> Result<PathBuf, PreviewError> {
        let at = |source| storage(&self.into, source);
        if !self.above.may_be_replaced(&self.name, MARK).map_err(at)? {
            return Err(PreviewError::Foreign { path: self.into });
        }
        let made = self.partial.identity().map_err(at)?;
        // Held open, its number is nobody else's. Windows renames no folder that is held open.
        let _held = cfg!(not(windows)).then_some(self.partial);
        let rename = |from: &Path, to: &Path| self.above.rename_folder(from, to);
        // A file of the old gallery that is open elsewhere keeps Windows from removing or moving it. Then
        // the old gallery is whole, and the new one, which nobody could look at, is taken away.
        let moved = match rename(&self.name, &self.old_name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => rename(&self.partial_name, &self.name).inspect_err(|_| {
                let _ = rename(&self.old_name, &self.name);
            }),
        };
        if let Err(source) = moved {
            // Best effort: the fault is what the person has to hear of.
            let _ = self.above.remove_folder(&self.partial_name);
            return Err(storage(&self.into, source));
        }
        self.above.is_now(made, &self.name).map_err(at)?;
        self.above.remove_folder(&self.old_name).map_err(at)?;
        Ok(self.into.join("index.html"))
    }

    /// The address of a file for a page in the gallery.
    pub(super) fn link_to(&self, file: &Path) -> String {
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

fn storage(path: &Path, source: io::Error) -> PreviewError {
    PreviewError::Storage {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

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
