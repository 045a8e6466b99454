//! Inbox and Junk of the mailbox, message by message as it came.

use std::sync::Arc;

use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::find::read;
use super::service::{Ask, GraphService};
use crate::config::Secrets;
use crate::finding::Finding;
use crate::transport::call::{Unrecorded, describe};
use crate::transport::incoming::{
    BothMailboxes, Incoming, Listed, ListedClass, MOST_LISTED, plain_id,
};
use crate::transport::{Answer, Bearer, Cause, SendError};

/// The folders that mail comes into (Microsoft Graph, "mailFolder": well-known names).
const FOLDERS: [&str; 2] = ["inbox", "junkemail"];

/// Takes reports alone, by their class (MS-OXPROPS, `PidTagMessageClass`).
const OF_REPORTS: &str = " and singleValueExtendedProperties/Any(ep: ep/id eq 'String 0x001A' and \
     startswith(ep/value,'REPORT.'))";

#[derive(Deserialize)]
struct InboxPage {
    value: Vec<InboxItem>,
    #[serde(rename = "@odata.nextLink")]
    next: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InboxItem {
    id: String,
    internet_message_id: Option<String>,
}

struct GraphInbox(GraphService, ListedClass);

pub(in crate::transport) fn incoming(
    secrets: &Secrets,
    bearer: &Arc<dyn Bearer>,
    largest: u64,
) -> Result<Box<dyn Incoming>, Finding> {
    let kept = secrets.graph.get()?.save_in;
    BothMailboxes::open(kept, |save_in, class| {
        let service = super::service(secrets, bearer, save_in)?;
        let is_shared = service.place.mailbox.is_some();
        Ok((GraphInbox(service.taking(largest), class), is_shared))
    })
}

impl Incoming for GraphInbox {
    fn describe(&self) -> String {
        let place = &self.0.place;
        describe("graph", &place.url, place.mailbox.as_ref())
    }

    fn list(&mut self, since: Timestamp) -> Result<Vec<Listed>, SendError> {
        self.may_read()?;
        let mut listed = Vec::new();
        for folder in FOLDERS {
            let found = match self.folder(folder, since) {
                // The link to a later page was too old (410): the list begins anew, once.
                Err(SendError::Unusable(answer)) if answer.code.is_status(410) => {
                    self.folder(folder, since)?
                }
                found => found?,
            };
            listed.extend(found);
        }
        Ok(listed)
    }

    fn fetch(&mut self, name: &str, _: u64) -> Result<Option<Vec<u8>>, SendError> {
        let url = self.0.url(false, &["messages", name, "$value"]);
        let reply = self
            .0
            .look(&Ask::get(url), &mut Unrecorded::new().trail())?;
        Ok(reply.map(|reply| reply.body))
    }
}

impl GraphInbox {
    fn folder(&mut self, folder: &str, since: Timestamp) -> Result<Vec<Listed>, SendError> {
        let mut url = self.0.url(false, &["mailFolders", folder, "messages"]);
        let mut filter = format!(
            "receivedDateTime ge {}",
            since.strftime("%Y-%m-%dT%H:%M:%SZ")
        );
        if self.1 == ListedClass::Reports {
            filter.push_str(OF_REPORTS);
        }
        url.set_query(Some(&format!(
            "$filter={}&$select=id,internetMessageId&$top=100",
            utf8_percent_encode(&filter, NON_ALPHANUMERIC)
        )));
        let mut listed: Vec<Listed> = Vec::new();
        loop {
            let reply = self.0.ask(&Ask::get(url), &mut Unrecorded::new().trail())?;
            let page: InboxPage = read(&reply)?;
            let is_empty = page.value.is_empty();
            listed.extend(page.value.into_iter().map(|item| Listed {
                message_id: item.internet_message_id.as_deref().and_then(plain_id),
                name: item.id,
            }));
            let Some(next) = page
                .next
                .filter(|_| !is_empty && listed.len() < MOST_LISTED)
            else {
                return Ok(listed);
            };
            url = self.0.same_place(&next)?;
        }
    }

    fn may_read(&mut self) -> Result<(), SendError> {
        let abilities = self.0.abilities()?;
        if abilities.read {
            return Ok(());
        }
        let scope = abilities.scope("Mail.Read");
        Err(SendError::Unauthorised(Answer::new(
            Cause::Scopes,
            &format!(
                "the sign-in does not allow {scope}: add the delegated permission {scope} to the app registration (and to graph_scopes, where that is filled in), then run `postroom login` again; without it, save the mails as files and read them with `postroom returns --from PATH`"
            ),
        )))
    }
}
