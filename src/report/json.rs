//! The record as JSON, for programs and for the page.

use serde::Serialize;

use super::{LetterJson, Record, ReportedLetter};
use crate::ledger::{Counts, LedgerKind, Outcomes, RunRecord, Wait};
use crate::lifecycle::RunState;
use crate::manifest::LeftOut;

#[derive(Serialize)]
pub(super) struct RecordJson<'a> {
    batch: &'a str,
    kind: &'static str,
    plan: Option<&'a str>,
    state_file: &'a str,
    made_at: String,
    in_use: bool,
    notice: Option<&'a str>,
    /// The rows of the list that get no letter, and why.
    left_out: Vec<LeftOut>,
    counts: Counts,
    partly_refused: u64,
    outcomes: Outcomes,
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
    state: RunState,
    began_at: String,
    ended_at: Option<String>,
    ending: Option<&'a str>,
}

#[derive(Serialize)]
struct WaitJson {
    at: String,
    seconds: f64,
}

impl Record {
    /// The record as one JSON object.
    #[must_use]
    pub(crate) fn json(&self) -> String {
        // What it is made of has string keys and no foreign serializers, so this cannot fail.
        serde_json::to_string(&self.as_json()).unwrap_or_default()
    }

    pub(super) fn as_json(&self) -> RecordJson<'_> {
        RecordJson {
            batch: &self.batch,
            kind: match self.kind {
                LedgerKind::Mail => "mail",
                LedgerKind::Outbox => "outbox",
                LedgerKind::Rehearsal => "rehearsal",
            },
            plan: self.plan.as_deref(),
            state_file: &self.state_file,
            made_at: self.made_at.to_string(),
            in_use: self.in_use,
            notice: self.notice.as_deref(),
            left_out: self
                .list
                .iter()
                .flat_map(|list| list.manifest.left_out())
                .collect(),
            counts: self.counts,
            partly_refused: self.with_open_addresses,
            outcomes: self.outcomes,
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
            letters: self.letters.iter().filter_map(letter).collect(),
        }
    }
}

fn run(record: &RunRecord) -> RunJson<'_> {
    let run = &record.run;
    RunJson {
        number: record.number,
        program: &run.begun.program,
        command: &run.begun.command,
        transport: &run.begun.transport,
        host: &run.begun.host,
        state: run.state,
        began_at: run.began_at.to_string(),
        ended_at: run.ended_at.map(|at| at.to_string()),
        ending: run.ending.as_deref(),
    }
}

fn letter(letter: &ReportedLetter) -> Option<LetterJson<'_>> {
    LetterJson::of(
        &letter.record,
        letter.name.as_deref(),
        letter.resolution.as_ref(),
    )
    .map(|json| match letter.changes() {
        changes if changes.is_none() => json,
        changes => json.with_changes(changes),
    })
}

fn wait(wait: &Wait) -> WaitJson {
    WaitJson {
        at: wait.at.to_string(),
        seconds: wait.length.as_secs_f64(),
    }
}
