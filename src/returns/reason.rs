//! From a server's line to a reason. Digits alone never say that an address is wrong: they mislead
//! (a rate limit as 5.1.1, a full quota of our own as 5.2.2), so the words decide first.

use crate::lifecycle::BounceReason;

/// What a line tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Diagnosis {
    /// The reason.
    pub reason: BounceReason,
    /// Whether the address is wrong, so that no other try helps.
    pub hard: bool,
}

/// Words that servers use, with the reason that they give. The first that fits counts, so that what
/// is about our own side, or passes, is never taken for a wrong address.
#[rustfmt::skip]
const WORDS: &[(&[&str], BounceReason)] = &[
    (&["submission quota", "submissionquota", "sending limit", "sending quota", "bad outbound sender",
       "tenant has exceeded", "account has been blocked from sending", "blocked from sending", "sender has exceeded",
       "outbound spam", "your ip", "client host"], BounceReason::OurSide),
    (&["rate limit", "rate-limit", "too many messages", "too many connections", "throttl", "greylist",
       "graylist", "receiving mail too quickly", "receiving mail at a rate", "too fast", "slow down"],
       BounceReason::RateLimited),
    (&["too many hops", "hop count", "mail loop", "loops back", "loop detected", "routing loop",
       "forwarding loop"], BounceReason::Loop),
    (&["message size", "too large", "size limit", "too big", "exceeds size", "exceeds the maximum size"],
       BounceReason::TooLarge),
    (&["mailbox full", "mailbox is full", "mailbox has exceeded", "over quota", "overquota", "quota exceeded",
       "exceeded storage", "quota", "out of storage", "insufficient storage", "storage space",
       "mailbox size limit", "postfach ist voll", "inbox is full"], BounceReason::MailboxFull),
    (&["try again", "timed out", "timeout", "connection refused", "could not connect", "cannot connect",
       "unreachable", "lost connection", "no route to host", "network error", "retry time",
       "temporary failure", "temporarily", "temporary lookup", "server busy", "delivery expired",
       "message expired", "too old", "not currently available"], BounceReason::NotReachable),
    (&["spam", "blocked using", "blacklist", "block list", "blocklist", "denylist", "listed at", " rbl",
       "spf", "dkim", "dmarc", "reputation", "phish", "virus", "malware", "unsolicited", "content rejected",
       "content filter", "banned"], BounceReason::SenderNotTrusted),
    (&["relay access denied", "relaying denied", "unable to relay", "relay not permitted",
       "relaying not allowed", "not permitted to relay"], BounceReason::NotReachable),
    (&["domain not found", "host not found", "host unknown", "unknown host", "no such domain",
       "domain does not exist", "domain name not found", "unknown domain", "bad destination host",
       "nonexistent domain", "non-existent domain", "nxdomain", "name or service not known", "nullmx",
       "null mx", "does not accept mail", "unrouteable mail domain", "infodomainnonexistent",
       "all relevant mx records point to non-existent hosts", "domain doesn't exist", "invalid domain"],
       BounceReason::NoSuchDomain),
    (&["has moved", "user has moved", "no longer at this address", "new address is", "changed address",
       "moved to"], BounceReason::Moved),
    (&["disabled", "inactive", "suspended", "deactivated", "account is closed", "account closed",
       "not active", "not in use"], BounceReason::MailboxDisabled),
    (&["user unknown", "unknown user", "no such user", "no such recipient", "no such mailbox", "no such address",
       "no such person", "does not exist", "doesn't exist", "not exist", "recipient not found",
       "recipientnotfound", "user not found", "mailbox not found", "address not found", "invalid recipient",
       "invalid mailbox", "invalid address", "unknown recipient", "recipient unknown", "unknown address",
       "address unknown", "unknown local", "access denied", "no mailbox here", "no mailbox by that name",
       "not a valid mailbox", "not a known user", "unrouteable address", "undeliverable address",
       "couldn't be found", "could not be found", "wasn't found", "was not found", "no account",
       "isn't in our", "not listed in", "resolver.adr", "user doesn't", "unbekannt", "existiert nicht",
       "nicht gefunden", "n'existe pas", "inconnu", "no existe", "not our customer", "address rejected"],
       BounceReason::NoSuchAddress),
    (&["not allowed", "not authorized", "not authorised", "not permitted", "restricted", "only accepts",
       "permission", "authentication required", "must authenticate", "sendernotauthenticated",
       "access restricted", "members only"], BounceReason::NotAllowed),
];

