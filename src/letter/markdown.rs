//! Markdown to HTML (`CommonMark`, with tables and strikethrough).
//!
//! A value must stay text whatever is in its cell: no `*`, `<` or line break of it may be taken for
//! markup. So the template is rendered with its values hidden: each byte is a character that means
//! nothing to Markdown, and becomes itself again when the markup around it has been understood.

use std::io::{self, Write};

use pulldown_cmark::{CodeBlockKind, CowStr, Event, Options, Parser, Tag, html};

use crate::page::escape;

/// Where hidden values begin: the first of the 256 private characters that stand for bytes (Unicode
/// standard, section 23.5, plane 15).
const HIDDEN: u32 = 0xF_0000;

/// What a letter is set with if the batch names no style sheet: rules that Word's engine in Outlook,
/// Gmail and telephones all follow.
pub(super) const STYLE: &str = include_str!("markdown.css");

/// Writes a value so that Markdown takes it for letters of a word.
pub(super) fn hide(value: &str, out: &mut dyn Write) -> io::Result<()> {
    let mut buffer = [0; 4];
    for byte in value.bytes() {
        let hidden = char::from_u32(HIDDEN + u32::from(byte)).unwrap_or_default();
        out.write_all(hidden.encode_utf8(&mut buffer).as_bytes())?;
    }
    Ok(())
}

/// The text with its values as they are.
fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut bytes: Vec<u8> = Vec::new();
    for c in text.chars() {
        if let Some(Ok(byte)) = u32::from(c).checked_sub(HIDDEN).map(u8::try_from) {
            bytes.push(byte);
        } else {
            shown.push_str(&String::from_utf8_lossy(&bytes));
            bytes.clear();
            shown.push(c);
        }
    }
    shown.push_str(&String::from_utf8_lossy(&bytes));
    shown
}

/// The same for a piece of HTML that stands in the Markdown: its values are text there too.
fn shown_in_html(html: &str) -> String {
    let mut safe = String::with_capacity(html.len());
    let is_hidden = |c: char| (HIDDEN..=HIDDEN + 0xFF).contains(&u32::from(c));
    let mut rest = html;
    while let Some(start) = rest.find(is_hidden) {
        let (before, after) = rest.split_at(start);
        let end = after.find(|c| !is_hidden(c)).unwrap_or(after.len());
        safe.push_str(before);
        safe.push_str(&escape(&shown(&after[..end])));
        rest = &after[end..];
    }
    safe.push_str(rest);
    safe
}

/// A whole HTML body from Markdown with hidden values.
pub(super) fn document(markdown: &str, title: &str, style: Option<&str>) -> String {
    let mut document = format!(
        "<!DOCTYPE html>\n<html>\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{}</title>\n<style>\n{}</style>\n</head>\n<body>\n",
        escape(title),
        style.unwrap_or(STYLE)
    );
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let events = Parser::new_ext(markdown, options).map(with_values);
    html::push_html(&mut document, events);
    document.push_str("</body>\n</html>\n");
    document
}

fn with_values(event: Event<'_>) -> Event<'_> {
    let text = |text: &CowStr<'_>| CowStr::from(shown(text));
    match event {
        Event::Text(words) => Event::Text(text(&words)),
        Event::Code(words) => Event::Code(text(&words)),
        Event::Html(html) => Event::Html(shown_in_html(&html).into()),
        Event::InlineHtml(html) => Event::InlineHtml(shown_in_html(&html).into()),
        Event::Start(Tag::Link {
            link_type,
            dest_url,
            title,
            id,
        }) => Event::Start(Tag::Link {
            link_type,
            dest_url: text(&dest_url),
            title: text(&title),
            id,
        }),
        Event::Start(Tag::Image {
            link_type,
            dest_url,
            title,
            id,
        }) => Event::Start(Tag::Image {
            link_type,
            dest_url: text(&dest_url),
            title: text(&title),
            id,
        }),
        Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(text(&info))))
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn body(template: &str, value: &str) -> String {
        let mut hidden = Vec::new();
        hide(value, &mut hidden).unwrap();
        let markdown = template.replace("{}", std::str::from_utf8(&hidden).unwrap());
        let document = document(&markdown, "t", Some(""));
        let (_, body) = document.split_once("<body>\n").unwrap();
        body.split_once("</body>").unwrap().0.trim().to_owned()
    }

    #[test]
    fn markup_is_the_templates() {
        for (template, html) in [
            ("Dear **{}**,", "<p>Dear <strong>Oak</strong>,</p>"),
            (
                "[{}](https://a.example/{})",
                "<p><a href=\"https://a.example/Oak\">Oak</a></p>",
            ),
            (
                "![Chart of {}](charts/{}.png)",
                "<p><img src=\"charts/Oak.png\" alt=\"Chart of Oak\" /></p>",
            ),
            ("`{}`", "<p><code>Oak</code></p>"),
            ("<i>{}</i>", "<p><i>Oak</i></p>"),
            ("- {}", "<ul>\n<li>Oak</li>\n</ul>"),
        ] {
            assert_eq!(body(template, "Oak"), html);
        }
        let table = body("| a |\n|---|\n| {} |", "x | y");
        assert!(table.contains("<td>x | y</td>"), "{table}");
    }

    #[test]
    fn a_value_is_never_markup() {
        for value in [
            "*a*",
            "_a_b_",
            "# a",
            "- a",
            "1. a",
            "> a",
            "<b>a</b>",
            "[a](b)",
            "a\n\nb",
            "`a`",
            "~~a~~",
            "&lt;",
            "a\\",
            "    a",
            "![a](b)",
            "École Française",
        ] {
            assert_eq!(
                body("{}", value),
                format!("<p>{}</p>", value_in_text(value))
            );
            let inside = body("<div title=\"{}\">{}</div>", value);
            let safe = escape(value);
            assert_eq!(inside, format!("<div title=\"{safe}\">{safe}</div>"));
        }
    }

    /// As the library escapes text: quotes may stand for themselves there.
    fn value_in_text(value: &str) -> String {
        escape(value).replace("&quot;", "\"").replace("&#39;", "'")
    }

    proptest! {
        #[test]
        fn any_value_stands_in_one_paragraph(value in "\\PC{1,40}") {
            let made = body("a {} b", &value);
            prop_assert_eq!(made, format!("<p>a {} b</p>", value_in_text(&value)));
        }
    }
}
