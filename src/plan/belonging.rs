//! What only all letters together show: contents claimed twice, reports of other recipients, and texts
//! that are one recipient's alone.

use std::collections::{HashMap, HashSet};

use super::PlannedLetter;
use super::making::OpenProof;
use crate::finding::{Finding, quote};
use crate::letter::{Letters, Other, Proof, Verdict};

/// A name that stands in so many reports is one that reports mention, as long as each shows its own
/// recipient too.
const MENTIONED: usize = 5;
/// From so many reports on that show what may be others' figures, a finding is the same for all.
const MOST_FIGURES: usize = 5;

/// Weighs the proofs of all letters against each other: sets the verdicts of the entries that one
/// letter alone could not decide, and says what is found, each with the place of its letter.
pub(super) fn weigh(
    letters: &Letters,
    open: &[OpenProof],
    conditions: &mut [(u64, usize, u32)],
    entries: &mut [Option<PlannedLetter>],
) -> Vec<(usize, Finding)> {
    let proved = alone(conditions);
    let weighing = Weighing {
        letters,
        open,
        proved: &proved,
        shown: count(open, |proof| &proof.others),
        figures: open
            .iter()
            .filter(|one| !one.proof.perhaps.is_empty())
            .count(),
    };
    for (index, attachment) in &proved {
        set_verdict(entries, *index, *attachment, Verdict::Confirmed);
    }
    let swapped = weighing.swapped();
    let reported: HashSet<usize> = swapped.iter().flat_map(|pair| [pair.0, pair.1]).collect();
    let mut findings: Vec<(usize, Finding)> = swapped
        .iter()
        .map(|(one, other)| (open[*one].place, weighing.swap(&open[*one], &open[*other])))
        .collect();
    for (number, one) in open.iter().enumerate() {
        if reported.contains(&number) {
            continue;
        }
        let (verdict, found) = weighing.judge(one);
        set_verdict(entries, one.index, one.attachment, verdict);
        let id = letters.id(one.place);
        findings.extend(found.into_iter().map(|fault| (one.place, fault.id(id))));
    }
    findings
}

fn set_verdict(
    entries: &mut [Option<PlannedLetter>],
    index: usize,
    attachment: u32,
    verdict: Verdict,
) {
    let entry = entries.get_mut(index).and_then(Option::as_mut);
    let planned = entry.and_then(|entry| entry.attachments.get_mut(attachment as usize));
    if let Some(planned) = planned
        && planned.verdict != Verdict::Unreadable
    {
        planned.verdict = verdict;
    }
}

/// The attachments that show a text which no other letter's attachment has to show.
fn alone(conditions: &mut [(u64, usize, u32)]) -> HashSet<(usize, u32)> {
    conditions.sort_unstable();
    conditions
        .chunk_by(|one, next| one.0 == next.0)
        .filter(|same| same.iter().all(|one| one.1 == same[0].1))
        .flatten()
        .map(|(_, index, attachment)| (*index, *attachment))
        .collect()
}

fn count(open: &[OpenProof], of: impl Fn(&Proof) -> &Vec<Other>) -> HashMap<Other, usize> {
    let mut counts = HashMap::new();
    for other in open.iter().flat_map(|one| of(&one.proof)) {
        *counts.entry(*other).or_default() += 1;
    }
    counts
}

struct Weighing<'a> {
    letters: &'a Letters,
    open: &'a [OpenProof],
    /// The attachments that a text proves.
    proved: &'a HashSet<(usize, u32)>,
    /// In how many reports each other is shown.
    shown: HashMap<Other, usize>,
    /// How many reports show what may be another's figure.
    figures: usize,
}

