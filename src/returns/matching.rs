//! Which message a mail is about, and what follows for it.

use jiff::{SignedDuration, Timestamp};

use super::address;
use super::mail::{MailKind, ReadMail};
use super::reason;
use super::status::{Action, ReportedRecipient};
use crate::lifecycle::{AddressReturn, Event, LetterHistory, MailEvidence, Sending};

/// What was sent.
pub(crate) trait SentMail {
    /// Why it cannot be read.
    type Error;

    /// The letter one of whose messages has this Message-ID and was handed over.
    ///
    /// # Errors
    /// When what was sent cannot be read.
    fn by_message_id(&self, id: &str) -> Result<Option<(String, LetterHistory)>, Self::Error>;

    /// The letters that were written to an address.
    ///
    /// # Errors
    /// When what was sent cannot be read.
    fn by_address(&self, address: &str) -> Result<Vec<(String, LetterHistory)>, Self::Error>;
}

/// What a mail means.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Judged {
    /// Each letter that it is about, and what happens to it.
    pub events: Vec<(String, Event)>,
    /// Why, for people.
    pub why: String,
}

impl Judged {
    fn nothing(why: impl Into<String>) -> Self {
        Self {
            events: Vec::new(),
            why: why.into(),
        }
    }
}

/// How long after a message a report about it can come.
const LONGEST: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How far the clocks of two servers may be apart.
const CLOCKS: SignedDuration = SignedDuration::from_hours(24);

/// What a mail means for what was sent.
///
/// # Errors
/// When what was sent cannot be read.
pub(crate) fn judge<S: SentMail>(
    mail: &ReadMail,
    evidence: &MailEvidence,
    sent: &S,
) -> Result<Judged, S::Error> {
    if mail.kind == MailKind::Other {
        return Ok(Judged::nothing(mail.why));
    }
    let evidence_line = evidence.in_one_line();
    let is_report = matches!(mail.kind, MailKind::DeliveryReport | MailKind::TextBounce);
    match of_ours(mail, sent)? {
        Matched::One {
            id,
            letter,
            message_id,
        } => {
            let Some(sending) = sending_of(&letter, &message_id) else {
                return Ok(Judged::nothing("its message was not handed over"));
            };
            if is_report {
                return Ok(of_report(mail, &id, sending, &evidence_line));
            }
            let event = match mail.kind {
                MailKind::Receipt => Event::Read {
                    message_id,
                    reader: mail.reader.clone(),
                    evidence: evidence_line,
                },
                MailKind::AutomaticAnswer => Event::AutomaticAnswer {
                    message_id,
                    evidence: evidence_line,
                },
                _ => Event::Answer {
                    message_id,
                    evidence: evidence_line,
                },
            };
            Ok(Judged {
                events: vec![(id, event)],
                why: mail.why.to_owned(),
            })
        }
        Matched::Several => Ok(Judged::nothing(format!(
            "{}, and it names several letters",
            mail.why
        ))),
        Matched::None if !is_report => Ok(Judged::nothing(format!(
            "{}, and it names no letter of this batch",
            mail.why
        ))),
        Matched::None => suspected(mail, &evidence_line, sent),
    }
}

enum Matched {
    None,
    One {
        id: String,
        letter: Box<LetterHistory>,
        message_id: String,
    },
    Several,
}

/// The message that the strongest evidence names.
fn of_ours<S: SentMail>(mail: &ReadMail, sent: &S) -> Result<Matched, S::Error> {
    for named in &mail.about {
        let mut found: Vec<(String, LetterHistory, String)> = Vec::new();
        for message_id in named {
            if let Some((id, letter)) = sent.by_message_id(message_id)? {
                found.push((id, letter, message_id.clone()));
            }
        }
        match found.len() {
            0 => {}
            1 => {
                return Ok(found
                    .pop()
                    .map_or(Matched::None, |(id, letter, message_id)| Matched::One {
                        id,
                        letter: Box::new(letter),
                        message_id,
                    }));
            }
            _ => return Ok(Matched::Several),
        }
    }
    Ok(Matched::None)
}

fn sending_of<'a>(letter: &'a LetterHistory, message_id: &str) -> Option<&'a Sending> {
    letter
        .sendings
        .iter()
        .rev()
        .find(|sending| sending.message.message_id == message_id && sending.is_handed_over())
}