/// What a server's line and its code (RFC 3463) tell of an address that was given up.
#[must_use]
pub(crate) fn judge(code: Option<&str>, text: &str) -> Diagnosis {
    let words = without_addresses(text);
    let is_code = |codes: &[&str]| code.is_some_and(|code| codes.contains(&code));
    // Some refusals mean one thing by their words and another by their code.
    if is_ours(code) {
        return of(BounceReason::OurSide);
    }
    if is_code(&["5.7.504"]) {
        return Diagnosis {
            reason: BounceReason::NoSuchAddress,
            hard: true,
        };
    }
    if words.contains("access denied") && !is_code(&["5.4.1", "5.1.1", "5.1.10"]) {
        return of(BounceReason::NotAllowed);
    }
    let found = WORDS
        .iter()
        .find(|(signs, _)| signs.iter().any(|sign| words.contains(sign)));
    if let Some((_, reason)) = found {
        return of(*reason);
    }
    Diagnosis {
        reason: by_code(code, &words),
        hard: false,
    }
}

/// A reason that words gave.
fn of(reason: BounceReason) -> Diagnosis {
    let hard = matches!(
        reason,
        BounceReason::NoSuchAddress | BounceReason::NoSuchDomain | BounceReason::Moved
    );
    Diagnosis { reason, hard }
}

/// Codes by which Exchange Online says that our own account or tenant is blocked.
fn is_ours(code: Option<&str>) -> bool {
    let Some(code) = code else { return false };
    if code == "5.1.8" || code == "5.1.90" {
        return true;
    }
    let detail = code
        .strip_prefix("5.7.")
        .and_then(|detail| detail.parse::<u32>().ok());
    match detail {
        Some(504) => false,
        Some(501..=511 | 700..=799) => true,
        Some(_) | None => false,
    }
}

/// The reason of a code (RFC 3463, and the registry of enhanced status codes), where no word says
/// more.
fn by_code(code: Option<&str>, words: &str) -> BounceReason {
    let Some((class, rest)) = code.and_then(|code| code.split_once('.')) else {
        return if words.trim_start().starts_with('5') {
            BounceReason::Refused
        } else {
            BounceReason::Other
        };
    };
    match rest {
        "1.1" | "1.3" | "1.10" | "1.0" => BounceReason::NoSuchAddress,
        "1.2" => BounceReason::NoSuchDomain,
        "1.6" => BounceReason::Moved,
        "2.1" => BounceReason::MailboxDisabled,
        "2.2" => BounceReason::MailboxFull,
        "2.3" | "3.4" => BounceReason::TooLarge,
        "2.121" | "2.122" => BounceReason::RateLimited,
        "4.6" | "4.14" => BounceReason::Loop,
        "7.124" | "7.133" | "7.134" | "7.135" | "7.136" | "7.1" | "7.2" => BounceReason::NotAllowed,
        _ if rest.starts_with("4.") => BounceReason::NotReachable,
        _ if class == "5" => BounceReason::Refused,
        _ => BounceReason::Other,
    }
}

/// A line in lower case, without addresses and links: `nospam@school.example` is no word for spam.
fn without_addresses(text: &str) -> String {
    text.split_whitespace()
        .filter(|word| !word.contains('@') && !word.contains("://"))
        .collect::<Vec<_>>()
        .join(" ")
        .to_lowercase()
}

/// The code (RFC 3463) in a line, such as `550 5.1.1 <a@b.example>: user unknown`.
#[must_use]
pub(super) fn code_in(text: &str) -> Option<String> {
    text.split(|c: char| !(c.is_ascii_digit() || c == '.'))
        .map(|word| word.trim_matches('.'))
        .find(|word| is_code(word))
        .map(str::to_owned)
}

