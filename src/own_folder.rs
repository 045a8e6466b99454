//! Folders that this program fills, held open: whoever can write beside such a folder may swap it, or
//! one above it, for a link at any moment. What was opened stays the folder that it is, and files are
//! made in that.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use cap_fs_ext::{
    DirExt, FollowSymlinks, MetadataExt, OpenOptionsFollowExt, OpenOptionsMaybeDirExt,
    OpenOptionsSyncExt,
};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, DirBuilder, Metadata, OpenOptions};

use crate::durable;

/// Which links may lead to a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// Those that stay below the folder that it is looked for in.
    Beneath,
    /// All of them: its user said that it may lie anywhere.
    Anywhere,
}

/// A folder that was opened.
#[derive(Debug)]
pub struct OwnFolder {
    dir: Dir,
}

/// A folder, whatever its name: the device that it is on, and its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FolderIdentity(u64, u64);

impl OwnFolder {
    /// Opens the folder `path` below `base`. None where there is none.
    ///
    /// # Errors
    /// When it cannot be opened, is something else, or a link leads out of `base` that must not.
    pub fn open(base: &Path, path: &Path, links: Links) -> io::Result<Option<Self>> {
        let opened = match links {
            Links::Beneath => opened(base).and_then(|base| base.open_dir(path)),
            Links::Anywhere => opened(&base.join(path)),
        };
        match opened {
            Ok(dir) => Ok(Some(Self { dir })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The same, and makes it, and those above it, for its user alone where there is none.
    ///
    /// # Errors
    /// When it cannot be made or opened, or a link leads out of `base` that must not.
    pub fn make(base: &Path, path: &Path, links: Links) -> io::Result<Self> {
        if links == Links::Anywhere {
            let path = base.join(path);
            durable::make_folder(&path)?;
            return Ok(Self {
                dir: opened(&path)?,
            });
        }
        let base = opened(base)?;
        let mut upper: Vec<&Path> = path.ancestors().collect();
        // The last of them is empty: `base` itself.
        upper.pop();
        for folder in upper.into_iter().rev() {
            make(&base, folder)?;
        }
        let dir = base.open_dir(path)?;
        Ok(Self { dir })
    }

    /// Makes a folder in it, which is not there yet, for its user alone, and opens it.
    ///
    /// # Errors
    /// When it cannot be made, or was swapped for a link.
    pub fn make_new(&self, name: &Path) -> io::Result<Self> {
        self.dir.create_dir_with(name, &builder())?;
        let dir = self.dir.open_dir_nofollow(name)?;
        Ok(Self { dir })
    }

    /// Makes a file that is not there yet, for its user alone, and writes it.
    ///
    /// # Errors
    /// When it cannot be written, or is there.
    pub fn write_new(&self, name: &str, pieces: &[&[u8]]) -> io::Result<cap_std::fs::File> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use cap_std::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        let mut file = self.dir.open_with(name, &options)?;
        for piece in pieces {
            file.write_all(piece)?;
        }
        Ok(file)
    }

    /// Writes a file as [`durable::put`] does: whole, for its user alone, and there to stay.
    ///
    /// # Errors
    /// When it cannot be written; then the old file, if any, is as it was.
    pub fn put(&self, name: &str, pieces: &[&[u8]]) -> io::Result<()> {
        let partial = format!("{name}.partial");
        match self.dir.remove_file(&partial) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let written = self
            .write_new(&partial, pieces)
            .and_then(|file| file.sync_all());
        if let Err(error) = written.and_then(|()| self.dir.rename(&partial, &self.dir, name)) {
            // Best effort: on a full disk the room is wanted back.
            let _ = self.dir.remove_file(&partial);
            return Err(error);
        }
        self.keep_names()
    }

    /// Makes the names in it survive a power cut, where the system has a call for that: Windows has none.
    fn keep_names(&self) -> io::Result<()> {
        if cfg!(unix) {
            let mut options = OpenOptions::new();
            options.read(true).maybe_dir(true);
            self.dir.open_with(".", &options)?.sync_all()?;
        }
        Ok(())
    }

    /// Moves files of it into a new folder in it. Says whether there were any: without one no folder is made.
    ///
    /// # Errors
    /// When the folder is there already, or something cannot be moved.
    pub fn move_files(&self, chosen: impl Fn(&Path) -> bool, into: &Path) -> io::Result<bool> {
        let mut names = Vec::new();
        for entry in self.dir.entries()? {
            let entry = entry?;
            let name = PathBuf::from(entry.file_name());
            if chosen(&name) && entry.file_type()?.is_file() {
                names.push(name);
            }
        }
        if names.is_empty() {
            return Ok(false);
        }
        let into = self.make_new(into)?;
        for name in &names {
            self.dir.rename(name, &into.dir, name)?;
        }
        into.keep_names()?;
        self.keep_names()?;
        Ok(true)
    }

    /// Opens a file in it, through no link and without waiting for what is none. None where there is
    /// nothing.
    ///
    /// # Errors
    /// When it cannot be opened, or is something else.
    pub fn read(&self, name: &str) -> io::Result<Option<impl Read + use<>>> {
        let mut options = OpenOptions::new();
        options.read(true).follow(FollowSymlinks::No).nonblock(true);
        let file = match self.dir.open_with(name, &options) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        if file.metadata()?.is_file() {
            Ok(Some(file))
        } else {
            Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "it is not a regular file",
            ))
        }
    }

