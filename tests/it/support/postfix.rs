//! A whole Postfix in folders of its own, on loopback: it takes mail at a high port, passes it on to
//! another port of this machine, and delivers to one mailbox. No other Postfix is touched.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use tempfile::TempDir;

use super::{maildir, wait};

pub struct Postfix {
    folder: TempDir,
    pub port: u16,
}

impl Postfix {
    /// Starts one that delivers mail for `study.example` and passes all other mail on to a port.
    /// Nothing is known of the domain `nowhere.example`. What cannot be passed on is warned of after a
    /// second, and given up after some.
    pub fn start(next: u16) -> Result<Self, String> {
        Self::start_at(wait::free_port(), next)
    }

    /// The same at a port that was chosen before.
    pub fn start_at(port: u16, next: u16) -> Result<Self, String> {
        Self::with(port, &Self::routes(next), "", 6)
    }

    /// A relay whose next hop may be away for an hour.
    pub fn relay(next: u16) -> Result<Self, String> {
        Self::with(wait::free_port(), &Self::routes(next), "", 3600)
    }

    fn routes(next: u16) -> String {
        format!(
            "/@nowhere\\.example$/ error:5.4.4 Host or domain name not found. Name service error for \
             name=nowhere.example type=MX: Host not found\n/@study\\.example$/ virtual:\n\
             /./ smtp:[127.0.0.1]:{next}\n"
        )
    }

    /// Starts one that sends no notices and says so. It passes mail for `study.example` on to the server
    /// at the port `home`, and all other mail to `next`.
    pub fn start_relay(home: u16, next: u16) -> Result<Self, String> {
        let routes =
            format!("/@study\\.example$/ smtp:[127.0.0.1]:{home}\n/./ smtp:[127.0.0.1]:{next}\n");
        let settings = "smtpd_discard_ehlo_keywords = dsn\n";
        Self::with(wait::free_port(), &routes, settings, 6)
    }

