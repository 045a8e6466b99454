//! The plan in the ledger: adopting it, and what changed since.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension};

use super::rows::{self, Key, word};
use super::{Ledger, LedgerError, LedgerView};
use crate::digest::{Sha256Digest, hex, parse_hex};
use crate::lifecycle::{
    ChangedPart, Event, LetterState, PlanAdopted, Planned, PlannedMessage, Sending,
};

/// A letter of the plan as the ledger keeps it.
#[derive(Clone, Debug)]
pub struct AdoptedLetter {
    /// The recipient.
    pub id: String,
    /// What it carries.
    pub message: PlannedMessage,
}

/// What is left of the ledger's plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdoptedPlan {
    /// The plan's digest as hexadecimal digits.
    pub plan: String,
    /// Where its letters are sent to, if it says so.
    pub destination: Option<String>,
    /// The places and digests of the letters that were not accepted, in the order of the manifest.
    pub left: Vec<(usize, Sha256Digest)>,
}

/// How a letter differs from the ledger's plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The manifest has a new recipient.
    Added,
    /// The manifest no longer has the recipient.
    Removed,
    /// Addresses, text, attachments or sender are others.
    Changed,
}

/// One difference between the plan that was begun and the one that was made now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanDifference {
    /// The recipient.
    pub id: String,
    /// What changed.
    pub change: Change,
    /// Of a letter that changed, what of it did; nothing while nobody has looked.
    pub parts: Vec<ChangedPart>,
    /// Where the letter stands.
    pub state: LetterState,
}

impl LedgerView {
    /// The digest of the plan as hexadecimal digits; none while there is no plan.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn plan(&self) -> Result<Option<String>, LedgerError> {
        self.read(|db| meta(db, "plan"))
    }

    /// What Message-IDs are made of beside batch and letter; none unless [`Ledger::rename`] set it.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn names(&self) -> Result<Option<String>, LedgerError> {
        self.read(|db| meta(db, "names"))
    }

    /// Where the letters of the plan are sent to; none while there is no plan, or when an older program
    /// adopted it.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn destination(&self) -> Result<Option<String>, LedgerError> {
        self.read(|db| meta(db, "destination"))
    }

    /// Whether each letter of the list is wanted as it is made now, by the digests at their places.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn is_planned_as(
        &self,
        digest_at: &dyn Fn(usize) -> Option<Sha256Digest>,
    ) -> Result<bool, LedgerError> {
        self.read(|db| {
            let mut statement =
                db.prepare("SELECT position, digest FROM letters WHERE position IS NOT NULL")?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let place = usize::try_from(row.get::<_, i64>(0)?).unwrap_or(usize::MAX);
                if digest_at(place) != Some(row.get(1)?) {
                    return Ok(false);
                }
            }
            Ok(true)
        })
    }

    /// What differs between the ledger's plan and the letters given in order.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn differences<'a>(
        &self,
        letters: impl Iterator<Item = (&'a str, Sha256Digest)>,
    ) -> Result<Vec<PlanDifference>, LedgerError> {
        let mut comparison = self.read(PlanComparison::with)?;
        for (id, digest) in letters {
            comparison.strike_off(id, digest);
        }
        let mut differences = comparison.end();
        for difference in &mut differences {
            difference.state = self.shown(difference.state);
        }
        Ok(differences)
    }

    /// What is left of the plan, if it was made of these sources.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn begun(&self, sources: &Sha256Digest) -> Result<Option<AdoptedPlan>, LedgerError> {
        self.read(|db| {
            let plan = db
                .query_row(
                    "SELECT plan.value FROM meta plan JOIN meta sources
                     WHERE plan.key = 'plan' AND sources.key = 'sources' AND sources.value = ?1",
                    [hex(sources)],
                    |row| row.get(0),
                )
                .optional()?;
            let Some(plan) = plan else { return Ok(None) };
            let left = db
                .prepare(
                    "SELECT position, digest FROM letters
                     WHERE state IN ('pending', 'claimed', 'rejected', 'in_doubt')
                        AND position IS NOT NULL ORDER BY position",
                )?
                .query_map([], |row| {
                    let position = usize::try_from(row.get::<_, i64>(0)?);
                    Ok((position.unwrap_or(usize::MAX), row.get(1)?))
                })?
                .collect::<rusqlite::Result<_>>()?;
            let destination = meta(db, "destination")?;
            Ok(Some(AdoptedPlan {
                plan,
                destination,
                left,
            }))
        })
    }
}

