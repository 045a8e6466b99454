//! The text alternative.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use super::markup::{behind_tag, place_of, tags};
use crate::finding::Finding;

/// What is being made while a text alternative is.
pub(super) const DERIVED_TEXT: &str = "the text alternative";

/// Elements in elements beyond this depth take longer than their text is worth: each one sets the
/// lines of all within it anew. Browsers stop at 512.
const DEEPEST: usize = 256;

/// Elements that hold nothing, or end by themselves where another one begins.
const SHALLOW: [&str; 32] = [
    "area", "base", "basefont", "bgsound", "br", "col", "colgroup", "dd", "dt", "embed", "frame",
    "hr", "image", "img", "input", "keygen", "li", "link", "meta", "optgroup", "option", "p",
    "param", "source", "tbody", "td", "tfoot", "th", "thead", "tr", "track", "wbr",
];

/// Refuses elements that are nested so deep that no text can be made of them.
pub(super) fn shallow(html: &str) -> Result<(), Finding> {
    let mut depth = 0_usize;
    for (name, is_end) in tags(html) {
        if SHALLOW.iter().any(|other| name.eq_ignore_ascii_case(other)) {
            continue;
        }
        depth = if is_end {
            depth.saturating_sub(1)
        } else {
            depth + 1
        };
        if depth > DEEPEST {
            return Err(Finding::fault(
                format!("the letter has more than {DEEPEST} elements in one another"),
                "look for an element that is opened again and again and never closed",
            ));
        }
    }
    Ok(())
}

/// Columns that a text alternative is wrapped at, for mail programs that show plain text.
const WIDTH: usize = 76;
/// Stands for a paragraph while the rest of a letter is converted. Letters do not have it: it means nothing.
const MARK: char = '\u{F8FF}';
/// Elements that measure what stands in them, or show it as it is written.
const MEASURING: [&str; 6] = ["table", "pre", "textarea", "listing", "xmp", "plaintext"];
/// How many conversions are kept, and of how many bytes at most.
const MOST_KEPT: usize = 256;
const LONGEST_KEPT: usize = 16 << 10;

/// The text alternative of an HTML body.
pub(super) fn text_of(html: &str) -> String {
    assembled(html)
        .or_else(|| converted(html))
        .unwrap_or_default()
}

fn converted(html: &str) -> Option<String> {
    let config = html2text::config::plain;
    config()
        .string_from_read(html.as_bytes(), WIDTH)
        // What is too narrow to wrap, such as a table of many columns, is written unwrapped.
        .or_else(|_| {
            let config = config().allow_width_overflow();
            config.string_from_read(html.as_bytes(), WIDTH)
        })
        .ok()
}

/// The same, quicker: letters of a run share most of their paragraphs, and what stands around them. None where
/// a mark does not come out as a line of its own, so that what stands around it may change it.
fn assembled(html: &str) -> Option<String> {
    let (rest, paragraphs) = without_paragraphs(html)?;
    let mut paragraphs = paragraphs.into_iter();
    let mut text = String::with_capacity(html.len());
    for line in converted_once(&rest)?.lines() {
        if line.contains(MARK) {
            let paragraph = converted_once(&format!("<p>{}</p>", paragraphs.next()?))?;
            if !line.chars().eq([MARK]) || paragraph.trim().is_empty() {
                return None;
            }
            text.push_str(&paragraph);
        } else {
            text.push_str(line);
            text.push('\n');
        }
    }
    paragraphs.next().is_none().then_some(text)
}

/// A letter with a mark in place of each paragraph of mere text, and these paragraphs.
fn without_paragraphs(html: &str) -> Option<(String, Vec<&str>)> {
    if html.contains(MARK) {
        return None;
    }
    let (mut rest, mut paragraphs) = (String::new(), Vec::new());
    let mut end = 0;
    for (name, is_end) in tags(html) {
        if MEASURING
            .iter()
            .any(|other| name.eq_ignore_ascii_case(other))
        {
            return None;
        }
        if is_end || !name.eq_ignore_ascii_case("p") {
            continue;
        }
        let inside = behind_tag(&html[place_of(name, html) + name.len()..]);
        let Some((text, after)) = inside.split_once('<') else {
            continue;
        };
        let is_whole = after
            .get(..3)
            .is_some_and(|end| end.eq_ignore_ascii_case("/p>"));
        if is_whole && !text.trim().is_empty() {
            let place = place_of(text, html);
            rest.push_str(&html[end..place]);
            rest.push(MARK);
            paragraphs.push(text);
            end = place + text.len();
        }
    }
    rest.push_str(&html[end..]);
    Some((rest, paragraphs))
}

