//! Disks that fill up or take nothing any more, under the state file and under the outbox, while
//! letters go out over each transport.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::storage::{MAIL, OUTBOX, beside};
use crate::support::disk::SmallDisk;
use crate::support::ews::{EwsAction, EwsKind};
use crate::support::ews_desk::EwsDesk;
use crate::support::exchange::Exchange;
use crate::support::graph::{GraphAction, GraphKind};
use crate::support::graph_desk::{GraphDesk, SHARED};
use crate::support::smtp::{Action, SmtpServer, Step};
use crate::support::{Ran, TestBatch, accepted_by, assert_each_once, id};

const SCHOOLS: usize = 16;

/// A batch whose state file is on a small disk, with its first two letters sent.
struct Full<'a> {
    disk: &'a SmallDisk,
    batch: &'a TestBatch,
    /// The ids of the letters that the server has, as often as it has them.
    mailbox: &'a dyn Fn() -> Vec<String>,
}

impl Full<'_> {
    fn run(&self, verb: &str, arguments: &[&str]) -> Ran {
        let state = self.disk.path.join("state.db");
        let state = ["--state", state.to_str().unwrap()];
        self.batch.run(verb, &[&state, arguments].concat())
    }

    fn in_state(&self, state: &str) -> BTreeSet<String> {
        let shown = self.run("status", &["--json"]).expect(0).json();
        let letters = shown["letters"].as_array().unwrap().iter();
        letters
            .filter(|letter| letter["state"] == state)
            .map(|letter| letter["id"].as_str().unwrap().to_owned())
            .collect()
    }

    /// The disk is full when the server has a letter in hand: the run stops, says why, and what it
    /// knows is true. With room again the next run sends what is left.
    #[track_caller]
    fn stops_and_goes_on(&self, settles_itself: bool) {
        let ran = self.run("send", &["--yes"]);
        assert!(matches!(ran.code, Some(3 | 5)), "{ran:?}");
        let ran = ran
            .says("cannot write the state file")
            .says("next: make room");
        assert!(!ran.stderr.contains("panicked"), "{ran:?}");
        // Also on the full disk it can be looked at.
        let (accepted, doubt) = (self.in_state("accepted"), self.in_state("in_doubt"));
        let there = self.mailbox();
        assert!((2..SCHOOLS).contains(&there.len()), "{there:?}");
        for id in &there {
            let is_known = accepted.contains(id) || doubt.contains(id);
            assert!(is_known, "{id} would go out again: {ran:?}");
        }
        for id in &accepted {
            assert!(there.contains(id), "{id} is lost");
        }
        self.disk.empty();
        if !settles_itself {
            self.settle(&doubt, &there);
        }
        self.run("send", &["--yes"]).expect(0);
        let mut all = self.mailbox();
        all.sort();
        assert_eq!(all, self.batch.ids());
        let ran = self.run("report", &["--verify"]).expect(0);
        assert!(ran.stdout.starts_with("the log is whole"), "{ran:?}");
    }

    fn mailbox(&self) -> Vec<String> {
        (self.mailbox)()
    }

    /// As a person does who looks into the recipients' mailbox. The next run finds what is in doubt.
    fn settle(&self, doubt: &BTreeSet<String>, there: &[String]) {
        // A claim of a run that stopped is in doubt for the next one.
        for id in doubt {
            let word = if there.contains(id) {
                "--accepted"
            } else {
                "--unsent"
            };
            self.run("resolve", &[id, word]).expect(0);
        }
    }
}

/// What is left of the disk when a run has begun: from nothing at all to some pages.
const LEFT: [usize; 3] = [0, 16 << 10, 64 << 10];

/// Fills the disk but for so many bytes.
fn fill(disk: &Path, left: usize) {
    let spare = disk.join("spare");
    fs::write(&spare, vec![0; left]).unwrap();
    fs::write(disk.join("other"), vec![0; 64 << 20]).unwrap_err();
    fs::remove_file(spare).unwrap();
}

