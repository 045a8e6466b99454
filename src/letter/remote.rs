//! What a letter would load from elsewhere when it is read.

use std::collections::BTreeSet;

use super::markup::{decoded, elements};

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
    // What a comment hides from one program another one reads: Outlook has conditions there.
    for element in elements(html) {
        let name = element.name.to_ascii_lowercase();
        for (attribute, value) in &element.attributes {
            let value = decoded(value);
            let attribute = attribute.to_ascii_lowercase();
            let hosts = if attribute == "style" {
                in_style(&value)
            } else if attribute.ends_with("srcset") {
                value.split([',', ' ']).filter_map(host).collect()
            } else if LOADED.contains(&attribute.as_str())
                || (attribute == "href" && LOADING.contains(&name.as_str()))
            {
                host(&value).into_iter().collect()
            } else {
                Vec::new()
            };
            found.extend(hosts.iter().map(|host| format!("{name} from {host}")));
        }
        if name == "style" {
            let end = element.after.find("</").unwrap_or(element.after.len());
            let hosts = in_style(&element.after[..end]);
            found.extend(hosts.iter().map(|host| format!("style from {host}")));
        }
    }
    found.into_iter().take(MOST_NAMED).collect()
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
