use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::*;
use crate::http::HttpError;
use crate::network::{NetworkError, NetworkKind};
use crate::transport::call::silence;

fn reply(status: u16, headers: &[(&'static str, &str)], body: &str) -> HttpReply {
    let headers = headers.iter().map(|(name, value)| {
        let value = HeaderValue::from_str(value).unwrap();
        (HeaderName::from_static(name), value)
    });
    HttpReply {
        status,
        headers: headers.collect::<HeaderMap>(),
        body: body.as_bytes().to_vec(),
    }
}

fn error(status: u16, code: &str) -> HttpReply {
    let body =
        format!("{{\"error\":{{\"code\":\"{code}\",\"message\":\"Words of the service.\"}}}}");
    reply(status, &[], &body)
}

/// The word for an outcome.
fn word(error: &SendError) -> &'static str {
    match error {
        SendError::Throttled { .. } => "throttled",
        SendError::Transient { .. } => "transient",
        SendError::Rejected(_) => "rejected",
        SendError::InDoubt(_) => "in doubt",
        SendError::Unauthorised(_) => "unauthorised",
        SendError::Unusable(_) => "unusable",
    }
}

#[test]
fn each_code_has_its_meaning_whatever_the_request_does() {
    for (status, code, meant) in [
        (401, "InvalidAuthenticationToken", "unauthorised"),
        (403, "insufficient_claims", "unauthorised"),
        (403, "ErrorSendAsDenied", "unusable"),
        (403, "ErrorAccessDenied", "unusable"),
        (403, "ErrorExceededMessageLimit", "unusable"),
        (429, "ErrorExceededMessageLimit", "unusable"),
        (403, "ErrorMessageSubmissionBlocked", "unusable"),
        (507, "ErrorQuotaExceeded", "unusable"),
        (404, "MailboxNotEnabledForRESTAPI", "unusable"),
        (404, "ErrorInvalidUser", "unusable"),
        (400, "ErrorInvalidRecipients", "rejected"),
        (413, "ErrorMessageSizeExceeded", "rejected"),
        (400, "ErrorSomethingNew", "rejected"),
        (403, "ErrorSomethingNew", "unusable"),
        (429, "ApplicationThrottled", "throttled"),
    ] {
        for step in [Step::Prepare, Step::Release, Step::Send] {
            let found = meaning(&error(status, code), step);
            assert_eq!(word(&found), meant, "{status} {code} {step:?}");
        }
    }
}

#[test]
fn a_failure_of_the_service_is_doubt_where_the_letter_may_have_gone_out() {
    for (status, code) in [
        (500, "ErrorInternalServerError"),
        (502, ""),
        (504, "UnknownError"),
    ] {
        for (step, meant) in [
            (Step::Prepare, "transient"),
            (Step::Release, "in doubt"),
            (Step::Send, "in doubt"),
        ] {
            let found = meaning(&error(status, code), step);
            assert_eq!(word(&found), meant, "{status} {step:?}");
        }
    }
    let page = reply(503, &[("content-type", "text/html")], "<html>busy</html>");
    assert_eq!(word(&meaning(&page, Step::Send)), "in doubt");
    assert_eq!(word(&meaning(&page, Step::Release)), "throttled");
    let asked = reply(503, &[("retry-after", "7")], "");
    assert_eq!(word(&meaning(&asked, Step::Send)), "throttled");
}

#[test]
fn retry_after_is_seconds_or_a_date_by_the_server_s_own_clock() {
    let seconds = reply(429, &[("retry-after", "17")], "");
    assert_eq!(wait(&seconds), Some(Duration::from_secs(17)));
    let date = reply(
        503,
        &[
            ("retry-after", "Fri, 07 Nov 1997 23:59:59 GMT"),
            ("date", "Fri, 07 Nov 1997 23:59:29 GMT"),
        ],
        "",
    );
    assert_eq!(wait(&date), Some(Duration::from_secs(30)));
    for odd in ["", "-3", "soon", "1e9999", "Fri, 07 Nov 1997 23:59:59 GMT"] {
        assert_eq!(
            wait(&reply(429, &[("retry-after", odd)], "")),
            None,
            "{odd}"
        );
    }
}

#[test]
fn a_page_of_something_in_between_is_not_shown() {
    let html = reply(
        502,
        &[("content-type", "text/html")],
        "<html><script>alert(1)</script>",
    );
    match meaning(&html, Step::Prepare) {
        SendError::Transient { answer, .. } => {
            assert_eq!(
                answer.text(),
                "an answer that is not Microsoft Graph's (text/html)"
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn silence_is_doubt_only_after_a_whole_request_that_sends() {
    let cut = HttpError::NoAnswer(NetworkError::new(NetworkKind::Cut, "connection reset"));
    let refused = HttpError::NotSent(NetworkError::new(
        NetworkKind::Refused,
        "connection refused",
    ));
    assert_eq!(word(&silence(&cut, Step::Send)), "in doubt");
    assert_eq!(word(&silence(&cut, Step::Release)), "in doubt");
    assert_eq!(word(&silence(&cut, Step::Prepare)), "transient");
    assert_eq!(word(&silence(&refused, Step::Send)), "transient");
}

#[test]
fn a_message_of_another_transport_is_missing_here() {
    assert!(is_item_missing(&error(404, "ErrorItemNotFound")));
    assert!(is_item_missing(&error(400, "ErrorInvalidIdMalformed")));
    assert!(!is_item_missing(&error(400, "ErrorInvalidRecipients")));
}
