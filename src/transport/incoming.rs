//! What came into a mailbox. It is asked for and never changed: no mark, no move, no deletion.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::{Bearer, SendError, ews, graph, imap};
use crate::config::{SaveIn, Secrets, TransportName};
use crate::finding::Finding;

/// A message that lies in a mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    /// The name by which it is fetched.
    pub name: String,
    /// Its Message-ID without angle brackets, where the mailbox knows it.
    pub message_id: Option<String>,
}

/// Reads what came into a mailbox.
pub(crate) trait Incoming {
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

/// Which messages of a mailbox are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ListedClass {
    /// All.
    All,
    /// Reports of mail servers and programs. Exchange gives them a class of their own ("REPORT.…",
    /// MS-OXCMAIL section 2.2.3.5), so that a person's own letters stay unread.
    Reports,
}

/// The mailbox that letters come from, and that of the person who signed in: where a letter goes out on
/// behalf of the first, what comes back goes to the second.
pub(super) struct BothMailboxes {
    shared: Box<dyn Incoming>,
    own: Box<dyn Incoming>,
    /// Whether it is enough to read the person's own.
    own_is_enough: bool,
    /// Whether the last listing could read the person's own.
    reads_own: bool,
    /// The names of messages that are in the person's own.
    in_own: HashSet<String>,
}

impl BothMailboxes {
    /// The mailboxes that mail comes back to, each opened by `inbox`, which also says whether it is a
    /// shared one; `kept` says where copies of letters are kept.
    pub(super) fn open<I: Incoming + 'static>(
        kept: SaveIn,
        inbox: impl Fn(SaveIn, ListedClass) -> Result<(I, bool), Finding>,
    ) -> Result<Box<dyn Incoming>, Finding> {
        let (shared, is_shared) = inbox(SaveIn::Shared, ListedClass::All)?;
        if !is_shared {
            return Ok(Box::new(shared));
        }
        let (own, _) = inbox(SaveIn::Own, ListedClass::Reports)?;
        Ok(Box::new(Self {
            shared: Box::new(shared),
            own: Box::new(own),
            own_is_enough: kept == SaveIn::Own,
            reads_own: false,
            in_own: HashSet::new(),
        }))
    }
}

impl Incoming for BothMailboxes {
    fn describe(&self) -> String {
        let shared = self.shared.describe();
        if self.reads_own {
            format!("{shared}, and for reports into that of who signed in")
        } else {
            shared
        }
    }

    fn list(&mut self, since: Timestamp) -> Result<Vec<Listed>, SendError> {
        let own = match self.own.list(since) {
            // Who signed in may have no mailbox, or may not read it: that is no trouble of this one.
            Err(SendError::Unauthorised(_) | SendError::Unusable(_) | SendError::Rejected(_)) => {
                None
            }
            other => Some(other?),
        };
        self.reads_own = own.is_some();
        let mut listed = match self.shared.list(since) {
            Err(SendError::Unauthorised(_)) if self.own_is_enough && self.reads_own => Vec::new(),
            other => other?,
        };
        let own = own.unwrap_or_default();
        self.in_own = own.iter().map(|message| message.name.clone()).collect();
        listed.extend(own);
        Ok(listed)
    }

    fn fetch(&mut self, name: &str, largest: u64) -> Result<Option<Vec<u8>>, SendError> {
        if self.in_own.contains(name) {
            self.own.fetch(name, largest)
        } else {
            self.shared.fetch(name, largest)
        }
    }
}

/// How many messages of a folder are listed at most.
pub(super) const MOST_LISTED: usize = 200_000;

/// Opens the mailbox that `[returns]` of the secrets file names, else the one that a transport sends
/// from; none where it has no mailbox. Nothing is connected before the first question.
///
/// # Errors
/// What is missing in the secrets file, with the next step.
pub(crate) fn incoming(
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
