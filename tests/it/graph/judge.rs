//! Compares list, mailboxes, state file and the requests that the service saw, letter by letter.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;
use sha2::{Digest, Sha256};

use crate::support::exchange::Stored;
use crate::support::graph::{GraphAction, GraphEvent, GraphKind, GraphRequest};
use crate::support::graph_desk::{GraphDesk, PERSON, SHARED};
use crate::support::id;

/// Gives a school a report of so many bytes that no other school has.
pub fn write_report(desk: &GraphDesk, school: usize, bytes: usize) {
    let mut pdf = format!("%PDF-1.4 school {school} ").into_bytes();
    let mut seed = school as u32 + 1;
    while pdf.len() < bytes {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        pdf.extend(seed.to_be_bytes());
    }
    pdf.truncate(bytes);
    let name = format!("reports/{}.pdf", id(school));
    desk.desk.batch.write(&name, pdf);
}

/// The number of the school that a request is about.
pub fn school(event: &GraphEvent) -> Option<usize> {
    let subject = event.subject.as_deref()?;
    subject.strip_prefix("Report for School ")?.parse().ok()
}

/// Does this once, to the first request of a kind for this school. The flag tells whether it has
/// happened.
pub fn once_for(
    desk: &GraphDesk,
    kind: GraphKind,
    number: usize,
    action: impl Fn() -> GraphAction + Send + Sync + 'static,
) -> std::sync::Arc<AtomicBool> {
    let happened = std::sync::Arc::new(AtomicBool::new(false));
    let done = std::sync::Arc::clone(&happened);
    desk.graph.script(move |event| {
        let is_it = event.kind == kind && school(event) == Some(number);
        if is_it && !done.swap(true, Ordering::SeqCst) {
            action()
        } else {
            GraphAction::Proceed
        }
    });
    happened
}

/// A letter as the state file has it.
#[derive(Debug)]
struct Recorded {
    state: String,
    message_id: String,
    addresses: serde_json::Value,
    attachments: serde_json::Value,
}

/// A try as the state file has it.
#[derive(Debug)]
struct Try {
    message_id: String,
    cut_off: bool,
    trace: String,
    request_ids: Vec<String>,
}

fn ledger(desk: &GraphDesk) -> Connection {
    Connection::open(desk.desk.batch.path("batch.state.db")).unwrap()
}

fn letters(desk: &GraphDesk) -> HashMap<String, Recorded> {
    let db = ledger(desk);
    let sql = "SELECT l.id, l.state, s.message_id, s.addresses, s.attachments
        FROM letters l JOIN sendings s ON s.letter = l.seq
        WHERE s.number = (SELECT max(number) FROM sendings WHERE letter = l.seq)";
    let mut statement = db.prepare(sql).unwrap();
    let json = |text: String| serde_json::from_str(&text).unwrap();
    let rows = statement.query_map([], |row| {
        let recorded = Recorded {
            state: row.get(1)?,
            message_id: row.get(2)?,
            addresses: json(row.get(3)?),
            attachments: json(row.get(4)?),
        };
        Ok((row.get(0)?, recorded))
    });
    rows.unwrap().map(Result::unwrap).collect()
}

fn tries(desk: &GraphDesk) -> Vec<Try> {
    let db = ledger(desk);
    let sql = "SELECT s.message_id, r.ended_at IS NULL, a.trace, a.request_ids
        FROM attempts a JOIN runs r ON r.seq = a.run
        JOIN sendings s ON s.letter = a.letter AND s.number = a.sending
        WHERE a.trace IS NOT NULL ORDER BY a.seq";
    let mut statement = db.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| {
        let ids: Option<String> = row.get(3)?;
        Ok(Try {
            message_id: row.get(0)?,
            cut_off: row.get(1)?,
            trace: row.get(2)?,
            request_ids: ids
                .unwrap_or_default()
                .split_whitespace()
                .map(str::to_owned)
                .collect(),
        })
    });
    rows.unwrap().map(Result::unwrap).collect()
}

fn mailbox(desk: &GraphDesk) -> Vec<Stored> {
    let mut all = desk.graph.mailbox(SHARED).outgoing();
    all.extend(desk.graph.mailbox(PERSON).outgoing());
    all
}

fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Fails the test unless everything that went out is the right letter to the right school, nothing
/// went out twice, and the state file says nothing that is not so. Gives the letters' states.
#[track_caller]
pub fn assert_honest(desk: &GraphDesk) -> BTreeMap<String, String> {
    let list = fs::read_to_string(desk.desk.batch.path("list.csv")).unwrap();
    let (letters, mut sent) = (letters(desk), mailbox(desk));
    let mut states = BTreeMap::new();
    for row in list.lines().skip(1) {
        let cells: Vec<&str> = row.split(',').collect();
        let (id, name, address) = (cells[0], cells[1], cells[2]);
        let report = fs::read(desk.desk.batch.path(&format!("reports/{id}.pdf"))).unwrap();
        let letter = &letters[id];
        let subject = format!("Report for {name}");
        let of_school: Vec<Stored> = sent
            .extract_if(.., |mail| mail.subject == subject)
            .collect();
        assert!(of_school.len() < 2, "{id} twice: {:?}", ids(&of_school));
        match letter.state.as_str() {
            "accepted" => assert_eq!(of_school.len(), 1, "{id} is lost"),
            "pending" | "rejected" => assert!(of_school.is_empty(), "{id} is {letter:?}"),
            // A run that was killed leaves its claim, which counts as a doubt.
            state => assert!(["in_doubt", "claimed"].contains(&state), "{id} is {state}"),
        }
        let to = serde_json::json!({"to": [address], "cc": [], "bcc": []});
        assert_eq!(letter.addresses, to, "{id}");
        let kept = &letter.attachments[0];
        assert_eq!(kept["sha256"], sha256(&report), "{id}");
        for mail in &of_school {
            assert_eq!(mail.to, [address], "{id}");
            assert_eq!((mail.cc.len(), mail.bcc.len()), (0, 0), "{id}");
            assert_eq!(mail.from.as_deref(), Some(SHARED), "{id}");
            let html = mail.html.as_deref().unwrap();
            assert!(html.contains(&format!("Dear {name},")), "{id}: {html}");
            let files: Vec<_> = mail.attachments.iter().collect();
            assert_eq!(files.len(), 1, "{id}");
            assert_eq!(files[0].name, "report.pdf", "{id}");
            assert_eq!(files[0].sha256(), sha256(&report), "{id}: another report");
            if let Some(tag) = &mail.tag {
                assert_eq!(*tag, letter.message_id, "{id}");
            }
        }
        states.insert(id.to_owned(), letter.state.clone());
    }
    assert!(sent.is_empty(), "to nobody on the list: {:?}", ids(&sent));
    assert_requests(desk);
    states
}

/// The same, and every letter has arrived and nothing is left behind.
#[track_caller]
pub fn assert_each_once(desk: &GraphDesk) {
    let states = assert_honest(desk);
    let others: Vec<_> = states
        .iter()
        .filter(|(_, state)| *state != "accepted")
        .collect();
    assert!(others.is_empty(), "{others:?}");
    for address in [SHARED, PERSON] {
        let drafts = desk.graph.mailbox(address).drafts();
        assert!(drafts.is_empty(), "left in {address}: {:?}", ids(&drafts));
    }
    desk.assert_proper();
}

/// What looks for messages or removes them, also those of an earlier try.
const CANNOT_SEND: [GraphKind; 3] = [
    GraphKind::Find,
    GraphKind::GetMessage,
    GraphKind::DeleteMessage,
];

/// The names of every try and of its requests are in the state file, and no request that can send
/// was made outside of a try.
#[track_caller]
pub fn assert_requests(desk: &GraphDesk) {
    let mut by_trace: HashMap<String, Vec<GraphRequest>> = HashMap::new();
    for request in desk.graph.requests() {
        // An upload address takes no name of ours.
        if let Some(trace) = &request.client_request_id {
            by_trace.entry(trace.clone()).or_default().push(request);
        }
    }
    for attempt in tries(desk) {
        let seen = by_trace.remove(&attempt.trace).unwrap_or_default();
        for request in seen
            .iter()
            .filter(|request| !CANNOT_SEND.contains(&request.kind))
        {
            if let Some(tag) = &request.tag {
                assert_eq!(*tag, attempt.message_id, "{request:?}");
            }
        }
        // What a run that was killed had been answered is not known.
        if attempt.cut_off {
            continue;
        }
        for known in &attempt.request_ids {
            let requests = desk.graph.requests();
            assert!(requests.iter().any(|request| request.request_id == *known));
        }
        for request in seen.iter().filter(|request| is_answered(request)) {
            let is_known = attempt.request_ids.contains(&request.request_id);
            assert!(is_known, "{attempt:?} does not name {request:?}");
        }
    }
    let loose = by_trace.values().flatten();
    for request in loose {
        assert!(
            CANNOT_SEND.contains(&request.kind),
            "outside of a try: {request:?}"
        );
    }
}

/// Whether the client had a whole answer.
fn is_answered(request: &GraphRequest) -> bool {
    request.status.is_some() && !request.truncated
}

fn ids(mails: &[Stored]) -> Vec<(&str, &str)> {
    mails
        .iter()
        .map(|mail| (mail.id.as_str(), mail.subject.as_str()))
        .collect()
}
