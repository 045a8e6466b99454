//! The plan in the ledger: taking it in, and telling what changed since.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde::{Deserialize, Serialize};

use super::event::{ChangesAccepted, Kind, Nothing, PlanTaken};
use super::log::{Log, hex};
use super::{Ledger, LedgerError, State};

/// A letter of the plan as the ledger keeps it.
#[derive(Clone, Debug)]
pub struct LetterRecord {
    /// The recipient.
    pub id: String,
    /// The digest over everything that leaves.
    pub digest: [u8; 32],
    /// The Message-ID.
    pub message_id: String,
    /// To, Cc and Bcc as JSON.
    pub addresses: String,
    /// Names, digests and sizes as JSON.
    pub attachments: String,
}

/// What is left of the ledger's plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// The plan's digest as hexadecimal digits.
    pub plan: String,
    /// The places and digests of the letters that were not accepted, in the order of the manifest.
    pub left: Vec<(usize, [u8; 32])>,
}

/// How a letter differs from the ledger's plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// The manifest has a new recipient.
    Added,
    /// The manifest no longer has the recipient.
    Removed,
    /// Addresses, text, attachments or sender are others.
    Changed,
}

/// One difference between the plan that was begun and the one that was made now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The recipient.
    pub id: String,
    /// What changed.
    pub change: Change,
    /// Where the letter stands.
    pub state: State,
}

impl Ledger {
    /// Whether a plan was taken in already.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn has_plan(&self) -> Result<bool, LedgerError> {
        Ok(self.plan()?.is_some())
    }

    /// The digest of the plan as hexadecimal digits.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn plan(&self) -> Result<Option<String>, LedgerError> {
        self.db
            .query_row("SELECT value FROM meta WHERE key = 'plan'", [], |row| {
                row.get(0)
            })
            .optional()
            .map_err(|error| LedgerError::of(&self.path, &error))
    }

    /// What differs between the ledger's plan and the letters given in order.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn differences<'a>(
        &self,
        letters: impl Iterator<Item = (&'a str, [u8; 32])>,
    ) -> Result<Vec<Difference>, LedgerError> {
        let mut comparison =
            Comparison::with(&self.db).map_err(|error| LedgerError::of(&self.path, &error))?;
        for (id, digest) in letters {
            comparison.take(id, digest);
        }
        Ok(comparison.end())
    }

    /// What is left of the plan, if it was made of these sources.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn begun(&self, sources: &[u8; 32]) -> Result<Option<Begun>, LedgerError> {
        let read = || -> rusqlite::Result<Option<Begun>> {
            let plan = self
                .db
                .query_row(
                    "SELECT plan.value FROM meta plan JOIN meta sources
                     WHERE plan.key = 'plan' AND sources.key = 'sources' AND sources.value = ?1",
                    [hex(sources)],
                    |row| row.get(0),
                )
                .optional()?;
            let Some(plan) = plan else { return Ok(None) };
            let mut statement = self.db.prepare(
                "SELECT position, digest FROM letters
                 WHERE state IN ('pending', 'claimed', 'rejected', 'in_doubt')
                    AND position IS NOT NULL ORDER BY position",
            )?;
            let place = |row: &rusqlite::Row<'_>| -> rusqlite::Result<(usize, [u8; 32])> {
                let position = usize::try_from(row.get::<_, i64>(0)?).unwrap_or(usize::MAX);
                Ok((position, row.get(1)?))
            };
            let left = statement.query_map([], place)?;
            let left = left.collect::<rusqlite::Result<_>>()?;
            Ok(Some(Begun { plan, left }))
        };
        read().map_err(|error| LedgerError::of(&self.path, &error))
    }

    /// Remembers what the plan was made of, for [`Ledger::begun`].
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn set_sources(&self, sources: &[u8; 32]) -> Result<(), LedgerError> {
        self.db
            .execute(
                "INSERT INTO meta VALUES ('sources', ?1)
                 ON CONFLICT (key) DO UPDATE SET value = ?1 WHERE value <> ?1",
                [hex(sources)],
            )
            .map(|_| ())
            .map_err(|error| LedgerError::of(&self.path, &error))
    }

    /// Takes a plan in: new letters are pending, letters not sent yet take their new form, letters
    /// that the manifest no longer has are withdrawn. Accepted letters and those in doubt keep what
    /// was recorded of them, whatever changed. What the plan was made of is not known until
    /// [`Ledger::set_sources`] tells.
    ///
    /// # Errors
    /// When the file cannot be written; then it is as it was.
    pub fn adopt(
        &mut self,
        plan: &str,
        letters: impl Iterator<Item = LetterRecord>,
    ) -> Result<(), LedgerError> {
        let path = self.path.clone();
        self.write_plan(plan, letters)
            .map_err(|error| LedgerError::of(&path, &error))
    }

    fn write_plan(
        &mut self,
        plan: &str,
        letters: impl Iterator<Item = LetterRecord>,
    ) -> rusqlite::Result<()> {
        let (run, began) = (self.run, self.began);
        let transaction = self.db.transaction()?;
        let mut comparison = has_plan(&transaction)?
            .then(|| Comparison::with(&transaction))
            .transpose()?;
        let mut count = 0;
        transaction.execute("UPDATE letters SET position = NULL", [])?;
        transaction.execute("DELETE FROM meta WHERE key = 'sources'", [])?;
        {
            let mut insert = transaction.prepare(
                "INSERT INTO letters (id, position, digest, state, message_id, addresses, attachments)
                 VALUES (?1, ?2, ?3, 'pending', ?4, ?5, ?6)
                 ON CONFLICT (id) DO UPDATE SET
                    position = excluded.position,
                    digest = excluded.digest,
                    message_id = iif(state IN ('accepted', 'in_doubt'), message_id, excluded.message_id),
                    addresses = iif(state IN ('accepted', 'in_doubt'), addresses, excluded.addresses),
                    attachments = iif(state IN ('accepted', 'in_doubt'), attachments, excluded.attachments),
                    state = iif(state = 'withdrawn', 'pending', state)",
            )?;
            for (position, letter) in letters.enumerate() {
                count += 1;
                if let Some(comparison) = &mut comparison {
                    comparison.take(&letter.id, letter.digest);
                }
                insert.execute(params![
                    letter.id,
                    i64::try_from(position).unwrap_or(i64::MAX),
                    letter.digest,
                    letter.message_id,
                    letter.addresses,
                    letter.attachments,
                ])?;
            }
        }
        transaction.execute(
            "UPDATE letters SET state = 'withdrawn'
             WHERE position IS NULL AND state IN ('pending', 'rejected')",
            [],
        )?;
        transaction.execute(
            "INSERT INTO meta VALUES ('plan', ?1) ON CONFLICT (key) DO UPDATE SET value = ?1",
            [plan],
        )?;
        let mut log = Log::end(&transaction, run)?;
        let changes = comparison.map(Comparison::end).unwrap_or_default();
        if !changes.is_empty() {
            let changes = ChangesAccepted { changes };
            log.append(&transaction, began, Kind::ChangesAccepted, None, &changes)?;
        }
        let taken = PlanTaken {
            plan: plan.to_owned(),
            letters: count,
        };
        log.append(&transaction, began, Kind::PlanTaken, None, &taken)?;
        transaction.commit()
    }

    /// Throws the recorded plan away, as a rehearsal does before it starts anew.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn clear_rehearsal(&mut self) -> Result<(), LedgerError> {
        let (run, began) = (self.run, self.began);
        let mut write = || -> rusqlite::Result<()> {
            let transaction = self.db.transaction()?;
            transaction.execute_batch(
                "DELETE FROM attempts; DELETE FROM letters; DELETE FROM meta WHERE key = 'plan';",
            )?;
            let mut log = Log::end(&transaction, run)?;
            log.append(
                &transaction,
                began,
                Kind::RehearsalCleared,
                None,
                &Nothing {},
            )?;
            transaction.commit()
        };
        write().map_err(|error| LedgerError::of(&self.path, &error))
    }
}

