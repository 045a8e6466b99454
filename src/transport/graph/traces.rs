//! Exchange's own trace of messages (Microsoft Graph, "List messageTraces" and "exchangeMessageTrace:
//! getDetailsByRecipient"): what became of each message at each address inside Microsoft's servers.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;
use serde::Deserialize;

use super::find::{quoted, read};
use super::service::{Ask, GraphService};
use crate::address::Address;
use crate::config::{SaveIn, Secrets};
use crate::finding::Finding;
use crate::transport::call::Unrecorded;
use crate::transport::incoming::{MOST_LISTED, plain_id};
use crate::transport::tracing::{TracedMessage, Tracing};
use crate::transport::{Bearer, SendError};

/// The permission, delegated or of an application.
const SCOPE: &str = "ExchangeMessageTrace.Read.All";
/// The longest time that one question may be about.
const WINDOW: SignedDuration = SignedDuration::from_hours(10 * 24);
/// How far back the service knows anything, less an hour for clocks that differ.
const KEPT: SignedDuration = SignedDuration::from_hours(90 * 24 - 1);
/// The most messages of one answer.
const PAGE: usize = 5_000;

#[derive(Deserialize)]
struct TracePage {
    value: Vec<TraceRecord>,
    #[serde(rename = "@odata.nextLink")]
    next: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TraceRecord {
    id: String,
    message_id: Option<String>,
    recipient_address: Option<String>,
    status: Option<String>,
}

#[derive(Deserialize)]
struct TraceDetails {
    value: Vec<TraceDetail>,
}

#[derive(Deserialize)]
struct TraceDetail {
    event: Option<String>,
    description: Option<String>,
}

struct GraphTraces(GraphService);

pub(in crate::transport) fn tracing(
    secrets: &Secrets,
    bearer: &Arc<dyn Bearer>,
) -> Result<Box<dyn Tracing>, Finding> {
    let service = super::service(secrets, bearer, SaveIn::Shared)?;
    Ok(Box::new(GraphTraces(service)))
}

impl Tracing for GraphTraces {
    fn may_trace(&mut self) -> Result<bool, SendError> {
        self.0.allows(SCOPE)
    }

    fn list(
        &mut self,
        sender: &Address,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<TracedMessage>, SendError> {
        let oldest = until - KEPT;
        let mut from = since.max(oldest);
        let mut traced = Vec::new();
        while from < until && traced.len() < MOST_LISTED {
            let to = (from + WINDOW).min(until);
            self.window(sender, (from, to), &mut traced)?;
            from = to;
        }
        Ok(traced)
    }

    fn detail(&mut self, message: &TracedMessage) -> Result<Option<String>, SendError> {
        let call = format!(
            "getDetailsByRecipient(recipientAddress='{}')",
            quoted(&message.recipient)
        );
        let url = self.url(&[&message.name, &call]);
        let Some(reply) = self
            .0
            .look(&Ask::get(url), &mut Unrecorded::new().trail())?
        else {
            return Ok(None);
        };
        let details: TraceDetails = read(&reply)?;
        // The last one says how it ended; that it was taken in says nothing.
        let last = details.value.into_iter().rev().find(|detail| {
            let event = detail.event.as_deref().unwrap_or_default();
            !event.eq_ignore_ascii_case("receive")
        });
        Ok(last.and_then(|detail| detail.description))
    }
}

impl GraphTraces {
    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.0.place.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty();
            segments.extend(["admin", "exchange", "tracing", "messageTraces"]);
            segments.extend(path);
        }
        url
    }

    /// The messages of a sender in a time that is short enough to be asked about at once.
    fn window(
        &mut self,
        sender: &Address,
        (from, to): (Timestamp, Timestamp),
        traced: &mut Vec<TracedMessage>,
    ) -> Result<(), SendError> {
        let moment = |at: Timestamp| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let filter = format!(
            "senderAddress eq '{}' and receivedDateTime ge {} and receivedDateTime le {}",
            quoted(sender.as_str()),
            moment(from),
            moment(to)
        );
        let mut url = self.url(&[]);
        url.set_query(Some(&format!(
            "$filter={}&$top={PAGE}",
            utf8_percent_encode(&filter, NON_ALPHANUMERIC)
        )));
        loop {
            let reply = self.0.ask(&Ask::get(url), &mut Unrecorded::new().trail())?;
            let page: TracePage = read(&reply)?;
            let is_empty = page.value.is_empty();
            traced.extend(page.value.into_iter().filter_map(|trace| {
                Some(TracedMessage {
                    name: trace.id,
                    message_id: plain_id(&trace.message_id?)?,
                    recipient: trace.recipient_address?,
                    status: trace.status?,
                })
            }));
            let Some(next) = page
                .next
                .filter(|_| !is_empty && traced.len() < MOST_LISTED)
            else {
                return Ok(());
            };
            url = self.0.same_place(&next)?;
        }
    }
}
