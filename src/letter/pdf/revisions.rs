//! What else the bytes of a PDF hold: what it showed before it was changed, and a second PDF.
//!
//! A program that saves a PDF may add to its end and leave all that was there (ISO 32000-2 section
//! 7.5.6). Whoever cuts the file at an earlier `%%EOF` sees it as it was.

use hayro_interpret::hayro_syntax::Pdf;
use memchr::memmem;

use super::{Text, engine};

/// What each PDF ends with.
pub(super) const END: &[u8] = b"%%EOF";
const START: &[u8] = b"%PDF-";
/// As many revisions are looked at, the latest first.
const MOST_REVISIONS: usize = 3;
/// A reader takes a PDF to begin anywhere within these bytes (ISO 32000-1 annex H, note 13).
const HEAD: usize = 1_024;
const LAYERS: &[u8] = b"/OCProperties";
/// A key of the same length that no reader knows.
const NO_LAYERS: &[u8] = b"/XCProperties";

/// Adds what earlier revisions showed, and what layers hold that are off.
pub(super) fn add(pdf: &Pdf, bytes: &[u8], text: &mut Text) {
    text.has_second_pdf = has_second_pdf(bytes);
    let ends: Vec<usize> = memmem::find_iter(bytes, END).collect();
    let earlier = ends.split_last().map_or(&[][..], |(_, earlier)| earlier);
    let is_linearised = memmem::find(head(bytes), b"/Linearized").is_some();
    // The first end of a file that opens page by page is no revision.
    let earlier = &earlier[usize::from(is_linearised && !earlier.is_empty())..];
    for end in earlier.iter().rev().take(MOST_REVISIONS) {
        let revision = bytes[..end + END.len()].to_vec();
        if let Some(shown) = shown_by(revision).filter(|shown| *shown != text.shown) {
            text.earlier.push_str(&shown);
            text.earlier.push('\n');
        }
    }
    if let Some(all) = with_all_layers(pdf, bytes) {
        text.hidden.push('\n');
        text.hidden.push_str(&all);
    }
}

fn head(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len().min(HEAD)]
}

fn shown_by(bytes: Vec<u8>) -> Option<String> {
    let pdf = Pdf::new(bytes).ok()?;
    Some(engine::text_of_pages(&pdf).ok()?.shown)
}

/// The text with every layer on, where a file has layers: the library leaves out those that are off.
fn with_all_layers(pdf: &Pdf, bytes: &[u8]) -> Option<String> {
    engine::catalogue(pdf).filter(|catalogue| catalogue.contains_key("OCProperties"))?;
    let at = memmem::find_iter(bytes, LAYERS);
    let mut changed = bytes.to_vec();
    for at in at {
        changed[at..at + LAYERS.len()].copy_from_slice(NO_LAYERS);
    }
    shown_by(changed)
}

/// Whether a PDF begins behind the head of this one: appended to it, or a file inside it that is not
/// packed.
fn has_second_pdf(bytes: &[u8]) -> bool {
    memmem::find_iter(bytes, START).any(|at| {
        let before = at.checked_sub(1).and_then(|before| bytes.get(before));
        let version = &bytes[at + START.len()..];
        at >= HEAD
            && matches!(before, Some(b'\n' | b'\r'))
            && matches!(version, [major, b'.', minor, ..] if major.is_ascii_digit() && minor.is_ascii_digit())
    })
}
