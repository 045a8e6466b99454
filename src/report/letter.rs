//! One letter as JSON: the same for `status`, `send`, `resend` and the record.

use serde::Serialize;

use crate::ledger::{LetterRecord, Resolution};
use crate::lifecycle::{
    AddressKind, AddressOutcome, AddressState, Addresses, BounceReason, ChangedPart, Changes,
    LetterHistory, LetterMail, LetterMailKind, LetterState, MailEvidence, Reply, Returned, Sending,
    SendingState, SentAttachment, reason_in_words,
};

/// A letter as programs read it.
#[derive(Debug, Serialize)]
pub(crate) struct LetterJson<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    state: LetterState,
    look_into: bool,
    message_id: &'a str,
    #[serde(flatten)]
    to: &'a Addresses,
    attempts: u32,
    accepted_at: Option<String>,
    receipt: Option<&'a str>,
    refused: Vec<RefusedJson<'a>>,
    attachments: &'a [SentAttachment],
    error: Option<&'a Reply>,
    sendings: Vec<SendingJson<'a>>,
    addresses: Vec<AddressJson<'a>>,
    /// What a person should look at in mail that came back.
    look: Vec<LookJson<'a>>,
    /// How many people answered.
    replies: usize,
    /// How many programs answered.
    auto_replies: usize,
    /// Who read it, as programs of theirs say.
    read_by: Vec<&'a str>,
    /// How the list differs from what was sent, in the record; none where it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    changed: Option<ChangedJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resolved: Option<ResolvedJson<'a>>,
}

#[derive(Debug, Serialize)]
struct RefusedJson<'a> {
    address: &'a str,
    answer: String,
}

#[derive(Debug, Serialize)]
struct SendingJson<'a> {
    message_id: &'a str,
    state: SendingState,
    accepted_at: Option<String>,
    #[serde(flatten)]
    to: &'a Addresses,
    attachments: &'a [SentAttachment],
    /// Why it went out beside the first message.
    reason: Option<&'a str>,
    /// Whether it goes to the addresses that the message before was deferred for.
    rest: bool,
}

#[derive(Debug, Serialize)]
struct AddressJson<'a> {
    address: &'a str,
    kind: AddressKind,
    state: AddressState,
    code: Option<&'a str>,
    text: Option<&'a str>,
    at: Option<String>,
    message_id: Option<&'a str>,
    outcome: AddressOutcome,
    /// Of a bounce: whether the address is wrong.
    hard: bool,
    reason: Option<&'a str>,
    /// The same for people.
    reason_in_words: Option<&'a str>,
    outcome_at: Option<String>,
    evidence: Option<EvidenceJson<'a>>,
    suspected: Option<LookJson<'a>>,
    /// What a person does about it.
    next: Option<&'static str>,
}

/// What tells of an outcome: a mail or a list by its digest, or a person's words.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum EvidenceJson<'a> {
    Mail(MailEvidence),
    Words { kind: &'static str, text: &'a str },
}

impl<'a> EvidenceJson<'a> {
    fn of(line: &'a str) -> Self {
        match MailEvidence::parse(line) {
            Some(evidence) => Self::Mail(evidence),
            None => Self::Words {
                kind: "word",
                text: line,
            },
        }
    }
}

#[derive(Debug, Serialize)]
struct LookJson<'a> {
    kind: LetterMailKind,
    address: Option<&'a str>,
    why: &'a str,
    code: Option<&'a str>,
    text: Option<&'a str>,
    at: String,
    evidence: EvidenceJson<'a>,
}

#[derive(Debug, Serialize)]
struct ChangedJson {
    new_addresses: Vec<String>,
    no_longer_listed: Vec<String>,
    /// What else of the letter is another, as words.
    parts: Vec<ChangedPart>,
}

#[derive(Debug, Serialize)]
struct ResolvedJson<'a> {
    at: String,
    accepted: bool,
    by: &'a str,
    because: Option<&'a str>,
}

