//! What Exchange refuses, and what follows.

use crate::ews::{assert_tidy, outgoing};
use crate::support::ews::{EwsAction, EwsKind, blocked, fault, refusal, unavailable};
use crate::support::ews_desk::EwsDesk;
use crate::support::graph_desk::SHARED;
use crate::support::http::Response;

/// The schools whose letters went out. A letter that must wait may go after the others.
fn sorted(desk: &EwsDesk) -> Vec<String> {
    let mut letters = outgoing(desk);
    letters.sort();
    letters
}

#[test]
fn a_busy_server_is_waited_for_wherever_it_says_so() {
    let busy: [fn(EwsKind) -> Response; 4] = [
        |kind| refusal(kind, "ErrorServerBusy", Some(20)),
        |_| fault("ErrorServerBusy", Some(20)),
        |_| unavailable().with("Retry-After", "0"),
        |_| Response::empty(429),
    ];
    for answer in busy {
        for kind in [EwsKind::CreateItem, EwsKind::SendItem] {
            let desk = EwsDesk::new(2);
            desk.ews.once(kind, move || EwsAction::Answer(answer(kind)));
            desk.desk.send().expect(0).says("trying again");
            assert_eq!(sorted(&desk), ["1", "2"]);
            assert_eq!(
                desk.ews.count(EwsKind::SendItem),
                2 + usize::from(kind == EwsKind::SendItem)
            );
            assert_tidy(&desk);
        }
    }
}

#[test]
fn faults_that_pass_are_tried_again() {
    let passing: [fn() -> EwsAction; 5] = [
        || EwsAction::Answer(fault("ErrorInternalServerTransientError", None)),
        || {
            EwsAction::Answer(refusal(
                EwsKind::CreateItem,
                "ErrorMailboxStoreUnavailable",
                None,
            ))
        },
        || EwsAction::Answer(Response::new(502, "text/html", "<html>")),
        || EwsAction::CutBefore,
        // Made, and not shown: the draft is removed and made anew.
        || EwsAction::CutAfter,
    ];
    for action in passing {
        let desk = EwsDesk::new(2);
        desk.ews.once(EwsKind::CreateItem, action);
        desk.desk.send().expect(0);
        assert_eq!(sorted(&desk), ["1", "2"]);
        assert_tidy(&desk);
    }
}

#[test]
fn a_letter_that_is_refused_leaves_no_draft_and_the_others_go_on() {
    for (kind, code) in [
        (EwsKind::SendItem, "ErrorInvalidRecipients"),
        (EwsKind::SendItem, "ErrorMessageSizeExceeded"),
        (EwsKind::CreateItem, "ErrorMimeContentInvalid"),
    ] {
        let desk = EwsDesk::new(3);
        desk.ews.script(move |event| {
            if event.kind == kind && event.turn == 2 {
                EwsAction::Answer(refusal(kind, code, None))
            } else {
                EwsAction::Proceed
            }
        });
        desk.desk.send().expect(4).says(code);
        assert_eq!(outgoing(&desk), ["1", "3"]);
        assert_eq!(desk.desk.batch.in_state("rejected"), ["S002"]);
        assert_tidy(&desk);
    }
}

#[test]
fn a_blocked_tenant_is_reported_from_a_missing_right() {
    let desk = EwsDesk::new(2);
    desk.ews.script(|_| EwsAction::Answer(blocked()));
    for (verb, arguments) in [("send", &["--yes"][..]), ("check", &["--online"])] {
        desk.desk
            .run(verb, arguments)
            .expect(5)
            .says("EWS is switched off for this tenant or this app is not on its list")
            .says("1 April 2027")
            .says("transport = \"graph\"");
    }
    // A send looks first for letters of a run whose state file was lost.
    assert_eq!(desk.ews.requests().len(), 3);
    desk.ews.script(|_| EwsAction::Proceed);
    desk.exchange.set_full_access(SHARED, false);
    let ran = desk.desk.send().expect(5).says("Full Access");
    assert!(!ran.stderr.contains("2027"), "{ran:?}");
    assert!(outgoing(&desk).is_empty());
}

