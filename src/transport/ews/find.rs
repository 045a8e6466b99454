//! What became of a letter: looked for in the mailbox by its draft, its mark and its Message-ID.

use super::reading::{Element, Space};
use super::requests::{self, By};
use super::service::EwsService;
use super::words;
use crate::transport::SendError;
use crate::transport::call::{Step, Trail};
use crate::transport::drafts::{DraftMark, Drafts, FoundMessage};

impl Drafts for EwsService {
    fn by_name(
        &mut self,
        _own: bool,
        name: &str,
        trail: &mut Trail<'_>,
    ) -> Result<Option<FoundMessage>, SendError> {
        let Some(message) = self.look(requests::get(name), trail)? else {
            return Ok(None);
        };
        let item = items(&message).next().ok_or_else(words::incomplete)?;
        read(item).map(Some)
    }

    fn by_mark(
        &mut self,
        own: bool,
        mark: DraftMark,
        value: &str,
        trail: &mut Trail<'_>,
    ) -> Result<Vec<FoundMessage>, SendError> {
        by(self, By::Mark(mark), own, value, trail)
    }

    fn by_message_id(
        &mut self,
        own: bool,
        message_id: &str,
        trail: &mut Trail<'_>,
    ) -> Result<Vec<FoundMessage>, SendError> {
        by(self, By::MessageId, own, message_id, trail)
    }

    fn remove(&mut self, _own: bool, name: &str, trail: &mut Trail<'_>) -> Result<bool, SendError> {
        let removed = self.look(requests::delete(name), trail)?;
        Ok(removed.is_some())
    }
}

/// The messages of Sent Items and Drafts that have a mark or Message-ID.
pub(super) fn by(
    service: &mut EwsService,
    by: By,
    own: bool,
    value: &str,
    trail: &mut Trail<'_>,
) -> Result<Vec<FoundMessage>, SendError> {
    let operation = requests::find(by, value, service.mailbox(own));
    let folders = service.ask(operation, Step::Prepare, trail)?;
    folders.iter().flat_map(items).map(read).collect()
}

/// The items of a response message.
pub(super) fn items(message: &Element) -> impl Iterator<Item = &Element> {
    let items = message
        .child(Space::Messages, "Items")
        .or_else(|| message.within(Space::Types, "Items"));
    items.into_iter().flat_map(Element::children)
}

/// Reads an item. One that does not say whether it is a draft must not be judged.
fn read(item: &Element) -> Result<FoundMessage, SendError> {
    let part = |name| item.child(Space::Types, name).map(Element::text);
    let name = item
        .child(Space::Types, "ItemId")
        .ok_or_else(words::incomplete)?;
    Ok(FoundMessage {
        id: name
            .attribute("Id")
            .ok_or_else(words::incomplete)?
            .to_owned(),
        change_key: name.attribute("ChangeKey").map(str::to_owned),
        is_draft: part("IsDraft").map(is_true).ok_or_else(words::incomplete)?,
        is_submitted: part("IsSubmitted").is_some_and(is_true),
        internet_message_id: part("InternetMessageId").map(str::to_owned),
        sent_date_time: part("DateTimeSent").map(str::to_owned),
    })
}

/// A boolean of XML Schema (part 2, section 3.2.2).
pub(super) fn is_true(text: &str) -> bool {
    matches!(text, "true" | "1")
}
