//! What the record adds to each row of the dispatch list, whatever it is written as.

use std::borrow::Cow;

use jiff::Timestamp;

use super::ReportedLetter;
use super::letter::addresses;
use super::rows::Row;
use crate::finding::shell_word;
use crate::ledger::LetterRecord;
use crate::lifecycle::{AddressOutcome, LetterMailKind, LetterState, reason_in_words};

/// The columns that are added. Their names cannot be those of a list's own: [`crate::manifest::RECORD_COLUMNS`].
pub(super) const ADDED: [&str; 11] = [
    "postroom_state",
    "postroom_sent_to",
    "postroom_changed",
    "postroom_accepted_at",
    "postroom_message_id",
    "postroom_attempts",
    "postroom_attachments_sha256",
    "postroom_attachments_locked",
    "postroom_error",
    "postroom_outcome",
    "postroom_next",
];

/// What stands in one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    /// Nothing.
    Empty,
    /// A text, whatever it looks like.
    Text(String),
    /// A moment.
    Time(Timestamp),
    /// A number.
    Count(u32),
}

impl Cell {
    /// It as text.
    pub(super) fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Empty => "".into(),
            Self::Text(text) => text.into(),
            Self::Time(at) => at.to_string().into(),
            Self::Count(count) => count.to_string().into(),
        }
    }
}

/// What stands in the added columns of a letter's rows, and of those that have none: why such a row is
/// left out.
pub(super) fn added(row: Row<'_>) -> [Cell; 11] {
    let Some(letter) = row.letter else {
        let mut cells = [const { Cell::Empty }; 11];
        if let Some(key) = row.left_out {
            cells[0] = Cell::Text(format!("left out ({key})"));
        }
        return cells;
    };
    let record = &letter.record;
    let last = record.letter.last_accepted();
    let current = record.letter.sending();
    let attachments = last.or(current).into_iter();
    let attachments: Vec<_> = attachments
        .flat_map(|sending| &sending.message.attachments)
        .collect();
    let digests = attachments
        .iter()
        .map(|file| crate::digest::hex(&file.sha256));
    let digests: Vec<String> = digests.collect();
    let locked = attachments.iter().filter(|file| file.locked);
    let locked: Vec<&str> = locked.map(|file| file.name.as_str()).collect();
    let message_id = last.or(current).map(|sending| &sending.message.message_id);
    [
        Cell::Text(record.state.word().to_owned()),
        // As they were written to, whatever the list says today.
        Cell::Text(record.letter.sent_to().join("; ")),
        Cell::Text(changed(letter)),
        last.and_then(|last| last.accepted_at)
            .map_or(Cell::Empty, Cell::Time),
        Cell::Text(message_id.cloned().unwrap_or_default()),
        Cell::Count(record.letter.attempts()),
        Cell::Text(digests.join(" ")),
        Cell::Text(locked.join("; ")),
        Cell::Text(error(letter)),
        Cell::Text(outcome(letter)),
        Cell::Text(next(letter)),
    ]
}

/// How what the list asks for differs from what was sent.
fn changed(letter: &ReportedLetter) -> String {
    let changes = letter.changes();
    let mut words = Vec::new();
    if !changes.new_addresses.is_empty() {
        words.push(format!("new: {}", changes.new_addresses.join(" ")));
    }
    if !changes.former_addresses.is_empty() {
        let former = changes.former_addresses.join(" ");
        words.push(format!("no longer listed: {former}"));
    }
    words.extend(changes.parts.iter().map(|part| part.in_words().to_owned()));
    words.join("; ")
}

