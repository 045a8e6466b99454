//! Replies of a mail server, in the words of [`SendError`].
//!
//! Codes: RFC 5321 section 4.2, enhanced codes RFC 3463; those of Exchange Online as Microsoft's
//! pages on non-delivery reports and on SMTP submission list them.

use std::error::Error as _;
use std::time::Duration;

use lettre::transport::smtp::Error;

use super::super::{Answer, SendError};

/// Where in the conversation a reply came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Greeting, EHLO, STARTTLS and AUTH.
    Connect,
    /// MAIL FROM.
    Mail,
    /// RCPT TO.
    Rcpt,
    /// DATA.
    Data,
    /// After the final dot.
    Dot,
}

/// Why a command did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The server said no.
    Reply {
        /// The reply code.
        code: u16,
        /// The words behind it.
        text: String,
    },
    /// There was no reply that makes sense: cut, silence or noise.
    Broken(String),
}

impl Failure {
    /// Silence for too long.
    pub fn silence(waited: Duration) -> Self {
        Self::Broken(format!(
            "the mail server was silent for {} s",
            waited.as_secs().max(1)
        ))
    }

    /// The failure in the words of [`SendError`], where the message cannot have been taken.
    pub fn refused_at(self, phase: Phase) -> SendError {
        match self {
            Self::Reply { code, text } => judge(phase, code, &text),
            Self::Broken(text) => SendError::Transient {
                answer: Answer::new("connection", &text),
                everyone: true,
            },
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error.status() {
            Some(code) => Self::Reply {
                code: code.into(),
                // lettre keeps the server's words as the cause.
                text: error.source().map(ToString::to_string).unwrap_or_default(),
            },
            None => Self::Broken(words(&error)),
        }
    }
}

/// An error with its causes.
fn words(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text
}

/// A sign-in that failed without a reply code is a client error of lettre's: the server has no way to
/// sign in that fits, or it refused an access token with a challenge (334), which lettre does not
/// answer, so that the server's own reason is never read.
pub(super) fn sign_in_refused(error: Error) -> SendError {
    if error.is_client() {
        let text = words(&error);
        let text = if text.contains("challenge") {
            "the server refused the access token: check that the account may send as the mailbox, and that authenticated SMTP is on for it"
        } else {
            text.rsplit(": ").next().unwrap_or_default()
        };
        return SendError::Unauthorised(Answer::new("AUTH", text));
    }
    match Failure::from(error).refused_at(Phase::Connect) {
        SendError::Unusable(answer) => SendError::Unauthorised(answer),
        other => other,
    }
}

fn judge(phase: Phase, code: u16, text: &str) -> SendError {
    let answer = Answer::new(code.to_string(), text);
    let enhanced = text.split_whitespace().next().unwrap_or("");
    match code {
        // Closing the channel, or asked to come back later by policy: it is about us, not the letter.
        421 | 432 => SendError::Throttled { wait: None, answer },
        400..=499 if enhanced.starts_with("4.7.") || enhanced == "4.3.2" => {
            SendError::Throttled { wait: None, answer }
        }
        454 if phase == Phase::Connect => SendError::Transient {
            answer,
            everyone: true,
        },
        400..=499 => SendError::Transient {
            answer,
            everyone: phase == Phase::Connect,
        },
        530 | 534 | 535 | 538 => SendError::Unauthorised(answer),
        _ if stops_everyone(enhanced) => SendError::Unusable(answer),
        // Too large is about this letter even when it is said at MAIL FROM (RFC 1870 section 6).
        552 => SendError::Rejected(answer),
        _ if matches!(phase, Phase::Connect | Phase::Mail) => SendError::Unusable(answer),
        _ => SendError::Rejected(answer),
    }
}

/// Refusals that every further letter would meet: the sender is blocked as a source of spam (5.1.8),
/// may not send as this mailbox (5.2.252), or the tenant's limits are used up (5.7.7xx, 5.7.23x).
fn stops_everyone(enhanced: &str) -> bool {
    matches!(
        enhanced,
        "5.1.8" | "5.1.90" | "5.2.252" | "5.7.60" | "5.7.139" | "5.7.232" | "5.7.233"
    ) || (enhanced.starts_with("5.7.7") && enhanced.len() == "5.7.705".len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(phase: Phase, code: u16, text: &str) -> &'static str {
        match judge(phase, code, text) {
            SendError::Throttled { .. } => "throttled",
            SendError::Transient { everyone: true, .. } => "transient for everyone",
            SendError::Transient { .. } => "transient",
            SendError::Rejected(_) => "rejected",
            SendError::InDoubt(_) => "in doubt",
            SendError::Unauthorised(_) => "unauthorised",
            SendError::Unusable(_) => "unusable",
        }
    }

    #[test]
    fn replies_have_their_words() {
        for (phase, code, text, expected) in [
            (Phase::Connect, 421, "4.3.2 Service not active", "throttled"),
            (
                Phase::Mail,
                432,
                "4.3.2 STOREDRV.ClientSubmit; concurrent limit",
                "throttled",
            ),
            (Phase::Mail, 451, "4.7.500 Server busy", "throttled"),
            (
                Phase::Connect,
                454,
                "TLS not available",
                "transient for everyone",
            ),
            (Phase::Connect, 554, "no service", "unusable"),
            (
                Phase::Connect,
                535,
                "5.7.3 Authentication unsuccessful",
                "unauthorised",
            ),
            (Phase::Mail, 530, "5.7.57 not authenticated", "unauthorised"),
            (Phase::Mail, 550, "5.7.1 not your address", "unusable"),
            (Phase::Mail, 552, "5.3.4 too large", "rejected"),
            (Phase::Rcpt, 450, "4.2.1 greylisted", "transient"),
            (Phase::Rcpt, 550, "5.1.1 no such user", "rejected"),
            (Phase::Dot, 451, "4.3.0 later", "transient"),
            (Phase::Dot, 452, "4.3.1 no room", "transient"),
            (Phase::Dot, 552, "5.2.3 too large", "rejected"),
            (Phase::Dot, 554, "5.2.252 SendAsDenied", "unusable"),
            (Phase::Dot, 550, "5.1.8 bad outbound sender", "unusable"),
            (Phase::Dot, 550, "5.7.705 tenant threshold", "unusable"),
            (Phase::Dot, 554, "5.6.0 rejected content", "rejected"),
        ] {
            assert_eq!(word(phase, code, text), expected, "{phase:?} {code} {text}");
        }
    }
}
