//! Letters that the server reads so slowly that the program has to wait with writing, because the
//! systems in between take only a small part of them.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use reqwest::Url;

use crate::faults::judge::look;
use crate::faults::stage::{FakeServer, Road, Scene};
use crate::support::graph::{GraphKind, HeadAction};
use crate::support::pace::{Pace, on_the_way};
use crate::support::smtp::{Action, Step};
use crate::support::{Ran, id, report};

/// What is read at once in a pace of 1 MB a second, and the pause before.
const PIECE: usize = 4096;
const PAUSE: Duration = Duration::from_millis(4);
/// At each so many pauses a look is taken at what is on the way, which costs more than a pause.
const LOOK: u32 = 16;
/// The longest that anything but a letter may take: three seconds for the last reply of the mail
/// server, a second for an answer over HTTP.
const PATIENCE: Duration = Duration::from_secs(3);
/// The slowest line that the program waits for, in bytes a second.
const SLOWEST: usize = 20_000;

fn port(scene: &Scene) -> u16 {
    let of = |url: String| Url::parse(&url).unwrap().port().unwrap();
    match &scene.server {
        FakeServer::Outbox(_) => unreachable!("a folder has no port"),
        FakeServer::Smtp(smtp) => smtp.server.port(),
        FakeServer::Graph(graph) => of(graph.desk.graph.url()),
        FakeServer::Ews(ews) => of(ews.desk.ews.url()),
    }
}

/// Gives the first school a report of this size.
fn enlarge(scene: &Scene, bytes: usize) {
    let mut large = report(1);
    large.resize(bytes, b'x');
    let name = format!("reports/{}.pdf", id(1));
    scene.server.side().batch().write(&name, large);
}

/// Sends with less patience than a letter takes that is read slowly.
fn send(scene: &Scene, dispatch: &str) -> Ran {
    scene.configure(dispatch);
    let batch = scene.server.side().batch();
    let (part, other) = match &scene.server {
        FakeServer::Smtp(_) => ("\"5s\"", "\"300ms\""),
        _ => ("client_id", "timeout = \"1s\"\nclient_id"),
    };
    batch.replace(".secrets.toml", part, other);
    batch.send(&[])
}

/// Everything with the bytes of a letter in it is read at this pace from now on, over a thin line.
/// Gives how many such requests there were.
fn slow_down(scene: &Scene, pace: Pace) -> Arc<AtomicUsize> {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let slowly = move || {
        counted.fetch_add(1, Ordering::SeqCst);
        pace.clone()
    };
    match &scene.server {
        FakeServer::Outbox(_) => unreachable!("a folder reads nothing"),
        FakeServer::Smtp(smtp) => {
            smtp.server.narrow();
            smtp.server.script(move |event| match event.step {
                Step::Body { first: true, .. } => Action::ReadSlowly(slowly()),
                _ => Action::Go,
            });
        }
        FakeServer::Graph(graph) => {
            let graph = &graph.desk.graph;
            graph.narrow();
            graph.script_heads(move |head| match head.kind {
                GraphKind::SendMail | GraphKind::CreateDraft | GraphKind::UploadRange => {
                    HeadAction::ReadSlowly(slowly())
                }
                _ => HeadAction::Proceed,
            });
        }
        FakeServer::Ews(ews) => {
            let ews = &ews.desk.ews;
            ews.narrow();
            ews.script_heads(move |action| {
                if action.contains("CreateItem") {
                    HeadAction::ReadSlowly(slowly())
                } else {
                    HeadAction::Proceed
                }
            });
        }
    }
    count
}

/// Every letter has arrived once, and the state file knows.
#[track_caller]
fn assert_each_once(scene: &Scene) {
    let side = scene.server.side();
    let seen = look(side, &scene.plan, &scene.asked.borrow());
    assert!(seen.findings.is_empty(), "{:?}", seen.findings);
    assert_eq!(seen.in_state("accepted"), [1, 2, 3]);
    assert!(seen.arrived.values().eq(&[1, 1, 1]), "{:?}", seen.arrived);
    assert!(side.leftovers().is_empty(), "{:?}", side.leftovers());
}

