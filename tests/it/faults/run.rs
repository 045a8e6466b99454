//! One round: a batch goes out through trouble and kills, run after run, until every letter has
//! arrived once.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::ExitStatusExt;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::faults::judge::{Finding, Look, Wrong, look};
use crate::faults::mischief::{Fault, Mischief};
use crate::faults::plan::{Cap, Draw, Kill, Plan};
use crate::faults::sides::{self, Side};
use crate::support::victim::Victim;
use crate::support::{id, report};

/// The longest that a run may take.
const LONG: Duration = Duration::from_secs(90);
/// What a run says that cannot go on under a limit for now.
const AT_A_LIMIT: [&str; 3] = [
    "limit of letters a minute",
    "limit of addresses a day",
    "limit of megabytes in five minutes",
];
const SIGKILL: i32 = 9;

/// What a round came to.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    pub rounds: usize,
    pub letters: usize,
    pub runs: usize,
    pub kills: usize,
    /// Runs that a signal ended on which the program can act.
    pub interrupts: usize,
    pub faults: BTreeMap<Fault, usize>,
    /// Limits that were reached.
    pub limits: usize,
    /// Letters that were in doubt when a run had ended.
    pub in_doubt: usize,
    /// Doubts that a later run settled by looking.
    pub found: usize,
    /// Doubts that were settled by hand, as accepted and as unsent.
    pub by_hand: (usize, usize),
    pub findings: Vec<Finding>,
}

impl Tally {
    pub fn add(&mut self, other: Self) {
        self.rounds += other.rounds;
        self.letters += other.letters;
        self.runs += other.runs;
        self.kills += other.kills;
        self.interrupts += other.interrupts;
        for (fault, times) in other.faults {
            *self.faults.entry(fault).or_default() += times;
        }
        self.limits += other.limits;
        self.in_doubt += other.in_doubt;
        self.found += other.found;
        self.by_hand.0 += other.by_hand.0;
        self.by_hand.1 += other.by_hand.1;
        self.findings.extend(other.findings);
    }
}

/// Plays a round.
pub fn play(plan: &Plan) -> Tally {
    let side = sides::open(plan);
    let mut round = Round {
        plan,
        side: &*side,
        mischief: Arc::new(Mischief::new(plan)),
        began: Instant::now(),
        doubts: BTreeSet::new(),
        tally: Tally {
            rounds: 1,
            letters: plan.letters,
            ..Tally::default()
        },
    };
    round.play();
    round.tally.faults = round.mischief.done();
    round.tally
}

struct Round<'a> {
    plan: &'a Plan,
    side: &'a dyn Side,
    mischief: Arc<Mischief>,
    began: Instant,
    /// The letters that were in doubt at the last look.
    doubts: BTreeSet<usize>,
    tally: Tally,
}

