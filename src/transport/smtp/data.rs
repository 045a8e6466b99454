//! The data of a message as it goes over the wire.

use memchr::memmem;

/// A message to be dot-stuffed, head and body.
pub(super) struct Stuffed<'a>(pub &'a [u8], pub &'a [u8]);

impl<'a> Stuffed<'a> {
    /// How long the message is.
    pub(super) fn bytes(&self) -> u64 {
        (self.0.len() + self.1.len()) as u64
    }

    /// What goes over the wire, one piece after the other (RFC 5321 section 4.5.2): a dot before each line that
    /// begins with one, and the line with a single dot at the end.
    pub(super) fn pieces(&self) -> Vec<&'a [u8]> {
        let mut pieces: Vec<&[u8]> = Vec::new();
        let mut is_new_line = true;
        for part in [self.0, self.1] {
            let mut written = 0;
            let first = (is_new_line && part.starts_with(b".")).then_some(0);
            // Reports are base64, which has no dots: the search passes over them at once.
            let others = memmem::find_iter(part, "\r\n.").map(|at| at + 2);
            for at in first.into_iter().chain(others) {
                pieces.extend([&part[written..at], b"."]);
                written = at;
            }
            pieces.push(&part[written..]);
            is_new_line = part.ends_with(b"\r\n") || (part.is_empty() && is_new_line);
        }
        if !is_new_line {
            pieces.push(b"\r\n");
        }
        pieces.push(b".\r\n");
        pieces
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sent(head: &str, body: &str) -> String {
        let pieces = Stuffed(head.as_bytes(), body.as_bytes()).pieces();
        String::from_utf8(pieces.concat()).unwrap()
    }

    /// What a server makes of data: RFC 5321 section 4.5.2, the other way round.
    fn received(data: &str) -> Option<String> {
        let mut message = String::new();
        let mut rest = data;
        loop {
            let (line, after) = rest.split_once("\r\n")?;
            if line == "." {
                return after.is_empty().then_some(message);
            }
            message.push_str(line.strip_prefix('.').unwrap_or(line));
            message.push_str("\r\n");
            rest = after;
        }
    }

    #[test]
    fn dots_that_begin_a_line_are_doubled_and_no_others() {
        let (head, body) = (".a\r\nb.c\r\n", ".\r\n..\r\n\n.\r\n");
        let data = sent(head, body);
        assert_eq!(data, "..a\r\nb.c\r\n..\r\n...\r\n\n.\r\n.\r\n");
        assert_eq!(received(&data).unwrap(), [head, body].concat());
    }

    proptest! {
        #[test]
        fn a_server_gets_the_message_and_finds_its_end(
            head in prop::collection::vec("[.a\r]{0,4}\r\n", 0..4),
            body in prop::collection::vec("[.a\r]{0,4}\r\n", 0..4),
            is_ended: bool,
        ) {
            let (head, body) = (head.concat(), body.concat());
            let cut = if is_ended { body.len() } else { body.trim_end_matches(['\r', '\n']).len() };
            let data = sent(&head, &body[..cut]);
            let mut message = [&head, &body[..cut]].concat();
            if !message.is_empty() && !message.ends_with("\r\n") {
                message.push_str("\r\n");
            }
            prop_assert_eq!(received(&data), Some(message));
        }
    }
}
