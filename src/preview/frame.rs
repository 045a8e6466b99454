//! What stands in the frames of the gallery. A frame runs nothing, and loads nothing from anywhere.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::letter::Picture;
use crate::page::escape;

/// Only what a letter carries itself is shown. A picture from the network would show its server that
/// somebody looks, before anything was sent.
const POLICY: &str = "<meta charset=\"utf-8\"><meta http-equiv=\"Content-Security-Policy\" \
    content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; \
    base-uri 'none'; form-action 'none'\"><meta http-equiv=\"x-dns-prefetch-control\" \
    content=\"off\"><meta name=\"referrer\" content=\"no-referrer\">";

/// Elements that show other pages, lead to them by themselves, or change what the page is. No mail
/// program follows them, and a browser connects to where they point before it asks whether it may.
const NEUTRALISED: [&str; 9] = [
    "iframe", "frame", "object", "embed", "portal", "link", "meta", "base", "form",
];

/// What may stand before a doctype (HTML standard, "The initial insertion mode"). Anything else
/// begins the body, where a policy does not count.
const BLANKS: [char; 5] = [' ', '\t', '\n', '\u{c}', '\r'];

/// The letter as its recipient sees it. The policy stands before all of it but its doctype, which
/// says how a browser sets it.
pub(super) fn html(letter: &str) -> String {
    let letter = &neutralised(letter);
    let start = letter.len() - letter.trim_start_matches(BLANKS).len();
    let at = match letter.get(start..start + 9) {
        Some(tag) if tag.eq_ignore_ascii_case("<!doctype") => {
            letter[start..].find('>').map_or(0, |end| start + end + 1)
        }
        _ => 0,
    };
    format!("{}{POLICY}{}", &letter[..at], &letter[at..])
}

/// The letter with its pictures in it: a page has no other parts that `cid:` could name.
pub(super) fn with_pictures(letter: &str, pictures: &[Picture]) -> String {
    pictures.iter().fold(letter.to_owned(), |letter, picture| {
        let inside = format!(
            "data:{};base64,{}",
            picture.media_type,
            STANDARD.encode(&picture.contents)
        );
        letter.replace(&format!("cid:{}", picture.content_id), &inside)
    })
}

/// Gives such elements a name that means nothing.
fn neutralised(letter: &str) -> String {
    let mut safe = String::with_capacity(letter.len());
    for (index, part) in letter.split('<').enumerate() {
        if index > 0 {
            safe.push('<');
        }
        let opens = |name: &&str| {
            part.get(..name.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(name))
        };
        if index > 0 && NEUTRALISED.iter().any(opens) {
            safe.push_str("x-");
        }
        safe.push_str(part);
    }
    safe
}

/// The text alternative.
pub(super) fn text(letter: &str) -> String {
    format!(
        "<!doctype html>{POLICY}<meta name=\"color-scheme\" content=\"light dark\">\
         <title>Text</title><style>pre{{white-space:pre-wrap;font:15px/1.5 ui-monospace,monospace;\
         margin:1rem}}</style><pre>{}</pre>",
        escape(letter)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_to_other_pages_means_nothing() {
        let letter = "<IFrame src=//x.example></iframe> a < b <p>iframe</p>\
            <META http-equiv=refresh content='0;//x.example'><link rel=preconnect href=//x.example>";
        assert_eq!(
            neutralised(letter),
            "<x-IFrame src=//x.example></iframe> a < b <p>iframe</p>\
            <x-META http-equiv=refresh content='0;//x.example'><x-link rel=preconnect href=//x.example>"
        );
    }

    #[test]
    fn the_policy_comes_before_anything_of_the_letter() {
        for (letter, before) in [
            ("<p>hello</p>", ""),
            (
                "\n<!DOCTYPE html><html><img src=http://x.example>",
                "\n<!DOCTYPE html>",
            ),
            ("\u{a0}<!doctype html><img src=http://x.example>", ""),
            ("\u{feff}<!doctype html>", ""),
            ("<!doctype", ""),
            ("é", ""),
        ] {
            let framed = html(letter);
            assert!(
                framed.starts_with(&format!("{before}<meta charset")),
                "{framed}"
            );
            assert_eq!(framed.replace(POLICY, ""), letter);
        }
    }
}
