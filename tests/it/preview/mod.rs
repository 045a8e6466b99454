//! The gallery: what `postroom preview` writes, and how it looks in a real browser.

mod files;
mod page;
