//! Files that a batch names, opened: what is no regular file, such as a pipe that nobody writes to,
//! would keep its reader waiting for ever. And files that this program keeps for itself, through no
//! link.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use same_file::Handle;

/// Opens a regular file to read it.
///
/// # Errors
/// When it cannot be opened, or is something else.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;

        use rustix::fs::OFlags;
        // A pipe is opened without waiting for its other end, a terminal without becoming ours.
        let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
        options.custom_flags(flags.bits().cast_signed());
    }
    let file = options.open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is not a regular file",
        ))
    }
}

/// A file that was opened, and where it lies. What a path leads to may be another file at any moment;
/// what was opened stays what it is, so that all that is asked is asked of it.
#[derive(Debug)]
pub(crate) struct Opened {
    /// The file.
    pub file: File,
    /// Its path without links.
    pub real: PathBuf,
    /// What the system says of it.
    pub metadata: Metadata,
}

impl Opened {
    /// Opens a regular file to read it, wherever it lies.
    ///
    /// # Errors
    /// When it cannot be opened, is something else, or was replaced meanwhile.
    pub(crate) fn at(path: &Path) -> io::Result<Self> {
        let file = open(path)?;
        let metadata = file.metadata()?;
        let real = real_path(&file, path)?;
        Ok(Self {
            file,
            real,
            metadata,
        })
    }

    /// Whether it lies in a folder or one below it; `folder` has no links.
    #[must_use]
    pub(crate) fn is_beneath(&self, folder: &Path) -> bool {
        self.real.starts_with(folder)
    }
}

/// The path of an open file, as the system knows it.
#[cfg(target_os = "linux")]
fn real_path(file: &File, path: &Path) -> io::Result<PathBuf> {
    use std::os::fd::AsRawFd;
    let link = format!("/proc/self/fd/{}", file.as_raw_fd());
    std::fs::read_link(link).or_else(|_| resolved(file, path))
}

#[cfg(not(target_os = "linux"))]
fn real_path(file: &File, path: &Path) -> io::Result<PathBuf> {
    resolved(file, path)
}

/// Where a path leads to now, if that still is the open file.
fn resolved(file: &File, path: &Path) -> io::Result<PathBuf> {
    let real = path.canonicalize()?;
    if Handle::from_file(file.try_clone()?)? == Handle::from_path(&real)? {
        Ok(real)
    } else {
        Err(io::Error::other("it was replaced while it was opened"))
    }
}

/// Why a file is not one that this program made for its user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotOurs {
    /// It leads to another file.
    #[error("is a link")]
    Link,
    /// It is a folder, a pipe or a device.
    #[error("is not a regular file")]
    Irregular,
    /// It is another user's.
    #[error("belongs to another user")]
    OtherUser,
    /// It holds something else.
    #[error("holds something else")]
    OtherContents,
}

/// Opens a file that this program keeps for itself, to read and write it, and makes it for its user
/// alone where there is none. A link is not followed. The inner error says why what is there is not
/// ours.
///
/// # Errors
/// When it cannot be opened.
pub(crate) fn open_own(path: &Path) -> io::Result<Result<File, NotOurs>> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    unfollowed(&mut options);
    let file = match options.open(path) {
        Ok(file) => file,
        Err(error) => return look(path)?.map_or(Err(error), |why| Ok(Err(why))),
    };
    let metadata = file.metadata()?;
    Ok(match flaw(&metadata) {
        Some(why) => Err(why),
        None if !is_of_user(&metadata) => Err(NotOurs::OtherUser),
        None => Ok(file),
    })
}

/// Opens a file that this program keeps for itself, to read it and through no link.
///
/// # Errors
/// When it cannot be opened, or is something else.
pub(crate) fn open_unfollowed(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    unfollowed(&mut options);
    let file = options.open(path)?;
    match flaw(&file.metadata()?) {
        Some(why) => Err(io::Error::new(io::ErrorKind::InvalidInput, why)),
        None => Ok(file),
    }
}

/// Why what a path names cannot be a file of this program; none where there is nothing.
///
/// # Errors
/// When the system does not say what it is.
pub(crate) fn look(path: &Path) -> io::Result<Option<NotOurs>> {
    match path.symlink_metadata() {
        Ok(metadata) => Ok(flaw(&metadata)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether a file belongs to whoever runs this program, or to the system. Where files have no such
/// owner, all do.
#[must_use]
pub(crate) fn is_of_user(metadata: &Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let owner = metadata.uid();
        owner == 0 || owner == rustix::process::geteuid().as_raw()
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        true
    }
}

/// Whether other users of this machine may read an open file: on Windows a group that is everybody's,
/// for administrators may read everything anywhere. Where files have no such rights, nobody else does.
///
/// # Errors
/// When the system does not say.
pub(crate) fn others_may_read(file: &File) -> io::Result<bool> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        Ok(file.metadata()?.permissions().mode() & 0o077 != 0)
    }
    #[cfg(windows)]
    {
        windows::everybody_may_read(file)
    }
    #[cfg(not(any(unix, windows)))]
    {
        let _ = file;
        Ok(false)
    }
}

