//! What came into a mailbox. It is asked for and never changed: no mark, no move, no deletion.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Bearer, SendError, ews, graph, imap};
use crate::config::{Secrets, TransportName};
use crate::finding::Finding;

/// A message that lies in a mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The name by which it is fetched.
    pub name: String,
    /// Its Message-ID without angle brackets, where the mailbox knows it.
    pub message_id: Option<String>,
}

/// Reads what came into a mailbox.
pub trait Incoming {
    /// The server and the mailbox, in a few words.
    fn describe(&self) -> String;

    /// The messages of Inbox and Junk that came since a moment.
    ///
    /// # Errors
    /// When the server does not show them.
    fn list(&mut self, since: Timestamp) -> Result<Vec<Listed>, SendError>;

    /// A message as it came, of at most so many bytes and one; none when it is gone.
    ///
    /// # Errors
    /// When the server does not give it.
    fn fetch(&mut self, name: &str, largest: u64) -> Result<Option<Vec<u8>>, SendError>;
}

/// How many messages of a folder are listed at most.
pub(super) const MOST_LISTED: usize = 200_000;

/// Opens the mailbox that `[returns]` of the secrets file names, else the one that a transport sends
/// from; none where it has no mailbox. Nothing is connected before the first question.
///
/// # Errors
/// What is missing in the secrets file, with the next step.
pub fn incoming(
    name: TransportName,
    secrets: &Secrets,
    bearer: &Arc<dyn Bearer>,
    largest: u64,
) -> Result<Option<Box<dyn Incoming>>, Finding> {
    if let Some(settings) = secrets.returns.get()? {
        return imap::incoming(settings, bearer).map(Some);
    }
    match name {
        TransportName::Outbox | TransportName::Smtp => Ok(None),
        TransportName::Graph => graph::incoming(secrets, bearer, largest).map(Some),
        TransportName::Ews => ews::incoming(secrets, bearer, largest).map(Some),
    }
}

/// A Message-ID as servers write it, without its angle brackets.
pub(super) fn plain_id(id: &str) -> Option<String> {
    let id = id.trim().trim_matches(['<', '>']);
    (!id.is_empty()).then(|| id.to_owned())
}
