//! One round: a batch goes out through trouble and kills, run after run, until every letter has
//! arrived once; and some of its letters again, as often as a person asked for them.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::ExitStatusExt;
use std::rc::Rc;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::faults::asked::{Ask, Asked, is_gone};
use crate::faults::judge::{Finding, Look, Wrong, look};
use crate::faults::mischief::{Fault, Mischief};
use crate::faults::plan::{Cap, Draw, Kill, Plan};
use crate::faults::sides::{self, Side};
use crate::support::victim::Victim;
use crate::support::{id, report};

/// The longest that a run may take.
const LONG: Duration = Duration::from_secs(90);
/// What a run says that cannot go on under a limit for now.
const AT_A_LIMIT: [&str; 3] = [" a minute", " addresses a day", " MB in 5 min"];
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
    /// Doubts that came up in a run and that it settled itself.
    pub found_at_once: usize,
    /// Letters that a person asked for again, each time it was asked for.
    pub asked: usize,
    /// Runs of `resend`.
    pub resends: usize,
    /// Addresses that a server refused and took the letter for others.
    pub refused: usize,
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
        self.found_at_once += other.found_at_once;
        self.asked += other.asked;
        self.resends += other.resends;
        self.refused += other.refused;
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
        cap: None,
        asked: Asked::new(plan),
        draw: Draw::new(plan.seed, 0x0a5c_a6a1),
        last: None,
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
    /// The limit, while there is one.
    cap: Option<Cap>,
    asked: Asked,
    /// What a person does.
    draw: Draw,
    /// The last look.
    last: Option<Rc<Look>>,
    /// The letters that were in doubt at the last look.
    doubts: BTreeSet<usize>,
    tally: Tally,
}

