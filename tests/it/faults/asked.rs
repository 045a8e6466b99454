//! Who asked for what: how many letters each address is to get.

use std::collections::{BTreeMap, BTreeSet};

use crate::faults::plan::{Draw, Plan, Way};
use crate::support::{TestBatch, id};

/// A person's word that letters be sent again.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The reason, which no other has.
    pub because: String,
    pub all_addresses: bool,
    /// Whom it is meant for, by the number of the school.
    pub meant: BTreeMap<usize, Vec<String>>,
}

impl Ask {
    /// The arguments of `resend` for some of the schools.
    pub fn arguments(&self, numbers: &[usize]) -> Vec<String> {
        let mut arguments = vec!["--because".to_owned(), self.because.clone(), "--yes".into()];
        for number in numbers {
            arguments.extend(["--only".to_owned(), id(*number)]);
        }
        if self.all_addresses {
            arguments.push("--all-addresses".into());
        }
        arguments
    }
}

/// What the list has, had at first, and what was asked for since.
#[derive(Clone, Debug)]
pub struct Asked {
    first: BTreeMap<usize, Vec<String>>,
    listed: BTreeMap<usize, Vec<String>>,
    pub asks: Vec<Ask>,
    /// Message-IDs of which a person said that they arrived. Which of the addresses have it, nobody
    /// can say of one alone.
    pub by_hand: BTreeSet<String>,
}

/// Whether every server refuses an address.
pub fn is_gone(address: &str) -> bool {
    address.starts_with("gone")
}

impl Asked {
    /// Every school once, at an address or two; of the mail server's schools with two some have one
    /// that is gone.
    pub fn new(plan: &Plan) -> Self {
        let mut draw = Draw::new(plan.seed, 0x0adc_7e55);
        let addresses = |number: usize| {
            let mut addresses = vec![format!("teacher{number}@school{number}.example")];
            if plan.pairs && draw.percent(35) {
                let name = if plan.way == Way::Smtp && draw.percent(60) {
                    "gone"
                } else {
                    "office"
                };
                let place = draw.below(2);
                addresses.insert(place, format!("{name}{number}@school{number}.example"));
            }
            (number, addresses)
        };
        let first: BTreeMap<_, _> = (1..=plan.letters).map(addresses).collect();
        Self {
            listed: first.clone(),
            first,
            asks: Vec::new(),
            by_hand: BTreeSet::new(),
        }
    }

    /// Writes the list as it is now.
    pub fn write_list(&self, batch: &TestBatch) {
        let mut list = String::from("ID,School,Email\n");
        for (number, addresses) in &self.listed {
            let addresses = addresses.join(" ");
            list.push_str(&format!("{},School {number},{addresses}\n", id(*number)));
        }
        batch.write("list.csv", list);
    }

    /// Whom the first letter of a school is for.
    pub fn first(&self, number: usize) -> &[String] {
        &self.first[&number]
    }

    /// The addresses of a school in the list.
    pub fn listed(&self, number: usize) -> &[String] {
        &self.listed[&number]
    }

    /// Puts another address into the place of one, that nobody was written to at before.
    pub fn correct(&mut self, number: usize, old: &str) {
        let new = format!(
            "new{}-of-{number}@school{number}.example",
            self.asks.len() + 1
        );
        let addresses = self.listed.get_mut(&number).unwrap();
        let place = addresses.iter().position(|address| address == old);
        addresses[place.unwrap()] = new;
    }

    /// A person asks, and is the first with this reason. Gives the number of the ask.
    pub fn ask(&mut self, all_addresses: bool, meant: BTreeMap<usize, Vec<String>>) -> usize {
        self.asks.push(Ask {
            because: format!("ask {}", self.asks.len() + 1),
            all_addresses,
            meant,
        });
        self.asks.len() - 1
    }

    /// The ask with a reason.
    pub fn with_reason(&self, because: &str) -> Option<&Ask> {
        self.asks.iter().find(|ask| ask.because == because)
    }

    /// How many letters were asked for, for each address of each school.
    pub fn letters(&self) -> BTreeMap<(usize, String), usize> {
        let mut letters = BTreeMap::new();
        let asked = self.asks.iter().map(|ask| &ask.meant);
        for each in [&self.first].into_iter().chain(asked) {
            for (number, addresses) in each {
                for address in addresses {
                    *letters.entry((*number, address.clone())).or_default() += 1;
                }
            }
        }
        letters
    }
}
