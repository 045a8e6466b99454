//! Replies of a mail server, in the words of [`SendError`].
//!
//! Codes: RFC 5321 section 4.2, enhanced codes RFC 3463; those of Exchange Online as Microsoft's
//! pages on non-delivery reports and on SMTP submission list them.

use std::time::Duration;

use super::super::{Answer, Cause, Code, SendError};
use super::offers::SmtpCredential;
use crate::network::{NetworkError, NetworkKind};

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

impl Phase {
    /// All of them, in their order.
    pub(super) const ALL: [Self; 5] =
        [Self::Connect, Self::Mail, Self::Rcpt, Self::Data, Self::Dot];
}

/// Why a command did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SmtpFailure {
    /// The server said no.
    Reply {
        /// The reply code.
        code: u16,
        /// The words behind it.
        text: String,
    },
    /// There was no reply that makes sense: cut, silence or noise.
    Broken(NetworkError),
}

impl SmtpFailure {
    /// Silence for too long.
    pub(super) fn silence(waited: Duration) -> Self {
        Self::Broken(NetworkError::timed_out(format!(
            "the mail server was silent for {} s",
            waited.as_secs().max(1)
        )))
    }

    /// A reply that cannot be one to what was said.
    pub(super) fn nonsense(text: String) -> Self {
        Self::Broken(NetworkError::new(NetworkKind::Nonsense, text))
    }

    /// The same, which names the server where there was no reply.
    pub(super) fn at(self, server: &str) -> Self {
        match self {
            Self::Broken(error) => Self::Broken(NetworkError {
                text: match error.kind {
                    NetworkKind::Cut => error.kind.said_of(server),
                    _ => format!("{server}: {}", error.text),
                },
                ..error
            }),
            reply @ Self::Reply { .. } => reply,
        }
    }

    /// Whether the server takes no further address with this message (RFC 5321 section 4.5.3.1.10: 452, and
    /// 552 of servers before it; RFC 3463: X.5.3).
    pub(super) fn is_too_many_recipients(&self) -> bool {
        match self {
            Self::Reply {
                code: 452 | 552,
                text,
            } => matches!(Enhanced::of(text), Some(Enhanced(4 | 5, 5, 3))),
            Self::Reply { .. } | Self::Broken(_) => false,
        }
    }

    /// The failure in the words of [`SendError`], where the message cannot have been taken.
    pub(super) fn refused_at(self, phase: Phase) -> SendError {
        match self {
            Self::Reply { code, text } => judge(phase, code, &text),
            Self::Broken(error) => SendError::Transient {
                answer: Answer::new(Cause::Connection, &error.text),
                everyone: true,
            },
        }
    }
}

/// The server takes no way to sign in that we have the means for.
pub(super) fn no_way_to_sign_in() -> SendError {
    SendError::Unauthorised(Answer::new(
        Cause::Auth,
        "the server offers none of the ways to sign in that are known here: AUTH PLAIN, LOGIN and XOAUTH2",
    )
    .with("set smtp.security to \"starttls\" or \"tls\", since some offer it under TLS only; a relay that takes letters without a sign-in wants smtp.username and smtp.password empty"))
}

/// A sign-in that the server refused.
pub(super) fn sign_in_refused(
    failure: SmtpFailure,
    proof: &SmtpCredential<'_>,
    account: &str,
    server: &str,
) -> SendError {
    match failure.at(server).refused_at(Phase::Connect) {
        SendError::Unusable(answer) | SendError::Unauthorised(answer) => {
            SendError::Unauthorised(answer.with(&match proof {
                SmtpCredential::Password(_) => format!(
                    "correct smtp.username and smtp.password in the secrets file: {server} does not accept this password of {account}; many mailboxes want an app password here"
                ),
                SmtpCredential::Token(_) => format!(
                    "the server refused the access token: check that {account} may send as the mailbox, and that authenticated SMTP is on for it at {server}"
                ),
            }))
        }
        other => other,
    }
}

/// A sign-in that came to no end: the server asks for something else.
pub(super) fn not_signed_in(proof: &SmtpCredential<'_>) -> SendError {
    let text = match proof {
        SmtpCredential::Token(_) => {
            "the server refused the access token: check that the account may send as the mailbox, and that authenticated SMTP is on for it"
        }
        SmtpCredential::Password(_) => {
            "the server asked for something else than an account and its password"
        }
    };
    SendError::Unauthorised(Answer::new(Cause::Auth, text))
}

/// An enhanced status code (RFC 3463 section 2): class, subject and detail.
///
/// The only place where a server can write it is the beginning of the reply's text (RFC 2034 section
/// 4), so it is read there; the words behind it are for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Enhanced(u16, u16, u16);