/// The command by which a file becomes its user's alone.
#[must_use]
pub(crate) fn for_its_user_alone(path: &Path) -> String {
    let path = path.display();
    if cfg!(windows) {
        format!("icacls \"{path}\" /inheritance:r /grant:r \"%USERNAME%:F\"")
    } else {
        format!("chmod 600 {path}")
    }
}

/// What to do about a file that is there and could not be read, or `otherwise`.
#[must_use]
pub(crate) fn to_read_it<'a>(error: &io::Error, otherwise: &'a str) -> &'a str {
    // Windows' ERROR_SHARING_VIOLATION: Excel and some viewers of PDFs let nobody else open a file.
    const IN_USE: i32 = 32;
    if cfg!(windows) && error.raw_os_error() == Some(IN_USE) {
        "close it in the program that has it open, then run the command again"
    } else {
        otherwise
    }
}

fn flaw(metadata: &Metadata) -> Option<NotOurs> {
    if metadata.is_symlink() {
        Some(NotOurs::Link)
    } else if metadata.is_file() {
        None
    } else {
        Some(NotOurs::Irregular)
    }
}

/// A link is an error, or opened itself.
fn unfollowed(options: &mut OpenOptions) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;

        use rustix::fs::OFlags;
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
        options.custom_flags(flags.bits().cast_signed()).mode(0o600);
    }
    #[cfg(windows)]
    {
        use std::os::windows::fs::OpenOptionsExt;
        // FILE_FLAG_OPEN_REPARSE_POINT.
        options.custom_flags(0x0020_0000);
    }
}

/// The rights of files on Windows.
#[cfg(windows)]
mod windows {
    use std::fs::File;
    use std::io;

    use windows_permissions::constants::{
        AccessRights, AceFlags, AceType, SeObjectType, SecurityInformation,
    };
    use windows_permissions::wrappers::GetSecurityInfo;

    /// Groups that every user of a machine is in, or may be: everybody, anonymous, those of the network,
    /// at the machine and signed in, users and guests (Microsoft, "Well-known SIDs").
    const EVERYBODY: [&str; 8] = [
        "S-1-1-0",
        "S-1-5-2",
        "S-1-5-4",
        "S-1-5-7",
        "S-1-5-11",
        "S-1-5-15",
        "S-1-5-32-545",
        "S-1-5-32-546",
    ];
    /// Users and guests of a domain, or of this machine.
    const DOMAIN: [&str; 2] = ["-513", "-514"];

    /// Whether a list of rights lets such a group read the file.
    pub(super) fn everybody_may_read(file: &File) -> io::Result<bool> {
        let rights = GetSecurityInfo(
            file,
            SeObjectType::SE_FILE_OBJECT,
            SecurityInformation::Dacl,
        )?;
        let Some(list) = rights.dacl() else {
            // Without a list everything is allowed.
            return Ok(true);
        };
        let entries = (0..list.len()).filter_map(|index| list.get_ace(index));
        let is_everybody = |sid: String| {
            EVERYBODY.contains(&sid.as_str())
                || (sid.starts_with("S-1-5-21-") && DOMAIN.iter().any(|end| sid.ends_with(end)))
        };
        // FILE_READ_DATA, or what includes it.
        let reads = AccessRights::from_bits_truncate(1)
            | AccessRights::GenericRead
            | AccessRights::GenericAll;
        Ok(entries
            .filter(|entry| entry.ace_type() == AceType::ACCESS_ALLOWED_ACE_TYPE)
            .filter(|entry| !entry.flags().contains(AceFlags::InheritOnly))
            .filter(|entry| entry.mask().intersects(reads))
            .any(|entry| entry.sid().is_some_and(|sid| is_everybody(sid.to_string()))))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn a_file_is_opened_and_a_folder_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list.csv");
        std::fs::write(&path, "ID\n").unwrap();
        let mut text = String::new();
        open(&path).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "ID\n");
        assert!(open(folder.path()).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_file_is_where_it_lies_whatever_its_path_says() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().canonicalize().unwrap();
        let (inside, outside) = (real.join("inside"), real.join("outside"));
        std::fs::create_dir_all(&inside).unwrap();
        std::fs::write(&outside, "x").unwrap();
        let link = inside.join("link");
        std::os::unix::fs::symlink(&outside, &link).unwrap();
        let opened = Opened::at(&link).unwrap();
        assert_eq!(opened.real, outside);
        assert!(opened.is_beneath(&real) && !opened.is_beneath(&inside));
        // The way of systems that do not say it themselves.
        assert_eq!(resolved(&opened.file, &link).unwrap(), outside);
        std::fs::remove_file(&link).unwrap();
        std::fs::write(&link, "another").unwrap();
        assert!(resolved(&opened.file, &link).is_err());
    }
}
