//! The far sides of the four transports, with everything that can go wrong at them.

use std::cell::Cell;
use std::fs;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::exchange::{Ews, Graph};
use crate::mischief::{Fault, Mischief, Turn, Weight, kill_later};
use crate::plan::{Moment, Plan, Way};
use crate::support::smtp::{Action, SmtpServer, Step};
use crate::support::{TestBatch, parse_mail, wait};

/// A letter in the recipients' mailbox, whatever carried it.
#[derive(Clone, Debug)]
pub struct Seen {
    pub subject: String,
    pub to: Vec<String>,
    /// Name and SHA-256 of each attachment.
    pub files: Vec<(String, String)>,
}

pub trait Side {
    fn batch(&self) -> &TestBatch;

    /// Lets things go wrong.
    fn arm(&self, mischief: &Arc<Mischief>);

    /// Writes these lines of `[dispatch]`, beside the transport and its pace.
    fn configure(&self, dispatch: &str);

    /// Waits until all that a run asked for is done, and the run's connections are closed.
    fn settle(&self);

    /// What arrived.
    fn mailbox(&self) -> Vec<Seen>;

    /// Called again and again while a run lasts, for a far side that cannot tell by itself what is
    /// done to it.
    fn look(&self, _mischief: &Mischief) {}

    /// Puts something in the way of the next run, where that can be done.
    fn hinder(&self) -> Option<Fault> {
        None
    }

    /// Takes it away.
    fn clear(&self) {}

    /// Signs in again.
    fn sign_in(&self) {}

    /// Breaches of the protocol so far, and of what the server allows at once.
    fn breaches(&self, _connections: usize) -> Vec<String> {
        Vec::new()
    }

    /// What is left at the end and should not be.
    fn leftovers(&self) -> Vec<String> {
        Vec::new()
    }
}

pub fn open(plan: &Plan) -> Box<dyn Side> {
    match plan.way {
        Way::Outbox => Box::new(Outbox {
            batch: TestBatch::new(plan.letters),
            files: Cell::new(0),
        }),
        Way::Smtp => Box::new(Smtp {
            server: SmtpServer::start(),
            batch: TestBatch::new(plan.letters),
        }),
        Way::Graph => Box::new(Graph::new(plan)),
        Way::Ews => Box::new(Ews::new(plan)),
    }
}

pub fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

struct Outbox {
    batch: TestBatch,
    files: Cell<usize>,
}

impl Outbox {
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
            if let Turn::Kill(moment, victim) = mischief.turn(Weight::Usual, &[]) {
                if let Moment::Later(wait) = moment {
                    thread::sleep(wait);
                }
                victim.kill();
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

/// Reads a message; the envelope counts where there is one.
fn read(bytes: &[u8], envelope: Option<Vec<String>>) -> Seen {
    let mail = parse_mail(bytes);
    let files = mail.attachments.into_iter();
    Seen {
        subject: mail.subject,
        to: envelope.unwrap_or(mail.to),
        files: files.map(|(name, sum)| (name, hex(&sum))).collect(),
    }
}

struct Smtp {
    // Ends first.
    server: SmtpServer,
    batch: TestBatch,
}

impl Side for Smtp {
    fn batch(&self) -> &TestBatch {
        &self.batch
    }

    fn arm(&self, mischief: &Arc<Mischief>) {
        let mischief = Arc::clone(mischief);
        self.server.script(move |event| {
            let at_end = event.step == Step::FinalDot;
            let possible: &[Fault] = match event.step {
                Step::Connect => &[Fault::Cut, Fault::Storm, Fault::Slow],
                Step::Ehlo => &[Fault::Cut, Fault::Slow],
                Step::MailFrom(_) => &[Fault::Cut, Fault::Storm, Fault::Revoked, Fault::Slow],
                Step::Rcpt(_) => &[Fault::Cut, Fault::Refused, Fault::Error],
                Step::Data => &[Fault::Cut, Fault::Storm],
                Step::Body { first: true, .. } => &[Fault::Reset],
                Step::FinalDot => &[
                    Fault::Cut,
                    Fault::CutAfter,
                    Fault::Half,
                    Fault::Storm,
                    Fault::Error,
                    Fault::Refused,
                    Fault::Silent,
                    Fault::Slow,
                ],
                // Blocks of a body have no end of their own, and what comes after the letters
                // decides nothing.
                _ => return Action::Go,
            };
            let weight = if at_end {
                Weight::Decisive
            } else {
                Weight::Usual
            };
            match mischief.turn(weight, possible) {
                Turn::Go => Action::Go,
                Turn::Kill(Moment::Before, victim) => {
                    Action::call(move || victim.kill(), Action::Cut)
                }
                Turn::Kill(Moment::After, victim) if at_end => {
                    Action::call(move || victim.kill(), Action::AcceptThenCut)
                }
                Turn::Kill(Moment::After, victim) => {
                    Action::call(move || victim.kill(), Action::Go)
                }
                Turn::Kill(Moment::Later(wait), victim) => {
                    if matches!(event.step, Step::Body { .. }) {
                        kill_later(wait, victim);
                        return Action::Go;
                    }
                    Action::go_then_call(move || kill_later(wait, victim.clone()))
                }
                Turn::Fault(fault) => smtp_action(fault, &event.step),
            }
        });
    }

    fn configure(&self, dispatch: &str) {
        let pace = if dispatch.contains("messages_per_minute") {
            "recipients_per_day = 1000000\n"
        } else {
            "messages_per_minute = 100000\n"
        };
        self.batch.use_impatient_smtp(self.server.port());
        self.batch.configure(&format!(
            "[dispatch]\ntransport = \"smtp\"\nbackoff = \"10ms\"\n{pace}{dispatch}"
        ));
    }

    fn settle(&self) {
        assert!(self.server.wait_idle(wait::LONG));
    }

    fn mailbox(&self) -> Vec<Seen> {
        let received = self.server.received().into_iter();
        received
            .map(|mail| read(&mail.data, Some(mail.rcpt_to)))
            .collect()
    }

    fn breaches(&self, connections: usize) -> Vec<String> {
        let mut breaches = self.server.violations();
        let most = self.server.max_concurrent();
        if most > connections {
            breaches.push(format!("{most} connections at once, not {connections}"));
        }
        breaches
    }
}

fn smtp_action(fault: Fault, step: &Step) -> Action {
    match fault {
        Fault::CutAfter => Action::AcceptThenCut,
        Fault::Silent => Action::AcceptThenSilent,
        Fault::Half => Action::Garbage(b"25\r\n".to_vec()),
        Fault::Slow => Action::ReplySlowly {
            byte_delay: Duration::from_millis(2),
        },
        Fault::Storm if *step == Step::Connect => Action::reply(421, "4.3.2 Not now"),
        Fault::Storm => Action::reply(451, "4.7.500 Server busy"),
        Fault::Error => Action::reply(451, "4.3.0 Later"),
        Fault::Revoked => Action::reply(530, "5.7.57 Not authenticated"),
        Fault::Refused if *step == Step::FinalDot => Action::reply(554, "5.6.0 No such letters"),
        Fault::Refused => Action::reply(550, "5.1.1 Nobody of that name"),
        _ => Action::Cut,
    }
}
