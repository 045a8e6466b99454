//! A whole Dovecot in folders of its own, on loopback: one mailbox, which is read with IMAP.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::wait;

/// The password of every account.
pub const PASSWORD: &str = "correct-horse";

pub struct Dovecot {
    folder: TempDir,
    child: Child,
    pub port: u16,
}

impl Dovecot {
    pub fn start() -> Result<Self, String> {
        let program = "/usr/sbin/dovecot";
        if !Path::new(program).exists() {
            return Err("Dovecot is not installed".into());
        }
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        fs::set_permissions(at, fs::Permissions::from_mode(0o755)).unwrap();
        let owner = Path::new("/var/mail")
            .metadata()
            .map_err(|error| error.to_string())?;
        for sub in ["", "/.Junk"] {
            for part in ["", "/new", "/cur", "/tmp"] {
                let path = at.join(format!("mail{sub}{part}"));
                fs::create_dir_all(&path).unwrap();
                chown(&path, Some(8), Some(owner.gid())).unwrap();
            }
        }
        let port = wait::free_port();
        let root = at.display();
        fs::write(
            at.join("dovecot.conf"),
            format!(
                "base_dir = {root}/run\nstate_dir = {root}/run\nlog_path = {root}/log\nprotocols = imap\n\
                 listen = 127.0.0.1\nssl = no\ndisable_plaintext_auth = no\nmail_location = maildir:{root}/mail\n\
                 first_valid_uid = 1\nmail_uid = mail\nmail_gid = mail\ndefault_internal_user = dovecot\n\
                 default_login_user = dovenull\npassdb {{\n  driver = static\n  args = password={PASSWORD}\n}}\n\
                 userdb {{\n  driver = static\n  args = uid=mail gid=mail home={root}\n}}\n\
                 service imap-login {{\n  chroot =\n  inet_listener imap {{\n    address = 127.0.0.1\n    port = {port}\n  }}\n\
                 \x20 inet_listener imaps {{\n    port = 0\n  }}\n}}\nservice anvil {{\n  chroot =\n}}\n"
            ),
        )
        .unwrap();
        let child = Command::new(program)
            .arg("-F")
            .arg("-c")
            .arg(at.join("dovecot.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| error.to_string())?;
        let mut server = Self {
            folder,
            child,
            port,
        };
        wait::until_others("the start of Dovecot", || {
            let ended = server.child.try_wait().unwrap();
            assert!(ended.is_none(), "Dovecot ended: {ended:?}");
            TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
        });
        Ok(server)
    }

    /// Puts a mail that nobody has seen into a folder; "" is the inbox.
    pub fn deliver(&self, folder: &str, name: &str, mail: &str) {
        let path = self
            .maildir(folder)
            .join("new")
            .join(format!("{name}.M1P1.here"));
        fs::write(path, mail.replace('\n', "\r\n")).unwrap();
    }

    /// The names of the mails, which hold their marks.
    pub fn marks(&self) -> Vec<String> {
        let mut all = Vec::new();
        for folder in ["", ".Junk"] {
            for part in ["new", "cur"] {
                for entry in fs::read_dir(self.maildir(folder).join(part)).unwrap() {
                    let name = entry.unwrap().file_name().into_string().unwrap();
                    // A mail that a server has listed is not new any more; a mark follows the comma.
                    let marks = name.split_once(":2,").map_or("", |(_, marks)| marks);
                    all.push(format!("{} {marks}", name.split('.').next().unwrap()));
                }
            }
        }
        all.sort();
        all
    }

    fn maildir(&self, folder: &str) -> PathBuf {
        self.folder.path().join("mail").join(folder)
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        let _ = Command::new("kill")
            .arg(self.child.id().to_string())
            .status();
        let _ = self.child.wait();
    }
}
