//! The mail server.

use std::cell::Cell;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::faults::asked::is_gone;
use crate::faults::mischief::{Fault, Mischief, Turn, Weight, kill_later, slow_pace};
use crate::faults::plan::{Moment, Plan};
use crate::faults::sides::{Seen, Side, read};
use crate::support::graph_desk::SHARED;
use crate::support::oauth::OauthServer;
use crate::support::signing_in::Desk;
use crate::support::smtp::{Action, SmtpServer, Step};
use crate::support::{TestBatch, lock, wait};

pub struct Smtp {
    // Ends first.
    pub server: SmtpServer,
    holder: Holder,
    is_astray: Cell<bool>,
    refused: Arc<Mutex<Vec<String>>>,
    deferred: Arc<Mutex<Vec<String>>>,
}

/// Whose the batch is.
enum Holder {
    Nobody(TestBatch),
    /// Somebody who signs in.
    Person(Desk),
}

impl Smtp {
    pub fn new(plan: &Plan) -> Self {
        Self {
            server: SmtpServer::start(),
            holder: Holder::Nobody(TestBatch::new(plan.letters)),
            is_astray: Cell::new(false),
            refused: Arc::default(),
            deferred: Arc::default(),
        }
    }

    /// A server that takes whoever has a good token of the sign-in service.
    pub fn signed_in(plan: &Plan) -> Self {
        let desk = Desk::for_schools(OauthServer::builder(), plan.letters);
        desk.sign_in();
        let oauth = Arc::downgrade(&desk.server);
        let takes = move |token: &str| {
            let oauth = oauth.upgrade();
            oauth.is_some_and(|oauth| oauth.is_valid_access(token, "outlook"))
        };
        let server = SmtpServer::builder().oauth_by(SHARED, takes).start();
        Self {
            server,
            holder: Holder::Person(desk),
            is_astray: Cell::new(false),
            refused: Arc::default(),
            deferred: Arc::default(),
        }
    }

    /// Who signs in.
    pub fn desk(&self) -> &Desk {
        match &self.holder {
            Holder::Person(desk) => desk,
            Holder::Nobody(_) => panic!("nobody signs in"),
        }
    }

    fn change_host(&self, from: &str, to: &str) {
        let line = |host: &str| format!("host = \"{host}\"");
        self.batch()
            .replace(".secrets.toml", &line(from), &line(to));
    }
}

impl Side for Smtp {
    fn batch(&self) -> &TestBatch {
        match &self.holder {
            Holder::Person(desk) => &desk.batch,
            Holder::Nobody(batch) => batch,
        }
    }

    fn arm(&self, mischief: &Arc<Mischief>) {
        self.server.narrow();
        let mischief = Arc::clone(mischief);
        let (refused, deferred) = (Arc::clone(&self.refused), Arc::clone(&self.deferred));
        self.server.script(move |event| {
            let at_end = event.step == Step::FinalDot;
            if let Step::Rcpt(address) = &event.step
                && is_gone(address)
            {
                lock(&refused).push(address.clone());
                return Action::reply(550, "5.1.1 Nobody of that name");
            }
            let possible: &[Fault] = match event.step {
                Step::Connect => &[Fault::Cut, Fault::Reset, Fault::Storm, Fault::Crawl],
                Step::Ehlo => &[Fault::Cut, Fault::Reset, Fault::Crawl],
                Step::MailFrom(_) => &[Fault::Cut, Fault::Storm, Fault::Revoked, Fault::Crawl],
                Step::Rcpt(_) => &[Fault::Cut, Fault::Refused, Fault::Error],
                Step::Data => &[Fault::Cut, Fault::Reset, Fault::Storm],
                Step::Body { first: true, .. } => &[Fault::HalfRead, Fault::SlowRead, Fault::Reset],
                Step::FinalDot => &[
                    Fault::Cut,
                    Fault::CutAfter,
                    Fault::Reset,
                    Fault::ResetAfter,
                    Fault::Half,
                    Fault::Storm,
                    Fault::Error,
                    Fault::Refused,
                    Fault::Silent,
                    Fault::Crawl,
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
                Turn::Signal(name, victim) => {
                    Action::call(move || victim.signal_if_there(name), Action::Go)
                }
                Turn::Fault(fault) => {
                    if let Step::Rcpt(address) = &event.step {
                        match fault {
                            Fault::Refused => lock(&refused).push(address.clone()),
                            Fault::Error => lock(&deferred).push(address.clone()),
                            _ => {}
                        }
                    }
                    smtp_action(fault, &event.step)
                }
            }
        });
    }

    fn configure(&self, dispatch: &str) {
        let pace = if dispatch.contains("messages_per_minute") {
            "recipients_per_day = 1000000\n"
        } else {
            "messages_per_minute = 100000\n"
        };
        match &self.holder {
            Holder::Person(desk) => desk.use_smtp(self.server.port()),
            Holder::Nobody(batch) => batch.use_impatient_smtp(self.server.port()),
        }
        self.batch().configure(&format!(
            "[dispatch]\ntransport = \"smtp\"\nbackoff = \"10ms\"\n{pace}{dispatch}"
        ));
    }

    fn settle(&self) {
        assert!(self.server.wait_idle(wait::LONG));
    }

    /// No name ends in `.invalid` (RFC 6761).
    fn hinder(&self) -> Option<Fault> {
        self.change_host("127.0.0.1", "mail.invalid");
        self.is_astray.set(true);
        Some(Fault::Unreachable)
    }

    fn clear(&self) {
        if self.is_astray.take() {
            self.change_host("mail.invalid", "127.0.0.1");
        }
    }

    fn mailbox(&self) -> Vec<Seen> {
        let received = self.server.received().into_iter();
        received
            .map(|mail| read(&mail.data, Some(mail.rcpt_to)))
            .collect()
    }

    fn refused(&self) -> Vec<String> {
        lock(&self.refused).clone()
    }

    fn deferred(&self) -> Vec<String> {
        lock(&self.deferred).clone()
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
        Fault::Reset => Action::Reset,
        Fault::ResetAfter => Action::AcceptThenReset,
        Fault::Silent => Action::AcceptThenSilent,
        Fault::Half => Action::Garbage(b"25\r\n".to_vec()),
        Fault::SlowRead => Action::ReadSlowly(slow_pace()),
        Fault::Crawl => Action::ReplySlowly {
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
