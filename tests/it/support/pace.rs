//! Reading slowly, as a busy server does behind a thin line: whoever writes to it has to wait.

use std::io::{self, Read};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use socket2::SockRef;

/// The receive buffer of a thin line, and what one segment carries over it. The writer's system keeps
/// some tens of segments; over loopback they would be of 64 KB, and most letters would fit whole.
const BUFFER: usize = 4096;
#[cfg(target_os = "linux")]
const SEGMENT: u32 = 1200;

type Watch = Arc<dyn Fn() -> bool + Send + Sync>;

/// How slowly a server reads.
#[derive(Clone)]
pub struct Pace {
    bytes: usize,
    pause: Duration,
    watch: Option<Watch>,
}

impl Pace {
    /// At most so many bytes at once, with such a pause before.
    pub fn of(bytes: usize, pause: Duration) -> Self {
        Self {
            bytes,
            pause,
            watch: None,
        }
    }

    /// The same, as long as this says so, which is asked at the end of each pause. Then all is read as
    /// fast as it goes.
    pub fn while_it(mut self, says_so: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        self.watch = Some(Arc::new(says_so));
        self
    }
}

/// A wire that can be read at a pace.
pub struct Paced<W> {
    pub wire: W,
    pace: Option<Pace>,
}

impl<W> Paced<W> {
    pub fn new(wire: W) -> Self {
        Self { wire, pace: None }
    }

    /// From now on it is read at this pace, or as fast as it goes.
    pub fn keep_to(&mut self, pace: Option<Pace>) {
        self.pace = pace;
    }
}

impl<W: Read> Read for Paced<W> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(pace) = &self.pace else {
            return self.wire.read(buffer);
        };
        thread::sleep(pace.pause);
        let most = buffer.len().min(pace.bytes);
        if pace.watch.as_ref().is_some_and(|goes_on| !goes_on()) {
            self.pace = None;
        }
        self.wire.read(&mut buffer[..most])
    }
}

/// Makes a thin line of each connection that this listener takes from now on: neither system keeps
/// much of a letter that nobody reads.
pub fn narrow(listener: &TcpListener) -> io::Result<()> {
    let socket = SockRef::from(listener);
    #[cfg(target_os = "linux")]
    socket.set_tcp_mss(SEGMENT)?;
    socket.set_recv_buffer_size(BUFFER)
}

/// The bytes that clients of this port have handed to their system and its server has not read.
#[cfg(target_os = "linux")]
pub fn on_the_way(port: u16) -> usize {
    let table = std::fs::read_to_string("/proc/self/net/tcp").unwrap();
    let port_of = |address: &str| u16::from_str_radix(address.split_once(':')?.1, 16).ok();
    let number = |digits: &str| usize::from_str_radix(digits, 16).ok();
    let bytes = |row: &str| {
        let mut fields = row.split_whitespace().skip(1);
        let (local, peer) = (port_of(fields.next()?)?, port_of(fields.next()?)?);
        let is_open = fields.next()? == "01";
        let (written, unread) = fields.next()?.split_once(':')?;
        match () {
            () if !is_open => None,
            () if peer == port => number(written),
            () if local == port => number(unread),
            () => None,
        }
    };
    table.lines().filter_map(bytes).sum()
}
