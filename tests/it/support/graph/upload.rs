//! Upload sessions at the fake Graph.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::exchange::{Attachment, same};
use super::access::{Caller, access_denied, unauthorised};
use super::call::{Answered, Call, not_found, refused};
use super::http::Response;
use super::lock;
use super::route::GraphKind;
use super::script::graph_error;

/// The largest range that is taken.
const RANGE_LIMIT: usize = 4 * 1024 * 1024;
const EXPIRES: &str = "2099-01-02T03:04:05Z";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    Open,
    Complete,
    Cancelled,
}

/// A file on its way to a draft.
pub(super) struct Upload {
    token: String,
    mailbox: String,
    message: String,
    name: String,
    content_type: String,
    size: usize,
    received: Vec<u8>,
    progress: Progress,
}

impl Upload {
    /// The address that takes the file.
    pub fn url(&self, server: &str) -> String {
        format!("{server}/upload/{}", self.token)
    }

    /// Where it stands; Graph writes the next byte without a dash once it has some.
    fn state(&self) -> Value {
        let next = match self.received.len() {
            0 => "0-".to_owned(),
            bytes => bytes.to_string(),
        };
        json!({"expirationDateTime": EXPIRES, "nextExpectedRanges": [next]})
    }
}

impl Call<'_> {
    pub fn create_upload_session(&self, caller: &Caller) -> Answered {
        let body = self.need_json()?;
        let breaches = check_item(body);
        self.refuse_breaches(&breaches)?;
        let exchange = self.hub.exchange.lock();
        let draft = exchange.get(&caller.mailbox, &self.route.id);
        let draft = draft.ok_or_else(not_found)?;
        drop(exchange);
        let mut state = lock(&self.hub.state);
        if !state.limits.shared_uploads && !caller.is_at_home() {
            return Err(access_denied());
        }
        let item = &body["AttachmentItem"];
        let text = |key: &str| item[key].as_str().unwrap_or_default().to_owned();
        let size = item["size"].as_u64().unwrap_or_default() as usize;
        if size < state.limits.small_file {
            let code = "ErrorAttachmentSizeShouldNotBeLessThanMinimumSize";
            let text = "The size of attachment should not be less than minimum size.";
            return Err(graph_error(400, code, text));
        }
        let upload = Upload {
            token: format!("opaque-{}-session-secret", self.number),
            mailbox: caller.mailbox.clone(),
            message: draft.id,
            name: text("name"),
            content_type: text("contentType"),
            size,
            received: Vec::new(),
            progress: Progress::Open,
        };
        let mut answer = upload.state();
        answer["uploadUrl"] = json!(upload.url(&self.hub.url));
        state.uploads.push(upload);
        Ok(Response::json(201, &answer))
    }

    /// Whether a file is still on its way to a message.
    pub fn has_open_upload(&self, mailbox: &str, id: &str) -> bool {
        let state = lock(&self.hub.state);
        state.uploads.iter().any(|upload| {
            upload.message == id
                && same(&upload.mailbox, mailbox)
                && upload.progress == Progress::Open
        })
    }

    /// Mailbox and message that an upload address belongs to.
    pub fn upload_message(&self) -> Option<(String, String)> {
        let state = lock(&self.hub.state);
        let mut uploads = state.uploads.iter();
        let upload = uploads.find(|upload| upload.token == self.route.id)?;
        Some((upload.mailbox.clone(), upload.message.clone()))
    }

    /// Answers at an upload address.
    pub fn upload(&self) -> Answered {
        if self.message.header("Authorization").is_some() {
            self.violation("bearer at an upload address");
            return Err(unauthorised("The upload address takes no access token."));
        }
        let kind = self.route.kind;
        let complete = self.with_upload(|upload| match kind {
            GraphKind::UploadState => Ok(Err(Response::json(200, &upload.state()))),
            GraphKind::CancelUpload => {
                upload.progress = Progress::Cancelled;
                Ok(Err(Response::empty(204)))
            }
            _ => self.take_range(upload),
        })?;
        match complete {
            Err(answer) => Ok(answer),
            Ok((mailbox, message, file)) => self.finish(&mailbox, &message, file),
        }
    }

    fn with_upload<T>(
        &self,
        act: impl FnOnce(&mut Upload) -> Result<T, (String, Response)>,
    ) -> Result<T, Response> {
        let mut state = lock(&self.hub.state);
        let mut uploads = state.uploads.iter_mut();
        let upload = uploads
            .find(|upload| upload.token == self.route.id && upload.progress == Progress::Open);
        let done = act(upload.ok_or_else(not_found)?);
        drop(state);
        done.map_err(|(breach, refusal)| {
            self.violation(&breach);
            refusal
        })
    }

    /// Takes a range: the file, if it is whole now, else the answer.
    fn take_range(&self, upload: &mut Upload) -> Taken {
        let bad = |text: &str| {
            let refusal = graph_error(400, "ErrorInvalidRequest", text);
            Err((text.to_owned(), refusal))
        };
        if self.message.header("Content-Type") != Some("application/octet-stream") {
            return bad("the Content-Type of a range is not application/octet-stream");
        }
        let range = self.message.header("Content-Range");
        let Some((first, last, size)) = range.and_then(parse_range) else {
            return bad("Content-Range is not \"bytes a-b/N\"");
        };
        let body = &self.message.body;
        if size != upload.size {
            return bad("Content-Range has another size than the session");
        }
        if last < first || last >= size || last - first + 1 != body.len() {
            return bad("Content-Range and Content-Length disagree");
        }
        if body.len() > RANGE_LIMIT {
            return bad("a range of more than 4 MiB");
        }
        if first != upload.received.len() {
            let text = format!(
                "range from {first} where {} comes next",
                upload.received.len()
            );
            let refusal = graph_error(416, "ErrorInvalidRange", &text);
            return Err((text, refusal));
        }
        upload.received.extend_from_slice(body);
        if upload.received.len() < size {
            return Ok(Err(Response::json(200, &upload.state())));
        }
        upload.progress = Progress::Complete;
        let file = Attachment {
            name: upload.name.clone(),
            content_type: upload.content_type.clone(),
            bytes: Arc::from(std::mem::take(&mut upload.received)),
            content_id: None,
        };
        Ok(Ok((upload.mailbox.clone(), upload.message.clone(), file)))
    }

    fn finish(&self, mailbox: &str, message: &str, file: Attachment) -> Answered {
        let attached = self.hub.exchange.lock().attach(mailbox, message, file);
        attached.map_err(refused)?;
        let place = format!(
            "{}/v1.0/users/{mailbox}/messages/{message}/attachments/AttFake{:05}",
            self.hub.url, self.number
        );
        Ok(Response::empty(201).with("Location", place))
    }
}

