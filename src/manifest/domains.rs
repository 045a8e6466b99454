//! Domains that are well formed and perhaps not meant: slips of the keyboard, private mailboxes,
//! and domains that the batch file rules out.

use super::columns::Columns;
use super::near::{HOSTS, SHORTEST_HOST, is_near, letters, slip};
use super::recipients::{Groups, Recipient};
use super::{Findings, Table};
use crate::address::{Address, parse_list};
use crate::config::{DomainName, ManifestConfig};
use crate::finding::{Finding, quote};

/// A domain that so many recipients have is one that is meant.
const COMMON: u32 = 3;
/// Common domains that rare ones are compared with, the most common first.
const MOST_COMPARED: usize = 200;
/// More domains of one recipient are not compared with each other.
const MOST_OF_ONE: usize = 50;
/// An address in the letters of more recipients than this is reported.
const MANY_LETTERS: u32 = 5;

/// Where an address stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct At {
    recipient: u32,
    row: u32,
    column: u32,
}

/// How often a domain or an address is used.
struct Used<'a> {
    text: &'a str,
    recipients: u32,
    first: At,
}

/// Looks at the domains of all addresses.
pub(super) fn check(
    table: &Table,
    columns: &Columns,
    groups: &Groups,
    config: &ManifestConfig,
    findings: &mut Findings,
) {
    let domains = Domains {
        table,
        columns,
        groups,
    };
    domains.ruled_out(config, findings);
    let addresses = domains.addresses();
    // The same places, in another order: so they are in memory once.
    let uses = addresses.by(domain_of);
    domains.near_misses(&uses, findings);
    domains.near_each_other(&uses, findings);
    domains.private(&uses, findings);
    let addresses = uses.by(whole);
    domains.shared(&addresses, findings);
    domains.many_letters(&addresses, findings);
}

struct Domains<'a> {
    table: &'a Table,
    columns: &'a Columns,
    groups: &'a Groups,
}

/// Where each address stands, by what counts of it. There may be a million of them: they lie one after the other, in
/// lower case, for what many small texts take stays with the process.
struct Uses {
    texts: String,
    /// By what counts, then by place.
    all: Vec<Use>,
    part: Part,
}

/// What counts of an address.
type Part = fn(&str) -> &str;

fn whole(address: &str) -> &str {
    address
}

fn domain_of(address: &str) -> &str {
    address.split_once('@').map_or("", |(_, domain)| domain)
}

struct Use {
    start: u32,
    end: u32,
    at: At,
}

impl Use {
    fn text<'a>(&self, texts: &'a str, part: Part) -> &'a str {
        part(&texts[self.start as usize..self.end as usize])
    }
}

impl Uses {
    /// The same, by something else of the addresses.
    fn by(mut self, part: Part) -> Self {
        self.all
            .sort_unstable_by_key(|one| (one.text(&self.texts, part), one.at));
        self.part = part;
        self
    }

    fn text(&self, one: &Use) -> &str {
        one.text(&self.texts, self.part)
    }

    /// The places of each.
    fn of_each(&self) -> impl Iterator<Item = &[Use]> {
        self.all
            .chunk_by(|one, other| self.text(one) == self.text(other))
    }

    /// All of them.
    fn each(&self) -> impl Iterator<Item = Used<'_>> {
        self.of_each().filter_map(|same| self.used(same))
    }

    /// Where the recipients that have it in one column do, for each.
    fn in_column(&self, column: usize) -> impl Iterator<Item = (&str, Vec<At>)> {
        self.of_each().filter_map(move |same| {
            let mut there: Vec<At> = same.iter().map(|one| one.at).collect();
            there.retain(|at| at.column as usize == column);
            there.dedup_by_key(|at| at.recipient);
            Some((self.text(same.first()?), there))
        })
    }

    /// How often this one is used.
    fn get(&self, text: &str) -> Option<Used<'_>> {
        let start = self.all.partition_point(|one| self.text(one) < text);
        let end = self.all.partition_point(|one| self.text(one) <= text);
        self.used(&self.all[start..end])
    }

    fn used(&self, same: &[Use]) -> Option<Used<'_>> {
        let first = same.first()?;
        let recipients = same.chunk_by(|one, other| one.at.recipient == other.at.recipient);
        Some(Used {
            text: self.text(first),
            recipients: narrow(recipients.count()),
            first: first.at,
        })
    }
}

