//! What is known of each letter.

use std::collections::HashMap;

use rusqlite::Connection;
use serde::Serialize;

use super::projection::count;
use super::rows::{self, Key, LETTER_COLUMNS, LetterRow, letter_row};
use super::{Ledger, LedgerError, LedgerView};
use crate::lifecycle::{AddressOutcome, LetterHistory, LetterState};

/// How many letters stand where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Not sent yet.
    pub pending: u64,
    /// Taken.
    pub accepted: u64,
    /// Refused for good.
    pub rejected: u64,
    /// May have gone out.
    pub in_doubt: u64,
}

impl Counts {
    /// All letters.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.pending + self.accepted + self.rejected + self.in_doubt
    }
}

/// What became of accepted messages at their addresses, and of letters that a person should look at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Outcomes {
    /// Addresses that a message came back from.
    pub bounced: u64,
    /// Of these, those of which our own server or account was the trouble.
    pub our_side: u64,
    /// Addresses that a server still tries.
    pub delayed: u64,
    /// Addresses that it was passed on for to a server that sends no notices.
    pub relayed: u64,
    /// Addresses whose server has it in the mailbox.
    pub delivered: u64,
    /// Letters about which mail came back that a person should look at.
    pub to_look_at: u64,
}

impl Outcomes {
    /// Whether nothing came back.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// Letters of which the list wants something else by now, in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outdated {
    /// Accepted, and the list has addresses that nothing was written to.
    pub new_addresses: Vec<String>,
    /// Accepted, and another letter in the list for those who have it.
    pub changed: Vec<String>,
    /// Opened again by a person who saw another letter, and not sent since.
    pub reopened: Vec<OutdatedResend>,
}

/// A letter that was opened again and would be another one by now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutdatedResend {
    /// The recipient.
    pub id: String,
    /// Where the letter stands.
    pub state: LetterState,
    /// Whether it was to go to those who have it, too.
    pub to_all: bool,
}

/// One letter's record.
#[derive(Clone, Debug, PartialEq)]
pub struct LetterRecord {
    /// The recipient.
    pub id: String,
    /// Where the letter stands for people: a claim is a letter on its way, which is pending, or one
    /// whose run was cut off, which is in doubt.
    pub state: LetterState,
    /// The letter.
    pub letter: LetterHistory,
}

impl LetterRecord {
    /// Whether a person should look at it.
    #[must_use]
    pub fn needs_a_person(&self) -> bool {
        if self.letter.to_look_at().next().is_some() {
            return true;
        }
        match self.state {
            LetterState::Rejected | LetterState::InDoubt => true,
            LetterState::Accepted => !self.letter.open_addresses().is_empty(),
            LetterState::Pending | LetterState::Claimed => {
                self.letter.error.is_some() || !self.letter.deferred_addresses().is_empty()
            }
            LetterState::Withdrawn => false,
        }
    }
}

