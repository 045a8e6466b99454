//! Every event that the log can hold.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{AddressOutcome, Attempt, LetterHistory, PlannedMessage, Reply};
use crate::digest::{Sha256Digest, as_hex};

/// One entry of the log: its kind and its body. Which letter and run it is of stands beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "kind",
    content = "body",
    rename_all = "snake_case",
    deny_unknown_fields
)]
pub enum Event {
    /// The state file was made.
    Created {
        /// The batch that it belongs to.
        batch: String,
    },
    /// The state file was made by an older program and brought up to date.
    Upgraded(Box<Upgraded>),
    /// A letter of a file that was brought up to date, as it stood.
    CarriedOver(Box<CarriedOver>),
    /// A run of the program began.
    RunBegun(RunBegun),
    /// It ended.
    RunEnded {
        /// How.
        ending: String,
    },
    /// The server asked to wait.
    Throttled {
        /// How long.
        milliseconds: u64,
    },
    /// The letters planned since the plan before are those of a new plan.
    PlanAdopted(PlanAdopted),
    /// The same plan was made of other sources, such as a list with another date.
    SourcesChanged {
        /// The digest over what the plan was made of.
        #[serde(with = "as_hex")]
        sources: Sha256Digest,
    },
    /// A rehearsal began anew.
    RehearsalCleared {},
    /// The plan has a letter, or has it in another form or place than before.
    Planned(Box<Planned>),
    /// The list no longer has the recipient.
    Withdrawn {},
    /// A letter was claimed: it may leave from now on.
    Claimed(Claiming),
    /// What the transport must know if its run is cut off.
    Noted {
        /// The attempt.
        attempt: i64,
        /// In the transport's own words.
        text: String,
    },
    /// The server takes a claimed letter for some of its addresses only. It has the envelope by then and
    /// not the message, so that this is known also where the answer to the message never comes.
    Narrowed(Narrowing),
    /// The answer to a claimed letter is known.
    Settled(Settling),
    /// The run of a claimed letter ended before the answer was known.
    CutOff {},
    /// A letter in doubt was settled by looking where it was given to.
    LookedUp(Settling),
    /// A letter in doubt was settled by a person's word.
    Resolved(PersonalWord),
    /// A person wants a rejected letter tried again.
    RetryRejected {},
    /// A person wants a letter sent again.
    Reopened(Box<Reopening>),
    /// A person wants a letter that was opened again not to be sent after all.
    Closed {
        /// Who.
        by: String,
        /// Why.
        because: String,
    },
    /// A message came back.
    Bounced(AddressReturn),
    /// A server still tries to pass it on.
    Delayed(AddressReturn),
    /// It was passed on to a server that sends no notices.
    Relayed(AddressReturn),
    /// The recipient's server has it.
    Delivered(AddressReturn),
    /// A program answered, such as one that says who is out of the office.
    AutomaticAnswer {
        /// The Message-ID that it answers to.
        message_id: String,
        /// The evidence.
        evidence: String,
    },
    /// A person answered.
    Answer {
        /// The Message-ID that it answers to.
        message_id: String,
        /// The evidence.
        evidence: String,
    },
    /// A message was shown to somebody, as a program of theirs says (RFC 8098).
    Read {
        /// The Message-ID that it is about.
        message_id: String,
        /// Whose program.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reader: Option<String>,
        /// What tells of it.
        evidence: String,
    },
    /// A message may have come back: the mail names an address of it, and no message of ours.
    Suspected(AddressReturn),
    /// Mail came back about a message, and what it means for which address is not clear.
    Unclear {
        /// The Message-ID that it is about.
        message_id: String,
        /// What it says.
        why: String,
        /// What tells of it.
        evidence: String,
    },
    /// A person has looked at the suspicions about a letter and at what was not clear.
    Reviewed {
        /// Who.
        by: String,
        /// What they found.
        because: String,
    },
    /// A person says what became of a message at an address, whatever came back.
    Correction {
        /// What is so, by their word.
        #[serde(flatten)]
        returned: AddressReturn,
        /// The outcome.
        outcome: AddressOutcome,
        /// Who says so.
        by: String,
    },
}