impl<'a> Domains<'a> {
    fn recipient(&self, index: usize) -> Recipient<'a> {
        self.groups.recipient(self.table, self.columns, index)
    }

    /// Adds the place of a finding.
    fn at(&self, first: At, fault: Finding) -> Finding {
        fault
            .row(self.table.number(first.row as usize))
            .column(&self.table.headers()[first.column as usize])
            .id(self.recipient(first.recipient as usize).id())
    }

    /// Goes through all addresses, recipient by recipient.
    fn each(&self, mut visit: impl FnMut(At, &Address)) {
        let Columns { to, cc, bcc, .. } = self.columns;
        for recipient in 0..narrow(self.groups.ends.len()) {
            for &row in self.groups.rows(recipient as usize) {
                for &column in to.iter().chain(cc).chain(bcc) {
                    let at = At {
                        recipient,
                        row,
                        column: narrow(column),
                    };
                    let cell = self.table.cell(row as usize, column);
                    for mailbox in parse_list(cell).unwrap_or_default() {
                        visit(at, &mailbox.address);
                    }
                }
            }
        }
    }

    /// Where each address stands.
    fn addresses(&self) -> Uses {
        let mut uses = Uses {
            texts: String::new(),
            all: Vec::with_capacity(self.groups.row_order.len()),
            part: whole,
        };
        self.each(|at, address| {
            let start = narrow(uses.texts.len());
            uses.texts.push_str(address.as_str());
            let end = narrow(uses.texts.len());
            uses.all.push(Use { start, end, at });
        });
        uses.texts.make_ascii_lowercase();
        uses
    }

    fn ruled_out(&self, config: &ManifestConfig, findings: &mut Findings) {
        if config.deny_domains.is_empty() && config.allow_domains.is_empty() {
            return;
        }
        self.each(|at, address| {
            if let Some(fault) = ruled_out(config, address) {
                findings.add(self.at(at, fault));
            }
        });
    }

    /// Domains of one recipient that are nearly a common one or a known host, and endings that do
    /// not exist.
    fn near_misses(&self, uses: &Uses, findings: &mut Findings) {
        let common = uses.each().filter(|used| used.recipients >= COMMON);
        let mut common: Vec<Used<'_>> = common.collect();
        common.sort_unstable_by(|a, b| b.recipients.cmp(&a.recipients).then(a.text.cmp(b.text)));
        common.truncate(MOST_COMPARED);
        let hosts = HOSTS
            .iter()
            .copied()
            .filter(|host| host.len() >= SHORTEST_HOST);
        let meant: Vec<(&str, u32)> = common
            .iter()
            .map(|used| used.text)
            .chain(hosts)
            .map(|domain| (domain, letters(domain)))
            .collect();
        for used in uses.each() {
            let domain = used.text;
            if let Some(better) = slip(domain) {
                findings.add(self.at(
                    used.first,
                    near(domain, &better, "has an ending that no domain has"),
                ));
                continue;
            }
            let is_known = HOSTS.contains(&domain);
            if used.recipients > 1 || is_known {
                continue;
            }
            let own = letters(domain);
            let found = meant
                .iter()
                .find(|(meant, letters)| is_near(domain, own, meant, *letters));
            if let Some((meant, _)) = found {
                findings.add(self.at(used.first, near(domain, meant, "is used once")));
            }
        }
    }

    /// Two domains of one recipient that nobody else has and that are nearly the same: one of them may be a slip.
    fn near_each_other(&self, uses: &Uses, findings: &mut Findings) {
        let mut own: Vec<(u32, u32)> = Vec::new();
        let mut start = 0;
        for same in uses.of_each() {
            if same
                .iter()
                .all(|one| one.at.recipient == same[0].at.recipient)
            {
                own.push((same[0].at.recipient, narrow(start)));
            }
            start += same.len();
        }
        own.sort_unstable();
        for own in own.chunk_by(|one, other| one.0 == other.0) {
            let own = &own[..own.len().min(MOST_OF_ONE)];
            let domains: Vec<(&str, At)> = own
                .iter()
                .map(|(_, index)| &uses.all[*index as usize])
                .map(|one| (uses.text(one), one.at))
                .filter(|(domain, _)| slip(domain).is_none() && !HOSTS.contains(domain))
                .collect();
            for (index, (domain, at)) in domains.iter().enumerate() {
                let found = domains[..index]
                    .iter()
                    .find(|(other, _)| is_near(domain, letters(domain), other, letters(other)));
                if let Some((other, earlier)) = found {
                    let text = format!(
                        "`{domain}` and `{other}` are nearly the same, and only this recipient has them"
                    );
                    let next = "correct the address if one of them is a slip";
                    findings.add(self.at(*at.max(earlier), Finding::warning(text, next)));
                }
            }
        }
    }

    /// Private mailboxes, where most are not.
    fn private(&self, uses: &Uses, findings: &mut Findings) {
        let hosts: Vec<Used<'_>> = HOSTS.iter().filter_map(|host| uses.get(host)).collect();
        let private: u32 = hosts.iter().map(|used| used.recipients).sum();
        if private as usize * 2 > self.groups.ends.len() {
            return;
        }
        for used in hosts {
            let host = used.text;
            let text = match used.recipients {
                1 => format!("`{host}` is a host of private mailboxes"),
                more => format!(
                    "`{host}` is a host of private mailboxes; {more} recipients have one there, this is the first"
                ),
            };
            let next = "see whether the report may go there; deny_domains in [manifest] refuses such addresses";
            findings.add(self.at(used.first, Finding::warning(text, next)));
        }
    }

    /// Addresses of one recipient that another is written to as well. A column in which that is usual, as that of the
    /// leaders of several schools, is meant so.
    fn shared(&self, addresses: &Uses, findings: &mut Findings) {
        for &column in &self.columns.to {
            let (mut sharing, mut all) = (0, 0);
            for (_, there) in addresses.in_column(column) {
                all += there.len();
                sharing += if there.len() > 1 { there.len() } else { 0 };
            }
            if sharing * 2 >= all {
                continue;
            }
            for (address, there) in addresses.in_column(column) {
                // Of one that more of them have each letter is counted.
                let [first, second, ..] = there[..] else {
                    continue;
                };
                if there.len() > MANY_LETTERS as usize {
                    continue;
                }
                let [one, other] = [first, second].map(|at| self.recipient(at.recipient as usize));
                let text = format!(
                    "`{address}` gets the letter of {} `{}` and that of {} `{}`",
                    quote(one.id()),
                    quote(one.name()),
                    quote(other.id()),
                    quote(other.name()),
                );
                let next = "see whether it is the address of both: the proof is about reports, not about addresses";
                let notice = Finding::notice(text, next)
                    .same_cause("addresses are those of two recipients or more");
                findings.add(self.at(second, notice));
            }
        }
    }

    fn many_letters(&self, addresses: &Uses, findings: &mut Findings) {
        let addresses = addresses.each();
        for used in addresses.filter(|used| used.recipients > MANY_LETTERS) {
            let text = format!(
                "`{}` gets the letters of {} recipients",
                used.text, used.recipients
            );
            let next = "see whether one person is to have all of these";
            let fault = Finding::notice(text, next)
                .same_cause("addresses get the letters of many recipients");
            findings.add(self.at(used.first, fault));
        }
    }
}

/// A number of rows, columns or recipients: the bounds of a list keep them small.
fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn ruled_out(config: &ManifestConfig, address: &Address) -> Option<Finding> {
    let domain = address.domain().to_ascii_lowercase();
    let among = |domains: &[DomainName]| domains.iter().any(|entry| entry.covers(&domain));
    let (text, key) = if among(&config.deny_domains) {
        ("is in a domain that deny_domains names", "deny_domains")
    } else if !config.allow_domains.is_empty() && !among(&config.allow_domains) {
        ("is in no domain that allow_domains names", "allow_domains")
    } else {
        return None;
    };
    Some(Finding::fault(
        format!("`{}` {text}", address.folded()),
        format!("correct the address, or [manifest] {key}"),
    ))
}

fn near(domain: &str, better: &str, why: &str) -> Finding {
    Finding::warning(
        format!("`{domain}` {why}: is it `{better}`?"),
        "correct the address if it is a slip",
    )
}
