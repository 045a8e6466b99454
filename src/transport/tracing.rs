//! What a service traced of the messages that it took from us, as far as the sign-in may see it.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Bearer, SendError, graph};
use crate::address::Address;
use crate::config::{Secrets, TransportName};
use crate::finding::Finding;

/// A message at one of its addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TracedMessage {
    /// The name by which the service knows it.
    pub name: String,
    /// Its Message-ID, without angle brackets.
    pub message_id: String,
    /// The address.
    pub recipient: String,
    /// The service's word for what became of it.
    pub status: String,
}

/// Looks into the trace of a service. Nothing is changed there.
pub(crate) trait Tracing {
    /// Whether the sign-in may see the trace.
    ///
    /// # Errors
    /// When nobody is signed in.
    fn may_trace(&mut self) -> Result<bool, SendError>;

    /// The messages of a sender that the service took between two moments.
    ///
    /// # Errors
    /// When the service does not show them.
    fn list(
        &mut self,
        sender: &Address,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<TracedMessage>, SendError>;

    /// What the service says of the end of a message at its address, in its own words.
    ///
    /// # Errors
    /// When the service does not show it.
    fn detail(&mut self, message: &TracedMessage) -> Result<Option<String>, SendError>;
}

/// The trace of a transport's service; none where it keeps none that could be asked.
///
/// # Errors
/// What is missing in the secrets file, with the next step.
pub(crate) fn tracing(
    name: TransportName,
    secrets: &Secrets,
    bearer: &Arc<dyn Bearer>,
) -> Result<Option<Box<dyn Tracing>>, Finding> {
    match name {
        TransportName::Graph => graph::tracing(secrets, bearer).map(Some),
        TransportName::Outbox | TransportName::Smtp | TransportName::Ews => Ok(None),
    }
}
