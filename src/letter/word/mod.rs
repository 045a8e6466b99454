//! A letter written in Word, turned into an HTML template once: paragraphs, headings, bold, italic,
//! lists, links, tables and pictures of a .docx file (ECMA-376, part 1). From then on the HTML is the
//! letter, and Word is not needed any more.
//!
//! The file may be anybody's: what is unpacked and how deep it goes is bounded, and nothing outside of
//! it is looked at.

mod package;
mod parts;
mod writer;
mod xml;

pub(crate) use package::WordError;

use self::package::WordPackage;
use self::writer::WordWriter;

/// A letter as it was in Word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WordLetter {
    /// An HTML template that shows it. Merge fields stand in it as `«Name»`.
    pub html: String,
    /// Its pictures, by the names that the HTML has for them: they belong beside it.
    pub pictures: Vec<(String, Vec<u8>)>,
    /// What Word shows and the HTML does not, in a few words each.
    pub left_out: Vec<String>,
}

/// Turns the bytes of a .docx file into HTML. Pictures are called `prefix` and a number.
///
/// # Errors
/// When it is no such file, is damaged, or goes beyond the bounds.
pub(crate) fn from_word(bytes: &[u8], prefix: &str) -> Result<WordLetter, WordError> {
    let mut package = WordPackage::open(bytes)?;
    let document = package.document()?;
    let body = document.child("w:body").ok_or(WordError::NoLetter)?;
    let mut writer = WordWriter::new(&mut package, prefix);
    writer.blocks(body);
    writer.finish()
}

#[cfg(test)]
mod tests;
