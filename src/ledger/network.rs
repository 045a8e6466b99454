//! Whether a state file would be where several machines can reach it. SQLite's write-ahead log needs
//! memory that all who work with the file share, which two machines do not, and a lock that holds on
//! one of them may be unknown to the other.

use std::path::{Path, PathBuf};

use super::LedgerError;

/// Refuses a state file on a file system that machines share.
pub(super) fn refuse(path: &Path) -> Result<(), LedgerError> {
    let Some(kind) = folder(path).and_then(|folder| shared(&folder)) else {
        return Ok(());
    };
    Err(LedgerError::Shared {
        path: path.to_owned(),
        kind,
    })
}

/// The folder of the file that a path leads to, with all links followed; none where there is none.
fn folder(path: &Path) -> Option<PathBuf> {
    if let Ok(file) = path.canonicalize() {
        return file.parent().map(Path::to_owned);
    }
    let folder = path.parent().filter(|parent| *parent != Path::new(""));
    folder.unwrap_or(Path::new(".")).canonicalize().ok()
}

#[cfg(windows)]
fn shared(folder: &Path) -> Option<String> {
    use std::path::{Component, Prefix};
    match folder.components().next() {
        Some(Component::Prefix(prefix)) => match prefix.kind() {
            Prefix::UNC(..) | Prefix::VerbatimUNC(..) => Some("a network drive".to_owned()),
            _ => None,
        },
        _ => None,
    }
}

/// Where the system lists no mounts, nothing is known of them.
#[cfg(not(windows))]
fn shared(folder: &Path) -> Option<String> {
    let mounts = std::fs::read("/proc/self/mountinfo").ok()?;
    kind_at(folder, &mounts).filter(|kind| is_shared(kind))
}

/// The file system of a folder by the list of mounts (proc(5), "mountinfo"): the last of those that
/// are mounted closest above it.
#[cfg(not(windows))]
fn kind_at(folder: &Path, mounts: &[u8]) -> Option<String> {
    let mut closest: Option<(usize, String)> = None;
    for line in mounts.split(|&byte| byte == b'\n') {
        let fields: Vec<&[u8]> = line.split(|&byte| byte == b' ').collect();
        let Some(dash) = fields.iter().position(|field| *field == b"-") else {
            continue;
        };
        let (Some(point), Some(kind)) = (fields.get(4), fields.get(dash + 1)) else {
            continue;
        };
        let point = unescaped(point);
        let depth = point.components().count();
        if folder.starts_with(&point) && closest.as_ref().is_none_or(|(other, _)| *other <= depth) {
            closest = Some((depth, String::from_utf8_lossy(kind).into_owned()));
        }
    }
    closest.map(|(_, kind)| kind)
}

/// Blanks and the like stand in the list as a backslash and three octal digits.
#[cfg(not(windows))]
fn unescaped(field: &[u8]) -> PathBuf {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;
    let mut bytes = Vec::new();
    let mut rest = field;
    while let Some((&first, after)) = rest.split_first() {
        let digits = after.get(..3).filter(|_| first == b'\\');
        let code = digits
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        bytes.push(code.unwrap_or(first));
        rest = if code.is_some() { &after[3..] } else { after };
    }
    OsString::from_vec(bytes).into()
}

/// File systems of networks, clusters and hosts of virtual machines. A name begins with `fuse.` where
/// a program of the user's serves it.
#[cfg(not(windows))]
fn is_shared(kind: &str) -> bool {
    const SHARED: [&str; 28] = [
        "9p",
        "acfs",
        "afs",
        "afpfs",
        "beegfs",
        "ceph",
        "cifs",
        "coda",
        "davfs",
        "fhgfs",
        "gfs2",
        "glusterfs",
        "gpfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "ocfs2",
        "prl_fs",
        "pvfs2",
        "s3fs",
        "smb3",
        "smbfs",
        "sshfs",
        "vboxsf",
        "virtiofs",
        "vmhgfs",
        "webdav",
    ];
    const SERVED: [&str; 7] = [
        "davfs2",
        "gcsfuse",
        "gvfsd-fuse",
        "juicefs",
        "moosefs",
        "rclone",
        "vmhgfs-fuse",
    ];
    let name = kind.strip_prefix("fuse.").unwrap_or(kind);
    SHARED.contains(&name) || (kind != name && SERVED.contains(&name))
}

#[cfg(all(test, not(windows)))]
mod tests {
    use super::*;

    const MOUNTS: &[u8] = b"\
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 22 0:25 / /home rw,relatime shared:1 master:2 - nfs4 files.example:/home rw,vers=4.2
31 30 254:1 / /home/ann/local rw - xfs /dev/vdb rw
32 22 0:27 / /mnt/the\\040share rw - cifs //files.example/share rw
33 22 0:28 / /mnt/twice rw - nfs files.example:/old rw
34 22 254:2 / /mnt/twice rw - ext4 /dev/vdc rw
35 22 0:29 / /mnt/box rw - fuse.sshfs box.example: rw
36 22 0:30 / /mnt/disk rw - fuseblk /dev/sdb1 rw
what is no mount
";

    #[test]
    fn a_folder_is_on_the_mount_closest_above_it_and_the_last_one_there() {
        for (folder, kind, expected) in [
            ("/var/batch", "ext4", false),
            ("/home/ann/batch", "nfs4", true),
            ("/home/ann/local/batch", "xfs", false),
            ("/homes/ann", "ext4", false),
            ("/mnt/the share/batch", "cifs", true),
            ("/mnt/twice", "ext4", false),
            ("/mnt/box/a", "fuse.sshfs", true),
            ("/mnt/disk/a", "fuseblk", false),
        ] {
            let found = kind_at(Path::new(folder), MOUNTS).unwrap();
            assert_eq!((&*found, is_shared(&found)), (kind, expected), "{folder}");
        }
        assert_eq!(kind_at(Path::new("/a"), b""), None);
    }
}
