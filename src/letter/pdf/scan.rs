//! What a file or a stream will cost, estimated from its bytes before anything is parsed. Where it cannot
//! be seen what they are, they count as the costliest that they may be.

/// What stands in the bytes of a file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Scan {
    /// How many things a parser may find.
    pub nodes: usize,
    /// How many cross-reference streams a parser may read.
    pub cross_references: usize,
    /// Whether `/Encrypt` is named, and whether it is in a spelling that hides it.
    pub is_encrypted: bool,
    pub is_hidden: bool,
}

impl Scan {
    /// Goes through the bytes of a file once.
    pub fn of(bytes: &[u8]) -> Self {
        let mut scan = Self {
            nodes: nodes(bytes),
            ..Self::default()
        };
        for (at, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == b'/') {
            let (name, after, is_plain) = name_at(&bytes[at + 1..]);
            match &name[..] {
                b"Encrypt" if is_plain => scan.is_encrypted = true,
                b"Encrypt" => scan.is_hidden = true,
                // A table that names a stream beside it has it read once more.
                b"XRefStm" => scan.cross_references += 1,
                b"W" if are_widths(after) => scan.cross_references += 1,
                _ => {}
            }
        }
        scan
    }
}

/// The beginning of a name, what comes after it, and whether it is written as it is read.
fn name_at(bytes: &[u8]) -> (Vec<u8>, &[u8], bool) {
    const LONGEST: usize = 8;
    let (mut name, mut at, mut is_plain) = (Vec::new(), 0, true);
    while let Some(&byte) = bytes.get(at).filter(|byte| is_regular(**byte)) {
        if name.len() == LONGEST {
            break;
        }
        let escaped = bytes.get(at + 1..at + 3).filter(|_| byte == b'#');
        let escaped = escaped.and_then(|digits| std::str::from_utf8(digits).ok());
        let escaped = escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        is_plain &= escaped.is_none();
        name.push(escaped.unwrap_or(byte));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    (name, &bytes[at..], is_plain)
}

/// Whether this begins like the widths of a cross-reference stream, `[1 2 1]`, and not like those of a
/// font's glyphs.
fn are_widths(bytes: &[u8]) -> bool {
    let mut rest = without_blanks(bytes);
    let Some(inside) = rest.strip_prefix(b"[") else {
        return false;
    };
    rest = inside;
    (0..3).all(|_| {
        rest = without_blanks(rest);
        let end = rest.iter().position(|byte| !is_regular(*byte));
        let (number, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after;
        let number = std::str::from_utf8(number).ok();
        number
            .and_then(|number| number.parse::<f64>().ok())
            .is_some_and(|number| (0.0..9.0).contains(&number))
    })
}

fn without_blanks(mut bytes: &[u8]) -> &[u8] {
    loop {
        match bytes {
            [0 | 9 | 10 | 12 | 13 | 32, after @ ..] => bytes = after,
            [b'%', ..] => {
                let end = bytes.iter().position(|byte| matches!(byte, 10 | 13));
                bytes = &bytes[end.unwrap_or(bytes.len())..];
            }
            _ => return bytes,
        }
    }
}

fn is_regular(byte: u8) -> bool {
    !matches!(byte, 0 | 9 | 10 | 12 | 13 | 32) && !b"()<>[]{}/%".contains(&byte)
}

/// How many things a parser may find: words of letters and digits, and signs that open something.
/// Few of the bytes of a picture are either.
pub(super) fn nodes(bytes: &[u8]) -> usize {
    const LONGEST_WORD: usize = 32;
    let (mut nodes, mut word) = (0, 0);
    for &byte in bytes {
        if is_regular(byte) {
            // Once a byte is in it that no number has and no name needs, it is no word.
            word = if byte.is_ascii_graphic() && word < usize::MAX / 2 {
                word + 1
            } else {
                usize::MAX / 2
            };
            continue;
        }
        nodes += usize::from((1..=LONGEST_WORD).contains(&word));
        nodes += usize::from(b"[(</".contains(&byte));
        word = 0;
    }
    nodes + usize::from((1..=LONGEST_WORD).contains(&word))
}

/// Whether the objects of an object stream lie one after the other, but for a few. Those that lie in
/// each other are parsed as often as they do.
pub(super) fn lie_apart(index: &[u8], objects: &[u8]) -> bool {
    const MOST_OVERLAPS: usize = 16;
    let mut offsets = offsets(index);
    offsets.sort_unstable();
    let all = offsets.len();
    offsets.dedup();
    let mut overlaps = all - offsets.len();
    let mut offsets = offsets.into_iter().peekable();
    let (mut depth, mut at) = (0_usize, 0);
    while at < objects.len() {
        let end = at + length(&objects[at..]);
        while let Some(offset) = offsets.next_if(|offset| *offset < end) {
            overlaps += usize::from(depth > 0 || offset > at);
        }
        match objects[at] {
            b'[' | b'<' => depth += 1,
            b']' | b'>' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at = end;
    }
    overlaps <= MOST_OVERLAPS
}

/// The second of each two numbers.
fn offsets(index: &[u8]) -> Vec<usize> {
    let mut rest = index;
    let mut numbers = Vec::new();
    loop {
        rest = without_blanks(rest);
        let end = rest.iter().position(u8::is_ascii_whitespace);
        let (number, after) = rest.split_at(end.unwrap_or(rest.len()));
        if number.is_empty() {
            break;
        }
        let number = std::str::from_utf8(number).ok();
        numbers.push(number.and_then(|number| number.parse().ok()).unwrap_or(0));
        rest = after;
    }
    numbers.chunks_exact(2).map(|pair| pair[1]).collect()
}

/// The length of what cannot be cut: a string, a comment, a word, a bracket.
fn length(bytes: &[u8]) -> usize {
    let up_to = |end: Option<usize>| end.unwrap_or(bytes.len());
    match bytes[0] {
        b'(' => {
            let (mut depth, mut escaped) = (0, false);
            up_to(
                bytes
                    .iter()
                    .position(|byte| {
                        match byte {
                            _ if escaped => {}
                            b'(' => depth += 1,
                            b')' => depth -= 1,
                            _ => {}
                        }
                        escaped = *byte == b'\\' && !escaped;
                        depth == 0
                    })
                    .map(|end| end + 1),
            )
        }
        b'%' => up_to(bytes.iter().position(|byte| matches!(byte, 10 | 13))),
        b'<' | b'>' if bytes.get(1) == Some(&bytes[0]) => 2,
        b'<' => up_to(bytes.iter().position(|byte| *byte == b'>')),
        b'/' => {
            1 + bytes[1..]
                .iter()
                .take_while(|byte| is_regular(**byte))
                .count()
        }
        byte if is_regular(byte) => bytes.iter().take_while(|byte| is_regular(**byte)).count(),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_however_they_are_written() {
        let scan = Scan::of(b"<< /W [1 2 1] /#57%c\n[ 0 %c\r 8 0.0 9] /W [3 [500]] /W [1 2 500] /XRefStm 5 /Encrypt /EncryptMetadata >>");
        assert_eq!(scan.cross_references, 3);
        assert!(scan.is_encrypted && !scan.is_hidden);
        assert!(Scan::of(b"/Encr#79pt").is_hidden);
    }

    #[test]
    fn what_a_parser_may_find_is_counted() {
        assert_eq!(nodes(b"[0 0 0]"), 4);
        assert_eq!(nodes(b"<</a(b)>>"), 6);
        assert_eq!(nodes(b"\xff\xfe\x80\x81 \x90"), 0);
    }

    #[test]
    fn objects_in_each_other_are_found() {
        let apart = b"<</A[0(]\\)[)]>>%[\n[1 2]<41>/Name 7 ";
        assert!(lie_apart(b"1 0 2 19 3 24 4 28 5 34", apart));
        let nested: Vec<u8> = b"[ ".repeat(40);
        let index: Vec<_> = (0..40).map(|n| format!("{n} {}", 2 * n)).collect();
        let index = index.join(" ") + " ";
        assert!(!lie_apart(index.as_bytes(), &nested));
        assert!(!lie_apart("1 0 ".repeat(40).as_bytes(), b"[0 0 0]"));
        let string = format!("({})", "[ ".repeat(40));
        let index: Vec<_> = (0..40).map(|n| format!("{n} {}", 2 * n + 1)).collect();
        let index = index.join(" ") + " ";
        assert!(!lie_apart(index.as_bytes(), string.as_bytes()));
    }
}