impl Round<'_> {
    fn play(&mut self) {
        self.cap = self.plan.cap;
        self.configure();
        if let Some(bytes) = self.plan.report_bytes() {
            for number in 1..=self.plan.letters {
                let mut large = report(number);
                large.resize(bytes, b'x');
                let name = format!("reports/{}.pdf", id(number));
                self.side.batch().write(&name, large);
            }
        }
        self.asked.write_list(self.side.batch());
        self.side.arm(&self.mischief);
        let mut draw = Draw::new(self.plan.seed, 0x0b57_ac1e);
        let mut was_asked = false;
        for number in 0..self.plan.runs {
            if draw.percent(self.plan.trouble)
                && let Some(fault) = self.side.hinder()
            {
                self.mischief.note(fault);
            }
            let is_heard = !draw.percent(10);
            let kill = self.plan.kills.get(number).copied();
            self.run(&Command::send(), kill, is_heard);
            if self.is_stuck() {
                return;
            }
            if self.plan.again.midway == Some(number + 1) {
                was_asked = self.send_again();
            }
            if self.is_stuck() {
                return;
            }
        }
        self.calm();
        self.settle();
        if !was_asked {
            self.send(&["--retry-rejected"], &[0, 4]);
            self.mischief.stir();
            self.send_again();
            if self.is_stuck() {
                return;
            }
            self.calm();
            self.settle();
        }
        self.finish();
    }

    /// Nothing goes wrong any more.
    fn calm(&mut self) {
        self.mischief.calm();
        self.cap = None;
        self.configure();
        self.side.sign_in();
    }

    /// The program looks for what is in doubt first; a person settles what it cannot find.
    fn settle(&mut self) {
        let seen = self.run(&Command::send(), None, true);
        let doubts = seen.in_state("in_doubt");
        self.settle_by_looking(&seen, &doubts);
    }

    /// Some addresses are corrected and written to, and some schools get their letter again at all
    /// addresses: asked for again and again, through trouble and kills, by `resend`, or gone on with
    /// by `send`. False if nothing has gone out yet.
    fn send_again(&mut self) -> bool {
        let seen = self.seen();
        let mut accepted = seen.in_state("accepted");
        if accepted.is_empty() {
            return false;
        }
        let mut some = |most: usize| -> Vec<usize> {
            let count = most.min(accepted.len());
            (0..count)
                .map(|_| accepted.swap_remove(self.draw.below(accepted.len())))
                .collect()
        };
        let corrected = some(self.plan.again.schools.0);
        let all = some(self.plan.again.schools.1);
        for number in &corrected {
            let listed = self.asked.listed(*number);
            let gone = listed.iter().find(|address| is_gone(address));
            let drawn = &listed[self.draw.below(listed.len())];
            let old = gone.unwrap_or(drawn).clone();
            self.asked.correct(*number, &old);
        }
        self.asked.write_list(self.side.batch());
        let mut asks = vec![self.ask(false, &corrected)];
        if !all.is_empty() {
            asks.push(self.ask(true, &all));
        }
        let again = self.plan.again.clone();
        for number in 0..again.runs {
            if self.draw.percent(self.plan.trouble)
                && let Some(fault) = self.side.hinder()
            {
                self.mischief.note(fault);
            }
            let is_heard = !self.draw.percent(10);
            let ask = asks[self.draw.below(asks.len())];
            let others = asks.iter().copied().find(|other| *other != ask);
            let resend = self.resend(ask).or_else(|| self.resend(others?));
            let command = match resend {
                Some(resend) if number == 0 || self.draw.percent(60) => resend,
                _ if self.draw.percent(50) => Command::send().with("--retry-rejected"),
                _ => Command::send(),
            };
            self.run(&command, again.kills.get(number).copied(), is_heard);
            if self.is_stuck() {
                break;
            }
        }
        true
    }

    /// A person asks for letters again: for all addresses of these schools, or for those in the list
    /// that do not have it.
    fn ask(&mut self, all_addresses: bool, numbers: &[usize]) -> usize {
        let seen = self.seen();
        let meant = numbers.iter().map(|number| {
            let listed = self.asked.listed(*number).iter();
            let meant = listed.filter(|address| all_addresses || !seen.has_it(*number, address));
            (*number, meant.cloned().collect())
        });
        let meant = meant.collect();
        self.tally.asked += numbers.len();
        self.asked.ask(all_addresses, meant)
    }

    /// The command for what is not done yet of an ask. What is in doubt waits.
    fn resend(&self, ask: usize) -> Option<Command> {
        let (seen, ask) = (self.seen(), &self.asked.asks[ask]);
        let open = ask.meant.keys().copied().filter(|number| {
            seen.states[number] != "in_doubt" && !seen.is_done(*number, &ask.because)
        });
        let open: Vec<usize> = open.collect();
        (!open.is_empty()).then(|| Command::resend(&open, ask))
    }

    fn seen(&self) -> Rc<Look> {
        Rc::clone(self.last.as_ref().unwrap())
    }

    fn configure(&self) {
        let cap = match self.cap {
            Some(Cap::Minute(letters)) => format!("messages_per_minute = {letters}\n"),
            Some(Cap::Day(letters)) => format!("recipients_per_day = {letters}\n"),
            Some(Cap::Megabyte(_)) => "megabytes_per_five_minutes = 1\n".to_owned(),
            None => String::new(),
        };
        let connections = self.plan.connections;
        self.side
            .configure(&format!("connections = {connections}\n{cap}"));
    }

    /// Runs a verb until it ends, is killed, or waits at a limit; then looks at everything.
    fn run(&mut self, command: &Command, kill: Option<Kill>, is_heard: bool) -> Rc<Look> {
        let victim = Victim::default();
        self.mischief.begin(kill.map(|kill| (kill, victim.clone())));
        self.tally.runs += 1;
        self.tally.resends += usize::from(command.verb == "resend");
        let arguments: Vec<&str> = command.arguments.iter().map(String::as_str).collect();
        if is_heard {
            victim.verb(self.side.batch(), command.verb, &arguments);
        } else {
            self.mischief.note(Fault::Unheard);
            victim.verb_unheard(self.side.batch(), command.verb, &arguments);
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
        self.tally.found_at_once += settled_in_the_run(&victim.said());
        let seen = self.look();
        self.keep_within(&seen);
        seen
    }

    fn look(&mut self) -> Rc<Look> {
        let seen = Rc::new(look(self.side, self.plan, &self.asked));
        let doubts: BTreeSet<usize> = seen.in_state("in_doubt").into_iter().collect();
        self.tally.in_doubt += doubts.difference(&self.doubts).count();
        self.tally.found += self.doubts.difference(&doubts).count();
        self.doubts = doubts;
        for finding in &seen.findings {
            if !self.tally.findings.contains(finding) {
                self.tally.findings.push(finding.clone());
            }
        }
        self.last = Some(Rc::clone(&seen));
        seen
    }

    fn find(&mut self, wrong: Wrong, text: String) {
        self.tally.findings.push((wrong, text));
    }

    /// Whether to go on makes no sense: a letter that is there twice stays so.
    fn is_stuck(&self) -> bool {
        !self.tally.findings.is_empty()
    }

    fn keep_within(&mut self, seen: &Look) {
        let Some(cap) = self.cap else {
            return;
        };
        let arrived: usize = match cap {
            Cap::Day(_) => seen.at.values().sum(),
            Cap::Minute(_) | Cap::Megabyte(_) => seen.mail.len(),
        };
        if arrived > cap.most() && self.began.elapsed() < cap.length() {
            self.find(Wrong::Limit, format!("{arrived} under {cap:?}"));
        }
    }

    /// Does what a person does: looks whether the letter is there.
    fn settle_by_looking(&mut self, seen: &Look, doubts: &[usize]) {
        let (there, absent): (Vec<usize>, Vec<usize>) = doubts.iter().partition(|number| {
            let sending = seen.last_sending(**number).unwrap();
            seen.message(&sending.message_id).is_some()
        });
        for number in &there {
            let sending = seen.last_sending(*number).unwrap();
            self.asked.by_hand.insert(sending.message_id.clone());
        }
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
        self.look();
    }

    /// Runs `send` when nothing goes wrong any more.
    fn send(&mut self, arguments: &[&str], codes: &[i32]) {
        self.tally.runs += 1;
        let arguments = &[&["--accept-changes"], arguments].concat();
        let ran = self.side.batch().send(arguments);
        self.side.settle();
        if !ran.code.is_some_and(|code| codes.contains(&code)) {
            self.find(Wrong::Breach, format!("{arguments:?} at the end: {ran:?}"));
        }
        self.look();
    }

    /// Nothing is in doubt and nothing goes wrong any more: all the rest arrives, what was asked for
    /// again and is not done is asked for once more, and what does not reach everybody is mended.
    fn finish(&mut self) {
        self.send(&["--retry-rejected"], &[0, 4]);
        for ask in 0..self.asked.asks.len() {
            if let Some(resend) = self.resend(ask) {
                self.run(&resend, None, true);
            }
        }
        self.mend();
        if self.is_stuck() {
            return;
        }
        self.send(&[], &[0]);
        let seen = self.seen();
        self.tally.refused += seen.refused.values().sum::<usize>();
        for lacking in seen.lacking(&self.asked) {
            self.find(Wrong::Lost, lacking);
        }
        for ask in 0..self.asked.asks.len() {
            if self.resend(ask).is_some() {
                self.find(Wrong::Lost, format!("not done: {:?}", self.asked.asks[ask]));
            }
        }
        for left in self.side.leftovers() {
            self.find(Wrong::Breach, left);
        }
    }

    /// Corrects the addresses that are gone, and writes to all that were refused. Where a person said
    /// of a message that it arrived, and it did not at one of its addresses, all get it again.
    fn mend(&mut self) {
        let seen = self.seen();
        let (mut open, mut all) = (Vec::new(), Vec::new());
        for number in 1..=self.plan.letters {
            for address in self.asked.listed(number).to_vec() {
                if is_gone(&address) {
                    self.asked.correct(number, &address);
                    open.push(number);
                } else if !seen.has_it(number, &address) {
                    open.push(number);
                } else if !seen.at.contains_key(&(number, address)) {
                    all.push(number);
                }
            }
        }
        self.asked.write_list(self.side.batch());
        open.dedup();
        all.dedup();
        for (numbers, all_addresses) in [(open, false), (all, true)] {
            if numbers.is_empty() {
                continue;
            }
            let ask = self.ask(all_addresses, &numbers);
            if let Some(resend) = self.resend(ask) {
                self.run(&resend, None, true);
            }
        }
    }
}

/// A command that may send.
struct Command {
    verb: &'static str,
    arguments: Vec<String>,
}

impl Command {
    fn send() -> Self {
        Self {
            verb: "send",
            // The server is at another address after a fault of names or connections.
            arguments: vec!["--yes".into(), "--accept-changes".into()],
        }
    }

    fn resend(numbers: &[usize], ask: &Ask) -> Self {
        Self {
            verb: "resend",
            arguments: ask.arguments(numbers),
        }
    }

    fn with(mut self, argument: &str) -> Self {
        self.arguments.push(argument.into());
        self
    }
}

/// How many letters came to be in doubt in a run and were looked up before it ended.
fn settled_in_the_run(said: &str) -> usize {
    let mut doubts = BTreeSet::new();
    let mut settled = 0;
    for line in said.lines() {
        if let Some((id, _)) = line.split_once(": in doubt") {
            doubts.insert(id.to_owned());
        } else if let Some((id, _)) = line.split_once(": was in doubt, looked up") {
            settled += usize::from(doubts.remove(id));
        }
    }
    settled
}