impl LedgerView {
    /// How many letters stand where.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn counts(&self) -> Result<Counts, LedgerError> {
        let counts = self.read(count)?;
        Ok(self.shown_counts(&counts))
    }

    fn shown_counts(&self, counts: &HashMap<LetterState, u64>) -> Counts {
        let mut shown = Counts::default();
        for (state, count) in counts {
            match self.shown(*state) {
                LetterState::Pending | LetterState::Claimed => shown.pending += count,
                LetterState::Accepted => shown.accepted += count,
                LetterState::Rejected => shown.rejected += count,
                LetterState::InDoubt => shown.in_doubt += count,
                LetterState::Withdrawn => {}
            }
        }
        shown
    }

    /// How many accepted letters have an address that they did not reach; of those that the list no longer has
    /// nobody waits for one.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn with_open_addresses(&self) -> Result<u64, LedgerError> {
        self.read(|db| {
            db.query_row(
                "SELECT count(*) FROM letters
                 WHERE state = 'accepted' AND open > 0 AND position IS NOT NULL",
                [],
                |row| row.get::<_, i64>(0),
            )
        })
        .map(i64::unsigned_abs)
    }

    /// What became of messages at their addresses.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn outcomes(&self) -> Result<Outcomes, LedgerError> {
        self.read(|db| {
            let mut outcomes = Outcomes::default();
            let mut statement = db.prepare(
                "SELECT outcome, reason = 'our_side', count(*) FROM addresses
                 WHERE outcome IS NOT NULL GROUP BY 1, 2",
            )?;
            let mut found = statement.query([])?;
            while let Some(row) = found.next()? {
                let count = row.get::<_, i64>(2)?.unsigned_abs();
                match rows::word(row, 0, AddressOutcome::parse)? {
                    AddressOutcome::Unknown => {}
                    AddressOutcome::Delayed => outcomes.delayed += count,
                    AddressOutcome::Relayed => outcomes.relayed += count,
                    AddressOutcome::Delivered => outcomes.delivered += count,
                    AddressOutcome::Bounced => {
                        outcomes.bounced += count;
                        if row.get(1)? {
                            outcomes.our_side += count;
                        }
                    }
                }
            }
            let mut statement = db.prepare(
                "SELECT DISTINCT letter FROM mail WHERE json_extract(mail, '$.is_settled') IS NULL
                    AND json_extract(mail, '$.kind') IN ('suspected', 'unclear')",
            )?;
            let mut found = statement.query([])?;
            while let Some(row) = found.next()? {
                let row = rows::load(db, Key::Seq(row.get(0)?))?;
                let is_open = row.is_some_and(|row| row.letter.to_look_at().next().is_some());
                outcomes.to_look_at += u64::from(is_open);
            }
            Ok(outcomes)
        })
    }

    /// The letters of which the list wants something else than was sent, or was to be sent again.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn outdated(&self) -> Result<Outdated, LedgerError> {
        self.read(|db| {
            let mut statement = db.prepare(&format!(
                "SELECT {LETTER_COLUMNS} WHERE planned IS NOT NULL AND position IS NOT NULL
                 ORDER BY position"
            ))?;
            let mut rows = statement.query([])?;
            let mut outdated = Outdated::default();
            while let Some(row) = rows.next()? {
                let LetterRow { id, letter, .. } = letter_row(db, row)?;
                if letter.is_reopened_of_another() {
                    outdated.reopened.push(OutdatedResend {
                        id,
                        state: letter.state,
                        to_all: letter.sending().is_some_and(|last| last.to_all),
                    });
                    continue;
                }
                if letter.state != LetterState::Accepted {
                    continue;
                }
                let changes = letter.changes();
                if !changes.new_addresses.is_empty() {
                    outdated.new_addresses.push(id);
                } else if !changes.parts.is_empty() {
                    outdated.changed.push(id);
                }
            }
            Ok(outdated)
        })
    }

    /// One letter; none when no plan had it.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn letter(&self, id: &str) -> Result<Option<LetterRecord>, LedgerError> {
        let row = self.read(|db| rows::load(db, Key::Id(id)))?;
        Ok(row.map(|row| self.record(row)))
    }

    /// Whether a letter is known to have gone out, or may have.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn has_gone_out(&self, id: &str) -> Result<bool, LedgerError> {
        let row = self.read(|db| rows::load(db, Key::Id(id)))?;
        Ok(row.is_some_and(|row| match row.letter.state {
            LetterState::Accepted | LetterState::InDoubt | LetterState::Claimed => true,
            LetterState::Pending | LetterState::Rejected | LetterState::Withdrawn => {
                row.letter.was_accepted()
            }
        }))
    }

    /// Visits every letter in the order of the manifest; those it no longer has come last. Letters
    /// that left it before anything went out are left out.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn each_letter(&self, visit: &mut dyn FnMut(LetterRecord)) -> Result<(), LedgerError> {
        self.read(|db: &Connection| {
            let mut statement = db.prepare(&format!(
                "SELECT {LETTER_COLUMNS} WHERE state <> 'withdrawn'
                 ORDER BY position IS NULL, position, seq"
            ))?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                visit(self.record(letter_row(db, row)?));
            }
            Ok(())
        })
    }

    fn record(&self, row: LetterRow) -> LetterRecord {
        LetterRecord {
            id: row.id,
            state: self.shown(row.letter.state),
            letter: row.letter,
        }
    }

    pub(super) fn shown(&self, state: LetterState) -> LetterState {
        match state {
            LetterState::Claimed if self.claims_are_in_flight => LetterState::Pending,
            LetterState::Claimed => LetterState::InDoubt,
            other => other,
        }
    }
}

impl Ledger {
    /// How many letters stand where, without counting them anew.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn counts(&mut self) -> Result<Counts, LedgerError> {
        let counts = self.projection.counts(&self.view.db);
        let counts = counts.map_err(|error| LedgerError::of(&self.view.path, &error))?;
        Ok(self.view.shown_counts(counts))
    }
}
