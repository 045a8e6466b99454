//! The limits, which count what goes over the wire.

use crate::graph::judge::write_report;
use crate::support::graph::GraphKind;
use crate::support::graph_desk::{GraphDesk, SHARED};
#[cfg(unix)]
use crate::support::victim::Victim;

/// Three reports of 300 kB would fit into a megabyte; in base64 only two do.
#[cfg(unix)]
#[test]
fn the_window_of_megabytes_counts_encoded_bytes() {
    for desk in [GraphDesk::new(4), GraphDesk::with_all_scopes(4)] {
        for school in 1..=4 {
            write_report(&desk, school, 300_000);
        }
        desk.configure("megabytes_per_five_minutes = 1");
        let victim = Victim::default();
        victim.send(&desk.desk.batch);
        victim.wait_until_it_says(" MB in 5 min");
        victim.signal("INT");
        assert_eq!(victim.wait().code(), Some(130), "{}", victim.said());
        assert_eq!(desk.graph.mailbox(SHARED).sent().len(), 2);
        // The next run remembers what this one sent.
        let victim = Victim::default();
        victim.send(&desk.desk.batch);
        victim.wait_until_it_says(" MB in 5 min");
        victim.signal("INT");
        assert_eq!(victim.wait().code(), Some(130), "{}", victim.said());
        assert_eq!(desk.graph.mailbox(SHARED).sent().len(), 2);
    }
}

/// However many connections are written, an app has four requests at a time, and one is left free.
#[test]
fn no_more_than_three_letters_are_on_their_way_at_once() {
    let desk = GraphDesk::with_all_scopes(12);
    desk.configure("connections = 8");
    let slow = std::time::Duration::from_millis(50);
    desk.graph
        .script(move |_| crate::support::graph::GraphAction::Slow(slow));
    desk.desk.send().expect(0);
    crate::graph::judge::assert_each_once(&desk);
    assert_eq!(desk.graph.max_in_flight(), 3);
    assert_eq!(desk.graph.requests_of(GraphKind::SendDraft).len(), 12);
}