    /// One that gives up after so many seconds. What it sends back itself is kept until it arrives.
    fn with(port: u16, routes: &str, settings: &str, seconds: u32) -> Result<Self, String> {
        let postfix = "/usr/sbin/postfix";
        let daemons = "/usr/lib/postfix/sbin";
        if !Path::new(postfix).exists() || !Path::new(daemons).exists() {
            return Err("Postfix is not installed".into());
        }
        let (user, group) = owner("postfix").ok_or("there is no user postfix")?;
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        fs::set_permissions(at, fs::Permissions::from_mode(0o755)).unwrap();
        for name in ["etc", "queue", "data", "mail"] {
            fs::create_dir(at.join(name)).unwrap();
        }
        for name in ["data", "mail"] {
            chown(at.join(name), Some(user), Some(group)).unwrap();
        }
        let root = at.display();
        fs::write(
            at.join("etc/main.cf"),
            format!(
                "compatibility_level = 3.6\nqueue_directory = {root}/queue\ndata_directory = {root}/data\n\
                 command_directory = /usr/sbin\ndaemon_directory = {daemons}\nmail_owner = postfix\n\
                 setgid_group = postdrop\ninet_interfaces = 127.0.0.1\ninet_protocols = ipv4\n\
                 myhostname = mx.study.example\nmydestination =\nmynetworks = 127.0.0.0/8\n\
                 smtpd_relay_restrictions = permit_mynetworks, reject\nsmtpd_reject_unlisted_recipient = no\nalias_maps =\nalias_database =\n\
                 virtual_mailbox_domains = study.example\nvirtual_mailbox_base = {root}/mail\n\
                 virtual_mailbox_maps = static:inbox/\nvirtual_minimum_uid = 1\n\
                 virtual_uid_maps = static:{user}\nvirtual_gid_maps = static:{group}\n\
                 transport_maps = regexp:{root}/etc/transport\nmaillog_file = {root}/log\n\
                 maillog_file_prefixes = {root}\nnotify_classes =\nqueue_run_delay = 1s\n\
                 minimal_backoff_time = 1s\nmaximal_backoff_time = 1s\ndelay_warning_time = 1s\n\
                 maximal_queue_lifetime = {seconds}s\nbounce_queue_lifetime = 300s\n\
                 smtpd_client_connection_count_limit = 0\ndisable_dns_lookups = yes\n{settings}"
            ),
        )
        .unwrap();
        fs::write(at.join("etc/transport"), routes).unwrap();
        let mut services = format!("127.0.0.1:{port} inet n - n - - smtpd\n");
        for line in [
            "pickup unix n - n 60 1 pickup",
            "cleanup unix n - n - 0 cleanup",
            "qmgr unix n - n 300 1 qmgr",
            "rewrite unix - - n - - trivial-rewrite",
            "bounce unix - - n - 0 bounce",
            "defer unix - - n - 0 bounce",
            "trace unix - - n - 0 bounce",
            "verify unix - - n - 1 verify",
            "flush unix n - n 1000? 0 flush",
            "proxymap unix - - n - - proxymap",
            "proxywrite unix - - n - 1 proxymap",
            "smtp unix - - n - - smtp",
            "relay unix - - n - - smtp",
            "error unix - - n - - error",
            "retry unix - - n - - error",
            "virtual unix - n n - - virtual",
            "anvil unix - - n - 1 anvil",
            "scache unix - - n - 1 scache",
            "postlog unix-dgram n - n - 1 postlogd",
        ] {
            services.push_str(line);
            services.push('\n');
        }
        fs::write(at.join("etc/master.cf"), services).unwrap();
        let started = Command::new(postfix)
            .arg("-c")
            .arg(at.join("etc"))
            .arg("start")
            .stdin(Stdio::null())
            .output()
            .map_err(|error| error.to_string())?;
        if !started.status.success() {
            return Err(format!(
                "Postfix does not start: {}",
                String::from_utf8_lossy(&started.stderr)
            ));
        }
        let server = Self { folder, port };
        wait::until_others("the start of Postfix", || {
            TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
        });
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

    /// How many mails wait for the next hop.
    pub fn queued(&self) -> usize {
        let queue = self.folder.path().join("queue");
        let queues = ["incoming", "active", "deferred"];
        queues.iter().map(|name| files_in(&queue.join(name))).sum()
    }

    /// Tries to pass everything on now.
    pub fn flush(&self) {
        let flushed = Command::new("/usr/sbin/postqueue")
            .arg("-c")
            .arg(self.folder.path().join("etc"))
            .arg("-f")
            .stdin(Stdio::null())
            .output();
        assert!(flushed.unwrap().status.success());
    }

    /// Whether no mail is on its way.
    pub fn is_idle(&self) -> bool {
        ["incoming", "active", "deferred", "maildrop"]
            .iter()
            .all(|queue| maildir::is_empty(&self.folder.path().join("queue").join(queue)))
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        if thread::panicking() {
            // Its folder goes with it, and the log alone says why something did not come back.
            let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            eprintln!("{}", lines[lines.len().saturating_sub(60)..].join("\n"));
        }
        let _ = Command::new("/usr/sbin/postfix")
            .arg("-c")
            .arg(self.folder.path().join("etc"))
            .arg("stop")
            .stdin(Stdio::null())
            .output();
    }
}

/// User and group of a name, as /etc/passwd has them.
fn owner(name: &str) -> Option<(u32, u32)> {
    let users = fs::read_to_string("/etc/passwd").ok()?;
    let line = users
        .lines()
        .find(|line| line.split(':').next() == Some(name))?;
    let mut fields = line.split(':').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

fn files_in(folder: &Path) -> usize {
    let Ok(entries) = fs::read_dir(folder) else {
        return 0;
    };
    entries
        .flatten()
        .map(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => files_in(&entry.path()),
            _ => 1,
        })
        .sum()
}
