//! Mail about a letter that decides nothing by itself, and what tells of any of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{AddressOutcome, AddressReturn, Event, LetterHistory};

/// What a mail about a letter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LetterMailKind {
    /// A person answered.
    Answer,
    /// A program answered.
    AutomaticAnswer,
    /// The message was shown to somebody, as a program of theirs says (RFC 8098).
    Read,
    /// It may have come back from an address: the mail names no message of ours.
    Suspected,
    /// It is about the letter, and what it means for which address is not clear.
    Unclear,
}

/// A mail about a letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LetterMail {
    /// What it is.
    pub kind: LetterMailKind,
    /// The Message-ID of the message that it is about.
    pub message_id: String,
    /// The address that it is about, or whose reader it is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Of a suspicion the reason, of what is unclear what it says.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// Of a suspicion: whether the address would be wrong.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hard: bool,
    /// The code (RFC 3463).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The server's line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// When it became known.
    pub at: Timestamp,
    /// What tells of it.
    pub evidence: String,
    /// Whether a person has looked at it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_settled: bool,
}

impl LetterMail {
    /// The mail that an event tells of; none for all others.
    pub(super) fn of(event: &Event, at: Timestamp) -> Option<Self> {
        // As the log has it, in which milliseconds are counted.
        let at = Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at);
        let plain = |kind, message_id: &str, evidence: &str| Self {
            kind,
            message_id: message_id.to_owned(),
            address: None,
            why: String::new(),
            hard: false,
            code: None,
            text: None,
            at,
            evidence: evidence.to_owned(),
            is_settled: false,
        };
        Some(match event {
            Event::Answer {
                message_id,
                evidence,
            } => plain(LetterMailKind::Answer, message_id, evidence),
            Event::AutomaticAnswer {
                message_id,
                evidence,
            } => plain(LetterMailKind::AutomaticAnswer, message_id, evidence),
            Event::Read {
                message_id,
                reader,
                evidence,
            } => Self {
                address: reader.clone(),
                ..plain(LetterMailKind::Read, message_id, evidence)
            },
            Event::Suspected(AddressReturn {
                message_id,
                address,
                hard,
                reason,
                code,
                text,
                evidence,
            }) => Self {
                address: Some(address.clone()),
                why: reason.clone(),
                hard: *hard,
                code: code.clone(),
                text: text.clone(),
                ..plain(LetterMailKind::Suspected, message_id, evidence)
            },
            Event::Unclear {
                message_id,
                why,
                evidence,
            } => Self {
                why: why.clone(),
                ..plain(LetterMailKind::Unclear, message_id, evidence)
            },
            _ => return None,
        })
    }
}

impl LetterHistory {
    /// Mail about it of one kind.
    pub fn mail_of(&self, kind: LetterMailKind) -> impl Iterator<Item = &LetterMail> {
        self.mail.iter().filter(move |mail| mail.kind == kind)
    }

    /// Suspicions that nobody has settled: about addresses of which nothing sure is known.
    pub fn suspicions(&self) -> impl Iterator<Item = &LetterMail> {
        self.mail_of(LetterMailKind::Suspected).filter(|mail| {
            let outcome = mail.address.as_deref().map(|address| {
                let mut sendings = self.sendings.iter();
                let sending =
                    sendings.find(|sending| sending.message.message_id == mail.message_id);
                sending
                    .and_then(|sending| sending.known_fate(address))
                    .and_then(|fate| fate.returned.as_ref())
                    .map(|returned| returned.outcome)
            });
            let is_known = matches!(
                outcome.flatten(),
                Some(AddressOutcome::Bounced | AddressOutcome::Delivered)
            );
            !mail.is_settled && !is_known
        })
    }

    /// What a person should look at in mail about it: suspicions and what is not clear.
    pub fn to_look_at(&self) -> impl Iterator<Item = &LetterMail> {
        let unclear = self.mail_of(LetterMailKind::Unclear);
        self.suspicions()
            .chain(unclear.filter(|mail| !mail.is_settled))
    }

    /// Takes a person's word that they looked at it.
    pub(super) fn settle_mail(&mut self) {
        for mail in &mut self.mail {
            if matches!(
                mail.kind,
                LetterMailKind::Suspected | LetterMailKind::Unclear
            ) {
                mail.is_settled = true;
            }
        }
    }
}

/// What tells of an outcome: which kind of mail or list, the digest of its bytes, and the name that
/// it had itself. In the log it is one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct MailEvidence {
    /// The kind, as a word.
    pub kind: String,
    /// SHA-256 over the bytes, as hexadecimal digits.
    pub sha256: String,
    /// The mail's own Message-ID.
    pub message_id: Option<String>,
}

impl MailEvidence {
    /// The line of the log.
    #[must_use]
    pub(crate) fn in_one_line(&self) -> String {
        let mut line = format!("{} sha256:{}", self.kind, self.sha256);
        if let Some(id) = &self.message_id {
            line.push_str(&format!(" <{id}>"));
        }
        line
    }

    /// The evidence of a line; none where it is a person's word, or was written otherwise.
    #[must_use]
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let (kind, rest) = line.split_once(" sha256:")?;
        let (sha256, id) = match rest.split_once(" <") {
            Some((sha256, id)) => (sha256, id.strip_suffix('>').map(str::to_owned)),
            None => (rest, None),
        };
        Some(Self {
            kind: kind.to_owned(),
            sha256: sha256.to_owned(),
            message_id: id,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_comes_back_from_its_line() {
        for message_id in [None, Some("b1@mx.example".to_owned())] {
            let evidence = MailEvidence {
                kind: "delivery_report".into(),
                sha256: "ab".repeat(32),
                message_id,
            };
            assert_eq!(MailEvidence::parse(&evidence.in_one_line()), Some(evidence));
        }
        assert_eq!(MailEvidence::parse("the school called"), None);
    }
}
