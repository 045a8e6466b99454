//! Large attachments, in ranges (Microsoft Graph, "Attach large files to Outlook messages").

use std::net::{IpAddr, Ipv4Addr};

use reqwest::{Method, Url};
use serde::{Deserialize, Serialize};

use super::answer;
use super::find;
use super::service::{Ask, GraphService};
use super::words;
use crate::config::Cloud;
use crate::http::{HttpError, HttpReply};
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
    attachment_item: UploadItem<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UploadItem<'a> {
    attachment_type: &'static str,
    name: &'a str,
    size: usize,
    content_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_id: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_inline: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Session {
    upload_url: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UploadProgress {
    next_expected_ranges: Vec<String>,
}

/// The code of a refusal that is not the letter's fault: some mailboxes take no upload sessions from
/// a person who is not their owner (microsoft-graph-docs-contrib, issue 3720).
pub(super) const REFUSED: Code = Code::Own(Cause::UploadSession);

/// Attaches a file to a draft. Only when every byte has arrived is this a success.
pub(super) fn attach(
    service: &mut GraphService,
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
    service: &mut GraphService,
    own: bool,
    draft: &str,
    attached: Attached<'_>,
    trail: &mut Trail<'_>,
) -> Result<Url, SendError> {
    let json = serde_json::to_vec(&NewSession {
        attachment_item: UploadItem {
            attachment_type: "file",
            name: attached.name,
            size: attached.contents.len(),
            content_type: attached.media_type,
            content_id: attached.content_id,
            is_inline: attached.content_id.is_some(),
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
    let at_home = is_this_machine(&service.place.url);
    address
        .filter(|address| is_safe(address, at_home))
        .ok_or_else(|| {
            SendError::Unusable(Answer::new(
                Cause::UploadAddress,
                "the service named an address for the report that is not protected by TLS, or lies in an internal network",
            ))
        })
}

/// Whether a report may go to an address: over TLS and out of this network, unless the service itself
/// is on this machine.
fn is_safe(address: &Url, at_home: bool) -> bool {
    if is_this_machine(address) {
        return at_home;
    }
    let host = address.host_str().unwrap_or_default();
    let ip = host.trim_start_matches('[').trim_end_matches(']');
    address.scheme() == "https"
        && match ip.parse() {
            Ok(IpAddr::V4(ip)) => is_public(ip),
            Ok(IpAddr::V6(ip)) => match ip.to_ipv4() {
                Some(ip) => is_public(ip),
                // Global unicast (RFC 4291 section 2.4).
                None => ip.segments()[0] & 0xe000 == 0x2000,
            },
            Err(_) => is_public_name(host),
        }
}

fn is_this_machine(address: &Url) -> bool {
    address.host_str().is_some_and(Cloud::is_this_machine)
}

/// Whether a name may be one of the internet: not of this machine, of a network without a domain, or
/// of those that are kept for private use (RFC 6761, RFC 6762, RFC 8375, and ICANN's `internal`).
fn is_public_name(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let private = ["localhost", "local", "internal", "lan", "home.arpa"];
    name.contains('.')
        && !private
            .iter()
            .any(|end| name == *end || name.ends_with(&format!(".{end}")))
}

/// Whether an address may be one of the internet (RFC 6890).
fn is_public(ip: Ipv4Addr) -> bool {
    let [first, second, ..] = ip.octets();
    !(ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_unspecified()
        || ip.is_broadcast()
        || ip.is_multicast()
        || first == 0
        || first >= 240
        // Shared between a provider and its customers.
        || (first == 100 && second & 0xc0 == 64))
}

/// Where the service wants to go on.
fn next(reply: &HttpReply) -> Option<usize> {
    let progress: UploadProgress = serde_json::from_slice(&reply.body).ok()?;
    let first = progress.next_expected_ranges.first()?;
    first.split('-').next()?.parse().ok()
}

/// Asks where to go on after a range that broke off.
fn asked(
    service: &GraphService,
    address: &Url,
    size: usize,
    trail: &mut Trail<'_>,
) -> Option<usize> {
    let reply = service.upload(address, None, Vec::new(), trail).ok()?;
    next(&reply).filter(|at| reply.status == 200 && *at < size)
}

fn broken() -> SendError {
    SendError::Transient {
        answer: Answer::new(Cause::Upload, "the report could not be uploaded whole"),
        everyone: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_go_to_the_internet_over_tls_alone() {
        for (address, safe) in [
            ("https://outlook.office.com/api/v2.0/upload?token=x", true),
            ("https://40.97.1.1/upload", true),
            ("https://[2603:1006::1]/upload", true),
            ("http://outlook.office.com/upload", false),
            ("https://127.0.0.1/upload", false),
            ("https://127.0.0.2/upload", false),
            ("https://2130706433/upload", false),
            ("https://localhost/upload", false),
            ("https://a.localhost./upload", false),
            ("https://intranet/upload", false),
            ("https://files.study.internal/upload", false),
            ("https://printer.local/upload", false),
            ("https://10.0.0.1/upload", false),
            ("https://172.16.0.1/upload", false),
            ("https://192.168.1.1/upload", false),
            ("https://169.254.169.254/latest", false),
            ("https://100.64.0.1/upload", false),
            ("https://0.0.0.0/upload", false),
            ("https://[::1]/upload", false),
            ("https://[::ffff:10.0.0.1]/upload", false),
            ("https://[fd00::1]/upload", false),
            ("https://[fe80::1]/upload", false),
            ("ftp://outlook.office.com/upload", false),
        ] {
            let url = Url::parse(address).unwrap();
            assert_eq!(is_safe(&url, false), safe, "{address}");
        }
        let url = Url::parse("http://127.0.0.1:8080/upload").unwrap();
        assert!(is_safe(&url, true));
        let url = Url::parse("https://10.0.0.1/upload").unwrap();
        assert!(!is_safe(&url, true));
    }
}