impl<'a> LetterJson<'a> {
    /// The JSON of a letter; the name is the list's.
    #[must_use]
    pub(crate) fn of(
        record: &'a LetterRecord,
        name: Option<&'a str>,
        resolution: Option<&'a Resolution>,
    ) -> Option<Self> {
        let letter = &record.letter;
        let sending = letter.sending()?;
        let last_accepted = letter.last_accepted();
        Some(Self {
            id: &record.id,
            name,
            state: record.state,
            look_into: record.needs_a_person(),
            message_id: &sending.message.message_id,
            to: &sending.message.addresses,
            attempts: letter.attempts(),
            accepted_at: last_accepted.and_then(accepted_at),
            receipt: last_accepted.and_then(|last| last.receipt.as_deref()),
            refused: refused(record),
            attachments: &sending.message.attachments,
            error: letter.error.as_ref(),
            sendings: handed_over(record).map(sending_json).collect(),
            addresses: addresses(record)
                .into_iter()
                .map(|of| address_json(letter, of))
                .collect(),
            look: letter.to_look_at().map(look_json).collect(),
            replies: letter.mail_of(LetterMailKind::Answer).count(),
            auto_replies: letter.mail_of(LetterMailKind::AutomaticAnswer).count(),
            read_by: letter
                .mail_of(LetterMailKind::Read)
                .filter_map(|mail| mail.address.as_deref())
                .collect(),
            changed: None,
            resolved: resolution.map(|resolution| ResolvedJson {
                at: resolution.at.to_string(),
                accepted: resolution.word.accepted,
                by: &resolution.word.by,
                because: resolution.word.because.as_deref(),
            }),
        })
    }
}

impl LetterJson<'_> {
    /// With how the list differs from what was sent.
    pub(super) fn with_changes(mut self, changes: Changes) -> Self {
        self.changed = Some(ChangedJson {
            new_addresses: changes.new_addresses,
            no_longer_listed: changes.former_addresses,
            parts: changes.parts,
        });
        self
    }
}

/// The messages of a letter that a transport had in hand.
#[must_use]
pub(crate) fn handed_over(record: &LetterRecord) -> impl DoubleEndedIterator<Item = &Sending> {
    let sendings = record.letter.sendings.iter();
    sendings.filter(|sending| sending.attempts > 0)
}

fn accepted_at(sending: &Sending) -> Option<String> {
    sending.accepted_at.map(|at| at.to_string())
}

fn sending_json(sending: &Sending) -> SendingJson<'_> {
    SendingJson {
        message_id: &sending.message.message_id,
        state: sending.state,
        accepted_at: accepted_at(sending),
        to: &sending.message.addresses,
        attachments: &sending.message.attachments,
        reason: sending.because.as_deref(),
        rest: sending.is_rest,
    }
}

/// The addresses that do not have an accepted letter, with what was said.
fn refused(record: &LetterRecord) -> Vec<RefusedJson<'_>> {
    let open = record.letter.open_addresses().into_iter();
    open.filter_map(|address| {
        let refusal = record.letter.last_fate(address)?.refusal.as_ref()?;
        Some(RefusedJson {
            address,
            answer: refusal.in_one_line(),
        })
    })
    .collect()
}

fn look_json(mail: &LetterMail) -> LookJson<'_> {
    LookJson {
        kind: mail.kind,
        address: mail.address.as_deref(),
        why: &mail.why,
        code: mail.code.as_deref(),
        text: mail.text.as_deref(),
        at: mail.at.to_string(),
        evidence: EvidenceJson::of(&mail.evidence),
    }
}

