//! A fake SMTP server on loopback: it keeps what it accepted, notes every breach of the
//! protocol, and fails on demand.

mod script;

use std::collections::{HashMap, HashSet};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::connections::close;
use super::{lock, pace};
pub use script::{Action, Event, Step};

/// Longest that dropping a server waits for sessions stuck in a hook of the test.
const STOP_LIMIT: Duration = Duration::from_secs(5);

type Script = Arc<dyn Fn(&Event) -> Action + Send + Sync>;
type TokenCheck = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// A message the server took responsibility for, whether or not the client was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    pub mail_from: String,
    pub rcpt_to: Vec<String>,
    /// What was asked of delivery reports: with MAIL, then with each RCPT.
    pub asked: Vec<String>,
    /// The content without dot-stuffing, including the line end before the final dot.
    pub data: Arc<[u8]>,
    /// Number of the connection, from 1.
    pub session: u64,
    /// Number of its MAIL FROM among all of the server, from 1: `Event::message`.
    pub message: u64,
    /// The user who logged in.
    pub auth: Option<String>,
    pub tls: bool,
}

/// What the server offers; see [`SmtpServer::builder`].
pub struct Builder {
    capabilities: Vec<String>,
    size: usize,
    password: Option<(String, String)>,
    token: Option<(String, TokenCheck)>,
    plain: bool,
    starttls: bool,
    implicit_tls: bool,
    names: Vec<String>,
    expired: bool,
}

impl Builder {
    /// Offers AUTH PLAIN and LOGIN, and refuses mail before a login.
    pub fn auth(mut self, user: &str, password: &str) -> Self {
        self.password = Some((user.into(), password.into()));
        self
    }

    /// The same, with LOGIN alone.
    pub fn auth_login(mut self, user: &str, password: &str) -> Self {
        self.plain = false;
        self.auth(user, password)
    }

    /// The names in the certificate, in place of "localhost" and 127.0.0.1.
    pub fn certified_for(mut self, names: &[&str]) -> Self {
        self.names = names.iter().map(ToString::to_string).collect();
        self
    }

    /// The certificate was good once.
    pub fn expired(mut self) -> Self {
        self.expired = true;
        self
    }

    /// Offers AUTH XOAUTH2, and refuses mail before a login.
    pub fn oauth(self, user: &str, token: &str) -> Self {
        let token = token.to_owned();
        self.oauth_by(user, move |given| given == token)
    }

    /// The same, for every token that passes a check.
    pub fn oauth_by(
        mut self,
        user: &str,
        check: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.token = Some((user.into(), Arc::new(check)));
        self
    }

    /// Offers STARTTLS; AUTH is then offered under TLS only.
    pub fn starttls(mut self) -> Self {
        self.starttls = true;
        self
    }

    /// Speaks TLS from the first byte.
    pub fn implicit_tls(mut self) -> Self {
        self.implicit_tls = true;
        self
    }

    /// Offers delivery reports (RFC 3461).
    pub fn dsn(mut self) -> Self {
        self.capabilities.push("DSN".into());
        self
    }

    /// Largest message accepted, in bytes.
    pub fn size(mut self, bytes: usize) -> Self {
        self.size = bytes;
        self
    }

