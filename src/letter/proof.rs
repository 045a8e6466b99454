//! The proof that a PDF belongs to its recipient.
//!
//! It is against mistakes, not against whoever makes the PDF. Each verdict is about one attachment;
//! what only all letters together show is found in `plan`.

use super::evidence::{Other, OwnSign, RecipientIndex, can_prove, number_of, wording_of};
use super::pdf::{Contents, Text, Why};
use super::wording::Wording;
use crate::config::Unreadable;
use crate::finding::{Finding, quote};
use crate::manifest::Manifest;

/// What the proofs found of one attachment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Nothing was asked of it.
    #[default]
    Unasked,
    /// It shows what is this recipient's alone: the name, the id, or a text that it must show.
    Confirmed,
    /// It shows the name or the id of another recipient.
    Contradicted,
    /// It shows nothing that tells this recipient from another.
    Ambiguous,
    /// It was read, and shows neither the recipient nor any other.
    Silent,
    /// It cannot be read, or not well enough.
    Unreadable,
}

impl Verdict {
    /// The word for JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Unasked => "unasked",
            Self::Confirmed => "confirmed",
            Self::Contradicted => "contradicted",
            Self::Ambiguous => "ambiguous",
            Self::Silent => "silent",
            Self::Unreadable => "unreadable",
        }
    }
}

/// What the proofs found of an attachment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proof {
    /// How many pages it has, if it was opened.
    pub pages: Option<u32>,
    /// The verdict, as far as one letter shows it.
    pub verdict: Verdict,
    /// The other recipients that it shows.
    pub others: Vec<Other>,
    /// Others that it may show: by a number that may be any figure, or a word that may be any.
    pub perhaps: Vec<Other>,
    /// Whether it shows the recipient's own name or id, and nobody else has that.
    pub is_own: bool,
    /// Numbers of the texts that it must show, each of which confirms it if no other letter's
    /// attachment has the same.
    pub conditions: Vec<u64>,
    /// The file as the batch file names it for this recipient, and for all.
    pub file: String,
    /// The path template of the batch file.
    pub template: String,
}

impl Proof {
    /// Whether there is more to say than that it is confirmed, or was not asked.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !(self.others.is_empty() && self.perhaps.is_empty())
            || matches!(
                self.verdict,
                Verdict::Contradicted | Verdict::Ambiguous | Verdict::Silent
            )
    }
}

/// What is asked of an attachment, in the words of one recipient.
#[derive(Debug, Default)]
pub(super) struct Asked<'a> {
    pub pages: Option<u32>,
    pub must_contain: Vec<MustContain>,
    pub must_not_contain: Vec<String>,
    /// What may be shown of others.
    pub may_show: Vec<String>,
    pub unreadable: Unreadable,
    pub wants_text: bool,
    /// Where the names of others are looked for.
    pub evidence: Option<&'a RecipientIndex>,
}

/// A text that an attachment must show.
#[derive(Debug)]
pub(super) struct MustContain {
    pub text: String,
    /// Whether it is written with a value of the recipient, and may so be this recipient's alone.
    pub is_theirs: bool,
}

/// Whose attachment it is.
#[derive(Clone, Copy)]
pub(super) struct Owner<'a> {
    pub manifest: &'a Manifest,
    pub index: u32,
}

