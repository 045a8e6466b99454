//! A state file that is removed, renamed or replaced while letters go out: the run stops before it
//! sends one that no later run would know of.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::storage::{MAIL, OUTBOX, beside, copy_state, lose};
use crate::support::graph::{GraphAction, GraphKind};
use crate::support::graph_desk::{GraphDesk, SHARED};
use crate::support::smtp::{Action, SmtpServer, Step};
use crate::support::{TestBatch, accepted_by, assert_each_once, id};

const SCHOOLS: usize = 12;

/// A batch whose state file is in a folder of its own, and a run in which this is done when the server
/// has the third letter.
#[track_caller]
fn meanwhile(
    connections: usize,
    act: impl Fn(&Path) + Send + Sync + Clone + 'static,
) -> (SmtpServer, TestBatch, PathBuf) {
    let server = SmtpServer::start();
    let batch = TestBatch::new(SCHOOLS);
    batch.use_smtp(server.port(), &format!("connections = {connections}"));
    fs::create_dir(batch.path("state")).unwrap();
    let state = batch.path("state/batch.db");
    let path = state.clone();
    // Letters whose data the server has whole: all of them, and those when it was done.
    let whole = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
    let counted = Arc::clone(&whole);
    server.script(move |event| {
        let (act, path, counted) = (act.clone(), path.clone(), Arc::clone(&counted));
        if event.step != Step::FinalDot {
            return Action::Go;
        }
        counted[0].fetch_add(1, Ordering::SeqCst);
        if event.message != 3 {
            return Action::Go;
        }
        let act = move || {
            act(&path);
            counted[1].store(counted[0].load(Ordering::SeqCst), Ordering::SeqCst);
        };
        Action::call(act, Action::Go)
    });
    let ran = send(&batch, &state);
    assert_eq!(ran.code, Some(5), "{ran:?}");
    let ran = ran
        .says("was removed, renamed or replaced during the run")
        .says("next: put the state file that this run worked with back in its place");
    assert!(!ran.stderr.contains("nothing was sent"), "{ran:?}");
    // Only what was in flight beside the third letter went out after that.
    let sent = accepted_by(&server).len();
    let most = whole[1].load(Ordering::SeqCst) + connections - 1;
    assert!(
        (3..=most).contains(&sent),
        "{sent} went out, {most} at most"
    );
    server.script(|_| Action::Go);
    (server, batch, state)
}

fn send(batch: &TestBatch, state: &Path) -> crate::support::Ran {
    batch.send(&["--state", state.to_str().unwrap()])
}

/// The next run goes on, and each school gets its letter once.
#[track_caller]
fn goes_on(server: &SmtpServer, batch: &TestBatch, state: &Path) {
    send(batch, state).expect(0);
    assert_each_once(server, SCHOOLS);
    let state = state.to_str().unwrap();
    let ran = batch
        .run("report", &["--verify", "--state", state])
        .expect(0);
    assert!(ran.stdout.starts_with("the log is whole"), "{ran:?}");
}

/// What was in flight is settled in the file wherever it is, so nothing is in doubt.
#[test]
fn a_folder_that_is_renamed_is_gone_on_with_when_it_is_back() {
    for connections in [1, 4] {
        let (server, batch, state) = meanwhile(connections, |state| {
            let folder = state.parent().unwrap();
            fs::rename(folder, folder.with_file_name("elsewhere")).unwrap();
        });
        send(&batch, &state).expect(3);
        fs::rename(batch.path("elsewhere"), batch.path("state")).unwrap();
        goes_on(&server, &batch, &state);
    }
}

/// Nothing can bring such a file back. No letter goes out after it was noticed, and the next run does
/// not take the place of the file for that of a new batch.
#[test]
fn a_state_file_that_is_removed_stops_the_run() {
    for connections in [1, 4] {
        let (server, batch, state) = meanwhile(connections, |state| {
            for suffix in ["", "-wal", "-shm"] {
                fs::remove_file(beside(state, suffix)).unwrap();
            }
        });
        let before = accepted_by(&server);
        send(&batch, &state)
            .expect(3)
            .says("is gone, and letters went out from it");
        assert_eq!(accepted_by(&server), before);
    }
}

