//! A font's `ToUnicode` map, from character codes to text (ISO 32000-1 section 9.10.3).

use std::collections::HashMap;

/// A map cannot have more codes than two bytes can number.
const MOST_CODES: usize = 1 << 16;

enum Token<'a> {
    Hex(Vec<u8>),
    Open,
    Close,
    Word(&'a [u8]),
}

/// Reads the map. What cannot be read of it is left out: its codes are then codes without text.
pub(super) fn parse(stream: &[u8]) -> HashMap<u32, String> {
    let mut map = HashMap::new();
    let mut operands: Vec<Token<'_>> = Vec::new();
    for token in Tokens(stream) {
        match token {
            Token::Word(b"beginbfchar" | b"beginbfrange") => operands.clear(),
            Token::Word(b"endbfchar") => single(&operands, &mut map),
            Token::Word(b"endbfrange") => ranges(&operands, &mut map),
            Token::Word(_) => {}
            operand => operands.push(operand),
        }
        if map.len() >= MOST_CODES || operands.len() > 4 * MOST_CODES {
            break;
        }
    }
    map
}

fn single(operands: &[Token<'_>], map: &mut HashMap<u32, String>) {
    for pair in operands.chunks_exact(2) {
        if let [Token::Hex(from), Token::Hex(to)] = pair {
            map.insert(code(from), text(to, 0));
        }
    }
}

/// `<first> <last> <text>` counts the text's last unit up; `<first> <last> [<text> …]` lists them.
fn ranges(operands: &[Token<'_>], map: &mut HashMap<u32, String>) {
    let mut operands = operands.iter();
    while let (Some(Token::Hex(first)), Some(Token::Hex(last)), Some(to)) =
        (operands.next(), operands.next(), operands.next())
    {
        let codes = code(first)..=code(last).min(code(first).saturating_add(0xffff));
        match to {
            Token::Hex(start) => {
                for (offset, code) in codes.enumerate().take(MOST_CODES) {
                    map.insert(code, text(start, offset));
                }
            }
            Token::Open => {
                let mut codes = codes;
                for listed in operands.by_ref() {
                    match (listed, codes.next()) {
                        (Token::Hex(to), Some(code)) => {
                            map.insert(code, text(to, 0));
                        }
                        (Token::Close, _) => break,
                        _ => {}
                    }
                }
            }
            _ => return,
        }
        if map.len() >= MOST_CODES {
            return;
        }
    }
}

fn code(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .take(4)
        .fold(0, |code, byte| code << 8 | u32::from(*byte))
}

/// UTF-16, big end first, with its last unit moved on by `offset`.
fn text(bytes: &[u8], offset: usize) -> String {
    let mut units: Vec<u16> = match bytes {
        [one] => vec![u16::from(*one)],
        _ => bytes
            .chunks_exact(2)
            .take(64)
            .map(|pair| u16::from(pair[0]) << 8 | u16::from(pair[1]))
            .collect(),
    };
    if let Some(last) = units.last_mut() {
        *last = last.wrapping_add(u16::try_from(offset).unwrap_or(0));
    }
    let text = String::from_utf16_lossy(&units);
    // What some producers write for a glyph whose text they do not know.
    if text.contains(['\0', '\u{fffd}', '\u{ffff}']) {
        return String::new();
    }
    text
}

struct Tokens<'a>(&'a [u8]);

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            let rest = self.0.trim_ascii_start();
            match rest {
                [] => return None,
                [b'%', ..] => {
                    let end = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
                    self.0 = &rest[end.unwrap_or(rest.len())..];
                }
                [b'<', b'<', after @ ..] | [b'>', b'>', after @ ..] => self.0 = after,
                [b'<', after @ ..] => {
                    let end = after
                        .iter()
                        .position(|byte| *byte == b'>')
                        .unwrap_or(after.len());
                    self.0 = after.get(end + 1..).unwrap_or(&[]);
                    return Some(Token::Hex(hex(&after[..end])));
                }
                [b'[', after @ ..] => {
                    self.0 = after;
                    return Some(Token::Open);
                }
                [b']', after @ ..] => {
                    self.0 = after;
                    return Some(Token::Close);
                }
                _ => {
                    let end = rest[1..]
                        .iter()
                        .position(|byte| byte.is_ascii_whitespace() || b"<>[]%/".contains(byte))
                        .map_or(rest.len(), |end| end + 1);
                    let (word, after) = rest.split_at(end);
                    self.0 = after;
                    return Some(Token::Word(word));
                }
            }
        }
    }
}

fn hex(digits: &[u8]) -> Vec<u8> {
    let digits: Vec<u8> = digits
        .iter()
        .filter_map(|digit| char::from(*digit).to_digit(16))
        .filter_map(|digit| u8::try_from(digit).ok())
        .collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair.get(1).unwrap_or(&0))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_codes_ranges_and_lists_are_read() {
        let map = parse(
            b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap
              1 begincodespacerange <0000> <ffff> endcodespacerange
              2 beginbfchar <0003> <0020> % a blank\n <0041><00660069> endbfchar
              2 beginbfrange <0010> <0012> <0061> <20> <21> [<00e9> <D83DDE00>] endbfrange
              1 beginbfchar <05> <FFFD> endbfchar",
        );
        let expected = [
            (3, " "),
            (0x41, "fi"),
            (0x10, "a"),
            (0x11, "b"),
            (0x12, "c"),
            (0x20, "é"),
            (0x21, "😀"),
            (5, ""),
        ];
        assert_eq!(map.len(), expected.len());
        for (code, text) in expected {
            assert_eq!(map[&code], text, "{code:x}");
        }
    }

    #[test]
    fn a_map_cannot_grow_without_end() {
        let mut hostile = b"beginbfrange ".to_vec();
        for _ in 0..1_000 {
            hostile.extend(b"<00000000> <ffffffff> <0041> ");
        }
        hostile.extend(b"endbfrange");
        assert!(parse(&hostile).len() <= MOST_CODES);
    }
}
