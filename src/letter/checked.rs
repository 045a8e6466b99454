//! Letters made to be checked.

use super::attached::{AttachmentTemplate, Gathered, Purpose};
use super::others::Other;
use super::proof::Proof;
use super::remote::remote;
use super::unclaimed::unclaimed;
use super::{Letter, Letters};
use crate::fault::{Fault, quote};

/// A letter that was made to be checked.
#[derive(Debug)]
pub struct Checked {
    /// The letter, or the findings that keep it from going.
    pub letter: Result<Letter, Vec<Fault>>,
    /// What the proofs told of each attachment that was found.
    pub proofs: Vec<Proof>,
    /// Warnings about a letter that may go.
    pub warnings: Vec<Fault>,
    /// The files that it claims, for [`Letters::unclaimed`].
    pub claims: Vec<u64>,
}

impl Letters {
    /// Warnings about recipients that get no letter.
    #[must_use]
    pub fn findings(&self) -> &[Fault] {
        &self.findings
    }

    /// The name of a recipient by the place in the manifest, and the id.
    #[must_use]
    pub fn recipient_of(&self, other: &Other) -> (&str, &str) {
        let recipient = self.manifest.recipient(other.recipient as usize);
        (recipient.name(), recipient.id())
    }

    /// Makes one letter and proves that its attachments belong to it.
    #[must_use]
    pub fn check(&self, index: usize) -> Checked {
        let mut gathered = Gathered::default();
        let letter = self.letter(index, Purpose::Check, &mut gathered);
        let mut findings = gathered.findings;
        if let Ok(letter) = &letter {
            findings.extend(self.looked_over(letter));
        }
        let letter = match letter {
            Ok(letter) if !findings.iter().any(Fault::is_fault) => Ok(letter),
            Ok(_) => Err(std::mem::take(&mut findings)),
            Err(mut faults) => {
                faults.append(&mut findings);
                Err(faults)
            }
        };
        Checked {
            letter,
            proofs: gathered.proofs,
            warnings: findings,
            claims: gathered.claims,
        }
    }

    /// Warnings about what a letter's readers will be shown.
    fn looked_over(&self, letter: &Letter) -> Vec<Fault> {
        let mut warnings: Vec<Fault> =
            remote(&letter.html)
                .into_iter()
                .map(|what| {
                    Fault::warning(
                    format!("the letter loads something from elsewhere: {}", quote(&what)),
                    "leave it out, or put it into the letter: most mail programs do not show it, \
                     and where one does, the other server learns who reads the letter",
                )
                .file(self.templates.html.clone())
                .id(&letter.id)
                })
                .collect();
        let names = [&letter.to, &letter.cc, &letter.bcc].into_iter().flatten();
        let mut texts = names
            .filter_map(|mailbox| mailbox.name.as_ref())
            .chain([&letter.subject]);
        if let Some(text) = texts.find(|text| text.as_str().contains("=?")) {
            warnings.push(
                Fault::warning(
                    format!(
                        "the subject or a name holds `=?`, as encoded text does: `{}`",
                        quote(text.as_str())
                    ),
                    "write the text that is meant: it goes out letter for letter",
                )
                .id(&letter.id),
            );
        }
        warnings
    }

    /// Notices about files in the attachments' folders that are none of the claimed ones.
    #[must_use]
    pub fn unclaimed(&self, mut claims: Vec<u64>) -> Vec<Fault> {
        claims.sort_unstable();
        let templates = self
            .plan
            .attachments
            .iter()
            .map(AttachmentTemplate::written);
        unclaimed(&self.plan.place(), templates, &claims)
    }

    /// Leaves out the recipients that lack a file without which the batch file skips them.
    pub(super) fn without_skipped(mut self) -> Result<Self, Vec<Fault>> {
        if !self
            .plan
            .attachments
            .iter()
            .any(AttachmentTemplate::may_be_missing)
        {
            return Ok(self);
        }
        let mut chosen = Vec::new();
        let (mut warnings, mut faults) = (Vec::new(), Vec::new());
        for index in 0..self.manifest.len() {
            let place = u32::try_from(index).unwrap_or(u32::MAX);
            match self.missing(index, place) {
                Ok(None) => chosen.push(place),
                Ok(Some(warning)) => warnings.push(warning),
                Err(fault) => faults.push(fault),
            }
        }
        if chosen.is_empty() && faults.is_empty() {
            faults.push(Fault::new(
                "no recipient has an attachment, so there is no letter",
                "correct [[attachment]] path, or put the files there",
            ));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        self.chosen = Some(chosen);
        self.findings = warnings;
        Ok(self)
    }

    /// The warning about a recipient who gets no letter.
    fn missing(&self, index: usize, place: u32) -> Result<Option<Fault>, Fault> {
        let recipient = self.manifest.recipient(index);
        let context = self.context(&recipient);
        let owner = self.for_one(place, recipient.id(), &context);
        let templates = self.plan.attachments.iter();
        for template in templates.filter(|template| template.may_be_missing()) {
            let path = self.plan.folder.join(template.path(&owner)?);
            let looked_up = std::fs::symlink_metadata(path);
            if looked_up.is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound) {
                return Ok(Some(
                    Fault::warning(
                        "the attachment is missing, so this recipient gets no letter",
                        "put the file there if the recipient is to get one",
                    )
                    .file(quote(template.written()))
                    .id(recipient.id()),
                ));
            }
        }
        Ok(None)
    }
}
