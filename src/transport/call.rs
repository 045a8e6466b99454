//! What the transports that speak over HTTP have in common: the trail of a request, and what its
//! silence means.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};

use super::{Answer, Cause, NoToken, SendError, TransportAttempt, new_trace};
use crate::address::Address;
use crate::finding::NextStep;
use crate::http::{HttpError, HttpReply};

/// What a request does, which decides what its silence means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It cannot send the letter.
    Prepare,
    /// It sends a draft by its name, which can be done once only.
    Release,
    /// It sends the letter as it is: each such request that is taken sends one.
    Send,
}

/// Which request is it, for those who look into it later: its name for the server, and the server's own names for it.
pub(super) struct Trail<'a> {
    pub trace: &'a str,
    pub request_ids: &'a mut Vec<String>,
}

impl<'a> Trail<'a> {
    /// The trail of a try.
    pub(super) fn of(attempt: &'a mut TransportAttempt<'_>) -> Self {
        Self {
            trace: attempt.trace,
            request_ids: &mut attempt.request_ids,
        }
    }

    /// Names the request to the server. Microsoft Graph and Exchange Web Services log the same
    /// headers.
    pub(super) fn name(&self, headers: &mut HeaderMap) {
        if let Ok(trace) = HeaderValue::from_str(self.trace) {
            headers.insert("client-request-id", trace);
            headers.insert("return-client-request-id", HeaderValue::from_static("true"));
        }
    }

    /// Keeps the server's own name of a request that it answered.
    pub(super) fn answered(&mut self, reply: &HttpReply) {
        self.request_ids.extend(reply.header("request-id").map(id));
    }
}

/// The trail of a question that belongs to no try of a letter, so that no ledger keeps it.
pub(super) struct Unrecorded {
    trace: String,
    request_ids: Vec<String>,
}

impl Unrecorded {
    pub(super) fn new() -> Self {
        Self {
            trace: new_trace(),
            request_ids: Vec::new(),
        }
    }

    pub(super) fn trail(&mut self) -> Trail<'_> {
        Trail {
            trace: &self.trace,
            request_ids: &mut self.request_ids,
        }
    }
}

/// The server and the mailbox that a transport works in, in a few words.
pub(super) fn describe(way: &str, url: &Url, mailbox: Option<&Address>) -> String {
    let host = url.host_str().unwrap_or_default();
    let mailbox = mailbox.map_or("me", Address::as_str);
    format!("{way} {host} as {mailbox}")
}

/// Says who asks. The value is shown in no log of the HTTP client.
pub(super) fn authorise(headers: &mut HeaderMap, value: &str) -> Result<(), SendError> {
    let mut value = HeaderValue::from_str(value).map_err(|_| {
        SendError::Unauthorised(Answer::new(
            Cause::SignIn,
            "the token or password holds characters that no HTTP header can carry",
        ))
    })?;
    value.set_sensitive(true);
    headers.insert(AUTHORIZATION, value);
    Ok(())
}

/// The sign-in could not give what was asked of it. A service that cannot be reached says nothing of
/// who we are, and may be back soon.
pub(super) fn unauthorised(error: &NoToken) -> SendError {
    let answer = Answer::new(Cause::SignIn, &error.to_string()).with(&error.next_step());
    if error.is_unreachable() {
        return SendError::Transient {
            answer,
            everyone: true,
        };
    }
    SendError::Unauthorised(answer)
}

/// What no answer, or half of one, means.
pub(super) fn silence(error: &HttpError, step: Step) -> SendError {
    match error {
        HttpError::NotSent(error) => SendError::Transient {
            answer: Answer::new(Cause::NoConnection, &error.text),
            everyone: true,
        },
        HttpError::NoAnswer(error) if step == Step::Prepare => SendError::Transient {
            answer: Answer::new(Cause::NoAnswer, &error.text),
            everyone: true,
        },
        HttpError::NoAnswer(error) => SendError::InDoubt(Answer::new(
            Cause::NoAnswer,
            &format!("no answer came after the letter was handed over: {error}"),
        )),
    }
}

/// A name of the server as it may stand in a line of ours.
pub(super) fn id(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c))
        .take(80)
        .collect()
}

/// Retry-After in seconds or as a date (RFC 9110 section 10.2.3). A date is taken by the server's
/// own clock, so that ours may be wrong.
pub(super) fn wait(reply: &HttpReply) -> Option<Duration> {
    let written = reply.header("retry-after")?.trim();
    if let Ok(seconds) = written.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = date(written)?;
    let now = date(reply.header("date")?)?;
    Some(Duration::try_from(until.duration_since(now)).unwrap_or_default())
}

fn date(text: &str) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new()
        .parse_timestamp(text.trim())
        .ok()
}
