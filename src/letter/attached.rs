//! The attachments of one letter: found, checked and, when the letter is checked, proved.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::io;
use std::num::NonZeroU32;
use std::path::Path;

use super::attachment::{self, Attachment, FileRead, MISSING, Place, is_called_pdf};
use super::evidence::RecipientIndex;
use super::files::{self, FileTable, FolderListings};
use super::lock;
use super::pdf::{Contents, LARGEST, PdfReaders, Why};
use super::proof::{Asked, MustContain, Owner, Proof, not_a_pdf};
use super::template::{self, Escape, Templates};
use super::wording::Wording;
use crate::config::{AttachmentConfig, Batch, Missing};
use crate::finding::{Finding, quote};
use crate::regular::Opened;
use crate::secret::Secret;

/// A text beyond this length is not looked for in a report.
const LONGEST_TEXT: usize = 1_000;

/// One `[[attachment]]`, by the names of its templates.
#[derive(Debug)]
pub(super) struct AttachmentTemplate {
    config: AttachmentConfig,
    /// How findings about all letters name it: as the batch file does.
    written: String,
    /// The table of the files, if it is no path that names them.
    pub table: Option<FileTable>,
    listings: FolderListings,
    password: Option<String>,
    path: String,
    name: Option<String>,
    must_contain: Vec<String>,
    must_not_contain: Vec<String>,
    may_show: Vec<String>,
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
    pub findings: Vec<Finding>,
    /// What the attachments are locked with.
    pub passwords: Vec<Secret>,
    /// The files that are not there, as the batch file names them.
    pub missing: Vec<String>,
}

/// One recipient, as templates and proofs see it.
#[derive(Clone, Copy)]
pub(super) struct For<'a> {
    pub templates: &'a Templates,
    pub context: &'a tera::Context,
    pub id: &'a str,
    pub owner: Owner<'a>,
    pub evidence: Option<&'a RecipientIndex>,
    pub readers: &'a PdfReaders,
}

/// The number under which a file is claimed.
pub(super) fn claim(path: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    if cfg!(any(windows, target_os = "macos")) {
        // Their disks ignore case, as a rule.
        let folded = path.to_string_lossy().to_lowercase();
        Path::new(&folded).hash(&mut hasher);
    } else {
        path.hash(&mut hasher);
    }
    hasher.finish()
}

