use std::collections::HashSet;
use std::fs;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use tempfile::TempDir;

use super::*;
use crate::config::{Batch, Secrets};
use crate::ledger::{
    AdoptedLetter, BatchIdentity, Counts, Holder, LedgerKind, LedgerView, LetterRecord,
};
use crate::lifecycle::{Addresses, LetterState, PlannedMessage, Sending};
use crate::manifest::Manifest;
use crate::message::message_id;
use crate::plan::{Destination, Plan};
use crate::transport::{LookUp, NotTakenFor, Receipt, SendError};

mod answers;
mod chunks;
mod clocks;
mod connections;
mod days;
mod doubt;
mod notes;
mod order;
mod pace;
mod patience;
mod power;
mod rest;
mod server;
mod stop;

fn count(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

use server::*;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);
/// The longest that a test waits for something that should happen at once.
const PATIENCE: Duration = Duration::from_secs(10);
const NOON: &str = "2026-01-12T12:00:00Z";

/// A batch of schools `s1`, `s2`, ... with two addresses each, and the ledger beside it.
struct Case {
    folder: TempDir,
    letters: Arc<Letters>,
    plan: Plan,
    config: DispatchConfig,
    only: Option<HashSet<String>>,
    limit: Option<usize>,
    transport: &'static str,
    look_up: Result<LookUp, SendError>,
    note: Option<&'static str>,
    interrupt: Interrupt,
    clock: Arc<TestClock>,
}

/// What a run did.
struct Outcome {
    ending: Result<Ending, LedgerError>,
    events: Vec<DispatchEvent>,
    calls: Vec<Call>,
    looked_up: Vec<(String, String)>,
}

impl Case {
    fn new(schools: usize) -> Self {
        Self::with_reports(schools, 0)
    }

    /// A batch whose reports are `padding` bytes larger than they must be.
    fn with_reports(schools: usize, padding: usize) -> Self {
        Self::in_folder(tempfile::tempdir().unwrap(), schools, padding)
    }

