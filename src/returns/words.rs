//! Bounces that say in words alone what happened.

use super::{MAX_RECIPIENTS, address};

/// A bounce in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Bounce {
    /// Whether a server still tries.
    pub is_delay: bool,
    /// Addresses that it is about, each with the lines that stand with it.
    pub recipients: Vec<(String, String)>,
}

/// Words of a bounce.
const GIVEN_UP: [&str; 27] = [
    "could not be delivered",
    "couldn't be delivered",
    "could not deliver",
    "was not delivered",
    "wasn't delivered",
    "not able to deliver",
    "unable to deliver",
    "undeliverable",
    "undelivered",
    "delivery failed",
    "delivery failure",
    "delivery has failed",
    "failed to deliver",
    "failure notice",
    "returned mail",
    "returned to sender",
    "delivery to the following recipient",
    "did not reach the following recipient",
    "following addresses failed",
    "permanent fatal errors",
    "permanent error",
    "delivery status notification (failure)",
    "delivery problem",
    "address not found",
    "message blocked",
    "unzustellbar",
    "konnte nicht zugestellt werden",
];

/// Words of a warning.
const STILL_TRIED: [&str; 11] = [
    "delayed",
    "will be retried",
    "will keep trying",
    "still trying",
    "delivery status notification (delay)",
    "has not yet been delivered",
    "not yet been delivered",
    "warning message only",
    "do not need to resend",
    "no action is required on your part",
    "verzögert",
];

/// Where what is quoted of the message begins.
const QUOTED: [&str; 14] = [
    "original message",
    "below this line is a copy",
    "this is a copy of the message",
    "this is a copy of your message",
    "returned message follows",
    "message header follows",
    "start of returned message",
    "the body of the message is",
    "original headers",
    "message headers follow",
    "unsent message follows",
    "ursprüngliche nachricht",
    "content of the message",
    "undelivered message",
];

/// What a bounce says; none where the words are no bounce. `failed` is the field X-Failed-Recipients.
#[must_use]
pub(super) fn bounce(subject: &str, words: &str, failed: Option<&str>) -> Option<Bounce> {
    let own = own_words(words);
    let lower = own.to_lowercase();
    let says = |signs: &[&str]| {
        signs
            .iter()
            .any(|sign| lower.contains(sign) || subject.contains(sign))
    };
    let is_delay = says(&STILL_TRIED) && !subject.contains("failure");
    let has_code = super::reason::code_in(&own).is_some_and(|code| code.starts_with('5'));
    if !is_delay && !says(&GIVEN_UP) && failed.is_none() && !has_code {
        return None;
    }
    let mut recipients: Vec<(String, String)> = Vec::new();
    let mut add = |address: String, text: String| {
        let place = recipients
            .iter()
            .position(|(known, _)| known.eq_ignore_ascii_case(&address));
        if let Some(place) = place {
            // The lines that say why may stand with the second mention.
            if let Some((_, known)) = recipients.get_mut(place)
                && known.len() < 400
                && !known.contains(&text)
            {
                known.push(' ');
                known.push_str(&text);
            }
        } else if recipients.len() < MAX_RECIPIENTS {
            recipients.push((address, text));
        }
    };
    let lines: Vec<&str> = own.lines().collect();
    for (number, line) in lines.iter().enumerate() {
        if is_of_header(line) {
            continue;
        }
        for address in address::in_text(line) {
            add(address, reasons(&lines, number));
        }
    }
    if let Some(failed) = failed {
        // The field says which; the words say why.
        let named: Vec<String> = address::in_text(failed).take(MAX_RECIPIENTS).collect();
        let whole = || own.split_whitespace().collect::<Vec<_>>().join(" ");
        recipients = named
            .into_iter()
            .map(|address| {
                let text = recipients
                    .iter()
                    .find(|(known, _)| known.eq_ignore_ascii_case(&address))
                    .map(|(_, text)| text.clone());
                (address, text.unwrap_or_else(whole))
            })
            .collect();
    }
    for (_, text) in &mut recipients {
        let mut end = text.len().min(1_000);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
    }
    Some(Bounce {
        is_delay,
        recipients,
    })
}

