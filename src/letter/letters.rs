//! From recipients to letters.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

use super::attached::{AttachmentTemplate, For, Gathered, Purpose};
use super::attachment::Place;
use super::body::RenderedBody;
use super::evidence::RecipientIndex;
use super::extras::ExtrasTemplate;
use super::own::OwnFiles;
use super::pdf::PdfReaders;
use super::picture::{self, PictureAlbum, PictureFrame};
use super::proof::Owner;
use super::sender::Sender;
use super::subject;
use super::template::{self, Escape, Templates};
use super::values::Values;
use super::watch::Stuck;
use super::{Letter, rehearsal, text};
use crate::address::{Address, HeaderText, Mailbox};
use crate::config::{AttachmentConfig, Batch, LetterConfig, Secrets};
use crate::digest::Sha256Digest;
use crate::finding::{Finding, quote};
use crate::manifest::{Addressees, Manifest, Recipient, snake_case};

/// Makes the letters of a batch: the same code for check, preview and send.
#[derive(Debug)]
pub struct Letters {
    pub(super) manifest: Manifest,
    pub(super) templates: Templates,
    values: Values,
    pub(super) plan: LetterSettings,
    /// The recipients that get a letter, where some get none.
    pub(super) chosen: Option<Vec<u32>>,
    pub(super) evidence: Option<RecipientIndex>,
    pub(super) readers: PdfReaders,
    /// Warnings about recipients that get no letter, or are named alike.
    pub(super) findings: Vec<Finding>,
}

/// What all letters of a batch share.
#[derive(Debug)]
pub(super) struct LetterSettings {
    /// The text of the batch file.
    pub batch: String,
    pub folder: PathBuf,
    /// The same without links.
    pub real: PathBuf,
    allow_outside: bool,
    own: OwnFiles,
    pub sender: Sender,
    /// The From mailbox of the first letter, which is that of all unless it is by value.
    pub from: Mailbox,
    always: Addressees,
    pub extras: ExtrasTemplate,
    album: PictureAlbum,
    pub attachments: Vec<AttachmentTemplate>,
    size_limit: Option<u64>,
    pub redirect: Option<Address>,
}

impl LetterSettings {
    /// Where attachments may lie.
    pub(super) fn place(&self) -> Place<'_> {
        Place {
            folder: &self.folder,
            real: &self.real,
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
    ) -> Result<Self, Vec<Finding>> {
        Self::of_all(batch, secrets, manifest, redirect)?.without_skipped()
    }

