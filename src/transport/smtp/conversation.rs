//! The conversation with a mail server: lines to it, replies from it.
//!
//! Replies are read here because lettre's reader takes no others than those of the book: one that is not
//! UTF-8, has no text, a long line or a bare line feed is an error to it, and after the final dot an
//! error is doubt. The code alone says what a reply is (RFC 5321 section 4.2); the words behind it are
//! for people.

use std::io;

use memchr::memchr;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;

use super::reply::SmtpFailure;
use crate::network::{NetworkError, NetworkKind};

/// A line beyond this length is no reply: RFC 5321 section 4.5.3.1.5 gives it 512 octets.
const LONGEST_LINE: usize = 64 << 10;
/// Nor are lines beyond this length together, of which some servers greet with many.
const LONGEST_REPLY: usize = 128 << 10;
/// Nor so many lines.
const MOST_LINES: usize = 1_000;

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

/// A reply whose code is positive (2xx or 3xx).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SmtpReply {
    /// The reply code.
    pub code: u16,
    /// The words of each line.
    pub lines: Vec<String>,
}

impl SmtpReply {
    /// Reads one line; also says whether another follows.
    fn line(line: &[u8]) -> Option<(u16, bool, String)> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let [
            class @ b'2'..=b'5',
            subject @ b'0'..=b'5',
            detail @ b'0'..=b'9',
            rest @ ..,
        ] = line
        else {
            return None;
        };
        let (goes_on, text) = match rest {
            [] => (false, rest),
            [b'-', text @ ..] => (true, text),
            [b' ' | b'\t', text @ ..] => (false, text),
            _ => return None,
        };
        let code = [class, subject, detail]
            .iter()
            .fold(0, |code, digit| code * 10 + u16::from(**digit - b'0'));
        Some((code, goes_on, String::from_utf8_lossy(text).into_owned()))
    }

    fn judged(self) -> Result<Self, SmtpFailure> {
        match self.code {
            200..400 => Ok(self),
            code => Err(SmtpFailure::Reply {
                code,
                text: self.text(),
            }),
        }
    }

    /// The words of all lines, with an enhanced code that each of them repeats only once.
    pub fn text(&self) -> String {
        let Some((first, others)) = self.lines.split_first() else {
            return String::new();
        };
        let code = first
            .split_ascii_whitespace()
            .next()
            .filter(|word| word.starts_with(['2', '4', '5']) && word.contains('.'));
        let mut text = first.clone();
        for line in others {
            let rest = code.and_then(|code| line.strip_prefix(code));
            let rest = rest.filter(|rest| rest.starts_with(' '));
            text.push(' ');
            text.push_str(rest.map_or(line, str::trim_start));
        }
        text
    }
}

/// An open conversation.
#[derive(Debug)]
pub(super) struct Conversation {
    wire: SmtpWire,
    /// What has come and was not read yet.
    unread: Vec<u8>,
    is_all_on_its_way: bool,
}

impl Conversation {
    pub fn new(wire: SmtpWire) -> Self {
        Self {
            wire,
            unread: Vec::new(),
            is_all_on_its_way: false,
        }
    }

    /// Whether the system has taken the last byte of what was written last: from then on the server
    /// may have it.
    pub fn is_all_on_its_way(&self) -> bool {
        self.is_all_on_its_way
    }

    /// Raises the conversation to TLS, after the server agreed to STARTTLS.
    ///
    /// What came along with its agreement is in the clear and may be anybody's: such words would be
    /// taken for the server's own, "accepted" among them (response injection; Poddebniak and others,
    /// "Why TLS Is Better Without STARTTLS", USENIX Security 2021).
    pub async fn protect(
        self,
        connector: &TlsConnector,
        name: ServerName<'static>,
    ) -> Result<Self, NetworkError> {
        let SmtpWire::Plain(stream) = self.wire else {
            return Ok(self);
        };
        if !self.unread.is_empty() {
            return Err(NetworkError::new(
                NetworkKind::Nonsense,
                "the mail server sent more than its answer to STARTTLS",
            ));
        }
        let protected = connector.connect(name, stream).await;
        protected
            .map(|stream| Self::new(SmtpWire::Protected(Box::new(stream))))
            .map_err(|error| NetworkError::of(&error, error.to_string()))
    }

    /// Writes this as it is and waits for the reply.
    ///
    /// # Errors
    /// A refusal (4xx, 5xx), and whatever is no reply.
    pub async fn say(&mut self, text: &str) -> Result<SmtpReply, SmtpFailure> {
        self.is_all_on_its_way = false;
        if !self.unread.is_empty() {
            return self.unasked().await;
        }
        let stream = self.wire.stream();
        let written = async {
            stream.write_all(text.as_bytes()).await?;
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
    pub async fn reply(&mut self) -> Result<SmtpReply, SmtpFailure> {
        let mut room = LONGEST_REPLY;
        let mut whole: Option<SmtpReply> = None;
        for _ in 0..MOST_LINES {
            let line = self.line(&mut room).await?;
            let (code, goes_on, text) = SmtpReply::line(&line).ok_or_else(|| {
                SmtpFailure::nonsense("the mail server's line is no reply".into())
            })?;
            let reply = whole.get_or_insert_with(|| SmtpReply {
                code,
                lines: Vec::new(),
            });
            if reply.code != code {
                return Err(SmtpFailure::nonsense(format!(
                    "the mail server answered {} and {code} at once",
                    reply.code
                )));
            }
            reply.lines.push(text);
            if !goes_on && let Some(reply) = whole {
                return reply.judged();
            }
        }
        Err(endless())
    }

    /// The next line with its end, for which there may be so much room.
    async fn line(&mut self, room: &mut usize) -> Result<Vec<u8>, SmtpFailure> {
        let mut searched = 0;
        loop {
            if let Some(at) = memchr(b'\n', &self.unread[searched..]) {
                let rest = self.unread.split_off(searched + at + 1);
                let line = std::mem::replace(&mut self.unread, rest);
                *room = room.checked_sub(line.len()).ok_or_else(endless)?;
                return Ok(line);
            }
            searched = self.unread.len();
            if searched > LONGEST_LINE.min(*room) {
                return Err(endless());
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
                read => self.unread.extend_from_slice(&block[..read]),
            }
        }
    }
}

fn broken(error: &io::Error) -> SmtpFailure {
    SmtpFailure::Broken(NetworkError::of(
        error,
        format!("the connection to the mail server broke: {error}"),
    ))
}

fn endless() -> SmtpFailure {
    SmtpFailure::nonsense("the mail server's reply does not end".into())
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

    #[test]
    fn replies_are_taken_up_to_their_bounds() {
        let lines = |count: usize| [b"250-x\r\n".repeat(count - 1), b"250 x\r\n".to_vec()].concat();
        assert_eq!(read(&lines(MOST_LINES)).unwrap().lines.len(), MOST_LINES);
        assert!(is_nonsense(&read(&lines(MOST_LINES + 1))));
        assert!(is_nonsense(&read(&b"250 x".repeat(LONGEST_LINE))));
        let line = [b"250-", &[b'x'; 1018][..], b"\r\n"].concat();
        assert!(is_nonsense(&read(
            &line.repeat(LONGEST_REPLY / line.len() + 1)
        )));
    }
}
