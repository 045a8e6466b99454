//! Searches, and an index that lags behind.

use std::time::Duration;

use serde_json::json;

use crate::exchange::{Got, Rig, SHARED, TAG, encoded, mail};
use crate::support::exchange::{IndexLag, Pickup};

fn by_message_id(subject: &str) -> String {
    format!("internetMessageId eq '<{subject}@study.example>'")
}

fn by_tag(value: &str) -> String {
    format!("singleValueExtendedProperties/Any(ep: ep/id eq '{TAG}' and ep/value eq '{value}')")
}

fn find(rig: &Rig, folder: &str, filter: &str) -> Got {
    let filter = encoded(filter);
    rig.get(&format!(
        "/users/{SHARED}{folder}/messages?$filter={filter}&$select=id,subject"
    ))
}

/// How many messages a search finds.
#[track_caller]
fn count(rig: &Rig, folder: &str, filter: &str) -> usize {
    let got = find(rig, folder, filter);
    assert_eq!(got.status, 200, "{got:?}");
    got.json()["value"].as_array().unwrap().len()
}

const SENT: &str = "/mailFolders/sentitems";
const DRAFTS: &str = "/mailFolders/drafts";

#[test]
fn messages_are_found_by_message_id_and_by_tag() {
    let rig = Rig::new();
    rig.send_mail(&mail("one"));
    rig.send_mail(&mail("it's"));
    rig.draft("draft");
    for filter in [by_message_id("one"), by_tag("one"), by_tag("it''s")] {
        assert_eq!(count(&rig, SENT, &filter), 1, "{filter}");
        assert_eq!(count(&rig, DRAFTS, &filter), 0, "{filter}");
        assert_eq!(count(&rig, "", &filter), 1, "{filter}");
    }
    assert_eq!(count(&rig, DRAFTS, &by_tag("draft")), 1);
    assert_eq!(count(&rig, "", &by_tag("other")), 0);
    let found = find(&rig, SENT, &by_tag("one")).json();
    let sent = rig.graph.mailbox(SHARED).sent();
    assert_eq!(
        found["value"],
        json!([{"id": sent[0].id, "subject": "one"}])
    );
    rig.graph.assert_proper();
}

#[test]
fn no_other_search_is_known() {
    let rig = Rig::new();
    let filters = [
        "subject eq 'one'",
        "internetMessageId eq 'it's'",
        "internetMessageId eq '<a@b.example>' or isDraft eq true",
        "",
    ];
    for filter in filters {
        find(&rig, SENT, filter).refuses(400, "BadRequest");
    }
    let filter = encoded(&by_tag("one"));
    for further in [
        "&$skip=1",
        "&$top=0",
        "&$select=nothing",
        "&$expand=extensions",
    ] {
        let path = format!("/users/{SHARED}/messages?$filter={filter}{further}");
        rig.get(&path).refuses(400, "BadRequest");
    }
    assert_eq!(rig.graph.violations().len(), filters.len() + 4);
}

#[test]
fn the_index_lags_by_searches_or_by_time() {
    let rig = Rig::new();
    rig.exchange.set_index_lag(IndexLag::Searches(2));
    rig.send_mail(&mail("one"));
    assert_eq!(count(&rig, DRAFTS, &by_tag("one")), 0);
    let counts = [0; 3].map(|_| count(&rig, SENT, &by_tag("one")));
    assert_eq!(counts, [0, 0, 1]);
    rig.exchange
        .set_index_lag(IndexLag::For(Duration::from_secs(3600)));
    rig.send_mail(&mail("two"));
    assert_eq!(count(&rig, SENT, &by_tag("two")), 0);
    rig.exchange.set_index_lag(IndexLag::None);
    assert_eq!(count(&rig, SENT, &by_tag("two")), 1);
}

#[test]
fn what_waits_for_the_transport_is_found_in_drafts() {
    let rig = Rig::new();
    rig.exchange.set_pickup(Pickup::Held);
    rig.send_mail(&mail("one"));
    assert_eq!(count(&rig, SENT, &by_tag("one")), 0);
    assert_eq!(count(&rig, DRAFTS, &by_tag("one")), 1);
}

#[test]
fn a_folder_tells_its_count() {
    let rig = Rig::new();
    rig.send_mail(&mail("one"));
    let folder = rig.get(&format!("/users/{SHARED}{SENT}")).json();
    assert_eq!(folder["totalItemCount"], 1);
    assert_eq!(folder["displayName"], "Sent Items");
}