impl Proof {
    /// Asks a PDF that was read. What is found against it is added to `findings`, without place and recipient.
    pub(super) fn of(
        asked: &Asked<'_>,
        owner: Owner<'_>,
        read: &Contents,
        findings: &mut Vec<Finding>,
    ) -> Self {
        let mut proof = Self {
            pages: read.pages,
            ..Self::default()
        };
        if let (Some(wanted), Some(pages)) = (asked.pages, read.pages)
            && wanted != pages
        {
            findings.push(Finding::warning(
                format!("the PDF has {}, not {wanted}", in_pages(pages)),
                "see whether the report is complete, or correct [[attachment]] pages",
            ));
        }
        match &read.text {
            Ok(text) if asked.wants_text => {
                let shown = Wording::of(&text.shown);
                if text.is_scan && !names_somebody(asked, owner, &shown) {
                    proof.verdict = Verdict::Unreadable;
                    findings.push(unreadable(asked.unreadable, Why::NoText));
                    if let Some(evidence) = asked.evidence {
                        look_behind(evidence, owner, text, &[], findings);
                    }
                    return proof;
                }
                proof.ask_for_texts(asked, text, &shown, findings);
                if let Some(evidence) = asked.evidence {
                    proof.weigh(asked, evidence, owner, text, &shown, findings);
                    look_behind(evidence, owner, text, &proof.others, findings);
                } else if proof.verdict == Verdict::Unasked && !asked.must_contain.is_empty() {
                    proof.verdict = Verdict::Ambiguous;
                }
            }
            Ok(_) => {}
            Err(why) => {
                proof.verdict = Verdict::Unreadable;
                findings.push(unreadable(asked.unreadable, *why));
            }
        }
        proof
    }

    /// The texts that it must show, and those that it must not.
    fn ask_for_texts(
        &mut self,
        asked: &Asked<'_>,
        read: &Text,
        shown: &Wording,
        findings: &mut Vec<Finding>,
    ) {
        for wanted in &asked.must_contain {
            let wording = Wording::of(&wanted.text);
            if shown.shows(&wording) {
                if wanted.is_theirs && can_prove(&wording) {
                    self.conditions.push(number_of(&wording));
                }
                continue;
            }
            if read.is_partial || shown.may_show(&wording) {
                self.verdict = Verdict::Unreadable;
                findings.push(weighed(
                    asked.unreadable,
                    format!(
                        "part of the PDF cannot be read, so it may show `{}` or not",
                        quote(&wanted.text)
                    ),
                ));
            } else if shown.has_words_of(&wording) {
                self.verdict = Verdict::Unreadable;
                findings.push(weighed(
                    asked.unreadable,
                    format!(
                        "the words of `{}` stand in the PDF, but not one after the other",
                        quote(&wanted.text)
                    ),
                ));
            } else {
                findings.push(Finding::fault(
                    format!("the PDF does not show `{}`", quote(&wanted.text)),
                    "put the right report there, or correct must_contain if the report writes it in another way",
                ));
            }
        }
        for unwanted in &asked.must_not_contain {
            if shown.shows(&Wording::of(unwanted)) {
                findings.push(Finding::fault(
                    format!("the PDF shows `{}`, which it must not", quote(unwanted)),
                    "put the right report there, or correct must_not_contain",
                ));
            }
        }
    }

    /// The recipients that it shows.
    fn weigh(
        &mut self,
        asked: &Asked<'_>,
        evidence: &RecipientIndex,
        owner: Owner<'_>,
        read: &Text,
        text: &Wording,
        findings: &mut Vec<Finding>,
    ) {
        let mut shown = evidence.shown(text, owner.index, owner.manifest);
        let allowed: Vec<_> = asked
            .may_show
            .iter()
            .map(|text| Wording::of(text))
            .collect();
        let is_allowed = |other: &Other| {
            let wording = wording_of(*other, owner.manifest);
            allowed.iter().any(|allowed| allowed.shows(&wording))
        };
        shown.others.retain(|other| !is_allowed(other));
        shown.perhaps.retain(|other| !is_allowed(other));
        self.is_own = shown.own >= OwnSign::Short;
        let verdict = if !shown.others.is_empty() {
            Verdict::Contradicted
        } else if self.is_own {
            Verdict::Confirmed
        } else if shown.own == OwnSign::Weak || !shown.perhaps.is_empty() {
            Verdict::Ambiguous
        } else {
            Verdict::Silent
        };
        self.others = shown.others;
        self.perhaps = shown.perhaps;
        if self.verdict == Verdict::Unreadable {
            return;
        }
        self.verdict = verdict;
        let recipient = owner.manifest.recipient(owner.index as usize);
        let may_be_own = || {
            [recipient.name(), recipient.id()]
                .iter()
                .any(|own| text.may_show(&Wording::of(own)))
        };
        if verdict == Verdict::Silent
            && self.conditions.is_empty()
            && (read.is_partial || may_be_own())
        {
            self.verdict = Verdict::Unreadable;
            findings.push(weighed(
                asked.unreadable,
                "part of the PDF cannot be read, and the rest shows neither the recipient's name nor the id".to_owned(),
            ));
        }
    }
}