/// What a report about a message of ours means for its addresses.
fn of_report(mail: &ReadMail, id: &str, sending: &Sending, evidence: &str) -> Judged {
    let ours: Vec<&str> = sending
        .message
        .addresses
        .each()
        .map(|(_, address)| address)
        .collect();
    let mut events = Vec::new();
    let mut foreign = Vec::new();
    for recipient in &mail.recipients {
        let written = [&recipient.original, &recipient.last];
        let own = written
            .into_iter()
            .flatten()
            .find_map(|address| address::among(&ours, address));
        match own {
            Some(own) => {
                let event = event_of(recipient, &sending.message.message_id, own, evidence);
                events.push((id.to_owned(), event));
            }
            None => foreign.push(recipient),
        }
    }
    let is_bad = |recipient: &&ReportedRecipient| recipient.action == Action::Failed;
    let bad = foreign.iter().copied().find(is_bad);
    if events.is_empty() && (bad.is_some() || mail.recipients.is_empty()) {
        let why = match bad.and_then(|bad| bad.last.as_deref().or(bad.original.as_deref())) {
            Some(address) => format!(
                "a server gave up at {address}, which is none of the letter's addresses: one of them may be passed on to it"
            ),
            None => "a server gave it up, and says at none of the letter's addresses".to_owned(),
        };
        let unclear = Event::Unclear {
            message_id: sending.message.message_id.clone(),
            why: why.clone(),
            evidence: evidence.to_owned(),
        };
        return Judged {
            events: vec![(id.to_owned(), unclear)],
            why,
        };
    }
    Judged {
        events,
        why: format!("{} about a message of this letter", mail.why),
    }
}

fn event_of(
    recipient: &ReportedRecipient,
    message_id: &str,
    address: &str,
    evidence: &str,
) -> Event {
    let judgement = reason::judge(recipient.code.as_deref(), &recipient.text);
    let is_trouble = matches!(recipient.action, Action::Failed | Action::Delayed);
    let of = AddressReturn {
        message_id: message_id.to_owned(),
        address: address.to_owned(),
        hard: judgement.hard && recipient.action == Action::Failed,
        reason: if is_trouble {
            judgement.reason.word().to_owned()
        } else {
            String::new()
        },
        code: recipient.code.clone(),
        text: Some(recipient.text.clone()).filter(|text| !text.is_empty()),
        evidence: evidence.to_owned(),
    };
    match recipient.action {
        Action::Failed => Event::Bounced(of),
        Action::Delayed => Event::Delayed(of),
        Action::Delivered => Event::Delivered(of),
        Action::Relayed => Event::Relayed(of),
    }
}

/// The letters that a report may be about by an address alone.
fn suspected<S: SentMail>(mail: &ReadMail, evidence: &str, sent: &S) -> Result<Judged, S::Error> {
    let names_another = mail.about.iter().flatten().any(|id| is_of_this_program(id));
    if names_another {
        return Ok(Judged::nothing("it is about a message of another batch"));
    }
    let mut events = Vec::new();
    for recipient in &mail.recipients {
        if recipient.action != Action::Failed {
            continue;
        }
        for address in [&recipient.original, &recipient.last].into_iter().flatten() {
            for (id, letter) in sent.by_address(address)? {
                let Some(sending) = may_be_about(&letter, address, mail.date) else {
                    continue;
                };
                let known = sending.known_fate(address);
                if known.is_some_and(|fate| fate.returned.is_some()) {
                    continue;
                }
                let own: Vec<&str> = sending
                    .message
                    .addresses
                    .each()
                    .map(|(_, address)| address)
                    .collect();
                let Some(own) = address::among(&own, address) else {
                    continue;
                };
                let event = event_of(recipient, &sending.message.message_id, own, evidence);
                if let Event::Bounced(of) = event
                    && !events.iter().any(|(known, _)| *known == id)
                {
                    events.push((id, Event::Suspected(of)));
                }
            }
        }
    }
    let why = if events.is_empty() {
        format!(
            "{}, and it names neither a message nor an address of this batch",
            mail.why
        )
    } else {
        format!(
            "{} about an address of this letter, and it names no message of ours",
            mail.why
        )
    };
    Ok(Judged { events, why })
}

/// The last message to an address that a report of this date can be about.
fn may_be_about<'a>(
    letter: &'a LetterHistory,
    address: &str,
    date: Option<Timestamp>,
) -> Option<&'a Sending> {
    letter.sendings.iter().rev().find(|sending| {
        let Some(accepted) = sending.accepted_at else {
            return false;
        };
        let fits = date.is_none_or(|date| {
            let after = date.duration_since(accepted);
            after >= -CLOCKS && after <= LONGEST
        });
        fits && sending.message.addresses.has(address)
    })
}

/// Whether a Message-ID has the form of those that this program gives.
fn is_of_this_program(id: &str) -> bool {
    id.split_once(".postroom@").is_some_and(|(digits, _)| {
        digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit())
    })
}
