//! What the checks found, shown: findings of one cause together.

use super::console::Console;
use super::words;
use crate::finding::Finding;

/// The most findings that are shown one by one.
const MOST_SHOWN: usize = 100;
/// The most recipients that are named in one finding.
const MOST_NAMED: usize = 5;
/// Findings of one cause are shown one by one up to this number.
const FEW: usize = 3;

/// Shows findings one after the other; those of one cause are shown together, unless a person wants to
/// see each.
pub(super) fn show(findings: &[Finding], console: &Console) {
    let same = same(findings);
    let groups = if console.output.verbose {
        same.into_iter().map(|finding| vec![finding]).collect()
    } else {
        of_one_cause(same)
    };
    for group in groups.iter().take(MOST_SHOWN) {
        match group.as_slice() {
            [first, ..] if group.len() > FEW => console.finding(&together(first, group)),
            few => few.iter().for_each(|finding| console.finding(finding)),
        }
    }
    if groups.len() > MOST_SHOWN {
        let more = (groups.len() - MOST_SHOWN) as u64;
        console.error(&format!(
            "and {} more findings; --json lists all",
            words::count(more)
        ));
    }
}

/// The same finding for several recipients as one that names them.
fn same(findings: &[Finding]) -> Vec<Finding> {
    let mut groups: Vec<(Finding, Vec<&str>)> = Vec::new();
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
    let named = |(mut finding, ids): (Finding, Vec<&str>)| {
        finding.id = match ids.len() {
            0 => None,
            1..=MOST_NAMED => Some(ids.join(", ")),
            more => Some(format!(
                "{} and {} more",
                ids[..MOST_NAMED].join(", "),
                more - MOST_NAMED
            )),
        };
        finding
    };
    groups.into_iter().map(named).collect()
}

/// Findings by their cause: the one that they name, else what they say.
fn of_one_cause(findings: Vec<Finding>) -> Vec<Vec<Finding>> {
    let is_one = |one: &Finding, other: &Finding| {
        one.severity == other.severity
            && match (&one.cause, &other.cause) {
                (Some(one), Some(other)) => one == other,
                (None, None) => one.text == other.text && one.next_step == other.next_step,
                _ => false,
            }
    };
    let mut groups: Vec<Vec<Finding>> = Vec::new();
    for finding in findings {
        let mut recent = groups.iter_mut().rev().take(MOST_SHOWN);
        match recent.find(|group| is_one(&group[0], &finding)) {
            Some(group) => group.push(finding),
            None => groups.push(vec![finding]),
        }
    }
    groups
}

/// One finding for many of one cause, with the first few of them.
fn together(first: &Finding, group: &[Finding]) -> Finding {
    let number = words::count(group.len() as u64);
    let mut text = match &first.cause {
        Some(cause) => format!("{number} {cause}"),
        None => format!("{} ({number} times)", first.text),
    };
    for finding in group.iter().take(FEW) {
        let mut place = finding.place();
        if let Some(id) = &finding.id {
            place.push_str(&format!(" {id}"));
        }
        let what = match &first.cause {
            Some(_) => format!(": {}", finding.text),
            None => String::new(),
        };
        text.push_str(&format!("\n    {}{what}", place.trim()));
    }
    text.push_str(&format!(
        "\n    and {} more; -v shows each",
        words::count((group.len() - FEW) as u64)
    ));
    let mut together = first.clone();
    (together.file, together.row, together.column, together.id) = (None, None, None, None);
    together.text = text;
    together
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_findings_of_one_cause_are_one() {
        let missing = |id: u32| {
            Finding::fault("the attachment is missing", "put it there")
                .file(format!("reports/{id}.pdf"))
                .id(id.to_string())
                .same_cause("reports are missing")
        };
        let mut findings: Vec<Finding> = (1..=60).map(missing).collect();
        findings.push(Finding::notice("another thing", "look"));
        let groups = of_one_cause(same(&findings));
        assert_eq!(groups.len(), 2);
        let shown = words::fault(&together(&groups[0][0], &groups[0]));
        assert_eq!(
            shown,
            "fault: 60 reports are missing\n    \
             reports/1.pdf 1: the attachment is missing\n    \
             reports/2.pdf 2: the attachment is missing\n    \
             reports/3.pdf 3: the attachment is missing\n    \
             and 57 more; -v shows each\n  next: put it there"
        );
    }
}
