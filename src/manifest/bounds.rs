//! How large a list may be. It may come from anywhere, and its file says little of what it unpacks
//! to, so each bound is on what was really read.

use std::fs::File;
use std::io::{self, Read};

/// The file itself.
pub(super) const LARGEST_FILE: u64 = 32 << 20;
/// One cell: room for ten thousands of addresses.
pub(super) const LARGEST_CELL: usize = 4 << 20;
/// The text of all cells.
pub(super) const MOST_TEXT: usize = 64 << 20;
/// Cells, with the empty ones.
pub(super) const MOST_CELLS: usize = 16 << 20;
/// Excel's own bound.
pub(super) const MOST_ROWS: usize = 1 << 20;
/// Rows beyond this width are damage or an attack, not a dispatch list.
pub(super) const WIDEST: usize = 1_000;
/// Addresses, counted as often as they stand there.
pub(super) const MOST_ADDRESSES: usize = 1_000_000;
/// Nobody mends more than this in one go.
pub(super) const MOST_FINDINGS: usize = 10_000;

/// What is to be done about a list beyond a bound.
pub(super) const SPLIT: &str =
    "check [manifest] path: is this the list? if it is, split it into several batches";

/// A file's bytes; none when there are more than a list can have.
pub(super) fn read(file: File) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    // What has no size of its own, as some files of the system, is bounded too.
    file.take(LARGEST_FILE + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= LARGEST_FILE).then_some(bytes))
}

/// What is said of a file that is too large.
pub(super) fn too_large() -> String {
    format!("the file is larger than {} MB", LARGEST_FILE >> 20)
}
