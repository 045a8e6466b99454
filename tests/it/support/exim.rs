//! A whole Exim in folders of its own, on loopback: it takes mail at a high port, passes it on to another
//! port of this machine, and delivers to one mailbox. It has the machine's folder of settings replaced in
//! a mount namespace of its own, for its user and its settings are compiled in: nothing of the machine is
//! touched, and no package has to be installed.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::{maildir, wait};

/// The number of the user that Debian's program runs as, in the namespace alone.
const USER: u32 = 61_418;
/// What Exim and the C library look up.
const SETTINGS: [&str; 6] = [
    "passwd",
    "group",
    "nsswitch.conf",
    "hosts",
    "ld.so.cache",
    "resolv.conf",
];

pub struct Exim {
    folder: TempDir,
    child: Child,
    pub port: u16,
}

impl Exim {
    /// Starts one that delivers mail for `study.example` and passes all other mail on to a port.
    /// Nothing is known of the domain `nowhere.example`. What cannot be passed on is warned of after a
    /// second, and given up after some.
    pub fn start(next: u16) -> Result<Self, String> {
        let program =
            program().ok_or("Exim is not here: neither installed nor in target/ci-exim")?;
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        fs::set_permissions(at, fs::Permissions::from_mode(0o755)).unwrap();
        fs::create_dir_all(at.join("etc/exim4")).unwrap();
        for name in SETTINGS {
            // One that is not there is not needed either.
            let _ = fs::copy(Path::new("/etc").join(name), at.join("etc").join(name));
        }
        add(
            &at.join("etc/passwd"),
            &format!("Debian-exim:x:{USER}:{USER}::/:/bin/false\n"),
        );
        add(&at.join("etc/group"), &format!("Debian-exim:x:{USER}:\n"));
        for name in ["spool", "mail"] {
            fs::create_dir(at.join(name)).unwrap();
            chown(at.join(name), Some(USER), Some(USER)).unwrap();
        }
        let exim = at.join("exim");
        fs::copy(program, &exim).unwrap();
        // It runs itself anew for each delivery, as root.
        fs::set_permissions(&exim, fs::Permissions::from_mode(0o4755)).unwrap();
        let port = wait::free_port();
        fs::write(at.join("etc/exim4/exim4.conf"), settings(at, port, next)).unwrap();
        let child = Command::new("unshare")
            .args(["--mount", "sh", "-c"])
            .arg("mount --bind \"$1/etc\" /etc && exec \"$1/exim\" -bdf -q1s")
            .arg("sh")
            .arg(at)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("unshare cannot be run: {error}"))?;
        let mut server = Self {
            folder,
            child,
            port,
        };
        let begun = std::time::Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            // Where the system gives nobody a namespace, as in some containers.
            if let Some(ended) = server.child.try_wait().unwrap() {
                return Err(format!("Exim does not start: {ended}"));
            }
            assert!(begun.elapsed() < wait::LONG, "Exim does not answer");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        Ok(server)
    }

    /// The Maildir of `study.example`.
    pub fn inbox(&self) -> PathBuf {
        self.folder.path().join("mail/inbox")
    }

    /// The mails in it.
    pub fn mails(&self) -> Vec<String> {
        maildir::mails(&self.inbox())
    }

    /// Whether no mail is on its way.
    pub fn is_idle(&self) -> bool {
        maildir::is_empty(&self.folder.path().join("spool/input"))
    }
}

impl Drop for Exim {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Exim as it is installed, or as `.ci/run` unpacked it.
fn program() -> Option<PathBuf> {
    let unpacked = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/ci-exim/usr/sbin/exim4");
    [PathBuf::from("/usr/sbin/exim4"), unpacked]
        .into_iter()
        .find(|path| path.exists())
}

fn add(file: &Path, line: &str) {
    let text = fs::read_to_string(file).unwrap_or_default();
    fs::write(file, text + line).unwrap();
}

/// By default it warns of no mail that says that a program sent it, as letters do.
fn settings(at: &Path, port: u16, next: u16) -> String {
    let root = at.display();
    format!(
        "exim_path = {root}/exim\nspool_directory = {root}/spool\nlog_file_path = {root}/spool/%slog\n\
         pid_file_path = {root}/spool/pid\nprimary_hostname = mx.study.example\nlocal_interfaces = 127.0.0.1\n\
         daemon_smtp_ports = {port}\ndisable_ipv6 = true\nacl_smtp_rcpt = all\nacl_smtp_data = all\n\
         dsn_advertise_hosts = *\nhost_lookup =\ntls_advertise_hosts =\nkeep_environment =\nnever_users =\n\
         delay_warning = 1s\ndelay_warning_condition = yes\nsmtp_accept_max = 100\n\
         begin acl\nall:\n  accept\n\
         begin routers\n\
         nowhere:\n  driver = redirect\n  domains = nowhere.example\n  allow_fail\n  data = :fail: Unrouteable address\n\
         home:\n  driver = accept\n  domains = study.example\n  transport = inbox\n\
         schools:\n  driver = manualroute\n  route_list = * 127.0.0.1 byname\n  self = send\n  transport = schools\n\
         begin transports\n\
         inbox:\n  driver = appendfile\n  directory = {root}/mail/inbox\n  maildir_format\n  user = Debian-exim\n\
         schools:\n  driver = smtp\n  port = {next}\n  allow_localhost\n  hosts_avoid_tls = *\n\
         begin retry\n* * F,4s,1s\n"
    )
}
