//! Takes Rust source text apart into paths, well enough to see who imports whom.
//!
//! Comments and literals are skipped, `#[cfg(test)]` items are cut out, groups in
//! braces are spread. It reads text, not a compiled crate: what a macro produces
//! stays unseen.

/// A name, `::`, or a single other character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub text: String,
    pub line: usize,
}

/// `std::io::Read`, and the line it begins on.
#[derive(Debug, PartialEq, Eq)]
pub struct PathUse {
    pub parts: Vec<String>,
    pub line: usize,
}

/// Every path of the code outside tests: `use a::{b, c::*}` is `a::b` and `a::c::*`.
/// Methods and fields, which follow a dot, are no paths.
pub fn paths(text: &str) -> Vec<PathUse> {
    let tokens = tokens(text);
    let (mut found, mut at) = (Vec::new(), 0);
    while at < tokens.len() {
        // `pub(crate)` says who may see an item.
        let is_visibility = at > 1 && tokens[at - 1].text == "(" && tokens[at - 2].text == "pub";
        if is_visibility || !is_name(&tokens[at].text) {
            at += 1;
            continue;
        }
        let method = at > 0 && tokens[at - 1].text == "." && (at < 2 || tokens[at - 2].text != ".");
        let before = found.len();
        at = path(&tokens, at, &[], &mut found);
        if method {
            found.truncate(before);
        }
    }
    found
}

/// Reads one path or group beginning at `at`, below `stem`; returns where it ends.
fn path(tokens: &[Token], mut at: usize, stem: &[String], found: &mut Vec<PathUse>) -> usize {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    let begins = |at: usize| is_name(text(at)) || text(at) == "*" || text(at) == "{";
    let line = tokens.get(at).map_or(0, |token| token.line);
    let mut parts = stem.to_vec();
    loop {
        if text(at) == "{" {
            at += 1;
            while at < tokens.len() && text(at) != "}" {
                at = match text(at) {
                    "as" => at + 2,
                    _ if begins(at) => path(tokens, at, &parts, found),
                    _ => at + 1,
                };
            }
            return at + 1;
        }
        let part = text(at).to_owned();
        at += 1;
        if part != "self" || parts.is_empty() {
            parts.push(part);
        }
        if text(at) != "::" || !begins(at + 1) {
            break;
        }
        at += 1;
    }
    found.push(PathUse { parts, line });
    at
}

/// The text as names, `::` and single characters, without comments, literals and
/// `#[cfg(test)]` items.
pub fn tokens(text: &str) -> Vec<Token> {
    without_tests(&raw_tokens(text))
}

fn raw_tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let (mut tokens, mut at, mut line) = (Vec::new(), 0, 1);
    while at < chars.len() {
        let rest = &chars[at..];
        let (length, token) = match skipped(rest) {
            Some(length) => (length, false),
            None if is_name_char(rest[0]) => {
                (rest.iter().take_while(|c| is_name_char(**c)).count(), true)
            }
            None if rest.starts_with(&[':', ':']) => (2, true),
            None => (1, !rest[0].is_whitespace()),
        };
        if token {
            tokens.push(Token {
                text: rest[..length].iter().collect(),
                line,
            });
        }
        line += rest[..length].iter().filter(|c| **c == '\n').count();
        at += length;
    }
    tokens
}

/// The length of the comment or literal that the text begins with, if it does.
fn skipped(rest: &[char]) -> Option<usize> {
    match rest {
        ['/', '/', ..] => Some(rest.iter().take_while(|c| **c != '\n').count()),
        ['/', '*', ..] => Some(block_comment(rest)),
        ['r', '#', next, ..] if is_name_char(*next) => Some(2), // r#type is the name `type`
        ['"', ..] => Some(quoted(rest, '"')),
        ['\'', '\\', ..] | ['\'', _, '\'', ..] => Some(quoted(rest, '\'')),
        ['b', '\'', ..] => Some(1 + quoted(&rest[1..], '\'')),
        ['b' | 'c' | 'r', ..] => {
            let prefix = rest
                .iter()
                .take(2)
                .take_while(|c| matches!(c, 'b' | 'c' | 'r'))
                .count();
            let raw = rest[..prefix].contains(&'r');
            let hashes = rest[prefix..].iter().take_while(|c| **c == '#').count();
            if rest.get(prefix + hashes) != Some(&'"') || (hashes > 0 && !raw) {
                return None;
            }
            let from = prefix + hashes;
            Some(
                from + if raw {
                    raw_quoted(&rest[from..], hashes)
                } else {
                    quoted(&rest[from..], '"')
                },
            )
        }
        // A name is taken whole, so that a `b` or `r` inside one begins no literal.
        _ => None,
    }
}

