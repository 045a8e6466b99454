//! A request to the fake Exchange Web Services on its way to an answer.

use super::answer::{self, Said};
use super::http::{Message, Response, decode_base64};
use super::xml::Node;
use super::{Door, Hub};

/// The operations there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EwsKind {
    CreateItem,
    SendItem,
    GetItem,
    FindItem,
    DeleteItem,
    GetFolder,
    /// Nothing that EWS knows, or no XML.
    Other,
}

impl EwsKind {
    const ALL: [Self; 6] = [
        Self::CreateItem,
        Self::SendItem,
        Self::GetItem,
        Self::FindItem,
        Self::DeleteItem,
        Self::GetFolder,
    ];

    pub fn name(self) -> String {
        format!("{self:?}")
    }
}

/// A request that was read.
pub(super) struct Call<'a> {
    pub hub: &'a Hub,
    pub message: Message,
    pub kind: EwsKind,
    /// The element inside the body.
    pub operation: Node,
    version: Option<String>,
    impersonates: bool,
}

impl<'a> Call<'a> {
    pub fn new(hub: &'a Hub, message: Message) -> Self {
        let text = String::from_utf8_lossy(&message.body);
        let envelope = Node::read(&text).unwrap_or_default();
        let operation = envelope
            .child("Body")
            .and_then(|body| body.children.first());
        let operation = operation.cloned().unwrap_or_default();
        let kind = EwsKind::ALL
            .into_iter()
            .find(|kind| kind.name() == operation.name);
        let version = envelope.within("RequestServerVersion");
        Self {
            hub,
            kind: kind.unwrap_or(EwsKind::Other),
            version: version
                .and_then(|version| version.attribute("Version"))
                .map(str::to_owned),
            impersonates: envelope.within("ExchangeImpersonation").is_some(),
            operation,
            message,
        }
    }

    /// The element inside the body, as it was sent.
    pub fn operation_text(&self) -> &str {
        let text = std::str::from_utf8(&self.message.body).unwrap_or_default();
        let inside = text.split_once("<soap:Body>");
        let inside = inside.and_then(|(_, rest)| rest.rsplit_once("</soap:Body>"));
        inside.map_or("", |(inside, _)| inside)
    }

    /// The letter that the request is about.
    pub fn tag(&self) -> Option<String> {
        if let Some(property) = self.operation.within("ExtendedProperty") {
            return property.child("Value").map(|value| value.text.clone());
        }
        if let Some(id) = self.item_id() {
            let (mailbox, _, id) = super::operations::parted(id)?;
            return self.hub.exchange.lock().get(&mailbox, &id)?.tag;
        }
        let value = self.operation.within("Constant")?.attribute("Value")?;
        Some(value.trim_matches(['<', '>']).to_owned())
    }

    pub fn item_id(&self) -> Option<&str> {
        self.operation.within("ItemId")?.attribute("Id")
    }

    pub fn violation(&self, text: &str) {
        self.hub.violation(format!("{:?}: {text}", self.kind));
    }

    /// Notes what every request must have, whatever becomes of it.
    pub fn check(&self) {
        let header = |name| self.message.header(name).unwrap_or_default();
        if !self.message.start.starts_with("POST /EWS/Exchange.asmx ") {
            self.violation(&format!("the request line is {:?}", self.message.start));
        }
        if header("Content-Type") != "text/xml; charset=utf-8" {
            self.violation("no Content-Type: text/xml; charset=utf-8");
        }
        if !header("User-Agent").starts_with("postroom/") {
            self.violation("no User-Agent that stays the same");
        }
        if !super::super::graph::is_guid(header("client-request-id")) {
            self.violation("no client-request-id that is a GUID");
        }
        if !header("SOAPAction").ends_with(&format!("/{}\"", self.kind.name())) {
            self.violation("SOAPAction names another operation");
        }
        if self.version.as_deref() != Some("Exchange2013_SP1") {
            self.violation("no RequestServerVersion Exchange2013_SP1");
        }
        if self.impersonates {
            self.violation("a delegate impersonates nobody");
        }
        if self.kind == EwsKind::Other {
            self.violation("no operation that is known");
        }
    }

    /// Does what Exchange does.
    pub fn act(&self) -> Response {
        let person = match self.person() {
            Ok(person) => person,
            Err(answer) => return answer,
        };
        let said: Vec<Said> = match self.kind {
            EwsKind::CreateItem => vec![self.create_item(&person)],
            EwsKind::SendItem => vec![self.send_item(&person)],
            EwsKind::GetItem => vec![self.get_item(&person)],
            EwsKind::DeleteItem => vec![self.delete_item(&person)],
            EwsKind::FindItem => self.find_item(&person),
            EwsKind::GetFolder => self.get_folder(&person),
            EwsKind::Other => return answer::fault("ErrorSchemaValidation", None),
        };
        answer::answer(self.kind, &said)
    }

    /// Who asks, if they are let in.
    fn person(&self) -> Result<String, Response> {
        let given = self.message.header("Authorization").unwrap_or_default();
        match &self.hub.door {
            Door::Token(oauth) => {
                let token = given.strip_prefix("Bearer ").unwrap_or_default();
                let person = oauth
                    .account_of(token)
                    .filter(|_| oauth.is_valid_access(token, "outlook"));
                let person = person.ok_or_else(|| {
                    Response::empty(401).with("WWW-Authenticate", "Bearer error=\"invalid_token\"")
                })?;
                let scopes = oauth.scopes_of(token);
                if !scopes
                    .iter()
                    .any(|scope| scope.ends_with("EWS.AccessAsUser.All"))
                {
                    let reason = "2000008;reason=\"The token contains no permissions, or permissions can not be understood.\"";
                    return Err(Response::empty(403).with("x-ms-diagnostics", reason));
                }
                Ok(person)
            }
            Door::Password {
                person,
                account,
                password,
            } => {
                let pair = given.strip_prefix("Basic ").and_then(decode_base64);
                if pair == Some(format!("{account}:{password}").into_bytes()) {
                    return Ok(person.clone());
                }
                Err(Response::empty(401).with("WWW-Authenticate", "Basic realm=\"mail\""))
            }
        }
    }
}
