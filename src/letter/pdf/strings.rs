//! Text strings of a PDF outside of its pages (ISO 32000-2 section 7.9.2.2).

use encoding_rs::UTF_16BE;

/// The upper control codes of `PDFDocEncoding` (ISO 32000-2 annex D.2) that are letters or marks in
/// names; the others are blanks here.
const SPECIAL: [(u8, &str); 17] = [
    (0x84, "—"),
    (0x85, "–"),
    (0x8f, "‘"),
    (0x90, "’"),
    (0x91, "‚"),
    (0x93, "fi"),
    (0x94, "fl"),
    (0x95, "Ł"),
    (0x96, "Œ"),
    (0x97, "Š"),
    (0x98, "Ÿ"),
    (0x99, "Ž"),
    (0x9a, "ı"),
    (0x9b, "ł"),
    (0x9c, "œ"),
    (0x9d, "š"),
    (0x9e, "ž"),
];

/// A text string in Unicode.
pub(super) fn decode(bytes: &[u8]) -> String {
    if let Some(rest) = bytes.strip_prefix(b"\xfe\xff") {
        return UTF_16BE.decode_without_bom_handling(rest).0.into_owned();
    }
    if let Some(rest) = bytes.strip_prefix(b"\xef\xbb\xbf") {
        return String::from_utf8_lossy(rest).into_owned();
    }
    let mut text = String::with_capacity(bytes.len());
    for byte in bytes {
        match byte {
            0x7f..=0xa0 => {
                let special = SPECIAL.iter().find(|(code, _)| code == byte);
                text.push_str(special.map_or(" ", |(_, letters)| letters));
            }
            _ => text.push(char::from(*byte)),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_encoding_is_read() {
        assert_eq!(decode(b"\xfe\xff\0O\0a\0k\x20\x14"), "Oak—");
        assert_eq!(decode("\u{feff}Lycée".as_bytes()), "Lycée");
        assert_eq!(decode(b"Lyc\xe9e d\x90\x96uvre"), "Lycée d’Œuvre");
    }
}
