//! The machine-readable part of a report: `message/delivery-status` (RFC 3464) and
//! `message/disposition-notification` (RFC 8098), in the untidy ways that servers write them.

use super::{MAX_RECIPIENTS, address, reason};

/// One block of fields.
#[derive(Clone, Debug, Default)]
struct Block(Vec<(String, String)>);

impl Block {
    fn get(&self, name: &str) -> Option<&str> {
        let mut fields = self.0.iter();
        fields
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }
}

/// What became of a message at one address, as a report says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// It was given up.
    Failed,
    /// A server still tries.
    Delayed,
    /// It is in the mailbox.
    Delivered,
    /// It was passed on to a server that sends no reports, or to the members of a list.
    Relayed,
}

/// What a report says of one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportedRecipient {
    /// The address that the sender wrote, where the report gives it back.
    pub original: Option<String>,
    /// The address that it is about.
    pub last: Option<String>,
    /// What became of it.
    pub action: Action,
    /// The code (RFC 3463).
    pub code: Option<String>,
    /// The server's line.
    pub text: String,
}

/// A delivery report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct DeliveryStatus {
    /// The name that the sender gave the message (RFC 3461).
    pub envelope_id: Option<String>,
    /// Each recipient.
    pub recipients: Vec<ReportedRecipient>,
}

impl DeliveryStatus {
    /// Reads the part of a report. The blank line after the fields of the message may be missing.
    #[must_use]
    pub(super) fn read(bytes: &[u8]) -> Self {
        let mut status = Self::default();
        for block in blocks(&String::from_utf8_lossy(bytes)) {
            let envelope_id = block
                .get("Original-Envelope-Id")
                .or_else(|| block.get("X-Original-Message-ID"));
            if let Some(id) = envelope_id {
                status
                    .envelope_id
                    .get_or_insert_with(|| address::unescaped(id));
            }
            if status.recipients.len() < MAX_RECIPIENTS {
                status.recipients.extend(recipient(&block));
            }
        }
        status
    }
}

fn recipient(block: &Block) -> Option<ReportedRecipient> {
    let original = block.get("Original-Recipient").and_then(address::of_field);
    let last = block.get("Final-Recipient").and_then(address::of_field);
    if original.is_none() && last.is_none() {
        return None;
    }
    // `5.1.1 (user unknown)` and `5.1.1` are both met.
    let status = block.get("Status").and_then(reason::code_in);
    let action = block.get("Action").and_then(action).or_else(|| {
        status
            .as_deref()
            .map(|status| match status.as_bytes().first() {
                Some(b'2') => Action::Delivered,
                Some(b'4') => Action::Delayed,
                _ => Action::Failed,
            })
    })?;
    let diagnostic = block.get("Diagnostic-Code").map(without_type);
    let further = block.get("X-Supplementary-Info").map(without_type);
    let text = [diagnostic, further]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" ");
    // What stands for "something went wrong" hides the code of the server that said what.
    let is_wrapper = |code: &str| matches!(code, "5.0.350" | "5.1.351") || code.ends_with(".0.0");
    let code = match status {
        Some(code) if !is_wrapper(&code) => Some(code),
        other => {
            let mut rest = text.as_str();
            let mut inner = None;
            while let Some(found) = reason::code_in(rest) {
                let end = rest.find(&found).map_or(rest.len(), |at| at + found.len());
                rest = rest.get(end..).unwrap_or_default();
                if !is_wrapper(&found) {
                    inner = Some(found);
                    break;
                }
            }
            inner.or(other)
        }
    };
    Some(ReportedRecipient {
        original,
        last,
        action,
        code,
        text,
    })
}

fn action(word: &str) -> Option<Action> {
    let word = word.split(|c: char| !c.is_ascii_alphabetic()).next()?;
    Some(match word.to_ascii_lowercase().as_str() {
        "failed" | "failure" => Action::Failed,
        "delayed" => Action::Delayed,
        "delivered" => Action::Delivered,
        "relayed" | "expanded" => Action::Relayed,
        _ => return None,
    })
}

/// `smtp; 550 …` without the type before it.
fn without_type(value: &str) -> &str {
    match value.split_once(';') {
        Some((kind, rest))
            if kind
                .trim()
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-') =>
        {
            rest.trim()
        }
        _ => value.trim(),
    }
}

