//! A small file system in memory, mounted for a test: a full disk is shown by a real one alone.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::servers;

/// Whether this user may mount file systems for a process of its own.
pub fn may_mount() -> bool {
    let may = Command::new("unshare")
        .args(["-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"])
        .output()
        .is_ok_and(|output| output.status.success());
    if !may {
        skip();
    }
    may
}

/// Says that a test does not run here, which root must be able to where it is insisted on.
fn skip() {
    let id = Command::new("id").arg("-u").output().unwrap();
    let is_root = id.stdout.trim_ascii() == b"0";
    assert!(!(is_root && servers::insists()), "root cannot mount");
    eprintln!("skipped: this user cannot mount a file system");
}

/// A mounted file system that goes with the test.
pub struct SmallDisk {
    _folder: tempfile::TempDir,
    pub path: PathBuf,
}

impl SmallDisk {
    /// Of so many KiB, or none where this user cannot mount.
    pub fn mount(kib: u32) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("disk");
        fs::create_dir(&path).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={kib}k"), "tmpfs"])
            .arg(&path)
            .output()
            .is_ok_and(|output| output.status.success());
        if !mounted {
            skip();
            return None;
        }
        Some(Self {
            _folder: folder,
            path,
        })
    }

    pub fn grow(&self, kib: u32) {
        self.remount(&format!("size={kib}k"));
    }

    /// Mounts it again with an option such as `ro`.
    pub fn remount(&self, option: &str) {
        let done = Command::new("mount")
            .args(["-o", &format!("remount,{option}")])
            .arg(&self.path)
            .status();
        assert!(done.unwrap().success(), "{option}");
    }

    /// Gives back what [`fill`](Self::fill) took.
    pub fn empty(&self) {
        fs::remove_file(self.path.join("other")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmount = |path: &Path| Command::new("umount").arg("-l").arg(path).status();
        // Without this the folder could not be removed.
        let _ = unmount(&self.path);
    }
}
