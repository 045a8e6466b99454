//! The data of a message as it goes over the wire.

use std::fmt;

/// A dot-stuffed message, RFC 5321 section 4.5.2: a dot before each line that begins with one, and
/// the line with a single dot at the end.
pub(super) struct Stuffed<'a>(pub &'a str);

impl fmt::Display for Stuffed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = self.0.strip_suffix("\r\n").unwrap_or(self.0);
        let mut written = 0;
        // Reports are base64, which has no dots: a search for dots passes over them at once.
        for (at, _) in message.match_indices('.') {
            if at == 0 || message[..at].ends_with("\r\n") {
                f.write_str(&message[written..at])?;
                f.write_str(".")?;
                written = at;
            }
        }
        f.write_str(&message[written..])?;
        // lettre ends what it takes for a command with nothing of its own.
        f.write_str("\r\n.\r\n")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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
        let message = ".a\r\nb.c\r\n.\r\n..\r\n\n.\r\n";
        assert_eq!(
            Stuffed(message).to_string(),
            "..a\r\nb.c\r\n..\r\n...\r\n\n.\r\n.\r\n"
        );
        assert_eq!(received(&Stuffed(message).to_string()).unwrap(), message);
    }

    proptest! {
        #[test]
        fn a_server_gets_the_message_and_finds_its_end(lines in prop::collection::vec("[.a\r]{0,4}", 0..8)) {
            let message = lines.join("\r\n") + "\r\n";
            prop_assert_eq!(received(&Stuffed(&message).to_string()), Some(message));
        }
    }
}
