//! Domains that are well formed and perhaps not meant: slips of the keyboard, private mailboxes,
//! and domains that the batch file rules out.

use std::collections::BTreeMap;

use super::columns::Columns;
use super::near::{HOSTS, SHORTEST_HOST, is_near, letters, slip};
use super::recipients::{Groups, Recipient};
use super::{Findings, Table};
use crate::address::parse_list;
use crate::config::ManifestConfig;
use crate::fault::Fault;

/// A domain that so many recipients have is one that is meant.
const COMMON: u32 = 3;
/// Common domains that rare ones are compared with, the most common first.
const MOST_COMPARED: usize = 200;
/// An address in the letters of more recipients than this is told.
const MANY_LETTERS: u32 = 5;
/// Where a domain or an address was first seen.
#[derive(Clone, Copy)]
struct First {
    row: usize,
    column: usize,
    recipient: usize,
}

/// How often a domain or an address is used.
struct Used {
    recipients: u32,
    last: usize,
    first: First,
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
    let (used, addresses) = domains.gather(config, findings);
    domains.near_misses(&used, findings);
    domains.private(&used, findings);
    domains.many_letters(addresses, findings);
}

struct Domains<'a> {
    table: &'a Table,
    columns: &'a Columns,
    groups: &'a Groups,
}

type Uses = BTreeMap<Box<str>, Used>;

impl<'a> Domains<'a> {
    fn recipient(&self, index: usize) -> Recipient<'a> {
        Recipient {
            table: self.table,
            columns: self.columns,
            rows: self.groups.rows(index),
        }
    }

    /// Adds the place of a finding.
    fn at(&self, first: First, fault: Fault) -> Fault {
        fault
            .row(self.table.number(first.row))
            .column(&self.table.headers()[first.column])
            .id(self.recipient(first.recipient).id())
    }

    /// How often each domain and each address is used. Addresses that the batch file rules out are
    /// found on the way.
    fn gather(&self, config: &ManifestConfig, findings: &mut Findings) -> (Uses, Uses) {
        let (mut domains, mut addresses) = (Uses::new(), Uses::new());
        let Columns { to, cc, bcc, .. } = self.columns;
        for recipient in 0..self.groups.ends.len() {
            for &row in self.groups.rows(recipient) {
                for &column in to.iter().chain(cc).chain(bcc) {
                    let row = row as usize;
                    let cell = self.table.cell(row, column);
                    let first = First {
                        row,
                        column,
                        recipient,
                    };
                    for mailbox in parse_list(cell).unwrap_or_default() {
                        let address = mailbox.address.folded();
                        let domain = mailbox.address.domain().to_ascii_lowercase();
                        if let Some(fault) = ruled_out(config, &address, &domain) {
                            findings.add(self.at(first, fault));
                        }
                        count(&mut domains, domain, first);
                        count(&mut addresses, address, first);
                    }
                }
            }
        }
        (domains, addresses)
    }

    /// Domains of one recipient that are nearly a common one or a known host, and endings that do
    /// not exist.
    fn near_misses(&self, used: &Uses, findings: &mut Findings) {
        let mut common: Vec<(&str, u32)> = used
            .iter()
            .filter(|(_, used)| used.recipients >= COMMON)
            .map(|(domain, used)| (&**domain, used.recipients))
            .collect();
        common.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        common.truncate(MOST_COMPARED);
        let hosts = HOSTS
            .iter()
            .copied()
            .filter(|host| host.len() >= SHORTEST_HOST);
        let meant: Vec<(&str, u32)> = common
            .iter()
            .map(|(domain, _)| *domain)
            .chain(hosts)
            .map(|domain| (domain, letters(domain)))
            .collect();
        for (domain, used) in used {
            if let Some(better) = slip(domain) {
                findings.add(self.at(used.first, near(domain, &better, "ends as no domain does")));
                continue;
            }
            let is_known = HOSTS.contains(&&**domain);
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
    fn private(&self, used: &Uses, findings: &mut Findings) {
        let hosts = || {
            HOSTS
                .iter()
                .filter_map(|host| Some((*host, used.get(*host)?)))
        };
        let private: u32 = hosts().map(|(_, used)| used.recipients).sum();
        if private as usize * 2 > self.groups.ends.len() {
            return;
        }
        for (host, used) in hosts() {
            let text = match used.recipients {
                1 => format!("`{host}` is a host of private mailboxes"),
                more => format!(
                    "`{host}` is a host of private mailboxes; {more} recipients have one there, this is the first"
                ),
            };
            let next = "see whether the report may go there; deny_domains in [manifest] refuses such addresses";
            findings.add(self.at(used.first, Fault::warning(text, next)));
        }
    }

    fn many_letters(&self, addresses: Uses, findings: &mut Findings) {
        for (address, used) in addresses {
            if used.recipients > MANY_LETTERS {
                let text = format!(
                    "`{address}` gets the letters of {} recipients",
                    used.recipients
                );
                let next = "see whether one person is to have all of these";
                findings.add(self.at(used.first, Fault::notice(text, next)));
            }
        }
    }
}

fn count(all: &mut Uses, key: String, first: First) {
    let usage = all.entry(key.into()).or_insert(Used {
        recipients: 0,
        last: usize::MAX,
        first,
    });
    if usage.last != first.recipient {
        usage.last = first.recipient;
        usage.recipients += 1;
    }
}

fn ruled_out(config: &ManifestConfig, address: &str, domain: &str) -> Option<Fault> {
    let among = |domains: &[String]| {
        domains.iter().any(|entry| {
            let entry = entry.to_ascii_lowercase();
            domain
                .strip_suffix(&*entry)
                .is_some_and(|before| before.is_empty() || before.ends_with('.'))
        })
    };
    let (text, key) = if among(&config.deny_domains) {
        ("is in a domain that deny_domains names", "deny_domains")
    } else if !config.allow_domains.is_empty() && !among(&config.allow_domains) {
        ("is in no domain that allow_domains names", "allow_domains")
    } else {
        return None;
    };
    Some(Fault::new(
        format!("`{address}` {text}"),
        format!("correct the address, or [manifest] {key}"),
    ))
}

fn near(domain: &str, better: &str, why: &str) -> Fault {
    Fault::warning(
        format!("`{domain}` {why}: is it `{better}`?"),
        "correct the address if it is a slip",
    )
}
