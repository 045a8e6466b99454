//! The markup of a letter, as far as it must be understood: elements, attributes and what readers see.
//! A letter may hold anything, so nothing here can fail.

use std::borrow::Cow;

/// An element where it begins.
pub(super) struct MarkupElement<'a> {
    /// Its name as written.
    pub name: &'a str,
    /// Its attributes as written, their values without quotation marks.
    pub attributes: Vec<(&'a str, &'a str)>,
    /// What stands behind its tag.
    pub after: &'a str,
    /// Whether it stands in a comment that no program reads.
    pub is_hidden: bool,
}

impl<'a> MarkupElement<'a> {
    /// The value of an attribute, whatever the case of its name.
    pub(super) fn attribute(&self, name: &str) -> Option<&'a str> {
        let mut attributes = self.attributes.iter();
        let found = attributes.find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| *value)
    }
}

/// All elements, those in comments among them: what a comment hides from one program another reads,
/// as Outlook does where a condition begins it.
pub(super) fn elements(html: &str) -> impl Iterator<Item = MarkupElement<'_>> {
    let mut rest = html;
    // What is left of the letter behind the comment that no program reads.
    let mut behind_comment = html.len();
    std::iter::from_fn(move || {
        loop {
            rest = &rest[rest.find('<')? + 1..];
            if let Some(comment) = rest.strip_prefix("!--") {
                let is_condition = comment.trim_start().starts_with("[if");
                if !is_condition {
                    let end = comment.find("-->").unwrap_or(comment.len());
                    behind_comment = comment.len() - end;
                }
                rest = comment;
                continue;
            }
            let end = rest
                .find(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>' | '<'))
                .unwrap_or(rest.len());
            let name = &rest[..end];
            if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
                continue;
            }
            let is_hidden = behind_comment < html.len() && rest.len() > behind_comment;
            let mut attributes = Attributes(&rest[end..]);
            let found = attributes.by_ref().collect();
            rest = attributes.0;
            return Some(MarkupElement {
                name,
                attributes: found,
                after: rest,
                is_hidden,
            });
        }
    })
}

/// Where a part of a text begins in it.
pub(super) fn place_of(part: &str, text: &str) -> usize {
    part.as_ptr().addr().saturating_sub(text.as_ptr().addr())
}

/// Elements that no break stands before or behind.
const INLINE: [&str; 24] = [
    "a", "abbr", "b", "bdi", "big", "cite", "code", "del", "em", "font", "i", "ins", "kbd", "mark",
    "q", "s", "small", "span", "strike", "strong", "sub", "sup", "tt", "u",
];

/// Elements whose text is not shown.
const UNSHOWN: [&str; 4] = ["style", "script", "title", "template"];

/// What readers see of a letter, roughly: its text with one blank for any number of them, and a line
/// for each block.
pub(super) fn visible(html: &str) -> String {
    let mut seen = String::with_capacity(html.len() / 2);
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        add(&mut seen, &rest[..at]);
        rest = &rest[at + 1..];
        if let Some(comment) = rest.strip_prefix("!--") {
            rest = comment.find("-->").map_or("", |end| &comment[end + 3..]);
            continue;
        }
        let ends = rest.starts_with('/');
        let name = rest.strip_prefix('/').unwrap_or(rest);
        let end = name
            .find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(name.len());
        let name = &name[..end];
        rest = behind_tag(&rest[place_of(name, rest) + end..]);
        let is = |other: &&str| name.eq_ignore_ascii_case(other);
        if UNSHOWN.iter().any(is) {
            if !ends {
                rest = &rest[rest.find("</").unwrap_or(rest.len())..];
            }
        } else if !INLINE.iter().any(is) {
            while seen.ends_with(' ') {
                seen.pop();
            }
            seen.push('\n');
        }
    }
    add(&mut seen, rest);
    seen
}

fn add(seen: &mut String, text: &str) {
    for c in decoded_text(text).chars() {
        let c = if c.is_whitespace() { ' ' } else { c };
        if c != ' ' || !seen.ends_with([' ', '\n']) {
            seen.push(c);
        }
    }
}

/// Text with the character references resolved that stand for marks.
fn decoded_text(text: &str) -> String {
    let plain = decoded(text);
    if !plain.contains('&') {
        return plain.into_owned();
    }
    plain
        .replace("&nbsp;", " ")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&laquo;", "«")
        .replace("&raquo;", "»")
}