fn has_plan(transaction: &Transaction<'_>) -> rusqlite::Result<bool> {
    transaction.query_row(
        "SELECT EXISTS (SELECT 1 FROM meta WHERE key = 'plan')",
        [],
        |row| row.get(0),
    )
}

/// The letters of the recorded plan, struck off as those of another one come by.
struct Comparison {
    known: HashMap<String, ([u8; 32], State)>,
    differences: Vec<Difference>,
}

impl Comparison {
    fn with(db: &Connection) -> rusqlite::Result<Self> {
        let mut statement =
            db.prepare("SELECT id, digest, state FROM letters WHERE position IS NOT NULL")?;
        let known = statement
            .query_map([], |row| {
                let state: String = row.get(2)?;
                let state = State::parse(&state).unwrap_or(State::InDoubt);
                Ok((row.get(0)?, (row.get(1)?, state)))
            })?
            .collect::<rusqlite::Result<_>>()?;
        Ok(Self {
            known,
            differences: Vec::new(),
        })
    }

    fn take(&mut self, id: &str, digest: [u8; 32]) {
        let (change, state) = match self.known.remove(id) {
            None => (Change::Added, State::Pending),
            Some((other, state)) if other != digest => (Change::Changed, state),
            Some(_) => return,
        };
        self.differences.push(Difference {
            id: id.to_owned(),
            change,
            state,
        });
    }

    fn end(mut self) -> Vec<Difference> {
        let mut removed: Vec<_> = self.known.into_iter().collect();
        removed.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        self.differences
            .extend(removed.into_iter().map(|(id, (_, state))| Difference {
                id,
                change: Change::Removed,
                state,
            }));
        self.differences
    }
}
