//! What goes wrong in a round, request by request, and what of it was done.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::faults::plan::{Draw, Kill, Moment, Plan};
use crate::support::pace::Pace;
use crate::support::victim::Victim;

/// What can go wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    Cut,
    CutAfter,
    Reset,
    ResetAfter,
    HalfRead,
    SlowRead,
    Slow,
    Crawl,
    Silent,
    Half,
    Storm,
    Dated,
    GatewayAfter,
    ErrorAfter,
    Error,
    Expired,
    Revoked,
    Refused,
    Unreachable,
    Unheard,
    InTheWay,
}

impl Fault {
    pub const ALL: [Self; 21] = [
        Self::Cut,
        Self::CutAfter,
        Self::Reset,
        Self::ResetAfter,
        Self::HalfRead,
        Self::SlowRead,
        Self::Slow,
        Self::Crawl,
        Self::Silent,
        Self::Half,
        Self::Storm,
        Self::Dated,
        Self::GatewayAfter,
        Self::ErrorAfter,
        Self::Error,
        Self::Expired,
        Self::Revoked,
        Self::Refused,
        Self::Unreachable,
        Self::Unheard,
        Self::InTheWay,
    ];

    pub fn words(self) -> &'static str {
        match self {
            Self::Cut => "connection cut, request not done",
            Self::CutAfter => "connection cut after the request was done",
            Self::Reset => "connection reset (RST), request not done",
            Self::ResetAfter => "connection reset (RST) after the request was done",
            Self::HalfRead => "connection closed with the letter half read",
            Self::SlowRead => "letter read slowly, so that the program waits with writing",
            Self::Slow => "slow answer",
            Self::Crawl => "answer a byte at a time",
            Self::Silent => "letter taken, then silence",
            Self::Half => "half an answer",
            Self::Storm => {
                "asked to wait (429, server busy, 421 or 451), up to four times in a row"
            }
            Self::Dated => "503 with the date to wait for",
            Self::GatewayAfter => "504 after the request was done",
            Self::ErrorAfter => "500 after the request was done",
            Self::Error => "server error, request not done",
            Self::Expired => "access token expired",
            Self::Revoked => "sign-in revoked",
            Self::Refused => "letter refused for good",
            Self::Unreachable => "a run whose server has no address (at Graph, nobody listens)",
            Self::Unheard => "a run whose stdout nobody reads",
            Self::InTheWay => "a file where the outbox should be",
        }
    }

    /// Whether it costs seconds: then it comes once in a round.
    fn is_long(self) -> bool {
        matches!(self, Self::Silent | Self::Dated | Self::Revoked)
    }
}

/// Letters that are read slowly in a round.
const MOST_SLOW_READS: usize = 4;

/// Which requests meet more faults than others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// Only the head was read; it is asked about again when the rest has come.
    Head,
    Usual,
    /// The server takes the letter by it.
    Decisive,
}

/// What happens to a request.
pub enum Turn {
    Go,
    Fault(Fault),
    Kill(Moment, Victim),
    /// A signal that the program can act on, by its name, before anything is done.
    Signal(&'static str, Victim),
}

/// The faults of a round.
pub struct Mischief {
    seed: u64,
    trouble: usize,
    /// Whether a thin line cannot hold a letter, so that a slow reader is felt.
    large: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    calm: bool,
    requests: u64,
    in_run: usize,
    kill: Option<(Kill, Victim)>,
    storm: usize,
    storms: usize,
    done: BTreeMap<Fault, usize>,
}

impl Mischief {
    pub fn new(plan: &Plan) -> Self {
        Self {
            seed: plan.seed,
            trouble: plan.trouble,
            large: plan.report_bytes().is_some(),
            state: Mutex::default(),
        }
    }

    /// From now on requests come from this run, which may be killed.
    pub fn begin(&self, kill: Option<(Kill, Victim)>) {
        let mut state = self.state();
        state.in_run = 0;
        state.storm = 0;
        state.kill = kill;
    }

    /// Things go wrong again.
    pub fn stir(&self) {
        self.state().calm = false;
    }

    /// Nothing more goes wrong.
    pub fn calm(&self) {
        let mut state = self.state();
        state.calm = true;
        state.kill = None;
    }

    /// What happens to the next request, at which these faults are possible.
    pub fn turn(&self, weight: Weight, possible: &[Fault]) -> Turn {
        let mut state = self.state();
        if state.calm {
            return Turn::Go;
        }
        state.requests += 1;
        if weight != Weight::Head {
            state.in_run += 1;
            let in_run = state.in_run;
            if let Some((kill, victim)) = state.kill.take_if(|(kill, _)| kill.request <= in_run) {
                return match kill.signal {
                    None => Turn::Kill(kill.moment, victim),
                    Some(name) => Turn::Signal(name, victim),
                };
            }
        }
        let mut draw = Draw::new(self.seed, 0x0fa1_0000 + state.requests);
        if state.storm > 0 && possible.contains(&Fault::Storm) {
            state.storm -= 1;
            return state.note(Fault::Storm);
        }
        let chance = match weight {
            Weight::Head => self.trouble.div_ceil(4),
            Weight::Usual => self.trouble,
            Weight::Decisive => self.trouble * 2,
        };
        if possible.is_empty() || !draw.percent(chance) {
            return Turn::Go;
        }
        let fault = possible[draw.below(possible.len())];
        if fault.is_long() && state.done.contains_key(&fault) {
            return Turn::Go;
        }
        if fault == Fault::SlowRead {
            let done = state.done.get(&fault).copied().unwrap_or_default();
            if !self.large || done >= MOST_SLOW_READS {
                return Turn::Go;
            }
        }
        if fault == Fault::Storm {
            // Each answer doubles the pace that the program keeps; a round must end.
            state.storms += 1;
            if state.storms > 2 {
                return Turn::Go;
            }
            state.storm = draw.below(4);
        }
        state.note(fault)
    }

    /// A fault that is no request's.
    pub fn note(&self, fault: Fault) {
        self.state().note(fault);
    }

    pub fn done(&self) -> BTreeMap<Fault, usize> {
        self.state().done.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn note(&mut self, fault: Fault) -> Turn {
        *self.done.entry(fault).or_default() += 1;
        Turn::Fault(fault)
    }
}

/// Kills the run so long from now; it may have ended by then.
pub fn kill_later(wait: std::time::Duration, victim: Victim) {
    thread::spawn(move || {
        thread::sleep(wait);
        victim.kill();
    });
}

/// How a letter is read slowly: one with a large report in a quarter of a second.
pub fn slow_pace() -> Pace {
    Pace::of(4096, std::time::Duration::from_millis(3))
}