/// The line of an address and those after it up to a blank line or the next address.
fn reasons(lines: &[&str], number: usize) -> String {
    let mut text = lines.get(number).map_or("", |line| line.trim()).to_owned();
    let mut gaps = 0;
    for line in lines.iter().skip(number + 1).take(8) {
        let line = line.trim();
        let is_next = address::in_text(line).next().is_some() && !line.contains("said");
        if line.is_empty() {
            gaps += 1;
        }
        if gaps > 1 || is_next {
            break;
        }
        if !line.is_empty() {
            text.push(' ');
            text.push_str(line);
        }
    }
    text
}

/// A line such as those at the head of the message that is given back. It lists every recipient, dead
/// or not.
fn is_of_header(line: &str) -> bool {
    let line = line.trim_start_matches([' ', '\t', '>', '|', '*']);
    let Some((name, _)) = line.split_once(':') else {
        return false;
    };
    [
        "to",
        "cc",
        "bcc",
        "from",
        "reply-to",
        "sender",
        "return-path",
        "delivered-to",
        "message-id",
        "received",
        "an",
        "von",
        "kopie",
    ]
    .iter()
    .any(|field| name.trim().eq_ignore_ascii_case(field))
}

/// What the mail system says itself, before what it quotes.
fn own_words(words: &str) -> String {
    let mut own = String::new();
    let mut headers = 0;
    for line in words.lines() {
        let lower = line.to_lowercase();
        let is_rule = lower.trim_start().starts_with(['-', '_', '=', '*'])
            || lower.trim_end().ends_with([':', '-']);
        if is_rule && !own.trim().is_empty() && QUOTED.iter().any(|sign| lower.contains(sign)) {
            break;
        }
        // Three lines of a header one after the other are the message that is given back.
        headers = if is_of_header(line) || is_field(line) {
            headers + 1
        } else if line.starts_with([' ', '\t']) && headers > 0 {
            headers
        } else {
            0
        };
        if headers >= 3 {
            break;
        }
        own.push_str(line);
        own.push('\n');
    }
    own
}

/// A line such as `Subject: …` at its very beginning.
fn is_field(line: &str) -> bool {
    [
        "Subject:",
        "Date:",
        "MIME-Version:",
        "Content-Type:",
        "Received:",
        "X-",
        "DKIM-",
    ]
    .iter()
    .any(|field| line.starts_with(field))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_in_a_quoted_header_is_not_dead() {
        let words = "Hi. This is the program at mx.example.\nI'm afraid I wasn't able to deliver your message; the message could not be delivered.\n\n<dead@school1.example>:\n192.0.2.1 does not like recipient.\nRemote host said: 550 5.1.1 no such user\n\n--- Below this line is a copy of the message.\n\nTo: dead@school1.example, head@school1.example\n";
        let bounce = bounce("failure notice", words, None).unwrap();
        let addresses: Vec<&str> = bounce.recipients.iter().map(|(a, _)| a.as_str()).collect();
        assert_eq!(addresses, ["dead@school1.example"]);
        assert!(bounce.recipients[0].1.contains("550 5.1.1"), "{bounce:?}");
    }

    #[test]
    fn a_warning_is_a_delay() {
        let words = "This message was created automatically by mail delivery software.\nA message that you sent has not yet been delivered to one or more of its recipients.\n\n  slow@school1.example\n    delay reason: connection timed out\n\nNo action is required on your part. Delivery attempts will continue.\n";
        let bounce = bounce("warning: message delayed 24 hours", words, None).unwrap();
        assert!(bounce.is_delay);
        assert_eq!(bounce.recipients[0].0, "slow@school1.example");
    }

    #[test]
    fn ordinary_words_are_no_bounce() {
        assert_eq!(
            bounce("re: report", "Thank you for the report.", None),
            None
        );
    }
}