    /// The same with those whose attachments are not there.
    pub(super) fn of_all(
        batch: &Batch,
        secrets: &Secrets,
        manifest: Manifest,
        redirect: Option<Address>,
    ) -> Result<Self, Vec<Finding>> {
        let sender = Sender::of(batch, secrets);
        let values = Values::new(batch, manifest.headers());
        let templates = Templates::load(batch);
        match (sender, values, templates) {
            (Ok(sender), Ok(values), Ok(templates)) => {
                let unknown = templates.unknown_values(&values.names());
                if !unknown.is_empty() {
                    return Err(unknown);
                }
                let flaws = manifest.flaws_where(|name, header| templates.use_column(name, header));
                if !flaws.is_empty() {
                    return Err(flaws);
                }
                let evidence = batch
                    .attachments
                    .iter()
                    .any(AttachmentConfig::is_cross_checked)
                    .then(|| RecipientIndex::of(&manifest));
                let list = quote(&batch.manifest.path.display().to_string());
                let mut findings = evidence
                    .as_ref()
                    .map(|evidence| evidence.alike(&manifest, &list))
                    .unwrap_or_default();
                let own = OwnFiles::of(batch, secrets, &templates);
                let from = first_from(&sender, &manifest, &values, &templates)
                    .map_err(|fault| vec![fault])?;
                let attachments = attachments(batch)?;
                findings.extend(not_in_the_list(&attachments, &manifest));
                findings.extend(differing_rows(&manifest, &templates, &list));
                Ok(Self {
                    manifest,
                    templates,
                    values,
                    plan: LetterSettings {
                        batch: batch.text.clone(),
                        real: batch
                            .folder
                            .canonicalize()
                            .unwrap_or_else(|_| batch.folder.clone()),
                        folder: batch.folder.clone(),
                        allow_outside: batch.allow_outside,
                        own,
                        from,
                        sender,
                        always: always(&batch.letter),
                        extras: ExtrasTemplate::of(&batch.letter, batch.dispatch.receipts),
                        album: PictureAlbum::default(),
                        attachments,
                        size_limit: batch.dispatch.size_limit(),
                        redirect,
                    },
                    chosen: None,
                    evidence,
                    readers: PdfReaders::default(),
                    findings,
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
        self.chosen.as_ref().map_or(self.manifest.len(), Vec::len)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn recipient(&self, index: usize) -> (u32, Recipient<'_>) {
        let place = self
            .chosen
            .as_ref()
            .map_or(index, |chosen| chosen[index] as usize);
        (
            u32::try_from(place).unwrap_or(u32::MAX),
            self.manifest.recipient(place),
        )
    }

    /// The place of a letter's recipient in the manifest.
    #[must_use]
    pub fn place(&self, index: usize) -> u32 {
        self.recipient(index).0
    }

    /// The recipient id of a letter.
    #[must_use]
    pub fn id(&self, index: usize) -> &str {
        self.recipient(index).1.id()
    }

    /// The recipient's name of a letter.
    #[must_use]
    pub fn name(&self, index: usize) -> &str {
        self.recipient(index).1.name()
    }

    /// The dispatch list.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The From mailbox of every letter; where each has its own, that of the first. All are of one
    /// domain.
    #[must_use]
    pub fn from(&self) -> &Mailbox {
        &self.plan.from
    }

    /// Whom the letters come from, in a few words.
    #[must_use]
    pub fn senders(&self) -> String {
        match self.plan.sender.fixed() {
            Some(from) => from.to_string(),
            None => format!("{} for the first letter, others by value", self.plan.from),
        }
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
            self.addressees_of(&self.recipient(index).1)
        }
    }

    /// The addresses of a recipient, and those that always get a copy unless they are among them.
    fn addressees_of(&self, recipient: &Recipient<'_>) -> Addressees {
        let mut addressees = recipient.addressees();
        let always = &self.plan.always;
        if always.cc.is_empty() && always.bcc.is_empty() {
            return addressees;
        }
        let Addressees { to, cc, bcc } = &mut addressees;
        let mut seen: HashSet<String> = [&*to, cc, bcc]
            .into_iter()
            .flatten()
            .map(|mailbox| mailbox.address.folded())
            .collect();
        for (list, copies) in [(cc, &always.cc), (bcc, &always.bcc)] {
            let new = copies.iter();
            list.extend(
                new.filter(|mailbox| seen.insert(mailbox.address.folded()))
                    .cloned(),
            );
        }
        addressees
    }

    /// Makes one letter; its attachments are read for their digests and not kept.
    ///
    /// # Errors
    /// Everything that is wrong with this letter.
    pub fn make(&self, index: usize) -> Result<Letter, Vec<Finding>> {
        self.letter(index, Purpose::Digest, &mut Gathered::default())
    }

    /// Makes one letter together with the contents of its attachments, each read once.
    ///
    /// # Errors
    /// Everything that is wrong with this letter.
    pub fn make_with_contents(&self, index: usize) -> Result<(Letter, Vec<Vec<u8>>), Vec<Finding>> {
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
    ) -> Result<Letter, Vec<Finding>> {
        let (place, recipient) = self.recipient(index);
        let (id, name) = (recipient.id(), recipient.name());
        let context = self.context(&recipient);
        let mut faults = Vec::new();
        let folder = self.plan.place();
        let owner = self.for_one(place, id, &context);
        let subject = self
            .templates
            .render(template::SUBJECT, Escape::None, &context, id)
            .and_then(|subject| subject::header(&subject).map_err(|fault| fault.id(id)));
        let title = subject.as_ref().map_or("", HeaderText::as_str);
        let body = self.templates.bodies(title, &context, id);
        let from = self.sender_of(&owner);
        let reply_to = self.plan.sender.reply_to(&owner);
        let extras = self.plan.extras.make(&owner);
        let body = taken(body, &mut faults).and_then(|body| {
            let html = body.html.as_deref().unwrap_or_default();
            text::shallow(html)
                .map_err(|fault| faults.push(fault.file(body.file.clone()).id(id)))
                .ok()
                .map(|()| body)
        });
        for template in &self.plan.attachments {
            if let Err(fault) = template.attach(&folder, &owner, purpose, gathered) {
                faults.push(fault);
            }
        }
        let one = |fault| vec![fault];
        let subject = taken(subject.map_err(one), &mut faults);
        let from = taken(from.map_err(one), &mut faults);
        let reply_to = taken(reply_to.map_err(one), &mut faults);
        let extras = taken(extras, &mut faults);
        let mut pictures = Vec::new();
        let body = body.map(|mut body| {
            if let (Some(html), Some(from)) = (body.html.take(), &from) {
                let frame = PictureFrame {
                    place: &folder,
                    folder: &self.templates.bodies.folder,
                    from: &from.address,
                };
                let framed = picture::take_in(html, &frame, &self.plan.album);
                let at = |fault: Finding| match fault.file {
                    Some(_) => fault.id(id),
                    None => fault.file(body.file.clone()).id(id),
                };
                faults.extend(framed.faults.into_iter().map(at));
                gathered
                    .findings
                    .extend(framed.warnings.into_iter().map(at));
                pictures = framed.pictures;
                body.html = Some(framed.html);
            }
            body
        });
        let (Some(subject), Some(body), Some(from), Some(reply_to), Some(extras), true) =
            (subject, body, from, reply_to, extras, faults.is_empty())
        else {
            return Err(faults);
        };
        let RenderedBody { html, text, .. } = body;
        let addressees = self.addressees_of(&recipient);
        let mut letter = Letter {
            id: id.to_owned(),
            name: name.to_owned(),
            from,
            reply_to,
            to: addressees.to,
            cc: addressees.cc,
            bcc: addressees.bcc,
            subject,
            html,
            own_text: text,
            pictures,
            extras,
            attachments: std::mem::take(&mut gathered.attachments),
            is_rehearsal: false,
        };
        if let Some(to) = &self.plan.redirect {
            rehearsal::redirect(&mut letter, to);
        }
        self.within_size(&letter)?;
        Ok(letter)
    }

    /// The From mailbox of one letter. Message-IDs are of its domain, which all letters must share.
    fn sender_of(&self, recipient: &For<'_>) -> Result<Mailbox, Finding> {
        let from = self.plan.sender.from(recipient)?;
        let domain = self.plan.from.address.domain();
        if !from.address.domain().eq_ignore_ascii_case(domain) {
            return Err(Finding::fault(
                format!(
                    "the letter comes from {}, and the first one from {}: their domains differ",
                    from.address, self.plan.from.address
                ),
                "let all letters of a batch come from one domain, or make a batch for each",
            )
            .file(template::FROM)
            .id(recipient.id));
        }
        Ok(from)
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
            evidence: self.evidence.as_ref(),
            readers: &self.readers,
        }
    }

    fn within_size(&self, letter: &Letter) -> Result<(), Vec<Finding>> {
        let bytes = letter.encoded_bytes();
        match self.plan.size_limit {
            Some(limit) if bytes > limit => Err(vec![
                Finding::fault(
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

/// What was made, or what is wrong with it, which goes to the other faults.
fn taken<T>(made: Result<T, Vec<Finding>>, faults: &mut Vec<Finding>) -> Option<T> {
    made.map_err(|more| faults.extend(more)).ok()
}

/// The From mailbox of the first letter.
fn first_from(
    sender: &Sender,
    manifest: &Manifest,
    values: &Values,
    templates: &Templates,
) -> Result<Mailbox, Finding> {
    if let Some(from) = sender.fixed() {
        return Ok(from.clone());
    }
    let recipient = manifest.recipient(0);
    let (id, name) = (recipient.id(), recipient.name());
    let context = values.context(id, name, manifest.table(), recipient.rows);
    sender.from(&For {
        templates,
        context: &context,
        id,
        owner: Owner { manifest, index: 0 },
        evidence: None,
        readers: &PdfReaders::default(),
    })
}

/// Who always gets a copy. The mailboxes were parsed with the batch file.
fn always(letter: &LetterConfig) -> Addressees {
    let list = |texts: &[String]| {
        let parsed = texts.iter().filter_map(|text| Mailbox::parse(text).ok());
        parsed.collect()
    };
    Addressees {
        to: Vec::new(),
        cc: list(&letter.always_cc),
        bcc: list(&letter.always_bcc),
    }
}

/// The attachments of a batch, by all that is wrong with their tables.
fn attachments(batch: &Batch) -> Result<Vec<AttachmentTemplate>, Vec<Finding>> {
    let (mut made, mut faults) = (Vec::new(), Vec::new());
    for (index, config) in batch.attachments.iter().enumerate() {
        made.extend(taken(
            AttachmentTemplate::of(batch, index, config),
            &mut faults,
        ));
    }
    if faults.is_empty() {
        Ok(made)
    } else {
        Err(faults)
    }
}

/// Notices about recipients whose rows differ in a value that the letter shows: all of their addresses get that of the
/// first. A letter that goes through `rows` shows them all.
fn differing_rows(manifest: &Manifest, templates: &Templates, list: &str) -> Vec<Finding> {
    /// More of them say nothing more.
    const MOST: usize = 1_000;
    let used: HashSet<&str> = templates.used_values().collect();
    if used.contains("rows") {
        return Vec::new();
    }
    let (table, headers) = (manifest.table(), manifest.headers());
    // Every letter has these two, whatever a column of that name holds.
    let is_shown = |name: &str| used.contains(name) && !["id", "name"].contains(&name);
    let shown: Vec<usize> = (0..headers.len())
        .filter(|column| is_shown(&snake_case(&headers[*column])))
        .collect();
    let mut notices = Vec::new();
    for recipient in (0..manifest.len()).map(|place| manifest.recipient(place)) {
        let [first, rest @ ..] = recipient.rows else {
            continue;
        };
        if notices.len() >= MOST {
            break;
        }
        for &column in &shown {
            let cell = |row: u32| table.cell(row as usize, column).trim();
            let differs = |row: &&u32| !cell(**row).is_empty() && cell(**row) != cell(*first);
            if let Some(other) = rest.iter().find(differs) {
                let text = format!(
                    "the letter shows `{}`, and this row has `{}`",
                    quote(cell(*first)),
                    quote(cell(*other))
                );
                let next = "see whether all addresses of this recipient are to get one letter; `rows` in a template has the values of all";
                notices.push(
                    Finding::notice(text, next)
                        .same_cause("recipients have rows that differ in what the letter shows")
                        .file(list.to_owned())
                        .row(table.number(*other as usize))
                        .column(&headers[column])
                        .id(recipient.id()),
                );
            }
        }
    }
    notices
}

/// Notices about tables that name files for ids which the list does not have.
fn not_in_the_list(attachments: &[AttachmentTemplate], manifest: &Manifest) -> Vec<Finding> {
    const MOST_NAMED: usize = 5;
    let with_table = attachments
        .iter()
        .filter_map(|one| Some((one.written(), one.table.as_ref()?)));
    let mut notices = Vec::new();
    for (written, table) in with_table {
        let known: HashSet<&str> = (0..manifest.len())
            .map(|place| manifest.recipient(place).id())
            .collect();
        let mut others = table.ids();
        others.retain(|id| !known.contains(id));
        if others.is_empty() {
            continue;
        }
        let named: Vec<_> = others.iter().take(MOST_NAMED).map(|id| quote(id)).collect();
        let more = others.len() - named.len();
        notices.push(
            Finding::notice(
                format!(
                    "the table names files for {} that the list does not have: {}{}",
                    if others.len() == 1 { "an id" } else { "ids" },
                    named.join(", "),
                    if more > 0 {
                        format!(" and {more} more")
                    } else {
                        String::new()
                    }
                ),
                "look whether an id is misspelt",
            )
            .file(quote(written)),
        );
    }
    notices
}
