//! From recipients to letters.

use std::path::PathBuf;
use std::time::Duration;

use super::attached::{AttachmentTemplate, For, Gathered, Purpose};
use super::attachment::Place;
use super::others::Others;
use super::own::OwnFiles;
use super::proof::Owner;
use super::sender::sender;
use super::subject;
use super::template::{self, Escape, Templates};
use super::values::Values;
use super::watch::Stuck;
use super::{Letter, rehearsal, text};
use crate::address::{Address, Mailbox};
use crate::config::{AttachmentConfig, Batch, Secrets};
use crate::digest::Sha256Digest;
use crate::fault::{Fault, quote};
use crate::manifest::{Addressees, Manifest, Recipient};

/// Makes the letters of a batch: the same code for check, preview and send.
#[derive(Debug)]
pub struct Letters {
    pub(super) manifest: Manifest,
    pub(super) templates: Templates,
    values: Values,
    pub(super) plan: LetterPlan,
    /// The recipients that get a letter, where some get none.
    pub(super) chosen: Option<Vec<u32>>,
    others: Option<Others>,
    /// Warnings about recipients that get no letter.
    pub(super) findings: Vec<Fault>,
}

/// What all letters of a batch share.
#[derive(Debug)]
pub(super) struct LetterPlan {
    /// The text of the batch file.
    pub batch: String,
    pub folder: PathBuf,
    allow_outside: bool,
    own: OwnFiles,
    pub from: Mailbox,
    pub reply_to: Option<Mailbox>,
    pub attachments: Vec<AttachmentTemplate>,
    size_limit: Option<u64>,
    pub redirect: Option<Address>,
}

impl LetterPlan {
    /// Where attachments may lie.
    pub fn place(&self) -> Place<'_> {
        Place {
            folder: &self.folder,
            allow_outside: self.allow_outside,
            own: &self.own,
        }
    }
}

impl Letters {
    /// Gets ready to make letters. With `redirect` every letter is a rehearsal to that address.
    ///
    /// # Errors
    /// Faults that concern all letters: no sender, templates that cannot be parsed or use values
    /// that no recipient has, no recipient left whose attachments are there.
    pub fn new(
        batch: &Batch,
        secrets: &Secrets,
        manifest: Manifest,
        redirect: Option<Address>,
    ) -> Result<Self, Vec<Fault>> {
        let sender = sender(batch, secrets);
        let values = Values::new(batch, manifest.headers());
        let templates = Templates::load(batch);
        match (sender, values, templates) {
            (Ok((from, reply_to)), Ok(values), Ok(templates)) => {
                let unknown = templates.unknown_values(&values.names());
                if !unknown.is_empty() {
                    return Err(unknown);
                }
                let others = batch
                    .attachments
                    .iter()
                    .any(AttachmentConfig::is_cross_checked)
                    .then(|| Others::of(&manifest));
                let own = OwnFiles::of(batch, secrets, &templates);
                Self {
                    manifest,
                    templates,
                    values,
                    plan: LetterPlan {
                        batch: batch.text.clone(),
                        folder: batch.folder.clone(),
                        allow_outside: batch.allow_outside,
                        own,
                        from,
                        reply_to,
                        attachments: batch
                            .attachments
                            .iter()
                            .enumerate()
                            .map(|(index, config)| AttachmentTemplate::of(index, config))
                            .collect(),
                        size_limit: batch.dispatch.size_limit(),
                        redirect,
                    },
                    chosen: None,
                    others,
                    findings: Vec::new(),
                }
                .without_skipped()
            }
            (sender, values, templates) => Err([sender.err(), values.err(), templates.err()]
                .into_iter()
                .flatten()
                .flatten()
                .collect()),
        }
    }

