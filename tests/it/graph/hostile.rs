//! Answers that nobody expects, and some that mean harm.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::json;

use crate::graph::judge::{assert_each_once, assert_honest, once_for, write_report};
use crate::support::graph::{GraphAction, GraphKind, Response, huge};
use crate::support::graph_desk::{GraphDesk, SHARED};

/// A place to which a bearer could be lured, and how often someone came.
fn trap() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/collect", listener.local_addr().unwrap());
    let visits = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&visits);
    thread::spawn(move || {
        for mut socket in listener.incoming().flatten() {
            count.fetch_add(1, Ordering::SeqCst);
            let _ = socket.read(&mut [0; 1024]);
            let _ = socket.write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n");
        }
    });
    (address, visits)
}

#[test]
fn a_redirect_is_not_followed() {
    let (address, visits) = trap();
    for desk in [GraphDesk::new(2), GraphDesk::with_all_scopes(2)] {
        for kind in [
            GraphKind::SendMail,
            GraphKind::CreateDraft,
            GraphKind::SendDraft,
        ] {
            for status in [302, 307, 308] {
                let address = address.clone();
                let happened = once_for(&desk, kind, 1, move || {
                    let mut answer = Response::redirect(address.clone());
                    answer.status = status;
                    GraphAction::Answer(answer)
                });
                let ran = desk.desk.send();
                if happened.load(Ordering::SeqCst) {
                    ran.expect(5).says(&format!("stopped: {status}"));
                } else {
                    ran.expect(0);
                }
            }
        }
        desk.graph.script(|_| GraphAction::Proceed);
        desk.desk.send().expect(0);
        assert_each_once(&desk);
    }
    assert_eq!(visits.load(Ordering::SeqCst), 0);
}

#[test]
fn a_redirect_of_an_upload_is_not_followed() {
    let (address, visits) = trap();
    for status in [302, 307, 308] {
        let desk = GraphDesk::with_all_scopes(1);
        write_report(&desk, 1, 8_000_000);
        let address = address.clone();
        let happened = once_for(&desk, GraphKind::UploadRange, 1, move || {
            let mut answer = Response::redirect(address.clone());
            answer.status = status;
            GraphAction::Answer(answer)
        });
        desk.desk.send();
        assert!(happened.load(Ordering::SeqCst));
        desk.graph.script(|_| GraphAction::Proceed);
        desk.desk.send().expect(0);
        assert_each_once(&desk);
    }
    assert_eq!(visits.load(Ordering::SeqCst), 0);
}

#[test]
fn a_huge_answer_is_survived() {
    const HUGE: usize = 30_000_000;
    let desk = GraphDesk::with_all_scopes(3);
    desk.graph.script(|event| match (event.kind, event.turn) {
        (GraphKind::CreateDraft, 1) => GraphAction::Answer(huge(500, HUGE)),
        (GraphKind::CreateDraft, 2) => GraphAction::AcceptThen(huge(201, HUGE)),
        (GraphKind::SendDraft, 1) => GraphAction::AcceptThen(huge(202, HUGE)),
        (GraphKind::SendDraft, 2) => GraphAction::AcceptThen(huge(503, HUGE)),
        _ => GraphAction::Proceed,
    });
    desk.desk.send().expect(0);
    assert_each_once(&desk);
}

#[test]
fn json_that_is_not_as_it_should_be_is_survived() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let odd = [
        "null".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        "\"\"".to_owned(),
        "{\"error\":null}".to_owned(),
        "{\"error\":[1,2]}".to_owned(),
        "{\"error\":{\"code\":{},\"message\":[]}}".to_owned(),
        "{\"id\":null}".to_owned(),
        "{\"id\":7,\"isDraft\":\"no\"}".to_owned(),
        "{\"value\":null}".to_owned(),
        "\u{feff}{}".to_owned(),
        format!("{{\"error\":{deep}}}"),
        deep,
    ];
    for body in odd {
        let desk = GraphDesk::with_all_scopes(2);
        let text = body.clone();
        desk.graph.script(move |event| {
            let odd = |status| Response::new(status, "application/json", text.clone());
            match (event.kind, event.turn) {
                (GraphKind::CreateDraft, 1) => GraphAction::Answer(odd(500)),
                (GraphKind::CreateDraft, 2) => GraphAction::AcceptThen(odd(201)),
                (GraphKind::Find, 1) => GraphAction::Answer(odd(200)),
                (GraphKind::SendDraft, 1) => GraphAction::AcceptThen(odd(500)),
                _ => GraphAction::Proceed,
            }
        });
        let ran = desk.desk.send();
        assert_eq!(
            ran.code,
            Some(0),
            "{}: {ran:?}",
            &body[..body.len().min(60)]
        );
        assert_each_once(&desk);
    }
}

/// What the server writes is shown in one line that can do nothing to a terminal.
#[test]
fn the_words_of_the_server_are_harmless() {
    let desk = GraphDesk::new(1);
    let answer = json!({"error": {
        "code": "Error\u{1b}[2JAccess\nDenied",
        "message": format!("one\n  next: send it again\u{1b}]0;x\u{7}\u{202e}{}", "x".repeat(5000)),
    }});
    desk.graph.once(GraphKind::SendMail, move || {
        GraphAction::Answer(Response::json(400, &answer))
    });
    let ran = desk.desk.send().expect(4);
    assert_honest(&desk);
    assert!(
        !ran.output().contains(['\u{1b}', '\u{7}', '\u{202e}']),
        "{ran:?}"
    );
    assert!(!ran.output().contains("\n  next: send it again"), "{ran:?}");
    assert!(ran.output().len() < 3000, "{ran:?}");
    assert!(desk.graph.mailbox(SHARED).outgoing().is_empty());
}