    /// Whether nothing is there, nothing is in it, or a folder that has a file of this name.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn may_be_replaced(&self, name: &Path, mark: &str) -> io::Result<bool> {
        match self.dir.symlink_metadata(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
            Err(error) => return Err(error),
            Ok(metadata) if !metadata.is_dir() => return Ok(false),
            Ok(_) => {}
        }
        let folder = self.dir.open_dir_nofollow(name)?;
        Ok(folder.is_file(mark) || folder.entries()?.next().is_none())
    }

    /// Removes a file of it.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove_file(&self, name: &str) -> io::Result<()> {
        self.dir.remove_file(name)
    }

    /// Removes a folder of it with all that is in it, and follows no link.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove_folder(&self, name: &Path) -> io::Result<()> {
        match self.dir.remove_dir_all(name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Renames a folder of it to a name that is free.
    ///
    /// # Errors
    /// When it cannot be renamed, or is not there.
    pub fn rename_folder(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.dir.rename(from, &self.dir, to)
    }

    /// What tells it from every other folder, by whatever name.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn identity(&self) -> io::Result<FolderIdentity> {
        self.dir.dir_metadata().map(|of| FolderIdentity::of(&of))
    }

    /// Makes sure that this very folder stands under a name of it.
    ///
    /// # Errors
    /// When another stands there now.
    pub fn is_now(&self, folder: FolderIdentity, name: &Path) -> io::Result<()> {
        if FolderIdentity::of(&self.dir.symlink_metadata(name)?) == folder {
            Ok(())
        } else {
            Err(io::Error::other("it was replaced while it was written"))
        }
    }
}

impl FolderIdentity {
    fn of(metadata: &Metadata) -> Self {
        Self(metadata.dev(), metadata.ino())
    }
}

fn opened(folder: &Path) -> io::Result<Dir> {
    let folder = if folder == Path::new("") {
        PathBuf::from(".")
    } else {
        folder.to_owned()
    };
    Dir::open_ambient_dir(folder, ambient_authority())
}

fn make(base: &Dir, folder: &Path) -> io::Result<()> {
    match base.create_dir_with(folder, &builder()) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Letters and addresses are nobody else's business on this machine.
#[cfg(unix)]
fn builder() -> DirBuilder {
    use cap_std::fs::DirBuilderExt;
    let mut builder = DirBuilder::new();
    builder.mode(0o700);
    builder
}

#[cfg(not(unix))]
fn builder() -> DirBuilder {
    DirBuilder::new()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_nothing_is_left_beside_it() {
        let base = tempfile::tempdir().unwrap();
        let path = Path::new("deep/er");
        assert!(
            OwnFolder::open(base.path(), path, Links::Beneath)
                .unwrap()
                .is_none()
        );
        let folder = OwnFolder::make(base.path(), path, Links::Beneath).unwrap();
        let real = base.path().join(path);
        fs::write(real.join("a.eml.partial"), "half").unwrap();
        for text in ["one", "two"] {
            folder.put("a.eml", &[text.as_bytes()]).unwrap();
            let mut found = String::new();
            let mut file = folder.read("a.eml").unwrap().unwrap();
            file.read_to_string(&mut found).unwrap();
            assert_eq!(found, text);
        }
        assert_eq!(fs::read_dir(&real).unwrap().count(), 1);
        assert!(folder.read("b.eml").unwrap().is_none());
        // What cannot be put in place leaves what is there.
        fs::create_dir_all(real.join("taken/inside")).unwrap();
        assert!(folder.put("taken", &[b"x"]).is_err());
        assert!(folder.read("taken").is_err());
        assert!(real.join("taken/inside").is_dir() && !real.join("taken.partial").exists());
    }

    #[test]
    fn chosen_files_are_moved_and_nothing_else_is() {
        let base = tempfile::tempdir().unwrap();
        let at = |name: &str| base.path().join(name);
        fs::write(at("a.eml"), "a").unwrap();
        fs::write(at("notes.txt"), "mine").unwrap();
        fs::create_dir(at("old.eml")).unwrap();
        let folder = OwnFolder::make(base.path(), Path::new(""), Links::Anywhere).unwrap();
        let move_into = |into| {
            let chosen = |name: &Path| name.extension().is_some_and(|end| end == "eml");
            folder.move_files(chosen, Path::new(into))
        };
        assert!(move_into("aside").unwrap());
        assert_eq!(fs::read(at("aside/a.eml")).unwrap(), b"a");
        assert!(at("notes.txt").exists() && at("old.eml").exists() && !at("a.eml").exists());
        assert!(!move_into("later").unwrap() && !at("later").exists());
        // What was moved earlier is never mixed with what is moved now.
        fs::write(at("b.eml"), "b").unwrap();
        assert!(move_into("aside").is_err() && at("b.eml").exists());
    }

    #[cfg(unix)]
    #[test]
    fn links_that_lead_out_are_followed_only_on_demand() {
        use std::os::unix::fs::symlink;
        let base = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        symlink(outside.path(), base.path().join("outbox")).unwrap();
        for path in ["outbox", "outbox/deeper", "outbox/deeper/still"] {
            assert!(OwnFolder::make(base.path(), Path::new(path), Links::Beneath).is_err());
        }
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
        let folder = OwnFolder::make(base.path(), Path::new("outbox"), Links::Anywhere).unwrap();
        folder.put("a.eml", &[b"x"]).unwrap();
        assert!(outside.path().join("a.eml").is_file());
        // One that stays inside is the batch's own business.
        fs::create_dir(base.path().join("kept")).unwrap();
        symlink("kept", base.path().join("link")).unwrap();
        let folder = OwnFolder::make(base.path(), Path::new("link"), Links::Beneath).unwrap();
        folder.put("a.eml", &[b"x"]).unwrap();
        assert!(base.path().join("kept/a.eml").is_file());
        // A letter that is a link is none of ours.
        symlink("a.eml", base.path().join("kept/b.eml")).unwrap();
        assert!(folder.read("b.eml").is_err());
    }
}
