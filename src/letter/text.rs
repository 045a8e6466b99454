//! The text alternative.

use super::markup::tags;
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

/// The text alternative of an HTML body, wrapped for mail programs that show plain text.
pub(super) fn text_of(html: &str) -> String {
    const WIDTH: usize = 76;
    html2text::config::plain()
        .string_from_read(html.as_bytes(), WIDTH)
        // What is too narrow to wrap, such as a table of many columns, is written unwrapped.
        .or_else(|_| {
            html2text::config::plain()
                .allow_width_overflow()
                .string_from_read(html.as_bytes(), WIDTH)
        })
        .unwrap_or_default()
}