impl Ledger {
    /// Remembers that the plan was made of other sources, for [`LedgerView::begun`].
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn set_sources(&mut self, sources: &Sha256Digest) -> Result<(), LedgerError> {
        let known = self.read(|db| meta(db, "sources"))?;
        if known == Some(hex(sources)) {
            return Ok(());
        }
        let (began, event) = (self.began, Event::SourcesChanged { sources: *sources });
        self.append(|log| log.append(began, None, &event))
    }

    /// Adopts a plan: new letters are pending, letters not sent yet take their new form, letters
    /// that the manifest no longer has are withdrawn. What was handed over stays as it was recorded,
    /// whatever changed.
    ///
    /// # Errors
    /// When the file cannot be written; then it is as it was.
    pub fn adopt(
        &mut self,
        plan: &str,
        destination: &str,
        sources: &Sha256Digest,
        letters: impl Iterator<Item = AdoptedLetter>,
    ) -> Result<(), LedgerError> {
        let began = self.began;
        let mut gone = self.read(listed)?;
        self.append(|log| {
            let is_new = gone.is_empty();
            let mut count = 0;
            for (position, mut letter) in (0..).zip(letters) {
                count += 1;
                gone.remove(&letter.id);
                let known = if is_new {
                    None
                } else {
                    rows::load(log.db(), Key::Id(&letter.id))?
                };
                // What an older program did not keep of the same letter is not another letter.
                if let Some(wanted) = known.as_ref().and_then(|row| row.letter.wanted())
                    && wanted.digest == letter.message.digest
                {
                    letter.message.parts = wanted.parts;
                }
                // Names that changed meanwhile are for what has not gone out.
                if let Some(row) = &known
                    && row.letter.was_accepted()
                    && let Some(wanted) = row.letter.wanted()
                    && wanted.digest == letter.message.digest
                {
                    letter.message.message_id.clone_from(&wanted.message_id);
                }
                let is_same = known.is_some_and(|row| {
                    row.position == Some(position) && row.letter.wanted() == Some(&letter.message)
                });
                if !is_same {
                    let planned = Planned {
                        position,
                        message: letter.message,
                    };
                    log.append(began, Some(&letter.id), &Event::Planned(Box::new(planned)))?;
                }
            }
            let mut gone: Vec<(i64, String)> =
                gone.into_iter().map(|(id, seq)| (seq, id)).collect();
            gone.sort_unstable();
            for (_, id) in gone {
                log.append(began, Some(&id), &Event::Withdrawn {})?;
            }
            let adopted = PlanAdopted {
                plan: plan.to_owned(),
                destination: Some(destination.to_owned()),
                letters: count,
                sources: *sources,
                names: None,
            };
            log.append(began, None, &Event::PlanAdopted(adopted))
        })
    }

