//! A folder mounted over SFTP by sshfs: a file system of the network, without a network. OpenSSH's
//! `sftp-server` serves it over a pair of sockets.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::disk::may_mount;
use super::{servers, wait};

const SERVERS: [&str; 2] = [
    "/usr/lib/openssh/sftp-server",
    "/usr/libexec/openssh/sftp-server",
];

/// A mount that goes with the test.
pub struct Sshfs {
    folder: tempfile::TempDir,
    client: Child,
    server: Child,
}

impl Sshfs {
    /// Mounts a folder a second time, or says why it cannot be done here.
    pub fn mount(folder: &Path) -> Result<Self, String> {
        let server = SERVERS.iter().find(|path| Path::new(path).exists());
        let server = server.ok_or("sftp-server is not installed")?;
        std::fs::OpenOptions::new()
            .read(true)
            .write(true)
            .open("/dev/fuse")
            .map_err(|error| format!("/dev/fuse cannot be opened: {error}"))?;
        let mounted = tempfile::tempdir().unwrap();
        let (here, there) = UnixStream::pair().unwrap();
        let mut client = Command::new("sshfs")
            .args(["-f", "-o", "passive"])
            .arg(format!(":{}", folder.display()))
            .arg(mounted.path())
            .stdin(both_ways(&here))
            .stdout(both_ways(&here))
            .spawn()
            .map_err(|error| format!("sshfs cannot be run: {error}"))?;
        let server = Command::new(server)
            .stdin(both_ways(&there))
            .stdout(both_ways(&there))
            .spawn()
            .unwrap();
        let point = mounted.path().canonicalize().unwrap();
        let point = format!(" {} ", point.display());
        let is_mounted = || {
            let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
            mounts.contains(&point)
        };
        wait::until("sshfs", || {
            is_mounted() || client.try_wait().unwrap().is_some()
        });
        let mount = Self {
            folder: mounted,
            client,
            server,
        };
        if !is_mounted() {
            return Err("sshfs cannot mount here".to_owned());
        }
        Ok(mount)
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().to_owned()
    }
}

fn both_ways(socket: &UnixStream) -> Stdio {
    Stdio::from(OwnedFd::from(socket.try_clone().unwrap()))
}

/// A mount, or a word that the test does not run. It is insisted on where this user can mount at all
/// and the system has FUSE.
pub fn or_skip(mount: Result<Sshfs, String>) -> Option<Sshfs> {
    if may_mount() && Path::new("/dev/fuse").exists() {
        return servers::or_skip(mount);
    }
    if let Err(why) = &mount {
        eprintln!("skipped: {why}");
    }
    mount.ok()
}

impl Drop for Sshfs {
    fn drop(&mut self) {
        // Without this, removing the folder would remove what is in it.
        let unmounted = Command::new("fusermount3")
            .args(["-u", "-z"])
            .arg(self.path())
            .status();
        for child in [&mut self.client, &mut self.server] {
            let _ = child.kill();
            let _ = child.wait();
        }
        if !unmounted.is_ok_and(|status| status.success()) {
            eprintln!("{} may be mounted still", self.path().display());
        }
    }
}
