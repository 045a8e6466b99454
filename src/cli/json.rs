//! The JSON that `check`, `send` and `status` print, written as it is made.

use std::collections::{BTreeMap, HashSet};
use std::num::NonZeroU32;

use serde::Serialize;

use super::console::Console;
use crate::address::Mailbox;
use crate::digest::hex;
use crate::dispatch::estimate;
use crate::finding::Finding;
use crate::ledger::{Change, Counts, LedgerError, LedgerView, Outcomes, PlanDifference};
use crate::letter::Letters;
use crate::lifecycle::{ChangedPart, LetterState};
use crate::mailing::{Loaded, StateFile};
use crate::manifest::LeftOut;
use crate::message::message_id;
use crate::plan::{Plan, PlannedAttachment, PlannedLetter};
use crate::report::LetterJson;

/// How many letters stand where, and what became of messages at their addresses.
#[derive(Clone, Copy, Serialize)]
struct CountsJson {
    #[serde(flatten)]
    counts: Counts,
    #[serde(flatten)]
    outcomes: Option<Outcomes>,
}

#[derive(Serialize)]
struct AttachmentJson<'a> {
    name: &'a str,
    sha256: String,
    bytes: u64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    locked: bool,
}

/// The attachments of a planned letter with the verdicts of the proofs.
fn proven(letter: &PlannedLetter) -> Vec<ProvenJson<'_>> {
    let attachments = letter.attachments.iter();
    attachments
        .map(|planned| ProvenJson {
            attachment: attachment(planned),
            pages: planned.pages,
            verdict: planned.verdict.word(),
        })
        .collect()
}

fn attachment(planned: &PlannedAttachment) -> AttachmentJson<'_> {
    AttachmentJson {
        name: &planned.name,
        sha256: hex(&planned.sha256),
        bytes: planned.bytes,
        locked: planned.locked,
    }
}

#[derive(Serialize)]
struct ProvenJson<'a> {
    #[serde(flatten)]
    attachment: AttachmentJson<'a>,
    pages: Option<NonZeroU32>,
    verdict: &'static str,
}

/// What a person signs, for programs.
#[derive(Serialize)]
struct SummaryJson {
    from: String,
    letters: usize,
    addresses: u64,
    attachments: usize,
    bytes: u64,
    /// How long the run takes at least under its own limits.
    seconds: u64,
    warnings: usize,
}

/// A letter of a plan, with the fields that a letter of the ledger has.
#[derive(Serialize)]
struct PlannedJson<'a> {
    id: &'a str,
    state: &'static str,
    message_id: String,
    to: Vec<String>,
    cc: Vec<String>,
    bcc: Vec<String>,
    attempts: u32,
    accepted_at: Option<String>,
    receipt: Option<String>,
    refused: [String; 0],
    attachments: Vec<ProvenJson<'a>>,
    error: Option<String>,
}

/// How a letter differs from the plan that the batch was begun with.
#[derive(Serialize)]
struct ChangeJson<'a> {
    id: &'a str,
    change: &'static str,
    parts: &'a [ChangedPart],
    state: LetterState,
}

fn change(difference: &PlanDifference) -> ChangeJson<'_> {
    ChangeJson {
        id: &difference.id,
        change: match difference.change {
            Change::Added => "added",
            Change::Removed => "removed",
            Change::Changed => "changed",
        },
        parts: &difference.parts,
        state: difference.state,
    }
}