    /// How many letters there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.chosen.as_ref().map_or(self.manifest.len(), Vec::len)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn recipient(&self, index: usize) -> (u32, Recipient<'_>) {
        let place = self
            .chosen
            .as_ref()
            .map_or(index, |chosen| chosen[index] as usize);
        (
            u32::try_from(place).unwrap_or(u32::MAX),
            self.manifest.recipient(place),
        )
    }

    /// The recipient id of a letter.
    #[must_use]
    pub fn id(&self, index: usize) -> &str {
        self.recipient(index).1.id()
    }

    /// The From mailbox of every letter.
    #[must_use]
    pub fn from(&self) -> &Mailbox {
        &self.plan.from
    }

    /// The addresses that a letter goes to.
    #[must_use]
    pub fn addressees(&self, index: usize) -> Addressees {
        if let Some(to) = &self.plan.redirect {
            Addressees {
                to: vec![to.clone().into()],
                ..Addressees::default()
            }
        } else {
            self.recipient(index).1.addressees()
        }
    }

    /// Makes one letter; its attachments are read for their digests and not kept.
    ///
    /// # Errors
    /// Everything that is wrong with this letter.
    pub fn make(&self, index: usize) -> Result<Letter, Vec<Fault>> {
        self.letter(index, Purpose::Digest, &mut Gathered::default())
    }

    /// Makes one letter together with the contents of its attachments, each read once.
    ///
    /// # Errors
    /// Everything that is wrong with this letter.
    pub fn make_with_contents(&self, index: usize) -> Result<(Letter, Vec<Vec<u8>>), Vec<Fault>> {
        let mut gathered = Gathered::default();
        let letter = self.letter(index, Purpose::Wire, &mut gathered)?;
        Ok((letter, gathered.contents))
    }

    /// The letter of a recipient by its id; none when the list does not have it.
    #[must_use]
    pub fn index_of(&self, id: &str) -> Option<usize> {
        (0..self.len()).find(|index| self.id(*index) == id)
    }

    /// The file of a letter's attachment with these contents, as the batch file names it.
    #[must_use]
    pub fn file_of(&self, index: usize, sha256: &Sha256Digest) -> Option<String> {
        let letter = self.make(index).ok()?;
        let mut attachments = letter.attachments.iter();
        let path = &attachments.find(|file| file.sha256 == *sha256)?.path;
        let inside = path.strip_prefix(&self.plan.folder).unwrap_or(path);
        Some(quote(&inside.display().to_string()))
    }

    /// What has been in the making for longer than `limit`, or takes too much memory.
    #[must_use]
    pub fn stuck(&self, limit: Duration, now: Duration) -> Option<Stuck> {
        self.templates.watch.stuck(limit, now)
    }

    /// Gives the templates the time, for [`Letters::stuck`].
    pub fn tick(&self, now: Duration) {
        self.templates.watch.tick(now);
    }

    pub(super) fn letter(
        &self,
        index: usize,
        purpose: Purpose,
        gathered: &mut Gathered,
    ) -> Result<Letter, Vec<Fault>> {
        let (place, recipient) = self.recipient(index);
        let (id, name) = (recipient.id(), recipient.name());
        let context = self.context(&recipient);
        let mut faults = Vec::new();
        let mut render = |template: &str, escape| {
            self.templates
                .render(template, escape, &context, id)
                .map_err(|fault| faults.push(fault))
                .ok()
        };
        let subject = render(template::SUBJECT, Escape::None);
        let html = render(&self.templates.html, Escape::Html);
        let text = self
            .templates
            .text
            .as_ref()
            .map(|text| render(text, Escape::None));
        let html = html.and_then(|html| {
            text::shallow(&html)
                .map_err(|fault| faults.push(fault.file(self.templates.html.clone()).id(id)))
                .ok()
                .map(|()| html)
        });
        let subject = subject.and_then(|subject| {
            subject::header(&subject)
                .map_err(|fault| faults.push(fault.id(id)))
                .ok()
        });
        let folder = self.plan.place();
        let owner = self.for_one(place, id, &context);
        for template in &self.plan.attachments {
            if let Err(fault) = template.attach(&folder, &owner, purpose, gathered) {
                faults.push(fault);
            }
        }
        let (Some(subject), Some(html), true) = (subject, html, faults.is_empty()) else {
            return Err(faults);
        };
        let addressees = recipient.addressees();
        let mut letter = Letter {
            id: id.to_owned(),
            name: name.to_owned(),
            from: self.plan.from.clone(),
            reply_to: self.plan.reply_to.clone(),
            to: addressees.to,
            cc: addressees.cc,
            bcc: addressees.bcc,
            subject,
            html,
            own_text: text.flatten(),
            attachments: std::mem::take(&mut gathered.attachments),
            is_rehearsal: false,
        };
        if let Some(to) = &self.plan.redirect {
            rehearsal::redirect(&mut letter, to);
        }
        self.within_size(&letter)?;
        Ok(letter)
    }

    pub(super) fn context(&self, recipient: &Recipient<'_>) -> tera::Context {
        let (id, name) = (recipient.id(), recipient.name());
        self.values
            .context(id, name, self.manifest.table(), recipient.rows)
    }

    pub(super) fn for_one<'a>(
        &'a self,
        index: u32,
        id: &'a str,
        context: &'a tera::Context,
    ) -> For<'a> {
        For {
            templates: &self.templates,
            context,
            id,
            owner: Owner {
                manifest: &self.manifest,
                index,
            },
            others: self.others.as_ref(),
        }
    }

    fn within_size(&self, letter: &Letter) -> Result<(), Vec<Fault>> {
        let bytes = letter.encoded_bytes();
        match self.plan.size_limit {
            Some(limit) if bytes > limit => Err(vec![
                Fault::new(
                    format!(
                        "the letter takes {:.1} MB when encoded, more than the {:.1} MB that the transport carries",
                        bytes as f64 / 1e6,
                        limit as f64 / 1e6
                    ),
                    "make the report smaller, or raise [dispatch] max_megabytes if the server allows more",
                )
                .id(&letter.id),
            ]),
            _ => Ok(()),
        }
    }
}
