//! As much of HTTP/1.1 as the fake servers and their small clients take.

use std::fmt::Write as _;
use std::io::{self, BufRead, Read, Write};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use reqwest::blocking::{Client, ClientBuilder};
use rustls::crypto::ring;

/// Longest head that is read.
const HEAD_LIMIT: u64 = 64 * 1024;
/// Longest body that is read: more than any server takes, so that it can say so.
const BODY_LIMIT: u64 = 64 * 1024 * 1024;

/// A client that goes straight to its server.
pub fn client() -> ClientBuilder {
    // As the program does. There is one, so whoever is first may say so.
    let _ = ring::default_provider().install_default();
    Client::builder().no_proxy()
}

/// A request or an answer: its first line, its headers and its body.
pub struct Message {
    pub start: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Message {
    /// The value of a header, whatever its case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let (_, value) = headers.find(|(other, _)| other.eq_ignore_ascii_case(name))?;
        Some(value)
    }

    /// The next request; none when the client closed the connection instead.
    pub fn request(reader: &mut impl BufRead) -> io::Result<Option<Self>> {
        let Some(mut request) = Self::head(reader)? else {
            return Ok(None);
        };
        request.take_request_body(reader)?;
        Ok(Some(request))
    }

    /// Reads the body that belongs to the head of a request.
    pub fn take_request_body(&mut self, reader: &mut impl BufRead) -> io::Result<()> {
        self.take_body(reader, false)
    }

    /// The answer to a request.
    pub fn answer(reader: &mut impl BufRead) -> io::Result<Self> {
        let closed = || io::Error::new(io::ErrorKind::UnexpectedEof, "closed without an answer");
        let mut answer = Self::head(reader)?.ok_or_else(closed)?;
        answer.take_body(reader, true)?;
        Ok(answer)
    }

    /// The next first line with its headers; none when the other side closed the connection instead.
    pub fn head(reader: &mut impl BufRead) -> io::Result<Option<Self>> {
        let mut left = HEAD_LIMIT;
        let start = line(reader, &mut left)?;
        if start.is_empty() {
            return Ok(None);
        }
        let mut headers = Vec::new();
        loop {
            let text = line(reader, &mut left)?;
            if text.is_empty() {
                return Ok(Some(Self {
                    start,
                    headers,
                    body: Vec::new(),
                }));
            }
            let (name, value) = text.split_once(':').ok_or_else(|| bad("header"))?;
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
    }

    fn take_body(&mut self, reader: &mut impl BufRead, until_end: bool) -> io::Result<()> {
        if self
            .header("Transfer-Encoding")
            .is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"))
        {
            return self.take_chunks(reader);
        }
        match self.header("Content-Length").map(str::parse::<u64>) {
            Some(Ok(length)) if length <= BODY_LIMIT => self.take_exactly(reader, length),
            Some(_) => Err(bad("Content-Length")),
            None if until_end => {
                let taken = reader.take(BODY_LIMIT).read_to_end(&mut self.body);
                taken.map(drop)
            }
            None => Ok(()),
        }
    }

    fn take_chunks(&mut self, reader: &mut impl BufRead) -> io::Result<()> {
        let mut left = HEAD_LIMIT;
        loop {
            let size = line(reader, &mut left)?;
            let size = size.split(';').next().unwrap_or_default().trim();
            let size = u64::from_str_radix(size, 16).map_err(|_| bad("chunk"))?;
            if size > BODY_LIMIT || self.body.len() as u64 + size > BODY_LIMIT {
                return Err(bad("chunk"));
            }
            self.take_exactly(reader, size)?;
            let trailer = line(reader, &mut left)?;
            if size == 0 && trailer.is_empty() {
                return Ok(());
            }
        }
    }

    fn take_exactly(&mut self, reader: &mut impl BufRead, length: u64) -> io::Result<()> {
        let taken = reader.take(length).read_to_end(&mut self.body)?;
        if (taken as u64) < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }
}

/// What the server says.
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Response {
    pub fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: vec![("Content-Type".into(), content_type.into())],
            body: body.into(),
        }
    }

    pub fn json(status: u16, value: &serde_json::Value) -> Self {
        Self::new(status, "application/json; charset=utf-8", value.to_string())
    }

    pub fn page(status: u16, text: &str) -> Self {
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        let page = format!("<!DOCTYPE html><title>Sign in</title><p>{text}</p>\n");
        Self::new(status, "text/html; charset=utf-8", page)
    }

    pub fn redirect(location: String) -> Self {
        Self {
            status: 302,
            headers: vec![("Location".into(), location)],
            body: Vec::new(),
        }
    }

    /// An answer without a body.
    pub fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// The same answer with one more header.
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn send(&self, writer: &mut impl Write, close: bool) -> io::Result<()> {
        writer.write_all(&self.bytes(close))?;
        writer.flush()
    }

    /// The answer as it goes over the wire.
    pub fn bytes(&self, close: bool) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        for (name, value) in &self.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        head.push_str("Cache-Control: no-store, no-cache\r\nPragma: no-cache\r\n");
        if close {
            head.push_str("Connection: close\r\n");
        }
        // RFC 9110 section 8.6: a 204 has no length.
        if self.status != 204 {
            let _ = write!(head, "Content-Length: {}\r\n", self.body.len());
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        302 => "Found",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        413 => "Request Entity Too Large",
        416 => "Requested Range Not Satisfiable",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Status",
    }
}

fn bad(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("bad {what}"))
}

/// A line without its end; empty also at the end of the stream.
fn line(reader: &mut impl BufRead, left: &mut u64) -> io::Result<String> {
    let mut line = Vec::new();
    let read = reader.take(*left).read_until(b'\n', &mut line)? as u64;
    *left -= read;
    if line.pop_if(|last| *last == b'\n').is_none() && read > 0 {
        return Err(bad("line"));
    }
    line.pop_if(|last| *last == b'\r');
    String::from_utf8(line).map_err(|_| bad("line"))
}

/// The pairs of a query or form, decoded; none when its encoding is broken.
pub fn parse_form(text: &str) -> Option<Vec<(String, String)>> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((percent_decode(name)?, percent_decode(value)?))
        })
        .collect()
}

/// The query or form of these pairs.
pub fn write_form(pairs: &[(String, String)]) -> String {
    let pairs = pairs
        .iter()
        .map(|(name, value)| format!("{}={}", percent_encode(name), percent_encode(value)));
    pairs.collect::<Vec<_>>().join("&")
}

fn percent_encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

pub fn percent_decode(text: &str) -> Option<String> {
    let mut decoded = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                let (high, low) = (digit()?, digit()?);
                (high * 16 + low) as u8
            }
            byte => byte,
        });
    }
    String::from_utf8(decoded).ok()
}

/// Base64 with the URL alphabet and without padding.
pub fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Base64 of the standard alphabet with its padding, decoded.
pub fn decode_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}