/// Whether a text is a code: class 2, 4 or 5, and two numbers of up to three digits.
#[must_use]
pub(super) fn is_code(text: &str) -> bool {
    let mut parts = text.split('.');
    let class = parts
        .next()
        .is_some_and(|class| matches!(class, "2" | "4" | "5"));
    let number = |part: Option<&str>| {
        part.is_some_and(|part| {
            (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit())
        })
    };
    class && number(parts.next()) && number(parts.next()) && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    type Case = (Option<&'static str>, &'static str, BounceReason, bool);

    #[rustfmt::skip]
    const CASES: &[Case] = &[
            (
                Some("5.1.1"),
                "550 5.1.1 <a@x.example>: Recipient address rejected: User unknown in virtual mailbox table",
                BounceReason::NoSuchAddress,
                true,
            ),
            (
                Some("5.1.1"),
                "550 5.1.1 too many messages, rate limit exceeded",
                BounceReason::RateLimited,
                false,
            ),
            (Some("5.1.1"), "", BounceReason::NoSuchAddress, false),
            (
                Some("5.2.2"),
                "554 5.2.2 Submission quota exceeded",
                BounceReason::OurSide,
                false,
            ),
            (
                Some("5.2.2"),
                "552 5.2.2 The mailbox is over quota",
                BounceReason::MailboxFull,
                false,
            ),
            (
                Some("5.4.1"),
                "550 5.4.1 Recipient address rejected: Access denied. AS(201806281)",
                BounceReason::NoSuchAddress,
                true,
            ),
            (
                Some("5.4.1"),
                "550 5.4.1 Relay Access Denied",
                BounceReason::NotReachable,
                false,
            ),
            (
                Some("5.2.0"),
                "550 5.2.0 message rejected as spam",
                BounceReason::SenderNotTrusted,
                false,
            ),
            (
                Some("5.1.10"),
                "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup",
                BounceReason::NoSuchAddress,
                true,
            ),
            (
                Some("5.4.4"),
                "Host or domain name not found. Name service error for name=nowhere.example type=MX: Host not found",
                BounceReason::NoSuchDomain,
                true,
            ),
            (
                Some("4.4.3"),
                "Host or domain name not found. Name service error for name=slow.example type=MX: Host not found, try again",
                BounceReason::NotReachable,
                false,
            ),
            (
                Some("5.1.8"),
                "550 5.1.8 Access denied, bad outbound sender",
                BounceReason::OurSide,
                false,
            ),
            (
                Some("5.7.705"),
                "550 5.7.705 Access denied, tenant has exceeded threshold",
                BounceReason::OurSide,
                false,
            ),
            (
                Some("5.7.504"),
                "550 5.7.504 recipient address is invalid",
                BounceReason::NoSuchAddress,
                true,
            ),
            (
                Some("5.7.133"),
                "550 5.7.133 sender not authenticated for group",
                BounceReason::NotAllowed,
                false,
            ),
            (
                Some("4.4.1"),
                "connect to mx.far.example[192.0.2.1]:25: Connection timed out",
                BounceReason::NotReachable,
                false,
            ),
            (
                Some("5.7.1"),
                "550 5.7.1 <nospam@x.example>: refused",
                BounceReason::NotAllowed,
                false,
            ),
            (None, "554 delivery error", BounceReason::Refused, false),
    ];

    #[test]
    fn words_come_before_digits() {
        for &(code, text, reason, hard) in CASES {
            assert_eq!(judge(code, text), Diagnosis { reason, hard }, "{text}");
        }
    }

    #[test]
    fn a_code_is_found_and_an_address_of_a_machine_is_none() {
        assert_eq!(code_in("550 5.1.1 user unknown").as_deref(), Some("5.1.1"));
        assert_eq!(code_in("smtp; 450-4.2.2 full").as_deref(), Some("4.2.2"));
        assert_eq!(code_in("mx[192.0.2.1] said 550"), None);
        assert_eq!(code_in("10.5.1.1"), None);
    }
}
