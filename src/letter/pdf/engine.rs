//! Reading one PDF with the library that interprets it.

use std::any::Any;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hayro_interpret::hayro_syntax::object::{Array, Dict, Object, Stream};
use hayro_interpret::hayro_syntax::page::Page;
use hayro_interpret::hayro_syntax::{DecryptionError, LoadPdfError, Pdf};
use hayro_interpret::kurbo::{Affine, Rect};
use hayro_interpret::{
    Context, InterpreterCache, InterpreterSettings, InterpreterWarning, interpret_page,
};
use memchr::memmem;

use super::text_device::TextDevice;
use super::{Contents, Text, Why, beside, no_outlines, revisions};
use crate::contain;

const MOST_PAGES: usize = 5_000;
/// What the pages may unpack to altogether.
const MOST_CONTENT: usize = 32 << 20;
/// Wider than any page, so that nothing is left out because of where it stands.
const EVERYWHERE: Rect = Rect::new(-1e6, -1e6, 1e6, 1e6);

/// That a bound was passed, as it unwinds out of a library that cannot be asked to stop.
struct Passed;

/// Gives up on the file in hand.
pub(super) fn give_up() -> ! {
    resume_unwind(Box::new(Passed))
}

/// Reads a PDF; without `wants_text` only its pages are counted.
pub(super) fn read(bytes: Vec<u8>, wants_text: bool) -> Contents {
    contain::panics(|| read_whole(bytes, wants_text))
        .unwrap_or_else(|panicked| Contents::none(why_of(&*panicked)))
}

/// How many pages a PDF has, where it can be read.
pub(super) fn count_pages(bytes: &Arc<Vec<u8>>) -> Option<u32> {
    let counted = contain::panics(|| Some(open(bytes).ok()?.pages().len()));
    let pages = counted.ok().flatten().filter(|pages| *pages > 0)?;
    u32::try_from(pages).ok()
}

fn why_of(panicked: &(dyn Any + Send)) -> Why {
    if panicked.is::<Passed>() {
        Why::TooMuch
    } else {
        Why::Damaged
    }
}

fn read_whole(bytes: Vec<u8>, wants_text: bool) -> Contents {
    let bytes = Arc::new(bytes);
    let pdf = match open(&bytes) {
        Ok(pdf) => pdf,
        Err(why) => return Contents::none(why),
    };
    let pages = pdf.pages().len();
    if pages == 0 {
        return Contents::none(Why::NoPages);
    }
    Contents {
        pages: u32::try_from(pages).ok(),
        text: if wants_text {
            text_of(&pdf, &bytes)
        } else {
            Ok(Text::default())
        },
    }
}

fn open(bytes: &Arc<Vec<u8>>) -> Result<Pdf, Why> {
    Pdf::new(Arc::clone(bytes)).map_err(|error| match error {
        LoadPdfError::Decryption(DecryptionError::PasswordProtected) => Why::Encrypted,
        LoadPdfError::Decryption(_) | LoadPdfError::Invalid => Why::Damaged,
    })
}

/// The text of all pages and of what stands beside them.
fn text_of(pdf: &Pdf, bytes: &[u8]) -> Result<Text, Why> {
    // A file that was cut off is mended as far as it goes, and nobody knows what is lost.
    if memmem::rfind(bytes, revisions::END).is_none() {
        return Err(Why::Damaged);
    }
    let mut text = text_of_pages(pdf)?;
    let (lost, kept) = lost_and_kept(&text.shown);
    if lost > kept {
        return Err(Why::Fonts);
    }
    text.is_scan = kept == 0;
    beside::add(pdf, &mut text);
    revisions::add(pdf, bytes, &mut text);
    Ok(text)
}

/// How many glyphs are lost, and how many letters and digits are not.
fn lost_and_kept(text: &str) -> (usize, usize) {
    let lost = text.matches('\u{fffd}').count();
    let kept = text.chars().filter(|one| one.is_alphanumeric());
    (lost, kept.count())
}

/// What the pages show, and what stands on them that nobody sees.
pub(super) fn text_of_pages(pdf: &Pdf) -> Result<Text, Why> {
    let pages = pdf.pages();
    if pages.len() > MOST_PAGES {
        return Err(Why::TooMuch);
    }
    let lost_font = Arc::new(AtomicBool::new(false));
    let cache = InterpreterCache::new();
    let settings = settings(&lost_font);
    let mut device = TextDevice::of(pdf);
    let mut content_left = MOST_CONTENT;
    for page in pages.iter() {
        let decoded = content_of(page)?;
        content_left = content_left.checked_sub(decoded).ok_or(Why::TooMuch)?;
        let seen = page.intersected_crop_box();
        device.begin_page(Rect::new(seen.x0, seen.y0, seen.x1, seen.y1));
        let mut context = Context::new(
            Affine::IDENTITY,
            EVERYWHERE,
            &cache,
            pdf.xref(),
            settings.clone(),
        );
        interpret_page(page, &mut context, &mut device);
    }
    let mut text = device.into_text();
    text.is_partial |= lost_font.load(Ordering::Relaxed);
    Ok(text)
}

/// The settings of the library: it draws what readers draw, and says which fonts it cannot load.
fn settings(lost_font: &Arc<AtomicBool>) -> InterpreterSettings {
    let lost_font = Arc::clone(lost_font);
    let stand_in = no_outlines::font();
    InterpreterSettings {
        font_resolver: Arc::new(move |_| Some((Arc::clone(&stand_in), 0))),
        warning_sink: Arc::new(move |warning| {
            if matches!(warning, InterpreterWarning::UnsupportedFont) {
                lost_font.store(true, Ordering::Relaxed);
            }
        }),
        ..InterpreterSettings::default()
    }
}

/// The length of a page's content. The library takes a stream that it cannot find or decode for an
/// empty one, which would be a page that seems to show nothing.
fn content_of(page: &Page<'_>) -> Result<usize, Why> {
    const CONTENTS: &[u8] = b"Contents";
    let dict = page.raw();
    let is_whole = match dict.get::<Object<'_>>(CONTENTS) {
        Some(Object::Stream(_)) => page.page_stream().is_some(),
        Some(Object::Array(parts)) => has_all(&parts, page),
        Some(Object::Null(_)) => true,
        Some(_) => false,
        None => !dict.contains_key(CONTENTS),
    };
    if is_whole {
        Ok(page.page_stream().map_or(0, <[u8]>::len))
    } else {
        Err(Why::Damaged)
    }
}

fn has_all(parts: &Array<'_>, page: &Page<'_>) -> bool {
    parts.raw_iter().all(|part| {
        let stream = match part.as_obj_ref() {
            Some(reference) => page.xref().get::<Stream<'_>>(reference.into()),
            None => return true,
        };
        stream.is_some_and(|stream| stream.decoded_data().is_ok())
    })
}

/// The catalogue of a document.
pub(super) fn catalogue(pdf: &Pdf) -> Option<Dict<'_>> {
    pdf.xref().get::<Dict<'_>>(pdf.xref().root_id())
}
