//! What a PDF shows: its pages and its text, read within bounds.
//!
//! The file may come from anywhere. However it is made, reading it ends with a text or with the
//! reason why there is none. A process of its own reads it, whose memory and time are bounded: the
//! library that parses PDFs has no bound of its own over either.

mod beside;
mod bitmap_fonts;
mod encryption;
mod engine;
mod gaps;
mod no_outlines;
mod process;
mod revisions;
mod strings;
mod text_device;

use serde::{Deserialize, Serialize};

pub(crate) use process::{read_pdfs_with, serve_pdfs};

pub(super) use encryption::LockError;
pub(super) use process::PdfReaders;

/// A PDF beyond this size, in bytes, is not taken into memory.
pub(super) const LARGEST: u64 = 64 << 20;

/// Why a PDF cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Why {
    /// It opens with a password only.
    Encrypted,
    /// Its structure is broken.
    Damaged,
    /// It has no pages.
    NoPages,
    /// There is no text in it.
    NoText,
    /// Its fonts do not say which letters their glyphs are.
    Fonts,
    /// It is larger, or takes more memory or time, than a report can.
    TooMuch,
    /// The process that reads could not be started.
    NoReader,
}

/// What was read.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Contents {
    /// How many pages there are, where that much can be known.
    pub pages: Option<u32>,
    /// The text.
    pub text: Result<Text, Why>,
}

impl Contents {
    /// A file that cannot be read at all.
    pub(super) const fn none(why: Why) -> Self {
        Self {
            pages: None,
            text: Err(why),
        }
    }
}

/// The text of a PDF. A glyph whose letter is lost is U+FFFD.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Text {
    /// What a reader shows: pages, form fields, annotations, title and bookmarks.
    pub shown: String,
    /// What is in the file and nobody sees: off the page, invisible, white on white, in a layer that
    /// is off.
    pub hidden: String,
    /// What earlier revisions of the file showed, where it has some.
    pub earlier: String,
    /// Whether part of what a person sees may not be in the text: it is in pictures, or in a font that
    /// cannot be loaded.
    pub is_partial: bool,
    /// Whether no page shows any text, as those of a scan.
    pub is_scan: bool,
    /// The names of files inside the PDF.
    pub files: Vec<String>,
    /// Whether another PDF stands behind or inside this one.
    pub has_second_pdf: bool,
}

/// Reads a PDF in this process, without bounds on memory and time; without `wants_text` only its
/// pages are counted. For tests, and for programs that use the library.
pub(super) fn read_unbounded(bytes: &[u8], wants_text: bool) -> Contents {
    engine::read(bytes.to_vec(), wants_text)
}

#[cfg(test)]
mod tests;
