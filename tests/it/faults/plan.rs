//! What a seed means: a batch, a server, how much goes wrong and when the program is killed.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Numbers that look like chance and come back with the same seed (splitmix64).
pub struct Draw(u64);

impl Draw {
    /// The numbers of a seed; each lane has others.
    pub fn new(seed: u64, lane: u64) -> Self {
        let mut lanes = Self(seed);
        Self(lanes.number() ^ Self(lane).number())
    }

    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below this.
    pub fn below(&mut self, end: usize) -> usize {
        (self.number() % end as u64) as usize
    }

    /// A number from here to there, both included.
    pub fn between(&mut self, first: usize, last: usize) -> usize {
        first + self.below(last - first + 1)
    }

    /// True so many times in a hundred.
    pub fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }
}

/// The transports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    Outbox,
    Smtp,
    Graph,
    Ews,
}

impl Way {
    pub const ALL: [Self; 4] = [Self::Outbox, Self::Smtp, Self::Graph, Self::Ews];

    /// The name of its state file.
    pub fn state_file(self) -> &'static str {
        match self {
            Self::Outbox => "batch.outbox.db",
            Self::Smtp | Self::Graph | Self::Ews => "batch.state.db",
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Outbox => "outbox",
            Self::Smtp => "smtp",
            Self::Graph => "graph",
            Self::Ews => "ews",
        })
    }
}

impl FromStr for Way {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut ways = Self::ALL.into_iter();
        ways.find(|way| way.to_string() == text)
            .ok_or_else(|| format!("{text:?} is none of outbox, smtp, graph and ews"))
    }
}

/// When, seen from the request at which it happens, the program is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Before the server does what it is asked.
    Before,
    /// When it has done it, before its answer.
    After,
    /// So long after its answer left.
    Later(Duration),
}

/// A kill at so many requests into a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kill {
    pub request: usize,
    pub moment: Moment,
    /// The signal that the program can act on; without one it is SIGKILL.
    pub signal: Option<&'static str>,
}

/// The size of large reports. A letter with one is twice what a thin line ever holds.
const LARGE: usize = 250_000;

/// A limit that the batch reaches before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cap {
    Minute(usize),
    Day(usize),
    /// A megabyte in five minutes, with reports so large that so many letters fit.
    Megabyte(usize),
}

impl Cap {
    /// The most letters, or of a day addresses, that may be accepted under it.
    pub fn most(self) -> usize {
        match self {
            Self::Minute(most) | Self::Day(most) | Self::Megabyte(most) => most,
        }
    }

    /// For how long no more may be accepted; a day is longer than any round.
    pub fn length(self) -> Duration {
        match self {
            Self::Minute(_) => Duration::from_secs(60),
            Self::Megabyte(_) => Duration::from_secs(300),
            Self::Day(_) => Duration::MAX,
        }
    }

    /// The size of each report under it, if that matters.
    pub fn report_bytes(self) -> Option<usize> {
        match self {
            // In base64 with its line ends a report is 1.37 times as large.
            Self::Megabyte(letters) => Some(1_000_000 * 100 / (letters * 100 + 35) * 100 / 137),
            Self::Minute(_) | Self::Day(_) => None,
        }
    }
}

/// A round.
#[derive(Clone, Debug)]
pub struct Plan {
    pub way: Way,
    pub seed: u64,
    pub letters: usize,
    pub connections: usize,
    /// Of a hundred requests, how many meet a fault.
    pub trouble: usize,
    /// Runs in which something goes wrong. The first ones are killed.
    pub runs: usize,
    pub kills: Vec<Kill>,
    pub cap: Option<Cap>,
    /// Whether the server lets the program look for letters in doubt.
    pub may_look: bool,
    /// Whether the reports are large.
    pub large: bool,
    /// Whether some schools have two addresses.
    pub pairs: bool,
    /// When letters are sent again.
    pub again: Again,
}

/// How letters are sent again in a round.
#[derive(Clone, Debug)]
pub struct Again {
    /// After so many runs of the mailing; else when the mailing is over.
    pub midway: Option<usize>,
    /// Schools of which an address is corrected, and schools that all addresses are asked for.
    pub schools: (usize, usize),
    /// Runs in which something goes wrong. The first ones are killed.
    pub runs: usize,
    pub kills: Vec<Kill>,
}

impl Plan {
    pub fn new(way: Way, seed: u64) -> Self {
        let mut draw = Draw::new(seed, way as u64);
        let letters = draw.between(6, 20);
        let connections = draw.between(1, 3);
        let trouble = [0, 3, 8, 15, 25][draw.below(5)];
        let kills = draw.between(0, 3);
        let kills: Vec<Kill> = (0..kills)
            .map(|_| kill(most_requests(way), &mut draw))
            .collect();
        let runs = kills.len() + draw.between(1, 2);
        let cap = draw.percent(25).then(|| {
            let most = draw.between(2, letters - 2);
            match draw.below(3) {
                0 => Cap::Minute(most),
                1 => Cap::Day(most),
                _ => Cap::Megabyte(most.min(4)),
            }
        });
        let may_look = match way {
            Way::Outbox => true,
            Way::Smtp => false,
            Way::Graph | Way::Ews => draw.percent(70),
        };
        let large = draw.percent(40);
        let again = Again::new(way, runs, &mut draw);
        Self {
            way,
            seed,
            letters,
            connections,
            trouble,
            runs,
            kills,
            cap,
            may_look,
            large,
            pairs: true,
            again,
        }
    }

    /// The size of each report, where it is not a small one.
    pub fn report_bytes(&self) -> Option<usize> {
        let capped = self.cap.and_then(Cap::report_bytes);
        capped.or(self.large.then_some(LARGE))
    }
}

impl Again {
    fn new(way: Way, mailing: usize, draw: &mut Draw) -> Self {
        let midway = draw.percent(50).then(|| draw.between(1, mailing));
        let schools = (draw.between(1, 3), draw.between(1, 2));
        let kills = draw.between(1, 3);
        // There are few letters.
        let most = most_requests(way) / 2;
        let kills: Vec<Kill> = (0..kills).map(|_| kill(most, draw)).collect();
        Self {
            midway,
            schools,
            runs: kills.len() + draw.between(1, 2),
            kills,
        }
    }
}

/// How far into a run it is killed.
fn most_requests(way: Way) -> usize {
    match way {
        // Files, which come fast.
        Way::Outbox => 6,
        // Five commands for each letter.
        Way::Smtp => 40,
        Way::Graph | Way::Ews => 14,
    }
}

fn kill(most: usize, draw: &mut Draw) -> Kill {
    let moment = match draw.below(3) {
        0 => Moment::Before,
        1 => Moment::After,
        _ => Moment::Later(Duration::from_micros(draw.below(12_000) as u64)),
    };
    Kill {
        request: draw.between(1, most),
        moment,
        signal: draw
            .percent(35)
            .then(|| ["INT", "TERM", "HUP"][draw.below(3)]),
    }
}

/// The same seed is the same round, and its neighbour another one.
#[test]
fn a_seed_says_what_happens() {
    for way in Way::ALL {
        let text = |seed| format!("{:?}", Plan::new(way, seed));
        assert_eq!(text(7), text(7));
        assert_ne!(text(7), text(8));
        assert_eq!(way.to_string().parse(), Ok(way));
    }
    let plans: Vec<Plan> = (0..500).map(|seed| Plan::new(Way::Graph, seed)).collect();
    assert!(plans.iter().all(|plan| (6..=20).contains(&plan.letters)));
    for kills in 0..=3 {
        assert!(plans.iter().any(|plan| plan.kills.len() == kills));
    }
}
