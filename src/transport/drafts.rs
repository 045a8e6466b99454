//! Letters that are drafts in a mailbox before they go out: what the ledger keeps of one, and what
//! became of it. The rules that keep a letter from going out twice are here, for Microsoft Graph and
//! Exchange Web Services alike; how each asks is its own affair.

use serde::{Deserialize, Serialize};

use super::call::{Trail, Unrecorded};
use super::{Answer, Cause, Doubt, LookUp, Receipt, SendError, Survey, TransportAttempt, one_line};
use crate::message::Message;

/// The set of the extended properties by which letters are found again in the mailbox. Recipients do
/// not see them. Each has one fixed name, since a mailbox can hold only so many (Microsoft Graph,
/// "singleValueLegacyExtendedProperty").
pub(super) const MARK_SET: &str = "6f0b3c52-9a41-4c1e-8a57-5d3c0f6e2b19";

/// What a letter is found again by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DraftMark {
    /// The Message-ID that we gave it, which no other message has.
    Message,
    /// Its recipient and reports, which are the same in each message that brings them there, whichever
    /// batch it is of and whatever it says. A rehearsal does not have it, nor a letter without
    /// attachments.
    Report,
}

impl DraftMark {
    /// The name of its property.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Message => "postroom.message",
            Self::Report => "postroom.report",
        }
    }
}

/// The marks of a message with their values.
pub(super) fn marks(message: &Message) -> impl Iterator<Item = (DraftMark, &str)> {
    let report = message.report_mark.as_deref();
    let report = report.map(|value| (DraftMark::Report, value));
    std::iter::once((DraftMark::Message, message.message_id.as_str())).chain(report)
}

/// What the ledger keeps of a letter that is made by way of a draft.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DraftNote {
    /// The draft, once it is complete; before that it is not known and was never sent.
    pub draft: Option<String>,
    /// Whether it lies in the mailbox of the person who signed in.
    pub own: bool,
    /// The Message-ID that the service gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// The state in which we left the draft, where the service names states.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change_key: Option<String>,
}

impl DraftNote {
    /// What is known before the draft is made.
    pub(super) fn begun(own: bool) -> Self {
        Self {
            draft: None,
            own,
            message_id: None,
            change_key: None,
        }
    }

    /// Reads what an earlier try wrote down.
    pub(super) fn read(text: Option<&str>) -> Option<Self> {
        serde_json::from_str(text?).ok()
    }

    pub(super) fn write(&self, attempt: &mut TransportAttempt<'_>) -> Result<(), SendError> {
        // The type has string keys and no foreign serializers, so it cannot fail.
        attempt.note(&serde_json::to_string(self).unwrap_or_default())
    }
}

/// A message in the mailbox.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FoundMessage {
    pub id: String,
    /// The state it is in, where the service names states.
    pub change_key: Option<String>,
    #[serde(default)]
    pub is_draft: bool,
    /// Handed over and waiting for its turn, where the service says.
    #[serde(default)]
    pub is_submitted: bool,
    pub internet_message_id: Option<String>,
    pub sent_date_time: Option<String>,
}

impl FoundMessage {
    /// Whether the server has taken it.
    pub(super) fn is_taken(&self) -> bool {
        !self.is_draft || self.is_submitted
    }
}

/// A mailbox that letters are looked for in.
pub(super) trait Drafts {
    /// The draft of a name; none if there is no such message, or no more under this name.
    fn by_name(
        &mut self,
        own: bool,
        name: &str,
        trail: &mut Trail<'_>,
    ) -> Result<Option<FoundMessage>, SendError>;

    /// The messages that carry a mark: sent ones and drafts.
    fn by_mark(
        &mut self,
        own: bool,
        mark: DraftMark,
        value: &str,
        trail: &mut Trail<'_>,
    ) -> Result<Vec<FoundMessage>, SendError>;

    /// The messages that have a Message-ID.
    fn by_message_id(
        &mut self,
        own: bool,
        message_id: &str,
        trail: &mut Trail<'_>,
    ) -> Result<Vec<FoundMessage>, SendError>;

    /// The messages that are a letter by its mark, or by its Message-ID where none has the mark.
    fn all(
        &mut self,
        own: bool,
        message_id: &str,
        trail: &mut Trail<'_>,
    ) -> Result<Vec<FoundMessage>, SendError> {
        let found = self.by_mark(own, DraftMark::Message, message_id, trail)?;
        if !found.is_empty() {
            return Ok(found);
        }
        self.by_message_id(own, message_id, trail)
    }

    /// Removes a draft that will not be sent; false when it was not there.
    fn remove(&mut self, own: bool, name: &str, trail: &mut Trail<'_>) -> Result<bool, SendError>;
}

/// What became of a letter that was tried before.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Became {
    Sent(FoundMessage),
    /// A complete draft that was not sent.
    Ready(DraftNote),
    /// Handed over as it is, and still where letters wait for their turn.
    OnItsWay,
    /// It is nowhere. Certain if nothing can have sent it.
    Nothing {
        certain: bool,
    },
}

/// Looks up what became of a letter in doubt. Without copies a letter that went out is nowhere, like
/// one that somebody deleted.
pub(super) fn look_up(
    mailbox: &mut impl Drafts,
    doubt: &Doubt<'_>,
    copies: bool,
) -> Result<LookUp, SendError> {
    let note = DraftNote::read(doubt.note);
    let mut unrecorded = Unrecorded::new();
    let became = became(mailbox, note, doubt.message_id, &mut unrecorded.trail())?;
    Ok(match became {
        Became::Sent(found) => LookUp::Found(seen(Some(&found))),
        Became::Nothing { certain: true } => LookUp::Absent,
        // A draft that waits for long enough is sent by its name, which cannot send it twice.
        Became::Ready(_) => LookUp::NotSeen,
        Became::Nothing { certain: false } if copies => LookUp::NotSeen,
        Became::Nothing { certain: false } | Became::OnItsWay => LookUp::Unknown,
    })
}

