//! The record as a page.

use super::Record;
use crate::page::Page;

impl Record {
    /// The record as one page that opens from the disk.
    #[must_use]
    pub(crate) fn page(&self) -> String {
        let title = format!("Record: {}", self.batch);
        let script = concat!(
            include_str!("page/parts.js"),
            include_str!("page/timeline.js"),
            include_str!("page/letters.js"),
            include_str!("page/record.js"),
        );
        Page {
            title: &title,
            style: include_str!("page/record.css"),
            body: include_str!("page/record.html"),
            script,
            frames: false,
        }
        .with(&self.as_json())
    }
}
