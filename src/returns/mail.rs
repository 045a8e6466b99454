//! What a mail is: a pure function from bytes, bounded in all that it looks at.

use std::collections::BTreeSet;

use jiff::Timestamp;
use mail_parser::{HeaderName, Message, MessageParser, MessagePart, MimeHeaders, PartType};

use super::status::{Action, DeliveryStatus, Disposition, ReportedRecipient};
use super::words::{self, Bounce};
use super::{MAX_DEPTH, MAX_PARTS, MAX_WORDS};
use crate::contain;

/// What a mail is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MailKind {
    /// A delivery report (RFC 3464): failed, delayed, delivered or relayed.
    DeliveryReport,
    /// A bounce, or a warning of a delay, that says so in words alone.
    TextBounce,
    /// A receipt (RFC 8098).
    Receipt,
    /// A program answered.
    AutomaticAnswer,
    /// A person answered.
    Answer,
    /// None of these.
    Other,
}

impl MailKind {
    /// The word in JSON and in the log.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::DeliveryReport => "delivery_report",
            Self::TextBounce => "text_bounce",
            Self::Receipt => "receipt",
            Self::AutomaticAnswer => "automatic_answer",
            Self::Answer => "answer",
            Self::Other => "other",
        }
    }
}

/// A mail, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadMail {
    /// What it is.
    pub kind: MailKind,
    /// Its own Message-ID.
    pub own_id: Option<String>,
    /// When it was written, as it says.
    pub date: Option<Timestamp>,
    /// Who wrote it.
    pub from: Option<String>,
    /// Message-IDs that it may be about: of each strength all that it has, the strongest first.
    pub about: Vec<BTreeSet<String>>,
    /// What it says of each recipient.
    pub recipients: Vec<ReportedRecipient>,
    /// Of a receipt: whose.
    pub reader: Option<String>,
    /// Why it was taken for what it is.
    pub why: &'static str,
}

/// Reads a mail.
#[must_use]
pub fn read(bytes: &[u8]) -> ReadMail {
    // A reader of mail meets everything; one that stumbles leaves the mail as none of ours.
    contain::panics(|| parsed(bytes)).unwrap_or_else(|_| ReadMail::other("it cannot be read"))
}

fn parsed(bytes: &[u8]) -> ReadMail {
    let Some(message) = MessageParser::default().parse(bytes) else {
        return ReadMail::other("it is no mail");
    };
    let mail = Mail::of(&message, bytes);
    // A copy of a letter, such as one in Bcc to ourselves, says of itself that a program made it.
    let is_ours = |id: &str| !ours_in(id.as_bytes()).is_empty();
    let mut read = if message.message_id().is_some_and(is_ours) {
        ReadMail::other("it is a letter of ours")
    } else {
        mail.classified()
    };
    read.own_id = message.message_id().map(str::to_owned);
    read.date = message
        .date()
        .and_then(|date| Timestamp::from_second(date.to_timestamp()).ok());
    read.from.clone_from(&mail.from);
    read
}

impl ReadMail {
    fn other(why: &'static str) -> Self {
        Self::of(MailKind::Other, why)
    }

    fn of(kind: MailKind, why: &'static str) -> Self {
        Self {
            kind,
            own_id: None,
            date: None,
            from: None,
            about: Vec::new(),
            recipients: Vec::new(),
            reader: None,
            why,
        }
    }
}

/// A mail with what is asked of it more than once.
struct Mail<'a> {
    message: &'a Message<'a>,
    bytes: &'a [u8],
    from: Option<String>,
    subject: String,
    /// Whether a mail system wrote it, by its sender.
    is_of_system: bool,
    /// Whether it was sent with a null return path, as reports and automatic answers are.
    has_null_path: bool,
}

/// The local parts of mail systems.
const SYSTEMS: [&str; 9] = [
    "mailer-daemon",
    "mailerdaemon",
    "mail-daemon",
    "postmaster",
    "microsoftexchange329e71ec88ae4615bbc36ab6ce41109e",
    "mdaemon",
    "double-bounce",
    "mail.delivery.subsystem",
    "mailadmin",
];

