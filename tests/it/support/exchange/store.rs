//! What the fake Exchange keeps, and what becomes of it.

use std::collections::HashMap;
use std::time::Instant;

use super::message::{Attachment, Folder, NewMessage, Stored};
use super::{IndexLag, Pickup};

/// Why the store does not do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    NotFound,
    /// It was submitted, so it can be changed no more.
    NotADraft,
}

/// What others may do with a mailbox.
#[derive(Clone, Copy)]
pub struct Rights {
    pub full_access: bool,
    pub send_as: bool,
}

/// A message, and what the store knows besides.
struct Item {
    message: Stored,
    keep_copy: bool,
    searches: usize,
}

/// All mailboxes.
pub struct State {
    pub keep_message_ids: bool,
    pub keep_properties: bool,
    pub pickup: Pickup,
    pub index_lag: IndexLag,
    mailboxes: HashMap<String, Rights>,
    items: Vec<Item>,
    /// What left without a copy in Sent Items.
    uncopied: Vec<Stored>,
    made: usize,
}

impl State {
    pub(super) fn new(addresses: &[&str]) -> Self {
        let rights = Rights {
            full_access: true,
            send_as: true,
        };
        let mailboxes = addresses.iter().map(|address| (folded(address), rights));
        Self {
            keep_message_ids: true,
            keep_properties: true,
            pickup: Pickup::AtOnce,
            index_lag: IndexLag::None,
            mailboxes: mailboxes.collect(),
            items: Vec::new(),
            uncopied: Vec::new(),
            made: 0,
        }
    }

    pub fn has_mailbox(&self, address: &str) -> bool {
        self.mailboxes.contains_key(&folded(address))
    }

    #[track_caller]
    pub(super) fn rights(&mut self, mailbox: &str) -> &mut Rights {
        let rights = self.mailboxes.get_mut(&folded(mailbox));
        rights.unwrap_or_else(|| panic!("no mailbox {mailbox}"))
    }

    /// Whether a person may open a mailbox.
    pub fn may_open(&self, person: &str, mailbox: &str) -> bool {
        let rights = self.mailboxes.get(&folded(mailbox));
        same(person, mailbox) || rights.is_some_and(|rights| rights.full_access)
    }

    /// Whether a person may send as this address.
    pub fn may_send_as(&self, person: &str, address: &str) -> bool {
        let rights = self.mailboxes.get(&folded(address));
        same(person, address) || rights.is_some_and(|rights| rights.send_as)
    }

    /// Stores a new draft.
    pub fn create(&mut self, mailbox: &str, mut new: NewMessage) -> Stored {
        self.made += 1;
        if !self.keep_properties {
            new.properties.clear();
        }
        let number = self.made;
        let given = new.internet_message_id.clone();
        let given = given.filter(|_| self.keep_message_ids);
        let message_id = given.unwrap_or_else(|| format!("<invented-{number}@exchange.example>"));
        let message = Stored::new(format!("AAkFake{number:05}="), mailbox, message_id, new);
        self.items.push(Item {
            message: message.clone(),
            keep_copy: true,
            searches: 0,
        });
        message
    }

    /// Puts a message that came in into a folder.
    pub fn deliver(&mut self, mailbox: &str, folder: Folder, mime: &[u8]) {
        self.made += 1;
        let text = String::from_utf8_lossy(mime);
        let id = text
            .lines()
            .find_map(|line| line.strip_prefix("Message-ID: "));
        let id = id.unwrap_or_default().trim().to_owned();
        let name = format!("AAkFake{:05}=", self.made);
        let mut message = Stored::new(name, mailbox, id, NewMessage::default());
        message.folder = folder;
        message.is_draft = false;
        message.mime = mime.into();
        self.items.push(Item {
            message,
            keep_copy: false,
            searches: 0,
        });
    }

    /// A message of a mailbox that was not deleted.
    pub fn get(&self, mailbox: &str, id: &str) -> Option<Stored> {
        let place = self.place(mailbox, id).ok()?;
        Some(self.items[place].message.clone())
    }

