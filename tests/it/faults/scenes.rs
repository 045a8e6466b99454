//! How a run comes to each step of a letter and is killed there, over each transport.

use std::fs::{self, File};
use std::sync::Arc;
use std::time::Instant;

use rusqlite::{Connection, OpenFlags};

use crate::faults::stage::{FakeServer, Road, Scene};
use crate::support::ews::{self, EwsAction, EwsKind};
use crate::support::graph::{self, GraphAction, GraphKind};
use crate::support::oauth::OauthAction;
use crate::support::smtp::{Action, Step as SmtpStep};
use crate::support::victim::Victim;
use crate::support::{id, report, wait};

/// The letter in hand when the run is killed, unless a scene says another.
const SECOND: usize = 2;
/// One of those that nobody looks for before the first letter of a new state file leaves.
pub const FIFTH: usize = 5;
/// A report that makes a letter larger than any file may be.
pub const OUTBOX_LARGE: usize = 3_000_000;

/// Letters are to be sent again, and that is not written down: the state file is locked.
pub fn before_a_reopening(scene: &Scene) -> usize {
    let batch = scene.server.side().batch();
    let state_file = batch.path(scene.road.state_file());
    let db = self::state_file(scene);
    db.execute_batch("BEGIN IMMEDIATE").unwrap();
    let lock = File::open(format!("{}.lock", state_file.display())).unwrap();
    let victim = scene.start();
    // It holds the lock before it writes anything.
    wait::until("the run", || {
        let is_free = lock.try_lock().is_ok();
        if is_free {
            lock.unlock().unwrap();
        }
        !is_free || victim.ended().is_some()
    });
    victim.kill();
    db.execute_batch("ROLLBACK").unwrap();
    SECOND
}

/// Everything is checked and written down, and nothing claimed: the sending hours begin in half a
/// day.
pub fn before_a_claim(scene: &Scene) -> usize {
    let hour = (jiff::Timestamp::now().as_second() / 3600 + 12) % 24;
    scene.configure(&format!("window = \"{hour:02}:00-{hour:02}:59 UTC\"\n"));
    scene.killed_when_it_says("outside the sending hours");
    1
}

/// Claimed, and the server has read nothing of it.
pub fn after_a_claim(scene: &Scene) -> usize {
    match &scene.server {
        // It ends in the middle of its first large file, which does not have the letter's name.
        FakeServer::Outbox(_) => {
            enlarge(scene, FIFTH, OUTBOX_LARGE);
            scene.run_until_a_file_is_large();
            return FIFTH;
        }
        FakeServer::Smtp(smtp) => {
            let hook = scene.killer();
            smtp.server.script(move |event| match event.step {
                SmtpStep::Connect => Action::CallThen(Arc::clone(&hook), Box::new(Action::Cut)),
                _ => Action::Go,
            });
            scene.run_until_killed();
            // The only connection is opened for the first letter.
            return 1;
        }
        FakeServer::Graph(_) | FakeServer::Ews(_) => scene.cut_body(0),
    }
    SECOND
}

/// The server has half of the letter.
pub fn in_an_upload(scene: &Scene) -> usize {
    let bytes = match scene.road {
        Road::Outbox | Road::GraphDraft => 8_000_000,
        Road::Smtp | Road::GraphAtOnce | Road::Ews => 2_000_000,
    };
    enlarge(scene, SECOND, bytes);
    match &scene.server {
        FakeServer::Outbox(_) => {
            scene.run_until_a_file_is_large();
        }
        FakeServer::Smtp(smtp) => {
            let hook = scene.killer();
            smtp.server.script(move |event| match event.step {
                SmtpStep::Body { bytes, .. } if bytes > 1_000_000 => {
                    // The rest may be on its way already; nobody reads it.
                    Action::CallThen(Arc::clone(&hook), Box::new(Action::Cut))
                }
                _ => Action::Go,
            });
            scene.run_until_killed();
        }
        // Between two ranges of the report.
        FakeServer::Graph(_) if scene.road == Road::GraphDraft => {
            scene.at_graph(GraphKind::UploadRange, || GraphAction::CutBefore);
        }
        FakeServer::Graph(_) | FakeServer::Ews(_) => scene.cut_body(1_000_000),
    }
    SECOND
}