/// That a message was shown to somebody, or what else became of it in the mailbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Disposition {
    /// The Message-ID that it is about.
    pub original_id: Option<String>,
    /// Whose mailbox.
    pub reader: Option<String>,
    /// Whether it was shown.
    pub is_displayed: bool,
}

impl Disposition {
    /// Reads the part of a receipt.
    #[must_use]
    pub(super) fn read(bytes: &[u8]) -> Self {
        let mut disposition = Self::default();
        for block in blocks(&String::from_utf8_lossy(bytes)) {
            if let Some(id) = block.get("Original-Message-ID") {
                disposition.original_id.get_or_insert_with(|| id.to_owned());
            }
            let reader = ["Original-Recipient", "Final-Recipient"]
                .into_iter()
                .find_map(|name| block.get(name).and_then(address::of_field));
            disposition.reader = disposition.reader.take().or(reader);
            if let Some(value) = block.get("Disposition") {
                let kind = value.rsplit(';').next().unwrap_or_default().trim();
                let kind = kind.split('/').next().unwrap_or_default().trim();
                disposition.is_displayed |= kind.eq_ignore_ascii_case("displayed");
            }
        }
        disposition
    }
}

/// The blocks of fields of a text, with folded lines joined.
fn blocks(text: &str) -> Vec<Block> {
    let mut all = Vec::new();
    let mut block = Block::default();
    for line in text.lines() {
        let line = line.trim_end();
        if line.is_empty() {
            if !block.0.is_empty() {
                all.push(std::mem::take(&mut block));
            }
            continue;
        }
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = block.0.last_mut() {
                value.push(' ');
                value.push_str(line.trim());
            }
            continue;
        }
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        let is_recipient = |name: &str| {
            name.eq_ignore_ascii_case("Final-Recipient")
                || name.eq_ignore_ascii_case("Original-Recipient")
        };
        // A block that has its recipient twice has lost the line between two of them.
        if is_recipient(name.trim()) && block.get(name.trim()).is_some() {
            all.push(std::mem::take(&mut block));
        }
        block
            .0
            .push((name.trim().to_owned(), value.trim().to_owned()));
        if all.len() > MAX_RECIPIENTS {
            break;
        }
    }
    if !block.0.is_empty() {
        all.push(block);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read_in_any_case_and_with_folded_lines() {
        let status = DeliveryStatus::read(
            b"Reporting-MTA: dns; mx.study.example\r\nORIGINAL-ENVELOPE-ID: ab+2Bc@study.example\r\n\r\n\
              FINAL-RECIPIENT: rfc822;Head@school1.example\r\naction: FAILED\r\nStatus: 5.0.0 (permanent)\r\n\
              Diagnostic-Code: smtp; 550 5.1.1 <head@school1.example>:\r\n  Recipient unknown\r\n\r\n\
              Final-Recipient: rfc822; b@school2.example\r\nStatus: 4.4.1\r\n",
        );
        assert_eq!(status.envelope_id.as_deref(), Some("ab+c@study.example"));
        let [first, second] = status.recipients.as_slice() else {
            panic!("{status:?}");
        };
        assert_eq!(first.action, Action::Failed);
        assert_eq!(first.code.as_deref(), Some("5.1.1"));
        assert_eq!(
            first.text,
            "550 5.1.1 <head@school1.example>: Recipient unknown"
        );
        assert_eq!(second.action, Action::Delayed);
    }

    #[test]
    fn a_wrapper_gives_way_to_the_code_inside() {
        let status = DeliveryStatus::read(
            b"Final-Recipient: rfc822;a@b.example\nAction: failed\nStatus: 5.0.350\n\
              Diagnostic-Code: smtp;550 5.0.350 Remote server returned an error -> 550 5.7.1 no relay\n",
        );
        assert_eq!(status.recipients[0].code.as_deref(), Some("5.7.1"));
    }

    #[test]
    fn only_a_displayed_message_was_read() {
        let read = |disposition: &str| {
            Disposition::read(
                format!("Final-Recipient: rfc822;a@b.example\nOriginal-Message-ID: <x@y.example>\nDisposition: {disposition}\n").as_bytes(),
            )
        };
        assert!(read("manual-action/MDN-sent-manually; displayed").is_displayed);
        assert!(!read("automatic-action/MDN-sent-automatically; deleted").is_displayed);
    }
}