#[test]
fn a_state_file_on_a_full_disk_over_smtp() {
    for (left, connections) in LEFT.into_iter().zip([1, 3, 1]) {
        let Some(disk) = SmallDisk::mount(2048) else {
            return;
        };
        let server = SmtpServer::start();
        let batch = TestBatch::new(SCHOOLS);
        batch.use_smtp(server.port(), &format!("connections = {connections}"));
        let path = disk.path.clone();
        server.script(move |event| match (&event.step, event.message) {
            (Step::FinalDot, 3) => {
                let path = path.clone();
                Action::call(move || fill(&path, left), Action::Go)
            }
            _ => Action::Go,
        });
        let mailbox = || accepted_by(&server).into_iter().map(id).collect();
        Full {
            disk: &disk,
            batch: &batch,
            mailbox: &mailbox,
        }
        .stops_and_goes_on(false);
        assert_each_once(&server, SCHOOLS);
    }
}

/// The ids of the letters that left a mailbox, by their subjects.
fn left(exchange: &Exchange) -> Vec<String> {
    let outgoing = exchange.mailbox(SHARED).outgoing();
    let numbers = outgoing.iter().map(|message| {
        let subject = message.subject.strip_prefix("Report for School ");
        subject.unwrap().parse::<usize>().unwrap()
    });
    numbers.map(id).collect()
}

#[test]
fn a_state_file_on_a_full_disk_through_graph() {
    // Before a draft is made, and between a draft and its release.
    for (left_over, kind) in LEFT.into_iter().zip([
        GraphKind::CreateDraft,
        GraphKind::SendDraft,
        GraphKind::CreateDraft,
    ]) {
        let Some(disk) = SmallDisk::mount(2048) else {
            return;
        };
        let desk = GraphDesk::with_all_scopes(SCHOOLS);
        desk.configure("patience = \"0s\"");
        let path = disk.path.clone();
        desk.graph.script(move |event| {
            if event.kind == kind && event.turn == 3 {
                fill(&path, left_over);
            }
            GraphAction::Proceed
        });
        Full {
            disk: &disk,
            batch: &desk.desk.batch,
            mailbox: &|| left(&desk.exchange),
        }
        .stops_and_goes_on(true);
        desk.assert_proper();
    }
}

#[test]
fn a_state_file_on_a_full_disk_through_exchange() {
    let Some(disk) = SmallDisk::mount(2048) else {
        return;
    };
    let desk = EwsDesk::new(SCHOOLS);
    desk.configure("patience = \"0s\"");
    let path = disk.path.clone();
    desk.ews.script(move |event| {
        if event.kind == EwsKind::SendItem && event.turn == 3 {
            fill(&path, 0);
        }
        EwsAction::Proceed
    });
    Full {
        disk: &disk,
        batch: &desk.desk.batch,
        mailbox: &|| left(&desk.exchange),
    }
    .stops_and_goes_on(true);
}

/// A limit on how long a file may get is met by the write-ahead log, on any disk and by any user.
#[test]
fn a_state_file_that_may_not_grow_over_smtp() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(SCHOOLS);
    batch.use_smtp(server.port(), "connections = 2");
    // Blocks of 512 bytes, as POSIX has them; the signal would end the program.
    let script = "trap '' XFSZ; ulimit -f 240; exec \"$@\"";
    let mut command = Command::new("sh");
    command
        .args(["-c", script, "sh", env!("CARGO_BIN_EXE_postroom"), "send"])
        .arg(batch.folder())
        .arg("--yes");
    let ran = Ran::of(command.output().unwrap());
    assert!(matches!(ran.code, Some(3 | 5)), "{ran:?}");
    let ran = ran.says("cannot write the state file").says("next: ");
    let there: BTreeSet<_> = accepted_by(&server).into_iter().map(id).collect();
    assert!((1..SCHOOLS).contains(&there.len()), "{there:?} {ran:?}");
    for (id, state) in batch.states() {
        match state.as_str() {
            "accepted" => assert!(there.contains(&id), "{id} is lost"),
            "pending" => assert!(!there.contains(&id), "{id} would go out again"),
            _ => {
                let word = if there.contains(&id) {
                    "--accepted"
                } else {
                    "--unsent"
                };
                batch.run("resolve", &[&id, word]).expect(0);
            }
        }
    }
    batch.send(&[]).expect(0);
    assert_each_once(&server, SCHOOLS);
    batch.assert_log_is_whole();
}

