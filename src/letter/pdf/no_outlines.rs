//! The font that stands in for each one that a PDF names and does not hold, such as the fourteen standard fonts: text
//! needs their codes, names and widths, which the library knows, and nothing of their outlines.

use std::sync::Arc;

use hayro_interpret::font::FontData;

const UNITS_PER_EM: u16 = 1000;
/// The tables follow the directory: its header and an entry for each of them.
const TABLES_AT: u32 = 12 + 2 * 16;
const HEAD_LENGTH: u32 = 54;
const MAXP_LENGTH: u32 = 6;
/// `head` with the two bytes that bring the next table to a boundary of four.
const HEAD_ROOM: u32 = HEAD_LENGTH + 2;

/// A font in OpenType's form that has one glyph and draws nothing: the tables `head` and `maxp` alone
/// (OpenType specification, "Organization of an OpenType font", `head`, `maxp` version 0.5).
pub(super) fn font() -> FontData {
    let mut font = Vec::new();
    font.extend(0x0001_0000_u32.to_be_bytes());
    // Two tables, and what a search among them begins with.
    for number in [2_u16, 32, 1, 0] {
        font.extend(number.to_be_bytes());
    }
    for (tag, at, length) in [
        (b"head", TABLES_AT, HEAD_LENGTH),
        (b"maxp", TABLES_AT + HEAD_ROOM, MAXP_LENGTH),
    ] {
        font.extend(tag);
        for number in [0, at, length] {
            font.extend(number.to_be_bytes());
        }
    }
    let mut head = [0; HEAD_ROOM as usize];
    head[..4].copy_from_slice(&0x0001_0000_u32.to_be_bytes());
    head[12..16].copy_from_slice(&0x5f0f_3cf5_u32.to_be_bytes());
    head[18..20].copy_from_slice(&UNITS_PER_EM.to_be_bytes());
    font.extend(head);
    font.extend(0x0000_5000_u32.to_be_bytes());
    font.extend(1_u16.to_be_bytes());
    Arc::new(font)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_font_of_one_glyph() {
        let data = font();
        let read = skrifa::Font::new(Arc::clone(&data), 0).unwrap();
        assert_eq!((read.num_glyphs(), read.units_per_em()), (1, UNITS_PER_EM));
        assert_eq!(read.glyph_by_name("A"), None);
    }
}
