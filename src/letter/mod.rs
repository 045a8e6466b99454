//! One recipient's letter: rendered subject and bodies, and the attachments that belong to it.

mod attached;
mod attachment;
mod body;
mod bounded;
mod checked;
mod dates;
mod evidence;
mod extras;
mod files;
mod letters;
mod lock;
mod look;
mod markdown;
mod markup;
mod missing;
mod missing_pattern;
pub(crate) mod naming;
mod own;
mod owners;
mod pdf;
mod picture;
mod place;
mod proof;
mod rehearsal;
mod remote;
mod sender;
mod source;
mod sources;
mod subject;
mod tags;
mod template;
mod text;
mod unclaimed;
mod values;
mod watch;
pub(crate) mod word;
mod wording;

pub(crate) use attachment::Attachment;
pub(crate) use checked::without_files;
pub(crate) use evidence::Other;
pub(crate) use extras::Extras;
pub use letters::Letters;
pub(crate) use owners::assign_by_contents;
pub(crate) use pdf::{read_pdfs_with, serve_pdfs};
pub(crate) use picture::Picture;
pub(crate) use proof::{Proof, Verdict};
pub(crate) use watch::{OFTEN, PATIENCE};

use std::borrow::Cow;

use crate::address::{Address, HeaderText, Mailbox};
use crate::finding::Finding;

/// The human side of one message. It lives only while it is in hand.
#[derive(Clone, Debug)]
pub struct Letter {
    /// The recipient's id.
    pub id: String,
    /// The recipient's name.
    pub name: String,
    /// The From mailbox.
    pub from: Mailbox,
    /// The mailbox that answers go to.
    pub reply_to: Option<Mailbox>,
    /// The To mailboxes.
    pub to: Vec<Mailbox>,
    /// The Cc mailboxes.
    pub cc: Vec<Mailbox>,
    /// The Bcc mailboxes.
    pub bcc: Vec<Mailbox>,
    /// The subject.
    pub subject: HeaderText,
    /// The HTML body; none in a letter of plain text.
    pub html: Option<String>,
    /// The plain text, where the batch has a template for it.
    pub own_text: Option<String>,
    /// The pictures that the HTML shows.
    pub pictures: Vec<Picture>,
    /// What stands in the header besides.
    pub extras: Extras,
    /// The attachments, in the order of the batch file.
    pub attachments: Vec<Attachment>,
    /// Whether it goes to somebody else than its recipient.
    pub is_rehearsal: bool,
}

impl Letter {
    /// All addresses: To, Cc and Bcc.
    pub fn addresses(&self) -> impl Iterator<Item = &Address> {
        [&self.to, &self.cc, &self.bcc]
            .into_iter()
            .flatten()
            .map(|mailbox| &mailbox.address)
    }

    /// The same letter to some of its addresses.
    #[must_use]
    pub fn only_to(mut self, is_wanted: &dyn Fn(&Address) -> bool) -> Self {
        for mailboxes in [&mut self.to, &mut self.cc, &mut self.bcc] {
            mailboxes.retain(|mailbox| is_wanted(&mailbox.address));
        }
        self
    }

    /// The plain text: the batch's own, else derived from the HTML. Deriving takes longer than
    /// all else about a letter, so it is done only where the text is wanted.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        match (&self.own_text, &self.html) {
            (Some(text), _) => Cow::Borrowed(text),
            (None, Some(html)) => Cow::Owned(text::text_of(html)),
            (None, None) => Cow::Borrowed(""),
        }
    }

    /// About how many bytes the letter takes on the wire: base64 makes four of three and adds a
    /// line end to every 76 (RFC 2045 section 6.8), and bodies may be quoted-printable.
    #[must_use]
    pub fn encoded_bytes(&self) -> u64 {
        let attachments = self.attachments.iter().map(|attachment| attachment.bytes);
        let pictures = self.pictures.iter();
        let pictures = pictures.map(|picture| picture.contents.len() as u64);
        let attached: u64 = attachments
            .chain(pictures)
            .map(|bytes| bytes.div_ceil(57) * 78)
            .sum();
        // Each address with its name, and what a protocol writes around it.
        let addresses: usize = [&self.to, &self.cc, &self.bcc]
            .into_iter()
            .flatten()
            .map(|mailbox| 2 * mailbox.to_string().len() + 64)
            .sum();
        let html = self.html.as_ref().map_or(0, String::len);
        let text = self.own_text.as_ref().map_or(html, String::len);
        let bodies = (html + text) as u64;
        attached + bodies + bodies / 3 + addresses as u64 + 2_048
    }
}

/// The number of pages and the text of a PDF, as the proofs read it; none where it cannot be read.
/// For those who try what no batch holds, such as the fuzz targets.
#[doc(hidden)]
#[must_use]
pub fn read_pdf(bytes: &[u8]) -> (Option<u32>, Option<String>) {
    let contents = pdf::read_unbounded(bytes, true);
    (contents.pages, contents.text.ok().map(|text| text.shown))
}

/// What a template makes of a value that it calls `v`, escaped as in HTML or not, as letters are made.
/// For those who try what no batch holds, such as the fuzz targets.
///
/// # Errors
/// What is wrong with the template, and that it makes too much.
#[doc(hidden)]
pub fn render_template(source: &str, value: &str, is_escaped: bool) -> Result<String, Finding> {
    template::tried(source, value, is_escaped)
}

#[cfg(test)]
mod tests;