/// A file that is whole, with its mailbox and message, or an answer; else a breach.
type Taken = Result<Result<(String, String, Attachment), Response>, (String, Response)>;

fn check_item(body: &Value) -> Vec<String> {
    let item = &body["AttachmentItem"];
    let mut breaches = Vec::new();
    if !item.is_object() || body.as_object().is_some_and(|body| body.len() != 1) {
        breaches.push("the body is not {\"AttachmentItem\": …}".into());
    }
    for (key, value) in item.as_object().into_iter().flatten() {
        let is_good = match key.as_str() {
            "attachmentType" => value == "file",
            "name" | "contentType" | "contentId" => value.is_string(),
            "size" => value.is_u64(),
            "isInline" => value.is_boolean(),
            _ => false,
        };
        if !is_good {
            breaches.push(format!("AttachmentItem.{key} is {value}"));
        }
    }
    let missing = ["attachmentType", "name", "size"].into_iter();
    let missing = missing.filter(|key| item.get(key).is_none());
    breaches.extend(missing.map(|key| format!("AttachmentItem has no {key}")));
    breaches
}

fn parse_range(text: &str) -> Option<(usize, usize, usize)> {
    let (range, size) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    Some((first.parse().ok()?, last.parse().ok()?, size.parse().ok()?))
}
