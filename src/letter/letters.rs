//! From recipients to letters.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::attachment::{self, Attachment, Sha256Digest};
use super::sender::sender;
use super::template::{self, Escape, Templates};
use super::values::Values;
use super::{Letter, rehearsal};
use crate::address::{Address, HeaderText, Mailbox};
use crate::config::{Batch, Secrets};
use crate::fault::{Fault, quote};
use crate::manifest::{Addressees, Manifest};

/// Makes the letters of a batch: the same code for check, preview and send.
#[derive(Debug)]
pub struct Letters {
    manifest: Manifest,
    templates: Templates,
    values: Values,
    plan: LetterPlan,
}

/// What all letters of a batch share.
#[derive(Debug)]
struct LetterPlan {
    folder: PathBuf,
    allow_outside: bool,
    from: Mailbox,
    reply_to: Option<Mailbox>,
    attachments: Vec<AttachmentTemplate>,
    size_limit: Option<u64>,
    redirect: Option<Address>,
}

#[derive(Debug)]
struct AttachmentTemplate {
    path: String,
    name: Option<String>,
    shared: bool,
}

impl Letters {
    /// Gets ready to make letters. With `redirect` every letter is a rehearsal to that address.
    ///
    /// # Errors
    /// Faults that concern all letters: no sender, templates that cannot be parsed or use values
    /// that no recipient has.
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
                Ok(Self {
                    manifest,
                    templates,
                    values,
                    plan: LetterPlan {
                        folder: batch.folder.clone(),
                        allow_outside: batch.allow_outside,
                        from,
                        reply_to,
                        attachments: batch
                            .attachments
                            .iter()
                            .enumerate()
                            .map(|(index, config)| AttachmentTemplate {
                                path: template::attachment_path(index),
                                name: config
                                    .name
                                    .as_ref()
                                    .map(|_| template::attachment_name(index)),
                                shared: config.shared,
                            })
                            .collect(),
                        size_limit: batch.dispatch.size_limit(),
                        redirect,
                    },
                })
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
        self.manifest.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.manifest.is_empty()
    }

    /// The recipient id of a letter.
    #[must_use]
    pub fn id(&self, index: usize) -> &str {
        self.manifest.recipient(index).id()
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
            self.manifest.recipient(index).addressees()
        }
    }

    /// Makes one letter; its attachments are read for their digests and not kept.
    ///
    /// # Errors
    /// Everything that is wrong with this letter.
    pub fn make(&self, index: usize) -> Result<Letter, Vec<Fault>> {
        self.letter(index, &mut |file| attachment::digest(file))
    }

    /// Makes one letter together with the contents of its attachments, each read once.
    ///
    /// # Errors
    /// Everything that is wrong with this letter.
    pub fn make_with_contents(&self, index: usize) -> Result<(Letter, Vec<Vec<u8>>), Vec<Fault>> {
        let mut contents = Vec::new();
        let letter = self.letter(index, &mut |file| {
            let (read, bytes) = attachment::read(file)?;
            contents.push(bytes);
            Ok(read)
        })?;
        Ok((letter, contents))
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

    /// The id of a letter that has been rendering for longer than `limit`, with its template.
    #[must_use]
    pub fn stuck(&self, limit: Duration, now: Duration) -> Option<(String, String)> {
        self.templates.stuck(limit, now)
    }

    /// Tells the templates the time, for [`Letters::stuck`].
    pub fn tick(&self, now: Duration) {
        self.templates.tick(now);
    }

    fn letter(
        &self,
        index: usize,
        read: &mut dyn FnMut(&Path) -> std::io::Result<attachment::Read>,
    ) -> Result<Letter, Vec<Fault>> {
        let recipient = self.manifest.recipient(index);
        let (id, name) = (recipient.id(), recipient.name());
        let context = self
            .values
            .context(id, name, self.manifest.table(), recipient.rows);
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
        let subject = subject.and_then(|subject| {
            header(&subject)
                .map_err(|fault| faults.push(fault.id(id)))
                .ok()
        });
        let mut attachments = Vec::new();
        for template in &self.plan.attachments {
            match self.attachment(template, &context, id, read) {
                Ok(attachment) => attachments.push(attachment),
                Err(fault) => faults.push(fault),
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
            attachments,
        };
        if let Some(to) = &self.plan.redirect {
            rehearsal::redirect(&mut letter, to);
        }
        self.within_size(&letter)?;
        Ok(letter)
    }

    fn attachment(
        &self,
        template: &AttachmentTemplate,
        context: &tera::Context,
        id: &str,
        read: &mut dyn FnMut(&Path) -> std::io::Result<attachment::Read>,
    ) -> Result<Attachment, Fault> {
        let render = |name: &str| self.templates.render(name, Escape::None, context, id);
        let path = render(&template.path)?;
        let name = template.name.as_deref().map(render).transpose()?;
        let place = attachment::Place {
            folder: &self.plan.folder,
            allow_outside: self.plan.allow_outside,
        };
        attachment::belongs(&place, path.trim(), name.as_deref(), template.shared, read)
            .map_err(|fault| fault.id(id))
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

/// The subject as a header: one line, and no longer than a mail program can show.
fn header(subject: &str) -> Result<HeaderText, Fault> {
    const LONGEST: usize = 1_000;
    let bad = |error: &str, next_step: &str| {
        Fault::new(format!("the subject cannot be used: {error}"), next_step)
    };
    let length = subject.chars().count();
    if length > LONGEST {
        return Err(bad(
            &format!("it has {length} characters, more than {LONGEST}"),
            "look at the cells that the subject shows",
        ));
    }
    HeaderText::parse(subject).map_err(|error| {
        bad(
            &error.to_string(),
            "take the line break out of the cell that the subject shows",
        )
    })
}
