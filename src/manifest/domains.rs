//! Domains that are well formed and perhaps not meant: slips of the keyboard, private mailboxes,
//! and domains that the batch file rules out.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use super::columns::Columns;
use super::near::{HOSTS, SHORTEST_HOST, is_near, letters, slip};
use super::recipients::{Groups, Recipient};
use super::{Findings, Table};
use crate::address::{Address, parse_list};
use crate::config::{DomainName, ManifestConfig};
use crate::finding::Finding;

/// A domain that so many recipients have is one that is meant.
const COMMON: u32 = 3;
/// Common domains that rare ones are compared with, the most common first.
const MOST_COMPARED: usize = 200;
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
struct Used {
    text: String,
    recipients: u32,
    first: At,
}

/// What of an address is counted.
type Part = fn(&Address) -> String;

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
    // One after the other, so that they are not in memory together.
    let uses = domains.uses(|address| address.domain().to_ascii_lowercase());
    domains.near_misses(&uses, findings);
    domains.private(&uses, findings);
    drop(uses);
    domains.many_letters(&domains.uses(Address::folded), findings);
}

struct Domains<'a> {
    table: &'a Table,
    columns: &'a Columns,
    groups: &'a Groups,
}

/// Where each domain or address stands. There may be a million of them: their hashes are kept, in order, and what
/// is asked for is read once more.
struct Uses<'a> {
    domains: &'a Domains<'a>,
    part: Part,
    all: Vec<(u64, At)>,
}

impl Uses<'_> {
    /// Those that so many recipients use.
    fn of(&self, is_enough: impl Fn(u32) -> bool) -> impl Iterator<Item = Used> {
        let same = self.all.chunk_by(|one, other| one.0 == other.0);
        same.filter_map(move |same| {
            let recipients = recipients(same);
            let (hash, first) = same[0];
            let text = is_enough(recipients).then(|| self.text(hash, first))??;
            Some(Used {
                text,
                recipients,
                first,
            })
        })
    }

    /// How often this one is used.
    fn get(&self, text: &str) -> Option<Used> {
        let sought = hash(text);
        let start = self.all.partition_point(|(hash, _)| *hash < sought);
        let end = self.all.partition_point(|(hash, _)| *hash <= sought);
        let same = &self.all[start..end];
        Some(Used {
            text: text.to_owned(),
            recipients: recipients(same),
            first: same.first()?.1,
        })
    }

    fn text(&self, sought: u64, at: At) -> Option<String> {
        let cell = self.domains.table.cell(at.row as usize, at.column as usize);
        let mailboxes = parse_list(cell).unwrap_or_default().into_iter();
        let mut texts = mailboxes.map(|mailbox| (self.part)(&mailbox.address));
        texts.find(|text| hash(text) == sought)
    }
}

/// How many recipients one domain or address has.
fn recipients(same: &[(u64, At)]) -> u32 {
    let recipients = same.chunk_by(|one, other| one.1.recipient == other.1.recipient);
    narrow(recipients.count())
}

/// The same in every run, so that findings come in the same order.
fn hash(text: &str) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(text)
}

impl<'a> Domains<'a> {
    fn recipient(&self, index: usize) -> Recipient<'a> {
        Recipient {
            table: self.table,
            columns: self.columns,
            rows: self.groups.rows(index),
        }
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

    /// How often something of the addresses is used.
    fn uses(&'a self, part: Part) -> Uses<'a> {
        let mut all = Vec::with_capacity(self.groups.row_order.len());
        self.each(|at, address| all.push((hash(&part(address)), at)));
        all.sort_unstable();
        Uses {
            domains: self,
            part,
            all,
        }
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
    fn near_misses(&self, uses: &Uses<'_>, findings: &mut Findings) {
        let mut common: Vec<Used> = uses.of(|recipients| recipients >= COMMON).collect();
        common.sort_unstable_by(|a, b| {
            let more = b.recipients.cmp(&a.recipients);
            more.then_with(|| a.text.cmp(&b.text))
        });
        common.truncate(MOST_COMPARED);
        let hosts = HOSTS
            .iter()
            .copied()
            .filter(|host| host.len() >= SHORTEST_HOST);
        let meant: Vec<(&str, u32)> = common
            .iter()
            .map(|used| used.text.as_str())
            .chain(hosts)
            .map(|domain| (domain, letters(domain)))
            .collect();
        for used in uses.of(|_| true) {
            let domain = used.text.as_str();
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

    /// Private mailboxes, where most are not.
    fn private(&self, uses: &Uses<'_>, findings: &mut Findings) {
        let hosts: Vec<Used> = HOSTS.iter().filter_map(|host| uses.get(host)).collect();
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

    fn many_letters(&self, addresses: &Uses<'_>, findings: &mut Findings) {
        for used in addresses.of(|recipients| recipients > MANY_LETTERS) {
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
