//! A request to the fake Graph on its way to an answer.

use serde_json::{Value, json};

use super::super::exchange::{Refused, Stored};
use super::http::{Message, Response};
use super::route::{GraphKind, Route, Whose};
use super::script::graph_error;
use super::shape::{is_guid, tag_of};
use super::{Hub, lock};

/// What is known of the letter that a request is about.
#[derive(Default)]
pub(super) struct Letter {
    pub subject: Option<String>,
    pub tag: Option<String>,
}

/// A refusal is an answer too.
pub(super) type Answered = Result<Response, Response>;

/// A request that was read.
pub(super) struct Call<'a> {
    pub hub: &'a Hub,
    pub number: usize,
    pub route: Route,
    pub message: Message,
    /// The body, if it is JSON.
    pub json: Option<Value>,
}

impl<'a> Call<'a> {
    pub fn new(hub: &'a Hub, number: usize, route: Route, message: Message) -> Self {
        let json = serde_json::from_slice(&message.body).ok();
        Self {
            hub,
            number,
            route,
            message,
            json,
        }
    }

    /// The letter that the request carries, or that it names by its id.
    pub fn letter(&self) -> Letter {
        let carried = match self.route.kind {
            GraphKind::SendMail => self.json.as_ref().and_then(|json| json.get("message")),
            GraphKind::CreateDraft => self.json.as_ref(),
            _ => None,
        };
        if let Some(message) = carried {
            return Letter {
                subject: message["subject"].as_str().map(str::to_owned),
                tag: tag_of(message),
            };
        }
        let stored = self.stored();
        stored.map_or_else(Letter::default, |stored| Letter {
            subject: Some(stored.subject),
            tag: stored.tag,
        })
    }

    fn stored(&self) -> Option<Stored> {
        if self.route.kind.is_upload() {
            let (mailbox, id) = self.upload_message()?;
            return self.hub.exchange.lock().get(&mailbox, &id);
        }
        let mailbox = match &self.route.whose {
            Whose::Of(address) => address.clone(),
            Whose::Me => self.person()?,
        };
        self.hub.exchange.lock().get(&mailbox, &self.route.id)
    }

    /// Notes what every request must have, whatever becomes of it.
    pub fn check_headers(&self) {
        for fault in &self.route.faults {
            self.violation(fault);
        }
        if self.message.header("Host").is_none() {
            self.violation("no Host");
        }
        if self.route.kind.is_upload() {
            return;
        }
        match self.message.header("client-request-id") {
            None => self.violation("no client-request-id"),
            Some(id) if !is_guid(id) => self.violation("client-request-id is not a GUID"),
            Some(_) => {}
        }
    }

    /// Does what Graph does.
    pub fn act(&self) -> Response {
        self.answer().unwrap_or_else(|refusal| refusal)
    }

    fn answer(&self) -> Answered {
        let kind = self.route.kind;
        if kind.is_upload() {
            return self.upload();
        }
        let cap = lock(&self.hub.state).limits.request_bytes;
        if self.message.body.len() > cap {
            return Err(super::html(413));
        }
        let caller = self.admit()?;
        match kind {
            GraphKind::SendMail => self.send_mail(&caller),
            GraphKind::CreateDraft => self.create_draft(&caller),
            GraphKind::Attach => self.attach(&caller),
            GraphKind::ListAttachments => self.list_attachments(&caller),
            GraphKind::CreateUploadSession => self.create_upload_session(&caller),
            GraphKind::SendDraft => self.send_draft(&caller),
            GraphKind::GetMessage => self.get_message(&caller),
            GraphKind::GetMime => self.get_mime(&caller),
            GraphKind::DeleteMessage => self.delete_message(&caller),
            GraphKind::Find => self.find(&caller),
            GraphKind::Folder => Ok(self.folder(&caller)),
            GraphKind::ListTraces => self.list_traces(),
            GraphKind::TraceDetail => self.trace_detail(),
            GraphKind::Me => Ok(me(&caller.person)),
            _ => Err(graph_error(
                404,
                "ResourceNotFound",
                "Resource could not be discovered.",
            )),
        }
    }

    /// The body, which must be JSON.
    pub fn need_json(&self) -> Result<&Value, Response> {
        let kind = self.message.header("Content-Type").unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/json") {
            self.violation(&format!("Content-Type is {kind:?}, not application/json"));
            let text = "A valid Content-Type is needed.";
            return Err(graph_error(415, "RequestBodyRead", text));
        }
        self.json.as_ref().ok_or_else(|| {
            self.violation("the body is not JSON");
            graph_error(400, "BadRequest", "Unable to read JSON request payload.")
        })
    }

    /// Refuses a body with breaches, and notes each.
    pub fn refuse_breaches(&self, breaches: &[String]) -> Result<(), Response> {
        for breach in breaches {
            self.violation(breach);
        }
        match breaches.first() {
            Some(first) => Err(graph_error(400, "RequestBodyRead", first)),
            None => Ok(()),
        }
    }

    pub fn violation(&self, text: &str) {
        let (number, kind) = (self.number, self.route.kind);
        let text = format!("request {number} ({kind:?}): {text}");
        self.hub.violation(text);
    }

    /// Notes that this request handed a message to the transport.
    pub fn note_accepted(&self) {
        lock(&self.hub.state).log[self.number - 1].accepted = true;
    }

    /// An answer with the ids that every answer has.
    pub fn signed(&self, mut answer: Response) -> Response {
        let id = lock(&self.hub.state).log[self.number - 1]
            .request_id
            .clone();
        let client_id = self.message.header("client-request-id");
        let body = serde_json::from_slice::<Value>(&answer.body).ok();
        if let Some(mut body) = body.filter(|body| body["error"]["innerError"].is_object()) {
            body["error"]["innerError"]["request-id"] = json!(id);
            if let Some(client_id) = client_id {
                body["error"]["innerError"]["client-request-id"] = json!(client_id);
            }
            answer.body = body.to_string().into_bytes();
        }
        let answer = answer.with("request-id", id);
        match client_id {
            Some(client_id) => answer.with("client-request-id", client_id),
            None => answer,
        }
    }
}

/// What Graph says when the store refuses.
pub(super) fn refused(refused: Refused) -> Response {
    match refused {
        Refused::NotFound => not_found(),
        Refused::NotADraft => graph_error(
            400,
            "ErrorInvalidOperation",
            "The operation can be performed on a draft only.",
        ),
    }
}

pub(super) fn not_found() -> Response {
    let text = "The specified object was not found in the store.";
    graph_error(404, "ErrorItemNotFound", text)
}

fn me(person: &str) -> Response {
    let name = person.split('@').next();
    Response::json(
        200,
        &json!({
            "id": "00000000-5555-4666-8777-000000000001",
            "mail": person,
            "userPrincipalName": person,
            "displayName": name,
        }),
    )
}
