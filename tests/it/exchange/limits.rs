//! The limits of Graph, and the desk that sends within them.

use std::sync::{Arc, Barrier, Mutex};
use std::time::{Duration, Instant};

use crate::exchange::{Rig, mail};
use crate::support::graph::{GraphAction, most_within};
use crate::support::graph_desk::GraphDesk;

#[test]
fn a_request_beyond_the_concurrency_is_throttled_and_a_breach() {
    let rig = Rig::new();
    rig.graph.set_concurrency(1);
    let (inside, go_on) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let (reached, left) = (Arc::clone(&inside), Arc::clone(&go_on));
    let first = Mutex::new(true);
    rig.graph.script(move |_| {
        if std::mem::take(&mut *first.lock().unwrap()) {
            reached.wait();
            left.wait();
        }
        GraphAction::Proceed
    });
    std::thread::scope(|scope| {
        let slow = scope.spawn(|| rig.send_mail(&mail("one")).status);
        inside.wait();
        rig.get("/me").refuses(429, "ApplicationThrottled");
        go_on.wait();
        assert_eq!(slow.join().unwrap(), 202);
    });
    rig.assert_breach("more than 1 requests in flight");
    assert_eq!(rig.graph.max_in_flight(), 2);
    assert_eq!(rig.get("/me").status, 200);
}

#[test]
fn a_request_that_is_too_large_gets_a_page() {
    let rig = Rig::new();
    let mut large = mail("one");
    large["message"]["body"]["content"] = "x".repeat(4_000_000).into();
    let got = rig.send_mail(&large);
    assert_eq!(got.status, 413);
    assert!(got.body.starts_with("<html>"));
    rig.graph.set_request_cap(5_000_000);
    assert_eq!(rig.send_mail(&large).status, 202);
}

#[test]
fn a_window_slides_and_does_not_hold_its_end() {
    let begin = Instant::now();
    let times = [0, 50, 60, 61, 200].map(|second| (begin + Duration::from_secs(second), 1));
    let most = |seconds| most_within(&times, Duration::from_secs(seconds));
    assert_eq!((most(1), most(60), most(61), most(62)), (1, 3, 3, 4));
    assert_eq!(most_within(&[], Duration::from_secs(1)), 0);
}

#[test]
fn the_desk_is_signed_in() {
    let desk = GraphDesk::new(2);
    assert_eq!(desk.desk.batch.ids().len(), 2);
    let ran = desk.desk.run("whoami", &[]).expect(0);
    assert!(ran.output().contains("ann@study.example"), "{ran:?}");
    let batch = std::fs::read_to_string(desk.desk.batch.path("batch.toml")).unwrap();
    assert!(batch.contains("transport = \"graph\""));
    desk.assert_proper();
}
