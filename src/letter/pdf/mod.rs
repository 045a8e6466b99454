//! What a PDF says: its pages and its text, read within bounds.
//!
//! The file may come from anywhere. However it is made, reading it ends with a text or with the
//! reason why there is none, in bounded memory and after a bounded number of steps.

mod bounds;
mod font;
mod load;
mod page;
mod pen;
mod scan;
mod to_unicode;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use lopdf::xref::XrefRecovery;
use lopdf::{Document, ObjectId};

use self::load::load;
use self::page::Pages;
use crate::contain;

const MOST_PAGES: usize = 5_000;
/// How long a file may take. One that is no attack takes a small part of it.
const PATIENCE: Duration = Duration::from_secs(15);
/// The library parses what is in each other by calling itself.
const STACK: usize = 8 << 20;

/// Why a PDF cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// It is larger, or unpacks to more, than a report can be.
    TooMuch,
}

/// What was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Contents {
    /// How many pages there are, where that much can be known.
    pub pages: Option<u32>,
    /// The text.
    pub text: Result<Text, Why>,
    /// Whether the file is damaged and could be read all the same.
    pub mended: bool,
}

impl Contents {
    /// A file that is not opened.
    pub const TOO_MUCH: Self = Self {
        pages: None,
        text: Err(Why::TooMuch),
        mended: false,
    };
}

/// The text of a PDF.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Text {
    /// What was read; a glyph whose text is lost is U+FFFD.
    pub text: String,
    /// Whether part of what a person sees may be in pictures.
    pub in_pictures: bool,
}

/// Reads a PDF; without `text` only its pages are counted.
///
/// A thread of its own does it, which is given up on when it takes too long: there are files that cost
/// little memory and no end of time. It ends by itself where it next asks whether it is still wanted.
pub(super) fn read(bytes: &[u8], text: bool) -> Contents {
    let abandoned = Arc::new(AtomicBool::new(false));
    let (done, waiting) = mpsc::sync_channel(1);
    let (mut bytes, flag) = (bytes.to_vec(), Arc::clone(&abandoned));
    let reader = thread::Builder::new()
        .name("pdf".to_owned())
        .stack_size(STACK);
    let begun = reader.spawn(move || {
        bounds::begin(bytes.len(), &flag);
        // Nobody waits any more when this fails.
        let _ = done.send(read_here(&mut bytes, text));
    });
    let read = begun
        .ok()
        .and_then(|_| waiting.recv_timeout(PATIENCE).ok())
        .unwrap_or(Err(Why::TooMuch));
    abandoned.store(true, Ordering::Relaxed);
    read.unwrap_or_else(|why| Contents {
        pages: None,
        text: Err(why),
        mended: false,
    })
}

fn read_here(bytes: &mut [u8], text: bool) -> Result<Contents, Why> {
    let read = contain::panics(|| read_whole(bytes, text));
    read.unwrap_or_else(|panicked| {
        Err(if bounds::is_passed(&*panicked) {
            Why::TooMuch
        } else {
            Why::Damaged
        })
    })
}

fn read_whole(bytes: &mut [u8], text: bool) -> Result<Contents, Why> {
    let document = load(bytes)?;
    let pages: Vec<ObjectId> = document.page_iter().take(MOST_PAGES + 1).collect();
    if pages.is_empty() {
        return Err(Why::NoPages);
    }
    let mended = document.xref_recovery == Some(XrefRecovery::Reconstructed);
    let text = if text {
        text_of(&document, &pages)
    } else {
        Ok(Text::default())
    };
    Ok(Contents {
        pages: u32::try_from(pages.len()).ok(),
        text: text.map_err(|why| if mended { Why::Damaged } else { why }),
        mended,
    })
}

fn text_of(document: &Document, pages: &[ObjectId]) -> Result<Text, Why> {
    if pages.len() > MOST_PAGES {
        return Err(Why::TooMuch);
    }
    let mut reader = Pages::new(document);
    for page in pages {
        reader.read(*page)?;
    }
    let lost = reader.text.matches('\u{fffd}').count();
    let kept = reader
        .text
        .chars()
        .filter(|character| character.is_alphanumeric())
        .count();
    match (lost, kept) {
        (0, 0) => Err(Why::NoText),
        (lost, kept) if lost > kept => Err(Why::Fonts),
        _ => Ok(Text {
            text: reader.text,
            in_pictures: reader.in_pictures,
        }),
    }
}

#[cfg(test)]
mod tests;
