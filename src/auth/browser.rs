//! Sign-in in a browser on this machine: it comes back to a port that we listen on (RFC 8252
//! section 7.3).

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use super::identity::SignInState;
use super::{AuthError, Grant, Identity, PATIENCE, Person};
use crate::clock::Clock;

/// How long a browser may take to send its request, and how long that may be.
const SLOWEST: Duration = Duration::from_secs(5);
const LONGEST: u64 = 16 << 10;
/// So many connections are listened to at once: any program of this machine may open some and say
/// nothing.
const MOST_CONNECTIONS: usize = 200;

const DONE: &str = "Your sign-in has reached postroom. You can close this page and go back to it.";
const FAILED: &str = "The sign-in did not succeed. You can close this page; postroom says why.";

pub(super) fn sign_in(
    identity: &Identity,
    person: &dyn Person,
    clock: &dyn Clock,
) -> Result<Grant, AuthError> {
    let cannot = |error: io::Error| {
        AuthError::store(
            format!("no port of this machine can be listened on: {error}"),
            "run `postroom login --flow paste`",
        )
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(cannot)?;
    let port = listener.local_addr().map_err(cannot)?.port();
    // The platform compares the redirect without its port, and a browser may take `localhost` for
    // either family of addresses.
    let begun = identity.begin(&format!("http://localhost:{port}"))?;
    let (answers, answer) = channel();
    let second = TcpListener::bind((Ipv6Addr::LOCALHOST, port)).ok();
    for listener in [Some(listener), second].into_iter().flatten() {
        let (answers, state) = (answers.clone(), begun.state());
        thread::spawn(move || listen(&listener, &state, &answers));
    }
    person.show(&format!(
        "Open this page in a browser on this machine and sign in as {}:\n\n{}\n",
        identity.registration().username,
        begun.url
    ));
    person.open(begun.url.as_str());
    // The threads end with the process: a listener has no time-out of its own.
    let (query, browser) = answer
        .recv_timeout(PATIENCE)
        .map_err(|_| AuthError::TooLate(PATIENCE.as_secs() / 60))?;
    let grant = identity.redeem(begun, &query, clock.now());
    page(browser, if grant.is_ok() { DONE } else { FAILED });
    grant
}

/// Waits for the one request that brings the answer to this sign-in; any other, such as for an icon or
/// from a program that tries one of its own, is not found, and the sign-in goes on. No connection
/// keeps another one waiting.
fn listen(listener: &TcpListener, state: &SignInState, answers: &Sender<(String, TcpStream)>) {
    let open = Arc::new(AtomicUsize::new(0));
    for connection in listener.incoming() {
        let Ok(connection) = connection else { return };
        let timed = connection
            .set_read_timeout(Some(SLOWEST))
            .and_then(|()| connection.set_write_timeout(Some(SLOWEST)));
        if timed.is_err() || open.load(Ordering::Relaxed) >= MOST_CONNECTIONS {
            continue;
        }
        open.fetch_add(1, Ordering::Relaxed);
        let (open, state, answers) = (Arc::clone(&open), state.clone(), answers.clone());
        thread::spawn(move || {
            match query_of(&connection).filter(|query| state.is_of(query)) {
                // Once one was taken nobody waits for another.
                Some(query) => drop(answers.send((query, connection))),
                None => respond(connection, "404 Not Found", "Nothing here."),
            }
            open.fetch_sub(1, Ordering::Relaxed);
        });
    }
}

/// The query of `GET /?code=… HTTP/1.1`; none for any other request.
fn query_of(connection: &TcpStream) -> Option<String> {
    let mut line = String::new();
    let mut reader = BufReader::new(connection.take(LONGEST));
    reader.read_line(&mut line).ok()?;
    let query = line.strip_prefix("GET /?")?.split(' ').next()?.to_owned();
    // The rest of the request is read so that the browser sees our answer and no reset.
    loop {
        let mut header = String::new();
        match reader.read_line(&mut header) {
            Ok(2..) if header.trim().is_empty() => break,
            Ok(1..) => {}
            _ => break,
        }
    }
    let answers = query
        .split('&')
        .any(|part| part.starts_with("code=") || part.starts_with("error="));
    answers.then_some(query)
}

fn page(connection: TcpStream, text: &str) {
    respond(connection, "200 OK", text);
}

fn respond(mut connection: TcpStream, status: &str, text: &str) {
    let body = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>postroom</title>\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <style>:root{{color-scheme:light dark}}body{{font:1.2em sans-serif;margin:4em auto;max-width:30em;padding:0 1em}}</style>\
         <h1>postroom</h1><p>{text}</p></html>"
    );
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\
         Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nConnection: close\r\n\r\n",
        body.len()
    );
    // The sign-in does not depend on the page being seen.
    let _ = connection
        .write_all(head.as_bytes())
        .and_then(|()| connection.write_all(body.as_bytes()));
}
