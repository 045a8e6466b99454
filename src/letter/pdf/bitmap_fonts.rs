//! The letters of fonts of pixels, as TeX makes them where it has no outlines: Type 3 fonts that name
//! each glyph after its code, `a72`, and say nothing else. Readers take the number for the letter.

use hayro_interpret::hayro_syntax::Pdf;
use hayro_interpret::hayro_syntax::object::{Array, Dict, Name, Object};

/// Whether all fonts of a file that only draw their glyphs, and do not say their letters, name them
/// after their codes.
pub(super) fn are_named_by_code(pdf: &Pdf) -> bool {
    let mut fonts = pdf.objects().into_iter().filter_map(type3).peekable();
    fonts.peek().is_some() && fonts.all(|font| names_codes(&font).unwrap_or(false))
}

/// A font without a table of letters.
fn type3(object: Object<'_>) -> Option<Dict<'_>> {
    let dict = object.into_dict()?;
    let kind = dict.get::<Name<'_>>("Subtype")?;
    (kind.as_str() == "Type3" && !dict.contains_key("ToUnicode")).then_some(dict)
}

/// Whether each name of an encoding is the code behind an `a`.
fn names_codes(font: &Dict<'_>) -> Option<bool> {
    let encoding = font.get::<Dict<'_>>("Encoding")?;
    let mut code = None;
    for object in encoding
        .get::<Array<'_>>("Differences")?
        .iter::<Object<'_>>()
    {
        match object {
            Object::Number(number) => code = Some(number.as_i64()),
            Object::Name(name) => {
                let here = code?;
                if name.as_str() != ".notdef" && name.as_str() != format!("a{here}") {
                    return Some(false);
                }
                code = Some(here + 1);
            }
            _ => return Some(false),
        }
    }
    Some(true)
}

/// The letter of a code: TeX's encodings agree on the printable signs of ASCII, and only one of them
/// has letters with accents (the Cork encoding, T1), nearly where Latin-1 has them. Ligatures stand in
/// different places, so nobody knows them.
pub(super) fn letter(code: u32) -> Option<char> {
    match code {
        0x22 | 0x3c | 0x3e | 0x5c | 0x5f | 0x7b..=0x7d => Some('"'),
        0xd7 => Some('Œ'),
        0xdf => Some('ẞ'),
        0xf7 => Some('œ'),
        0xff => Some('ß'),
        0x21..=0x7e | 0xc0..=0xfe => char::from_u32(code),
        _ => None,
    }
}