/// What became of it at each address that something is known of.
fn outcome(letter: &ReportedLetter) -> String {
    let record = &letter.record;
    let mut parts: Vec<String> = addresses(record)
        .iter()
        .filter_map(|address| {
            let returned = address.returned?;
            let mut text = format!("{} {}", address.address, returned.outcome.word());
            if !returned.reason.is_empty() {
                text.push_str(&format!(": {}", reason_in_words(&returned.reason)));
            }
            Some(text)
        })
        .collect();
    parts.extend(record.letter.suspicions().map(|mail| {
        let address = mail.address.as_deref().unwrap_or_default();
        format!("{address} suspected: {}", reason_in_words(&mail.why))
    }));
    for (kind, word) in [
        (LetterMailKind::Read, "read"),
        (LetterMailKind::Answer, "answered"),
        (LetterMailKind::AutomaticAnswer, "answered by a program"),
    ] {
        match record.letter.mail_of(kind).count() {
            0 => {}
            1 => parts.push(word.to_owned()),
            times => parts.push(format!("{word} {times} times")),
        }
    }
    parts.join("; ")
}

/// What a person does about a letter.
fn next(letter: &ReportedLetter) -> String {
    let record = &letter.record;
    let mut steps: Vec<Cow<'_, str>> = of_state(record).into_iter().map(Cow::Owned).collect();
    for address in addresses(record) {
        let step = address.next_step(&record.letter).map(Cow::Borrowed);
        if let Some(step) = step.filter(|step| !steps.contains(step)) {
            steps.push(step);
        }
    }
    if record.letter.to_look_at().next().is_some() {
        let step = "look at what came back, then `postroom returns --confirm` or `--dismiss`";
        steps.push(step.into());
    }
    steps.join("; ")
}

/// What a person does about a letter that did not go out, or not to all; in the words of the page, whose
/// script says the same.
fn of_state(record: &LetterRecord) -> Option<String> {
    let id = shell_word(&record.id);
    let letter = &record.letter;
    match record.state {
        LetterState::InDoubt => Some(format!(
            "Look in the server’s log, or in Sent Items of a mailbox, or ask the school; \
             then `postroom resolve {id} --accepted`, or `--unsent` to have it sent"
        )),
        LetterState::Rejected => {
            Some("Mend what the answer names; then `postroom send --retry-rejected`".to_owned())
        }
        LetterState::Accepted => {
            let open = letter.open_addresses();
            let is_refused = open.iter().any(|address| {
                let fate = letter.last_fate(address);
                fate.is_some_and(|fate| fate.refusal.is_some())
            });
            // Where mail came back, that mail says what to do.
            let has_bounced = addresses(record).iter().any(|address| {
                let returned = address.returned;
                returned.is_some_and(|returned| returned.outcome == AddressOutcome::Bounced)
            });
            let came_back = has_bounced || letter.to_look_at().next().is_some();
            let is_without = is_refused || (!open.is_empty() && !came_back);
            is_without.then(|| {
                format!(
                    "The other addresses have it. Correct the address in the list if it is wrong; \
                     then `postroom resend --only {id} --because …` writes to those that do not have it"
                )
            })
        }
        LetterState::Pending | LetterState::Claimed => record
            .needs_a_person()
            .then(|| "The next `postroom send` tries again".to_owned()),
        LetterState::Withdrawn => None,
    }
}

fn error(letter: &ReportedLetter) -> String {
    let record = &letter.record;
    let error = record.letter.error.iter();
    let mut parts: Vec<String> = error
        .filter(|_| record.state != LetterState::Accepted)
        .map(|reply| format!("{}: {}", reply.code, reply.text))
        .collect();
    for address in record.letter.open_addresses() {
        let Some(fate) = record.letter.last_fate(address) else {
            parts.push(format!("nothing was sent to {address} yet"));
            continue;
        };
        if let Some(returned) = &fate.returned {
            let reason = reason_in_words(&returned.reason);
            parts.push(format!(
                "{} at {address}: {reason}",
                returned.outcome.word()
            ));
        } else if let Some(refusal) = &fate.refusal {
            parts.push(format!("refused for {address}: {}", refusal.in_one_line()));
        }
    }
    for address in record.letter.deferred_addresses() {
        let fate = record.letter.last_fate(address);
        let said = fate.and_then(|fate| fate.refusal.as_ref());
        let said = said.map(|refusal| format!(": {}", refusal.in_one_line()));
        parts.push(format!(
            "not yet taken for {address}{}",
            said.unwrap_or_default()
        ));
    }
    parts.join("; ")
}
