//! A letter that falls in doubt is looked up before the same run ends, as long as `patience` asks.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::faults::judge::look;
use crate::faults::stage::{FakeServer, Road, Scene};
use crate::support::ews::{self, EwsAction, EwsKind};
use crate::support::exchange::IndexLag;
use crate::support::graph::{GraphAction, GraphKind, throttled};
use crate::support::id;
use crate::support::victim::Victim;

/// The servers that can be asked. The outbox answers at once, so nothing falls in doubt there but by
/// a kill.
const ROADS: [Road; 3] = [Road::GraphAtOnce, Road::GraphDraft, Road::Ews];
const SHOWN: &str = "looking for a letter in doubt";

/// What happens to the second letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Taken,
    NotTaken,
}

/// How the first looks are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Looks {
    /// The connection is cut, so many times.
    Cut(usize),
    /// The first one is cut; at the second one the server asks to wait for a second.
    Throttled,
}

/// A batch before a server, of which every letter was sent if it is `resend` that is looked at.
fn scene(road: Road, verb: &'static str, patience: &str) -> Scene {
    let scene = Scene::new(road, false);
    if verb == "resend" {
        scene.server.side().batch().send(&[]).expect(0);
        let mut asked = scene.asked.borrow_mut();
        let all = (1..=scene.plan.letters).map(|number| (number, asked.listed(number).to_vec()));
        let all = all.collect();
        let number = asked.ask(true, all);
        let numbers: Vec<usize> = (1..=scene.plan.letters).collect();
        scene.resends(&asked.asks[number].clone(), &numbers);
    }
    let batch = scene.server.side().batch();
    let batch_file = std::fs::read_to_string(batch.path("batch.toml")).unwrap();
    let usual = "patience = \"0s\"";
    assert!(batch_file.contains(usual));
    batch.replace("batch.toml", usual, &format!("patience = \"{patience}\""));
    scene
}

/// The answer to the second letter is lost.
fn lose_an_answer(scene: &Scene, fate: Fate, looks: Looks) {
    let (sent, looked) = (Arc::new(AtomicUsize::new(0)), AtomicUsize::new(0));
    let handed_over = Arc::clone(&sent);
    let is_second = move || handed_over.fetch_add(1, Ordering::SeqCst) == 1;
    let is_cut = move || {
        // A new batch is looked for before its first letter leaves.
        if sent.load(Ordering::SeqCst) < 2 {
            return None;
        }
        let before = looked.fetch_add(1, Ordering::SeqCst);
        match looks {
            Looks::Cut(times) => (before < times).then_some(false),
            Looks::Throttled => (before < 2).then_some(before == 1),
        }
    };
    match &scene.server {
        FakeServer::Graph(graph) => {
            let releases = scene.road.releases();
            graph.desk.graph.script(move |event| match event.kind {
                GraphKind::Find | GraphKind::GetMessage => match is_cut() {
                    None => GraphAction::Proceed,
                    Some(false) => GraphAction::CutBefore,
                    Some(true) => GraphAction::Answer(throttled(Some(1))),
                },
                kind if kind == releases && is_second() => match fate {
                    Fate::Taken => GraphAction::CutAfter,
                    Fate::NotTaken => GraphAction::CutBefore,
                },
                _ => GraphAction::Proceed,
            });
        }
        FakeServer::Ews(server) => server.desk.ews.script(move |event| match event.kind {
            EwsKind::FindItem | EwsKind::GetItem => match is_cut() {
                None => EwsAction::Proceed,
                Some(false) => EwsAction::CutBefore,
                Some(true) => {
                    EwsAction::Answer(ews::refusal(event.kind, "ErrorServerBusy", Some(1_000)))
                }
            },
            EwsKind::SendItem if is_second() => match fate {
                Fate::Taken => EwsAction::CutAfter,
                Fate::NotTaken => EwsAction::CutBefore,
            },
            _ => EwsAction::Proceed,
        }),
        FakeServer::Outbox(_) | FakeServer::Smtp(_) => unreachable!("they cannot be asked"),
    }
}

#[track_caller]
fn assert_done(scene: &Scene, victim: &Victim) {
    scene.server.side().settle();
    let seen = look(scene.server.side(), &scene.plan, &scene.asked.borrow());
    assert!(seen.findings.is_empty(), "{:#?}", seen.findings);
    let lacking = seen.lacking(&scene.asked.borrow());
    assert!(lacking.is_empty(), "{lacking:?}\n{}", victim.said());
    assert_eq!(scene.server.side().leftovers(), Vec::<String>::new());
}