#[test]
fn a_folder_that_is_removed_stops_the_run() {
    let (server, _batch, state) = meanwhile(1, |state| {
        fs::remove_dir_all(state.parent().unwrap()).unwrap();
    });
    assert_eq!(accepted_by(&server).len(), 3);
    assert!(!state.parent().unwrap().exists());
}

/// As a program that keeps folders alike on several machines may do it.
#[test]
fn a_state_file_that_is_replaced_by_a_copy_stops_the_run() {
    let (server, batch, state) = meanwhile(1, |state| {
        let copy = beside(state, ".copy");
        fs::copy(state, &copy).unwrap();
        fs::rename(state, beside(state, ".own")).unwrap();
        fs::rename(&copy, state).unwrap();
    });
    // Its log is still beside it.
    fs::rename(beside(&state, ".own"), &state).unwrap();
    goes_on(&server, &batch, &state);
}

#[test]
fn a_log_or_a_lock_that_is_tidied_away_stops_the_run() {
    for suffix in ["-wal", ".lock"] {
        let (server, batch, state) = meanwhile(1, move |state| {
            fs::remove_file(beside(state, suffix)).unwrap();
        });
        let accepted = accepted_by(&server).len();
        if suffix == ".lock" {
            goes_on(&server, &batch, &state);
        } else {
            assert_eq!(accepted, 3);
        }
    }
}

/// A path that leads to the same file by another way is none that was moved.
#[test]
fn a_batch_whose_folder_is_renamed_goes_on_where_paths_are_relative() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(4);
    batch.use_smtp(server.port(), "");
    let folder = batch.folder().to_owned();
    let other = folder.with_extension("renamed");
    let (from, to) = (folder.clone(), other.clone());
    server.script(move |event| {
        let (from, to) = (from.clone(), to.clone());
        match (&event.step, event.message) {
            // The last, or a report that is still to be read lies where no report was allowed.
            (Step::FinalDot, 4) => {
                Action::call(move || fs::rename(&from, &to).unwrap(), Action::Go)
            }
            _ => Action::Go,
        }
    });
    let mut command = crate::support::program();
    let command = command.args(["send", ".", "--yes"]).current_dir(&folder);
    let ran = crate::support::Ran::of(command.output().unwrap());
    fs::rename(&other, &folder).unwrap();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_each_once(&server, 4);
}

/// A draft is not sent by a name that no later run would find.
#[test]
fn a_draft_is_not_released_when_the_state_file_is_gone() {
    let desk = GraphDesk::with_all_scopes(3);
    let state = desk.desk.batch.path(MAIL);
    desk.graph.script(move |event| {
        if event.kind == GraphKind::CreateDraft && event.turn == 2 {
            for suffix in ["", "-wal", "-shm"] {
                fs::remove_file(beside(&state, suffix)).unwrap();
            }
        }
        GraphAction::Proceed
    });
    desk.desk
        .batch
        .send(&[])
        .expect(5)
        .says("was removed, renamed or replaced during the run");
    assert_eq!(desk.exchange.mailbox(SHARED).outgoing().len(), 1);
}

/// The file that is put in the place of another belongs to the same batch, and knows less.
#[test]
fn an_outbox_run_whose_state_file_goes_stops_and_the_outbox_tells() {
    let batch = TestBatch::new(200);
    let mut child = batch.start("send", &[]);
    crate::support::wait::until("the first letters", || {
        fs::read_dir(batch.path("outbox")).is_ok_and(|entries| entries.count() > 3)
    });
    let kept = batch.path("kept.db");
    copy_state(&batch.path(OUTBOX), &kept);
    lose(&batch, OUTBOX);
    let code = child.wait().unwrap().code();
    assert_eq!(code, Some(5));
    let files: BTreeSet<_> = fs::read_dir(batch.path("outbox"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(files.len() < 200);
    // A copy from the middle of the run knows all but the last letters, which the outbox shows.
    copy_state(&kept, &batch.path(OUTBOX));
    batch.run("send", &[]).expect(0);
    for number in 1..=200 {
        assert!(batch.path(&format!("outbox/{}.eml", id(number))).exists());
    }
}
