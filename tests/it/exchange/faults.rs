//! Faults by script, before and after acceptance.

use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use crate::exchange::{Rig, SHARED, mail};
use crate::support::graph::{
    GraphAction, GraphKind, HeadAction, gateway_timeout, graph_error, html, huge, throttled,
    unavailable,
};

fn sent(rig: &Rig) -> usize {
    rig.graph.mailbox(SHARED).sent().len()
}

#[test]
fn an_answer_before_acting_leaves_nothing_behind() {
    let rig = Rig::new();
    rig.graph.once(GraphKind::SendMail, || {
        GraphAction::Answer(throttled(Some(7)))
    });
    let got = rig.send_mail(&mail("one"));
    got.refuses(429, "ApplicationThrottled");
    assert_eq!(got.header("retry-after"), "7");
    assert_eq!(sent(&rig), 0);
    assert_eq!(rig.send_mail(&mail("one")).status, 202);
    assert_eq!(sent(&rig), 1);
    let attempts = rig.graph.requests_of(GraphKind::SendMail);
    assert_eq!((attempts[0].attempt, attempts[1].attempt), (1, 2));
    assert_eq!((attempts[0].accepted, attempts[1].accepted), (false, true));
}

#[test]
fn an_answer_after_acceptance_hides_it() {
    let rig = Rig::new();
    rig.graph.once(GraphKind::SendMail, || {
        GraphAction::AcceptThen(gateway_timeout())
    });
    rig.send_mail(&mail("one")).refuses(504, "UnknownError");
    assert_eq!(sent(&rig), 1);
    assert_eq!(rig.graph.most_accepted_in(Duration::from_secs(3600)), 1);
}

#[test]
fn cuts_come_before_or_after_acceptance() {
    let cases: [(fn() -> GraphAction, usize); 3] = [
        (|| GraphAction::CutBefore, 0),
        (|| GraphAction::CutAfter, 1),
        (|| GraphAction::TruncatedAnswer, 1),
    ];
    for (action, kept) in cases {
        let rig = Rig::new();
        rig.graph.once(GraphKind::SendMail, action);
        let path = format!("/users/{SHARED}/sendMail");
        let answer = rig.try_post(&path, &mail("one"));
        assert!(answer.is_err(), "{answer:?}");
        assert_eq!(sent(&rig), kept);
        assert_eq!(rig.send_mail(&mail("two")).status, 202);
    }
}

#[test]
fn a_cut_in_mid_body_leaves_nothing_behind() {
    let rig = Rig::new();
    rig.graph.script_heads(|head| match head.turn {
        1 => HeadAction::CutBefore,
        2 => HeadAction::CutWhileReading(10),
        _ => HeadAction::Proceed,
    });
    let path = format!("/users/{SHARED}/sendMail");
    assert!(rig.try_post(&path, &mail("one")).is_err());
    assert!(rig.try_post(&path, &mail("one")).is_err());
    assert_eq!(sent(&rig), 0);
    assert_eq!(rig.send_mail(&mail("one")).status, 202);
    let bytes: Vec<usize> = rig
        .graph
        .requests()
        .iter()
        .map(|it| it.body_bytes)
        .collect();
    assert_eq!(bytes, [0, 10, mail("one").to_string().len()]);
}

#[test]
fn a_client_that_leaves_in_mid_body_leaves_nothing_behind() {
    let rig = Rig::new();
    let address = rig.graph.url().replace("http://", "");
    let mut socket = TcpStream::connect(address).unwrap();
    let head = "POST /v1.0/me/sendMail HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{";
    socket.write_all(head.as_bytes()).unwrap();
    drop(socket);
    assert!(rig.graph.wait_for(1, Duration::from_secs(10)));
    assert_eq!(rig.send_mail(&mail("one")).status, 202);
    assert_eq!(sent(&rig), 1);
}

#[test]
fn a_slow_answer_is_accepted_at_once() {
    let rig = Rig::new();
    rig.graph
        .script(|_| GraphAction::Slow(Duration::from_secs(3600)));
    let path = format!("/users/{SHARED}/sendMail");
    let impatient =
        crate::exchange::with_json(rig.request(reqwest::Method::POST, &path), &mail("one"));
    assert!(
        impatient
            .timeout(Duration::from_millis(300))
            .send()
            .is_err()
    );
    assert_eq!(sent(&rig), 1);
}

#[test]
fn scripts_know_the_letter() {
    let rig = Rig::new();
    rig.graph.script(|event| match event.tag.as_deref() {
        Some("two") if event.kind == GraphKind::SendDraft => {
            GraphAction::Answer(graph_error(400, "ErrorInvalidRecipients", "x"))
        }
        _ => GraphAction::Proceed,
    });
    let statuses = ["one", "two"].map(|subject| {
        let (_, path) = rig.draft(subject);
        crate::exchange::Got::of(rig.request(reqwest::Method::POST, &format!("{path}/send"))).status
    });
    assert_eq!(statuses, [202, 400]);
}

#[test]
fn the_usual_answers_are_at_hand() {
    let rig = Rig::new();
    let date = "Fri, 02 Jan 2026 03:04:05 GMT";
    rig.graph.script(move |event| {
        GraphAction::Answer(match event.request {
            1 => unavailable(date),
            2 => html(502),
            _ => huge(400, 3_000_000),
        })
    });
    let busy = rig.get("/me");
    busy.refuses(503, "ErrorServerBusy");
    assert_eq!(busy.header("retry-after"), date);
    let page = rig.get("/me");
    assert_eq!(
        (page.status, page.header("content-type")),
        (502, "text/html")
    );
    assert_eq!(rig.get("/me").body.len(), 3_000_000);
}