fn block_comment(rest: &[char]) -> usize {
    let (mut at, mut depth) = (0, 0);
    while at < rest.len() {
        match rest[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn quoted(rest: &[char], quote: char) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != quote {
        at += if rest[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}

fn raw_quoted(rest: &[char], hashes: usize) -> usize {
    let ends = |at: &usize| {
        rest[*at] == '"'
            && rest[at + 1..]
                .iter()
                .take(hashes)
                .filter(|c| **c == '#')
                .count()
                == hashes
    };
    (1..rest.len())
        .find(ends)
        .map_or(rest.len(), |at| at + 1 + hashes)
}

fn is_name_char(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Cuts out each item under `#[cfg(test)]`: to its closing brace, or to its semicolon.
fn without_tests(tokens: &[Token]) -> Vec<Token> {
    const MARK: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let (mut kept, mut at) = (Vec::new(), 0);
    while at < tokens.len() {
        let marked = tokens[at..]
            .iter()
            .map(|token| token.text.as_str())
            .take(MARK.len())
            .eq(MARK);
        if marked {
            at = item_end(tokens, at + MARK.len());
        } else {
            kept.push(tokens[at].clone());
            at += 1;
        }
    }
    kept
}

fn item_end(tokens: &[Token], from: usize) -> usize {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate().skip(from) {
        match token.text.as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth -= 1,
            _ => {}
        }
        // `use a::{b};` ends at the semicolon behind its brace, if there is one.
        let closed = depth == 0 && token.text == "}";
        if closed && tokens.get(at + 1).is_some_and(|next| next.text == ";") {
            return at + 2;
        }
        if closed || (depth == 0 && token.text == ";") || depth < 0 {
            return at + 1;
        }
    }
    tokens.len()
}

// The file is compiled into a test crate, so these run with it.

fn spread(text: &str) -> Vec<String> {
    paths(text)
        .into_iter()
        .map(|path| path.parts.join("::"))
        .collect()
}

#[test]
fn groups_are_spread() {
    let all = spread("use a::{self, b::{c as d, e}, *};");
    assert_eq!(all, ["use", "a", "a::b::c", "a::b::e", "a::*"]);
}

#[test]
fn comments_and_literals_are_skipped() {
    for text in [
        "// crate::x",
        "//! crate::x",
        "/* /* crate::x */ crate::x */",
        r#""crate::x \" crate::x""#,
        r##"r#"crate::x " crate::x"#"##,
        r##"br#"crate::x"#"##,
        r#"b"crate::x""#,
        r#"c"crate::x""#,
        r#"'"' '\'' b'"'"#,
    ] {
        assert_eq!(spread(text), Vec::<String>::new(), "{text}");
        assert_eq!(spread(&format!("{text}\ny")), ["y"], "{text}");
    }
}

#[test]
fn lifetimes_and_raw_names_are_no_literals() {
    assert_eq!(spread("&'a x 'b: crate::y"), ["a", "x", "b", "crate::y"]);
    assert_eq!(
        spread("r#type::x rb::y car::z"),
        ["type::x", "rb::y", "car::z"]
    );
}

#[test]
fn lines_are_counted_through_what_is_skipped() {
    let found = paths("/* \n */ \"\n\" // x\n a::b");
    assert_eq!(
        found,
        [PathUse {
            parts: vec!["a".into(), "b".into()],
            line: 4
        }]
    );
}

#[test]
fn test_items_are_cut_out_and_the_rest_stays() {
    assert_eq!(spread("#[cfg(test)] mod t { fn f() { x() } } y"), ["y"]);
    assert_eq!(spread("#[cfg(test)] #[path = \"t\"] mod t; y"), ["y"]);
    assert_eq!(spread("#[cfg(test)] use x::{z}; y"), ["y"]);
    assert_eq!(spread("#[cfg(not(test))] y"), ["cfg", "not", "test", "y"]);
}

#[test]
fn methods_and_fields_are_no_paths() {
    let all = spread("f!(x); g(); h(1); a.m(); b != c; 0..d; t::<u8>::new()");
    assert_eq!(
        all,
        ["f", "x", "g", "h", "a", "b", "c", "d", "t", "u8", "new"]
    );
}
