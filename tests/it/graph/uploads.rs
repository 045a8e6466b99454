//! Upload sessions that break off, lie or run out.

use serde_json::json;

use crate::graph::judge::{assert_each_once, assert_honest, write_report};
use crate::support::graph::{
    GraphAction, GraphEvent, GraphKind, Response, graph_error, html, throttled,
};
use crate::support::graph_desk::{ALL_SCOPES, GraphDesk, PERSON, SHARED};
use crate::support::oauth::OauthServer;

/// Three ranges, of which the last one is short.
const LARGE: usize = 8_000_000;

/// A letter with a report that needs an upload session, whose requests are decided by a script.
#[track_caller]
fn uploaded(script: impl Fn(&GraphEvent) -> GraphAction + Send + Sync + 'static) -> GraphDesk {
    let desk = GraphDesk::with_all_scopes(1);
    write_report(&desk, 1, LARGE);
    desk.graph.script(script);
    desk.desk.send().expect(0);
    desk.keep_upload_urls_secret();
    assert_each_once(&desk);
    for request in desk.graph.requests() {
        let has_bearer = request.headers.contains_key("authorization");
        assert_ne!(has_bearer, request.kind.is_upload(), "{request:?}");
    }
    desk
}

/// Does this at the second range.
fn at_second(action: impl Fn() -> GraphAction) -> impl Fn(&GraphEvent) -> GraphAction {
    move |event| match (event.kind, event.turn) {
        (GraphKind::UploadRange, 2) => action(),
        _ => GraphAction::Proceed,
    }
}

fn count(desk: &GraphDesk, kind: GraphKind) -> usize {
    desk.graph.requests_of(kind).len()
}

#[test]
fn ranges_go_in_order_and_without_the_bearer() {
    let desk = uploaded(|_| GraphAction::Proceed);
    let ranges: Vec<_> = desk
        .graph
        .requests_of(GraphKind::UploadRange)
        .iter()
        .map(|request| request.headers["content-range"].clone())
        .collect();
    assert_eq!(
        ranges,
        [
            "bytes 0-3932159/8000000",
            "bytes 3932160-7864319/8000000",
            "bytes 7864320-7999999/8000000"
        ]
    );
}

#[test]
fn a_cut_in_the_middle_goes_on_where_the_service_stands() {
    for (cut, ranges) in [
        ((|| GraphAction::CutBefore) as fn() -> GraphAction, 4),
        (|| GraphAction::CutAfter, 3),
        (|| GraphAction::TruncatedAnswer, 3),
        (|| GraphAction::Answer(html(502)), 4),
    ] {
        let desk = uploaded(at_second(cut));
        assert_eq!(count(&desk, GraphKind::UploadRange), ranges);
        assert_eq!(count(&desk, GraphKind::UploadState), 1);
        assert_eq!(count(&desk, GraphKind::CreateUploadSession), 1);
    }
}

/// The service is asked again rather than believed.
#[test]
fn a_next_range_that_cannot_be_is_not_obeyed() {
    let lies = [
        json!({"nextExpectedRanges": ["7999000-"]}),
        json!({"nextExpectedRanges": ["0-"]}),
        json!({"nextExpectedRanges": ["99999999999999999999999"]}),
        json!({"nextExpectedRanges": [null]}),
        json!({"nextExpectedRanges": []}),
        json!([[[]]]),
    ];
    for lie in lies {
        let desk = uploaded(at_second(move || {
            GraphAction::AcceptThen(Response::json(200, &lie))
        }));
        assert_eq!(count(&desk, GraphKind::UploadState), 1);
        assert_eq!(count(&desk, GraphKind::UploadRange), 3);
    }
}

#[test]
fn a_session_that_has_run_out_is_begun_anew() {
    let desk = uploaded(at_second(|| {
        GraphAction::Answer(graph_error(
            404,
            "ErrorItemNotFound",
            "The session has expired.",
        ))
    }));
    assert_eq!(count(&desk, GraphKind::CreateUploadSession), 2);
    // The draft that was not whole is gone.
    assert_eq!(desk.graph.mailbox(SHARED).deleted().len(), 1);
}

#[test]
fn a_throttled_range_waits_and_the_letter_is_made_anew() {
    let desk = uploaded(at_second(|| GraphAction::Answer(throttled(Some(1)))));
    assert_eq!(count(&desk, GraphKind::SendDraft), 1);
}

