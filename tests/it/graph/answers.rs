//! One answer after the other, with what the program says and how it ends.

use insta::assert_snapshot;

use crate::graph::judge::{assert_honest, once_for};
use crate::support::graph::{
    GraphAction, GraphKind, Response, empty, graph_error, html, throttled, unavailable,
};
use crate::support::graph_desk::{GraphDesk, SHARED};
use crate::support::{Ran, id};

/// How a run ended and what it said, with the parts that differ from run to run named.
fn shown(desk: &GraphDesk, ran: &Ran) -> String {
    let mut text = format!(
        "exit {}\n{}--- stderr\n{}",
        ran.code.unwrap(),
        ran.stdout,
        ran.stderr
    );
    let folder = desk.desk.batch.folder().display().to_string();
    for (part, name) in [(folder, "[folder]"), (desk.graph.url(), "[graph]")] {
        text = text.replace(&part, name);
    }
    // The hash of the log differs from run to run.
    let lines = text.split_inclusive('\n');
    lines.filter(|line| !line.starts_with("log: ")).collect()
}

/// The first of two letters gets this answer, once; the second one goes as always. Sent with sending
/// alone.
#[track_caller]
pub fn answered(answer: fn() -> Response, states: [&str; 2]) -> (GraphDesk, String) {
    let desk = GraphDesk::new(2);
    let happened = once_for(&desk, GraphKind::SendMail, 1, move || {
        GraphAction::Answer(answer())
    });
    let ran = desk.desk.send();
    assert!(happened.load(std::sync::atomic::Ordering::SeqCst));
    let states: Vec<_> = states.iter().map(|state| (*state).to_owned()).collect();
    let ended = assert_honest(&desk);
    assert_eq!(ended.into_values().collect::<Vec<_>>(), states, "{ran:?}");
    desk.assert_proper();
    let shown = shown(&desk, &ran);
    (desk, shown)
}

/// The run stops, and goes on with every letter when the cause is mended.
#[track_caller]
fn stops(answer: fn() -> Response) -> String {
    let (desk, shown) = answered(answer, ["pending", "pending"]);
    desk.desk.send().expect(0);
    crate::graph::judge::assert_each_once(&desk);
    shown
}

#[test]
fn send_as_denied_stops_the_run() {
    assert_snapshot!(stops(|| graph_error(
        403,
        "ErrorSendAsDenied",
        "Cannot submit message."
    )));
}

#[test]
fn access_denied_stops_the_run() {
    assert_snapshot!(stops(|| graph_error(
        403,
        "ErrorAccessDenied",
        "Access is denied."
    )));
}

#[test]
fn the_limit_of_the_day_stops_the_run_whatever_its_status() {
    let code = "ErrorExceededMessageLimit";
    let text = "Cannot send mail. Daily Message/Recipient limit exceeded.";
    let shown = stops(|| {
        graph_error(
            403,
            "ErrorExceededMessageLimit",
            "Cannot send mail. Daily Message/Recipient limit exceeded.",
        )
    });
    assert_snapshot!(shown);
    let desk = GraphDesk::new(1);
    for status in [400, 429] {
        desk.graph.once(GraphKind::SendMail, move || {
            GraphAction::Answer(graph_error(status, code, text))
        });
        desk.desk.send().expect(5).says("tomorrow");
    }
}

#[test]
fn a_blocked_account_stops_the_run() {
    assert_snapshot!(stops(|| graph_error(
        403,
        "ErrorMessageSubmissionBlocked",
        "Cannot send mail. Follow the instructions in your Inbox to verify your account."
    )));
}

#[test]
fn a_full_mailbox_stops_the_run() {
    assert_snapshot!(stops(|| graph_error(
        507,
        "ErrorQuotaExceeded",
        "The mailbox is full."
    )));
}

#[test]
fn a_mailbox_that_is_elsewhere_stops_the_run() {
    assert_snapshot!(stops(|| graph_error(
        404,
        "MailboxNotEnabledForRESTAPI",
        "The mailbox is either inactive, soft-deleted, or is hosted on-premise."
    )));
}

#[test]
fn a_mailbox_that_is_not_there_stops_the_run() {
    let desk = GraphDesk::new(2);
    for file in ["batch.toml", ".secrets.toml"] {
        desk.desk.batch.replace(file, "reports@", "raports@");
    }
    let ran = desk.desk.send();
    assert_snapshot!(shown(&desk, &ran));
    assert!(desk.graph.mailbox(SHARED).outgoing().is_empty());
}

