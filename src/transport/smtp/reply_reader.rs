//! Replies of a mail server, put together from bytes as they arrive.
//!
//! They are read here because lettre's reader takes no others than those of the book: one that is not
//! UTF-8, has no text, a long line or a bare line feed is an error to it, and after the final dot an
//! error is doubt. The code alone says what a reply is (RFC 5321 section 4.2); the words behind it are
//! for people.

use memchr::memchr;

use crate::network::{NetworkError, NetworkKind};

/// A line beyond this length is no reply: RFC 5321 section 4.5.3.1.5 gives it 512 octets.
pub(super) const LONGEST_LINE: usize = 64 << 10;
/// Nor are lines beyond this length together, of which some servers greet with many.
const LONGEST_REPLY: usize = 128 << 10;
/// Nor so many lines.
const MOST_LINES: usize = 1_000;

/// A reply, whatever its code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SmtpReply {
    /// The reply code.
    pub code: u16,
    /// The words of each line.
    pub lines: Vec<String>,
}

impl SmtpReply {
    /// Reads one line; also says whether another follows.
    fn line(line: &[u8]) -> Option<(u16, bool, String)> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let [
            class @ b'2'..=b'5',
            subject @ b'0'..=b'5',
            detail @ b'0'..=b'9',
            rest @ ..,
        ] = line
        else {
            return None;
        };
        let (goes_on, text) = match rest {
            [] => (false, rest),
            [b'-', text @ ..] => (true, text),
            [b' ' | b'\t', text @ ..] => (false, text),
            _ => return None,
        };
        let code = [class, subject, detail]
            .iter()
            .fold(0, |code, digit| code * 10 + u16::from(**digit - b'0'));
        Some((code, goes_on, String::from_utf8_lossy(text).into_owned()))
    }

    /// The words of all lines, with an enhanced code that each of them repeats only once.
    pub(super) fn text(&self) -> String {
        let Some((first, others)) = self.lines.split_first() else {
            return String::new();
        };
        let code = first
            .split_ascii_whitespace()
            .next()
            .filter(|word| word.starts_with(['2', '4', '5']) && word.contains('.'));
        let mut text = first.clone();
        for line in others {
            let rest = code.and_then(|code| line.strip_prefix(code));
            let rest = rest.filter(|rest| rest.starts_with(' '));
            text.push(' ');
            text.push_str(rest.map_or(line, str::trim_start));
        }
        text
    }
}

/// What has come of a server's replies.
#[derive(Debug)]
pub(super) struct ReplyReader {
    unread: Vec<u8>,
    /// So much of it has no line end.
    searched: usize,
    /// What the reply in hand may still have of bytes.
    room: usize,
    in_hand: Option<SmtpReply>,
}

impl Default for ReplyReader {
    fn default() -> Self {
        Self {
            unread: Vec::new(),
            searched: 0,
            room: LONGEST_REPLY,
            in_hand: None,
        }
    }
}

impl ReplyReader {
    /// Takes what arrived.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        self.unread.extend_from_slice(bytes);
    }

    /// How much has come that was not read yet.
    pub(super) fn unread(&self) -> usize {
        self.unread.len()
    }

    /// The next reply, as soon as it is whole.
    ///
    /// # Errors
    /// When what came is no reply, or one without end; then nothing that follows is one either.
    pub(super) fn next(&mut self) -> Result<Option<SmtpReply>, NetworkError> {
        while let Some(line) = self.line()? {
            let (code, goes_on, text) = SmtpReply::line(&line)
                .ok_or_else(|| nonsense("the mail server's line is no reply"))?;
            let reply = self.in_hand.get_or_insert_with(|| SmtpReply {
                code,
                lines: Vec::new(),
            });
            if reply.code != code {
                return Err(nonsense(&format!(
                    "the mail server answered {} and {code} at once",
                    reply.code
                )));
            }
            reply.lines.push(text);
            if !goes_on {
                self.room = LONGEST_REPLY;
                return Ok(self.in_hand.take());
            }
            if reply.lines.len() >= MOST_LINES {
                return Err(endless());
            }
        }
        Ok(None)
    }

    /// The next line with its end, if it has come.
    fn line(&mut self) -> Result<Option<Vec<u8>>, NetworkError> {
        let longest = LONGEST_LINE.min(self.room);
        let end = memchr(b'\n', &self.unread[self.searched..]).map(|at| self.searched + at + 1);
        if end.unwrap_or(self.unread.len()) > longest {
            return Err(endless());
        }
        let Some(end) = end else {
            self.searched = self.unread.len();
            return Ok(None);
        };
        self.searched = 0;
        self.room -= end;
        let rest = self.unread.split_off(end);
        Ok(Some(std::mem::replace(&mut self.unread, rest)))
    }
}

fn nonsense(text: &str) -> NetworkError {
    NetworkError::new(NetworkKind::Nonsense, text)
}

fn endless() -> NetworkError {
    nonsense("the mail server's reply does not end")
}

/// What bytes are taken for that arrive in pieces of one length: every whole reply, what came instead
/// of one, and the most that was held at once.
pub(super) fn tried(bytes: &[u8], piece: usize) -> (Vec<SmtpReply>, Option<NetworkError>, usize) {
    let (mut reader, mut replies, mut most) = (ReplyReader::default(), Vec::new(), 0);
    for piece in bytes.chunks(piece.max(1)) {
        reader.take(piece);
        most = most.max(reader.unread());
        loop {
            match reader.next() {
                Ok(Some(reply)) => replies.push(reply),
                Ok(None) => break,
                Err(error) => return (replies, Some(error), most),
            }
        }
    }
    (replies, None, most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_the_same_however_they_are_cut() {
        let bytes = b"220 here\r\n250-one\r\n250 two\n354\r\n250-cut";
        let (whole, ..) = tried(bytes, bytes.len());
        let codes: Vec<u16> = whole.iter().map(|reply| reply.code).collect();
        assert_eq!(codes, [220, 250, 354]);
        assert_eq!(whole[1].lines, ["one", "two"]);
        for piece in 1..bytes.len() {
            let (replies, error, most) = tried(bytes, piece);
            assert_eq!((replies, error), (whole.clone(), None), "{piece}");
            assert!(most < piece + 10);
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_so_however_it_is_cut() {
        for (length, is_taken) in [(LONGEST_LINE, true), (LONGEST_LINE + 1, false)] {
            let mut bytes = b"250 ".repeat(LONGEST_LINE);
            bytes.truncate(length - 1);
            bytes.push(b'\n');
            for piece in [1_000, 2_048, bytes.len()] {
                let (replies, error, _) = tried(&bytes, piece);
                assert_eq!((replies.len() == 1, error.is_none()), (is_taken, is_taken));
            }
        }
    }

    #[test]
    fn replies_are_taken_up_to_their_bounds() {
        let read = |bytes: &[u8]| tried(bytes, 2_048);
        let lines = |count: usize| [b"250-x\r\n".repeat(count - 1), b"250 x\r\n".to_vec()].concat();
        let (replies, ..) = read(&lines(MOST_LINES));
        assert_eq!(replies[0].lines.len(), MOST_LINES);
        assert!(read(&lines(MOST_LINES + 1)).1.is_some());
        let line = [b"250-", &[b'x'; 1018][..], b"\r\n"].concat();
        assert!(
            read(&line.repeat(LONGEST_REPLY / line.len() + 1))
                .1
                .is_some()
        );
    }
}
