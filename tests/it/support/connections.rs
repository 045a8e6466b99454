//! The connections of a fake server on loopback: each has a thread, and all end with the server.

use std::collections::HashMap;
use std::io::{self, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use socket2::SockRef;

use super::pace;

/// Longest that dropping a server waits for sessions stuck in a hook of the test.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// How many bytes of an answer crawl.
const CRAWLING: usize = 300;

/// What a server hears of its connections.
pub enum Connected<'a> {
    /// A client is there; the connection ends when this has been dealt with.
    Begun(&'a Link),
    /// A connection could not be served, or its session panicked.
    Trouble(String),
}

type Serve = dyn Fn(Connected<'_>) + Send + Sync;

/// One connection.
pub struct Link {
    /// Its number, from 1.
    pub id: u64,
    pub socket: TcpStream,
    hub: Arc<Hub>,
}

impl Link {
    /// Lets time pass; true when the server stopped meanwhile.
    pub fn pause(&self, time: Duration) -> bool {
        self.hub.wait(time, |state| state.stopped)
    }

    /// Writes a byte at a time; of a long answer only the beginning, so that it ends.
    pub fn crawl(&self, wire: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
        let (slow, rest) = bytes.split_at(bytes.len().min(CRAWLING));
        for byte in slow {
            wire.write_all(std::slice::from_ref(byte))?;
            wire.flush()?;
            if self.pause(Duration::from_millis(1)) {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
        }
        wire.write_all(rest)
    }
}

/// Makes the end of a connection a reset (RST), as a router's or a crashed machine's is, and not a
/// goodbye. It comes when nobody has the socket any more.
pub fn reset(socket: &TcpStream) {
    let none = Some(Duration::ZERO);
    let _ = SockRef::from(socket).set_linger(none);
}

/// Says goodbye, unless the connection is to be reset.
pub fn close(socket: &TcpStream) {
    if SockRef::from(socket).linger().ok().flatten().is_none() {
        let _ = socket.shutdown(Shutdown::Both);
    }
}

/// All connections of a server; dropping this closes them.
pub struct Connections {
    name: &'static str,
    hub: Arc<Hub>,
    address: SocketAddr,
    listener: TcpListener,
    acceptor: Option<JoinHandle<()>>,
}

impl Connections {
    /// Serves every connection to this listener.
    pub fn accept(
        name: &'static str,
        listener: TcpListener,
        serve: impl Fn(Connected<'_>) + Send + Sync + 'static,
    ) -> Self {
        let address = listener.local_addr().expect("bound address");
        let hub = Arc::new(Hub {
            name,
            serve: Box::new(serve),
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let accepting = Arc::clone(&hub);
        let accepted = listener.try_clone().expect("listener");
        let acceptor = thread::spawn(move || accepting.accept_all(&accepted));
        Self {
            name,
            hub,
            address,
            listener,
            acceptor: Some(acceptor),
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Makes a thin line of each further connection.
    pub fn narrow(&self) {
        pace::narrow(&self.listener).expect("thin line");
    }

    /// Waits until every client has left and what it asked for is done; false when that takes too
    /// long.
    pub fn wait_idle(&self, timeout: Duration) -> bool {
        self.hub.wait(timeout, |state| state.live.is_empty())
    }
}

impl Drop for Connections {
    fn drop(&mut self) {
        {
            let mut state = self.hub.state();
            state.stopped = true;
            for socket in state.live.values() {
                let _ = socket.shutdown(Shutdown::Both);
            }
        }
        self.hub.changed.notify_all();
        let woken = TcpStream::connect_timeout(&self.address, STOP_LIMIT).is_ok();
        if let Some(acceptor) = self.acceptor.take().filter(|_| woken) {
            let _ = acceptor.join();
        }
        if self.hub.wait(STOP_LIMIT, |state| state.live.is_empty()) {
            let threads = std::mem::take(&mut self.hub.state().threads);
            for thread in threads {
                let _ = thread.join();
            }
        } else {
            let name = self.name;
            eprintln!("fake {name} server: a session is stuck in a hook of the test");
        }
    }
}

#[derive(Default)]
struct State {
    live: HashMap<u64, TcpStream>,
    threads: Vec<JoinHandle<()>>,
    count: u64,
    stopped: bool,
}

struct Hub {
    name: &'static str,
    serve: Box<Serve>,
    state: Mutex<State>,
    changed: Condvar,
}

impl Hub {
    /// A lock that outlives the panic of a session.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn accept_all(self: &Arc<Self>, listener: &TcpListener) {
        loop {
            let accepted = listener.accept();
            if self.state().stopped {
                return;
            }
            if let Err(error) = accepted.and_then(|(socket, _)| self.begin(socket)) {
                let text = format!("server: cannot serve a connection: {error}");
                (self.serve)(Connected::Trouble(text));
                self.wait(Duration::from_millis(10), |state| state.stopped);
            }
        }
    }

    fn begin(self: &Arc<Self>, socket: TcpStream) -> io::Result<()> {
        socket.set_nodelay(true)?;
        let id = self.register(&socket)?;
        let link = Link {
            id,
            socket,
            hub: Arc::clone(self),
        };
        let spawned = thread::Builder::new()
            .name(format!("{}-{id}", self.name))
            .spawn(move || link.hub.run(&link));
        let spawned = spawned.inspect_err(|_| self.forget(id))?;
        self.state().threads.push(spawned);
        Ok(())
    }

    fn register(&self, socket: &TcpStream) -> io::Result<u64> {
        let kept = socket.try_clone()?;
        let mut state = self.state();
        state.count += 1;
        let id = state.count;
        state.live.insert(id, kept);
        if state.stopped {
            let _ = socket.shutdown(Shutdown::Both);
        }
        Ok(id)
    }

    fn run(&self, link: &Link) {
        let run = catch_unwind(AssertUnwindSafe(|| (self.serve)(Connected::Begun(link))));
        if let Err(panic) = run {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            let text = format!("session {} panicked: {}", link.id, text.unwrap_or("?"));
            (self.serve)(Connected::Trouble(text));
        }
        close(&link.socket);
        self.forget(link.id);
    }

    fn forget(&self, id: u64) {
        self.state().live.remove(&id);
        self.changed.notify_all();
    }

    fn wait(&self, timeout: Duration, done: impl Fn(&State) -> bool) -> bool {
        let waited = self
            .changed
            .wait_timeout_while(self.state(), timeout, |state| !done(state));
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        done(&state)
    }
}
