//! The proof that a PDF belongs to its recipient: confirmed, contradicted or unreadable.

use super::others::{Other, Others};
use super::pdf::{self, Contents, Text, Why};
use super::wording::Wording;
use crate::config::Unreadable;
use crate::fault::{Fault, quote};
use crate::manifest::Manifest;

/// What the proofs of a batch found of one attachment that may go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing was asked of it.
    #[default]
    Unasked,
    /// It shows the text it must show, or the recipient's own name or id.
    Confirmed,
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
    /// The verdict.
    pub verdict: Verdict,
    /// The other recipients that it shows.
    pub others: Vec<Other>,
    /// Whether it shows the recipient's own name or id.
    pub is_own: bool,
    /// The file as the batch file names it, where it shows others.
    pub file: String,
}

/// What is asked of an attachment, in the words of one recipient.
#[derive(Debug, Default)]
pub(super) struct Asked<'a> {
    pub pages: Option<u32>,
    pub must_contain: Vec<String>,
    pub must_not_contain: Vec<String>,
    pub unreadable: Unreadable,
    pub wants_text: bool,
    /// Where the names of others are looked for.
    pub others: Option<&'a Others>,
}

/// Whose attachment it is.
#[derive(Clone, Copy)]
pub(super) struct Owner<'a> {
    pub manifest: &'a Manifest,
    pub index: u32,
}

impl Proof {
    /// Asks a PDF; none is one that is too large to be read. What is found against it is added to `findings`, without place and recipient.
    pub(super) fn of(
        asked: &Asked<'_>,
        owner: Owner<'_>,
        contents: Option<&[u8]>,
        findings: &mut Vec<Fault>,
    ) -> Self {
        let read = contents.map_or(Contents::TOO_MUCH, |contents| {
            pdf::read(contents, asked.wants_text)
        });
        let mut proof = Self {
            pages: read.pages,
            ..Self::default()
        };
        if let (Some(wanted), Some(pages)) = (asked.pages, read.pages)
            && wanted != pages
        {
            findings.push(Fault::warning(
                format!("the PDF has {}, not {wanted}", in_pages(pages)),
                "see whether the report is complete, or correct [[attachment]] pages",
            ));
        }
        if read.mended && read.text.is_ok() {
            findings.push(weighed(
                asked.unreadable,
                "the PDF is damaged: its cross-references do not lead to its parts, and readers have to mend it".to_owned(),
            ));
        }
        match &read.text {
            Ok(text) if asked.wants_text => proof.ask(asked, owner, text, findings),
            Ok(_) => {}
            Err(why) => {
                proof.verdict = Verdict::Unreadable;
                findings.push(unreadable(asked.unreadable, *why));
            }
        }
        proof
    }

    fn ask(&mut self, asked: &Asked<'_>, owner: Owner<'_>, read: &Text, findings: &mut Vec<Fault>) {
        let text = Wording::of(&read.text);
        let mut confirmed = !asked.must_contain.is_empty();
        for wanted in &asked.must_contain {
            let wording = Wording::of(wanted);
            if text.shows(&wording) {
                continue;
            }
            confirmed = false;
            if read.in_pictures || text.may_show(&wording) {
                self.verdict = Verdict::Unreadable;
                findings.push(weighed(
                    asked.unreadable,
                    format!(
                        "part of the PDF cannot be read, so it may show `{}` or not",
                        quote(wanted)
                    ),
                ));
            } else {
                findings.push(Fault::new(
                    format!("the PDF does not show `{}`", quote(wanted)),
                    "put the right report there, or correct must_contain if the report writes it in another way",
                ));
            }
        }
        for unwanted in &asked.must_not_contain {
            if text.shows(&Wording::of(unwanted)) {
                findings.push(Fault::new(
                    format!("the PDF shows `{}`, which it must not", quote(unwanted)),
                    "put the right report there, or correct must_not_contain",
                ));
            }
        }
        let recipient = owner.manifest.recipient(owner.index as usize);
        self.is_own =
            text.shows(&Wording::of(recipient.name())) || text.shows(&Wording::of(recipient.id()));
        if let Some(others) = asked.others {
            self.others = others.shown(&text, owner.index, owner.manifest);
        }
        if self.verdict != Verdict::Unreadable {
            self.verdict = if confirmed || self.is_own {
                Verdict::Confirmed
            } else {
                Verdict::Silent
            };
        }
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
pub(super) fn not_a_pdf(severity: Unreadable) -> Fault {
    weighed(
        severity,
        "the attachment is no PDF, so its text cannot be looked at".to_owned(),
    )
}

fn unreadable(severity: Unreadable, why: Why) -> Fault {
    let text = match why {
        Why::Encrypted => "the PDF opens with a password only",
        Why::Damaged => "the PDF is damaged",
        Why::NoPages => "the PDF has no pages",
        Why::NoText => "the PDF has no text in it, as a scan has none",
        Why::Fonts => "the PDF does not say which letters its glyphs are",
        Why::TooMuch => "the PDF is larger, or unpacks to more, than a report can be",
    };
    let mut fault = weighed(severity, format!("{text}: it cannot be read"));
    if matches!(why, Why::Damaged | Why::NoPages) {
        "make the report anew".clone_into(&mut fault.next_step);
    }
    fault
}

fn weighed(severity: Unreadable, text: String) -> Fault {
    match severity {
        Unreadable::Warn => Fault::warning(
            text,
            "look at the report yourself; unreadable = \"fault\" refuses such reports",
        ),
        Unreadable::Fault => Fault::new(
            text,
            "make the report anew with text that can be searched, or set unreadable = \"warn\"",
        ),
    }
}
