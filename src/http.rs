//! HTTP as postroom uses it: no redirects, bounded patience, bounded answers, and a failure that says
//! whether the server can have seen the whole request.

use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;
use reqwest::{Body, Certificate, Client, Request, Response, Url};
use tokio::runtime::Runtime;
use tokio::time::timeout;

use crate::network::{NetworkError, NetworkKind};

/// Answers beyond this size are cut, unless more is wanted: nobody whom we ask says so much.
const LARGEST: u64 = 1 << 20;
/// The slowest line that is waited for, in bytes a second.
const SLOWEST: u64 = 20_000;
/// A body goes out in pieces of so many bytes. hyper takes up to sixteen before they are written, and what it took
/// may have gone out.
const PIECE: usize = 8 << 10;

/// Drives all connections. The blocking client of reqwest has one of its own, but where a connection is refused or an
/// answer comes while the body is on its way, it says only that the body was not taken.
static RUNTIME: LazyLock<io::Result<Runtime>> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
});

/// A client that never follows a redirect: what it sends holds secrets.
#[derive(Debug)]
pub(crate) struct Http {
    client: Client,
    silence: Duration,
    largest: u64,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct HttpReply {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, cut after 1 MiB unless the client takes more.
    pub body: Vec<u8>,
}

/// No answer. The text holds no part of the request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// The server cannot have seen the whole request.
    #[error("{0}")]
    NotSent(NetworkError),
    /// It may have.
    #[error("{0}")]
    NoAnswer(NetworkError),
}

impl Http {
    /// A client whose server may be silent for so long.
    ///
    /// # Errors
    /// When the system's certificates cannot be read.
    pub(crate) fn new(silence: Duration) -> Result<Self, HttpError> {
        Self::trusting(silence, Vec::new())
    }

    /// The same, which trusts these authorities besides the system's own.
    ///
    /// # Errors
    /// When a certificate cannot be used.
    pub(crate) fn trusting(
        silence: Duration,
        authorities: Vec<Certificate>,
    ) -> Result<Self, HttpError> {
        // There is one, so whoever is first may say so.
        let _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
        Client::builder()
            .tls_certs_merge(authorities)
            .redirect(Policy::none())
            .connect_timeout(silence.min(Duration::from_secs(30)))
            // A connection that waited for long may be closed already, which would put in doubt what
            // is sent through it.
            .pool_idle_timeout(Duration::from_secs(20))
            .user_agent(concat!("postroom/", env!("CARGO_PKG_VERSION")))
            .build()
            .map(|client| Self {
                client,
                silence,
                largest: LARGEST,
            })
            .map_err(|error| {
                let text = format!("the certificates of this machine cannot be used: {error}");
                HttpError::NotSent(NetworkError::of(&error, text))
            })
    }