/// A state file of an older format, as it was when it was brought up to date.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upgraded {
    /// The batch that it belongs to.
    pub batch: String,
    /// The format it had.
    pub from: i64,
    /// What of its tables was not as its own log had it, if anything.
    pub flaw: Option<String>,
    /// The plan that it had.
    pub plan: Option<String>,
    /// What that plan was made of.
    pub sources: Option<String>,
    /// Its runs.
    pub runs: Vec<LegacyRun>,
    /// The waits that servers had asked for.
    pub waits: Vec<LegacyWait>,
}

/// A run of an older program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LegacyRun {
    /// Its number.
    pub number: i64,
    /// Who began it, and with what.
    #[serde(flatten)]
    pub begun: RunBegun,
    /// When.
    pub began_at: Timestamp,
    /// When it ended; none where it was cut off.
    pub ended_at: Option<Timestamp>,
    /// How.
    pub ending: Option<String>,
}

/// A wait of an older program's run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LegacyWait {
    /// The run.
    pub run: Option<i64>,
    /// When it was asked for.
    pub at: Timestamp,
    /// How long.
    pub milliseconds: u64,
}

/// A letter of a state file of an older format.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CarriedOver {
    /// Its place in the manifest.
    pub position: Option<u64>,
    /// The letter as it stood.
    pub letter: LetterHistory,
    /// Its attempts.
    pub attempts: Vec<Attempt>,
}

/// Who begins a run, and with what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunBegun {
    /// The version of the program.
    pub program: String,
    /// The verb.
    pub command: String,
    /// The transport and its server.
    pub transport: String,
    /// The process.
    pub pid: u32,
    /// The machine.
    pub host: String,
    /// Where the state file lay, by which a copy of it is recognised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
}

/// A plan that the ledger takes over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanAdopted {
    /// The digest over the plan, as hexadecimal digits.
    pub plan: String,
    /// Where its letters are sent to; older programs did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// How many letters it has.
    pub letters: u64,
    /// The digest over what it was made of.
    #[serde(with = "as_hex")]
    pub sources: Sha256Digest,
    /// What its Message-IDs are made of beside batch and letter, from here on; none if that is as it
    /// was before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<String>,
}

/// A letter of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Planned {
    /// Its place in the manifest.
    pub position: u64,
    /// What it carries.
    pub message: PlannedMessage,
}

/// A claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claiming {
    /// The attempt's number in the state file.
    pub attempt: i64,
    /// Names the attempt to the server.
    pub trace: String,
    /// The Message-ID that leaves.
    pub message_id: String,
    /// Bytes on the wire.
    pub bytes: u64,
    /// How many addresses it goes to.
    pub addresses: u32,
}

/// The addresses that a server does not take a message for, while it takes it for others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Narrowing {
    /// The attempt.
    pub attempt: i64,
    /// Refused for good.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<Refusal>,
    /// Not taken for now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deferred: Vec<Refusal>,
}

/// The end of a claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settling {
    /// The attempt.
    pub attempt: i64,
    /// How it ended.
    pub ended: SettledAs,
    /// The server's names of the requests that it answered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub request_ids: Vec<String>,
}

/// How a claim ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case", deny_unknown_fields)]
pub enum SettledAs {
    /// The server took the message.
    Accepted(Accepted),
    /// The server refused it for good.
    Rejected(Reply),
    /// The server refused for good what went to addresses without the letter, which others have.
    Refused(Reply),
    /// It may have gone out.
    InDoubt(Reply),
    /// The server did not take it: the letter is pending again.
    NotTaken(Reply),
}

/// A message that a server took.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accepted {
    /// What it said.
    pub receipt: String,
    /// Addresses that it refused; since format 6 they stand in [`Event::Narrowed`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<Refusal>,
    /// The message to the addresses that it did not take it for now, which is sent next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rest: Option<Box<PlannedMessage>>,
}

/// An address that was refused while others of the same message were accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// The address.
    pub address: String,
    /// The reply code; empty in what older programs wrote, which had it among the words.
    #[serde(default)]
    pub code: String,
    /// What the server said.
    pub answer: String,
}

/// A person's word on a letter in doubt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonalWord {
    /// Whether it went out.
    pub accepted: bool,
    /// Who says so.
    pub by: String,
    /// Why.
    pub because: Option<String>,
}

