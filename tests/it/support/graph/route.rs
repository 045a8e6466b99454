//! Which endpoint of Graph a request is for.

use super::super::exchange::Folder;
use super::http::{Message, parse_form, percent_decode};

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GraphKind {
    SendMail,
    CreateDraft,
    Attach,
    ListAttachments,
    CreateUploadSession,
    UploadRange,
    UploadState,
    CancelUpload,
    SendDraft,
    GetMessage,
    GetMime,
    DeleteMessage,
    Find,
    Folder,
    ListTraces,
    TraceDetail,
    Me,
    /// Any other address; it is not found.
    Other,
}

impl GraphKind {
    /// Whether it goes to an upload address, which takes no token.
    pub fn is_upload(self) -> bool {
        matches!(
            self,
            Self::UploadRange | Self::UploadState | Self::CancelUpload
        )
    }
}

/// Whose mailbox a path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    Me,
    Of(String),
}

/// A request line, taken apart.
#[derive(Clone)]
pub(super) struct Route {
    pub kind: GraphKind,
    pub method: String,
    /// As it was sent, without the query.
    pub path: String,
    pub query: Vec<(String, String)>,
    pub whose: Whose,
    /// The id of the message, or of the upload session.
    pub id: String,
    pub folder: Option<Folder>,
    /// The function that is called, with its parameters.
    pub call: String,
    /// What is wrong with it.
    pub faults: Vec<String>,
}

impl Route {
    pub fn of(message: &Message) -> Self {
        let mut words = message.start.split(' ');
        let method = words.next().unwrap_or_default().to_owned();
        let target = words.next().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut route = Self {
            kind: GraphKind::Other,
            method,
            path: path.to_owned(),
            query: Vec::new(),
            whose: Whose::Me,
            id: String::new(),
            folder: None,
            call: String::new(),
            faults: Vec::new(),
        };
        match parse_form(query) {
            Some(pairs) => route.query = pairs,
            None => route.faults.push("query with a broken encoding".into()),
        }
        match segments(path) {
            Some(parts) => route.follow(&parts.iter().map(String::as_str).collect::<Vec<_>>()),
            None => route.faults.push("path with a broken encoding".into()),
        }
        if route.kind == GraphKind::Other {
            let text = format!("no such endpoint: {} {path}", route.method);
            route.faults.push(text);
        }
        route
    }

    /// The value of a parameter of the query.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let mut query = self.query.iter();
        let (_, value) = query.find(|(other, _)| other == name)?;
        Some(value)
    }

    fn follow(&mut self, parts: &[&str]) {
        match parts {
            ["v1.0", "me", rest @ ..] => self.follow_mailbox(rest),
            ["v1.0", "users", address, rest @ ..] if !rest.is_empty() => {
                self.whose = Whose::Of((*address).to_owned());
                self.follow_mailbox(rest);
            }
            [
                "v1.0",
                "admin",
                "exchange",
                "tracing",
                "messageTraces",
                rest @ ..,
            ] => {
                self.kind = match (self.method.as_str(), rest) {
                    ("GET", []) => GraphKind::ListTraces,
                    ("GET", [id, call]) => {
                        (*id).clone_into(&mut self.id);
                        (*call).clone_into(&mut self.call);
                        GraphKind::TraceDetail
                    }
                    _ => GraphKind::Other,
                };
            }
            ["upload", id] => {
                self.id = (*id).to_owned();
                self.kind = match self.method.as_str() {
                    "PUT" => GraphKind::UploadRange,
                    "GET" => GraphKind::UploadState,
                    "DELETE" => GraphKind::CancelUpload,
                    _ => GraphKind::Other,
                };
            }
            _ => {}
        }
    }

    fn follow_mailbox(&mut self, parts: &[&str]) {
        if let ["mailFolders", name, ..] = parts {
            self.folder = folder(name);
            if self.folder.is_none() {
                return;
            }
        }
        if let ["messages", id, ..] = parts {
            self.id = (*id).to_owned();
        }
        self.kind = match (self.method.as_str(), parts) {
            ("GET", []) => GraphKind::Me,
            ("POST", ["sendMail"]) => GraphKind::SendMail,
            ("POST", ["messages"]) => GraphKind::CreateDraft,
            ("GET", ["messages"] | ["mailFolders", _, "messages"]) => GraphKind::Find,
            ("GET", ["mailFolders", _]) => GraphKind::Folder,
            ("GET", ["messages", _]) => GraphKind::GetMessage,
            ("GET", ["messages", _, "$value"]) => GraphKind::GetMime,
            ("DELETE", ["messages", _]) => GraphKind::DeleteMessage,
            ("POST", ["messages", _, "send"]) => GraphKind::SendDraft,
            ("POST", ["messages", _, "attachments"]) => GraphKind::Attach,
            ("GET", ["messages", _, "attachments"]) => GraphKind::ListAttachments,
            ("POST", ["messages", _, "attachments", "createUploadSession"]) => {
                GraphKind::CreateUploadSession
            }
            _ => GraphKind::Other,
        };
    }
}

/// The parts of a path, decoded. A plus stands for itself there.
fn segments(path: &str) -> Option<Vec<String>> {
    let path = path.strip_prefix('/')?;
    path.split('/')
        .map(|part| percent_decode(&part.replace('+', "%2B")))
        .collect()
}

fn folder(name: &str) -> Option<Folder> {
    [
        ("sentitems", Folder::SentItems),
        ("drafts", Folder::Drafts),
        ("inbox", Folder::Inbox),
        ("junkemail", Folder::Junk),
        ("deleteditems", Folder::Deleted),
    ]
    .into_iter()
    .find(|(known, folder)| name.eq_ignore_ascii_case(known) || name == folder.id())
    .map(|(_, folder)| folder)
}