fn is_missing(file: &Path) -> bool {
    let found = std::fs::metadata(file);
    found.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

impl AttachmentTemplate {
    /// # Errors
    /// What is wrong with the table of files.
    pub(super) fn of(
        batch: &Batch,
        index: usize,
        config: &AttachmentConfig,
    ) -> Result<Self, Vec<Finding>> {
        let named = |texts: &[String], key| {
            (0..texts.len())
                .map(|text| template::attachment_text(index, key, text))
                .collect()
        };
        let table = config.files.as_deref();
        let written =
            table.map_or_else(|| config.path.clone(), |table| table.display().to_string());
        Ok(Self {
            config: config.clone(),
            written,
            table: table
                .map(|table| FileTable::read(batch, table))
                .transpose()?,
            listings: FolderListings::default(),
            password: config
                .password
                .as_ref()
                .map(|_| template::attachment_password(index)),
            path: template::attachment_path(index),
            name: config
                .name
                .as_ref()
                .map(|_| template::attachment_name(index)),
            must_contain: named(&config.must_contain, "must_contain"),
            must_not_contain: named(&config.must_not_contain, "must_not_contain"),
            may_show: named(&config.may_show, "may_show"),
        })
    }

    /// Where a file of a recipient is named, to be corrected.
    pub(super) fn named_in(&self, id: &str, path: &str) -> Option<String> {
        match &self.table {
            Some(table) if table.of(id).iter().any(|file| file == path) => {
                Some(format!("its row in {}", quote(&self.written)))
            }
            _ => None,
        }
    }

    /// Whether a recipient without this file gets no letter.
    pub(super) fn may_be_missing(&self) -> bool {
        self.config.missing == Missing::Skip
    }

    /// The path as the batch file writes it, or the table that names the files.
    pub(super) fn written(&self) -> &str {
        &self.written
    }

    /// The folder of the path that no cell has a part in.
    fn fixed(&self) -> &str {
        let path = self.config.path.as_str();
        let open = [path.find("{{"), path.find("{%"), path.find('*')]
            .into_iter()
            .flatten()
            .min();
        let fixed = &path[..open.unwrap_or(path.len())];
        &fixed[..fixed.rfind('/').map_or(0, |slash| slash + 1)]
    }

    /// The paths of one recipient's files. One without a `*` need not be there.
    pub(super) fn paths(&self, folder: &Path, recipient: &For<'_>) -> Result<Vec<String>, Finding> {
        if let Some(table) = &self.table {
            return Ok(table.of(recipient.id).to_vec());
        }
        let path = recipient.render(&self.path)?.trim().to_owned();
        if !files::has_stars(&path) {
            return Ok(vec![path]);
        }
        let found = self.listings.fitting(folder, &path);
        found.map_err(|fault| fault.file(quote(&files::plain(&path))).id(recipient.id))
    }

    /// Finds the attachments of one recipient.
    pub(super) fn attach(
        &self,
        place: &Place<'_>,
        recipient: &For<'_>,
        purpose: Purpose,
        gathered: &mut Gathered,
    ) -> Result<(), Finding> {
        let paths = self.paths(place.folder, recipient)?;
        if paths.is_empty() {
            return Err(self.none_fits(recipient));
        }
        if paths.len() > 1 && !self.config.many {
            let named: Vec<_> = paths.iter().take(3).map(|path| quote(path)).collect();
            return Err(Finding::fault(
                format!(
                    "{} files are this recipient's: `{}`{}",
                    paths.len(),
                    named.join("`, `"),
                    if paths.len() > named.len() {
                        " and more"
                    } else {
                        ""
                    }
                ),
                "say which one it is, or write many = true if all are to go",
            )
            .file(quote(&self.written))
            .id(recipient.id));
        }
        for path in &paths {
            self.attach_one(path, place, recipient, purpose, gathered)?;
        }
        Ok(())
    }

    fn none_fits(&self, recipient: &For<'_>) -> Finding {
        let fault = if self.table.is_some() {
            Finding::fault(
                "the table names no file for this recipient",
                "add a row with the id and the file, or take the recipient's rows out of the dispatch list",
            )
            .file(quote(&self.written))
        } else {
            // Whether the template can be rendered was seen before.
            let path = recipient.render(&self.path).unwrap_or_default();
            Finding::fault(
                "the attachment is missing: no file fits this path",
                "put the file there, or correct [[attachment]] path",
            )
            .same_cause(MISSING)
            .file(quote(files::plain(&path).trim()))
        };
        fault.id(recipient.id)
    }

    fn attach_one(
        &self,
        path: &str,
        place: &Place<'_>,
        recipient: &For<'_>,
        purpose: Purpose,
        gathered: &mut Gathered,
    ) -> Result<(), Finding> {
        let file = place.folder.join(path);
        gathered.claims.push(claim(&file));
        if purpose == Purpose::Check && is_missing(&file) {
            gathered.missing.push(quote(path));
        }
        let name = self
            .name
            .as_deref()
            .map(|name| recipient.render(name))
            .transpose()?;
        let password = self.password(recipient)?;
        let proves = purpose == Purpose::Check && self.config.is_read();
        let is_pdf = is_called_pdf(path, name.as_deref().unwrap_or_default().trim());
        let (mut contents, mut shown) = (None, Contents::none(Why::TooMuch));
        let mut read = |opened: &mut Opened| -> io::Result<FileRead> {
            let is_kept = purpose == Purpose::Wire
                || (password.is_some() && opened.metadata.len() <= LARGEST);
            let mut by_reader = None;
            if proves && is_pdf {
                match recipient
                    .readers
                    .read(&opened.real, self.config.wants_text())
                {
                    Ok((read, found)) => (by_reader, shown) = (Some(read), found),
                    Err(why) => shown = Contents::none(why),
                }
            }
            if !is_kept {
                return by_reader.map_or_else(|| attachment::digest(&mut opened.file), Ok);
            }
            let (read, bytes) = attachment::read(&mut opened.file)?;
            if by_reader.is_some_and(|other| other != read) {
                return Err(io::Error::other("it was changed while it was read"));
            }
            contents = Some(bytes);
            Ok(read)
        };
        let shared = self.config.shared;
        let mut attachment = attachment::belongs(
            place,
            self.fixed(),
            path,
            name.as_deref(),
            shared,
            &mut read,
        )
        .map_err(|fault| fault.id(recipient.id))?;
        if proves {
            let proof = self.prove(path, attachment.is_pdf, recipient, &shown, gathered)?;
            gathered.proofs.push(proof);
        } else {
            gathered.proofs.push(Proof::default());
        }
        if let Some(password) = password {
            let plain = contents.as_deref().filter(|_| attachment.is_pdf);
            let at = |fault: Finding| fault.file(quote(path)).id(recipient.id);
            let plain = plain.ok_or_else(|| at(not_lockable()))?;
            let locked = lock::locked(plain, &password, recipient.readers).map_err(at)?;
            attachment.bytes = locked.len() as u64;
            attachment.lock = Some(lock::mark(&password, recipient.id, &attachment.sha256));
            contents = Some(locked);
            gathered.findings.extend(
                lock::guessable(&password)
                    .map(|warning| warning.file(quote(&self.written)).id(recipient.id)),
            );
            gathered.passwords.push(password);
        }
        gathered.attachments.push(attachment);
        if purpose == Purpose::Wire {
            gathered.contents.extend(contents);
        }
        Ok(())
    }

    /// What the file is locked with. What is wrong with it is said without showing it.
    fn password(&self, recipient: &For<'_>) -> Result<Option<Secret>, Finding> {
        let Some(template) = &self.password else {
            return Ok(None);
        };
        let at = |fault: Finding| fault.file(template.clone()).id(recipient.id);
        let password = recipient.render(template).map_err(|_| {
            at(Finding::fault(
                "the password of the attachment cannot be made of this recipient's values",
                "correct [[attachment]] password, or the cell that it shows",
            ))
        })?;
        let password = Secret::new(password.trim().to_owned());
        match lock::refused(&password) {
            Some(fault) => Err(at(fault)),
            None => Ok(Some(password)),
        }
    }

    fn prove(
        &self,
        path: &str,
        is_pdf: bool,
        recipient: &For<'_>,
        shown: &Contents,
        gathered: &mut Gathered,
    ) -> Result<Proof, Finding> {
        let unreadable = self.config.unreadable.unwrap_or_default();
        let asked = Asked {
            pages: self.config.pages.map(NonZeroU32::get),
            must_contain: self.must_contain(recipient)?,
            must_not_contain: recipient.texts(&self.must_not_contain)?,
            may_show: recipient.rendered(&self.may_show)?,
            unreadable,
            wants_text: self.config.wants_text(),
            evidence: recipient
                .evidence
                .filter(|_| self.config.is_cross_checked()),
        };
        let mut findings = Vec::new();
        let mut proof = if is_pdf {
            Proof::of(&asked, recipient.owner, shown, &mut findings)
        } else {
            if !asked.must_contain.is_empty() || !asked.must_not_contain.is_empty() {
                findings.push(not_a_pdf(unreadable));
            }
            Proof::default()
        };
        if proof.is_open() {
            proof.file = quote(path);
            proof.template = quote(&self.written);
        }
        gathered
            .findings
            .extend(findings.into_iter().map(|finding| {
                // What needs a look only is reported once for all, with the path as the batch file has it.
                let file = if finding.is_fault() {
                    quote(path)
                } else {
                    quote(&self.written)
                };
                finding.file(file).id(recipient.id)
            }));
        Ok(proof)
    }
}

impl AttachmentTemplate {
    /// The texts that the attachment of one recipient must show.
    fn must_contain(&self, recipient: &For<'_>) -> Result<Vec<MustContain>, Finding> {
        let texts = recipient.texts(&self.must_contain)?;
        let written = self.config.must_contain.iter();
        let is_theirs = written.map(|text| text.contains("{{") || text.contains("{%"));
        let both = texts.into_iter().zip(is_theirs);
        Ok(both
            .map(|(text, is_theirs)| MustContain { text, is_theirs })
            .collect())
    }
}

impl For<'_> {
    /// Texts of which any may be empty.
    fn rendered(&self, names: &[String]) -> Result<Vec<String>, Finding> {
        names.iter().map(|name| self.render(name)).collect()
    }

    /// One of the batch file's templates, as text.
    pub(super) fn render(&self, template: &str) -> Result<String, Finding> {
        self.templates
            .render(template, Escape::None, self.context, self.id)
    }

    /// The texts to look for, which must have something in them to be found.
    fn texts(&self, names: &[String]) -> Result<Vec<String>, Finding> {
        names
            .iter()
            .map(|name| {
                let text = self.render(name)?;
                if Wording::of(&text).is_empty() {
                    return Err(Finding::fault(
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
                    return Err(Finding::fault(
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

fn not_lockable() -> Finding {
    Finding::fault(
        "only a PDF of at most 64 MB can be locked",
        "name a PDF, or take password out of this [[attachment]]",
    )
}
