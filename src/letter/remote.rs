//! What a letter would load from elsewhere when it is read.

use std::borrow::Cow;
use std::collections::BTreeSet;

/// No more places than these are named of one letter.
const MOST_NAMED: usize = 5;

/// Attributes whose value is loaded, whatever the element.
const LOADED: [&str; 9] = [
    "src",
    "srcset",
    "background",
    "poster",
    "data",
    "lowsrc",
    "dynsrc",
    "xlink:href",
    "imagesrcset",
];

/// Elements whose `href` is loaded. That of a link to click is not.
const LOADING: [&str; 4] = ["link", "base", "use", "image"];

/// What a letter loads from elsewhere, as element and host, each once: `img from tracker.example`.
pub(super) fn remote(html: &str) -> Vec<String> {
    let mut found = BTreeSet::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        if rest.starts_with("!--") {
            // What a comment hides from one program another one reads: Outlook has conditions there.
            rest = &rest[3..];
            continue;
        }
        let name: String = rest
            .chars()
            .take_while(|c| !c.is_ascii_whitespace() && !matches!(c, '/' | '>' | '<'))
            .collect();
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            continue;
        }
        rest = &rest[name.len()..];
        let element = name.to_ascii_lowercase();
        let mut attributes = Attributes(rest);
        for (attribute, value) in attributes.by_ref() {
            let value = decoded(value);
            let attribute = attribute.to_ascii_lowercase();
            let hosts = if attribute == "style" {
                in_style(&value)
            } else if attribute.ends_with("srcset") {
                value.split([',', ' ']).filter_map(host).collect()
            } else if LOADED.contains(&attribute.as_str())
                || (attribute == "href" && LOADING.contains(&element.as_str()))
            {
                host(&value).into_iter().collect()
            } else {
                Vec::new()
            };
            found.extend(hosts.iter().map(|host| format!("{element} from {host}")));
        }
        rest = attributes.0;
        if element == "style" {
            let end = rest.find("</").unwrap_or(rest.len());
            let hosts = in_style(&rest[..end]);
            found.extend(hosts.iter().map(|host| format!("style from {host}")));
        }
    }
    found.into_iter().take(MOST_NAMED).collect()
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

/// The hosts that a style names in `url(…)` or `@import`.
fn in_style(style: &str) -> Vec<String> {
    let lower = style.to_ascii_lowercase();
    ["url(", "@import", "image-set("]
        .iter()
        .flat_map(|mark| lower.match_indices(mark).map(|(at, _)| at + mark.len()))
        .filter_map(|at| {
            host(style[at..].trim_start_matches(|c: char| c.is_whitespace() || "\"'".contains(c)))
        })
        .collect()
}

/// The host that an address leads to, unless what it names lies in the letter.
fn host(address: &str) -> Option<String> {
    let plain: String = address
        .trim_start_matches(|c: char| c.is_whitespace() || c.is_control())
        .chars()
        .filter(|c| !matches!(c, '\t' | '\n' | '\r'))
        .take(400)
        .map(|c| if c == '\\' { '/' } else { c })
        .collect();
    let schemes = ["http:", "https:", "ftp:"];
    let after = schemes
        .iter()
        .find_map(|scheme| {
            let start = plain.get(..scheme.len())?;
            start
                .eq_ignore_ascii_case(scheme)
                .then(|| &plain[scheme.len()..])
        })
        .or_else(|| plain.starts_with("//").then_some(plain.as_str()))?;
    let host: String = after
        .trim_start_matches('/')
        .chars()
        .take_while(|c| !matches!(c, '/' | '?' | '#' | '"' | '\'' | ')') && !c.is_whitespace())
        .collect();
    Some(host.to_ascii_lowercase())
}

/// A value with its character references resolved, as far as an address may hide behind them.
fn decoded(value: &str) -> Cow<'_, str> {
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
    fn what_lies_elsewhere_is_found() {
        for (html, found) in [
            ("<img src=https://a.example/x.png>", "img from a.example"),
            ("<IMG alt='>' SRC = '//A.example/x'>", "img from a.example"),
            (
                "<td background=\"http:\\\\a.example\">",
                "td from a.example",
            ),
            (
                "<link rel=stylesheet href=\"//a.example/s.css\">",
                "link from a.example",
            ),
            (
                "<p style='background: URL( \"https://a.example/x\")'>",
                "p from a.example",
            ),
            (
                "<style>@import 'http://a.example/s';</style>",
                "style from a.example",
            ),
            (
                "<img srcset=\"x.png 1x, https://a.example/y 2x\">",
                "img from a.example",
            ),
            (
                "<img src='&#104;ttp&colon;//a.example'>",
                "img from a.example",
            ),
            ("<img src='ht\ntps://a.example'>", "img from a.example"),
            (
                "<!--[if mso]><v:fill src=\"http://a.example/x\"/><![endif]-->",
                "v:fill from a.example",
            ),
        ] {
            assert_eq!(remote(html), [found], "{html}");
        }
    }

    #[test]
    fn what_lies_in_the_letter_or_is_to_be_clicked_is_not() {
        for html in [
            "<a href=\"https://study.example\">https://study.example</a>",
            "<img src=\"data:image/png;base64,AAAA\"><img src=cid:logo>",
            "<p>a < b, src=http://a.example</p>",
            "<p style=\"color: red\" title=\"http://a.example\">",
            "<style>p { background: url(data:image/png;base64,AA) }</style>",
        ] {
            assert!(remote(html).is_empty(), "{html}: {:?}", remote(html));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_looked_through(html in "[<>a-z=\"'/& é!-]{0,60}") {
            remote(&html);
        }
    }
}
