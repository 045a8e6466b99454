//! HTTP as postroom uses it: no redirects, bounded patience, bounded answers, and a failure that says
//! whether the server can have seen the whole request.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::Certificate;
use reqwest::blocking::{Body, Client, Request, Response};
use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;

use crate::network::NetworkError;

/// Answers beyond this size are cut, unless more is wanted: nobody whom we ask says so much.
const LARGEST: u64 = 1 << 20;
/// The slowest line that is waited for, in bytes a second.
const SLOWEST: u64 = 20_000;

/// A client that never follows a redirect: what it sends holds secrets.
#[derive(Debug)]
pub struct Http {
    client: Client,
    silence: Duration,
    largest: u64,
}

/// An answer.
#[derive(Debug)]
pub struct HttpReply {
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
    pub fn new(silence: Duration) -> Result<Self, HttpError> {
        Self::trusting(silence, Vec::new())
    }

    /// The same, which trusts these authorities besides the system's own.
    ///
    /// # Errors
    /// When a certificate cannot be used.
    pub fn trusting(silence: Duration, authorities: Vec<Certificate>) -> Result<Self, HttpError> {
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
            .map_err(|error| HttpError::NotSent(cause(&error, silence)))
    }

    /// The same client, which takes answers of so many bytes. What is longer is cut off.
    #[must_use]
    pub fn taking(self, largest: u64) -> Self {
        Self { largest, ..self }
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    /// When no whole answer came.
    pub fn call(&self, mut request: Request, body: Vec<u8>) -> Result<HttpReply, HttpError> {
        let length = body.len() as u64;
        let sent = Arc::new(AtomicBool::new(body.is_empty()));
        let patience = self.silence + Duration::from_secs(length / SLOWEST);
        *request.timeout_mut() = Some(patience);
        if !body.is_empty() {
            let body = Counted {
                bytes: io::Cursor::new(body),
                sent: Arc::clone(&sent),
            };
            *request.body_mut() = Some(Body::sized(body, length));
        }
        match self.client.execute(request) {
            Ok(response) => read(response, self.largest),
            Err(error) if error.is_connect() || !sent.load(Ordering::SeqCst) => {
                Err(HttpError::NotSent(cause(&error, patience)))
            }
            Err(error) => Err(HttpError::NoAnswer(cause(&error, patience))),
        }
    }
}

impl HttpReply {
    /// A header as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

fn read(response: Response, largest: u64) -> Result<HttpReply, HttpError> {
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let mut body = Vec::new();
    response
        .take(largest)
        .read_to_end(&mut body)
        .map_err(|error| {
            let text = format!("the answer broke off: {error}");
            HttpError::NoAnswer(NetworkError::of(&error, text))
        })?;
    Ok(HttpReply {
        status,
        headers,
        body,
    })
}

/// What went wrong, in the words of the innermost cause, without the address.
fn cause(error: &reqwest::Error, patience: Duration) -> NetworkError {
    if error.is_timeout() {
        return NetworkError::timed_out(format!("no answer in {} s", patience.as_secs()));
    }
    let mut source: &dyn std::error::Error = error;
    while let Some(inner) = source.source() {
        source = inner;
    }
    let text = source.to_string();
    if error.is_dns() {
        return NetworkError::unresolved(text);
    }
    NetworkError::of(error, text)
}

/// A body that reports when its last byte was taken to be sent.
struct Counted {
    bytes: io::Cursor<Vec<u8>>,
    sent: Arc<AtomicBool>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.bytes.read(buffer)?;
        if self.bytes.position() == self.bytes.get_ref().len() as u64 {
            self.sent.store(true, Ordering::SeqCst);
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use reqwest::{Method, Url};

    use super::*;
    use crate::network::NetworkKind;
    use crate::network::tests::{FLAWED, certified, free_port, serve};

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

    #[test]
    fn a_server_that_is_not_there_is_reported_by_what_is_missing() {
        let kind = |url: &str| match asked(url, None) {
            HttpError::NotSent(error) => error.kind,
            error @ HttpError::NoAnswer(_) => panic!("{error:?}"),
        };
        let refused = format!("http://127.0.0.1:{}/", free_port());
        assert_eq!(kind(&refused), NetworkKind::Refused);
        // RFC 6761 section 6.4: no such name is ever given out.
        let unknown = kind("http://nowhere.invalid/");
        assert_eq!(unknown, NetworkKind::Unresolved);
    }
}
