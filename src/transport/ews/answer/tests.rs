use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::EwsCredential::{Password, Token};
use super::Step::{Prepare, Release};
use super::*;

fn reply(status: u16, headers: &[(&'static str, &str)], body: &str) -> HttpReply {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(
            HeaderName::from_static(name),
            HeaderValue::from_str(value).unwrap(),
        );
    }
    HttpReply {
        status,
        headers: map,
        body: body.as_bytes().to_vec(),
    }
}

/// An answer with other prefixes than ours.
fn message(class: &str, inside: &str) -> String {
    format!(
        "<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Header>\
         <h:ServerVersionInfo xmlns:h='http://schemas.microsoft.com/exchange/services/2006/types' \
         MajorVersion='15' MinorVersion='1' MajorBuildNumber='2507'/></s:Header><s:Body>\
         <SendItemResponse xmlns='http://schemas.microsoft.com/exchange/services/2006/messages'>\
         <ResponseMessages><SendItemResponseMessage ResponseClass='{class}'>{inside}\
         </SendItemResponseMessage></ResponseMessages></SendItemResponse></s:Body></s:Envelope>"
    )
}

fn fault(code: &str, more: &str) -> String {
    format!(
        "<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Body><s:Fault>\
         <faultcode xmlns:a='http://schemas.microsoft.com/exchange/services/2006/types'>a:{code}</faultcode>\
         <faultstring>Words.</faultstring><detail>\
         <e:ResponseCode xmlns:e='http://schemas.microsoft.com/exchange/services/2006/errors'>{code}</e:ResponseCode>\
         <e:Message xmlns:e='http://schemas.microsoft.com/exchange/services/2006/errors'>More words.</e:Message>\
         {more}</detail></s:Fault></s:Body></s:Envelope>"
    )
}

const XML: &[(&str, &str)] = &[("content-type", "text/xml; charset=utf-8")];

#[test]
fn each_message_is_judged_by_its_class() {
    let body = message("Success", "<ResponseCode>NoError</ResponseCode>");
    let whole = read(&reply(200, XML, &body), Step::Release, EwsCredential::Token)
        .unwrap_or_else(|error| panic!("{error:?}"));
    assert!(whole.messages[0].is_ok());
    assert_eq!(whole.version.as_deref(), Some("Exchange 15.1.2507"));
    let body = message(
        "Error",
        "<MessageText>No.</MessageText><ResponseCode>ErrorSendAsDenied</ResponseCode>",
    );
    let whole = read(&reply(200, XML, &body), Step::Release, EwsCredential::Token)
        .unwrap_or_else(|error| panic!("{error:?}"));
    let said = whole.messages[0].clone().unwrap_err();
    assert_eq!(
        (said.code.as_str(), said.text.as_str()),
        ("ErrorSendAsDenied", "No.")
    );
}

#[test]
fn the_wait_is_found_in_both_places() {
    let types = "http://schemas.microsoft.com/exchange/services/2006/types";
    let value = "Value Name='BackOffMilliseconds'";
    let body = message(
        "Error",
        &format!(
            "<MessageText>Busy.</MessageText><ResponseCode>ErrorServerBusy</ResponseCode>\
             <MessageXml><q:{value} xmlns:q='{types}'>5000</q:Value></MessageXml>"
        ),
    );
    let whole = read(&reply(200, XML, &body), Step::Prepare, EwsCredential::Token)
        .unwrap_or_else(|error| panic!("{error:?}"));
    let said = whole.messages[0].clone().unwrap_err();
    assert_eq!(said.back_off, Some(Duration::from_secs(5)));
    let body = fault(
        "ErrorServerBusy",
        &format!("<z:MessageXml xmlns:z='{types}'><z:{value}>1500</z:Value></z:MessageXml>"),
    );
    let error = read(&reply(500, XML, &body), Step::Prepare, EwsCredential::Token).err();
    let Some(SendError::Throttled { wait, answer }) = error else {
        panic!("{error:?}");
    };
    assert_eq!(wait, Some(Duration::from_millis(1500)));
    assert_eq!(
        (answer.text().to_owned(), answer.code),
        (
            "More words.".to_owned(),
            Code::Exchange("ErrorServerBusy".into()),
        )
    );
}

#[test]
fn what_does_not_come_from_exchange_is_reported_by_its_status() {
    let word = |status, headers: &[(&'static str, &str)], body: &str, step, login| match read(
        &reply(status, headers, body),
        step,
        login,
    )
    .err()
    {
        Some(SendError::Throttled { wait, .. }) => format!("throttled {wait:?}"),
        Some(SendError::Transient { .. }) => "transient".into(),
        Some(SendError::Rejected(_)) => "rejected".into(),
        Some(SendError::InDoubt(_)) => "in doubt".into(),
        Some(SendError::Unauthorised(answer)) => format!("unauthorised {}", answer.line()),
        Some(SendError::Unusable(answer)) => format!("unusable {}", answer.line()),
        None => "success".to_owned(),
    };
    let html = &[("content-type", "text/html")];
    assert!(word(403, &[], "", Prepare, Token).contains("transport = \"graph\""));
    assert!(word(403, html, "<html>", Release, Token).contains("1 April 2027"));
    assert!(!word(403, &[], "", Prepare, Password).contains("2027"));
    let reason = &[(
        "x-ms-diagnostics",
        "2000008;reason=\"The token contains no permissions\"",
    )];
    assert!(word(403, reason, "", Prepare, Token).contains("EWS.AccessAsUser.All"));
    assert!(word(401, &[], "", Prepare, Token).contains("postroom login"));
    let ntlm = &[
        ("www-authenticate", "Negotiate"),
        ("www-authenticate", "NTLM"),
    ];
    assert!(word(401, ntlm, "", Prepare, Password).contains("Negotiate or NTLM"));
    let basic = &[
        ("www-authenticate", "NTLM"),
        ("www-authenticate", "Basic realm=\"x\""),
    ];
    assert!(word(401, basic, "", Prepare, Password).contains("ews_password"));
    assert_eq!(
        word(503, &[("retry-after", "7")], "", Release, Token),
        "throttled Some(7s)"
    );
    assert_eq!(word(429, &[], "", Prepare, Token), "throttled None");
    assert_eq!(word(413, &[], "", Prepare, Token), "rejected");
    assert!(word(302, &[], "", Prepare, Token).contains("ews_url"));
    assert_eq!(word(502, html, "<html>", Prepare, Token), "transient");
    assert_eq!(word(502, html, "<html>", Release, Token), "in doubt");
    assert!(word(200, html, "<html>", Prepare, Token).contains("ews_url"));
    assert_eq!(word(200, XML, "<a>", Prepare, Token), "transient");
    assert_eq!(word(200, XML, "<a>", Release, Token), "in doubt");
    assert!(word(418, &[], "", Prepare, Token).starts_with("unusable"));
    // A missing right is named by Exchange itself, whatever the status.
    let denied = word(403, XML, &fault("ErrorAccessDenied", ""), Prepare, Token);
    assert!(
        denied.contains("Full Access") && !denied.contains("2027"),
        "{denied}"
    );
}
