//! How long the server asks to wait, in all the ways in which it may say so.

use crate::graph::answers::answered;
use crate::graph::judge::{assert_each_once, once_for};
use crate::support::graph::{GraphAction, GraphKind, empty, graph_error, throttled, unavailable};
use crate::support::graph_desk::GraphDesk;

/// A wait is obeyed whatever code stands beside it.
#[test]
fn a_busy_server_names_its_wait_too() {
    let busy =
        || graph_error(429, "ErrorServerBusy", "The server is busy.").with("Retry-After", "1");
    let (desk, _) = answered(busy, ["accepted", "accepted"]);
    let requests = desk.graph.requests_of(GraphKind::SendMail);
    let wait = requests[1].at - requests[0].at;
    assert!(wait.as_millis() >= 1000, "{wait:?}");
}

/// By the server's own clock, which may be wrong.
#[test]
fn a_wait_may_be_a_date() {
    let dated = || {
        unavailable("Wed, 21 Oct 2015 07:28:01 GMT").with("Date", "Wed, 21 Oct 2015 07:28:00 GMT")
    };
    let (desk, _) = answered(dated, ["accepted", "accepted"]);
    let requests = desk.graph.requests_of(GraphKind::SendMail);
    let wait = requests[1].at - requests[0].at;
    assert!(wait.as_millis() >= 1000, "{wait:?}");
}

#[test]
fn an_acceptance_that_asks_to_wait_slows_the_next_letter() {
    let desk = GraphDesk::new(2);
    once_for(&desk, GraphKind::SendMail, 1, || {
        GraphAction::AcceptThen(empty(202).with("Retry-After", "1"))
    });
    desk.desk.send().expect(0);
    assert_each_once(&desk);
    let requests = desk.graph.requests_of(GraphKind::SendMail);
    assert_eq!(requests.len(), 2);
    let wait = requests[1].at - requests[0].at;
    assert!(wait.as_millis() >= 1000, "{wait:?}");
}

#[test]
fn a_wait_of_years_ends_the_run_which_can_be_resumed() {
    for seconds in ["99999999", "18446744073709551615"] {
        let desk = GraphDesk::new(2);
        let wait = move || GraphAction::Answer(throttled(None).with("Retry-After", seconds));
        once_for(&desk, GraphKind::SendMail, 1, wait);
        desk.desk.send().expect(5).says("`postroom send` goes on");
        assert_eq!(desk.graph.requests().len(), 1);
        desk.desk.send().expect(0);
        assert_each_once(&desk);
    }
}