fn address_json<'a>(letter: &'a LetterHistory, of: AddressRecord<'a>) -> AddressJson<'a> {
    let refusal = of.refusal;
    let returned = of.returned;
    let suspected = letter.suspicions().find(|mail| {
        mail.address
            .as_deref()
            .is_some_and(|address| address.eq_ignore_ascii_case(of.address))
    });
    AddressJson {
        address: of.address,
        kind: of.kind,
        state: of.state,
        code: refusal
            .map(|refusal| refusal.code.as_str())
            .or_else(|| returned?.code.as_deref()),
        text: refusal
            .map(|refusal| refusal.text.as_str())
            .or_else(|| returned?.text.as_deref()),
        at: of.sending.and_then(accepted_at),
        message_id: of.sending.map(|last| last.message.message_id.as_str()),
        outcome: returned
            .map(|returned| returned.outcome)
            .unwrap_or_default(),
        hard: returned.is_some_and(|returned| returned.hard),
        reason: returned
            .map(|returned| returned.reason.as_str())
            .filter(|reason| !reason.is_empty()),
        reason_in_words: returned
            .map(|returned| reason_in_words(&returned.reason))
            .filter(|reason| !reason.is_empty()),
        outcome_at: returned.map(|returned| returned.at.to_string()),
        evidence: returned.map(|returned| EvidenceJson::of(&returned.evidence)),
        suspected: suspected.map(look_json),
        next: of.next_step(letter),
    }
}

/// An address of a letter, with what the last message to it came to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AddressRecord<'a> {
    /// The address, as it was first written.
    pub address: &'a str,
    /// The header field that it stands in.
    pub kind: AddressKind,
    /// What our server said of it.
    pub state: AddressState,
    /// The same for people, who want to know of a message that was not accepted what became of it.
    pub word: &'static str,
    /// In which words, when it was refused.
    pub refusal: Option<&'a Reply>,
    /// What came back from it.
    pub returned: Option<&'a Returned>,
    /// The message that this is about; none when nothing was written to it yet.
    pub sending: Option<&'a Sending>,
}

impl AddressRecord<'_> {
    /// What a person does about it; none where there is nothing to do, or where what took its place
    /// has the letter by now.
    #[must_use]
    pub(crate) fn next_step(&self, letter: &LetterHistory) -> Option<&'static str> {
        let returned = self.returned?;
        if letter.has_it(self.address) || letter.open_addresses().is_empty() {
            return None;
        }
        let reason = BounceReason::parse(&returned.reason).unwrap_or(BounceReason::Other);
        (returned.outcome == AddressOutcome::Bounced).then(|| reason.next_step())
    }
}

/// Every address that was written to, and those that the list has and nothing was written to, each
/// with what the last message to it came to.
#[must_use]
pub(crate) fn addresses(record: &LetterRecord) -> Vec<AddressRecord<'_>> {
    let letter = &record.letter;
    let mut all: Vec<AddressRecord<'_>> = Vec::new();
    let written = handed_over(record).map(|sending| &sending.message.addresses);
    let wanted = letter.wanted().into_iter().map(|wanted| &wanted.addresses);
    for (kind, address) in written.chain(wanted).flat_map(Addresses::each) {
        if all
            .iter()
            .any(|known| known.address.eq_ignore_ascii_case(address))
        {
            continue;
        }
        // What reached it counts, whatever a later message came to.
        let sending = letter
            .sendings
            .iter()
            .rev()
            .find(|sending| sending.reached(address))
            .or_else(|| {
                let mut sendings = handed_over(record).rev();
                sendings.find(|sending| sending.message.addresses.has(address))
            });
        let state = sending
            .and_then(|sending| sending.fate(address))
            .map_or(AddressState::Pending, |fate| fate.state);
        all.push(AddressRecord {
            address,
            kind,
            state,
            word: match state {
                AddressState::Accepted | AddressState::Refused | AddressState::Deferred => {
                    state.word()
                }
                AddressState::Pending => word(record, sending),
            },
            refusal: sending
                .and_then(|sending| sending.known_fate(address))
                .and_then(|fate| fate.refusal.as_ref()),
            returned: sending
                .and_then(|sending| sending.known_fate(address))
                .and_then(|fate| fate.returned.as_ref()),
            sending,
        });
    }
    all
}

/// What is said of an address that no server took a message for.
fn word(record: &LetterRecord, sending: Option<&Sending>) -> &'static str {
    match sending.map(|sending| sending.state) {
        Some(SendingState::Rejected) => "rejected",
        Some(SendingState::InDoubt) => "in doubt",
        Some(SendingState::Claimed) if record.state == LetterState::InDoubt => "in doubt",
        Some(SendingState::Claimed | SendingState::Ready | SendingState::Accepted) | None => {
            "pending"
        }
    }
}
