//! Letters made to be checked.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use super::attached::{AttachmentTemplate, Gathered, Purpose};
use super::attachment::PUT_THERE;
use super::evidence::Other;
use super::missing::Search;
use super::proof::Proof;
use super::text::DERIVED_TEXT;
use super::unclaimed::unclaimed;
use super::watch::{OFTEN, PATIENCE};
use super::{Letter, Letters};
use crate::config::{Batch, Missing, Secrets};
use crate::contain;
use crate::finding::{Finding, quote};
use crate::manifest::Manifest;
use crate::secret::Secret;

/// A letter that was made to be checked.
#[derive(Debug)]
pub struct Checked {
    /// The letter, or the findings that keep it from going.
    pub letter: Result<Letter, Vec<Finding>>,
    /// What the proofs found of each attachment that was found.
    pub proofs: Vec<Proof>,
    /// Warnings about a letter that may go.
    pub warnings: Vec<Finding>,
    /// The files that it claims, for [`Letters::unclaimed`].
    pub claims: Vec<u64>,
    /// The files that are not there, as the batch file names them.
    pub missing: Vec<String>,
}

impl Letters {
    /// Warnings about recipients that get no letter, or are named alike.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
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
            findings.extend(self.looked_over(index, letter));
            findings.extend(self.without_text(letter));
            findings.extend(shown_password(letter, &gathered.passwords));
        }
        let letter = match letter {
            Ok(letter) if !findings.iter().any(Finding::is_fault) => Ok(letter),
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
            missing: gathered.missing,
        }
    }

    /// The fault of a letter whose text alternative cannot be made. It is made anew where it is wanted:
    /// to keep all of them takes more memory than a large batch may.
    fn without_text(&self, letter: &Letter) -> Option<Finding> {
        let derive = || contain::panics(|| letter.text().len());
        let made = self.templates.watch.over(&letter.id, DERIVED_TEXT, derive);
        made.is_err().then(|| {
            Finding::fault(
                "no plain text can be made of the letter",
                "correct the markup of the template, or name a [letter] text of your own",
            )
            .file(self.templates.bodies.shown())
            .id(&letter.id)
        })
    }

    /// Says of missing files, each with the letter that lacks it and as the batch file names it, which
    /// file of the folder shows the recipient, where no name of a file says it. The claims are sorted.
    pub fn find_missing(
        &self,
        missing: &[(usize, String)],
        claims: &[u64],
        findings: &mut [Finding],
    ) {
        let mut search = Search::new(self, claims);
        for (index, written) in missing {
            let id = self.id(*index);
            let finding = findings.iter_mut().find(|fault| {
                fault.next_step == PUT_THERE
                    && fault.id.as_deref() == Some(id)
                    && fault.file.as_ref() == Some(written)
            });
            if let Some(fault) = finding
                && let Some(next_step) = search.file_for(*index, written)
            {
                fault.next_step = next_step;
            }
        }
        self.end_checks();
    }

    /// Ends what only the checks need.
    pub fn end_checks(&self) {
        self.readers.end();
    }

    /// Notices about files in the attachments' folders that are none of the claimed ones. The claims
    /// are sorted.
    #[must_use]
    pub fn unclaimed(&self, claims: &[u64]) -> Vec<Finding> {
        let templates = self
            .plan
            .attachments
            .iter()
            .map(AttachmentTemplate::written);
        unclaimed(&self.plan.place(), templates, claims)
    }

    /// Leaves out the recipients that lack a file without which the batch file skips them.
    pub(super) fn without_skipped(self) -> Result<Self, Vec<Finding>> {
        let mut templates = self.plan.attachments.iter();
        if !templates.any(AttachmentTemplate::may_be_missing) {
            return Ok(self);
        }
        let (mut letters, skipped) = self.find_skipped()?;
        if skipped.places.len() == letters.manifest.len() {
            return Err(vec![Finding::fault(
                "no recipient has an attachment, so there is no letter",
                "correct [[attachment]] path, or put the files there",
            )]);
        }
        letters.manifest.leave_out(&skipped.places);
        let places = 0..u32::try_from(letters.manifest.len()).unwrap_or(u32::MAX);
        let has_files = |place: &u32| skipped.places.binary_search(place).is_err();
        letters.chosen = Some(places.filter(has_files).collect());
        letters.findings.extend(skipped.warnings);
        Ok(letters)
    }

    /// Finds the recipients that lack a file without which the batch file skips them.
    fn find_skipped(self) -> Result<(Self, Skipped), Vec<Finding>> {
        // A path template may loop for ever as any other one.
        let letters = Arc::new(self);
        let (found_tx, found_rx) = mpsc::channel();
        let theirs = Arc::clone(&letters);
        thread::spawn(move || {
            let found = theirs.skipped();
            drop(theirs);
            // Nobody waits any more for what took too long.
            let _ = found_tx.send(found);
        });
        let mut waited = Duration::ZERO;
        let found = loop {
            letters.tick(waited);
            match found_rx.recv_timeout(OFTEN) {
                Ok(found) => break found,
                Err(RecvTimeoutError::Timeout) => waited += OFTEN,
                Err(RecvTimeoutError::Disconnected) => break Err(vec![not_made()]),
            }
            if let Some(stuck) = letters.stuck(PATIENCE, waited) {
                return Err(vec![stuck.finding()]);
            }
        };
        let letters = Arc::into_inner(letters).ok_or_else(|| vec![not_made()])?;
        Ok((letters, found?))
    }

    /// The recipients that lack their files, with a warning for each.
    fn skipped(&self) -> Result<Skipped, Vec<Finding>> {
        let mut skipped = Skipped::default();
        let mut faults = Vec::new();
        for index in 0..self.manifest.len() {
            let place = u32::try_from(index).unwrap_or(u32::MAX);
            match self.missing(index, place) {
                Ok(None) => {}
                Ok(Some(warning)) => {
                    skipped.places.push(place);
                    skipped.warnings.push(warning);
                }
                Err(fault) => faults.push(fault),
            }
        }
        if faults.is_empty() {
            Ok(skipped)
        } else {
            Err(faults)
        }
    }

    /// The warning about a recipient who gets no letter.
    fn missing(&self, index: usize, place: u32) -> Result<Option<Finding>, Finding> {
        let recipient = self.manifest.recipient(index);
        let context = self.context(&recipient);
        let owner = self.for_one(place, recipient.id(), &context);
        let templates = self.plan.attachments.iter();
        for template in templates.filter(|template| template.may_be_missing()) {
            let paths = template.paths(&self.plan.folder, &owner)?;
            let is_missing = |path: &String| {
                let looked_up = std::fs::symlink_metadata(self.plan.folder.join(path));
                looked_up.is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
            };
            if paths.iter().all(is_missing) {
                return Ok(Some(
                    Finding::warning(
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

/// The places in the list of those who lack a file without which the batch file skips them.
///
/// # Errors
/// When it cannot be found out, since the letters of the batch cannot be made any more.
pub(crate) fn without_files(batch: &Batch, secrets: &Secrets) -> Result<Vec<u32>, Vec<Finding>> {
    let mut attachments = batch.attachments.iter();
    if !attachments.any(|config| config.missing == Missing::Skip) {
        return Ok(Vec::new());
    }
    let (manifest, findings) = Manifest::read(batch);
    let manifest = manifest.ok_or(findings)?;
    let letters = Letters::of_all(batch, secrets, manifest, None)?;
    letters.find_skipped().map(|(_, skipped)| skipped.places)
}

/// The recipients that get no letter, since a file is missing.
#[derive(Debug, Default)]
struct Skipped {
    /// Their places in the list, in order.
    places: Vec<u32>,
    warnings: Vec<Finding>,
}

/// The warning about a letter that gives away what its attachment is locked with.
fn shown_password(letter: &Letter, passwords: &[Secret]) -> Option<Finding> {
    /// What is shorter may stand in any text.
    const SHORTEST: usize = 4;
    let texts = [letter.html.as_deref(), letter.own_text.as_deref()];
    let shows = |password: &str| {
        let mut texts = texts.into_iter().flatten().chain([letter.subject.as_str()]);
        texts.any(|text| text.contains(password))
    };
    let given_away = passwords
        .iter()
        .map(Secret::expose)
        .any(|password| password.chars().count() >= SHORTEST && shows(password));
    given_away.then(|| {
        Finding::warning(
            "the letter shows the password that its attachment is locked with",
            "tell it to the recipient in another way: who reads the letter can open the report",
        )
        .id(&letter.id)
    })
}

fn not_made() -> Finding {
    Finding::fault(
        "the paths of the attachments could not be made",
        "run the same command again",
    )
    .file("[[attachment]] path")
}