    /// Gives the letters of the plan that have not gone out Message-IDs of their own, made of `names`,
    /// by which nobody takes a message of another batch for one of this one. Those that a transport
    /// had in hand keep theirs unless `also_tried`.
    ///
    /// # Errors
    /// When the file cannot be written; then it is as it was.
    pub fn rename(
        &mut self,
        names: &str,
        also_tried: bool,
        message_id: &dyn Fn(&str, &Sha256Digest) -> String,
    ) -> Result<(), LedgerError> {
        let began = self.began;
        let (Some(plan), Some(sources)) = (self.plan()?, self.read(|db| meta(db, "sources"))?)
        else {
            return Ok(());
        };
        let letters = self.read(listed)?.len() as u64;
        let unsent: Vec<i64> = self.read(|db| {
            db.prepare(
                "SELECT seq FROM letters WHERE state IN ('pending', 'rejected', 'in_doubt')
                    AND position IS NOT NULL ORDER BY position",
            )?
            .query_map([], |row| row.get(0))?
            .collect()
        })?;
        self.append(|log| {
            for seq in unsent {
                let Some(row) = rows::load(log.db(), Key::Seq(seq))? else {
                    continue;
                };
                let is_tried = row.letter.sending().is_some_and(Sending::is_handed_over);
                let (Some(position), Some(wanted)) = (row.position, row.letter.wanted()) else {
                    continue;
                };
                if row.letter.was_accepted() || is_tried && !also_tried {
                    continue;
                }
                let message = PlannedMessage {
                    message_id: message_id(&row.id, &wanted.digest),
                    ..wanted.clone()
                };
                let planned = Event::Planned(Box::new(Planned { position, message }));
                log.append(began, Some(&row.id), &planned)?;
            }
            let adopted = PlanAdopted {
                plan,
                // It is where it was.
                destination: None,
                letters,
                sources: parse_hex(&sources).ok_or(rusqlite::Error::QueryReturnedNoRows)?,
                names: Some(names.to_owned()),
            };
            log.append(began, None, &Event::PlanAdopted(adopted))
        })
    }

    /// Throws the recorded plan away, as a rehearsal does before it starts anew.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn clear_rehearsal(&mut self) -> Result<(), LedgerError> {
        let began = self.began;
        self.append(|log| log.append(began, None, &Event::RehearsalCleared {}))
    }
}

fn meta(db: &Connection, key: &str) -> rusqlite::Result<Option<String>> {
    db.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| {
        row.get(0)
    })
    .optional()
}

/// The letters that the list has, with their numbers.
fn listed(db: &Connection) -> rusqlite::Result<HashMap<String, i64>> {
    db.prepare("SELECT id, seq FROM letters WHERE position IS NOT NULL")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

/// The letters of the recorded plan, struck off as those of another one come by.
struct PlanComparison {
    known: HashMap<String, (Sha256Digest, LetterState)>,
    differences: Vec<PlanDifference>,
}

impl PlanComparison {
    fn with(db: &Connection) -> rusqlite::Result<Self> {
        let known = db
            .prepare(
                // Of one that went out it is what went out that counts, not what the list wanted of it since.
                "SELECT id, coalesce(iif(planned IS NULL OR state <> 'accepted', NULL,
                        (SELECT coalesce(made_from, digest) FROM sendings
                         WHERE letter = seq AND state = 'accepted' ORDER BY number DESC LIMIT 1)),
                    digest), state
                 FROM letters WHERE position IS NOT NULL",
            )?
            .query_map([], |row| {
                let state = word(row, 2, LetterState::parse)?;
                Ok((row.get(0)?, (row.get(1)?, state)))
            })?
            .collect::<rusqlite::Result<_>>()?;
        Ok(Self {
            known,
            differences: Vec::new(),
        })
    }

    fn strike_off(&mut self, id: &str, digest: Sha256Digest) {
        let (change, state) = match self.known.remove(id) {
            None => (Change::Added, LetterState::Pending),
            Some((other, state)) if other != digest => (Change::Changed, state),
            Some(_) => return,
        };
        self.differences.push(PlanDifference {
            id: id.to_owned(),
            change,
            parts: Vec::new(),
            state,
        });
    }

    fn end(mut self) -> Vec<PlanDifference> {
        let mut removed: Vec<_> = self.known.into_iter().collect();
        removed.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        self.differences
            .extend(removed.into_iter().map(|(id, (_, state))| PlanDifference {
                id,
                change: Change::Removed,
                parts: Vec::new(),
                state,
            }));
        self.differences
    }
}
