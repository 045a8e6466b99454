//! The record after a batch: what became of each letter, as CSV, JSON and a page to look at.

mod csv;
mod json;
mod page;

use std::collections::HashMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::config::Batch;
use crate::fault::Fault;
use crate::ledger::{
    Counts, Kind, Ledger, LedgerError, LetterStatus, LogCheck, Resolution, RunRecord, State, Wait,
};
use crate::manifest::Manifest;

/// Everything that is known of a batch, at one moment.
#[derive(Debug)]
pub struct Record {
    batch: String,
    kind: Kind,
    state_file: String,
    plan: Option<String>,
    made_at: Timestamp,
    in_use: bool,
    counts: Counts,
    partly_refused: u64,
    runs: Vec<RunRecord>,
    waits: Vec<Wait>,
    log: LogCheck,
    letters: Vec<Letter>,
    list: Option<List>,
    notice: Option<String>,
}

/// The dispatch list, and which of its rows are whose.
#[derive(Debug)]
struct List {
    manifest: Manifest,
    id_column: usize,
}

/// One letter of the record.
#[derive(Debug)]
struct Letter {
    status: LetterStatus,
    name: Option<String>,
    addresses: Addresses,
    attachments: Vec<Attachment>,
    resolution: Option<Resolution>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct Addresses {
    to: Vec<String>,
    cc: Vec<String>,
    bcc: Vec<String>,
}

#[derive(Debug, Deserialize, Serialize)]
struct Attachment {
    name: String,
    sha256: String,
    bytes: u64,
}

impl Letter {
    /// Whether a person should look at it.
    fn needs_a_person(&self) -> bool {
        let status = &self.status;
        matches!(status.state, State::Rejected | State::InDoubt)
            || !status.refused.is_empty()
            || (status.state == State::Pending && status.error.is_some())
    }
}

impl Record {
    /// Gathers the record. A dispatch list that cannot be read any more does not stand in the way of
    /// what is known of the letters: its first fault is given back, and the record says so.
    ///
    /// # Errors
    /// When the state file cannot be read.
    pub fn gather(
        batch: &Batch,
        kind: Kind,
        ledger: &Ledger,
        made_at: Timestamp,
    ) -> Result<(Self, Option<Fault>), LedgerError> {
        let (manifest, findings) = Manifest::read(batch);
        let fault = findings.into_iter().find(Fault::is_fault);
        let list = manifest.and_then(|manifest| List::of(manifest, batch));
        let names = list.as_ref().map(List::names).unwrap_or_default();
        let log = ledger.check_log(None)?;
        let _still = ledger.snapshot()?;
        let mut resolutions = ledger.resolutions()?;
        let mut letters = Vec::new();
        ledger.each_letter(&mut |status| {
            letters.push(Letter {
                name: names.get(status.id.as_str()).map(|name| (*name).to_owned()),
                addresses: serde_json::from_str(&status.addresses).unwrap_or_default(),
                attachments: serde_json::from_str(&status.attachments).unwrap_or_default(),
                resolution: resolutions.remove(&status.id),
                status,
            });
        })?;
        let notice = list.is_none().then(|| {
            "The dispatch list could not be read, so this record has the letters alone, without \
             the names and rows of the list."
                .to_owned()
        });
        let record = Self {
            batch: batch.name.clone(),
            kind,
            state_file: ledger.path().display().to_string(),
            plan: ledger.plan()?,
            made_at,
            in_use: ledger.is_in_use(),
            counts: ledger.counts()?,
            partly_refused: ledger.partly_refused()?,
            runs: ledger.runs()?,
            waits: ledger.waits()?,
            log,
            letters,
            list,
            notice,
        };
        Ok((record, fault))
    }

    /// Whether the log behind the record is whole.
    #[must_use]
    pub fn log(&self) -> &LogCheck {
        &self.log
    }

    /// How many letters a person should look at.
    #[must_use]
    pub fn to_look_into(&self) -> usize {
        self.letters
            .iter()
            .filter(|letter| letter.needs_a_person())
            .count()
    }
}

impl List {
    fn of(manifest: Manifest, batch: &Batch) -> Option<Self> {
        let wanted = batch.manifest.id.trim();
        let id_column = manifest
            .headers()
            .iter()
            .position(|header| header.trim() == wanted)?;
        Some(Self {
            manifest,
            id_column,
        })
    }

    fn names(&self) -> HashMap<&str, &str> {
        (0..self.manifest.len())
            .map(|index| self.manifest.recipient(index))
            .map(|recipient| (recipient.id(), recipient.name()))
            .collect()
    }
}

#[cfg(test)]
mod tests;
