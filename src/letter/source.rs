//! The files of the templates.

use std::path::{Component, Path, PathBuf};

use crate::fault::Fault;

/// Files beyond these bounds are not templates.
const LARGEST_FILE: u64 = 1 << 20;
const MOST_FILES: usize = 500;

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
/// A name that no file has is left to the engine, which tells where it stands.
pub(super) fn gather(
    folder: &Path,
    strings: &[(String, String)],
    files: &mut Vec<(String, String)>,
) -> Vec<Fault> {
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
        match read(&path) {
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

/// The file of a name, if it lies in the folder and no link leads to it.
fn inside(folder: &Path, name: &str) -> Option<PathBuf> {
    let mut path = folder.to_owned();
    for part in name.split('/') {
        let [Component::Normal(_)] = Path::new(part).components().collect::<Vec<_>>()[..] else {
            return None;
        };
        path.push(part);
        if std::fs::symlink_metadata(&path).ok()?.is_symlink() {
            return None;
        }
    }
    Some(path)
}

/// Reads one template file.
pub(super) fn read(path: &Path) -> Result<String, Fault> {
    let size = std::fs::metadata(path).map(|metadata| metadata.len());
    let source = match size {
        Ok(size) if size > LARGEST_FILE => {
            return Err(Fault::new(
                "the template is larger than 1 MB",
                "take out what is not text, such as embedded pictures",
            ));
        }
        Ok(_) => std::fs::read_to_string(path),
        Err(error) => Err(error),
    };
    source
        .map(|source| source.trim_start_matches('\u{feff}').to_owned())
        .map_err(|error| {
            Fault::new(
                format!("the template cannot be read: {error}"),
                "put the file there, saved as UTF-8",
            )
        })
}
