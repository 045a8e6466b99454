//! Pages that open from the disk: one file, nothing loaded from anywhere, light and dark, for a wide
//! screen and a telephone.
//!
//! Values reach a page in two ways only: as text that [`escape`] made safe, or as JSON that a script
//! reads and writes as text. A name that holds markup stays a name.

use serde::Serialize;

const STYLE: &str = include_str!("page/base.css");

/// A page in the making.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Page<'a> {
    /// The title, which is text.
    pub title: &'a str,
    /// Rules of its own, after those that all pages have.
    pub style: &'a str,
    /// What stands in the body, which is markup.
    pub body: &'a str,
    /// Its script, which finds the data under the id `data`.
    pub script: &'a str,
    /// Whether it shows other files of its folder in frames.
    pub frames: bool,
}

impl Page<'_> {
    /// The whole page with its data.
    #[must_use]
    pub(crate) fn with<T: Serialize>(&self, data: &T) -> String {
        let frames = if self.frames {
            "'self' file:"
        } else {
            "'none'"
        };
        let mut page = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
             script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; \
             frame-src {frames}; base-uri 'none'; form-action 'none'\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"referrer\" content=\"no-referrer\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<title>{}</title>\n<style>\n",
            escape(self.title)
        );
        for part in [
            STYLE,
            self.style,
            "</style>\n</head>\n<body>\n",
            self.body,
            "\n<script type=\"application/json\" id=\"data\">",
            &json(data),
            "</script>\n<script>\n",
            self.script,
            "</script>\n</body>\n</html>\n",
        ] {
            page.push_str(part);
        }
        page
    }
}

/// Text as it may stand in markup, between tags and in quoted attributes.
#[must_use]
pub(crate) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

/// JSON that cannot end the script element that it stands in (HTML standard, "Restrictions for
/// contents of script elements").
fn json<T: Serialize>(data: &T) -> String {
    // What pages are made of has string keys and no foreign serializers, so this cannot fail.
    let text = serde_json::to_string(data).unwrap_or_else(|_| "null".to_owned());
    text.replace('<', "\\u003c").replace('>', "\\u003e")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_value_leaves_its_place(text in "\\PC{0,60}|</script><script>alert\\(1\\)//|<!--<script>") {
            let page = Page { title: &text, ..Page::default() }.with(&[&text]);
            prop_assert_eq!(page.matches("<script").count(), 2);
            prop_assert_eq!(page.matches("</script>").count(), 2);
            prop_assert_eq!(page.matches("<title>").count(), 1);
            let (_, data) = page.split_once("id=\"data\">").unwrap();
            let (data, _) = data.split_once("</script>").unwrap();
            let read: Vec<String> = serde_json::from_str(data).unwrap();
            prop_assert_eq!(read, [text]);
        }
    }
}