/// The server has taken it, and the state file does not know.
pub fn after_acceptance(scene: &Scene) -> usize {
    match &scene.server {
        FakeServer::Outbox(_) => return killed_before_it_settles(scene),
        FakeServer::Smtp(smtp) => {
            let (hook, sent) = (scene.killer(), smtp.server.received().len() as u64);
            smtp.server.script(move |event| match event.step {
                SmtpStep::FinalDot if event.message == sent + 2 => {
                    Action::CallThen(Arc::clone(&hook), Box::new(Action::AcceptThenCut))
                }
                _ => Action::Go,
            });
            scene.run_until_killed();
        }
        FakeServer::Graph(_) => scene.at_graph(scene.road.releases(), || GraphAction::CutAfter),
        FakeServer::Ews(_) => scene.at_ews(&[EwsKind::SendItem], 2, || EwsAction::CutAfter),
    }
    SECOND
}

/// Gives a school a report of this size, which it may have already.
pub fn enlarge(scene: &Scene, number: usize, bytes: usize) {
    let mut large = report(number);
    large.resize(bytes, b'x');
    let name = format!("reports/{}.pdf", id(number));
    scene.server.side().batch().write(&name, large);
}

/// Puts a file in the place of a letter in doubt that takes long to read, takes the lock of the state
/// file meanwhile, so that the run must wait with what it finds, and kills it.
fn killed_while_it_looks(scene: &Scene, number: usize) {
    let batch = scene.server.side().batch();
    let in_the_way = scene.outbox_file(&id(number));
    batch.write(&in_the_way, vec![b'x'; 60_000_000]);
    let db = state_file(scene);
    let victim = scene.start();
    let sql = "SELECT id FROM letters WHERE state = 'in_doubt'";
    let in_doubt = locked_when(&db, &victim, sql);
    assert_eq!(in_doubt, id(number));
    victim.kill();
    fs::remove_file(batch.path(&in_the_way)).unwrap();
}

fn state_file(scene: &Scene) -> Connection {
    let state_file = scene.server.side().batch().path(scene.road.state_file());
    wait::until("the state file", || state_file.exists());
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
    let db = Connection::open_with_flags(&state_file, flags).unwrap();
    db.busy_timeout(std::time::Duration::ZERO).unwrap();
    db
}

/// Takes the lock of the state file at a moment at which a query gives a letter.
fn locked_when(db: &Connection, victim: &Victim, sql: &str) -> String {
    let begun = Instant::now();
    loop {
        assert!(begun.elapsed() < wait::LONG && victim.ended().is_none());
        if db.execute_batch("BEGIN IMMEDIATE").is_err() {
            continue;
        }
        if let Ok(id) = db.query_row(sql, [], |row| row.get(0)) {
            return id;
        }
        db.execute_batch("ROLLBACK").unwrap();
    }
}

/// Takes the lock of the state file while a letter is claimed, so that the run must wait with its
/// settlement, and kills it when the letter is there. It goes slowly, so that it does not pass.
fn killed_before_it_settles(scene: &Scene) -> usize {
    let batch = scene.server.side().batch();
    scene.configure("chunk = 1\npause = \"50ms\"\n");
    let victim = scene.start();
    let db = state_file(scene);
    let sql = "SELECT id FROM letters WHERE state = 'claimed'";
    let claimed = locked_when(&db, &victim, sql);
    let letter = batch.path(&scene.outbox_file(&claimed));
    wait::until("the letter", || letter.exists());
    victim.kill();
    (1..=scene.plan.letters)
        .find(|number| id(*number) == claimed)
        .unwrap()
}

/// The first letter is done and the next not claimed.
pub fn after_a_settlement(scene: &Scene) -> usize {
    scene.configure("chunk = 1\npause = \"1h\"\n");
    scene.killed_when_it_says("pause between chunks");
    1
}

pub fn at_a_limit(scene: &Scene) -> usize {
    scene.configure("messages_per_minute = 1\n");
    scene.killed_when_it_says(" a minute");
    SECOND
}