/// Prints the object of `check`: every letter of the plan, then the findings. Without a plan there
/// are only findings.
pub(super) fn plan(
    console: &Console,
    loaded: &Loaded,
    state: &StateFile,
    planned: Option<(&Letters, &Plan, &[PlanDifference])>,
    only: Option<&HashSet<String>>,
    faults: &[Finding],
    online: &[(&'static str, String)],
) {
    let batch = &loaded.batch.name;
    let transport = loaded.batch.dispatch.transport.to_string();
    let state_file = state.path.display().to_string();
    let id = planned.map(|(_, plan, _)| hex(&plan.id.0));
    let total = planned.map_or(0, |(_, plan, _)| plan.letters.len() as u64);
    let counts = Counts {
        pending: total,
        ..Counts::default()
    };
    head(
        console,
        batch,
        id.as_deref(),
        &transport,
        &state_file,
        CountsJson {
            counts,
            outcomes: None,
        },
    );
    if let Some((letters, plan, _)) = planned {
        let mut shown = 0;
        for (index, letter) in plan.letters.iter().enumerate() {
            if only.is_some_and(|only| !only.contains(letters.id(index))) {
                continue;
            }
            let addressees = letters.addressees(index);
            let list = |mailboxes: &[Mailbox]| -> Vec<String> {
                let mailboxes = mailboxes.iter();
                mailboxes
                    .map(|mailbox| mailbox.address.to_string())
                    .collect()
            };
            let json = PlannedJson {
                id: letters.id(index),
                state: "planned",
                message_id: message_id(
                    batch,
                    letters.id(index),
                    &letter.digest,
                    &letters.from().address,
                    1,
                ),
                to: list(&addressees.to),
                cc: list(&addressees.cc),
                bcc: list(&addressees.bcc),
                attempts: 0,
                accepted_at: None,
                receipt: None,
                refused: [],
                attachments: proven(letter),
                error: None,
            };
            one_letter(console, shown, &to_json(&json));
            shown += 1;
        }
    }
    console.json(&format!("],\"findings\":{}", to_json(faults)));
    if let Some((letters, plan, differences)) = planned {
        let left_out: Vec<LeftOut> = letters.manifest().left_out().collect();
        console.json(&format!(",\"left_out\":{}", to_json(&left_out)));
        let changes: Vec<ChangeJson<'_>> = differences.iter().map(change).collect();
        console.json(&format!(",\"changes\":{}", to_json(&changes)));
        let summary = summary(loaded, letters, plan, faults);
        console.json(&format!(",\"summary\":{}", to_json(&summary)));
    }
    if !online.is_empty() {
        let facts: BTreeMap<String, &str> = online
            .iter()
            .map(|(word, text)| (word.to_lowercase().replace([' ', '-'], "_"), text.as_str()))
            .collect();
        console.json(&format!(",\"online\":{}", to_json(&facts)));
    }
    console.json("}\n");
    console.end_json();
}

fn summary(loaded: &Loaded, letters: &Letters, plan: &Plan, faults: &[Finding]) -> SummaryJson {
    let (count, bytes, addresses) = (plan.letters.len(), plan.bytes(), plan.addresses());
    let time = estimate(&loaded.batch.dispatch, count as u64, bytes, addresses);
    SummaryJson {
        from: letters.from().to_string(),
        letters: count,
        addresses,
        attachments: plan.attachments(),
        bytes,
        seconds: time.as_secs(),
        warnings: super::check::warnings(faults),
    }
}

/// Prints the object of `send` and `status`: every letter of the ledger that `wanted` takes.
pub(super) fn ledger(
    console: &Console,
    loaded: &Loaded,
    ledger: &LedgerView,
    wanted: &dyn Fn(&str) -> bool,
) -> Result<(), LedgerError> {
    let batch = &loaded.batch.name;
    let transport = loaded.batch.dispatch.transport.to_string();
    let state_file = ledger.path().display().to_string();
    let plan = ledger.plan()?;
    head(
        console,
        batch,
        plan.as_deref(),
        &transport,
        &state_file,
        CountsJson {
            counts: ledger.counts()?,
            outcomes: Some(ledger.outcomes()?),
        },
    );
    let mut index = 0;
    ledger.each_letter(&mut |record| {
        let json = LetterJson::of(&record, None, None).filter(|_| wanted(&record.id));
        if let Some(json) = json {
            one_letter(console, index, &to_json(&json));
            index += 1;
        }
    })?;
    console.json("]}\n");
    console.end_json();
    Ok(())
}

fn head(
    console: &Console,
    batch: &str,
    plan: Option<&str>,
    transport: &str,
    state_file: &str,
    counts: CountsJson,
) {
    console.json(&format!(
        "{{\"batch\":{},\"plan\":{},\"transport\":{},\"state_file\":{},\"counts\":{},\"letters\":[",
        to_json(batch),
        to_json(&plan),
        to_json(transport),
        to_json(state_file),
        to_json(&counts)
    ));
}

fn one_letter(console: &Console, index: usize, json: &str) {
    console.json(if index == 0 { "\n" } else { ",\n" });
    console.json(json);
}

/// These types have string keys and no foreign serializers, so they cannot fail.
fn to_json<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}