/// Looks for letters to the same recipient with the same reports that went out, by whichever batch.
pub(super) fn find_report(
    mailbox: &mut impl Drafts,
    report_mark: &str,
) -> Result<LookUp, SendError> {
    let mut unrecorded = Unrecorded::new();
    let trail = &mut unrecorded.trail();
    let found = mailbox.by_mark(false, DraftMark::Report, report_mark, trail)?;
    Ok(match found.iter().find(|found| found.is_taken()) {
        Some(taken) => LookUp::Found(seen(Some(taken))),
        None if found.is_empty() => LookUp::NotSeen,
        // Nobody knows what becomes of a draft.
        None => LookUp::Unknown,
    })
}

/// What can be said of a probe by the messages that have its mark and those that have its Message-ID;
/// none while it is not there.
pub(super) fn probed(
    marked: &[FoundMessage],
    named: &[FoundMessage],
    message_id: &str,
    server: &str,
) -> Option<Survey> {
    let sent = marked.iter().chain(named).find(|found| !found.is_draft)?;
    let mut survey = Survey::default();
    survey.fact(
        "mark",
        if marked.is_empty() {
            "lost: letters in doubt are looked up by Message-ID alone"
        } else {
            "kept: letters in doubt are found by it"
        },
    );
    let kept = format!("<{message_id}>");
    let given = match sent.internet_message_id.as_deref() {
        Some(given) if given == kept => "kept as postroom wrote it".to_owned(),
        Some(given) => format!("replaced by the {server}: {given}"),
        None => "not given".to_owned(),
    };
    survey.fact("Message-ID", &given);
    Some(survey)
}

/// What is said of a probe that cannot be looked at, and the remedy.
pub(super) fn unseen(message_id: &str, remedy: String) -> Survey {
    let text = format!("the probe could not be looked at: its Message-ID should be <{message_id}>");
    Survey {
        warnings: vec![(text, remedy)],
        ..Survey::default()
    }
}

/// What became of a letter. Drafts that were never complete, or that others changed since, are
/// removed on the way.
pub(super) fn became(
    mailbox: &mut impl Drafts,
    note: Option<DraftNote>,
    message_id: &str,
    trail: &mut Trail<'_>,
) -> Result<Became, SendError> {
    let own = note.as_ref().is_some_and(|note| note.own);
    if let Some(known) = &note
        && let Some(name) = known.draft.as_deref()
        && let Some(found) = mailbox.by_name(own, name, trail)?
    {
        if found.is_taken() {
            return Ok(Became::Sent(found));
        }
        if known.change_key.is_none() || known.change_key == found.change_key {
            return Ok(note.map_or(Became::OnItsWay, Became::Ready));
        }
        // Only what was checked goes out. A draft that could be removed can go out no more.
        let certain = mailbox.remove(own, name, trail)?;
        return Ok(Became::Nothing { certain });
    }
    let found = mailbox.all(own, message_id, trail)?;
    if let Some(sent) = found.iter().find(|found| found.is_taken()) {
        return Ok(Became::Sent(sent.clone()));
    }
    let Some(note) = note else {
        return Ok(if found.is_empty() {
            Became::Nothing { certain: false }
        } else {
            Became::OnItsWay
        });
    };
    for unsent in found {
        mailbox.remove(own, &unsent.id, trail)?;
    }
    Ok(Became::Nothing {
        certain: note.draft.is_none(),
    })
}

/// Removes the drafts of messages that another one replaces: what is not meant any more must not lie
/// there for somebody to send. What went out is left alone.
pub(super) fn discard(
    mailbox: &mut impl Drafts,
    attempt: &mut TransportAttempt<'_>,
) -> Result<(), SendError> {
    for replaced in std::mem::take(&mut attempt.replaced) {
        let Some(note) = DraftNote::read(Some(&replaced.note)) else {
            continue;
        };
        let trail = &mut Trail::of(attempt);
        let mut found = mailbox.all(note.own, &replaced.message_id, trail)?;
        // A draft whose marks were lost has its name still.
        if let Some(name) = note.draft.as_deref()
            && found.iter().all(|found| found.id != name)
        {
            found.extend(mailbox.by_name(note.own, name, trail)?);
        }
        for unsent in found.iter().filter(|found| !found.is_taken()) {
            mailbox.remove(note.own, &unsent.id, trail)?;
        }
    }
    Ok(())
}

/// The receipt of a letter that was found to have gone out.
pub(super) fn seen(found: Option<&FoundMessage>) -> Receipt {
    let text = match found {
        Some(found) if found.is_draft => {
            "found in the mailbox, handed over and waiting for its turn".to_owned()
        }
        Some(FoundMessage {
            sent_date_time: Some(at),
            ..
        }) => format!("found in the mailbox, sent {at}"),
        _ => "found in the mailbox, sent".to_owned(),
    };
    Receipt {
        text: one_line(&text),
        ..Receipt::default()
    }
}

/// What is said of a letter that the mailbox has and has not sent.
pub(super) fn on_its_way() -> Answer {
    Answer::new(
        Cause::InDrafts,
        "the mailbox has the letter and has not sent it yet: look there again later",
    )
}

#[cfg(test)]
mod tests;
