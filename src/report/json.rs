//! The record as JSON, for programs and for the page.

use serde::Serialize;

use super::{Addresses, Attachment, Letter, Record};
use crate::ledger::{Counts, Kind, Refusal, Resolution, RunRecord, State, Wait};

#[derive(Serialize)]
pub(super) struct RecordJson<'a> {
    batch: &'a str,
    kind: &'static str,
    plan: Option<&'a str>,
    state_file: &'a str,
    made_at: String,
    in_use: bool,
    notice: Option<&'a str>,
    counts: Counts,
    partly_refused: u64,
    log: LogJson<'a>,
    runs: Vec<RunJson<'a>>,
    waits: Vec<WaitJson>,
    letters: Vec<LetterJson<'a>>,
}

#[derive(Serialize)]
struct LogJson<'a> {
    kept: bool,
    whole: bool,
    events: u64,
    last_hash: &'a str,
    before_the_log: u64,
    flaw: Option<&'a str>,
}

#[derive(Serialize)]
struct RunJson<'a> {
    number: i64,
    program: &'a str,
    command: &'a str,
    transport: &'a str,
    host: &'a str,
    began_at: String,
    ended_at: Option<String>,
    ending: Option<&'a str>,
}

#[derive(Serialize)]
struct WaitJson {
    at: String,
    seconds: f64,
}

#[derive(Serialize)]
struct LetterJson<'a> {
    id: &'a str,
    name: Option<&'a str>,
    state: State,
    look_into: bool,
    message_id: &'a str,
    #[serde(flatten)]
    addresses: &'a Addresses,
    attempts: u32,
    accepted_at: Option<String>,
    receipt: Option<&'a str>,
    refused: &'a [Refusal],
    attachments: &'a [Attachment],
    error: Option<ErrorJson<'a>>,
    resolved: Option<ResolvedJson<'a>>,
}

#[derive(Serialize)]
struct ErrorJson<'a> {
    code: &'a str,
    text: &'a str,
}

#[derive(Serialize)]
struct ResolvedJson<'a> {
    at: String,
    accepted: bool,
    by: &'a str,
    because: Option<&'a str>,
}

impl Record {
    /// The record as one JSON object.
    #[must_use]
    pub fn json(&self) -> String {
        // What it is made of has string keys and no foreign serializers, so this cannot fail.
        serde_json::to_string(&self.as_json()).unwrap_or_default()
    }

    pub(super) fn as_json(&self) -> RecordJson<'_> {
        RecordJson {
            batch: &self.batch,
            kind: match self.kind {
                Kind::Mail => "mail",
                Kind::Outbox => "outbox",
                Kind::Rehearsal => "rehearsal",
            },
            plan: self.plan.as_deref(),
            state_file: &self.state_file,
            made_at: self.made_at.to_string(),
            in_use: self.in_use,
            notice: self.notice.as_deref(),
            counts: self.counts,
            partly_refused: self.partly_refused,
            log: LogJson {
                kept: self.log.has_log,
                whole: self.log.flaw.is_none(),
                events: self.log.events,
                last_hash: &self.log.last_hash,
                before_the_log: self.log.before_the_log,
                flaw: self.log.flaw.as_ref().map(|flaw| flaw.text.as_str()),
            },
            runs: self.runs.iter().map(run).collect(),
            waits: self.waits.iter().map(wait).collect(),
            letters: self.letters.iter().map(letter).collect(),
        }
    }
}

fn run(run: &RunRecord) -> RunJson<'_> {
    RunJson {
        number: run.number,
        program: &run.program,
        command: &run.command,
        transport: &run.transport,
        host: &run.host,
        began_at: run.began.to_string(),
        ended_at: run.ended.map(|at| at.to_string()),
        ending: run.ending.as_deref(),
    }
}

fn wait(wait: &Wait) -> WaitJson {
    WaitJson {
        at: wait.at.to_string(),
        seconds: wait.length.as_secs_f64(),
    }
}

fn letter(letter: &Letter) -> LetterJson<'_> {
    let status = &letter.status;
    LetterJson {
        id: &status.id,
        name: letter.name.as_deref(),
        state: status.state,
        look_into: letter.needs_a_person(),
        message_id: &status.message_id,
        addresses: &letter.addresses,
        attempts: status.attempts,
        accepted_at: status.accepted_at.map(|at| at.to_string()),
        receipt: status.receipt.as_deref(),
        refused: &status.refused,
        attachments: &letter.attachments,
        error: status
            .error
            .as_ref()
            .map(|(code, text)| ErrorJson { code, text }),
        resolved: letter.resolution.as_ref().map(resolved),
    }
}

fn resolved(word: &Resolution) -> ResolvedJson<'_> {
    ResolvedJson {
        at: word.at.to_string(),
        accepted: word.accepted,
        by: &word.by,
        because: word.because.as_deref(),
    }
}