    fn in_folder(folder: TempDir, schools: usize, padding: usize) -> Self {
        let path = folder.path();
        let mut list = String::from("ID,School,Email,Leader\n");
        for number in 1..=schools {
            list.push_str(&format!(
                "s{number},School {number},s{number}@school.example,head{number}@school.example\n"
            ));
            let report = format!("%PDF-1.4 {number}{}", " ".repeat(padding));
            fs::write(path.join(format!("s{number}.pdf")), report).unwrap();
        }
        fs::write(path.join("list.csv"), list).unwrap();
        fs::write(path.join("letter.html"), "<p>{{ name }}</p>").unwrap();
        let batch = "[batch]\nname = \"b\"\n[manifest]\npath = \"list.csv\"\nid = \"ID\"\nname = \"School\"\n\
            to = [\"Email\", \"Leader\"]\n[letter]\nfrom = \"s@study.example\"\nhtml = \"letter.html\"\n\
            subject = \"Report\"\n[[attachment]]\npath = \"{{ id }}.pdf\"\n";
        fs::write(path.join("batch.toml"), batch).unwrap();
        let batch = Batch::load(path).unwrap();
        let manifest = Manifest::read(&batch).0.unwrap();
        let secrets = Secrets::default();
        let letters = Letters::new(&batch, &secrets, manifest, None).unwrap();
        let destination = Destination::of(&batch, &secrets);
        let letters = Arc::new(letters);
        let clock = TestClock::new(NOON.parse().unwrap());
        let plan = Plan::make(&letters, &destination, &*clock, &mut |_| {}).unwrap();
        Self {
            folder,
            letters,
            plan,
            config: batch.dispatch,
            only: None,
            limit: None,
            transport: "smtp relay.example:25",
            look_up: Ok(LookUp::Unknown),
            note: None,
            interrupt: Interrupt::default(),
            clock,
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("batch.state.db")
    }

    /// Starts the clock anew, this long after where it stands.
    fn restart_after(&mut self, pause: Duration) {
        self.clock = TestClock::new(self.clock.manual.now() + pause);
    }

    fn ledger(&self) -> Ledger {
        let mut ledger = open(&self.path(), self.transport);
        if ledger.plan().unwrap().is_none() {
            let from = &self.letters.from().address;
            let letters = self.plan.letters.iter().enumerate().map(|(index, letter)| {
                let id = self.letters.id(index);
                let to = self.letters.addressees(index).to.into_iter();
                AdoptedLetter {
                    id: id.into(),
                    message: PlannedMessage {
                        message_id: message_id("b", id, &letter.digest, from, 1),
                        digest: letter.digest,
                        addresses: Addresses {
                            to: to.map(|mailbox| mailbox.address.to_string()).collect(),
                            ..Addresses::default()
                        },
                        attachments: Vec::new(),
                        parts: None,
                    },
                }
            });
            let plan = self.plan.id.to_string();
            ledger
                .adopt(&plan, self.plan.destination.as_str(), &[0; 32], letters)
                .unwrap();
        }
        ledger
    }

    fn run(
        &self,
        answer: impl Fn(&Call) -> Result<Receipt, SendError> + Send + Sync + 'static,
    ) -> Outcome {
        self.run_heard(answer, |_| {})
    }

    fn run_heard(
        &self,
        answer: impl Fn(&Call) -> Result<Receipt, SendError> + Send + Sync + 'static,
        mut hear: impl FnMut(&DispatchEvent),
    ) -> Outcome {
        let server = Arc::new(Server {
            clock: Arc::clone(&self.clock),
            answer: Box::new(answer),
            look_up: self.look_up.clone(),
            calls: Mutex::default(),
            attempts: Mutex::default(),
            looked_up: Mutex::default(),
            note: self.note,
        });
        let mut transports: Vec<_> = (0..self.config.connections.get())
            .map(|_| Box::new(Connection(Arc::clone(&server))) as Box<dyn Transport>)
            .collect();
        let dispatch = Dispatch {
            letters: &self.letters,
            config: &self.config,
            only: self.only.clone(),
            limit: self.limit,
            transport: self.transport,
            clock: &*self.clock,
            interrupt: self.interrupt.clone(),
        };
        let mut events = Vec::new();
        let mut emit = |event| {
            hear(&event);
            events.push(event);
        };
        let mut ledger = self.ledger();
        let ending = dispatch
            .reconcile(&mut ledger, &mut *transports[0], &mut emit)
            .and_then(|wait| dispatch.run(&mut ledger, &mut transports, wait, &mut emit));
        Outcome {
            ending,
            events,
            calls: server.calls.lock().unwrap().clone(),
            looked_up: server.looked_up.lock().unwrap().clone(),
        }
    }

    fn letter(&self, id: &str) -> LetterRecord {
        letters_in(&LedgerView::open(&self.path(), &identity()).unwrap())
            .into_iter()
            .find(|letter| letter.id == id)
            .unwrap()
    }

    fn counts(&self) -> Counts {
        let ledger = LedgerView::open(&self.path(), &identity()).unwrap();
        ledger.counts().unwrap()
    }
}

impl Outcome {
    fn ending(&self) -> &Ending {
        self.ending.as_ref().unwrap()
    }

    fn ids(&self) -> Vec<&str> {
        self.calls.iter().map(|call| call.id.as_str()).collect()
    }

    /// When letters were handed over, by the clock of the run.
    fn times(&self) -> Vec<Duration> {
        self.calls.iter().map(|call| call.at).collect()
    }

    fn of(&self, id: &str) -> Vec<&Call> {
        self.calls.iter().filter(|call| call.id == id).collect()
    }
}

fn identity() -> BatchIdentity {
    BatchIdentity {
        batch: "b".into(),
        kind: LedgerKind::Mail,
    }
}

fn open(path: &Path, transport: &str) -> Ledger {
    let holder = Holder {
        command: "send".into(),
        transport: transport.into(),
        pid: 4711,
        host: "office".into(),
        started: Timestamp::UNIX_EPOCH,
    };
    Ledger::open(path, &identity(), &holder).unwrap()
}

fn letters_in(ledger: &LedgerView) -> Vec<LetterRecord> {
    let mut letters = Vec::new();
    ledger
        .each_letter(&mut |letter| letters.push(letter))
        .unwrap();
    letters
}

/// The message of a letter that has one.
fn sending(record: &LetterRecord) -> &Sending {
    match &record.letter.sendings[..] {
        [sending] => sending,
        other => panic!("{other:?}"),
    }
}

fn numbered(count: usize) -> Vec<String> {
    (1..=count).map(|number| format!("s{number}")).collect()
}
