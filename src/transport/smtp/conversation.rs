//! The conversation with a mail server: lines to it, replies from it.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufWriter};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;

use super::reply::SmtpFailure;
use super::reply_reader::{ReplyReader, SmtpReply};
use crate::network::{NetworkError, NetworkKind};

/// How the bytes travel.
#[derive(Debug)]
pub(super) enum SmtpWire {
    /// In the clear.
    Plain(TcpStream),
    /// Protected.
    Protected(Box<TlsStream<TcpStream>>),
}

trait Stream: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Stream for T {}

impl SmtpWire {
    fn stream(&mut self) -> &mut dyn Stream {
        match self {
            Self::Plain(stream) => stream,
            Self::Protected(stream) => &mut **stream,
        }
    }
}

/// An open conversation.
#[derive(Debug)]
pub(super) struct Conversation {
    wire: SmtpWire,
    replies: ReplyReader,
    is_all_on_its_way: bool,
}

impl Conversation {
    pub(super) fn new(wire: SmtpWire) -> Self {
        Self {
            wire,
            replies: ReplyReader::default(),
            is_all_on_its_way: false,
        }
    }

    /// Whether the system has taken the last byte of what was written last: from then on the server
    /// may have it.
    pub(super) fn is_all_on_its_way(&self) -> bool {
        self.is_all_on_its_way
    }

    /// Raises the conversation to TLS, after the server agreed to STARTTLS.
    ///
    /// What came along with its agreement is in the clear and may be anybody's: such words would be
    /// taken for the server's own, "accepted" among them (response injection; Poddebniak and others,
    /// "Why TLS Is Better Without STARTTLS", USENIX Security 2021).
    pub(super) async fn protect(
        self,
        connector: &TlsConnector,
        name: ServerName<'static>,
        server: &str,
    ) -> Result<Self, NetworkError> {
        let SmtpWire::Plain(stream) = self.wire else {
            return Ok(self);
        };
        if self.replies.unread() > 0 {
            return Err(NetworkError::new(
                NetworkKind::Nonsense,
                format!("{server} sent more than its answer to STARTTLS"),
            ));
        }
        let protected = connector.connect(name, stream).await;
        protected
            .map(|stream| Self::new(SmtpWire::Protected(Box::new(stream))))
            .map_err(|error| NetworkError::at(server, &error))
    }

    /// Writes this as it is and waits for the reply.
    ///
    /// # Errors
    /// A refusal (4xx, 5xx), and whatever is no reply.
    pub(super) async fn say(&mut self, text: &str) -> Result<SmtpReply, SmtpFailure> {
        self.say_all(&[text.as_bytes()]).await
    }

    /// The same with pieces, one after the other.
    ///
    /// # Errors
    /// A refusal (4xx, 5xx), and whatever is no reply.
    pub(super) async fn say_all(&mut self, pieces: &[&[u8]]) -> Result<SmtpReply, SmtpFailure> {
        self.is_all_on_its_way = false;
        if self.replies.unread() > 0 {
            return self.unasked().await;
        }
        // A piece that is larger than the buffer goes by it.
        let mut stream = BufWriter::new(self.wire.stream());
        let written = async {
            for piece in pieces {
                stream.write_all(piece).await?;
            }
            stream.flush().await
        };
        written.await.map_err(|error| broken(&error))?;
        self.is_all_on_its_way = true;
        self.reply().await
    }

    /// A server may give up by itself; any other answer to nothing is out of step.
    async fn unasked(&mut self) -> Result<SmtpReply, SmtpFailure> {
        let reply = self.reply().await?;
        Err(SmtpFailure::nonsense(format!(
            "the mail server answered {} without being asked",
            reply.code
        )))
    }

    /// Waits for a reply.
    ///
    /// # Errors
    /// A refusal (4xx, 5xx), and whatever is no reply.
    pub(super) async fn reply(&mut self) -> Result<SmtpReply, SmtpFailure> {
        loop {
            if let Some(reply) = self.replies.next().map_err(SmtpFailure::Broken)? {
                return judged(reply);
            }
            let mut block = [0; 2048];
            let read = self.wire.stream().read(&mut block).await;
            match read.map_err(|error| broken(&error))? {
                0 => {
                    return Err(SmtpFailure::Broken(NetworkError::new(
                        NetworkKind::Cut,
                        "the mail server closed the connection",
                    )));
                }
                read => self.replies.take(&block[..read]),
            }
        }
    }
}

/// A reply whose code is positive (2xx or 3xx).
fn judged(reply: SmtpReply) -> Result<SmtpReply, SmtpFailure> {
    match reply.code {
        200..400 => Ok(reply),
        code => Err(SmtpFailure::Reply {
            code,
            text: reply.text(),
        }),
    }
}

fn broken(error: &io::Error) -> SmtpFailure {
    SmtpFailure::Broken(NetworkError::of(
        error,
        format!("the connection to the mail server broke: {error}"),
    ))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::TcpListener;

    use super::*;

    /// What is made of a server's bytes, after which it closes.
    fn read(bytes: &[u8]) -> Result<SmtpReply, SmtpFailure> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let bytes = bytes.to_owned();
        let server = std::thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            // A client that has read enough closes.
            let _ = socket.write_all(&bytes);
        });
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let reply = runtime.block_on(async {
            let stream = TcpStream::connect(address).await.unwrap();
            Conversation::new(SmtpWire::Plain(stream)).reply().await
        });
        server.join().unwrap();
        reply
    }

    fn is_nonsense(reply: &Result<SmtpReply, SmtpFailure>) -> bool {
        let nonsense = |error: &NetworkError| error.kind == NetworkKind::Nonsense;
        matches!(reply, Err(SmtpFailure::Broken(error)) if nonsense(error))
    }

    #[test]
    fn a_reply_is_what_its_code_says() {
        let long = [b"250 ", &[b'x'; 3_000][..], b"\r\n"].concat();
        for bytes in [
            &b"250 2.0.0 Ok\r\n"[..],
            b"250\r\n",
            b"250 \r\n",
            b"250\n",
            b"250-one\n250 two\n",
            b"250 angenommen f\xfcr sp\xe4ter\r\n",
            b"250\tOk\r\n",
            &long,
        ] {
            let reply = read(bytes).unwrap_or_else(|error| panic!("{error:?}: {bytes:?}"));
            assert_eq!(reply.code, 250, "{bytes:?}");
        }
        for (bytes, code, text) in [
            (&b"550 pas de bo\xeete\r\n"[..], 550, "pas de bo\u{fffd}te"),
            (b"451\r\n", 451, ""),
            (
                b"550-5.7.25 no name\r\n550 5.7.25 for you\r\n",
                550,
                "5.7.25 no name for you",
            ),
        ] {
            let text = text.to_owned();
            assert_eq!(read(bytes), Err(SmtpFailure::Reply { code, text }));
        }
    }

    #[test]
    fn what_is_no_reply_is_never_taken_for_one() {
        for bytes in [
            &b"2500 ok\r\n"[..],
            b"25 ok\r\n",
            b"650 ok\r\n",
            b"ok\r\n",
            b"\r\n",
            b"250-one\r\n550 two\r\n",
            b"250:ok\r\n",
        ] {
            assert!(is_nonsense(&read(bytes)), "{bytes:?}");
        }
        let cut = read(b"250 ok");
        assert!(matches!(cut, Err(SmtpFailure::Broken(error)) if error.kind == NetworkKind::Cut));
    }
}
