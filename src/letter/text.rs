//! The text alternative.

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
