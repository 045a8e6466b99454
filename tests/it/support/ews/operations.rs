//! What the fake Exchange Web Services do.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::super::exchange::{Folder, NewMessage, Refused, Stored, same};
use super::answer::Said;
use super::call::Call;
use super::lock;
use super::mail::{self, property_id};
use super::xml::{Node, escaped};

/// The name of an item. It changes when the item moves to another folder.
fn name_of(message: &Stored) -> String {
    STANDARD.encode(format!(
        "{}|{}|{}",
        message.mailbox,
        message.folder.id(),
        message.id
    ))
}

/// Mailbox, folder and id in the store of a name.
pub(super) fn parted(name: &str) -> Option<(String, String, String)> {
    let text = String::from_utf8(STANDARD.decode(name).ok()?).ok()?;
    let mut parts = text.split('|').map(str::to_owned);
    Some((parts.next()?, parts.next()?, parts.next()?))
}

impl Call<'_> {
    pub fn create_item(&self, person: &str) -> Said {
        match self.operation.attribute("MessageDisposition") {
            Some("SaveOnly") => {}
            Some("SendOnly") => {
                self.violation("SendOnly is not for delegates");
                return Err("ErrorInvalidOperation");
            }
            other => {
                self.violation(&format!("MessageDisposition is {other:?}"));
                return Err("ErrorInvalidOperation");
            }
        }
        let folder = self.operation.child("SavedItemFolderId");
        let (folder, mailbox) = self.folder(folder.and_then(|it| it.children.first()), person)?;
        if folder != Folder::Drafts {
            self.violation("a draft outside Drafts");
        }
        if !self.hub.exchange.lock().may_open(person, &mailbox) {
            return Err("ErrorCreateItemAccessDenied");
        }
        let message = self
            .operation
            .within("Message")
            .ok_or("ErrorSchemaValidation")?;
        let mime = message
            .child("MimeContent")
            .ok_or("ErrorMimeContentInvalid")?;
        let mime = STANDARD
            .decode(&mime.text)
            .map_err(|_| "ErrorMimeContentInvalidBase64String")?;
        let new = mail::read(message, &mime).map_err(|breach| {
            self.violation(&breach);
            "ErrorMimeContentInvalid"
        })?;
        let draft = self.hub.exchange.lock().create(&mailbox, new);
        Ok(format!(
            "<m:Items><t:Message>{}</t:Message></m:Items>",
            self.item_id_of(&draft)
        ))
    }

    pub fn send_item(&self, person: &str) -> Said {
        let draft = self.named(person)?;
        let key = self
            .operation
            .within("ItemId")
            .and_then(|id| id.attribute("ChangeKey"));
        match key {
            None => return Err("ErrorChangeKeyRequiredForWriteOperations"),
            Some(key) if key != self.change_key() => return Err("ErrorIrresolvableConflict"),
            Some(_) => {}
        }
        let save = self.operation.attribute("SaveItemToFolder") == Some("true");
        let folder = self.operation.child("SavedItemFolderId");
        let folder = folder.and_then(|folder| folder.children.first());
        if !save && folder.is_some() {
            return Err("ErrorInvalidSendItemSaveSettings");
        }
        let all = [&draft.to, &draft.cc, &draft.bcc];
        let mut addresses = all.into_iter().flatten().peekable();
        if addresses.peek().is_none() {
            return Err("ErrorMissingRecipients");
        }
        if addresses.any(|address| !address.contains('@')) {
            return Err("ErrorInvalidRecipients");
        }
        let mut state = self.hub.exchange.lock();
        let from = draft.from.as_deref().unwrap_or(person);
        if !state.may_send_as(person, from) {
            return Err("ErrorSendAsDenied");
        }
        let names_mailbox = folder.is_some_and(|folder| folder.child("Mailbox").is_some());
        let is_lost = save && !names_mailbox && !same(&draft.mailbox, person);
        let submitted = state.submit(&draft.mailbox, &draft.id, save && !is_lost);
        submitted.map_err(|refused| match refused {
            Refused::NotFound => "ErrorItemNotFound",
            Refused::NotADraft => "ErrorInvalidOperation",
        })?;
        if is_lost {
            // The trap of MS's reference: sent, "Success", and the copy stays in Drafts.
            state.create(&draft.mailbox, again(&draft));
            drop(state);
            self.violation("the copy's folder names no mailbox");
        }
        Ok(String::new())
    }

    pub fn get_item(&self, person: &str) -> Said {
        let message = self.named(person)?;
        if self.operation.within("IncludeMimeContent").is_some() {
            return Ok(format!(
                "<m:Items><t:Message><t:MimeContent CharacterSet=\"UTF-8\">{}</t:MimeContent>{}\
                 </t:Message></m:Items>",
                STANDARD.encode(&message.mime),
                self.item_id_of(&message)
            ));
        }
        Ok(format!("<m:Items>{}</m:Items>", self.shown(&message)))
    }

    pub fn delete_item(&self, person: &str) -> Said {
        let message = self.named(person)?;
        let mut state = self.hub.exchange.lock();
        let deleted = state.delete(&message.mailbox, &message.id);
        deleted.map_err(|_| "ErrorCannotDeleteObject")?;
        Ok(String::new())
    }

    pub fn find_item(&self, person: &str) -> Vec<Said> {
        let folders = self.operation.child("ParentFolderIds");
        let folders = folders.into_iter().flat_map(|folders| &folders.children);
        folders
            .map(|folder| {
                let (folder, mailbox) = self.folder(Some(folder), person)?;
                let mut state = self.hub.exchange.lock();
                if !state.may_open(person, &mailbox) {
                    return Err("ErrorFolderNotFound");
                }
                let found = state.search(&mailbox, Some(folder));
                drop(state);
                let found: Vec<_> = found.iter().filter(|it| self.is_meant(it)).collect();
                let view = self.operation.child("IndexedPageItemView");
                let number = |name| {
                    let value = view.and_then(|view| view.attribute(name));
                    value.and_then(|value| value.parse::<usize>().ok())
                };
                let offset = number("Offset").unwrap_or(0);
                // A server may give fewer than are asked for.
                let most = number("MaxEntriesReturned").unwrap_or(10).min(10);
                let shown = found.iter().skip(offset).take(most);
                let items: String = shown.map(|it| self.shown(it)).collect();
                Ok(format!(
                    "<m:RootFolder TotalItemsInView=\"{}\" IncludesLastItemInRange=\"{}\">\
                     <t:Items>{items}</t:Items></m:RootFolder>",
                    found.len(),
                    offset + most >= found.len()
                ))
            })
            .collect()
    }

    pub fn get_folder(&self, person: &str) -> Vec<Said> {
        let folders = self.operation.child("FolderIds");
        let folders = folders.into_iter().flat_map(|folders| &folders.children);
        folders
            .map(|folder| {
                let (folder, mailbox) = self.folder(Some(folder), person)?;
                let state = self.hub.exchange.lock();
                if !state.may_open(person, &mailbox) {
                    return Err("ErrorFolderNotFound");
                }
                let count = state.list(&mailbox, Some(folder)).len();
                Ok(format!(
                    "<m:Folders><t:Folder><t:FolderId Id=\"{}\" ChangeKey=\"AQ==\"/>\
                     <t:DisplayName>{}</t:DisplayName><t:TotalCount>{count}</t:TotalCount>\
                     <t:EffectiveRights><t:CreateContents>true</t:CreateContents></t:EffectiveRights>\
                     </t:Folder></m:Folders>",
                    folder.id(),
                    folder.name()
                ))
            })
            .collect()
    }

    /// Whether the restriction takes a message.
    fn is_meant(&self, message: &Stored) -> bool {
        if let Some(since) = self.operation.within("IsGreaterThanOrEqualTo") {
            let field = since
                .child("FieldURI")
                .and_then(|it| it.attribute("FieldURI"));
            let class = self.operation.within("Contains");
            let is_report = class.is_none_or(|class| {
                let field = class
                    .child("FieldURI")
                    .and_then(|it| it.attribute("FieldURI"));
                let value = class
                    .within("Constant")
                    .and_then(|it| it.attribute("Value"));
                assert_eq!((field, value), (Some("item:ItemClass"), Some("REPORT.")));
                message.is_report()
            });
            return field == Some("item:DateTimeReceived") && is_report;
        }
        let Some(equal) = self.operation.within("IsEqualTo") else {
            self.violation("no restriction that is known");
            return false;
        };
        let constant = equal
            .within("Constant")
            .and_then(|it| it.attribute("Value"));
        let constant = constant.unwrap_or_default();
        if let Some(id) = equal.child("ExtendedFieldURI").and_then(property_id) {
            let mut properties = message.properties.iter();
            return properties.any(|(other, value)| *other == id && value == constant);
        }
        message.internet_message_id == constant
    }

    /// The message that the request names, in a mailbox that the person may open.
    fn named(&self, person: &str) -> Result<Stored, &'static str> {
        let name = self.item_id().ok_or("ErrorInvalidIdEmpty")?;
        let (mailbox, folder, id) = parted(name).ok_or("ErrorInvalidIdMalformed")?;
        let state = self.hub.exchange.lock();
        let message = state.get(&mailbox, &id).ok_or("ErrorItemNotFound")?;
        let may_open = state.may_open(person, &mailbox);
        drop(state);
        self.check_anchor(&mailbox);
        if message.folder.id() != folder {
            return Err("ErrorItemNotFound");
        }
        may_open.then_some(message).ok_or("ErrorAccessDenied")
    }

    /// A folder that the request names, and whose it is.
    fn folder(&self, node: Option<&Node>, person: &str) -> Result<(Folder, String), &'static str> {
        let node = node.ok_or("ErrorSchemaValidation")?;
        let folder = match node.attribute("Id") {
            Some("drafts") => Folder::Drafts,
            Some("sentitems") => Folder::SentItems,
            Some("inbox") => Folder::Inbox,
            Some("junkemail") => Folder::Junk,
            _ => return Err("ErrorInvalidFolderId"),
        };
        let mailbox = node.within("EmailAddress").map(|it| it.text.clone());
        let mailbox = mailbox.unwrap_or_else(|| person.to_owned());
        if !self.hub.exchange.lock().has_mailbox(&mailbox) {
            return Err("ErrorNonExistentMailbox");
        }
        self.check_anchor(&mailbox);
        Ok((folder, mailbox))
    }

    fn check_anchor(&self, mailbox: &str) {
        let anchor = self.message.header("X-AnchorMailbox").unwrap_or_default();
        if !same(anchor, mailbox) {
            self.violation(&format!("X-AnchorMailbox is {anchor:?}, not {mailbox:?}"));
        }
    }

    fn change_key(&self) -> String {
        format!("CQ{:04}=", lock(&self.hub.state).changes)
    }

    fn item_id_of(&self, message: &Stored) -> String {
        let (name, key) = (name_of(message), self.change_key());
        format!("<t:ItemId Id=\"{name}\" ChangeKey=\"{key}\"/>")
    }

    fn shown(&self, message: &Stored) -> String {
        format!(
            "<t:Message>{}<t:IsSubmitted>{}</t:IsSubmitted><t:IsDraft>{}</t:IsDraft>\
             <t:DateTimeSent>2026-01-02T03:04:05Z</t:DateTimeSent>\
             <t:InternetMessageId>{}</t:InternetMessageId></t:Message>",
            self.item_id_of(message),
            message.is_submitted && message.is_draft,
            message.is_draft,
            escaped(&message.internet_message_id)
        )
    }
}

/// The same message once more.
fn again(message: &Stored) -> NewMessage {
    let message = message.clone();
    NewMessage {
        from: message.from,
        to: message.to,
        cc: message.cc,
        bcc: message.bcc,
        reply_to: message.reply_to,
        subject: message.subject,
        html: message.html,
        text: message.text,
        attachments: message.attachments,
        internet_message_id: Some(message.internet_message_id),
        properties: message.properties,
        headers: message.headers,
        receipts: message.receipts,
    }
}
