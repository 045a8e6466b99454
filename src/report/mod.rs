//! The record after a batch: what became of each letter, as CSV, an Excel workbook, JSON and a page to
//! look at.

mod columns;
mod csv;
mod json;
mod letter;
mod page;
mod rows;
mod workbook;

pub(crate) use letter::{LetterJson, addresses, handed_over};

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use crate::config::{Batch, Secrets};
use crate::finding::Finding;
use crate::ledger::{
    Counts, LedgerError, LedgerKind, LedgerView, LetterRecord, LogCheck, Outcomes, Resolution,
    RunRecord, Wait,
};
use crate::letter::without_files;
use crate::lifecycle::Changes;
use crate::manifest::{Addressees, LeftOut, Manifest};

/// Everything that is known of a batch, at one moment.
#[derive(Debug)]
pub(crate) struct Record {
    batch: String,
    kind: LedgerKind,
    state_file: String,
    plan: Option<String>,
    made_at: Timestamp,
    in_use: bool,
    counts: Counts,
    with_open_addresses: u64,
    outcomes: Outcomes,
    runs: Vec<RunRecord>,
    waits: Vec<Wait>,
    log: LogCheck,
    letters: Vec<ReportedLetter>,
    list: Option<ReportList>,
    notice: Option<String>,
}

/// The dispatch list, and which of its rows are whose.
#[derive(Debug)]
struct ReportList {
    manifest: Manifest,
    id_column: usize,
}

/// One letter of the record.
#[derive(Debug)]
struct ReportedLetter {
    record: LetterRecord,
    name: Option<String>,
    /// The addresses that the list has now; none when it could not be read or has no such row.
    listed: Option<Addressees>,
    resolution: Option<Resolution>,
}

impl Record {
    /// Gathers the record. A dispatch list that cannot be read any more does not stand in the way of
    /// what is known of the letters: its first fault is given back, and the record says so.
    ///
    /// # Errors
    /// When the state file cannot be read.
    pub(crate) fn gather(
        batch: &Batch,
        secrets: &Secrets,
        kind: LedgerKind,
        ledger: &LedgerView,
        made_at: Timestamp,
    ) -> Result<(Self, Option<Finding>), LedgerError> {
        let (manifest, findings) = Manifest::read(batch);
        let fault = findings.into_iter().find(Finding::is_fault);
        let mut list = manifest.and_then(|manifest| ReportList::of(manifest, batch));
        // As the folder is today: the state file knows those alone that have a letter.
        let without_report = match &list {
            Some(_) => without_files(batch, secrets),
            None => Ok(Vec::new()),
        };
        let places = list.as_ref().map(ReportList::places).unwrap_or_default();
        let log = ledger.check_log(None)?;
        let _still = ledger.snapshot()?;
        let mut resolutions = ledger.resolutions()?;
        let mut letters = Vec::new();
        ledger.each_letter(&mut |record| {
            let place = places.get(record.id.as_str());
            let listed = place
                .zip(list.as_ref())
                .map(|(place, list)| list.manifest.recipient(*place));
            letters.push(ReportedLetter {
                name: listed.map(|listed| listed.name().to_owned()),
                listed: listed.map(|listed| listed.addressees()),
                resolution: resolutions.remove(&record.id),
                record,
            });
        })?;
        if let (Some(list), Ok(places)) = (&mut list, &without_report) {
            list.leave_out(places, &letters);
        }
        let mut about_list: Vec<String> = list
            .as_ref()
            .and_then(|list| list.manifest.left_out_in_words())
            .into_iter()
            .collect();
        if let Err(faults) = &without_report {
            let why = faults.first().map_or("", |fault| fault.text.as_str());
            about_list.push(format!("Who has no report could not be found out: {why}"));
        }
        let notice = list.is_none().then(|| {
            "The dispatch list could not be read, so this record has the letters alone, without \
             the names and rows of the list."
                .to_owned()
        });
        let notice = notice
            .or_else(|| (!about_list.is_empty()).then(|| format!("{}.", about_list.join(". "))));
        let record = Self {
            batch: batch.name.clone(),
            kind,
            state_file: ledger.path().display().to_string(),
            plan: ledger.plan()?,
            made_at,
            in_use: ledger.is_in_use(),
            counts: ledger.counts()?,
            with_open_addresses: ledger.with_open_addresses()?,
            outcomes: ledger.outcomes()?,
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
    pub(crate) fn log(&self) -> &LogCheck {
        &self.log
    }

    /// How many letters a person should look at.
    #[must_use]
    pub(crate) fn to_look_into(&self) -> usize {
        self.letters
            .iter()
            .filter(|letter| letter.record.needs_a_person())
            .count()
    }
}

impl ReportedLetter {
    /// How what the list asks for differs from what was sent; nothing while nothing was sent.
    fn changes(&self) -> Changes {
        let letter = &self.record.letter;
        let mut changes = letter.changes();
        if letter.last_accepted().is_some()
            && let Some(listed) = &self.listed
        {
            // The list may have been corrected after the last run looked at it.
            let now: Vec<&str> = [&listed.to, &listed.cc, &listed.bcc]
                .into_iter()
                .flatten()
                .map(|mailbox| mailbox.address.as_str())
                .collect();
            changes.of_list(letter, &now);
        }
        changes
    }
}

/// The rows of the list that get no letter, each with why, and what stands in the way of knowing all of
/// them; none where the list cannot be read. `has_letter` knows the recipients of the state file.
#[must_use]
pub(crate) fn left_out(
    batch: &Batch,
    secrets: &Secrets,
    has_letter: &dyn Fn(&str) -> bool,
) -> Option<(Vec<LeftOut>, Option<Finding>)> {
    let (manifest, _) = Manifest::read(batch);
    let mut manifest = manifest?;
    let mut unknown = None;
    match without_files(batch, secrets) {
        Ok(places) => {
            let has_no_letter =
                |place: &&u32| !has_letter(manifest.recipient(**place as usize).id());
            let places: Vec<u32> = places.iter().filter(has_no_letter).copied().collect();
            manifest.leave_out(&places);
        }
        Err(faults) => unknown = faults.into_iter().next(),
    }
    Some((manifest.left_out().collect(), unknown))
}

impl ReportList {
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

    /// Leaves out those without a report. Who has a letter had one when it was made.
    fn leave_out(&mut self, places: &[u32], letters: &[ReportedLetter]) {
        let letters = letters.iter().map(|letter| letter.record.id.as_str());
        let known: HashSet<&str> = letters.collect();
        let has_no_letter = |place: &&u32| {
            let recipient = self.manifest.recipient(**place as usize);
            !known.contains(recipient.id())
        };
        let places: Vec<u32> = places.iter().filter(has_no_letter).copied().collect();
        self.manifest.leave_out(&places);
    }

    fn places(&self) -> HashMap<&str, usize> {
        (0..self.manifest.len())
            .map(|index| (self.manifest.recipient(index).id(), index))
            .collect()
    }
}

#[cfg(test)]
mod tests;