/// Runs to the end, which is a good one.
#[track_caller]
fn settles_by_itself(scene: &Scene, fate: Fate) -> String {
    let victim = scene.start();
    let status = victim.wait();
    let said = victim.said();
    assert_eq!(status.code(), Some(0), "{said}");
    let words = match fate {
        Fate::Taken => "S002: was in doubt, looked up, went out",
        Fate::NotTaken => "S002: was in doubt, looked up, did not go out",
    };
    for words in ["S002: in doubt", words] {
        assert!(said.contains(words), "{words:?} is not in {said}");
    }
    assert_done(scene, &victim);
    said
}

#[test]
fn a_run_that_can_settle_its_doubts_does_so_before_it_ends() {
    for road in ROADS {
        for verb in ["send", "resend"] {
            for fate in [Fate::Taken, Fate::NotTaken] {
                eprintln!("{road:?}, {verb}, {fate:?}");
                let scene = scene(road, verb, "0s");
                lose_an_answer(&scene, fate, Looks::Cut(1));
                settles_by_itself(&scene, fate);
            }
        }
    }
}

/// A server that asks to wait when it is asked for a letter is waited for.
#[test]
fn a_server_that_is_busy_when_it_is_asked_is_asked_again() {
    for road in ROADS {
        eprintln!("{road:?}");
        let scene = scene(road, "send", "10s");
        lose_an_answer(&scene, Fate::Taken, Looks::Throttled);
        settles_by_itself(&scene, Fate::Taken);
    }
}

/// It is shown what the run waits for, and that it is no longer than `patience`. That it is no longer
/// indeed is tried with a clock that jumps, in `src/dispatch/tests`.
#[test]
fn a_letter_that_appears_late_is_waited_for_before_the_run_ends() {
    for road in [Road::GraphAtOnce, Road::Ews] {
        let scene = scene(road, "send", "12s");
        lose_an_answer(&scene, Fate::Taken, Looks::Cut(1));
        let exchange = match &scene.server {
            FakeServer::Graph(graph) => &graph.desk.exchange,
            FakeServer::Ews(ews) => &ews.desk.exchange,
            FakeServer::Outbox(_) | FakeServer::Smtp(_) => unreachable!("they cannot be asked"),
        };
        exchange.set_index_lag(IndexLag::Searches(2));
        let said = settles_by_itself(&scene, Fate::Taken);
        let line = said.lines().find(|line| line.contains(SHOWN)).unwrap();
        assert!(
            line.contains("waiting 11 s") || line.contains("waiting 12 s"),
            "{line}"
        );
    }
}

/// An hour of patience, and nobody who has an hour.
#[test]
fn a_run_that_waits_for_a_letter_in_doubt_can_be_interrupted() {
    for road in ROADS {
        for verb in ["send", "resend"] {
            eprintln!("{road:?}, {verb}");
            let scene = scene(road, verb, "1h");
            let batch = scene.server.side().batch();
            lose_an_answer(&scene, Fate::NotTaken, Looks::Cut(1));
            let exchange = match &scene.server {
                FakeServer::Graph(graph) => &graph.desk.exchange,
                FakeServer::Ews(ews) => &ews.desk.exchange,
                FakeServer::Outbox(_) | FakeServer::Smtp(_) => unreachable!("they cannot be asked"),
            };
            exchange.set_index_lag(IndexLag::Searches(1_000));
            let victim = scene.start();
            victim.wait_until_it_says(SHOWN);
            victim.signal("INT");
            assert_eq!(victim.wait().code(), Some(130), "{}", victim.said());
            let said = victim.said();
            let next = "`postroom send` looks up the 1 letter in doubt";
            assert!(said.contains(next), "{said}");
            assert_eq!(batch.in_state("in_doubt"), [id(2)]);
            // The next run waits too, and can be interrupted as well.
            let victim = Victim::default();
            victim.send(batch);
            victim.wait_until_it_says(SHOWN);
            victim.signal("TERM");
            assert_eq!(victim.wait().code(), Some(130), "{}", victim.said());
            exchange.set_index_lag(IndexLag::Searches(0));
            batch.replace("batch.toml", "\"1h\"", "\"0s\"");
            batch.send(&[]).expect(0);
            assert_done(&scene, &victim);
        }
    }
}