    /// The same client, which takes answers of so many bytes. What is longer is cut off.
    #[must_use]
    pub(crate) fn taking(self, largest: u64) -> Self {
        Self { largest, ..self }
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    /// When no whole answer came.
    pub(crate) fn call(&self, mut request: Request, body: Vec<u8>) -> Result<HttpReply, HttpError> {
        let server = server(request.url());
        let runtime = RUNTIME.as_ref().map_err(|error| {
            let text = format!("no connection can be opened: {error}");
            HttpError::NotSent(NetworkError::new(NetworkKind::Other, text))
        })?;
        let patience = self.silence + Duration::from_secs(body.len() as u64 / SLOWEST);
        let silence = || {
            let text = format!("no answer in {} s from {server}", patience.as_secs());
            NetworkError::timed_out(text)
        };
        let cause = |error: &reqwest::Error| {
            let found = cause(error, &server);
            if found.kind == NetworkKind::TimedOut {
                return silence();
            }
            found
        };
        let sent = Arc::new(AtomicBool::new(body.is_empty()));
        if !body.is_empty() {
            let rest = Bytes::from(body);
            let sent = Arc::clone(&sent);
            *request.body_mut() = Some(Body::wrap(Counted { rest, sent }));
        }
        runtime.block_on(async {
            let failed = |error| {
                if sent.load(Ordering::SeqCst) {
                    HttpError::NoAnswer(error)
                } else {
                    HttpError::NotSent(error)
                }
            };
            let response = match timeout(patience, self.client.execute(request)).await {
                Ok(Ok(response)) => response,
                Ok(Err(error)) if error.is_connect() => {
                    return Err(HttpError::NotSent(cause(&error)));
                }
                Ok(Err(error)) => return Err(failed(cause(&error))),
                Err(_) => return Err(failed(silence())),
            };
            read(response, self.largest, patience)
                .await
                .map_err(|error| HttpError::NoAnswer(error.as_ref().map_or_else(silence, cause)))
        })
    }
}

impl HttpReply {
    /// A header as text.
    #[must_use]
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// Reads an answer. Where it does not come to its end, what went wrong; nothing where the server fell silent.
async fn read(
    mut response: Response,
    largest: u64,
    patience: Duration,
) -> Result<HttpReply, Option<reqwest::Error>> {
    let largest = usize::try_from(largest).unwrap_or(usize::MAX);
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let mut body = Vec::new();
    while body.len() < largest
        && let Some(piece) = timeout(patience, response.chunk())
            .await
            .map_err(|_| None)?
            .map_err(Some)?
    {
        body.extend_from_slice(&piece);
    }
    body.truncate(largest);
    Ok(HttpReply {
        status,
        headers,
        body,
    })
}

/// The server of an address, as people write it.
fn server(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port_or_known_default() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// What went wrong, said of the server: the words of the libraries name neither it nor what happened.
fn cause(error: &(dyn Error + 'static), server: &str) -> NetworkError {
    let found = NetworkError::at(server, error);
    let kind = kind(error, found.kind);
    if kind == found.kind {
        return found;
    }
    NetworkError::new(kind, kind.said_of(server))
}

/// The kind of an error. Where the types of the system and of rustls say nothing, those of reqwest and hyper
/// do: what is wrong with a conversation that had begun, and is no answer in another language, is that
/// the connection was lost.
fn kind(error: &(dyn Error + 'static), found: NetworkKind) -> NetworkKind {
    let mut kind = found;
    let mut next = Some(error);
    while let Some(error) = next {
        next = error.source();
        if let Some(error) = error.downcast_ref::<io::Error>() {
            next = error.get_ref().map(|inner| inner as _);
        } else if let Some(error) = error.downcast_ref::<reqwest::Error>() {
            if error.is_timeout() {
                return NetworkKind::TimedOut;
            }
            if error.is_dns() {
                return NetworkKind::Unresolved;
            }
            if kind == NetworkKind::Other && !error.is_connect() && !error.is_builder() {
                kind = NetworkKind::Cut;
            }
        } else if let Some(error) = error.downcast_ref::<hyper::Error>()
            && error.is_parse()
            && !matches!(found, NetworkKind::Tls | NetworkKind::Certificate(_))
        {
            kind = NetworkKind::Nonsense;
        }
    }
    kind
}

/// A body that reports when its last byte was taken to be sent.
struct Counted {
    rest: Bytes,
    sent: Arc<AtomicBool>,
}

impl http_body::Body for Counted {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let length = self.rest.len().min(PIECE);
        if length == 0 {
            return Poll::Ready(None);
        }
        let piece = self.rest.split_to(length);
        if self.rest.is_empty() {
            self.sent.store(true, Ordering::SeqCst);
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{SocketAddr, TcpListener, TcpStream};
    use std::thread;

    use reqwest::{Method, Url};

    use super::*;
    use crate::network::NetworkKind;
    use crate::network::tests::{FLAWED, certified, closed_port, serve};

    /// What comes of a question to an address, for a client that trusts an authority besides.
    fn asked(url: &str, authority: Option<&str>) -> HttpError {
        let authority =
            authority.map(|pem| reqwest::Certificate::from_pem(pem.as_bytes()).unwrap());
        let http = Http::trusting(Duration::from_secs(20), Vec::from_iter(authority)).unwrap();
        let request = Request::new(Method::GET, Url::parse(url).unwrap());
        http.call(request, Vec::new()).unwrap_err()
    }

    #[test]
    fn a_certificate_that_must_not_be_taken_is_reported_by_its_flaw() {
        let (_, other_authority) = certified("localhost", (2020, 2090));
        for (name, years, trusted, flaw) in FLAWED {
            let (config, authority) = certified(name, years);
            let (port, served) = serve(config, |_| {});
            let authority = if trusted {
                &authority
            } else {
                &other_authority
            };
            let error = asked(&format!("https://localhost:{port}/"), Some(authority));
            served.join().unwrap();
            let HttpError::NotSent(error) = error else {
                panic!("{error:?}");
            };
            assert_eq!(error.kind, NetworkKind::Certificate(flaw), "{error}");
        }
    }

    /// What comes of a server that does this with a connection, with its name in place of the port.
    fn with_server(
        scheme: &str,
        serve: impl FnOnce(TcpStream) + Send + 'static,
    ) -> (HttpError, String) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let served = thread::spawn(move || serve(listener.accept().unwrap().0));
        let error = asked(&format!("{scheme}://127.0.0.1:{port}/secret"), None);
        served.join().unwrap();
        let text = error.to_string().replace(&port.to_string(), "PORT");
        (error, text)
    }

    fn read_request(socket: &mut TcpStream) {
        let mut seen = Vec::new();
        while !seen.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            socket.read_exact(&mut byte).unwrap();
            seen.extend(byte);
        }
    }

    #[test]
    fn a_lost_connection_names_the_server_and_nothing_of_the_library() {
        const LOST: &str = "the connection to 127.0.0.1:PORT was lost";
        let closed = |mut socket: TcpStream| read_request(&mut socket);
        let (error, text) = with_server("http", closed);
        assert_eq!(text, LOST);
        assert!(matches!(error, HttpError::NoAnswer(error) if error.kind == NetworkKind::Cut));
        // What was not read makes the system answer with a reset.
        let (_, text) = with_server("http", drop);
        assert_eq!(text, LOST);
        let half = |mut socket: TcpStream| {
            read_request(&mut socket);
            let head = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf";
            socket.write_all(head).unwrap();
        };
        let (error, text) = with_server("http", half);
        assert_eq!(text, LOST);
        assert!(matches!(error, HttpError::NoAnswer(_)));
    }

    #[test]
    fn a_body_hides_neither_a_refusal_to_connect_nor_an_answer_that_comes_before_its_end() {
        let http = Http::new(Duration::from_secs(20)).unwrap();
        let post = |address: SocketAddr, bytes: usize| {
            let url = Url::parse(&format!("http://{address}/")).unwrap();
            http.call(Request::new(Method::POST, url), vec![b'x'; bytes])
        };
        let (_nobody, address) = closed_port();
        for bytes in [1, 100_000, 8_000_000] {
            let error = post(address, bytes).unwrap_err();
            let HttpError::NotSent(error) = error else {
                panic!("{error:?}");
            };
            assert_eq!(error.kind, NetworkKind::Refused, "{bytes}");
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let served = thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            read_request(&mut socket);
            let refusal = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n";
            socket.write_all(refusal).unwrap();
            let _ = io::copy(&mut socket, &mut io::sink());
        });
        assert_eq!(post(address, 8_000_000).unwrap().status, 413);
        drop(http);
        served.join().unwrap();
    }

    #[test]
    fn another_language_names_the_server() {
        let mail = |mut socket: TcpStream| {
            read_request(&mut socket);
            socket.write_all(b"220 mail.example ESMTP\r\n").unwrap();
        };
        let (error, text) = with_server("http", mail);
        assert_eq!(text, NetworkKind::Nonsense.said_of("127.0.0.1:PORT"));
        assert!(matches!(error, HttpError::NoAnswer(_)));
        let clear = |mut socket: TcpStream| {
            let _ = socket.read(&mut [0; 1024]);
            let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        };
        let (error, text) = with_server("https", clear);
        assert_eq!(text, NetworkKind::Tls.said_of("127.0.0.1:PORT"));
        assert!(matches!(error, HttpError::NotSent(error) if error.kind == NetworkKind::Tls));
    }

    #[test]
    fn a_server_that_is_not_there_is_reported_by_what_is_missing() {
        let kind = |url: &str| match asked(url, None) {
            HttpError::NotSent(error) => error.kind,
            error @ HttpError::NoAnswer(_) => panic!("{error:?}"),
        };
        let (_nobody, address) = closed_port();
        let refused = format!("http://{address}/");
        assert_eq!(kind(&refused), NetworkKind::Refused);
        let HttpError::NotSent(error) = asked(&refused, None) else {
            panic!("it was sent");
        };
        let server = refused.trim_start_matches("http://").trim_end_matches('/');
        let text = format!("cannot connect to {server}: nothing listens there");
        assert_eq!(error.text, text);
        // RFC 6761 section 6.4: no such name is ever given out.
        let unknown = kind("http://nowhere.invalid/");
        assert_eq!(unknown, NetworkKind::Unresolved);
    }
}
