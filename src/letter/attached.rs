//! The attachments of one letter: found, checked and, when the letter is checked, proved.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::io;
use std::path::Path;

use super::attachment::{self, Attachment, Place, Read};
use super::others::Others;
use super::proof::{Asked, Owner, Proof, not_a_pdf};
use super::template::{self, Escape, Templates};
use super::wording::Wording;
use crate::config::{AttachmentConfig, Missing};
use crate::fault::{Fault, quote};

/// A PDF beyond this size is not taken into memory to be read.
const LARGEST_READ: u64 = 64 << 20;

/// A text beyond this length is not looked for in a report.
const LONGEST_TEXT: usize = 1_000;

/// One `[[attachment]]`, by the names of its templates.
#[derive(Debug)]
pub(super) struct AttachmentTemplate {
    config: AttachmentConfig,
    path: String,
    name: Option<String>,
    must_contain: Vec<String>,
    must_not_contain: Vec<String>,
}

/// What a letter is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Its digest: attachments are read and not kept.
    Digest,
    /// The wire: the contents of attachments are kept.
    Wire,
    /// The checks: attachments are read and proved.
    Check,
}

/// What is gathered along with a letter's attachments.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub attachments: Vec<Attachment>,
    /// For the wire: their contents.
    pub contents: Vec<Vec<u8>>,
    /// For the checks: what the proofs found.
    pub proofs: Vec<Proof>,
    /// The files that the letter claims, whether they are there or not.
    pub claims: Vec<u64>,
    /// What the proofs found.
    pub findings: Vec<Fault>,
}

/// One recipient, as templates and proofs see it.
#[derive(Clone, Copy)]
pub(super) struct For<'a> {
    pub templates: &'a Templates,
    pub context: &'a tera::Context,
    pub id: &'a str,
    pub owner: Owner<'a>,
    pub others: Option<&'a Others>,
}

/// The number under which a file is claimed.
pub(super) fn claim(path: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    hasher.finish()
}

impl AttachmentTemplate {
    pub fn of(index: usize, config: &AttachmentConfig) -> Self {
        let named = |texts: &[String], key| {
            (0..texts.len())
                .map(|text| template::attachment_text(index, key, text))
                .collect()
        };
        Self {
            config: config.clone(),
            path: template::attachment_path(index),
            name: config
                .name
                .as_ref()
                .map(|_| template::attachment_name(index)),
            must_contain: named(&config.must_contain, "must_contain"),
            must_not_contain: named(&config.must_not_contain, "must_not_contain"),
        }
    }

    /// Whether a recipient without this file gets no letter.
    pub fn may_be_missing(&self) -> bool {
        self.config.missing == Missing::Skip
    }

    /// The path as the batch file writes it.
    pub fn written(&self) -> &str {
        &self.config.path
    }

    /// The folder of the path that no cell has a part in.
    fn fixed(&self) -> &str {
        let path = self.config.path.as_str();
        let open = [path.find("{{"), path.find("{%")]
            .into_iter()
            .flatten()
            .min();
        let fixed = &path[..open.unwrap_or(path.len())];
        &fixed[..fixed.rfind('/').map_or(0, |slash| slash + 1)]
    }

    /// The path for one recipient.
    pub fn path(&self, recipient: &For<'_>) -> Result<String, Fault> {
        recipient
            .render(&self.path)
            .map(|path| path.trim().to_owned())
    }

    /// Finds the attachment of one recipient.
    pub fn attach(
        &self,
        place: &Place<'_>,
        recipient: &For<'_>,
        purpose: Purpose,
        gathered: &mut Gathered,
    ) -> Result<(), Fault> {
        let path = self.path(recipient)?;
        gathered.claims.push(claim(&place.folder.join(&path)));
        let name = self
            .name
            .as_deref()
            .map(|name| recipient.render(name))
            .transpose()?;
        let proves = purpose == Purpose::Check && self.config.is_read();
        let mut contents = None;
        let mut read = |file: &Path| -> io::Result<Read> {
            let is_kept = purpose == Purpose::Wire
                || (proves && std::fs::metadata(file)?.len() <= LARGEST_READ);
            if !is_kept {
                return attachment::digest(file);
            }
            let (read, bytes) = attachment::read(file)?;
            contents = Some(bytes);
            Ok(read)
        };
        let shared = self.config.shared;
        let attachment = attachment::belongs(
            place,
            self.fixed(),
            &path,
            name.as_deref(),
            shared,
            &mut read,
        )
        .map_err(|fault| fault.id(recipient.id))?;
        if proves {
            let proof = self.prove(
                &path,
                attachment.is_pdf,
                recipient,
                contents.as_deref(),
                gathered,
            )?;
            gathered.proofs.push(proof);
        } else {
            gathered.proofs.push(Proof::default());
        }
        gathered.attachments.push(attachment);
        if purpose == Purpose::Wire {
            gathered.contents.extend(contents);
        }
        Ok(())
    }

    fn prove(
        &self,
        path: &str,
        is_pdf: bool,
        recipient: &For<'_>,
        contents: Option<&[u8]>,
        gathered: &mut Gathered,
    ) -> Result<Proof, Fault> {
        let unreadable = self.config.unreadable.unwrap_or_default();
        let asked = Asked {
            pages: self.config.pages,
            must_contain: recipient.texts(&self.must_contain)?,
            must_not_contain: recipient.texts(&self.must_not_contain)?,
            unreadable,
            wants_text: self.config.wants_text(),
            others: recipient.others.filter(|_| self.config.is_cross_checked()),
        };
        let mut findings = Vec::new();
        let mut proof = if is_pdf {
            // A file that is too large is one that the reader refuses before it looks inside.
            Proof::of(&asked, recipient.owner, contents, &mut findings)
        } else {
            if !asked.must_contain.is_empty() || !asked.must_not_contain.is_empty() {
                findings.push(not_a_pdf(unreadable));
            }
            Proof::default()
        };
        if !proof.others.is_empty() {
            proof.file = quote(path);
        }
        gathered
            .findings
            .extend(findings.into_iter().map(|finding| {
                // What needs a look only is reported once for all, with the path as the batch file has it.
                let file = if finding.is_fault() {
                    quote(path)
                } else {
                    quote(&self.config.path)
                };
                finding.file(file).id(recipient.id)
            }));
        Ok(proof)
    }
}

impl For<'_> {
    fn render(&self, template: &str) -> Result<String, Fault> {
        self.templates
            .render(template, Escape::None, self.context, self.id)
    }

    /// The texts to look for, which must have something in them to be found.
    fn texts(&self, names: &[String]) -> Result<Vec<String>, Fault> {
        names
            .iter()
            .map(|name| {
                let text = self.render(name)?;
                if Wording::of(&text).is_empty() {
                    return Err(Fault::new(
                        format!(
                            "`{}` is no text to look for: it has no letter and no digit",
                            quote(&text)
                        ),
                        "fill in the cell that it shows, or look for something else",
                    )
                    .file(name.clone())
                    .id(self.id));
                }
                let length = text.chars().count();
                if length > LONGEST_TEXT {
                    return Err(Fault::new(
                        format!(
                            "the text to look for has {length} characters, more than {LONGEST_TEXT}: `{}`",
                            quote(&text)
                        ),
                        "look for a shorter part of it",
                    )
                    .file(name.clone())
                    .id(self.id));
                }
                Ok(text)
            })
            .collect()
    }
}
