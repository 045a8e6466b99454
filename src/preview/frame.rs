//! What stands in the frames of the gallery. A frame runs nothing, and loads nothing from anywhere.

use crate::page::escape;

/// Only what a letter carries itself is shown. A picture from the network would tell its server that
/// somebody looks, before anything was sent.
const POLICY: &str = "<meta charset=\"utf-8\"><meta http-equiv=\"Content-Security-Policy\" \
    content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:\">";

/// Elements that show other pages. No mail program does, and a browser connects to where they point
/// before it asks whether it may.
const FRAMES: [&str; 5] = ["iframe", "frame", "object", "embed", "portal"];

/// The letter as its recipient sees it.
pub(super) fn html(letter: &str) -> String {
    let letter = &without_frames(letter);
    let start = letter.len() - letter.trim_start().len();
    let at = match letter.get(start..start + 9) {
        Some(tag) if tag.eq_ignore_ascii_case("<!doctype") => letter[start..]
            .find('>')
            .map_or(letter.len(), |end| start + end + 1),
        _ => start,
    };
    format!("{}{POLICY}{}", &letter[..at], &letter[at..])
}

/// Gives elements that show other pages a name that means nothing.
fn without_frames(letter: &str) -> String {
    let mut safe = String::with_capacity(letter.len());
    for (index, part) in letter.split('<').enumerate() {
        if index > 0 {
            safe.push('<');
        }
        let opens = |name: &&str| {
            part.get(..name.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(name))
        };
        if index > 0 && FRAMES.iter().any(opens) {
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
    fn pages_in_pages_are_left_out() {
        let letter = "<IFrame src=//x.example></iframe> a < b <p>iframe</p>";
        assert_eq!(
            without_frames(letter),
            "<x-IFrame src=//x.example></iframe> a < b <p>iframe</p>"
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
            ("<!doctype", "<!doctype"),
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
