//! The ways that a letter goes: in one request, as a draft, with an upload session.

use crate::graph::judge::{assert_each_once, write_report as report};
use crate::support::graph::GraphKind;
use crate::support::graph_desk::{GraphDesk, PERSON, SHARED};

#[test]
fn with_sending_alone_a_letter_is_one_request() {
    let desk = GraphDesk::new(3);
    let ran = desk.desk.send();
    ran.expect(0);
    assert_each_once(&desk);
    assert_eq!(desk.graph.mailbox(SHARED).sent().len(), 3);
    assert_eq!(desk.graph.requests_of(GraphKind::SendMail).len(), 3);
    assert_eq!(desk.graph.requests().len(), 3);
}

#[test]
fn with_the_right_to_write_a_letter_is_a_draft_first() {
    let desk = GraphDesk::with_all_scopes(3);
    desk.desk.send().expect(0);
    assert_each_once(&desk);
    assert_eq!(desk.graph.mailbox(SHARED).sent().len(), 3);
    assert_eq!(desk.graph.requests_of(GraphKind::CreateDraft).len(), 3);
    assert_eq!(desk.graph.requests_of(GraphKind::SendDraft).len(), 3);
    assert!(desk.graph.mailbox(SHARED).drafts().is_empty());
}

#[test]
fn a_large_report_is_uploaded_in_ranges() {
    let desk = GraphDesk::with_all_scopes(2);
    report(&desk, 1, 12_000_000);
    report(&desk, 2, 2_990_000);
    desk.desk.send().expect(0);
    assert_each_once(&desk);
    let sent = desk.graph.mailbox(SHARED).sent();
    assert_eq!(sent.len(), 2);
    assert_eq!(desk.graph.requests_of(GraphKind::UploadRange).len(), 4);
}

#[test]
fn a_report_just_below_the_size_of_sessions_goes_in_one_request() {
    let desk = GraphDesk::with_all_scopes(1);
    report(&desk, 1, 2_985_000);
    desk.desk.send().expect(0);
    desk.assert_proper();
    assert_eq!(desk.graph.mailbox(SHARED).sent().len(), 1);
    assert_eq!(desk.graph.requests_of(GraphKind::Attach).len(), 1);
}

#[test]
fn where_the_shared_mailbox_takes_no_uploads_the_own_one_does() {
    let desk = GraphDesk::with_all_scopes(1);
    desk.graph.set_shared_uploads(false);
    report(&desk, 1, 5_000_000);
    desk.desk.send().expect(0);
    assert_each_once(&desk);
    assert_eq!(desk.graph.mailbox(PERSON).sent().len(), 1);
    assert!(desk.graph.mailbox(SHARED).drafts().is_empty());
}

#[test]
fn a_letter_that_is_too_large_is_found_before_anything_is_sent() {
    let desk = GraphDesk::new(2);
    report(&desk, 2, 5_000_000);
    let ran = desk.desk.send();
    ran.expect(3).says("Mail.ReadWrite.Shared");
    assert!(desk.graph.mailbox(SHARED).sent().is_empty());
}

#[test]
fn what_looks_encoded_in_a_cell_is_given_as_it_stands() {
    let desk = GraphDesk::new(1);
    let name = "=?utf-8?q?Oak?=";
    desk.desk.batch.replace("list.csv", "School 1", name);
    desk.desk.send().expect(0);
    // Microsoft Graph takes text, not header fields: encoded by us it would be encoded twice.
    let sent = desk.graph.mailbox(SHARED).sent();
    assert_eq!(sent[0].subject, format!("Report for {name}"));
}
