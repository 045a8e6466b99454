//! Searches and folders at the fake Graph.

use serde_json::{Value, json};

use super::super::exchange::{Folder, Stored};
use super::access::Caller;
use super::call::{Answered, Call};
use super::http::Response;
use super::query::same_property;
use super::shape::is_property_id;

/// How many messages are shown unless `$top` says otherwise.
const PAGE: usize = 10;
const BY_MESSAGE_ID: &str = "internetMessageId eq '";
const BY_PROPERTY: &str = "singleValueExtendedProperties/Any(ep: ep/id eq '";
const SINCE: &str = "receivedDateTime ge ";
const OF_REPORTS: &str = "singleValueExtendedProperties/Any(ep: ep/id eq 'String 0x001A' and \
     startswith(ep/value,'REPORT.'))";
const AND_VALUE: &str = "' and ep/value eq '";

/// The filters there are.
#[derive(Debug, PartialEq, Eq)]
enum Filter {
    MessageId(String),
    Property {
        id: String,
        value: String,
    },
    /// What came in since a moment, which all of it has; of reports alone.
    Since {
        reports_only: bool,
    },
}

impl Call<'_> {
    pub fn find(&self, caller: &Caller) -> Answered {
        let shown = self.shown(&["$filter", "$select", "$expand", "$top", "$skip"])?;
        let text = self.route.parameter("$filter").unwrap_or_default();
        let filter = Filter::parse(text)
            .ok_or_else(|| self.bad_query(&format!("$filter={text} is not known")))?;
        let top = match self.route.parameter("$top").map(str::parse) {
            None => PAGE,
            Some(Ok(top @ 1..=1000)) => top,
            Some(_) => return Err(self.bad_query("$top is no number from 1 to 1000")),
        };
        // As few at a time as Graph may give, so that there are pages.
        let top = if filter.is_of_time() {
            top.min(PAGE)
        } else {
            top
        };
        let skip: usize = match self.route.parameter("$skip").map(str::parse) {
            None => 0,
            Some(Ok(skip)) if filter.is_of_time() => skip,
            Some(_) => return Err(self.bad_query("$skip is no number, or not of a page")),
        };
        let mut state = self.hub.exchange.lock();
        let found = state.search(&caller.mailbox, self.route.folder);
        let found: Vec<_> = found
            .iter()
            .filter(|message| filter.takes(message))
            .collect();
        let list: Vec<Value> = found
            .iter()
            .skip(skip)
            .take(top)
            .map(|message| shown.message(message))
            .collect();
        let mut answer = json!({ "value": list });
        if filter.is_of_time() && found.len() > skip + top {
            let host = self.message.header("Host").unwrap_or_default();
            let query: Vec<String> = self
                .route
                .query
                .iter()
                .filter(|(name, _)| name != "$skip")
                .map(|(name, value)| format!("{name}={}", value.replace(' ', "%20")))
                .collect();
            answer["@odata.nextLink"] = json!(format!(
                "http://{host}{}?{}&$skip={}",
                self.route.path,
                query.join("&"),
                skip + top
            ));
        }
        Ok(Response::json(200, &answer))
    }

    pub fn folder(&self, caller: &Caller) -> Response {
        let folder = self.route.folder.unwrap_or(Folder::SentItems);
        let state = self.hub.exchange.lock();
        let count = state.list(&caller.mailbox, Some(folder)).len();
        let shown = json!({
            "id": folder.id(),
            "displayName": folder.name(),
            "totalItemCount": count,
        });
        Response::json(200, &shown)
    }
}

impl Filter {
    fn parse(text: &str) -> Option<Self> {
        if let Some(rest) = text.strip_prefix(BY_MESSAGE_ID) {
            let id = unquote(rest.strip_suffix('\'')?)?;
            return Some(Self::MessageId(id));
        }
        if let Some(since) = text.strip_prefix(SINCE) {
            let (since, rest) = since.split_once(" and ").unwrap_or((since, ""));
            let is_known = since.ends_with('Z') && (rest.is_empty() || rest == OF_REPORTS);
            return is_known.then_some(Self::Since {
                reports_only: !rest.is_empty(),
            });
        }
        let rest = text.strip_prefix(BY_PROPERTY)?.strip_suffix("')")?;
        let (id, value) = rest.split_once(AND_VALUE)?;
        let (id, value) = (unquote(id)?, unquote(value)?);
        is_property_id(&id).then_some(Self::Property { id, value })
    }

    fn is_of_time(&self) -> bool {
        matches!(self, Self::Since { .. })
    }

    fn takes(&self, message: &Stored) -> bool {
        match self {
            Self::Since { reports_only } => !reports_only || message.is_report(),
            Self::MessageId(id) => message.internet_message_id == *id,
            Self::Property { id, value } => message
                .properties
                .iter()
                .any(|(other, text)| same_property(other, id) && text.eq_ignore_ascii_case(value)),
        }
    }
}

/// A literal in which quotes are doubled; none when one is not.
fn unquote(text: &str) -> Option<String> {
    let single = text.replace("''", "");
    (!single.contains('\'')).then(|| text.replace("''", "'"))
}