impl Weighing<'_> {
    fn is_own(&self, one: &OpenProof) -> bool {
        one.proof.is_own || self.proved.contains(&(one.index, one.attachment))
    }

    /// Whether a report mentions another, as many do, beside its own recipient.
    fn mentions(&self, one: &OpenProof, other: Other) -> bool {
        self.is_own(one) && self.shown.get(&other) >= Some(&MENTIONED)
    }

    /// Pairs of reports of which each shows the other's recipient and not its own, by their numbers.
    fn swapped(&self) -> Vec<(usize, usize)> {
        let by_recipient: HashMap<(u32, u32), usize> = self
            .open
            .iter()
            .enumerate()
            .filter(|(_, one)| !one.proof.others.is_empty() && !self.is_own(one))
            .map(|(number, one)| ((self.letters.place(one.place), one.attachment), number))
            .collect();
        let shows = |number: usize, recipient: u32| {
            let mut others = self.open[number].proof.others.iter();
            others.any(|other| other.recipient == recipient)
        };
        let mut taken = HashSet::new();
        let mut pairs = Vec::new();
        for (number, one) in self.open.iter().enumerate() {
            let own = self.letters.place(one.place);
            let partner = one.proof.others.iter().find_map(|other| {
                let partner = *by_recipient.get(&(other.recipient, one.attachment))?;
                (shows(partner, own) && !taken.contains(&partner)).then_some(partner)
            });
            if let Some(partner) = partner
                && by_recipient.contains_key(&(own, one.attachment))
                && partner != number
                && !taken.contains(&number)
            {
                taken.extend([number, partner]);
                pairs.push((number, partner));
            }
        }
        pairs
    }

    fn swap(&self, one: &OpenProof, other: &OpenProof) -> Finding {
        let name = |place: usize| {
            let (name, id) = self.letters.recipient_of(&Other {
                recipient: self.letters.place(place),
                is_name: true,
            });
            format!("`{}` ({})", quote(name), quote(id))
        };
        let (first, second) = (name(one.place), name(other.place));
        Finding::fault(
            format!(
                "the reports of {first} and {second} are swapped: {} shows {second}, and {} shows {first}",
                one.proof.file, other.proof.file
            ),
            "swap the two files",
        )
        .file(&one.proof.file)
        .id(self.letters.id(one.place))
    }

    /// The verdict of one attachment, and what is found against it.
    fn judge(&self, one: &OpenProof) -> (Verdict, Vec<Finding>) {
        let proof = &one.proof;
        let mut findings = Vec::new();
        let mut verdict = proof.verdict;
        for others in by_recipient(&proof.others) {
            let text = format!("the PDF shows {}", self.what(&others));
            if others.iter().all(|other| self.mentions(one, *other)) {
                findings.push(
                    Finding::warning(
                        format!("{text}, beside its own recipient"),
                        "look at one of these reports; if it is right, write what it mentions into may_show of [[attachment]]",
                    )
                    .file(&proof.template),
                );
            } else {
                verdict = Verdict::Contradicted;
                findings.push(
                    Finding::fault(
                        text,
                        "put the right report there; if this is the right one and mentions the other, write that into may_show of [[attachment]]",
                    )
                    .file(&proof.file),
                );
            }
        }
        if !findings.is_empty() {
            let is_mention = findings.iter().all(|finding| !finding.is_fault());
            let verdict = if is_mention {
                Verdict::Confirmed
            } else {
                verdict
            };
            return (verdict, findings);
        }
        match verdict {
            Verdict::Ambiguous | Verdict::Silent | Verdict::Confirmed if self.is_own(one) => {
                (Verdict::Confirmed, self.figures_beside(proof))
            }
            Verdict::Ambiguous => (verdict, vec![self.ambiguous(proof)]),
            Verdict::Silent => (
                verdict,
                vec![
                    Finding::warning(
                        "the PDF shows neither the name nor the id of its recipient",
                        "look at the report, for it may be anybody's; let it show the name, or write a text that is this recipient's alone into must_contain of [[attachment]]",
                    )
                    .file(&proof.template),
                ],
            ),
            _ => (verdict, Vec::new()),
        }
    }

    /// Numbers beside the own name that are the ids of others, and seldom more than figures.
    fn figures_beside(&self, proof: &Proof) -> Vec<Finding> {
        let ids = proof.perhaps.iter().filter(|other| !other.is_name);
        let Some(first) = ids.into_iter().next() else {
            return Vec::new();
        };
        let what = if self.figures > MOST_FIGURES {
            "a number that is the id of another recipient".to_owned()
        } else {
            self.what(&[*first])
        };
        vec![
            Finding::warning(
                format!("the PDF shows {what}, beside its own recipient"),
                "see in one of these reports whether it is a figure; if it is, write it into may_show of [[attachment]] to hear no more of it",
            )
            .file(&proof.template),
        ]
    }

    fn ambiguous(&self, proof: &Proof) -> Finding {
        let text = match proof.perhaps.first() {
            Some(other) if self.figures <= MOST_FIGURES => format!(
                "the PDF shows nothing that is its recipient's alone, and {}",
                self.what(&[*other])
            ),
            Some(_) => "the PDF shows nothing that is its recipient's alone, and what may be another recipient's".to_owned(),
            None => "the PDF shows nothing that tells its recipient from another: others have the same name or id, or it may be any figure or word".to_owned(),
        };
        Finding::warning(
            text,
            "look at the report; let it show a name or an id of six digits that nobody else has, or write a text that is this recipient's alone into must_contain of [[attachment]]",
        )
        .file(&proof.template)
    }

    /// The name and the id of another recipient, as far as they are shown.
    fn what(&self, others: &[Other]) -> String {
        let Some(first) = others.first() else {
            return String::new();
        };
        let (name, id) = self.letters.recipient_of(first);
        let (name, id) = (quote(name), quote(id));
        let has = |is_name: bool| others.iter().any(|other| other.is_name == is_name);
        match (has(true), has(false)) {
            (true, true) => format!("the name `{name}` and the id {id} of another recipient"),
            (true, false) => format!("the name `{name}` of another recipient, {id}"),
            (false, _) => format!("the id {id} of another recipient, `{name}`"),
        }
    }
}