/// [`converted`], which is kept for the next letter.
fn converted_once(html: &str) -> Option<Arc<str>> {
    static KEPT: LazyLock<Mutex<HashMap<String, Arc<str>>>> = LazyLock::new(Mutex::default);
    // A panic elsewhere leaves it whole.
    let kept = || KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(text) = kept().get(html) {
        return Some(Arc::clone(text));
    }
    let text: Arc<str> = converted(html)?.into();
    let mut kept = kept();
    if kept.len() < MOST_KEPT && html.len() <= LONGEST_KEPT {
        kept.insert(html.to_owned(), Arc::clone(&text));
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Markup in which paragraphs stand where they change, and where they do not.
    fn markup() -> impl Strategy<Value = String> {
        let words = prop::sample::select(vec![
            "Dear Ms O&rsquo;Neill,",
            "Please keep it where only those who work with these children read it, and nobody else does.",
            "one\n  two&nbsp;three",
            "&nbsp;",
            " ",
            "x &lt; y &amp; z",
            "a-very-long-word-that-no-line-of-seventy-six-columns-holds-because-it-has-more-than-that",
            "日本語の文章はどこでも折り返される日本語の文章はどこでも折り返される日本語の文章はどこでも",
            "<b>bold</b> and <a href=\"https://study.example/\">a link</a>",
            "a<br>b",
            "",
        ]);
        let leaf = (words, 0..4_u8).prop_map(|(words, kind)| match kind {
            0 => format!("<p>{words}</p>"),
            1 => format!("<P style=\"margin:0 > 1\">{words}</P>\n"),
            2 => format!("<p>{words}"),
            _ => words.to_owned(),
        });
        leaf.prop_recursive(4, 24, 5, |inner| {
            let around = prop::sample::select(vec![
                ("<div>", "</div>"),
                ("<ul><li>", "</li></ul>"),
                ("<ol><li>", "</li><li>x</ol>"),
                ("<blockquote>", "</blockquote>"),
                ("<h2>", "</h2>"),
                ("<table><tr><td>", "</td><td>x</td></tr></table>"),
                ("<pre>", "</pre>"),
                ("<del>", "</del>"),
                ("<a href=\"https://study.example/2\">", "</a>"),
                ("<!-- ", " -->"),
                ("<script>", "</script>"),
                ("<i title=\"", "\">"),
                ("<dl><dt>", "<dd>x</dl>"),
                ("<center>", "</center>"),
                ("", ""),
            ]);
            (around, prop::collection::vec(inner, 1..5))
                .prop_map(|((begin, end), inner)| format!("{begin}{}{end}", inner.concat()))
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn a_letter_put_together_is_the_letter_converted_as_a_whole(html in markup()) {
            if let Some(text) = assembled(&html) {
                prop_assert_eq!(Some(text), converted(&html));
            }
        }
    }

    #[test]
    fn paragraphs_of_mere_text_are_taken_out_and_others_stay() {
        let html = "<p>Dear A,</p><p class=\"x\">One.</p><p><b>Two</b></p><ul><li>Three</ul>";
        let (rest, paragraphs) = without_paragraphs(html).unwrap();
        assert_eq!(paragraphs, ["Dear A,", "One."]);
        assert_eq!(rest.matches(MARK).count(), 2);
        assert_eq!(assembled(html), converted(html));
        assert!(assembled(html).is_some());
        for html in [
            "<blockquote><p>A</p></blockquote>",
            "<pre><p>A</p></pre>",
            "<p>\u{F8FF}</p>",
        ] {
            assert_eq!(assembled(html), None, "{html}");
        }
    }
}