pub fn while_asked_to_wait(scene: &Scene) -> usize {
    let (graph_kind, batch) = (scene.road.releases(), scene.server.side().batch());
    match &scene.server {
        FakeServer::Outbox(_) => unreachable!("a folder asks for nothing"),
        FakeServer::Smtp(smtp) => {
            // It names no time, so the wait is our own.
            batch.replace("batch.toml", "\"10ms\"", "\"1m\"");
            smtp.server.script(|event| match event.step {
                SmtpStep::MailFrom(_) if event.message > 1 => {
                    Action::reply(451, "4.7.500 Server busy")
                }
                _ => Action::Go,
            });
        }
        FakeServer::Graph(graph) => graph.desk.graph.script(move |event| {
            if event.kind == graph_kind && event.turn > 1 {
                return GraphAction::Answer(graph::throttled(Some(60)));
            }
            GraphAction::Proceed
        }),
        FakeServer::Ews(ews) => ews.desk.ews.script(|event| {
            if event.kind == EwsKind::SendItem && event.turn > 1 {
                let busy = ews::refusal(event.kind, "ErrorServerBusy", Some(60_000));
                return EwsAction::Answer(busy);
            }
            EwsAction::Proceed
        }),
    }
    scene.killed_when_it_says("the server asked to wait");
    SECOND
}

/// The sign-in service is asked for a new token; it has given one out that nobody hears of, or none.
pub fn in_a_refresh(scene: &Scene) -> usize {
    let oauth = scene.oauth();
    let (hook, gives) = (scene.killer(), scene.is_second_time);
    oauth.script(move |event| {
        if !(event.is_grant("refresh_token") && event.turn == 2) {
            return OauthAction::Go;
        }
        let then = if gives {
            OauthAction::GoThenCut
        } else {
            OauthAction::Cut
        };
        OauthAction::CallThen(Arc::clone(&hook), Box::new(then))
    });
    let expire = {
        let oauth = Arc::clone(&oauth);
        move || oauth.expire_access_tokens()
    };
    let graph_kind = scene.road.releases();
    match &scene.server {
        FakeServer::Outbox(_) => unreachable!("a folder asks for no token"),
        FakeServer::Smtp(smtp) => smtp.server.script(move |event| match event.step {
            SmtpStep::FinalDot if event.message == 1 => {
                expire();
                Action::GoThenCut
            }
            _ => Action::Go,
        }),
        FakeServer::Graph(graph) => graph.desk.graph.script(move |event| {
            if event.kind == graph_kind {
                expire();
            }
            GraphAction::Proceed
        }),
        FakeServer::Ews(ews) => ews.desk.ews.script(move |event| {
            if event.kind == EwsKind::SendItem {
                expire();
            }
            EwsAction::Proceed
        }),
    }
    scene.run_until_killed();
    match scene.road {
        Road::Smtp => SECOND,
        // The first letter's request came with a token that was good no more.
        _ => 1,
    }
}

/// A letter in doubt is looked for by the next run, which is killed too.
pub fn in_a_look_up(scene: &Scene, go_on: &dyn Fn(&Scene)) -> usize {
    let number = match &scene.server {
        FakeServer::Outbox(_) => after_a_claim(scene),
        _ => after_acceptance(scene),
    };
    scene.calm();
    go_on(scene);
    match &scene.server {
        FakeServer::Outbox(_) => killed_while_it_looks(scene, number),
        FakeServer::Smtp(_) => unreachable!("a mail server cannot be asked"),
        FakeServer::Graph(graph) => {
            let hook = scene.killer();
            graph.desk.graph.script(move |event| match event.kind {
                GraphKind::Find | GraphKind::GetMessage => {
                    GraphAction::CallThen(Arc::clone(&hook), Box::new(GraphAction::CutAfter))
                }
                _ => GraphAction::Proceed,
            });
            scene.run_until_killed();
        }
        FakeServer::Ews(_) => {
            let looks = [EwsKind::GetItem, EwsKind::FindItem];
            scene.at_ews(&looks, 1, || EwsAction::CutAfter);
        }
    }
    number
}