/// Whether the title, a comment or another text beside pages without text names a recipient.
fn names_somebody(asked: &Asked<'_>, owner: Owner<'_>, text: &Wording) -> bool {
    asked.evidence.is_some_and(|evidence| {
        let shown = evidence.shown(text, owner.index, owner.manifest);
        shown.own >= OwnSign::Short || !shown.others.is_empty()
    })
}

/// What is in the file and no page shows.
fn look_behind(
    evidence: &RecipientIndex,
    owner: Owner<'_>,
    text: &Text,
    seen: &[Other],
    findings: &mut Vec<Finding>,
) {
    let mut others = |text: &str, what: &str, next_step: &str| {
        if text.is_empty() {
            return;
        }
        let shown = evidence.shown(&Wording::of(text), owner.index, owner.manifest);
        let other = shown
            .others
            .iter()
            .find(|other| seen.iter().all(|seen| seen.recipient != other.recipient));
        if let Some(other) = other {
            let recipient = owner.manifest.recipient(other.recipient as usize);
            findings.push(Finding::warning(
                format!(
                    "{what} of another recipient, {} `{}`",
                    quote(recipient.id()),
                    quote(recipient.name())
                ),
                next_step,
            ));
        }
    };
    others(
        &text.hidden,
        "text in the PDF that nobody sees tells",
        "make the report again without it: whoever searches the report or copies from it finds it",
    );
    others(
        &text.earlier,
        "the PDF was changed after it was made, and what it showed before tells",
        "save the report as a new file, by printing it into a PDF: the earlier one is still inside and can be taken out",
    );
    if !text.files.is_empty() {
        let files: Vec<_> = text.files.iter().map(|name| quote(name)).collect();
        findings.push(Finding::warning(
            format!(
                "files are inside the PDF, which nobody looked into: {}",
                files.join(", ")
            ),
            "see whether they are for this recipient, or make the report without them",
        ));
    }
    if text.has_second_pdf {
        findings.push(Finding::warning(
            "a second PDF is in the same file, which nobody looked into",
            "make the report again, so that the file holds nothing else",
        ));
    }
}

/// `1 page`, `9 pages`.
fn in_pages(pages: u32) -> String {
    match pages {
        1 => "1 page".to_owned(),
        _ => format!("{pages} pages"),
    }
}

/// An attachment that is asked for its text and is no PDF.
pub(super) fn not_a_pdf(severity: Unreadable) -> Finding {
    weighed(
        severity,
        "the attachment is no PDF, so its text cannot be looked at".to_owned(),
    )
}

fn unreadable(severity: Unreadable, why: Why) -> Finding {
    let text = match why {
        Why::Encrypted => "the PDF opens with a password only",
        Why::Damaged => "the PDF is damaged",
        Why::NoPages => "the PDF has no pages",
        Why::NoText => "the PDF has no text in it, as a scan has none",
        Why::Fonts => "the PDF does not say which letters its glyphs are",
        Why::TooMuch => "the PDF is larger, or takes more memory or time, than a report can",
        Why::NoReader => "the process that reads PDFs could not be started",
    };
    let mut fault = weighed(severity, format!("{text}: it cannot be read"));
    match why {
        Why::Damaged | Why::NoPages => "make the report again".clone_into(&mut fault.next_step),
        Why::NoReader => {
            "close other programs and run the same command again".clone_into(&mut fault.next_step);
        }
        _ => {}
    }
    fault
}

fn weighed(severity: Unreadable, text: String) -> Finding {
    match severity {
        Unreadable::Warn => Finding::warning(
            text,
            "look at the report yourself; unreadable = \"fault\" refuses such reports",
        ),
        Unreadable::Fault => Finding::fault(
            text,
            "make the report again with text that can be searched, or set unreadable = \"warn\"",
        ),
    }
}

#[cfg(test)]
mod tests;