    /// Starts the server on a free port of 127.0.0.1.
    pub fn start(self) -> SmtpServer {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind to loopback");
        let address = listener.local_addr().expect("bound address");
        let tls = (self.starttls || self.implicit_tls).then(|| identity(&self.names, self.expired));
        let (ca_pem, tls) = tls.map_or((String::new(), None), |(pem, tls)| (pem, Some(tls)));
        let hub = Arc::new(Hub {
            offer: self,
            tls,
            script: Mutex::default(),
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let accepting = Arc::clone(&hub);
        let accepted = listener.try_clone().expect("listener");
        let acceptor = thread::spawn(move || accepting.accept_all(&accepted));
        SmtpServer {
            hub,
            address,
            listener,
            ca_pem,
            acceptor: Some(acceptor),
        }
    }
}

/// The running server; dropping it closes every connection.
pub struct SmtpServer {
    hub: Arc<Hub>,
    address: SocketAddr,
    listener: TcpListener,
    ca_pem: String,
    acceptor: Option<JoinHandle<()>>,
}

impl SmtpServer {
    /// A server without login and TLS.
    pub fn start() -> Self {
        Self::builder().start()
    }

    /// A server to be configured first.
    pub fn builder() -> Builder {
        Builder {
            capabilities: vec!["PIPELINING".into(), "8BITMIME".into()],
            size: 36_700_160,
            password: None,
            token: None,
            plain: true,
            starttls: false,
            implicit_tls: false,
            names: vec!["localhost".into(), "127.0.0.1".into()],
            expired: false,
        }
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Makes a thin line of each further connection.
    pub fn narrow(&self) {
        pace::narrow(&self.listener).expect("thin line");
    }

    /// Certificate of the authority behind the server's own; empty without TLS.
    pub fn ca_pem(&self) -> String {
        self.ca_pem.clone()
    }

    /// Decides from now on what happens at each step, in place of any earlier script.
    pub fn script(&self, script: impl Fn(&Event) -> Action + Send + Sync + 'static) {
        *lock(&self.hub.script) = Some(Arc::new(script));
    }

    /// The accepted messages, in the order of their acceptance.
    pub fn received(&self) -> Vec<Received> {
        lock(&self.hub.state).received.clone()
    }

    /// Breaches of the protocol by the client, misuse of the script, and panics of sessions.
    pub fn violations(&self) -> Vec<String> {
        lock(&self.hub.state).violations.clone()
    }

    /// Waits until no session is left; false when that takes too long.
    pub fn wait_idle(&self, timeout: Duration) -> bool {
        self.hub.wait(timeout, |state| state.live.is_empty())
    }

    /// How many connections were accepted so far.
    pub fn connections(&self) -> usize {
        lock(&self.hub.state).connections
    }

    /// The most connections that clients held open at once (those after QUIT do not count).
    pub fn max_concurrent(&self) -> usize {
        lock(&self.hub.state).max_concurrent
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        {
            let mut state = lock(&self.hub.state);
            state.stopped = true;
            for link in state.live.values() {
                let _ = link.socket.shutdown(Shutdown::Both);
            }
        }
        self.hub.changed.notify_all();
        let woken = TcpStream::connect_timeout(&self.address, STOP_LIMIT).is_ok();
        if let Some(acceptor) = self.acceptor.take().filter(|_| woken) {
            let _ = acceptor.join();
        }
        if !self.wait_idle(STOP_LIMIT) {
            eprintln!("fake SMTP server: a session is stuck in a hook of the test");
        }
    }
}

/// An open connection as seen by the server.
struct Link {
    socket: TcpStream,
    peer_port: u16,
    counted: bool,
}

#[derive(Default)]
struct State {
    received: Vec<Received>,
    violations: Vec<String>,
    live: HashMap<u64, Link>,
    connections: usize,
    max_concurrent: usize,
    messages: u64,
    stopped: bool,
}

/// What all sessions share.
struct Hub {
    offer: Builder,
    tls: Option<Arc<ServerConfig>>,
    script: Mutex<Option<Script>>,
    state: Mutex<State>,
    changed: Condvar,
}

impl Hub {
    fn accept_all(self: &Arc<Self>, listener: &TcpListener) {
        loop {
            let accepted = listener.accept();
            if lock(&self.state).stopped {
                return;
            }
            let started = accepted.and_then(|(socket, peer)| self.begin(socket, peer.port()));
            if let Err(error) = started {
                self.violation(format!("server: cannot serve a connection: {error}"));
                self.pause(Duration::from_millis(10));
            }
        }
    }

    fn begin(self: &Arc<Self>, socket: TcpStream, peer_port: u16) -> io::Result<()> {
        socket.set_nodelay(true)?;
        let port = socket.local_addr()?.port();
        let link = Link {
            socket: socket.try_clone()?,
            peer_port,
            counted: true,
        };
        let id = {
            let mut state = lock(&self.state);
            state.connections += 1;
            let id = state.connections as u64;
            state.live.insert(id, link);
            let mut open = state.live.values().filter(|link| link.counted).count();
            if open > state.max_concurrent.max(1)
                && let Some(held) = held_by_clients(port)
            {
                let held = |link: &&Link| link.counted && held.contains(&link.peer_port);
                open = state.live.values().filter(held).count();
            }
            state.max_concurrent = state.max_concurrent.max(open);
            if state.stopped {
                let _ = socket.shutdown(Shutdown::Both);
            }
            id
        };
        let hub = Arc::clone(self);
        let session = move || {
            let run = catch_unwind(AssertUnwindSafe(|| script::serve(&hub, id, &socket)));
            if let Err(panic) = run {
                let text = panic.downcast_ref::<String>().map(String::as_str);
                let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
                hub.violation(format!("session {id} panicked: {}", text.unwrap_or("?")));
            }
            close(&socket);
            hub.forget(id);
        };
        let spawned = thread::Builder::new()
            .name(format!("smtp-{id}"))
            .spawn(session);
        spawned.map(drop).inspect_err(|_| self.forget(id))
    }

    fn accept(&self, mail: Received) {
        lock(&self.state).received.push(mail);
        self.changed.notify_all();
    }

    fn violation(&self, text: String) {
        lock(&self.state).violations.push(text);
    }

    fn next_message(&self) -> u64 {
        let mut state = lock(&self.state);
        state.messages += 1;
        state.messages
    }

    /// The connection is on its transport and no longer counts as open.
    fn leave(&self, id: u64) {
        if let Some(link) = lock(&self.state).live.get_mut(&id) {
            link.counted = false;
        }
    }

    fn forget(&self, id: u64) {
        lock(&self.state).live.remove(&id);
        self.changed.notify_all();
    }

    fn wait(&self, timeout: Duration, done: impl Fn(&State) -> bool) -> bool {
        let waited = self
            .changed
            .wait_timeout_while(lock(&self.state), timeout, |s| !done(s));
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        done(&state)
    }

    /// Lets time pass; true when the server stopped meanwhile.
    fn pause(&self, time: Duration) -> bool {
        self.wait(time, |state| state.stopped)
    }
}

/// Ports of the clients that have not closed their end, as the kernel knows them. A session
/// learns of that later than the client can open its next connection.
fn held_by_clients(port: u16) -> Option<HashSet<u16>> {
    let table = std::fs::read_to_string("/proc/self/net/tcp").ok()?;
    let port_of = |address: &str| u16::from_str_radix(address.split_once(':')?.1, 16).ok();
    let peer = |row: &str| {
        let mut fields = row.split_whitespace().skip(1);
        let (local, peer, state) = (fields.next()?, fields.next()?, fields.next()?);
        (port_of(local) == Some(port) && state == "01").then(|| port_of(peer))?
    };
    Some(table.lines().filter_map(peer).collect())
}

/// A fresh authority, as PEM, and a server that proves itself by it.
pub(super) fn identity(names: &[String], expired: bool) -> (String, Arc<ServerConfig>) {
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
    let mut ca = CertificateParams::default();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages = vec![
        rcgen::KeyUsagePurpose::KeyCertSign,
        rcgen::KeyUsagePurpose::CrlSign,
    ];
    ca.distinguished_name
        .push(DnType::CommonName, "Fake SMTP authority");
    let ca_key = KeyPair::generate().expect("key of the authority");
    let pem = ca
        .self_signed(&ca_key)
        .expect("certificate of the authority")
        .pem();
    let mut host = CertificateParams::new(names).expect("names of the server");
    host.use_authority_key_identifier_extension = true;
    if expired {
        host.not_after = rcgen::date_time_ymd(2020, 1, 1);
    }
    let key = KeyPair::generate().expect("key of the server");
    let host = host
        .signed_by(&key, &Issuer::new(ca, ca_key))
        .expect("certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("protocol versions")
        .with_no_client_auth()
        .with_single_cert(
            vec![host.der().clone()],
            PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        )
        .expect("identity of the server");
    (pem, Arc::new(config))
}

/// The two ends of a connection, in clear or under TLS.
enum Wire {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
}

impl Wire {
    fn tls(socket: TcpStream, config: &Arc<ServerConfig>) -> io::Result<Self> {
        let tls = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
        Ok(Self::Tls(Box::new(StreamOwned::new(tls, socket))))
    }

    /// Tells the client that nothing more will come.
    fn finish(&mut self) -> io::Result<()> {
        let socket = match self {
            Self::Plain(socket) => socket,
            Self::Tls(stream) => {
                stream.conn.send_close_notify();
                stream.flush()?;
                &mut stream.sock
            }
        };
        socket.shutdown(Shutdown::Write)
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}
