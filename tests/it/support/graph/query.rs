//! What the query of a request asks the fake Graph to show of a message.

use serde_json::{Map, Value, json};

use super::super::exchange::Stored;
use super::call::Call;
use super::http::Response;
use super::script::graph_error;

const EXPAND_PROPERTIES: &str = "singleValueExtendedProperties($filter=id eq '";
/// What a message can be asked for by `$select`.
const SELECTABLE: [&str; 17] = [
    "id",
    "attachments",
    "bccRecipients",
    "body",
    "ccRecipients",
    "from",
    "hasAttachments",
    "internetMessageHeaders",
    "internetMessageId",
    "isDraft",
    "lastModifiedDateTime",
    "parentFolderId",
    "replyTo",
    "sender",
    "sentDateTime",
    "subject",
    "toRecipients",
];

/// How much of a message is shown; by default all but what must be expanded.
#[derive(Default)]
pub(super) struct Shown {
    select: Option<Vec<String>>,
    property: Option<String>,
    attachments: bool,
}

impl Call<'_> {
    /// What the query wants to see. It may have these parameters and no others.
    pub fn shown(&self, allowed: &[&str]) -> Result<Shown, Response> {
        for (name, _) in &self.route.query {
            if !allowed.contains(&name.as_str()) {
                return Err(self.bad_query(&format!("parameter {name} is not known")));
            }
        }
        let mut shown = Shown::default();
        if let Some(text) = self.route.parameter("$select") {
            shown.select = Some(self.selected(text)?);
        }
        for part in split(self.route.parameter("$expand").unwrap_or_default()) {
            let property = part
                .strip_prefix(EXPAND_PROPERTIES)
                .and_then(|rest| rest.strip_suffix("')"));
            if let Some(id) = property {
                shown.property = Some(id.to_owned());
            } else if part == "attachments" || part.starts_with("attachments($select=") {
                shown.attachments = true;
            } else {
                return Err(self.bad_query(&format!("$expand={part} is not known")));
            }
        }
        Ok(shown)
    }

    fn selected(&self, text: &str) -> Result<Vec<String>, Response> {
        let names: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
        match names
            .iter()
            .find(|name| !SELECTABLE.contains(&name.as_str()))
        {
            Some(name) => Err(self.bad_query(&format!("$select={name} is not known"))),
            None => Ok(names),
        }
    }

    pub fn bad_query(&self, text: &str) -> Response {
        self.violation(text);
        graph_error(400, "BadRequest", &format!("Invalid query: {text}"))
    }
}

impl Shown {
    /// A message in Graph's JSON.
    pub fn message(&self, stored: &Stored) -> Value {
        let mut members = members(stored);
        if let Some(select) = &self.select {
            members.retain(|name, _| name == "id" || select.contains(name));
        }
        if let Some(wanted) = &self.property {
            let found = stored.properties.iter();
            let found: Vec<Value> = found
                .filter(|(id, _)| same_property(id, wanted))
                .map(|(id, value)| json!({"id": id, "value": value}))
                .collect();
            // Graph leaves the member out when there is none.
            if !found.is_empty() {
                members.insert("singleValueExtendedProperties".into(), json!(found));
            }
        }
        if self.attachments {
            members.insert("attachments".into(), json!(attachments(stored)));
        }
        Value::Object(members)
    }
}

/// The files at a message, without their contents.
pub(super) fn attachments(stored: &Stored) -> Vec<Value> {
    let files = stored.attachments.iter().enumerate();
    files
        .map(|(number, file)| {
            json!({
                "@odata.type": "#microsoft.graph.fileAttachment",
                "id": format!("{}att{number}", stored.id),
                "name": file.name,
                "contentType": file.content_type,
                "size": file.bytes.len(),
            })
        })
        .collect()
}

/// Whether two ids name the same extended property: the name's case counts, that of the rest
/// does not.
pub(super) fn same_property(one: &str, other: &str) -> bool {
    match (one.split_once("} Name "), other.split_once("} Name ")) {
        (Some((set, name)), Some((other_set, other_name))) => {
            set.eq_ignore_ascii_case(other_set) && name == other_name
        }
        _ => one == other,
    }
}

fn members(stored: &Stored) -> Map<String, Value> {
    let from = stored.from.as_ref().map(recipient);
    let (kind, content) = match (&stored.html, &stored.text) {
        (Some(html), _) => ("html", html.as_str()),
        (None, text) => ("text", text.as_deref().unwrap_or_default()),
    };
    let time = "2026-01-02T03:04:05Z";
    let members = json!({
        "id": stored.id,
        "lastModifiedDateTime": time,
        "sentDateTime": time,
        "hasAttachments": !stored.attachments.is_empty(),
        "internetMessageId": stored.internet_message_id,
        "subject": stored.subject,
        "parentFolderId": stored.folder.id(),
        "isDraft": stored.is_draft,
        "body": {"contentType": kind, "content": content},
        "sender": from,
        "from": from,
        "toRecipients": recipients(&stored.to),
        "ccRecipients": recipients(&stored.cc),
        "bccRecipients": recipients(&stored.bcc),
        "replyTo": recipients(&stored.reply_to),
    });
    match members {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn recipients(addresses: &[String]) -> Vec<Value> {
    addresses.iter().map(recipient).collect()
}

fn recipient(address: &String) -> Value {
    json!({"emailAddress": {"name": address, "address": address}})
}

/// The parts of a list, at the commas outside of brackets.
fn split(text: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    let parts = text.split(move |letter| {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        letter == ',' && depth == 0
    });
    parts
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect()
}
