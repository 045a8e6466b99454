//! The script of the fake Graph, and the answers that it usually gives.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::super::pace::Pace;
use super::http::Response;
use super::route::GraphKind;

/// A request of which only the head was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphHead {
    /// Number of the request among all, from 1.
    pub request: usize,
    pub kind: GraphKind,
    /// Number of the request among those of its kind, from 1.
    pub turn: usize,
}

/// What the server does when it has read the head of a request.
pub enum HeadAction {
    /// Read on, and ask the other script.
    Proceed,
    /// The same, with the body read at this pace.
    ReadSlowly(Pace),
    /// Close the connection.
    CutBefore,
    /// Close the connection after so many bytes of the body.
    CutWhileReading(u64),
    /// Read so many bytes of the body, run the hook and close the connection.
    CallWhileReading(u64, Arc<dyn Fn() + Send + Sync>),
}

/// A request that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphEvent {
    /// Number of the request among all, from 1.
    pub request: usize,
    pub kind: GraphKind,
    /// Number of the request among those of its kind, from 1.
    pub turn: usize,
    /// Number of the request among those of its kind for its letter, from 1.
    pub attempt: usize,
    /// The subject of the letter, if the request carries or names one.
    pub subject: Option<String>,
    /// The value of the letter's extended property.
    pub tag: Option<String>,
}

/// What the server does with a request.
pub enum GraphAction {
    /// What Graph does.
    Proceed,
    /// This answer; nothing is done.
    Answer(Response),
    /// Do what Graph does, but answer this.
    AcceptThen(Response),
    /// Close the connection; nothing is done.
    CutBefore,
    /// Do what Graph does, but close the connection in place of the answer.
    CutAfter,
    /// Reset the connection; nothing is done.
    ResetBefore,
    /// Do what Graph does, but reset the connection in place of the answer.
    ResetAfter,
    /// Do what Graph does, but close the connection after half the answer.
    TruncatedAnswer,
    /// Do what Graph does, and answer after this time.
    Slow(Duration),
    /// Do what Graph does, and answer a byte at a time.
    Crawl,
    /// Run the hook, then do the action.
    CallThen(Arc<dyn Fn() + Send + Sync>, Box<GraphAction>),
}

impl GraphAction {
    /// See [`GraphAction::CallThen`].
    pub fn call(hook: impl Fn() + Send + Sync + 'static, then: Self) -> Self {
        Self::CallThen(Arc::new(hook), Box::new(then))
    }
}

/// Graph's error.
pub fn graph_error(status: u16, code: &str, text: &str) -> Response {
    let error = json!({"error": {"code": code, "message": text, "innerError": {
        "date": "2026-01-02T03:04:05",
    }}});
    Response::json(status, &error)
}

/// 429, with the seconds to wait.
pub fn throttled(retry_after: Option<u64>) -> Response {
    let text = "Application is over its MailboxConcurrency limit.";
    let answer = graph_error(429, "ApplicationThrottled", text);
    match retry_after {
        Some(seconds) => answer.with("Retry-After", seconds.to_string()),
        None => answer,
    }
}

/// 503, with seconds or an HTTP date to wait for; an empty text leaves that out.
pub fn unavailable(retry_after: &str) -> Response {
    let answer = graph_error(503, "ErrorServerBusy", "The server is busy.");
    if retry_after.is_empty() {
        return answer;
    }
    answer.with("Retry-After", retry_after)
}

/// 504, as it comes from the gateway in front of Exchange.
pub fn gateway_timeout() -> Response {
    graph_error(504, "UnknownError", "")
}

/// A page in place of JSON.
pub fn html(status: u16) -> Response {
    let page = "<html><head><title>Error</title></head><body><h2>Service error</h2></body></html>";
    Response::new(status, "text/html", page)
}

/// Rubbish of so many bytes.
pub fn huge(status: u16, bytes: usize) -> Response {
    Response::new(status, "application/json", vec![b'x'; bytes])
}

/// No body.
pub fn empty(status: u16) -> Response {
    Response::empty(status)
}
