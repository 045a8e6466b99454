//! Mail that came back: where from, what it is, and which message of ours it is about.
//!
//! Reading is a pure function from bytes, bounded in all that it looks at ([`read`]). What a mail is
//! about is decided by the Message-IDs of what was sent, which nobody knows who did not have the
//! message; an address alone is a suspicion and counts nowhere ([`judge`]). Nothing here sends, marks,
//! moves or deletes anything.

pub(crate) mod address;
mod mail;
mod matching;
mod reason;
mod source;
mod status;
mod trace;
mod words;

pub use mail::read;
pub(crate) use mail::{MailKind, ReadMail};
pub(crate) use matching::{SentMail, judge};
pub(crate) use source::{FoundMail, MailFiles};
pub(crate) use trace::{TraceRow, read_trace};

/// The largest mail that is looked at, in bytes.
pub(crate) const MAX_MAIL: u64 = 64 * 1024 * 1024;
/// How much of a mail is read for what it says: reports stand before what they give back.
pub(crate) const MAX_HEAD: usize = 4 * 1024 * 1024;
/// How many parts of a mail are looked at.
pub(crate) const MAX_PARTS: usize = 200;
/// How deep parts may lie in each other.
pub(crate) const MAX_DEPTH: usize = 20;
/// How many recipients of a report are looked at.
pub const MAX_RECIPIENTS: usize = 10_000;
/// How many bytes of words are looked at.
pub(crate) const MAX_WORDS: usize = 200 * 1024;
/// How many Message-IDs of a mail are looked at.
const MAX_IDS: usize = 200;

#[cfg(test)]
mod tests;