impl Enhanced {
    fn of(text: &str) -> Option<Self> {
        // Some servers write a colon or a hyphen behind it.
        let first = text.split_whitespace().next()?;
        let mut numbers = first
            .trim_end_matches(|c: char| !c.is_ascii_digit())
            .split('.');
        let mut number = || numbers.next()?.parse().ok();
        let code = Self(number()?, number()?, number()?);
        numbers.next().is_none().then_some(code)
    }

    /// Asks everyone to slow down or to come back: a matter of policy (X.7.X) or a system that takes
    /// no messages now (X.3.2).
    fn slows_down(self) -> bool {
        matches!(self, Self(4, 7, _) | Self(4, 3, 2))
    }

    /// Refusals that every further letter would meet: the sender is blocked as a source of spam
    /// (5.1.8), may not send as this mailbox (5.2.252), or the tenant's limits are used up (5.7.7xx,
    /// 5.7.23x).
    fn stops_everyone(self) -> bool {
        matches!(
            self,
            Self(5, 1, 8 | 90) | Self(5, 2, 252) | Self(5, 7, 60 | 139 | 232 | 233 | 700..=799)
        )
    }
}

/// Whether a limit of the account is used up, which no waiting of minutes helps. Servers say it under
/// codes that mean other things elsewhere, so that their name for it has to be read: Exchange Online
/// ("Non-delivery reports in Exchange Online"), Amazon SES ("SMTP issues"), Gmail ("SMTP error
/// reference", 5.4.5).
fn is_quota(enhanced: Option<Enhanced>, text: &str) -> bool {
    const NAMES: [&[&str]; 6] = [
        &["submissionquotaexceeded"],
        &["submissionquotaexceededexception"],
        &["submission", "quota", "exceeded"],
        &["daily", "message", "quota", "exceeded"],
        &["daily", "user", "sending", "limit", "exceeded"],
        &["daily", "user", "sending", "quota", "exceeded"],
    ];
    enhanced.is_some_and(|code| matches!(code, Enhanced(5, 7, 232 | 233) | Enhanced(5, 4, 5)))
        || NAMES.iter().any(|name| has_words(text, name))
}

/// Whether messages come faster than the account may send them, which Amazon SES says under a code that
/// elsewhere is about one letter ("Errors related to the sending quotas for your Amazon SES account").
fn is_too_fast(text: &str) -> bool {
    has_words(text, &["maximum", "sending", "rate", "exceeded"])
}

/// Whether these words, in small letters, stand in a text one after the other.
fn has_words(text: &str, name: &[&str]) -> bool {
    let text = text.to_ascii_lowercase();
    let words: Vec<&str> = text
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    words.windows(name.len()).any(|words| words == name)
}

fn judge(phase: Phase, code: u16, text: &str) -> SendError {
    let answer = Answer::new(Code::Smtp(code), text);
    let enhanced = Enhanced::of(text);
    if is_quota(enhanced, text) {
        return SendError::Unusable(answer.with(
            "the sending limit of this account is used up: most limits count the last 24 hours, so go on tomorrow",
        ));
    }
    match code {
        // Closing the channel, or asked to come back later by policy: it is about us, not the letter.
        421 | 432 => SendError::Throttled { wait: None, answer },
        400..=499 if enhanced.is_some_and(Enhanced::slows_down) => {
            SendError::Throttled { wait: None, answer }
        }
        400..=499 if is_too_fast(text) => SendError::Throttled { wait: None, answer },
        454 if phase == Phase::Connect => SendError::Transient {
            answer,
            everyone: true,
        },
        400..=499 => SendError::Transient {
            answer,
            everyone: phase == Phase::Connect,
        },
        530 | 534 | 535 | 538 => SendError::Unauthorised(answer),
        _ if enhanced.is_some_and(Enhanced::stops_everyone) => SendError::Unusable(answer),
        552 if phase == Phase::Rcpt && enhanced == Some(Enhanced(5, 5, 3)) => {
            SendError::Transient {
                answer,
                everyone: false,
            }
        }
        // Too large is about this letter even when it is said at MAIL FROM (RFC 1870 section 6).
        552 => SendError::Rejected(answer),
        _ if matches!(phase, Phase::Connect | Phase::Mail) => SendError::Unusable(answer),
        _ => SendError::Rejected(answer),
    }
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
            (
                Phase::Dot,
                554,
                "5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; failed",
                "unusable",
            ),
            (
                Phase::Mail,
                454,
                "Throttling failure: Daily message quota exceeded.",
                "unusable",
            ),
            (
                Phase::Data,
                454,
                "Throttling failure: Maximum sending rate exceeded.",
                "throttled",
            ),
            (Phase::Dot, 550, "5.7.233 over the limit", "unusable"),
            (Phase::Dot, 550, "5.4.5 daily limit", "unusable"),
            // The recipient's limit is about this letter.
            (Phase::Rcpt, 552, "5.2.2 quota exceeded", "rejected"),
        ] {
            assert_eq!(word(phase, code, text), expected, "{phase:?} {code} {text}");
        }
    }
}