#[test]
fn a_last_range_without_an_answer_is_never_sent_twice_or_incomplete() {
    for cut in [|| GraphAction::CutBefore, || GraphAction::CutAfter] {
        let desk = uploaded(move |event| match (event.kind, event.turn) {
            (GraphKind::UploadRange, 3) => cut(),
            _ => GraphAction::Proceed,
        });
        assert_eq!(count(&desk, GraphKind::SendDraft), 1);
    }
}

/// A service that never takes the report whole gets the letter not sent either.
#[test]
fn an_incomplete_letter_is_not_sent() {
    let desk = GraphDesk::with_all_scopes(2);
    write_report(&desk, 1, LARGE);
    desk.graph.script(|event| match event.kind {
        GraphKind::UploadRange if event.turn > 1 => GraphAction::CutBefore,
        _ => GraphAction::Proceed,
    });
    desk.desk.send().expect(5).says("S001: not taken");
    let states = assert_honest(&desk);
    assert_eq!(states["S001"], "pending");
    assert!(desk.graph.mailbox(SHARED).drafts().is_empty());
    desk.graph.script(|_| GraphAction::Proceed);
    desk.desk.send().expect(0);
    assert_each_once(&desk);
}

/// A draft that could not be removed is found and removed before the letter is made anew.
#[test]
fn a_draft_that_is_left_behind_is_removed_later() {
    let desk = uploaded(|event| match (event.kind, event.turn) {
        (GraphKind::UploadRange, 2) => GraphAction::Answer(throttled(Some(1))),
        (GraphKind::DeleteMessage, 1) => GraphAction::CutBefore,
        _ => GraphAction::Proceed,
    });
    assert_eq!(count(&desk, GraphKind::CreateDraft), 2);
    assert_eq!(desk.graph.mailbox(SHARED).deleted().len(), 1);
}

#[test]
fn an_address_that_is_not_protected_gets_nothing() {
    let desk = GraphDesk::with_all_scopes(2);
    write_report(&desk, 1, LARGE);
    let session = json!({
        "uploadUrl": "http://files.elsewhere.example/session-of-a-school",
        "nextExpectedRanges": ["0-"],
    });
    desk.graph.once(GraphKind::CreateUploadSession, move || {
        GraphAction::Answer(Response::json(201, &session))
    });
    let ran = desk.desk.send().expect(5).says("not protected by TLS");
    assert!(!ran.stderr.contains("session-of-a-school"), "{ran:?}");
    // It is no reason to use another mailbox.
    assert!(desk.graph.mailbox(PERSON).deleted().is_empty());
    assert_eq!(count(&desk, GraphKind::CreateDraft), 1);
    assert_honest(&desk);
    desk.desk.send().expect(0);
    assert_each_once(&desk);
}

#[test]
fn an_address_in_an_internal_network_gets_nothing() {
    for url in [
        "https://10.0.0.1/session-of-a-school",
        "https://files.internal/session-of-a-school",
    ] {
        let desk = GraphDesk::with_all_scopes(1);
        write_report(&desk, 1, LARGE);
        let session = json!({"uploadUrl": url, "nextExpectedRanges": ["0-"]});
        desk.graph.once(GraphKind::CreateUploadSession, move || {
            GraphAction::Answer(Response::json(201, &session))
        });
        let ran = desk.desk.send().expect(5).says("internal network");
        assert!(!ran.stderr.contains("session-of-a-school"), "{ran:?}");
        assert_honest(&desk);
    }
}

/// Microsoft's documentation calls it a limit of delegated permissions.
#[test]
fn a_shared_mailbox_without_uploads_and_no_other_mailbox_rejects_the_letter() {
    let scopes: Vec<_> = ALL_SCOPES
        .into_iter()
        .filter(|scope| *scope != "Mail.ReadWrite")
        .collect();
    let desk = GraphDesk::at(OauthServer::builder().grant("graph", &scopes), 2);
    desk.graph.set_shared_uploads(false);
    write_report(&desk, 1, LARGE);
    let ran = desk.desk.send().expect(4);
    ran.says("a known limit of Microsoft Graph")
        .says("Mail.ReadWrite");
    assert_honest(&desk);
    assert!(desk.graph.mailbox(SHARED).drafts().is_empty());
}
