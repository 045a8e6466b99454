//! Files that are put in place whole: whatever happens, the old file is there or the new one, never a
//! part of one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Writes a file for its user alone, under another name, flushes it to the disk and renames it. When
/// this returns the file survives a power cut.
///
/// # Errors
/// When it cannot be written; then the old file, if any, is as it was.
pub(crate) fn put(path: &Path, contents: &[u8]) -> io::Result<()> {
    let partial = beside(path, ".partial");
    match fs::remove_file(&partial) {
        // What a cut left behind may be readable by others.
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = new_file(&partial)?;
    let written = file.write_all(contents).and_then(|()| file.sync_all());
    drop(file);
    if let Err(error) = written.and_then(|()| fs::rename(&partial, path)) {
        // Best effort: on a full disk the room is wanted back.
        let _ = fs::remove_file(&partial);
        return Err(error);
    }
    keep_rename(path)
}

/// Makes a rename survive a power cut: the folder is flushed, or on Windows, where a folder cannot be
/// opened so, the file, with which the system writes what it knows of its name.
///
/// # Errors
/// When it cannot be flushed.
pub(crate) fn keep_rename(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        keep_names(path)
    } else {
        flush(path)
    }
}

/// Makes the names of new files in the folder of a path survive a power cut. On Windows a file that was
/// flushed has its name on the disk.
///
/// # Errors
/// When the folder cannot be flushed.
pub(crate) fn keep_names(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder_of(path))?.sync_all()?;
    }
    Ok(())
}

/// Brings what another part of the program wrote into a file to the disk.
///
/// # Errors
/// When it cannot be opened or flushed.
pub(crate) fn flush(path: &Path) -> io::Result<()> {
    // Windows flushes only what was opened to be written.
    OpenOptions::new().write(true).open(path)?.sync_all()
}

/// A path with something behind it: `a.db` and `.lock` give `a.db.lock`.
#[must_use]
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Makes a folder, and those above it, for its user alone where there is none; one that is there stays
/// as it is.
///
/// # Errors
/// When it cannot be made.
pub(crate) fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(folder)
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// Makes a file that is not there yet, and writes through no link. It is for its user alone (mode 0600)
/// where the system knows such rights; elsewhere it has those that its folder hands on.
///
/// # Errors
/// When it cannot be made, or is there.
pub(crate) fn new_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/er/file");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(beside(&path, ".partial"), "half").unwrap();
        for text in ["one", "two"] {
            put(&path, text.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn what_cannot_be_put_in_place_leaves_what_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("taken");
        fs::create_dir_all(path.join("inside")).unwrap();
        assert!(put(&path, b"x").is_err());
        assert!(path.join("inside").is_dir());
        assert!(!beside(&path, ".partial").exists());
    }

    #[cfg(unix)]
    #[test]
    fn a_private_file_is_private_whatever_was_left_behind() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        fs::write(beside(&path, ".partial"), "half").unwrap();
        put(&path, b"x").unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
