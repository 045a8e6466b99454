//! Streams in the form that lettre takes.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// A connection that lettre did not open.
#[derive(Debug)]
pub(super) struct SmtpStream {
    wire: Wire,
    listening: Listening,
    reply: SmtpReply,
}

/// A line beyond this length is no reply: RFC 5321 section 4.5.3.1.5 gives it 512 octets.
const LONGEST_LINE: usize = 64 << 10;
/// Nor are lines beyond this length together, of which some servers greet with many. What comes after
/// STARTTLS passes here as it travels, with the certificates of the handshake.
const LONGEST_REPLY: usize = 128 << 10;
/// Nor so many lines: lettre reads all of them again with each one that comes.
const MOST_LINES: usize = 1_000;

/// How much has come since something was written last. lettre looks at the length of a line when it
/// has its end, so that a server could fill the memory with a line that has none.
#[derive(Debug, Default)]
struct SmtpReply {
    line: usize,
    lines: usize,
    all: usize,
}

impl SmtpReply {
    fn add(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.all += bytes.len();
        for line in bytes.split_inclusive(|&byte| byte == b'\n') {
            self.line += line.len();
            let is_long = self.line > LONGEST_LINE || self.all > LONGEST_REPLY;
            if is_long || self.lines >= MOST_LINES {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "the mail server's reply does not end",
                ));
            }
            if line.ends_with(b"\n") {
                self.line = 0;
                self.lines += 1;
            }
        }
        Ok(())
    }
}

/// How the bytes travel.
#[derive(Debug)]
pub(super) enum Wire {
    /// In the clear.
    Plain(TcpStream),
    /// Protected from its first byte.
    Protected(Box<TlsStream<TcpStream>>),
    /// Begun in the clear to be raised later, and read no further than the end of a line.
    ///
    /// lettre keeps what it has read ahead when STARTTLS raises the connection: replies that somebody
    /// in between had sent along with the server's 220 would be taken for the server's own, "accepted"
    /// among them (response injection; Poddebniak and others, "Why TLS Is Better Without STARTTLS",
    /// USENIX Security 2021). Left in the socket they meet the TLS handshake instead, and fail it.
    LineByLine(TcpStream),
}

/// Whether the client has begun to wait for an answer: it does so as soon as the system has taken the
/// last byte of what it writes, and no sooner.
#[derive(Clone, Debug, Default)]
pub(super) struct Listening(Arc<AtomicBool>);

impl Listening {
    /// Something is about to be written.
    pub fn not_yet(&self) {
        self.0.store(false, Ordering::SeqCst);
    }

    /// Whether all of it is on its way.
    pub fn has_begun(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

impl SmtpStream {
    pub fn new(wire: Wire, listening: &Listening) -> Self {
        Self {
            wire,
            listening: listening.clone(),
            reply: SmtpReply::default(),
        }
    }

    fn writer(&mut self) -> Pin<&mut (dyn AsyncWrite + Unpin)> {
        match &mut self.wire {
            Wire::Protected(stream) => Pin::new(&mut **stream),
            Wire::Plain(stream) | Wire::LineByLine(stream) => Pin::new(stream),
        }
    }
}

impl AsyncTokioStream for SmtpStream {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        match &self.wire {
            Wire::Protected(stream) => stream.get_ref().0.peer_addr(),
            Wire::Plain(stream) | Wire::LineByLine(stream) => stream.peer_addr(),
        }
    }
}

impl AsyncRead for SmtpStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.listening.0.store(true, Ordering::SeqCst);
        let before = buffer.filled().len();
        ready!(match &mut self.wire {
            Wire::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Wire::Protected(stream) => Pin::new(&mut **stream).poll_read(context, buffer),
            Wire::LineByLine(stream) => poll_line(stream, context, buffer),
        })?;
        Poll::Ready(self.reply.add(&buffer.filled()[before..]))
    }
}

/// Reads what has come up to the end of a line.
fn poll_line(
    stream: &mut TcpStream,
    context: &mut Context<'_>,
    buffer: &mut ReadBuf<'_>,
) -> Poll<io::Result<()>> {
    let mut bytes = [0; 1024];
    let most = buffer.remaining().min(bytes.len());
    let mut ahead = ReadBuf::new(&mut bytes[..most]);
    let seen = ready!(stream.poll_peek(context, &mut ahead))?;
    let end = ahead.filled().iter().position(|&byte| byte == b'\n');
    let mut line = ReadBuf::new(&mut bytes[..end.map_or(seen, |end| end + 1)]);
    ready!(Pin::new(stream).poll_read(context, &mut line))?;
    buffer.put_slice(line.filled());
    Poll::Ready(Ok(()))
}

impl AsyncWrite for SmtpStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.reply = SmtpReply::default();
        self.writer().poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writer().poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writer().poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_taken_up_to_their_bounds() {
        let mut reply = SmtpReply::default();
        for _ in 0..MOST_LINES {
            reply.add(b"250-PIPELINING\r\n").unwrap();
        }
        assert!(reply.add(b"250-PIPELINING\r\n").is_err());
        let mut reply = SmtpReply::default();
        reply.add(&vec![b'x'; LONGEST_LINE]).unwrap();
        assert!(reply.add(b"x").is_err());
        let mut reply = SmtpReply::default();
        let line = [&[b'x'; 1023][..], b"\n"].concat();
        for _ in 0..LONGEST_REPLY / line.len() {
            reply.add(&line).unwrap();
        }
        assert!(reply.add(b"x").is_err());
    }
}
