//! A fake Exchange: mailboxes with their messages, the rights of people on them, and a transport
//! that carries what is submitted. Protocol fronts are put over it.

mod message;
mod store;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use message::{AskedReceipts, Attachment, Folder, NewMessage, Stored};
pub use store::{Refused, State, same};

/// When the transport picks a submitted message up and moves it from Drafts to Sent Items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pickup {
    AtOnce,
    /// Not before [`Exchange::release`].
    Held,
}

/// How long searches miss a message that is new in Sent Items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexLag {
    None,
    /// So many searches that would look there.
    Searches(usize),
    For(Duration),
}

/// The mailboxes; clones share them.
#[derive(Clone)]
pub struct Exchange {
    state: Arc<Mutex<State>>,
}

impl Exchange {
    /// Mailboxes with these addresses, on which everybody has every right.
    pub fn new(addresses: &[&str]) -> Self {
        Self {
            state: Arc::new(Mutex::new(State::new(addresses))),
        }
    }

    /// A look at one mailbox, which must exist.
    #[track_caller]
    pub fn mailbox(&self, address: &str) -> Mailbox {
        assert!(self.lock().has_mailbox(address), "no mailbox {address}");
        Mailbox {
            exchange: self.clone(),
            address: address.to_owned(),
        }
    }

    /// Gives or takes the right of everybody but its owner to open a mailbox.
    pub fn set_full_access(&self, mailbox: &str, may: bool) {
        self.lock().rights(mailbox).full_access = may;
    }

    /// Gives or takes the right of everybody but its owner to send as a mailbox.
    pub fn set_send_as(&self, mailbox: &str, may: bool) {
        self.lock().rights(mailbox).send_as = may;
    }

    /// Whether a Message-ID that comes with a new message is kept. Else one is invented.
    pub fn keep_message_ids(&self, keep: bool) {
        self.lock().keep_message_ids = keep;
    }

    /// Whether the extended properties of a new message are kept.
    pub fn keep_properties(&self, keep: bool) {
        self.lock().keep_properties = keep;
    }

    /// Puts a message that came in into a folder of a mailbox.
    pub fn deliver(&self, mailbox: &str, folder: Folder, mime: &str) {
        let mime = mime.replace('\n', "\r\n");
        self.lock().deliver(mailbox, folder, mime.as_bytes());
    }

    pub fn set_pickup(&self, pickup: Pickup) {
        self.lock().pickup = pickup;
    }

    /// Lets the transport pick up all it holds back.
    pub fn release(&self) {
        self.lock().release();
    }

    pub fn set_index_lag(&self, lag: IndexLag) {
        self.lock().index_lag = lag;
    }

    /// The store itself, for a protocol front.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.carry();
        state
    }
}

/// A look at one mailbox.
pub struct Mailbox {
    exchange: Exchange,
    address: String,
}

impl Mailbox {
    /// What lies in Sent Items, in the order in which it came there.
    pub fn sent(&self) -> Vec<Stored> {
        self.folder(Folder::SentItems)
    }

    /// What lies in Drafts: unsent, or submitted and not picked up yet.
    pub fn drafts(&self) -> Vec<Stored> {
        self.folder(Folder::Drafts)
    }

    /// What was deleted.
    pub fn deleted(&self) -> Vec<Stored> {
        self.folder(Folder::Deleted)
    }

    /// Everything that left through this mailbox, whether or not a copy was kept.
    pub fn outgoing(&self) -> Vec<Stored> {
        self.exchange.lock().outgoing(&self.address)
    }

    fn folder(&self, folder: Folder) -> Vec<Stored> {
        self.exchange.lock().list(&self.address, Some(folder))
    }
}
