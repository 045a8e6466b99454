//! A state file where several machines can reach it. None can be mounted here without a second machine,
//! so the program is shown a list of mounts that has one.

use std::fs;
use std::process::Command;

use crate::storage::MAIL;
use crate::support::disk::may_mount;
use crate::support::smtp::SmtpServer;
use crate::support::{Ran, TestBatch, accepted_by, assert_each_once};

/// Sends while the list of mounts says that the batch's folder is of this kind.
fn send_on(kind: &str, batch: &TestBatch, arguments: &[&str]) -> Ran {
    let folder = batch.folder().canonicalize().unwrap();
    batch.write(
        "mounts",
        format!(
            "22 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n\
             30 22 0:25 / {} rw,relatime - {kind} files.example:/home rw\n",
            folder.display()
        ),
    );
    // A mount of its own, seen by this process alone.
    let script = "mount --bind \"$1\" /proc/$$/mountinfo && shift && exec \"$@\"";
    let mut command = Command::new("unshare");
    command
        .args(["-m", "sh", "-c", script, "sh"])
        .arg(batch.path("mounts"))
        .arg(env!("CARGO_BIN_EXE_postroom"))
        .arg("send")
        .arg(batch.folder())
        .arg("--yes")
        .args(arguments);
    Ran::of(command.output().unwrap())
}

#[test]
fn a_state_file_that_machines_share_is_refused() {
    if !may_mount() {
        return;
    }
    let server = SmtpServer::start();
    let batch = TestBatch::new(2);
    batch.use_smtp(server.port(), "");
    for kind in ["nfs4", "cifs", "fuse.sshfs", "9p"] {
        let ran = send_on(kind, &batch, &[]).expect(3);
        let ran = ran
            .says(&format!("is on a file system that machines share ({kind})"))
            .says("next: keep the state file on a disk of this machine, and name it with --state");
        assert!(ran.stderr.contains("nothing was sent"), "{ran:?}");
        assert!(!batch.path(MAIL).exists());
    }
    assert!(accepted_by(&server).is_empty());
    // The batch itself may lie there.
    let local = tempfile::tempdir().unwrap();
    let state = local.path().join("state.db");
    send_on("nfs4", &batch, &["--state", state.to_str().unwrap()]).expect(0);
    assert_each_once(&server, 2);
}

/// A link does not hide where the file is.
#[test]
fn a_state_file_is_where_its_links_lead() {
    if !may_mount() {
        return;
    }
    let batch = TestBatch::new(1);
    let local = tempfile::tempdir().unwrap();
    let link = local.path().join("link");
    std::os::unix::fs::symlink(batch.folder(), &link).unwrap();
    let state = link.join("state.db");
    send_on("nfs", &batch, &["--state", state.to_str().unwrap()])
        .expect(3)
        .says("machines share (nfs)");
    send_on("ext4", &batch, &["--state", state.to_str().unwrap()]).expect(0);
    assert!(fs::metadata(batch.path("state.db")).is_ok());
}
