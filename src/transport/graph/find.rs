//! What became of a letter: looked for in the mailbox by its draft, its mark and its Message-ID.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::body::property;
use super::draft;
use super::service::{Ask, GraphService};
use crate::http::HttpReply;
use crate::transport::call::Trail;
use crate::transport::drafts::{DraftMark, Drafts, FoundMessage};
use crate::transport::{Answer, Code, SendError};

#[derive(Deserialize)]
struct MessageList {
    value: Vec<FoundMessage>,
}

const FIELDS: &str = "id,isDraft,internetMessageId,sentDateTime";

impl Drafts for GraphService {
    fn by_name(
        &mut self,
        own: bool,
        name: &str,
        trail: &mut Trail<'_>,
    ) -> Result<Option<FoundMessage>, SendError> {
        by_id(self, own, name, trail)
    }

    fn by_mark(
        &mut self,
        own: bool,
        mark: DraftMark,
        value: &str,
        trail: &mut Trail<'_>,
    ) -> Result<Vec<FoundMessage>, SendError> {
        for folder in ["sentitems", "drafts"] {
            let found = marked(self, own, folder, mark, value, trail)?;
            if !found.is_empty() {
                return Ok(found);
            }
        }
        Ok(Vec::new())
    }

    fn by_message_id(
        &mut self,
        own: bool,
        message_id: &str,
        trail: &mut Trail<'_>,
    ) -> Result<Vec<FoundMessage>, SendError> {
        by_message_id(self, own, message_id, trail)
    }

    fn remove(&mut self, own: bool, name: &str, trail: &mut Trail<'_>) -> Result<bool, SendError> {
        draft::remove(self, own, name, trail)
    }
}

/// The message of a name, wherever in the mailbox it is.
pub(super) fn by_id(
    service: &mut GraphService,
    own: bool,
    id: &str,
    trail: &mut Trail<'_>,
) -> Result<Option<FoundMessage>, SendError> {
    let mut url = service.url(own, &["messages", id]);
    url.query_pairs_mut().append_pair("$select", FIELDS);
    match service.look(&Ask::get(url), trail)? {
        Some(reply) => read(&reply).map(Some),
        None => Ok(None),
    }
}

/// The messages of a folder that carry a mark.
pub(super) fn marked(
    service: &mut GraphService,
    own: bool,
    folder: &str,
    mark: DraftMark,
    value: &str,
    trail: &mut Trail<'_>,
) -> Result<Vec<FoundMessage>, SendError> {
    let filter = format!(
        "singleValueExtendedProperties/Any(ep: ep/id eq '{}' and ep/value eq '{}')",
        property(mark),
        quoted(value)
    );
    list(
        service,
        own,
        &["mailFolders", folder, "messages"],
        &filter,
        trail,
    )
}

/// The messages anywhere in the mailbox that have a Message-ID.
pub(super) fn by_message_id(
    service: &mut GraphService,
    own: bool,
    message_id: &str,
    trail: &mut Trail<'_>,
) -> Result<Vec<FoundMessage>, SendError> {
    let filter = format!("internetMessageId eq '<{}>'", quoted(message_id));
    list(service, own, &["messages"], &filter, trail)
}

/// Text inside the quotes of a filter (`OData` 4.01 URL conventions, section 5.1.1.6.1).
pub(super) fn quoted(text: &str) -> String {
    text.replace('\'', "''")
}

fn list(
    service: &mut GraphService,
    own: bool,
    path: &[&str],
    filter: &str,
    trail: &mut Trail<'_>,
) -> Result<Vec<FoundMessage>, SendError> {
    let mut url = service.url(own, path);
    // Written by hand: a plus sign for a blank, as forms have it, is not read everywhere.
    let query = format!(
        "$filter={}&$select={FIELDS}&$top=10",
        utf8_percent_encode(filter, NON_ALPHANUMERIC)
    );
    url.set_query(Some(&query));
    let reply = service.ask(&Ask::get(url), trail)?;
    read::<MessageList>(&reply).map(|list| list.value)
}

/// Reads an answer; half of one is as good as none.
pub(super) fn read<T: for<'de> Deserialize<'de>>(reply: &HttpReply) -> Result<T, SendError> {
    serde_json::from_slice(&reply.body).map_err(|_| SendError::Transient {
        answer: Answer::new(
            Code::status(reply.status),
            "the answer of Microsoft Graph could not be read",
        ),
        everyone: true,
    })
}
