//! HTTP as the house uses it: no redirects, bounded patience, small answers, and a failure that says
//! whether the far side can have seen the whole request.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::Certificate;
use reqwest::blocking::{Body, Client, Request, Response};
use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;

/// Answers beyond this size are cut: nobody whom we ask says so much.
const LARGEST: u64 = 1 << 20;
/// The slowest line that is waited for, in bytes a second.
const SLOWEST: u64 = 20_000;

/// A client that never follows a redirect: what it sends holds secrets.
#[derive(Debug)]
pub struct Http {
    client: Client,
    silence: Duration,
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, cut after 1 MiB.
    pub body: Vec<u8>,
}

/// No answer. The text holds no part of the request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The far side cannot have seen the whole request.
    #[error("{0}")]
    NotSent(String),
    /// It may have.
    #[error("{0}")]
    NoAnswer(String),
}

impl Http {
    /// A client whose far side may be silent for so long.
    ///
    /// # Errors
    /// When the system's certificates cannot be read.
    pub fn new(silence: Duration) -> Result<Self, Failure> {
        Self::trusting(silence, Vec::new())
    }

    /// The same, which trusts these authorities besides the system's own.
    ///
    /// # Errors
    /// When a certificate cannot be used.
    pub fn trusting(silence: Duration, authorities: Vec<Certificate>) -> Result<Self, Failure> {
        Client::builder()
            .tls_certs_merge(authorities)
            .redirect(Policy::none())
            .connect_timeout(silence.min(Duration::from_secs(30)))
            // A connection that waited for long may be closed already, which would put in doubt what
            // is sent through it.
            .pool_idle_timeout(Duration::from_secs(20))
            .user_agent(concat!("postroom/", env!("CARGO_PKG_VERSION")))
            .build()
            .map(|client| Self { client, silence })
            .map_err(|error| Failure::NotSent(cause(&error, silence)))
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    /// When no whole answer came.
    pub fn call(&self, mut request: Request, body: Vec<u8>) -> Result<Reply, Failure> {
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
            Ok(response) => read(response),
            Err(error) if error.is_connect() || !sent.load(Ordering::SeqCst) => {
                Err(Failure::NotSent(cause(&error, patience)))
            }
            Err(error) => Err(Failure::NoAnswer(cause(&error, patience))),
        }
    }
}

impl Reply {
    /// A header as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

fn read(response: Response) -> Result<Reply, Failure> {
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let mut body = Vec::new();
    response
        .take(LARGEST)
        .read_to_end(&mut body)
        .map_err(|error| Failure::NoAnswer(format!("the answer broke off: {error}")))?;
    Ok(Reply {
        status,
        headers,
        body,
    })
}

/// The innermost cause, without the address.
fn cause(error: &reqwest::Error, patience: Duration) -> String {
    if error.is_timeout() {
        return format!("no answer in {} s", patience.as_secs());
    }
    let mut source: &dyn std::error::Error = error;
    while let Some(inner) = source.source() {
        source = inner;
    }
    source.to_string()
}

/// A body that tells when its last byte was taken to be sent.
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
