//! The template folder.

use std::io;
use std::path::{Path, PathBuf};

use crate::fault::Fault;

/// Template files beyond these bounds are not a template folder.
const LARGEST_FILE: u64 = 1 << 20;
const MOST_FILES: usize = 500;
const SUFFIXES: [&str; 6] = ["html", "htm", "txt", "tera", "j2", "xml"];

/// The name of a template: its path below the folder, with slashes.
pub(super) fn name_of(path: &Path, folder: &Path) -> String {
    let relative = path.strip_prefix(folder).unwrap_or(path);
    let parts: Vec<_> = relative
        .components()
        .map(|part| part.as_os_str().to_string_lossy())
        .collect();
    parts.join("/")
}

/// Reads all template files of a folder, in the order of their names.
pub(super) fn gather(
    folder: &Path,
    below: &mut PathBuf,
    files: &mut Vec<(String, String)>,
) -> Result<(), Fault> {
    let cannot = |error: io::Error| {
        Fault::new(
            format!("the template folder cannot be read: {error}"),
            "correct [letter] html in the batch file, or put the template there",
        )
    };
    let mut entries: Vec<_> = std::fs::read_dir(folder.join(&*below))
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(cannot)?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let kind = entry.file_type().map_err(cannot)?;
        let is_template = Path::new(&entry.file_name())
            .extension()
            .is_some_and(|suffix| {
                SUFFIXES
                    .iter()
                    .any(|known| suffix.eq_ignore_ascii_case(known))
            });
        below.push(entry.file_name());
        // Links are not followed, so the folder cannot reach outside itself.
        if kind.is_dir() && below.components().count() < 8 {
            gather(folder, below, files)?;
        } else if kind.is_file() && is_template && files.len() < MOST_FILES {
            let name = name_of(below, Path::new(""));
            let source = read(&entry.path()).map_err(|fault| fault.file(name.clone()))?;
            files.push((name, source));
        }
        below.pop();
    }
    Ok(())
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
