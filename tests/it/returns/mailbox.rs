//! The mailbox that letters were sent from, read through Graph and Exchange Web Services.

use super::mails::{Report, answer};
use crate::support::TestBatch;
use crate::support::ews_desk::EwsDesk;
use crate::support::exchange::{Exchange, Folder};
use crate::support::graph::{GraphAction, GraphKind, Traced, graph_error, throttled};
use crate::support::graph_desk::{ALL_SCOPES, GraphDesk, PERSON, SHARED};
use crate::support::oauth::OauthServer;

fn message_id(batch: &TestBatch, id: &str) -> String {
    let status = batch.run("status", &["--json"]).json();
    let letters = status["letters"].as_array().unwrap();
    let letter = letters.iter().find(|letter| letter["id"] == id).unwrap();
    letter["message_id"].as_str().unwrap().to_owned()
}

fn outcome(batch: &TestBatch, id: &str) -> String {
    let status = batch.run("status", &["--json"]).json();
    let letters = status["letters"].as_array().unwrap();
    let letter = letters.iter().find(|letter| letter["id"] == id).unwrap();
    letter["addresses"][0]["outcome"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// A bounce in Inbox, one in Junk, an answer, and more mail of others than a page holds.
fn fill(exchange: &Exchange, batch: &TestBatch) {
    for number in 0..25 {
        let other = format!(
            "From: a@other.example\nMessage-ID: <m{number}@other.example>\nSubject: Minutes\n\nText.\n"
        );
        exchange.deliver(SHARED, Folder::Inbox, &other);
    }
    let bounce = |number: usize| {
        Report::failed(&format!("teacher{number}@school{number}.example"))
            .about(&message_id(batch, &format!("S00{number}")))
            .named(&format!("b{number}@mx.example"))
            .mail()
    };
    exchange.deliver(SHARED, Folder::Inbox, &bounce(1));
    exchange.deliver(SHARED, Folder::Inbox, &answer(&message_id(batch, "S003")));
    exchange.deliver(SHARED, Folder::Junk, &bounce(2));
}

/// What is in the mailbox, with where it lies.
fn contents(exchange: &Exchange) -> Vec<(Folder, String)> {
    let state = exchange.lock();
    let all = state.list(SHARED, None);
    all.into_iter()
        .map(|message| (message.folder, message.id))
        .collect()
}

#[test]
fn graph_shows_inbox_and_junk_page_by_page_and_is_only_read() {
    let desk = GraphDesk::with_all_scopes(3);
    desk.desk.send().expect(0);
    let batch = &desk.desk.batch;
    fill(&desk.exchange, batch);
    let before = contents(&desk.exchange);
    batch
        .run("returns", &[])
        .expect(4)
        .shows("read 28 messages: 3 entered");
    assert_eq!(
        [
            outcome(batch, "S001"),
            outcome(batch, "S002"),
            outcome(batch, "S003")
        ],
        ["bounced", "bounced", "unknown"]
    );
    assert_eq!(contents(&desk.exchange), before);
    let fetched = desk.graph.requests_of(GraphKind::GetMime).len();
    assert_eq!(fetched, 28);
    // What is known is not fetched again.
    batch.run("returns", &[]).expect(4).shows("3 known before");
    assert_eq!(
        desk.graph.requests_of(GraphKind::GetMime).len(),
        fetched + 25
    );
    batch.assert_log_is_whole();
    desk.assert_proper();
}

#[test]
fn without_the_permission_it_says_which_and_that_files_work() {
    let desk = GraphDesk::new(1);
    desk.desk.send().expect(0);
    let batch = &desk.desk.batch;
    batch
        .run("returns", &[])
        .expect(6)
        .says("does not allow Mail.Read.Shared")
        .says("--from PATH");
    let bounce = Report::failed("teacher1@school1.example").about(&message_id(batch, "S001"));
    batch.write("one.eml", bounce.mail());
    batch.run("returns", &["--from", "one.eml"]).expect(4);
    assert_eq!(outcome(batch, "S001"), "bounced");
}

#[test]
fn graph_is_waited_for_and_what_it_does_not_give_is_left_out_with_a_word() {
    let desk = GraphDesk::with_all_scopes(3);
    desk.desk.send().expect(0);
    let batch = &desk.desk.batch;
    fill(&desk.exchange, batch);
    // The bounce in Junk comes last.
    let last = 28;
    let before = desk.graph.requests_of(GraphKind::Find).len();
    desk.graph.script(move |event| match event.kind {
        GraphKind::Find if event.turn == before + 1 => GraphAction::Answer(throttled(Some(0))),
        GraphKind::Find if event.turn == before + 3 => {
            GraphAction::Answer(graph_error(410, "SyncStateNotFound", "The link is old."))
        }
        GraphKind::GetMime if event.turn == last => GraphAction::Answer(graph_error(
            400,
            "ErrorCorruptData",
            "The message is damaged.",
        )),
        _ => GraphAction::Proceed,
    });
    batch
        .run("returns", &[])
        .expect(4)
        .says("left out message")
        .says("The message is damaged")
        .shows("1 not readable");
    assert_eq!(
        [outcome(batch, "S001"), outcome(batch, "S002")],
        ["bounced", "unknown"]
    );
    desk.graph.script(|_| GraphAction::Proceed);
    batch.run("returns", &[]).expect(4);
    assert_eq!(outcome(batch, "S002"), "bounced");
}

#[test]
fn exchange_web_services_show_inbox_and_junk_page_by_page_and_are_only_read() {
    let desk = EwsDesk::new(3);
    desk.desk.send().expect(0);
    let batch = &desk.desk.batch;
    fill(&desk.exchange, batch);
    let before = contents(&desk.exchange);
    batch
        .run("returns", &[])
        .expect(4)
        .shows("read 28 messages: 3 entered");
    assert_eq!(
        [
            outcome(batch, "S001"),
            outcome(batch, "S002"),
            outcome(batch, "S003")
        ],
        ["bounced", "bounced", "unknown"]
    );
    assert_eq!(contents(&desk.exchange), before);
    batch.assert_log_is_whole();
    desk.assert_proper();
}

/// A letter that went out on behalf of the shared mailbox is returned to who sent it.
fn fill_own(exchange: &Exchange, batch: &TestBatch) {
    let bounce = Report::failed("teacher1@school1.example").about(&message_id(batch, "S001"));
    exchange.deliver(PERSON, Folder::Inbox, &bounce.mail());
    let private =
        "From: friend@other.example\nMessage-ID: <p@other.example>\nSubject: Dinner\n\nAt eight?\n";
    exchange.deliver(PERSON, Folder::Inbox, private);
}

#[test]
fn what_comes_back_to_who_sent_on_behalf_is_read_and_their_own_mail_is_not() {
    let desk = GraphDesk::with_all_scopes(2);
    desk.desk.send().expect(0);
    let batch = &desk.desk.batch;
    fill_own(&desk.exchange, batch);
    batch
        .run("returns", &[])
        .expect(4)
        .shows("read 1 message: 1 entered")
        .says("and for reports into that of who signed in");
    assert_eq!(outcome(batch, "S001"), "bounced");
    assert_eq!(desk.graph.requests_of(GraphKind::GetMime).len(), 1);
    desk.assert_proper();
}

#[test]
fn exchange_web_services_show_reports_in_the_mailbox_of_who_signed_in() {
    let desk = EwsDesk::new(2);
    desk.desk.send().expect(0);
    let batch = &desk.desk.batch;
    fill_own(&desk.exchange, batch);
    batch
        .run("returns", &[])
        .expect(4)
        .shows("read 1 message: 1 entered")
        .says("and for reports into that of who signed in");
    assert_eq!(outcome(batch, "S001"), "bounced");
    desk.assert_proper();
}

/// A sign-in that may see the message trace too.
fn with_trace(schools: usize) -> GraphDesk {
    let scopes = [&ALL_SCOPES[..], &["ExchangeMessageTrace.Read.All"]].concat();
    GraphDesk::at(OauthServer::builder().grant("graph", &scopes), schools)
}

fn traced(batch: &TestBatch, number: usize, status: &str, detail: &str) -> Traced {
    Traced {
        sender: SHARED.to_owned(),
        message_id: message_id(batch, &format!("S00{number}")),
        recipient: format!("teacher{number}@school{number}.example"),
        status: status.to_owned(),
        detail: detail.to_owned(),
    }
}

#[test]
fn the_message_trace_is_read_where_the_sign_in_may_see_it() {
    let desk = with_trace(4);
    desk.desk.send().expect(0);
    let batch = &desk.desk.batch;
    desk.graph.trace(traced(batch, 1, "delivered", ""));
    let gone = "Reason: [{LED=550 5.1.1 RESOLVER.ADR.RecipNotFound; not found}]";
    desk.graph.trace(traced(batch, 2, "failed", gone));
    desk.graph.trace(traced(batch, 3, "filteredAsSpam", ""));
    desk.graph.trace(Traced {
        message_id: "other@tenant.example".into(),
        ..traced(batch, 4, "failed", "")
    });
    batch
        .run("returns", &[])
        .expect(4)
        .says("looked into the message trace: 3 rows about letters of this batch")
        .shows("delivered  S001")
        .shows("bounced    S002  t…@school2.example: there is no such address");
    let outcomes = ["S001", "S002", "S003", "S004"].map(|id| outcome(batch, id));
    assert_eq!(outcomes, ["delivered", "bounced", "bounced", "unknown"]);
    let letter = batch.run("status", &["--json"]).json();
    let evidence = &letter["letters"][1]["addresses"][0]["evidence"];
    assert_eq!(evidence["kind"], "message_trace");
    let asked = desk.graph.requests_of(GraphKind::TraceDetail).len();
    batch.run("returns", &[]).expect(4).shows("3 known before");
    assert_eq!(desk.graph.requests_of(GraphKind::TraceDetail).len(), asked);
    batch.assert_log_is_whole();
    desk.assert_proper();
}

#[test]
fn a_message_trace_that_is_not_shown_is_said_and_the_mailbox_is_read() {
    let desk = with_trace(1);
    desk.desk.send().expect(0);
    let batch = &desk.desk.batch;
    let bounce = Report::failed("teacher1@school1.example").about(&message_id(batch, "S001"));
    desk.exchange.deliver(SHARED, Folder::Inbox, &bounce.mail());
    desk.graph.script(|event| match event.kind {
        GraphKind::ListTraces => GraphAction::Answer(graph_error(
            403,
            "Forbidden",
            "The service principal is not provisioned.",
        )),
        _ => GraphAction::Proceed,
    });
    batch
        .run("returns", &[])
        .expect(4)
        .says("the message trace cannot be read")
        .shows("bounced    S001");
}

#[test]
fn without_its_permission_nobody_asks_for_the_message_trace() {
    let desk = GraphDesk::with_all_scopes(1);
    desk.desk.send().expect(0);
    desk.desk.batch.run("returns", &[]).expect(0);
    assert_eq!(desk.graph.requests_of(GraphKind::ListTraces).len(), 0);
}
