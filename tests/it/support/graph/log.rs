//! What the fake Graph remembers of its requests.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::route::GraphKind;

/// A request as it was received, with what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphRequest {
    /// Its number among all, from 1.
    pub number: usize,
    /// When its head had arrived.
    pub at: Instant,
    /// Number of the connection, from 1.
    pub connection: u64,
    pub kind: GraphKind,
    pub method: String,
    /// The path as it was sent, without the query.
    pub path: String,
    /// The query, decoded.
    pub query: Vec<(String, String)>,
    /// By name in small letters.
    pub headers: BTreeMap<String, String>,
    /// Bytes of the body that were read.
    pub body_bytes: usize,
    /// Requests in flight when it arrived, with itself.
    pub in_flight: usize,
    /// Number among the requests of this kind for this letter, from 1; 0 when only the head was
    /// read.
    pub attempt: usize,
    /// The letter, if it is known.
    pub subject: Option<String>,
    /// The value of the letter's extended property, if it is known.
    pub tag: Option<String>,
    /// Whether it handed a message to the transport, whatever the client was shown.
    pub accepted: bool,
    /// The status of the answer; none when there was none (yet).
    pub status: Option<u16>,
    /// Whether the answer was cut in half.
    pub truncated: bool,
    /// The id that the server gave it.
    pub request_id: String,
    pub client_request_id: Option<String>,
}

/// The most accepted messages in any time of this length.
pub(super) fn most_accepted(requests: &[GraphRequest], window: Duration) -> usize {
    let accepted = requests.iter().filter(|request| request.accepted);
    let times: Vec<_> = accepted.map(|request| (request.at, 1)).collect();
    most_within(&times, window)
}

/// The most bytes of request bodies in any time of this length.
pub(super) fn most_bytes(requests: &[GraphRequest], window: Duration) -> usize {
    let sizes = requests.iter();
    let times: Vec<_> = sizes
        .map(|request| (request.at, request.body_bytes))
        .collect();
    most_within(&times, window)
}

/// The largest sum in any half-open window; `times` ascends.
pub fn most_within(times: &[(Instant, usize)], window: Duration) -> usize {
    let (mut most, mut sum, mut first) = (0, 0, 0);
    for &(time, amount) in times {
        sum += amount;
        while time.duration_since(times[first].0) >= window && first < times.len() - 1 {
            sum -= times[first].1;
            first += 1;
        }
        most = most.max(sum);
    }
    most
}
