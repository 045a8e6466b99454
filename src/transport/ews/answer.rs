//! From an HTTP answer to what Exchange says of each thing that was asked.

use std::time::Duration;

use super::codes::EwsError;
use super::reading::{Element, Space};
use crate::http::HttpReply;
use crate::transport::call::{Step, wait};
use crate::transport::{Answer, Code, SendError};

/// Whom an answer comes to, which decides whom a refusal is to be taken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EwsCredential {
    /// A token of Exchange Online.
    Token,
    /// An account and its password.
    Password,
}

/// What a whole answer holds.
pub(super) struct Whole {
    /// What the server says of its version.
    pub version: Option<String>,
    /// What it says of each thing that was asked.
    pub messages: Vec<Result<Element, EwsError>>,
}

/// Reads an answer; what does not come from Exchange itself is an error.
pub(super) fn read(
    reply: &HttpReply,
    step: Step,
    login: EwsCredential,
) -> Result<Whole, SendError> {
    let envelope = Element::read(&reply.body)
        .ok()
        .filter(|root| root.is(Space::Soap, "Envelope"));
    let body = envelope
        .as_ref()
        .and_then(|envelope| envelope.child(Space::Soap, "Body"));
    if let Some(fault) = body.and_then(|body| body.child(Space::Soap, "Fault")) {
        return Err(fault_said(fault).meaning(step));
    }
    let messages = body.and_then(|body| body.within(Space::Messages, "ResponseMessages"));
    match (reply.status, messages) {
        (200, Some(messages)) if !messages.children().is_empty() => Ok(Whole {
            version: envelope.as_ref().and_then(version),
            messages: messages.children().iter().map(judged).collect(),
        }),
        (200, _) => Err(unreadable(reply, step)),
        _ => Err(refused(reply, step, login)),
    }
}

/// An answer of Exchange that cannot be read, or lacks what was asked for.
pub(super) fn unreadable(reply: &HttpReply, step: Step) -> SendError {
    let kind = reply.header("content-type").unwrap_or_default();
    let answer = Answer::new(
        Code::status(reply.status),
        "the answer of Exchange could not be read",
    );
    match step {
        Step::Release | Step::Send => SendError::InDoubt(answer),
        Step::Prepare if kind.contains("xml") => SendError::Transient {
            answer,
            everyone: true,
        },
        Step::Prepare => SendError::Unusable(answer.with(
            "there are no Exchange Web Services at this address: correct server or ews_url in the secrets file",
        )),
    }
}

/// What an answer means that something in front of Exchange gave.
fn refused(reply: &HttpReply, step: Step, login: EwsCredential) -> SendError {
    let diagnosis = reply.header("x-ms-diagnostics");
    let what = diagnosis.unwrap_or(if reply.body.is_empty() {
        "an empty answer"
    } else {
        "an answer that is not Exchange's"
    });
    let said = Answer::new(Code::status(reply.status), what);
    let unusable = |next_step: &str| SendError::Unusable(said.clone().with(next_step));
    match reply.status {
        401 => SendError::Unauthorised(said.with(&not_let_in(reply, login))),
        // The token is known, but not good for this: that is no matter of the tenant.
        403 if diagnosis.is_some_and(is_about_scopes) => {
            SendError::Unauthorised(said.with(LACKS_SCOPE))
        }
        403 if login == EwsCredential::Token => unusable(
            "EWS is switched off for this tenant or this app is not on its list (Exchange Online ends EWS on 1 April 2027): use `transport = \"graph\"`",
        ),
        403 => unusable(
            "the server does not let this account use EWS: ask whoever runs it, or use `transport = \"smtp\"`",
        ),
        429 | 503 => SendError::Throttled {
            wait: wait(reply),
            answer: said,
        },
        413 => SendError::Rejected(said.with("the letter is too large for one request")),
        300..=399 | 404 | 405 => unusable(
            "there are no Exchange Web Services at this address: correct server or ews_url in the secrets file",
        ),
        408 | 500..=599 => match step {
            Step::Prepare => SendError::Transient {
                answer: said,
                everyone: true,
            },
            Step::Release | Step::Send => SendError::InDoubt(said),
        },
        _ => unusable("this answer is not one that postroom knows, so nothing more was sent"),
    }
}

