//! Sending through Exchange Web Services, through the front door.

mod doubt;
mod fake;
mod forms;
mod online;
mod refusals;
mod sending;

use crate::support::ews_desk::EwsDesk;
use crate::support::exchange::Stored;
use crate::support::graph_desk::SHARED;

/// The schools whose letters left the shared mailbox, in order, whether or not a copy was kept.
fn outgoing(desk: &EwsDesk) -> Vec<String> {
    let letters = desk.exchange.mailbox(SHARED).outgoing();
    letters.iter().map(school).collect()
}

fn school(letter: &Stored) -> String {
    letter.subject.replace("Report for School ", "")
}

/// Nothing but copies is left in the shared mailbox.
#[track_caller]
fn assert_tidy(desk: &EwsDesk) {
    let drafts = desk.exchange.mailbox(SHARED).drafts();
    assert!(drafts.is_empty(), "{drafts:#?}");
    desk.assert_proper();
}
