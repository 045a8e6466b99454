//! Messages at the fake Graph: sending, drafts, and looking at one.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::super::exchange::{AskedReceipts, Attachment, NewMessage, Refused};
use super::access::Caller;
use super::call::{Answered, Call, not_found, refused};
use super::http::Response;
use super::lock;
use super::query::Shown;
use super::script::graph_error;
use super::shape::{check_attachment, check_message, check_send_mail};

impl Call<'_> {
    pub fn send_mail(&self, caller: &Caller) -> Answered {
        let body = self.need_json()?;
        self.refuse_breaches(&check_send_mail(body))?;
        let keep_copy = body["saveToSentItems"].as_bool().unwrap_or(true);
        let mut new = read_message(&body["message"]);
        check_recipients(&[&new.to, &new.cc, &new.bcc])?;
        let mut state = self.hub.exchange.lock();
        new.from = Some(self.sender(&state, caller, new.from.as_deref())?);
        let draft = state.create(&caller.mailbox, new);
        let submitted = state.submit(&caller.mailbox, &draft.id, keep_copy);
        submitted.map_err(refused)?;
        self.note_accepted();
        Ok(Response::empty(202))
    }

    pub fn create_draft(&self, caller: &Caller) -> Answered {
        let wanted = "IdType=\"ImmutableId\"";
        let prefer = self.message.header("Prefer").unwrap_or_default();
        if !prefer.split(',').any(|part| part.trim() == wanted) {
            self.violation("no Prefer: IdType=\"ImmutableId\"");
        }
        let body = self.need_json()?;
        self.refuse_breaches(&check_message(body))?;
        let draft = self
            .hub
            .exchange
            .lock()
            .create(&caller.mailbox, read_message(body));
        Ok(Response::json(201, &Shown::default().message(&draft)))
    }

    pub fn send_draft(&self, caller: &Caller) -> Answered {
        if !self.message.body.is_empty() {
            self.violation("send has a body");
        }
        let (mailbox, id) = (&caller.mailbox, &self.route.id);
        if self.has_open_upload(mailbox, id) {
            self.violation("sent with an upload session that is not complete");
        }
        let mut state = self.hub.exchange.lock();
        let draft = state.get(mailbox, id).ok_or_else(not_found)?;
        if !draft.is_submitted {
            check_recipients(&[&draft.to, &draft.cc, &draft.bcc])?;
            self.sender(&state, caller, draft.from.as_deref())?;
        }
        state.submit(mailbox, id, true).map_err(|why| {
            self.violation("sent although it is no draft");
            refused(why)
        })?;
        self.note_accepted();
        Ok(Response::empty(202))
    }

    pub fn get_message(&self, caller: &Caller) -> Answered {
        let shown = self.shown(&["$select", "$expand"])?;
        let state = self.hub.exchange.lock();
        let found = state.get(&caller.mailbox, &self.route.id);
        let found = found.ok_or_else(not_found)?;
        Ok(Response::json(200, &shown.message(&found)))
    }

    pub fn get_mime(&self, caller: &Caller) -> Answered {
        let state = self.hub.exchange.lock();
        let found = state.get(&caller.mailbox, &self.route.id);
        let found = found.ok_or_else(not_found)?;
        Ok(Response::new(200, "text/plain", found.mime.to_vec()))
    }

    pub fn delete_message(&self, caller: &Caller) -> Answered {
        let mut state = self.hub.exchange.lock();
        let deleted = state.delete(&caller.mailbox, &self.route.id);
        deleted.map_err(|why| {
            if why == Refused::NotADraft {
                self.violation("deletes what is no draft");
            }
            refused(why)
        })?;
        Ok(Response::empty(204))
    }

    pub fn attach(&self, caller: &Caller) -> Answered {
        let body = self.need_json()?;
        self.refuse_breaches(&check_attachment(body))?;
        let file = read_attachment(body);
        let most = lock(&self.hub.state).limits.small_file;
        if file.bytes.len() >= most {
            self.violation("a large file without an upload session");
            let text = "The attachment exceeds the maximum size of this request.";
            return Err(graph_error(413, "ErrorAttachmentSizeLimitExceeded", text));
        }
        let shown = json!({
            "@odata.type": "#microsoft.graph.fileAttachment",
            "id": format!("AttFake{:05}=", self.number),
            "name": file.name,
            "contentType": file.content_type,
            "size": file.bytes.len(),
        });
        let mut state = self.hub.exchange.lock();
        let attached = state.attach(&caller.mailbox, &self.route.id, file);
        attached.map_err(refused)?;
        Ok(Response::json(201, &shown))
    }

    pub fn list_attachments(&self, caller: &Caller) -> Answered {
        let state = self.hub.exchange.lock();
        let found = state.get(&caller.mailbox, &self.route.id);
        let found = found.ok_or_else(not_found)?;
        let list = super::query::attachments(&found);
        Ok(Response::json(200, &json!({ "value": list })))
    }
}

/// Refuses a message to nobody, or to what is no address.
fn check_recipients(lists: &[&Vec<String>]) -> Result<(), Response> {
    let mut all = lists.iter().copied().flatten().peekable();
    let is_good = |address: &String| {
        address
            .split_once('@')
            .is_some_and(|(_, host)| !host.is_empty())
    };
    if all.peek().is_some() && all.all(is_good) {
        return Ok(());
    }
    let text = "At least one recipient isn't valid.";
    Err(graph_error(400, "ErrorInvalidRecipients", text))
}

/// A message whose shape was checked.
fn read_message(message: &Value) -> NewMessage {
    let content = message["body"]["content"].as_str().map(str::to_owned);
    let is_html = message["body"]["contentType"] == "html";
    NewMessage {
        from: address(&message["from"]),
        to: addresses(&message["toRecipients"]),
        cc: addresses(&message["ccRecipients"]),
        bcc: addresses(&message["bccRecipients"]),
        reply_to: addresses(&message["replyTo"]),
        subject: text(&message["subject"]),
        html: content.clone().filter(|_| is_html),
        text: content.filter(|_| !is_html),
        attachments: items(&message["attachments"])
            .map(read_attachment)
            .collect(),
        internet_message_id: message["internetMessageId"].as_str().map(str::to_owned),
        properties: pairs(&message["singleValueExtendedProperties"], "id"),
        headers: pairs(&message["internetMessageHeaders"], "name"),
        receipts: AskedReceipts {
            of_delivery: message["isDeliveryReceiptRequested"] == true,
            of_reading: message["isReadReceiptRequested"] == true,
        },
    }
}

/// What the HTML calls a picture, if it is to stand in it: both keys are needed for that.
pub(super) fn inline_id(attachment: &Value) -> Option<String> {
    let id = attachment["contentId"].as_str().map(str::to_owned);
    id.filter(|_| attachment["isInline"] == true)
}

fn read_attachment(attachment: &Value) -> Attachment {
    let bytes = STANDARD.decode(text(&attachment["contentBytes"]));
    Attachment {
        name: text(&attachment["name"]),
        content_type: text(&attachment["contentType"]),
        bytes: Arc::from(bytes.unwrap_or_default()),
        content_id: inline_id(attachment),
    }
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn address(recipient: &Value) -> Option<String> {
    let address = recipient["emailAddress"]["address"].as_str()?;
    Some(address.to_owned())
}

fn addresses(value: &Value) -> Vec<String> {
    items(value).filter_map(address).collect()
}

fn pairs(value: &Value, name: &str) -> Vec<(String, String)> {
    items(value)
        .map(|item| (text(&item[name]), text(&item["value"])))
        .collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
