//! Inbox and Junk of the mailbox, message by message as it came.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use super::find::items;
use super::reading::{Element, Space};
use super::requests::{self, EwsFolder};
use super::service::EwsService;
use super::words;
use crate::config::Secrets;
use crate::finding::Finding;
use crate::transport::call::{Step, Unrecorded, describe};
use crate::transport::incoming::{
    BothMailboxes, Incoming, Listed, ListedClass, MOST_LISTED, plain_id,
};
use crate::transport::{Bearer, SendError};

/// How many messages are listed at a time; the usual policy of a server allows 1,000.
const PAGE: usize = 200;

struct EwsInbox(EwsService, ListedClass);

pub(in crate::transport) fn incoming(
    secrets: &Secrets,
    bearer: &Arc<dyn Bearer>,
    largest: u64,
) -> Result<Box<dyn Incoming>, Finding> {
    let kept = secrets.ews.get()?.save_in;
    BothMailboxes::open(kept, |save_in, class| {
        let service = super::service(secrets, bearer, save_in)?;
        let is_shared = service.place.mailbox.is_some();
        // In base64, with what stands around it.
        let largest = largest / 3 * 4 + 100_000;
        Ok((EwsInbox(service.taking(largest), class), is_shared))
    })
}

impl Incoming for EwsInbox {
    fn describe(&self) -> String {
        let place = &self.0.place;
        describe("ews", &place.url, place.mailbox.as_ref())
    }

    fn list(&mut self, since: Timestamp) -> Result<Vec<Listed>, SendError> {
        let mut listed = Vec::new();
        for folder in [EwsFolder::Inbox, EwsFolder::Junk] {
            let mut offset = 0;
            loop {
                let mailbox = self.0.mailbox(false);
                let page = (offset, PAGE);
                let operation = requests::find_received(folder, since, self.1, page, mailbox);
                let answers =
                    self.0
                        .ask(operation, Step::Prepare, &mut Unrecorded::new().trail())?;
                let found: Vec<Listed> = answers
                    .iter()
                    .flat_map(items)
                    .map(read)
                    .collect::<Result<_, _>>()?;
                let count = found.len();
                listed.extend(found);
                offset += count;
                let is_last = answers.iter().all(is_last_page);
                if is_last || count == 0 || offset >= MOST_LISTED {
                    break;
                }
            }
        }
        Ok(listed)
    }

    fn fetch(&mut self, name: &str, _: u64) -> Result<Option<Vec<u8>>, SendError> {
        let operation = requests::get_mime(name);
        let Some(message) = self.0.look(operation, &mut Unrecorded::new().trail())? else {
            return Ok(None);
        };
        let item = items(&message).next().ok_or_else(words::incomplete)?;
        let mime = item
            .child(Space::Types, "MimeContent")
            .map(Element::text)
            .ok_or_else(words::incomplete)?;
        let packed: String = mime.split_ascii_whitespace().collect();
        let mime = STANDARD.decode(packed).map_err(|_| words::incomplete())?;
        Ok(Some(mime))
    }
}

fn read(item: &Element) -> Result<Listed, SendError> {
    let name = item
        .child(Space::Types, "ItemId")
        .and_then(|name| name.attribute("Id"))
        .ok_or_else(words::incomplete)?;
    let id = item
        .child(Space::Types, "InternetMessageId")
        .map(Element::text);
    Ok(Listed {
        name: name.to_owned(),
        message_id: id.and_then(plain_id),
    })
}

fn is_last_page(message: &Element) -> bool {
    message
        .child(Space::Messages, "RootFolder")
        .and_then(|folder| folder.attribute("IncludesLastItemInRange"))
        .is_none_or(super::find::is_true)
}