/// A letter with a report of this size takes longer than the program waits for anything else, and
/// goes out in one try of so many requests for the three letters.
#[track_caller]
fn arrives_once_although_read_slowly(road: Road, bytes: usize, requests: usize) {
    let scene = Scene::new(road, false);
    enlarge(&scene, bytes);
    let port = port(&scene);
    let watched = Arc::new(Mutex::new((0, Vec::new())));
    let watching = Arc::clone(&watched);
    let pace = Pace::of(PIECE, PAUSE).while_it(move || {
        let (pauses, held) = &mut *watching.lock().unwrap();
        *pauses += 1;
        if *pauses % LOOK == 0 {
            held.push(on_the_way(port));
        }
        true
    });
    let count = slow_down(&scene, pace);
    send(&scene, "").expect(0);
    scene.server.side().settle();
    assert_eq!(count.load(Ordering::SeqCst), requests);
    assert_each_once(&scene);
    let (pauses, held) = &*watched.lock().unwrap();
    let reading = PAUSE * *pauses;
    assert!(reading > PATIENCE, "all was read in {reading:?}");
    // At no time had the systems taken more than a small part of the letter from the program: it
    // had to wait with the rest. And the server did not wait for it.
    let most = held.iter().max().unwrap();
    assert!(*most < bytes / 4, "{most} of {bytes} bytes were on the way");
    let waiting = held.iter().filter(|bytes| **bytes > 2 * PIECE).count();
    assert!(waiting > held.len() / 2, "{waiting} of {}", held.len());
}

#[test]
fn a_letter_that_is_read_slowly_arrives_once_over_smtp() {
    arrives_once_although_read_slowly(Road::Smtp, 2_800_000, 3);
}

#[test]
fn a_letter_that_is_read_slowly_arrives_once_through_graph_in_one_request() {
    arrives_once_although_read_slowly(Road::GraphAtOnce, 2_800_000, 3);
}

/// The report goes in two ranges.
#[test]
fn a_letter_that_is_read_slowly_arrives_once_through_graph_by_a_draft() {
    arrives_once_although_read_slowly(Road::GraphDraft, 4_500_000, 5);
}

#[test]
fn a_letter_that_is_read_slowly_arrives_once_through_ews() {
    arrives_once_although_read_slowly(Road::Ews, 2_800_000, 3);
}

/// On a line that is slower than any that is waited for, the program gives up in the middle of the
/// letter, knows that it was not taken, and ends the run after the tries that it is allowed.
fn is_given_up_on_and_not_taken(road: Road, bytes: usize, words: &str) {
    let scene = Scene::new(road, false);
    enlarge(&scene, bytes);
    let is_over = Arc::new(AtomicBool::new(false));
    let over = Arc::clone(&is_over);
    let pace = Pace::of(1024, Duration::from_secs(1));
    let count = slow_down(&scene, pace.while_it(move || !over.load(Ordering::SeqCst)));
    let begun = Instant::now();
    let ran = send(&scene, "attempts = 1\n").expect(5).says(words);
    let allowed = Duration::from_secs((bytes / SLOWEST) as u64);
    assert!(begun.elapsed() > allowed, "{ran:?}");
    is_over.store(true, Ordering::SeqCst);
    let side = scene.server.side();
    side.settle();
    assert_eq!(count.load(Ordering::SeqCst), 1);
    let seen = look(side, &scene.plan, &scene.asked.borrow());
    assert!(seen.findings.is_empty(), "{:?}", seen.findings);
    assert_eq!(seen.in_state("pending"), [1, 2, 3], "{ran:?}");
    assert!(seen.arrived.is_empty(), "{:?}", seen.arrived);
    scene.calm();
    side.batch().send(&[]).expect(0);
    side.settle();
    assert_each_once(&scene);
}

/// All at once, since they wait.
#[test]
fn a_line_that_is_too_slow_is_given_up_on_in_the_middle_of_a_letter() {
    thread::scope(|scope| {
        for (road, bytes, words) in [
            (Road::Smtp, 150_000, "silent for"),
            // The HTTP client takes some 150 KB more than the system does.
            (Road::GraphAtOnce, 280_000, "no answer in"),
            (Road::GraphDraft, 150_000, "no answer in"),
            (Road::Ews, 100_000, "no answer in"),
        ] {
            scope.spawn(move || is_given_up_on_and_not_taken(road, bytes, words));
        }
    });
}