/// Beginnings of subjects that programs give to answers.
const AUTOMATIC_SUBJECTS: [&str; 14] = [
    "automatic reply",
    "auto reply",
    "autoreply",
    "auto-reply",
    "out of office",
    "out of the office",
    "automatische antwort",
    "abwesenheit",
    "abwesend",
    "réponse automatique",
    "respuesta automática",
    "risposta automatica",
    "absence",
    "away from",
];

impl<'a> Mail<'a> {
    fn of(message: &'a Message<'a>, bytes: &'a [u8]) -> Self {
        let sender = message.from().and_then(|from| from.first());
        let from = sender
            .and_then(|sender| sender.address())
            .map(str::to_owned);
        let name = sender.and_then(|sender| sender.name()).unwrap_or_default();
        let local = from.as_deref().unwrap_or_default().to_ascii_lowercase();
        let local = local.split('@').next().unwrap_or_default();
        let name = name.to_ascii_lowercase();
        let is_of_system = SYSTEMS.iter().any(|system| local.starts_with(system))
            || name.contains("mail delivery s")
            || name.contains("mailer-daemon");
        let return_path = raw(message, "Return-Path");
        Self {
            message,
            bytes,
            from,
            subject: message.subject().unwrap_or_default().to_lowercase(),
            is_of_system,
            has_null_path: return_path.is_some_and(|path| path.trim() == "<>"),
        }
    }

    fn header(&self, name: &'static str) -> Option<&str> {
        raw(self.message, name)
    }

    fn classified(&self) -> ReadMail {
        let report_type = self.report_type();
        if matches!(report_type.as_deref(), Some("feedback-report" | "tlsrpt")) {
            return ReadMail::other("it is a complaint or a report about encryption");
        }
        let is_report = report_type.is_some() || self.is_multipart("report");
        let parts = self.outer_parts();
        let part = |subtype: &str| {
            let mut parts = parts.iter();
            parts
                .find(|part| is_type(part, "message", subtype))
                .copied()
        };
        if let Some(part) = part("disposition-notification")
            && is_report
        {
            return self.receipt(part.contents());
        }
        let status = part("delivery-status").or_else(|| part("global-delivery-status"));
        if let Some(part) = status
            && (is_report || self.is_of_system)
        {
            return self.delivery_report(DeliveryStatus::read(part.contents()), &parts);
        }
        let words = Self::words(&parts);
        if !self.is_of_system && self.is_automatic() {
            return self.automatic_answer(&words);
        }
        let failed = self.header("X-Failed-Recipients");
        if self.is_of_system || self.has_null_path || failed.is_some() {
            let bounce = words::bounce(&self.subject, &words, failed);
            if let Some(bounce) = bounce {
                return self.text_bounce(bounce, &parts);
            }
            if self.is_automatic() {
                return self.automatic_answer(&words);
            }
        }
        let answered = self.answered();
        if answered.is_empty() {
            return ReadMail::other("it names no message");
        }
        ReadMail {
            about: vec![answered],
            ..ReadMail::of(MailKind::Answer, "it answers a message")
        }
    }

    /// The `report-type` of the outermost part, or the type that a report without it shows.
    fn report_type(&self) -> Option<String> {
        let kind = self.message.content_type()?;
        let kind = kind.attribute("report-type")?;
        Some(kind.to_ascii_lowercase())
    }

    fn is_multipart(&self, subtype: &str) -> bool {
        is_type(self.message.root_part(), "multipart", subtype)
    }

    /// The parts of the outermost level; where a mail system or a gateway put a report among others,
    /// also those of a `multipart/report` one level down, and of texts in several forms. What lies
    /// inside a message that is attached is none of them.
    fn outer_parts(&self) -> Vec<&'a MessagePart<'a>> {
        let mut found = Vec::new();
        let mut open = vec![(0_u32, 0_usize)];
        while let Some((id, depth)) = open.pop() {
            let Some(part) = self.message.part(id) else {
                continue;
            };
            if found.len() >= MAX_PARTS {
                break;
            }
            if let PartType::Multipart(children) = &part.body {
                let goes_on = depth == 0
                    || is_type(part, "multipart", "alternative")
                    || is_type(part, "multipart", "related")
                    || (self.is_of_system && depth < MAX_DEPTH);
                if goes_on {
                    open.extend(children.iter().rev().map(|child| (*child, depth + 1)));
                }
            } else {
                found.push(part);
            }
        }
        found
    }

