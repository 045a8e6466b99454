//! A browser that follows redirects on loopback and shows where it ended.

use std::io::{self, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::http::Message;

/// Longest that a page may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);
const MOST_REDIRECTS: usize = 10;

/// Where the browser ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrowseResult {
    /// The final address, as the address bar shows it.
    pub url: String,
    /// The status of the final page; none when it was not fetched or no answer came.
    pub status: Option<u16>,
    /// The final page.
    pub body: String,
    /// Where an answer wants to go next, when that was not followed.
    pub location: Option<String>,
    /// Why no answer came.
    pub error: Option<String>,
    /// Every address on the way, the final one last.
    pub visited: Vec<String>,
}

/// Opens an address and follows redirects within this machine. An address elsewhere and a page
/// named nativeclient are where it ends, unfetched.
pub fn browse(url: &str) -> BrowseResult {
    let mut visited = Vec::new();
    let mut next = url.to_owned();
    loop {
        visited.push(next.clone());
        let mut result = if is_end(&next) {
            unfetched(&next)
        } else {
            get(&next)
        };
        match result.location.take_if(|_| visited.len() <= MOST_REDIRECTS) {
            Some(location) => next = resolve(&next, &location),
            None => return BrowseResult { visited, ..result },
        }
    }
}

/// Fetches one address of this machine and follows nothing.
pub fn get(url: &str) -> BrowseResult {
    let mut result = unfetched(url);
    match fetch(url) {
        Ok(answer) => {
            let mut words = answer.start.split(' ').skip(1);
            result.status = words.next().and_then(|word| word.parse().ok());
            result.body = String::from_utf8_lossy(&answer.body).into_owned();
            let moved = matches!(result.status, Some(301 | 302 | 303 | 307 | 308));
            result.location = answer
                .header("Location")
                .filter(|_| moved)
                .map(str::to_owned);
        }
        Err(error) => result.error = Some(error.to_string()),
    }
    result
}

fn unfetched(url: &str) -> BrowseResult {
    BrowseResult {
        url: url.into(),
        status: None,
        body: String::new(),
        location: None,
        error: None,
        visited: vec![url.into()],
    }
}

fn fetch(url: &str) -> io::Result<Message> {
    let invalid = || io::Error::new(io::ErrorKind::InvalidInput, "not an address on loopback");
    let (authority, target) = parts(url)
        .filter(|_| is_loopback(url))
        .ok_or_else(invalid)?;
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => (authority, "80"),
    };
    let hosts: &[&str] = match host {
        // Both, and in this order, as browsers do.
        "localhost" => &["[::1]", "127.0.0.1"],
        host => &[host],
    };
    let mut connected = Err(invalid());
    for host in hosts {
        if connected.is_err() {
            connected = TcpStream::connect(format!("{host}:{port}"));
        }
    }
    let mut socket = connected?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    let request = format!(
        "GET {target} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: Mozilla/5.0\r\n\
         Accept: text/html,*/*\r\nConnection: close\r\n\r\n"
    );
    socket.write_all(request.as_bytes())?;
    Message::answer(&mut BufReader::new(socket))
}

/// Host with port, and path with query, of an address without TLS.
fn parts(url: &str) -> Option<(&str, String)> {
    let rest = url.strip_prefix("http://")?;
    let rest = rest.split('#').next()?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, target) = rest.split_at(end);
    let slash = if target.starts_with('/') { "" } else { "/" };
    Some((authority, format!("{slash}{target}")))
}

fn is_loopback(url: &str) -> bool {
    parts(url).is_some_and(|(authority, _)| {
        ["localhost", "127.0.0.1", "[::1]"].iter().any(|host| {
            let port = authority.strip_prefix(host);
            port.is_some_and(|port| port.is_empty() || port.starts_with(':'))
        })
    })
}

fn is_end(url: &str) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    path.ends_with("/nativeclient") || !is_loopback(url)
}

fn resolve(base: &str, location: &str) -> String {
    match parts(base) {
        Some((authority, _)) if location.starts_with('/') => {
            format!("http://{authority}{location}")
        }
        _ => location.to_owned(),
    }
}
