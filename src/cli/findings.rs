//! What the checks found, shown.

use super::console::Console;
use super::words;
use crate::fault::Fault;

/// The most findings that are shown one by one.
const MOST_SHOWN: usize = 100;
/// The most recipients that are named in one finding.
const MOST_NAMED: usize = 5;

/// Shows findings one after the other; the same finding for several recipients is shown once.
pub(super) fn show(findings: &[Fault], console: &Console) {
    let mut groups: Vec<(Fault, Vec<&str>)> = Vec::new();
    for finding in findings {
        let mut same = finding.clone();
        same.id = None;
        let ids = finding.id.as_deref();
        match groups
            .iter_mut()
            .rev()
            .take(MOST_SHOWN)
            .find(|(other, _)| *other == same)
        {
            Some((_, together)) => together.extend(ids),
            None => groups.push((same, ids.into_iter().collect())),
        }
    }
    for (mut finding, ids) in groups.iter().take(MOST_SHOWN).cloned() {
        finding.id = match ids.len() {
            0 => None,
            1..=MOST_NAMED => Some(ids.join(", ")),
            more => Some(format!(
                "{} and {} more",
                ids[..MOST_NAMED].join(", "),
                more - MOST_NAMED
            )),
        };
        console.finding(&finding);
    }
    if groups.len() > MOST_SHOWN {
        let more = (groups.len() - MOST_SHOWN) as u64;
        console.error(&format!(
            "and {} more findings; --json lists all",
            words::count(more)
        ));
    }
}