    /// What a person reads first, so far as it is looked at.
    fn words(parts: &[&MessagePart<'_>]) -> String {
        let mut words = String::new();
        for part in parts {
            let text = match &part.body {
                PartType::Text(text) if !is_type(part, "text", "rfc822-headers") => {
                    text.as_ref().to_owned()
                }
                PartType::Html(html) if words.is_empty() => {
                    let html: &str = cut(html, MAX_WORDS);
                    mail_parser::decoders::html::html_to_text(html)
                }
                _ => continue,
            };
            words.push_str(cut(&text, MAX_WORDS.saturating_sub(words.len())));
            words.push('\n');
            if words.len() >= MAX_WORDS {
                break;
            }
        }
        words
    }

    fn is_automatic(&self) -> bool {
        let submitted = self.header("Auto-Submitted").unwrap_or_default();
        let submitted = submitted.trim().to_ascii_lowercase();
        let precedence = self.header("Precedence").unwrap_or_default();
        let has = |name| self.header(name).is_some();
        (!submitted.is_empty() && !submitted.starts_with("no"))
            || has("X-Autoreply")
            || has("X-Autorespond")
            || has("X-Auto-Reply-From")
            || precedence.trim().eq_ignore_ascii_case("auto_reply")
            || AUTOMATIC_SUBJECTS
                .iter()
                .any(|subject| self.subject.trim_start().starts_with(subject))
    }

    fn receipt(&self, part: &[u8]) -> ReadMail {
        let disposition = Disposition::read(part);
        if !disposition.is_displayed {
            return ReadMail::other("it is a receipt that does not say that anybody read it");
        }
        let named = disposition.original_id.as_deref().map(ids_in);
        ReadMail {
            about: vec![named.unwrap_or_default(), self.answered()],
            reader: disposition.reader.or_else(|| self.from.clone()),
            ..ReadMail::of(
                MailKind::Receipt,
                "it is a receipt of the recipient's program",
            )
        }
    }

    /// Gives recipients without a server's line what the words say of them: Exim writes there alone why
    /// it did not even try.
    fn add_words(&self, recipients: &mut [ReportedRecipient], parts: &[&MessagePart<'_>]) {
        if recipients
            .iter()
            .all(|recipient| !recipient.text.is_empty())
        {
            return;
        }
        let Some(said) = words::bounce(&self.subject, &Self::words(parts), None) else {
            return;
        };
        for recipient in recipients.iter_mut().filter(|one| one.text.is_empty()) {
            let named = [&recipient.original, &recipient.last];
            let is_named = |address: &str| {
                let mut named = named.into_iter().flatten();
                named.any(|other| other.eq_ignore_ascii_case(address))
            };
            let found = said
                .recipients
                .iter()
                .find(|(address, _)| is_named(address));
            if let Some((_, text)) = found {
                recipient.text.clone_from(text);
            }
        }
    }

    fn delivery_report(&self, status: DeliveryStatus, parts: &[&MessagePart<'_>]) -> ReadMail {
        let envelope_id = status.envelope_id.as_deref().map(ids_in);
        let mut recipients = status.recipients;
        self.add_words(&mut recipients, parts);
        ReadMail {
            about: self.about(parts, envelope_id.unwrap_or_default()),
            recipients,
            ..ReadMail::of(MailKind::DeliveryReport, "it is a delivery report")
        }
    }

    fn text_bounce(&self, bounce: Bounce, parts: &[&MessagePart<'_>]) -> ReadMail {
        let action = if bounce.is_delay {
            Action::Delayed
        } else {
            Action::Failed
        };
        let recipients = bounce
            .recipients
            .into_iter()
            .map(|(address, text)| ReportedRecipient {
                original: None,
                last: Some(address),
                action,
                code: super::reason::code_in(&text),
                text,
            })
            .collect();
        ReadMail {
            about: self.about(parts, BTreeSet::new()),
            recipients,
            ..ReadMail::of(
                MailKind::TextBounce,
                "a mail system says in words that it could not deliver",
            )
        }
    }

    fn automatic_answer(&self, words: &str) -> ReadMail {
        ReadMail {
            about: vec![self.answered(), ours_in(words.as_bytes())],
            ..ReadMail::of(MailKind::AutomaticAnswer, "a program answered")
        }
    }

    /// Which message a report is about: the one that it gives back, the name that it had on its way,
    /// the one that it answers to, and whatever else of ours stands in it.
    fn about(
        &self,
        parts: &[&MessagePart<'_>],
        envelope_id: BTreeSet<String>,
    ) -> Vec<BTreeSet<String>> {
        let mut returned = BTreeSet::new();
        for part in parts {
            match &part.body {
                PartType::Message(original) => {
                    let id = original.message_id().map(str::to_owned);
                    returned.extend(id);
                }
                PartType::Text(_) | PartType::Binary(_) | PartType::InlineBinary(_)
                    if is_type(part, "text", "rfc822-headers")
                        || is_type(part, "message", "rfc822")
                        || is_type(part, "message", "rfc822-headers")
                        || is_type(part, "message", "global-headers") =>
                {
                    let head = MessageParser::default().parse_headers(part.contents());
                    let id = head.and_then(|head| head.message_id().map(str::to_owned));
                    returned.extend(id);
                }
                _ => {}
            }
        }
        let mut named = envelope_id;
        for name in ["X-Original-Message-ID", "Original-Message-ID"] {
            named.extend(self.header(name).map(ids_in).unwrap_or_default());
        }
        // Words may be encoded, and what is cut off may have lost its structure.
        let mut anywhere = ours_in(self.bytes);
        for part in parts {
            if let PartType::Text(text) | PartType::Html(text) = &part.body {
                anywhere.append(&mut ours_in(cut(text, MAX_WORDS).as_bytes()));
            }
        }
        vec![returned, named, self.answered(), anywhere]
    }

    /// The messages that it answers to.
    fn answered(&self) -> BTreeSet<String> {
        let fields = ["In-Reply-To", "References"].into_iter();
        fields
            .filter_map(|name| self.header(name))
            .flat_map(ids_in)
            .collect()
    }
}

fn is_type(part: &MessagePart<'_>, wanted: &str, subtype: &str) -> bool {
    part.content_type().is_some_and(|kind| {
        kind.ctype().eq_ignore_ascii_case(wanted)
            && kind
                .subtype()
                .is_some_and(|known| known.eq_ignore_ascii_case(subtype))
    })
}

fn raw<'a>(message: &'a Message<'a>, name: &'static str) -> Option<&'a str> {
    let name = HeaderName::parse(name)?;
    message.header_raw(name)
}

/// The beginning of a text, at most so many bytes of it.
fn cut(text: &str, limit: usize) -> &str {
    let mut end = limit.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// The Message-IDs of a header field, without their angle brackets; also one that has lost them.
fn ids_in(value: &str) -> BTreeSet<String> {
    value
        .split(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | ','))
        .filter(|word| word.contains('@') && word.len() <= 998)
        .take(super::MAX_IDS)
        .map(str::to_owned)
        .collect()
}

/// What stands before the domain of every Message-ID that this program gives, after 32 hexadecimal
/// digits.
const OURS: &[u8] = b".postroom@";

/// The Message-IDs in the form of this program's own that stand anywhere in a text.
fn ours_in(bytes: &[u8]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for at in memchr::memmem::find_iter(bytes, OURS) {
        let Some(digits) = at.checked_sub(32).and_then(|from| bytes.get(from..at)) else {
            continue;
        };
        let domain = &bytes[at + OURS.len()..];
        let end = domain
            .iter()
            .position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-')))
            .unwrap_or(domain.len());
        if !digits.iter().all(u8::is_ascii_hexdigit) || end == 0 || end > 255 {
            continue;
        }
        let id = &bytes[at - 32..at + OURS.len() + end];
        let id = String::from_utf8_lossy(id);
        found.insert(id.trim_end_matches('.').to_owned());
        if found.len() >= super::MAX_IDS {
            break;
        }
    }
    found
}