impl Round<'_> {
    fn play(&mut self) {
        self.configure(self.plan.cap);
        if let Some(bytes) = self.plan.report_bytes() {
            for number in 1..=self.plan.letters {
                let mut large = report(number);
                large.resize(bytes, b'x');
                let name = format!("reports/{}.pdf", id(number));
                self.side.batch().write(&name, large);
            }
        }
        self.side.arm(&self.mischief);
        let mut draw = Draw::new(self.plan.seed, 0x0b57_ac1e);
        for number in 0..self.plan.runs {
            if draw.percent(self.plan.trouble)
                && let Some(fault) = self.side.hinder()
            {
                self.mischief.note(fault);
            }
            let is_heard = !draw.percent(10);
            let seen = self.run(self.plan.kills.get(number).copied(), is_heard);
            self.keep_within(self.plan.cap, &seen);
            if self.is_stuck() {
                return;
            }
        }
        self.mischief.calm();
        self.configure(None);
        self.side.sign_in();
        // The program looks for what is in doubt first; a person settles what it cannot find.
        let seen = self.run(None, true);
        let doubts = seen.in_state("in_doubt");
        self.settle_by_looking(&seen, &doubts);
        self.finish();
    }

    fn configure(&self, cap: Option<Cap>) {
        let cap = match cap {
            Some(Cap::Minute(letters)) => format!("messages_per_minute = {letters}\n"),
            Some(Cap::Day(letters)) => format!("recipients_per_day = {letters}\n"),
            Some(Cap::Megabyte(_)) => "megabytes_per_five_minutes = 1\n".to_owned(),
            None => String::new(),
        };
        let connections = self.plan.connections;
        self.side
            .configure(&format!("connections = {connections}\n{cap}"));
    }

    /// Sends until the run ends, is killed, or waits at a limit; then looks at everything.
    fn run(&mut self, kill: Option<Kill>, is_heard: bool) -> Look {
        let victim = Victim::default();
        self.mischief.begin(kill.map(|kill| (kill, victim.clone())));
        self.tally.runs += 1;
        if is_heard {
            victim.send(self.side.batch());
        } else {
            self.mischief.note(Fault::Unheard);
            victim.send_unheard(self.side.batch());
        }
        let begun = Instant::now();
        let status = loop {
            self.side.look(&self.mischief);
            if let Some(status) = victim.ended() {
                break status;
            }
            let said = victim.said();
            if AT_A_LIMIT.iter().any(|words| said.contains(words)) {
                self.tally.limits += 1;
                victim.kill();
            }
            if begun.elapsed() > LONG {
                self.find(Wrong::Breach, format!("a run took {LONG:?}: {said}"));
                victim.kill();
            }
            thread::sleep(Duration::from_millis(1));
        };
        self.side.settle();
        self.side.clear();
        let may_be_interrupted = kill.is_some_and(|kill| kill.signal.is_some());
        match status.code() {
            None if status.signal() == Some(SIGKILL) => self.tally.kills += 1,
            // A signal may come before the program listens for it.
            None | Some(130) if may_be_interrupted => self.tally.interrupts += 1,
            None => self.find(
                Wrong::Breach,
                format!("ended by {status}: {}", victim.said()),
            ),
            // Finished, finished with letters left, stopped.
            Some(0 | 4 | 5) => {}
            Some(6) => self.side.sign_in(),
            Some(other) => {
                self.find(
                    Wrong::Breach,
                    format!("exit code {other}: {}", victim.said()),
                );
            }
        }
        self.look()
    }

    fn look(&mut self) -> Look {
        let seen = look(self.side, self.plan);
        let doubts: BTreeSet<usize> = seen.in_state("in_doubt").into_iter().collect();
        self.tally.in_doubt += doubts.difference(&self.doubts).count();
        self.tally.found += self.doubts.difference(&doubts).count();
        self.doubts = doubts;
        for finding in &seen.findings {
            if !self.tally.findings.contains(finding) {
                self.tally.findings.push(finding.clone());
            }
        }
        seen
    }

    fn find(&mut self, wrong: Wrong, text: String) {
        self.tally.findings.push((wrong, text));
    }

    /// Whether to go on makes no sense: a letter that is there twice stays so.
    fn is_stuck(&self) -> bool {
        !self.tally.findings.is_empty()
    }

    fn keep_within(&mut self, cap: Option<Cap>, seen: &Look) {
        let Some(cap) = cap else {
            return;
        };
        let arrived: usize = seen.arrived.values().sum();
        if arrived > cap.letters() && self.began.elapsed() < cap.length() {
            self.find(Wrong::Limit, format!("{arrived} letters under {cap:?}"));
        }
    }

    /// Does what a person does: looks whether the letter is there.
    fn settle_by_looking(&mut self, seen: &Look, doubts: &[usize]) {
        let (there, absent): (Vec<usize>, Vec<usize>) =
            doubts.iter().partition(|number| seen.has_arrived(**number));
        self.tally.by_hand.0 += there.len();
        self.tally.by_hand.1 += absent.len();
        for (numbers, word) in [(there, "--accepted"), (absent, "--unsent")] {
            if numbers.is_empty() {
                continue;
            }
            let ids: Vec<String> = numbers.iter().copied().map(id).collect();
            let mut arguments: Vec<&str> = ids.iter().map(String::as_str).collect();
            arguments.push(word);
            let ran = self.side.batch().run("resolve", &arguments);
            if ran.code != Some(0) {
                self.find(Wrong::Breach, format!("{ran:?}"));
            }
        }
        self.doubts.clear();
    }

    /// Nothing is in doubt and nothing goes wrong any more: all the rest arrives.
    fn finish(&mut self) {
        self.tally.runs += 1;
        let ran = self.side.batch().send(&["--retry-rejected"]);
        self.side.settle();
        if ran.code != Some(0) {
            self.find(Wrong::Breach, format!("the last run: {ran:?}"));
        }
        let seen = self.look();
        for number in 1..=self.plan.letters {
            if !seen.has_arrived(number) {
                self.find(Wrong::Lost, format!("{} never arrived", id(number)));
            }
        }
        for left in self.side.leftovers() {
            self.find(Wrong::Breach, left);
        }
    }
}