    /// Puts a file to a draft.
    pub fn attach(&mut self, mailbox: &str, id: &str, file: Attachment) -> Result<(), Refused> {
        let place = self.draft(mailbox, id)?;
        self.items[place].message.attachments.push(file);
        Ok(())
    }

    /// Hands a draft to the transport.
    pub fn submit(&mut self, mailbox: &str, id: &str, keep_copy: bool) -> Result<(), Refused> {
        let place = self.draft(mailbox, id)?;
        let item = &mut self.items[place];
        item.keep_copy = keep_copy;
        item.message.is_submitted = true;
        self.carry();
        Ok(())
    }

    /// Deletes a draft.
    pub fn delete(&mut self, mailbox: &str, id: &str) -> Result<(), Refused> {
        let place = self.draft(mailbox, id)?;
        self.items[place].message.folder = Folder::Deleted;
        Ok(())
    }

    /// The messages of a folder, or of all but the deleted ones.
    pub fn list(&self, mailbox: &str, folder: Option<Folder>) -> Vec<Stored> {
        let messages = self.items.iter().map(|item| &item.message);
        let lies_there = |message: &&Stored| match folder {
            Some(folder) => message.folder == folder,
            None => message.folder != Folder::Deleted,
        };
        messages
            .filter(|message| same(&message.mailbox, mailbox))
            .filter(lies_there)
            .cloned()
            .collect()
    }

    /// What the index finds: [`State::list`] without what it has not taken in yet.
    pub fn search(&mut self, mailbox: &str, folder: Option<Folder>) -> Vec<Stored> {
        let mut found = self.list(mailbox, folder);
        let (lag, now) = (self.index_lag, now());
        for item in &mut self.items {
            let is_fresh = match lag {
                _ if item.message.folder != Folder::SentItems => false,
                _ if folder.is_some_and(|folder| folder != Folder::SentItems) => false,
                _ if !same(&item.message.mailbox, mailbox) => false,
                IndexLag::None => false,
                IndexLag::Searches(count) => item.searches < count,
                IndexLag::For(time) => {
                    let sent_at = item.message.sent_at;
                    sent_at.is_some_and(|sent_at| now.duration_since(sent_at) < time)
                }
            };
            if is_fresh {
                item.searches += 1;
                found.retain(|message| message.id != item.message.id);
            }
        }
        found
    }

    /// Everything that left through a mailbox: without a copy first.
    pub(super) fn outgoing(&self, mailbox: &str) -> Vec<Stored> {
        let copies = self.list(mailbox, Some(Folder::SentItems));
        let uncopied = self.uncopied.iter();
        uncopied
            .filter(|message| same(&message.mailbox, mailbox))
            .cloned()
            .chain(copies)
            .collect()
    }

    /// Lets the transport pick up what is due.
    pub(super) fn carry(&mut self) {
        if self.pickup == Pickup::AtOnce {
            self.release();
        }
    }

    /// What is sent moves behind what was sent before.
    pub(super) fn release(&mut self) {
        let due = |item: &mut Item| {
            let message = &item.message;
            message.folder == Folder::Drafts && message.is_submitted
        };
        let picked: Vec<Item> = self.items.extract_if(.., due).collect();
        for mut item in picked {
            item.message.folder = Folder::SentItems;
            item.message.is_draft = false;
            item.message.sent_at = Some(now());
            if item.keep_copy {
                self.items.push(item);
            } else {
                self.uncopied.push(item.message);
            }
        }
    }

    fn place(&self, mailbox: &str, id: &str) -> Result<usize, Refused> {
        let is_it = |item: &Item| {
            let message = &item.message;
            message.id == id && same(&message.mailbox, mailbox) && message.folder != Folder::Deleted
        };
        self.items.iter().position(is_it).ok_or(Refused::NotFound)
    }

    fn draft(&self, mailbox: &str, id: &str) -> Result<usize, Refused> {
        let place = self.place(mailbox, id)?;
        if self.items[place].message.is_submitted {
            return Err(Refused::NotADraft);
        }
        Ok(place)
    }
}

/// Whether two addresses are the same mailbox.
pub fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

fn folded(address: &str) -> String {
    address.to_ascii_lowercase()
}

/// The time by which messages are carried and found.
fn now() -> Instant {
    Instant::now()
}