/// A letter that a person wants sent again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reopening {
    /// Who.
    pub by: String,
    /// Why.
    pub because: String,
    /// Whether addresses that have it get it again.
    pub all_addresses: bool,
    /// The letter as the list has it now, to all its addresses.
    pub planned: Planned,
    /// What is sent.
    pub message: PlannedMessage,
}

/// What mail that came back says of one address of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddressReturn {
    /// The Message-ID of the message.
    pub message_id: String,
    /// The address that it was written to.
    pub address: String,
    /// Of a bounce: whether the address is wrong, so that no other try helps.
    #[serde(default)]
    pub hard: bool,
    /// In plain words.
    pub reason: String,
    /// The code (RFC 3463), if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The server's line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The evidence.
    pub evidence: String,
}

impl Event {
    /// What tells of it, where mail or a list does.
    #[must_use]
    pub fn evidence(&self) -> Option<&str> {
        match self {
            Self::AutomaticAnswer { evidence, .. }
            | Self::Answer { evidence, .. }
            | Self::Read { evidence, .. }
            | Self::Unclear { evidence, .. } => Some(evidence),
            Self::Suspected(of) => Some(&of.evidence),
            Self::Correction { .. } => None,
            other => other.returned().map(|(of, _)| of.evidence.as_str()),
        }
    }

    /// The word for its kind, as the log has it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Created { .. } => "created",
            Self::Upgraded(_) => "upgraded",
            Self::CarriedOver(_) => "carried_over",
            Self::RunBegun(_) => "run_begun",
            Self::RunEnded { .. } => "run_ended",
            Self::Throttled { .. } => "throttled",
            Self::PlanAdopted(_) => "plan_adopted",
            Self::SourcesChanged { .. } => "sources_changed",
            Self::RehearsalCleared {} => "rehearsal_cleared",
            Self::Planned(_) => "planned",
            Self::Withdrawn {} => "withdrawn",
            Self::Claimed(_) => "claimed",
            Self::Noted { .. } => "noted",
            Self::Narrowed(_) => "narrowed",
            Self::Settled(_) => "settled",
            Self::CutOff {} => "cut_off",
            Self::LookedUp(_) => "looked_up",
            Self::Resolved(_) => "resolved",
            Self::RetryRejected {} => "retry_rejected",
            Self::Reopened(_) => "reopened",
            Self::Closed { .. } => "closed",
            Self::Bounced(_) => "bounced",
            Self::Delayed(_) => "delayed",
            Self::Relayed(_) => "relayed",
            Self::Delivered(_) => "delivered",
            Self::AutomaticAnswer { .. } => "automatic_answer",
            Self::Answer { .. } => "answer",
            Self::Read { .. } => "read",
            Self::Suspected(_) => "suspected",
            Self::Unclear { .. } => "unclear",
            Self::Reviewed { .. } => "reviewed",
            Self::Correction { .. } => "correction",
        }
    }

    /// What a return says of an address; none for all other events.
    pub(super) fn returned(&self) -> Option<(&AddressReturn, AddressOutcome)> {
        match self {
            Self::Bounced(of) => Some((of, AddressOutcome::Bounced)),
            Self::Delayed(of) => Some((of, AddressOutcome::Delayed)),
            Self::Relayed(of) => Some((of, AddressOutcome::Relayed)),
            Self::Delivered(of) => Some((of, AddressOutcome::Delivered)),
            Self::Correction {
                returned, outcome, ..
            } => Some((returned, *outcome)),
            Self::Created { .. }
            | Self::Upgraded(_)
            | Self::CarriedOver(_)
            | Self::RunBegun(_)
            | Self::RunEnded { .. }
            | Self::Throttled { .. }
            | Self::PlanAdopted(_)
            | Self::SourcesChanged { .. }
            | Self::RehearsalCleared {}
            | Self::Planned(_)
            | Self::Withdrawn {}
            | Self::Claimed(_)
            | Self::Noted { .. }
            | Self::Narrowed(_)
            | Self::Settled(_)
            | Self::CutOff {}
            | Self::LookedUp(_)
            | Self::Resolved(_)
            | Self::RetryRejected {}
            | Self::Reopened(_)
            | Self::Closed { .. }
            | Self::AutomaticAnswer { .. }
            | Self::Answer { .. }
            | Self::Read { .. }
            | Self::Suspected(_)
            | Self::Unclear { .. }
            | Self::Reviewed { .. } => None,
        }
    }
}
