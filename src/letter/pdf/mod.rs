//! What a PDF says: its pages and its text, read within bounds.
//!
//! The file may come from anywhere. However it is made, reading it ends with a text or with the
//! reason why there is none, in bounded memory and after a bounded number of steps.

mod font;
mod page;
mod pen;
mod to_unicode;

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use lopdf::xref::XrefRecovery;
use lopdf::{Document, LoadOptions, Object, ObjectId};

use self::page::Pages;

/// A PDF beyond this size is not read.
const LARGEST_FILE: usize = 64 << 20;
/// The same for an encrypted one, whose object streams cannot be counted before they are unpacked.
const LARGEST_ENCRYPTED: usize = 16 << 20;
/// What one object or cross-reference stream may unpack to, and all object streams together.
const LARGEST_STREAM: usize = 8 << 20;
const MOST_UNPACKED: usize = 64 << 20;
const MOST_OBJECTS: u32 = 500_000;
/// Every change saved into a file adds a cross-reference; this many are no report.
const MOST_CROSS_REFERENCES: usize = 64;
const MOST_PAGES: usize = 5_000;

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
    /// How many pages there are, where that much can be told.
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
pub(super) fn read(bytes: &[u8], text: bool) -> Contents {
    let nothing = |why| Contents {
        pages: None,
        text: Err(why),
        mended: false,
    };
    let read = quietly(|| {
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
    });
    match read {
        Some(Ok(contents)) => contents,
        Some(Err(why)) => nothing(why),
        None => nothing(Why::Damaged),
    }
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

fn load(bytes: &[u8]) -> Result<Document, Why> {
    let named = |name: &[u8]| {
        bytes
            .split(|byte| *byte == b'/')
            .filter(|part| part.starts_with(name))
            .count()
    };
    let is_encrypted = named(b"Encrypt") > 0;
    if bytes.len() > LARGEST_FILE
        || (is_encrypted && bytes.len() > LARGEST_ENCRYPTED)
        || named(b"XRef") > MOST_CROSS_REFERENCES
    {
        return Err(Why::TooMuch);
    }
    let options = |force_reconstruct| LoadOptions {
        filter: Some(within_bounds),
        max_decompressed_size: Some(LARGEST_STREAM),
        force_reconstruct,
        ..LoadOptions::default()
    };
    let load = |force_reconstruct| {
        UNPACKED.set(MOST_UNPACKED);
        OBJECTS.set(MOST_OBJECTS);
        let loaded = Document::load_mem_with_options(bytes, options(force_reconstruct));
        if UNPACKED.get() == 0 || OBJECTS.get() == 0 {
            return Err(Why::TooMuch);
        }
        match loaded {
            Ok(document) if document.is_encrypted() => Err(Why::Encrypted),
            Ok(document) => Ok(document),
            Err(lopdf::Error::Decompress(lopdf::DecompressError::MemoryLimitExceeded {
                ..
            })) => Err(Why::TooMuch),
            Err(lopdf::Error::InvalidPassword) => Err(Why::Encrypted),
            Err(_) => Err(Why::Damaged),
        }
    };
    let document = load(false)?;
    // A cross-reference that points past the objects is mended as readers do it, by looking for them.
    if document.page_iter().next().is_none()
        && let Ok(mended) = load(true)
        && mended.page_iter().next().is_some()
    {
        return Ok(mended);
    }
    Ok(document)
}

thread_local! {
    static UNPACKED: Cell<usize> = const { Cell::new(0) };
    static OBJECTS: Cell<u32> = const { Cell::new(0) };
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Sees each object before it is kept. Object streams are unpacked here, against a bound over all
/// of them; the library has one for each only.
fn within_bounds(id: ObjectId, object: &mut Object) -> Option<(ObjectId, Object)> {
    let left = OBJECTS.get().checked_sub(1)?;
    OBJECTS.set(left);
    if let Ok(stream) = object.as_stream_mut()
        && stream.dict.has_type(b"ObjStm")
    {
        let most = UNPACKED.get();
        match stream.get_plain_content_with_limit(most.min(LARGEST_STREAM)) {
            Ok(content) => {
                UNPACKED.set(most.saturating_sub(content.len()));
                stream.set_plain_content(content);
            }
            Err(lopdf::Error::Decompress(lopdf::DecompressError::MemoryLimitExceeded {
                ..
            })) => {
                UNPACKED.set(0);
                return None;
            }
            Err(_) => return None,
        }
    }
    // Of an object that stands in the file itself the library looks only at whether something came
    // back; one out of an object stream, which is never a stream, it takes.
    let kept = if object.as_stream().is_ok() {
        Object::Null
    } else {
        object.clone()
    };
    Some((id, kept))
}

/// Runs what may panic at a file that nobody foresaw: such a file is damaged, and the panic is not
/// shown.
fn quietly<T>(run: impl FnOnce() -> T) -> Option<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let shown = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !QUIET.get() {
                shown(panic);
            }
        }));
    });
    QUIET.set(true);
    let done = catch_unwind(AssertUnwindSafe(run));
    QUIET.set(false);
    done.ok()
}

#[cfg(test)]
mod tests;
