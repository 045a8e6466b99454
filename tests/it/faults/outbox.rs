//! The folder of .eml files.

use std::cell::Cell;
use std::fs;
use std::sync::Arc;
use std::thread;

use crate::faults::mischief::{Fault, Mischief, Turn, Weight};
use crate::faults::plan::{Moment, Plan};
use crate::faults::sides::{Seen, Side, read};
use crate::support::TestBatch;

pub struct Outbox {
    batch: TestBatch,
    files: Cell<usize>,
}

impl Outbox {
    pub fn new(plan: &Plan) -> Self {
        Self {
            batch: TestBatch::new(plan.letters),
            files: Cell::new(0),
        }
    }

    /// How many files there are, whole or not.
    fn count(&self) -> usize {
        fs::read_dir(self.batch.path("outbox")).map_or(0, Iterator::count)
    }
}

impl Side for Outbox {
    fn batch(&self) -> &TestBatch {
        &self.batch
    }

    fn arm(&self, _: &Arc<Mischief>) {}

    fn configure(&self, dispatch: &str) {
        self.batch.configure(&format!("[dispatch]\n{dispatch}"));
    }

    fn settle(&self) {
        self.files.set(self.count());
    }

    /// Each further file counts as a request; a kill comes when it is seen.
    fn look(&self, mischief: &Mischief) {
        let files = self.count();
        for _ in self.files.get()..files {
            match mischief.turn(Weight::Usual, &[]) {
                Turn::Kill(moment, victim) => {
                    if let Moment::Later(wait) = moment {
                        thread::sleep(wait);
                    }
                    victim.kill();
                }
                Turn::Signal(name, victim) => victim.signal_if_there(name),
                Turn::Go | Turn::Fault(_) => {}
            }
        }
        self.files.set(files.max(self.files.get()));
    }

    /// The letters that are there are put aside meanwhile.
    fn hinder(&self) -> Option<Fault> {
        let outbox = self.batch.path("outbox");
        if outbox.exists() {
            fs::rename(&outbox, self.batch.path("aside")).unwrap();
        }
        fs::write(&outbox, "in the way").unwrap();
        Some(Fault::InTheWay)
    }

    fn clear(&self) {
        let outbox = self.batch.path("outbox");
        if outbox.is_file() {
            fs::remove_file(&outbox).unwrap();
            let aside = self.batch.path("aside");
            if aside.exists() {
                fs::rename(aside, outbox).unwrap();
            }
        }
    }

    fn mailbox(&self) -> Vec<Seen> {
        let Ok(entries) = fs::read_dir(self.batch.path("outbox")) else {
            return Vec::new();
        };
        let files = entries.map(|entry| entry.unwrap().path());
        let letters = files.filter(|path| path.extension().is_some_and(|suffix| suffix == "eml"));
        letters
            .map(|path| read(&fs::read(path).unwrap(), None))
            .collect()
    }
}
