//! What answers mean that no server may ever give: for the fuzz targets and for the manual's table of
//! answers, which cannot reach the readers of answers otherwise.

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};

use super::call::Step;
use super::{SendError, ews, graph, smtp};
use crate::http::HttpReply;
use crate::network::NetworkError;

/// What one answer means for each kind of request: one that prepares a letter, one that sends a draft
/// and one that sends the letter. None where nothing is wrong.
pub type Meanings = [Option<SendError>; 3];

/// An answer of Exchange Web Services.
#[must_use]
pub fn ews_answer(status: u16, body: &[u8]) -> Meanings {
    meanings(status, "text/xml", body, ews::tried)
}

/// An answer of Microsoft Graph to a request that it did not do.
#[must_use]
pub fn graph_error(status: u16, body: &[u8]) -> Meanings {
    meanings(status, "application/json", body, |reply, step| {
        Some(graph::tried(reply, step))
    })
}

/// A reply of a mail server that is no success: while connecting, at MAIL FROM, at RCPT TO, at DATA and
/// after the final dot.
#[must_use]
pub fn smtp_reply(code: u16, text: &str) -> [SendError; 5] {
    smtp::tried(code, text)
}

/// What was read of a mail server's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmtpBytes {
    /// The code and the words of each whole reply.
    pub replies: Vec<(u16, String)>,
    /// What came instead of a reply.
    pub error: Option<NetworkError>,
    /// The most bytes that were held at once.
    pub most_held: usize,
}

/// The replies of a mail server whose bytes arrive in pieces of one length.
#[must_use]
pub fn smtp_bytes(bytes: &[u8], piece: usize) -> SmtpBytes {
    let (replies, error, most_held) = smtp::tried_bytes(bytes, piece);
    SmtpBytes {
        replies,
        error,
        most_held,
    }
}

fn meanings(
    status: u16,
    kind: &'static str,
    body: &[u8],
    read: impl Fn(&HttpReply, Step) -> Option<SendError>,
) -> Meanings {
    let reply = HttpReply {
        status,
        headers: HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(kind))]),
        body: body.to_vec(),
    };
    [Step::Prepare, Step::Release, Step::Send].map(|step| read(&reply, step))
}