/// The names of all tags, and whether each ends an element. What stands in comments is left out.
pub(super) fn tags(html: &str) -> impl Iterator<Item = (&str, bool)> {
    let mut rest = html;
    std::iter::from_fn(move || {
        loop {
            rest = &rest[rest.find('<')? + 1..];
            if let Some(comment) = rest.strip_prefix("!--") {
                rest = comment.find("-->").map_or("", |end| &comment[end..]);
                continue;
            }
            let after = rest.strip_prefix('/');
            let name = after.unwrap_or(rest);
            let end = name
                .find(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>' | '<'))
                .unwrap_or(name.len());
            if name.starts_with(|c: char| c.is_ascii_alphabetic()) {
                rest = &name[end..];
                return Some((&name[..end], after.is_some()));
            }
        }
    })
}

/// What stands behind a tag, of which its name is read.
pub(super) fn behind_tag(rest: &str) -> &str {
    let mut attributes = Attributes(rest);
    attributes.by_ref().for_each(drop);
    attributes.0.strip_prefix('>').unwrap_or(attributes.0)
}

/// The attributes of a tag (HTML standard, "Tokenization"); what is left afterwards begins behind it.
struct Attributes<'a>(&'a str);

impl<'a> Iterator for Attributes<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let is_space = |c: char| c.is_ascii_whitespace();
        let rest = self.0.trim_start_matches(|c| is_space(c) || c == '/');
        if rest.is_empty() || rest.starts_with('>') {
            self.0 = rest;
            return None;
        }
        // A name may begin with `=`.
        let first = rest.chars().next().map_or(1, char::len_utf8);
        let end = rest[first..]
            .find(|c| is_space(c) || matches!(c, '/' | '>' | '='))
            .map_or(rest.len(), |end| first + end);
        let (name, after) = rest.split_at(end);
        let Some(value) = after.trim_start_matches(is_space).strip_prefix('=') else {
            self.0 = after;
            return Some((name, ""));
        };
        let value = value.trim_start_matches(is_space);
        let quoted = value.chars().next().filter(|c| matches!(c, '"' | '\''));
        let (value, after) = match quoted {
            Some(mark) => value[1..].split_once(mark).unwrap_or((&value[1..], "")),
            None => value.split_at(
                value
                    .find(|c| is_space(c) || c == '>')
                    .unwrap_or(value.len()),
            ),
        };
        self.0 = after;
        Some((name, value))
    }
}

/// A value with its character references resolved, as far as an address may hide behind them.
pub(super) fn decoded(value: &str) -> Cow<'_, str> {
    if !value.contains('&') {
        return Cow::Borrowed(value);
    }
    let mut plain = String::with_capacity(value.len());
    let mut parts = value.split('&');
    plain.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (reference, after) = match part.find(|c: char| !c.is_ascii_alphanumeric() && c != '#') {
            Some(end) if part[end..].starts_with(';') => (&part[..end], &part[end + 1..]),
            Some(end) => part.split_at(end),
            None => (part, ""),
        };
        let character = match reference {
            "colon" => Some(':'),
            "sol" => Some('/'),
            "amp" => Some('&'),
            "Tab" => Some('\t'),
            "NewLine" => Some('\n'),
            _ => number(reference).and_then(char::from_u32),
        };
        if let Some(character) = character {
            plain.push(character);
            plain.push_str(after);
        } else {
            plain.push('&');
            plain.push_str(part);
        }
    }
    Cow::Owned(plain)
}

fn number(reference: &str) -> Option<u32> {
    let digits = reference.strip_prefix('#')?;
    match digits.strip_prefix(['x', 'X']) {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => digits.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn readers_see_text_and_lines() {
        for (html, text) in [
            ("<p>Dear <b>A</b>,</p><p>x</p>", "\nDear A,\n\nx\n"),
            ("<style>p { x }</style>Hi<!-- a -->\n you", "Hi you"),
            (
                "<p title='>'>&laquo;School&raquo; &#123;name}",
                "\n«School» {name}",
            ),
            ("<title>t</title>x", "x"),
        ] {
            assert_eq!(visible(html), text, "{html}");
        }
    }

    #[test]
    fn only_a_comment_without_a_condition_hides() {
        let html = "<a><!-- <b> --><c><!--[if mso]><d/><![endif]--><e>";
        let found: Vec<_> = elements(html)
            .map(|one| (one.name, one.is_hidden))
            .collect();
        let expected = [
            ("a", false),
            ("b", true),
            ("c", false),
            ("d", false),
            ("e", false),
        ];
        assert_eq!(found, expected);
    }

    proptest! {
        #[test]
        fn any_text_is_looked_through(html in "[<>a-z=\"'/& é!-]{0,60}") {
            visible(&html);
            for element in elements(&html) {
                let at = place_of(element.name, &html);
                prop_assert!(html[at..].starts_with(element.name));
            }
        }
    }
}