#[test]
fn claims_that_are_wanted_end_in_a_sign_in() {
    assert_snapshot!(stops(|| graph_error(
        403,
        "insufficient_claims",
        "More is needed."
    )));
}

#[test]
fn a_token_that_is_refused_twice_ends_in_a_sign_in() {
    let desk = GraphDesk::new(2);
    desk.graph.script(|event| match event.kind {
        GraphKind::SendMail => GraphAction::Answer(graph_error(
            401,
            "InvalidAuthenticationToken",
            "Access token validation failure.",
        )),
        _ => GraphAction::Proceed,
    });
    let ran = desk.desk.send();
    // The token is renewed once, not for ever.
    assert_eq!(desk.graph.requests_of(GraphKind::SendMail).len(), 2);
    assert_honest(&desk);
    assert_snapshot!(shown(&desk, &ran));
}

#[test]
fn a_token_that_is_refused_once_is_renewed_and_nobody_is_reported() {
    let (desk, shown) = answered(
        || {
            graph_error(
                401,
                "InvalidAuthenticationToken",
                "Access token has expired.",
            )
        },
        ["accepted", "accepted"],
    );
    assert!(
        shown.starts_with("exit 0\n") && !shown.contains("401"),
        "{shown}"
    );
    let bearer =
        |request: &crate::support::graph::GraphRequest| request.headers["authorization"].clone();
    let requests = desk.graph.requests_of(GraphKind::SendMail);
    assert_eq!(requests.len(), 3);
    assert_ne!(bearer(&requests[0]), bearer(&requests[1]));
    assert_eq!(bearer(&requests[1]), bearer(&requests[2]));
}

#[test]
fn a_bad_recipient_rejects_the_letter() {
    let (_, shown) = answered(
        || {
            graph_error(
                400,
                "ErrorInvalidRecipients",
                "At least one recipient isn't valid.",
            )
        },
        ["rejected", "accepted"],
    );
    assert_snapshot!(shown);
}

#[test]
fn a_code_without_words_counts_all_the_same() {
    let answer = || {
        let body =
            serde_json::json!({"error": {"code": "ErrorInvalidRecipients", "message": null}});
        Response::json(400, &body)
    };
    let (_, shown) = answered(answer, ["rejected", "accepted"]);
    assert!(
        shown.contains("S001: rejected: 400 ErrorInvalidRecipients"),
        "{shown}"
    );
}

#[test]
fn a_letter_that_is_too_large_is_rejected() {
    let (_, shown) = answered(|| html(413), ["rejected", "accepted"]);
    assert_snapshot!(shown);
    let (_, shown) = answered(
        || {
            graph_error(
                400,
                "ErrorMessageSizeExceeded",
                "The message exceeds the maximum size.",
            )
        },
        ["rejected", "accepted"],
    );
    assert!(shown.contains("ErrorMessageSizeExceeded"), "{shown}");
}

#[test]
fn an_answer_that_nobody_knows_stops_the_run() {
    assert_snapshot!("a_page_with_403", stops(|| html(403)));
    assert_snapshot!("an_empty_418", stops(|| empty(418)));
}

#[test]
fn only_202_is_accepted() {
    for status in [200, 201, 204] {
        let desk = GraphDesk::new(2);
        once_for(&desk, GraphKind::SendMail, 1, move || {
            GraphAction::Answer(empty(status))
        });
        desk.desk.send().expect(4).says("S001: in doubt");
        assert_eq!(desk.desk.batch.in_state("in_doubt"), [id(1)]);
        assert_eq!(desk.desk.batch.in_state("accepted"), [id(2)]);
    }
}

#[test]
fn an_error_of_the_server_leaves_the_letter_in_doubt() {
    let (_, shown) = answered(|| html(500), ["in_doubt", "accepted"]);
    assert_snapshot!(shown);
    for answer in [
        || graph_error(504, "UnknownError", ""),
        || unavailable(""),
        || graph_error(500, "ErrorServerBusy", "The server is busy."),
        || {
            graph_error(
                500,
                "ErrorInternalServerError",
                "An internal server error occurred.",
            )
        },
        || empty(502),
    ] {
        let (_, shown) = answered(answer, ["in_doubt", "accepted"]);
        assert!(shown.contains("S001: in doubt"), "{shown}");
    }
}

#[test]
fn a_throttled_letter_is_sent_after_the_wait() {
    let (desk, shown) = answered(|| throttled(Some(1)), ["accepted", "accepted"]);
    assert_snapshot!(shown);
    let requests = desk.graph.requests_of(GraphKind::SendMail);
    let wait = requests[1].at - requests[0].at;
    assert!(wait.as_millis() >= 1000, "{wait:?}");
}