/// What is shown of each other recipient, in the order in which they come.
fn by_recipient(others: &[Other]) -> Vec<Vec<Other>> {
    let mut groups: Vec<Vec<Other>> = Vec::new();
    for other in others {
        let group = groups
            .iter_mut()
            .find(|group| group.iter().any(|one| one.recipient == other.recipient));
        match group {
            Some(group) => group.push(*other),
            None => groups.push(vec![*other]),
        }
    }
    groups
}

/// The same contents for two recipients are a report at the wrong school.
pub(super) fn claimed_twice(
    letters: &Letters,
    entries: &[Option<PlannedLetter>],
) -> Vec<(usize, Finding)> {
    // By letter and attachment: few bytes, for there may be many.
    let digest = |(letter, attachment): (u32, u32)| {
        let entry = entries[letter as usize].as_ref();
        entry.map(|entry| &entry.attachments[attachment as usize].sha256)
    };
    let mut claims: Vec<(u32, u32)> = Vec::with_capacity(entries.len());
    for (letter, entry) in (0_u32..).zip(entries) {
        let attachments = entry.iter().flat_map(|entry| &entry.attachments);
        for (place, attachment) in (0_u32..).zip(attachments) {
            if !attachment.shared {
                claims.push((letter, place));
            }
        }
    }
    claims.sort_unstable_by_key(|claim| (digest(*claim), *claim));
    let mut faults = Vec::new();
    for (first, second) in claims.iter().zip(claims.iter().skip(1)) {
        if digest(*first) == digest(*second) {
            let (first, second_letter) = (first.0 as usize, second.0 as usize);
            let mut fault = Finding::fault(
                format!(
                    "the attachment has the same contents as that of {}",
                    letters.id(first)
                ),
                "give each recipient its own file, or set shared = true for a file that goes to everyone",
            )
            .id(letters.id(second_letter));
            fault.file = digest(*second).and_then(|sha256| letters.file_of(second_letter, sha256));
            faults.push((second_letter, fault));
        }
    }
    faults
}
