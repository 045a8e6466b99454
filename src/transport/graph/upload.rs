//! Large attachments, in ranges (Microsoft Graph, "Attach large files to Outlook messages").

use reqwest::{Method, Url};
use serde::{Deserialize, Serialize};

use super::answer;
use super::find;
use super::service::{Ask, Service};
use super::words;
use crate::config::Cloud;
use crate::http::{HttpError, Reply};
use crate::message::Attached;
use crate::transport::call::{Step, Trail};
use crate::transport::{Answer, Cause, Code, SendError};

/// Bytes of one range; 4 MB is the most.
const RANGE: usize = 3_932_160;
/// Ranges of one file that may break off before the letter is left for later.
const MOST_BREAKS: u32 = 5;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct NewSession<'a> {
    attachment_item: Item<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Item<'a> {
    attachment_type: &'static str,
    name: &'a str,
    size: usize,
    content_type: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Session {
    upload_url: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Progress {
    next_expected_ranges: Vec<String>,
}

/// The code of a refusal that is not the letter's fault: some mailboxes take no upload sessions from
/// a person who is not their owner (microsoft-graph-docs-contrib, issue 3720).
pub(super) const REFUSED: Code = Code::Own(Cause::UploadSession);

/// Attaches a file to a draft. Only when every byte has arrived is this a success.
pub(super) fn attach(
    service: &mut Service,
    own: bool,
    draft: &str,
    attached: Attached<'_>,
    trail: &mut Trail<'_>,
) -> Result<(), SendError> {
    let contents = attached.contents;
    let address = open(service, own, draft, attached, trail)?;
    let (mut at, mut breaks) = (0, 0);
    loop {
        let end = contents.len().min(at + RANGE);
        let range = format!("bytes {at}-{}/{}", end - 1, contents.len());
        let sent = service.upload(&address, Some(range), contents[at..end].to_vec(), trail);
        let next = match sent {
            Ok(reply) if reply.status == 201 && end == contents.len() => return Ok(()),
            Ok(reply) if matches!(reply.status, 200 | 202) => next(&reply),
            // The session has run out: a new draft gets a new one.
            Ok(reply) if matches!(reply.status, 404 | 410) => return Err(broken()),
            // It stands elsewhere than it said.
            Ok(reply) if reply.status == 416 => None,
            Ok(reply) if reply.status < 500 => {
                return Err(answer::meaning(&reply, Step::Prepare));
            }
            Ok(reply) if reply.header("retry-after").is_some() => {
                return Err(answer::meaning(&reply, Step::Prepare));
            }
            Ok(_) | Err(HttpError::NotSent(_) | HttpError::NoAnswer(_)) => None,
        };
        match next {
            Some(next) if next > at && next <= end && next < contents.len() => at = next,
            _ => {
                breaks += 1;
                at = asked(service, &address, contents.len(), trail)
                    .filter(|_| breaks <= MOST_BREAKS)
                    .ok_or_else(broken)?;
            }
        }
    }
}

fn open(
    service: &mut Service,
    own: bool,
    draft: &str,
    attached: Attached<'_>,
    trail: &mut Trail<'_>,
) -> Result<Url, SendError> {
    let json = serde_json::to_vec(&NewSession {
        attachment_item: Item {
            attachment_type: "file",
            name: attached.name,
            size: attached.contents.len(),
            content_type: attached.media_type,
        },
    })
    .map_err(|error| words::not_written(&error))?;
    let ask = Ask {
        method: Method::POST,
        url: service.url(
            own,
            &["messages", draft, "attachments", "createUploadSession"],
        ),
        json: Some(&json),
        step: Step::Prepare,
    };
    let reply = service.ask(&ask, trail).map_err(|error| match error {
        SendError::Unusable(mut answer) if answer.code.is_status(403) && !own => {
            answer.code = REFUSED;
            SendError::Unusable(answer)
        }
        other => other,
    })?;
    let session: Session = find::read(&reply)?;
    let address = Url::parse(&session.upload_url).ok();
    address.filter(is_safe).ok_or_else(|| {
        SendError::Unusable(Answer::new(
            Cause::UploadAddress,
            "the service named an address for the report that is not protected by TLS",
        ))
    })
}

fn is_safe(address: &Url) -> bool {
    address.scheme() == "https" || address.host_str().is_some_and(Cloud::is_this_machine)
}

/// Where the service wants to go on.
fn next(reply: &Reply) -> Option<usize> {
    let progress: Progress = serde_json::from_slice(&reply.body).ok()?;
    let first = progress.next_expected_ranges.first()?;
    first.split('-').next()?.parse().ok()
}

/// Asks where to go on after a range that broke off.
fn asked(service: &Service, address: &Url, size: usize, trail: &mut Trail<'_>) -> Option<usize> {
    let reply = service.upload(address, None, Vec::new(), trail).ok()?;
    next(&reply).filter(|at| reply.status == 200 && *at < size)
}

fn broken() -> SendError {
    SendError::Transient {
        answer: Answer::new(Cause::Upload, "the report could not be uploaded whole"),
        everyone: true,
    }
}