/// Whether the words beside a refusal blame the token: it "contains no permissions", or "not enough
/// scope". They are read since nothing else distinguishes a token that lacks a scope from a tenant that has EWS
/// switched off: both are a 403 without a body. The number in front of the words (`2000008;reason=…`)
/// is in no list that Microsoft publishes for Exchange. A word that is not known is a matter of the
/// tenant, which costs whoever reads it a question and no letter.
fn is_about_scopes(diagnosis: &str) -> bool {
    diagnosis.contains("permission") || diagnosis.contains("scope")
}

const LACKS_SCOPE: &str = "the sign-in does not allow EWS: add the delegated permission EWS.AccessAsUser.All of Office 365 Exchange Online to the app registration, then run `postroom login` again";

fn not_let_in(reply: &HttpReply, login: EwsCredential) -> String {
    if login == EwsCredential::Token {
        return format!("run `postroom login`; if that does not help, {LACKS_SCOPE}");
    }
    let offers: Vec<&str> = reply
        .headers
        .get_all("www-authenticate")
        .iter()
        .filter_map(|offer| offer.to_str().ok()?.split_whitespace().next())
        .collect();
    if offers.is_empty()
        || offers
            .iter()
            .any(|offer| offer.eq_ignore_ascii_case("basic"))
    {
        return "the server does not take ews_username and ews_password: correct them".into();
    }
    format!(
        "the server takes {}, and postroom speaks basic authentication only: have it switched on for EWS, over TLS",
        offers.join(" or ")
    )
}

/// What one response message says: itself if it is a success (MS-OXWSCDATA, `ResponseMessageType`).
fn judged(message: &Element) -> Result<Element, EwsError> {
    let class = message.attribute("ResponseClass");
    if class == Some("Success") {
        return Ok(message.clone());
    }
    let part = |name| message.child(Space::Messages, name).map(Element::text);
    Err(EwsError {
        code: part("ResponseCode").unwrap_or("no code").to_owned(),
        text: part("MessageText").unwrap_or_default().to_owned(),
        back_off: message
            .child(Space::Messages, "MessageXml")
            .and_then(back_off),
        is_warning: class == Some("Warning"),
    })
}

/// What a SOAP fault says; the code of Exchange is in its detail (SOAP 1.1 section 4.4).
fn fault_said(fault: &Element) -> EwsError {
    let detail = fault.child(Space::Unnamed, "detail");
    let part = |name| {
        let element = detail.and_then(|detail| detail.within(Space::Errors, name));
        element.map(Element::text)
    };
    let plain = |name| fault.child(Space::Unnamed, name).map(Element::text);
    let code = part("ResponseCode").or_else(|| {
        let code = plain("faultcode")?;
        Some(code.rsplit(':').next().unwrap_or(code))
    });
    EwsError {
        code: code.unwrap_or("fault").to_owned(),
        text: part("Message")
            .or_else(|| plain("faultstring"))
            .unwrap_or_default()
            .to_owned(),
        back_off: detail
            .and_then(|detail| detail.within(Space::Types, "MessageXml"))
            .and_then(back_off),
        is_warning: false,
    }
}

/// The wait that Exchange asks for (Microsoft, "EWS throttling in Exchange").
fn back_off(xml: &Element) -> Option<Duration> {
    let mut values = xml.children().iter();
    let value = values.find(|value| {
        value.is(Space::Types, "Value") && value.attribute("Name") == Some("BackOffMilliseconds")
    })?;
    value.text().parse().ok().map(Duration::from_millis)
}

fn version(envelope: &Element) -> Option<String> {
    let info = envelope.within(Space::Types, "ServerVersionInfo")?;
    let part = |name| info.attribute(name).and_then(|n| n.parse::<u32>().ok());
    let (major, minor) = (part("MajorVersion")?, part("MinorVersion")?);
    let build = part("MajorBuildNumber").unwrap_or_default();
    Some(format!("Exchange {major}.{minor}.{build}"))
}

#[cfg(test)]
mod tests;
