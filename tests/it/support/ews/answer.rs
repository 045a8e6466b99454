//! What the fake Exchange Web Services say.

use std::fmt::Write as _;

use super::call::EwsKind;
use super::http::Response;
use super::xml::escaped;

const TYPES: &str = "http://schemas.microsoft.com/exchange/services/2006/types";
const MESSAGES: &str = "http://schemas.microsoft.com/exchange/services/2006/messages";

/// What is said of one thing that was asked: what a success holds, or the code of an error.
pub(super) type Said = Result<String, &'static str>;

/// An answer of response messages.
pub(super) fn answer(kind: EwsKind, said: &[Said]) -> Response {
    let name = kind.name();
    let mut messages = String::new();
    for said in said {
        let (class, inside) = match said {
            Ok(inside) => (
                "Success",
                format!("<m:ResponseCode>NoError</m:ResponseCode>{inside}"),
            ),
            Err(code) => ("Error", error(code, "The request was refused.", None)),
        };
        let _ = write!(
            messages,
            "<m:{name}ResponseMessage ResponseClass=\"{class}\">{inside}</m:{name}ResponseMessage>"
        );
    }
    whole(kind, &messages)
}

/// HTTP 200 with an error, and how long to wait.
pub fn refusal(kind: EwsKind, code: &str, back_off: Option<u64>) -> Response {
    let name = kind.name();
    let inside = error(code, "The server cannot do this now.", back_off);
    whole(
        kind,
        &format!(
            "<m:{name}ResponseMessage ResponseClass=\"Error\">{inside}</m:{name}ResponseMessage>"
        ),
    )
}

/// HTTP 500 with a SOAP fault, and how long to wait.
pub fn fault(code: &str, back_off: Option<u64>) -> Response {
    let errors = "http://schemas.microsoft.com/exchange/services/2006/errors";
    let back_off = back_off.map_or(String::new(), |milliseconds| {
        format!(
            "<t:MessageXml xmlns:t=\"{TYPES}\">{}</t:MessageXml>",
            wait(milliseconds)
        )
    });
    xml(
        500,
        &format!(
            "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body><s:Fault>\
             <faultcode xmlns:a=\"{TYPES}\">a:{code}</faultcode>\
             <faultstring xml:lang=\"en-US\">The server says {code}.</faultstring><detail>\
             <e:ResponseCode xmlns:e=\"{errors}\">{code}</e:ResponseCode>\
             <e:Message xmlns:e=\"{errors}\">The server says {code}.</e:Message>{back_off}\
             </detail></s:Fault></s:Body></s:Envelope>"
        ),
    )
}

/// The answer of a tenant for which EWS is switched off.
pub fn blocked() -> Response {
    Response::empty(403)
}

/// 503, as it comes from the web server in front of Exchange.
pub fn unavailable() -> Response {
    Response::new(
        503,
        "text/html",
        "<html><body>Service Unavailable</body></html>",
    )
}

fn whole(kind: EwsKind, messages: &str) -> Response {
    let name = kind.name();
    xml(
        200,
        &format!(
            "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Header>\
             <h:ServerVersionInfo MajorVersion=\"15\" MinorVersion=\"2\" MajorBuildNumber=\"1544\" \
             MinorBuildNumber=\"4\" Version=\"V2017_07_11\" xmlns:h=\"{TYPES}\" xmlns=\"{TYPES}\"/>\
             </s:Header><s:Body><m:{name}Response xmlns:m=\"{MESSAGES}\" xmlns:t=\"{TYPES}\">\
             <m:ResponseMessages>{messages}</m:ResponseMessages></m:{name}Response></s:Body></s:Envelope>"
        ),
    )
}

fn error(code: &str, text: &str, back_off: Option<u64>) -> String {
    let text = escaped(text);
    let back_off = back_off.map_or(String::new(), |milliseconds| {
        format!("<m:MessageXml>{}</m:MessageXml>", wait(milliseconds))
    });
    format!(
        "<m:MessageText>{text}</m:MessageText><m:ResponseCode>{code}</m:ResponseCode>\
         <m:DescriptiveLinkKey>0</m:DescriptiveLinkKey>{back_off}"
    )
}

fn wait(milliseconds: u64) -> String {
    format!("<t:Value Name=\"BackOffMilliseconds\" xmlns:t=\"{TYPES}\">{milliseconds}</t:Value>")
}

fn xml(status: u16, text: &str) -> Response {
    let text = format!("<?xml version=\"1.0\" encoding=\"utf-8\"?>{text}");
    Response::new(status, "text/xml; charset=utf-8", text)
}