#[test]
fn a_right_that_is_missing_stops_the_run_and_the_draft_waits_for_it() {
    let desk = EwsDesk::new(2);
    desk.exchange.set_send_as(SHARED, false);
    desk.desk
        .send()
        .expect(5)
        .says("ErrorSendAsDenied")
        .says("Send As");
    assert_eq!(desk.desk.batch.in_state("pending").len(), 2);
    assert_eq!(desk.exchange.mailbox(SHARED).drafts().len(), 1);
    desk.exchange.set_send_as(SHARED, true);
    desk.desk.send().expect(0);
    assert_eq!(outgoing(&desk), ["1", "2"]);
    assert_eq!(desk.ews.count(EwsKind::CreateItem), 2);
    assert_tidy(&desk);
}

#[test]
fn a_code_that_is_not_known_is_shown_whole_and_stops_the_run() {
    let desk = EwsDesk::new(2);
    desk.ews.script(|event| match event.kind {
        EwsKind::CreateItem => {
            EwsAction::Answer(refusal(EwsKind::CreateItem, "ErrorOfTomorrow", None))
        }
        _ => EwsAction::Proceed,
    });
    desk.desk
        .send()
        .expect(5)
        .says("ErrorOfTomorrow")
        .says("The server cannot do this now");
    assert_eq!(desk.ews.count(EwsKind::CreateItem), 1);
    assert_eq!(desk.ews.count(EwsKind::SendItem), 0);
    assert_eq!(desk.desk.batch.in_state("pending").len(), 2);
}

#[test]
fn a_page_in_place_of_an_answer_stops_the_run() {
    let desk = EwsDesk::new(2);
    desk.ews
        .script(|_| EwsAction::Answer(Response::new(200, "text/html", "<html>Sign in</html>")));
    desk.desk.send().expect(5).says("ews_url");
    desk.ews
        .script(|_| EwsAction::Answer(Response::redirect("https://evil.example/".into())));
    desk.desk.send().expect(5).says("ews_url");
    // The first of the two looked first for letters of a run whose state file was lost.
    assert_eq!(desk.ews.requests().len(), 3);
}

#[test]
fn an_answer_that_means_harm_is_data() {
    let bomb = "<!DOCTYPE a [<!ENTITY b \"bbbbbbbbbb\"><!ENTITY c \"&b;&b;&b;&b;\">]><a>&c;</a>";
    for body in [bomb.to_owned(), "<a>".repeat(200_000), "x".repeat(3 << 20)] {
        let desk = EwsDesk::new(1);
        desk.ews.once(EwsKind::CreateItem, move || {
            EwsAction::Answer(Response::new(200, "text/xml", body.clone()))
        });
        desk.desk.send().expect(0);
        assert_eq!(outgoing(&desk), ["1"]);
    }
}

#[test]
fn settings_that_cannot_be_used_are_named() {
    let desk = EwsDesk::new(1);
    for (further, part) in [
        ("ews_auth = \"ntlm\"\n", "ews_auth"),
        ("ews_auth = \"basic\"\n", "ews_password"),
    ] {
        desk.secrets(further);
        desk.desk
            .run("check", &[])
            .expect(2)
            .says(part)
            .says("next: ");
    }
    desk.secrets("");
    let url = desk.ews.url();
    desk.desk
        .change(&url, "http://mail.study.example/EWS/Exchange.asmx");
    desk.desk
        .run("check", &[])
        .expect(3)
        .says("ews_url")
        .says("TLS");
    desk.secrets("ews_ca_file = \"missing.pem\"\n");
    desk.desk.run("check", &[]).expect(3).says("missing.pem");
    assert!(desk.ews.requests().is_empty());
}