/// On a disk that takes nothing, nothing is sent, and what is known is shown as far as it can be read.
#[test]
fn a_disk_that_became_read_only_is_reported_before_anything_is_sent() {
    let Some(disk) = SmallDisk::mount(2048) else {
        return;
    };
    let server = SmtpServer::start();
    let batch = TestBatch::new(3);
    batch.use_smtp(server.port(), "");
    let state = disk.path.join("state.db");
    let state = ["--yes", "--state", state.to_str().unwrap()];
    batch
        .run("send", &[&state[..], &["--limit", "1"]].concat())
        .expect(0);
    disk.remount("ro");
    batch
        .run("send", &state)
        .expect(3)
        .says("cannot write the state file")
        .says("nothing was sent")
        .says("next: make room or correct the rights of its folder");
    let ran = batch.run("status", &state[1..]).expect(0);
    assert!(ran.stdout.contains("1 accepted, 2 pending"), "{ran:?}");
    disk.remount("rw");
    batch.run("send", &state).expect(0);
    assert_each_once(&server, 3);
}

/// A file that nobody may change, not even root (chattr(1)).
struct Immutable<'a>(&'a Path);

impl<'a> Immutable<'a> {
    fn make(path: &'a Path) -> Option<Self> {
        let made = Command::new("chattr").arg("+i").arg(path).output();
        if !made.is_ok_and(|output| output.status.success()) {
            eprintln!("skipped: no file can be made unchangeable here");
            return None;
        }
        Some(Self(path))
    }
}

impl Drop for Immutable<'_> {
    fn drop(&mut self) {
        let _ = Command::new("chattr").arg("-i").arg(self.0).output();
    }
}

#[test]
fn a_state_file_that_nobody_may_write_is_reported_before_anything_is_sent() {
    let server = SmtpServer::start();
    let batch = TestBatch::new(3);
    batch.use_smtp(server.port(), "");
    batch.send(&["--limit", "1"]).expect(0);
    for name in [MAIL.to_owned(), format!("{MAIL}.lock")] {
        let path = batch.path(&name);
        let Some(held) = Immutable::make(&path) else {
            return;
        };
        let ran = batch.send(&[]).expect(3);
        ran.says("cannot write the state file")
            .says("nothing was sent")
            .says("next: ");
        let ran = batch.run("status", &[]).expect(0);
        assert!(ran.stdout.contains("1 accepted, 2 pending"), "{ran:?}");
        drop(held);
        assert_eq!(accepted_by(&server), [1]);
    }
    batch.send(&[]).expect(0);
    assert_each_once(&server, 3);
}

/// The state file tells what the outbox has, also when both are on the disk that is full.
#[test]
fn an_outbox_and_its_state_file_on_one_full_disk() {
    let Some(disk) = SmallDisk::mount(1024) else {
        return;
    };
    let batch = TestBatch::new(120);
    batch.configure(&format!(
        "[outbox]\npath = '{}'",
        disk.path.join("outbox").display()
    ));
    batch.replace(
        "batch.toml",
        "[manifest]",
        "allow_outside = true\n[manifest]",
    );
    let state = disk.path.join(OUTBOX);
    let state = ["--state", state.to_str().unwrap()];
    let mut stops = 0;
    let mut size = 1024;
    while batch.run("send", &state).code != Some(0) {
        stops += 1;
        size += 512;
        assert!(size < 16 << 10, "it never ends");
        disk.grow(size);
    }
    assert!(stops > 0, "the disk was never full");
    assert_eq!(fs::read_dir(disk.path.join("outbox")).unwrap().count(), 120);
    let ran = batch
        .run("report", &[&state[..], &["--verify"]].concat())
        .expect(0);
    assert!(ran.stdout.starts_with("the log is whole"), "{ran:?}");
    assert!(beside(&disk.path.join(OUTBOX), ".lock").exists());
}
