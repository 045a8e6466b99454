//! The JSON that `check`, `send` and `status` print, written as it is made.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

use super::console::Console;
use super::prepare::Loaded;
use super::state::StateFile;
use crate::address::Mailbox;
use crate::dispatch::estimate;
use crate::fault::Fault;
use crate::ledger::{Counts, Ledger, LedgerError, LetterStatus, Refusal};
use crate::letter::Letters;
use crate::message::message_id;
use crate::plan::{Plan, PlannedAttachment, PlannedLetter, hex};

/// To, Cc and Bcc as the ledger and the JSON hold them.
#[derive(Serialize)]
struct Addresses {
    to: Vec<String>,
    cc: Vec<String>,
    bcc: Vec<String>,
}

#[derive(Serialize)]
struct AttachmentJson<'a> {
    name: &'a str,
    sha256: String,
    bytes: u64,
}

/// The addresses of a planned letter as JSON.
pub(super) fn addresses(letters: &Letters, index: usize) -> String {
    let list = |mailboxes: &[Mailbox]| {
        mailboxes
            .iter()
            .map(|mailbox| mailbox.address.to_string())
            .collect()
    };
    let addressees = letters.addressees(index);
    to_json(&Addresses {
        to: list(&addressees.to),
        cc: list(&addressees.cc),
        bcc: list(&addressees.bcc),
    })
}

/// The attachments of a planned letter as JSON.
pub(super) fn attachments(letter: &PlannedLetter) -> String {
    let list: Vec<_> = letter.attachments.iter().map(attachment).collect();
    to_json(&list)
}

/// The same with what the proofs told, which is no part of the record.
fn proven(letter: &PlannedLetter) -> String {
    let list: Vec<_> = letter
        .attachments
        .iter()
        .map(|planned| ProvenJson {
            attachment: attachment(planned),
            pages: planned.pages,
            verdict: planned.verdict.word(),
        })
        .collect();
    to_json(&list)
}

fn attachment(planned: &PlannedAttachment) -> AttachmentJson<'_> {
    AttachmentJson {
        name: &planned.name,
        sha256: hex(&planned.sha256),
        bytes: planned.bytes,
    }
}

#[derive(Serialize)]
struct ProvenJson<'a> {
    #[serde(flatten)]
    attachment: AttachmentJson<'a>,
    pages: Option<u32>,
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

#[derive(Serialize)]
struct LetterJson<'a> {
    id: &'a str,
    state: &'a str,
    message_id: &'a str,
    to: &'a RawValue,
    cc: &'a RawValue,
    bcc: &'a RawValue,
    attempts: u32,
    accepted_at: Option<String>,
    receipt: Option<&'a str>,
    refused: &'a [Refusal],
    attachments: &'a RawValue,
    error: Option<ErrorJson<'a>>,
}

#[derive(Serialize)]
struct ErrorJson<'a> {
    code: &'a str,
    text: &'a str,
}

/// Prints the object of `check`: every letter of the plan, then the findings. Without a plan there
/// are only findings.
pub(super) fn plan(
    console: &Console,
    loaded: &Loaded,
    state: &StateFile,
    planned: Option<(&Letters, &Plan)>,
    faults: &[Fault],
    online: &[(&'static str, String)],
) {
    let batch = &loaded.batch.name;
    let transport = loaded.batch.dispatch.transport.to_string();
    let state_file = state.path.display().to_string();
    let id = planned.map(|(_, plan)| hex(&plan.id.0));
    let total = planned.map_or(0, |(_, plan)| plan.letters.len() as u64);
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
        counts,
    );
    if let Some((letters, plan)) = planned {
        for (index, letter) in plan.letters.iter().enumerate() {
            let status = LetterStatus {
                id: letters.id(index).to_owned(),
                state: crate::ledger::State::Pending,
                message_id: message_id(
                    batch,
                    letters.id(index),
                    &letter.digest,
                    &letters.from().address,
                ),
                addresses: addresses(letters, index),
                attachments: proven(letter),
                attempts: 0,
                accepted_at: None,
                receipt: None,
                refused: Vec::new(),
                error: None,
            };
            one_letter(console, index, "planned", &status);
        }
    }
    console.json(&format!("],\"faults\":{}", to_json(faults)));
    if let Some((letters, plan)) = planned {
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

fn summary(loaded: &Loaded, letters: &Letters, plan: &Plan, faults: &[Fault]) -> SummaryJson {
    let (count, bytes, addresses) = (plan.letters.len(), plan.bytes(), plan.addresses());
    let time = estimate(&loaded.batch.dispatch, count as u64, bytes, addresses);
    SummaryJson {
        from: letters.from().to_string(),
        letters: count,
        addresses,
        attachments: plan.attachments(),
        bytes,
        seconds: time.as_secs(),
        warnings: faults.len(),
    }
}

/// Prints the object of `send` and `status`: every letter of the ledger that `wanted` takes.
pub(super) fn ledger(
    console: &Console,
    loaded: &Loaded,
    ledger: &Ledger,
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
        ledger.counts()?,
    );
    let mut index = 0;
    ledger.each_letter(&mut |letter| {
        if wanted(&letter.id) {
            one_letter(console, index, letter.state.word(), &letter);
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
    counts: Counts,
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

fn one_letter(console: &Console, index: usize, state: &str, letter: &LetterStatus) {
    let addresses: std::collections::HashMap<String, Box<RawValue>> =
        serde_json::from_str(&letter.addresses).unwrap_or_default();
    let list = |key: &str| {
        addresses
            .get(key)
            .map_or(EMPTY.as_ref(), |list| list.as_ref())
    };
    let attachments: Option<Box<RawValue>> = serde_json::from_str(&letter.attachments).ok();
    let json = to_json(&LetterJson {
        id: &letter.id,
        state,
        message_id: &letter.message_id,
        to: list("to"),
        cc: list("cc"),
        bcc: list("bcc"),
        attempts: letter.attempts,
        accepted_at: letter.accepted_at.map(|at| at.to_string()),
        receipt: letter.receipt.as_deref(),
        refused: &letter.refused,
        attachments: attachments.as_deref().unwrap_or(EMPTY.as_ref()),
        error: letter
            .error
            .as_ref()
            .map(|(code, text)| ErrorJson { code, text }),
    });
    console.json(if index == 0 { "\n" } else { ",\n" });
    console.json(&json);
}

static EMPTY: std::sync::LazyLock<Box<RawValue>> =
    std::sync::LazyLock::new(|| RawValue::from_string("[]".to_owned()).unwrap_or_default());

/// These types have string keys and no foreign serializers, so they cannot fail.
fn to_json<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}
