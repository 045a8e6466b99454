//! Where the log says that each letter stands.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension};
use serde::de::DeserializeOwned;

use super::event::{ChangesAccepted, ClaimEnded, ClaimMade, Kind, PlanTaken, Resolved};
use super::log::{Fields, record_digest};
use super::resolve::ACCEPTED_BY_HAND;
use super::run::CUT_OFF;
use super::verify::Flaw;
use super::{Change, Refusal};

/// The letters and the plan, as the events so far tell of them.
#[derive(Default)]
pub(super) struct Told {
    letters: HashMap<String, Letter>,
    plan: Option<PlanTaken>,
    /// Whether the file is older than its log.
    is_older: bool,
}

/// One letter, as told.
#[derive(Default)]
struct Letter {
    /// The last event that told of it.
    event: i64,
    claims: u32,
    /// As the state column has it, but that the letters' places tell pending from withdrawn.
    state: &'static str,
    /// Its row's digest when it was last claimed.
    record: Option<String>,
    accepted_at: Option<i64>,
    receipt: Option<String>,
    refused: Vec<Refusal>,
    error: Option<(String, String)>,
}

impl Told {
    /// Takes one event in. An error says why it cannot be.
    pub fn take(&mut self, kind: Kind, event: &Fields<'_>) -> Result<(), String> {
        match kind {
            Kind::EarlierHistory if event.seq > 1 => {
                return Err(format!("event {} cannot stand after others", event.seq));
            }
            Kind::EarlierHistory => self.is_older = true,
            Kind::RehearsalCleared => *self = Self::default(),
            Kind::PlanTaken => self.plan = Some(body(event)?),
            Kind::ChangesAccepted => self.change(&body(event)?),
            Kind::RunBegun | Kind::RunEnded | Kind::Throttled => {}
            Kind::Claimed => {
                let made: ClaimMade = body(event)?;
                let letter = self.letter(event)?;
                letter.state = "claimed";
                letter.claims += 1;
                letter.record = Some(made.record);
            }
            Kind::Settled | Kind::LookedUp => {
                let ended: ClaimEnded = body(event)?;
                self.letter(event)?.settle(ended, event.at)?;
            }
            Kind::CutOff => {
                let letter = self.letter(event)?;
                letter.state = "in_doubt";
                letter.error = Some((CUT_OFF.0.to_owned(), CUT_OFF.1.to_owned()));
            }
            Kind::RetryRejected => self.letter(event)?.state = "pending",
            Kind::Resolved => {
                let resolved: Resolved = body(event)?;
                let letter = self.letter(event)?;
                letter.error = None;
                (letter.state, letter.accepted_at, letter.receipt) = if resolved.accepted {
                    (
                        "accepted",
                        Some(event.at),
                        Some(ACCEPTED_BY_HAND.to_owned()),
                    )
                } else {
                    ("pending", None, None)
                };
            }
        }
        Ok(())
    }

    fn letter(&mut self, event: &Fields<'_>) -> Result<&mut Letter, String> {
        let id = event
            .letter
            .ok_or_else(|| format!("event {} names no letter", event.seq))?;
        let letter = self.letters.entry(id.to_owned()).or_default();
        letter.event = event.seq;
        Ok(letter)
    }

    fn change(&mut self, accepted: &ChangesAccepted) {
        for change in &accepted.changes {
            let Some(letter) = self.letters.get_mut(&change.id) else {
                continue;
            };
            match (change.change, letter.state) {
                (Change::Removed, "pending" | "rejected") => letter.state = "withdrawn",
                (Change::Added, "withdrawn") => letter.state = "pending",
                _ => {}
            }
        }
    }

    /// Compares with the letters as they stand: how many of them the log cannot speak of, and the
    /// first that is elsewhere.
    pub fn compare(mut self, db: &Connection) -> rusqlite::Result<(u64, Option<Flaw>)> {
        let mut unknown = 0;
        let mut in_plan = 0;
        let mut statement = db.prepare(
            "SELECT id, state, position, message_id, addresses, attachments, attempts, accepted_at,
                receipt, refused, error_code, error_text FROM letters ORDER BY seq",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let id: String = row.get(0)?;
            let in_manifest = row.get::<_, Option<i64>>(2)?.is_some();
            in_plan += u64::from(in_manifest);
            let attempts: u32 = row.get(6)?;
            let stored = Letter {
                event: 0,
                claims: attempts,
                state: known_state(&row.get::<_, String>(1)?),
                record: Some(record_digest(
                    &row.get::<_, String>(3)?,
                    &row.get::<_, String>(4)?,
                    &row.get::<_, String>(5)?,
                )),
                accepted_at: row.get(7)?,
                receipt: row.get(8)?,
                refused: row
                    .get::<_, Option<String>>(9)?
                    .and_then(|json| serde_json::from_str(&json).ok())
                    .unwrap_or_default(),
                error: row
                    .get::<_, Option<String>>(10)?
                    .zip(row.get::<_, Option<String>>(11)?),
            };
            let told = self.letters.remove(&id);
            if told.is_none() && self.is_older && attempts > 0 {
                unknown += 1;
                continue;
            }
            let told = told.unwrap_or_default();
            if let Some(text) = told.differs(&stored, in_manifest, self.is_older) {
                let event = (told.event > 0).then_some(told.event);
                return Ok((unknown, Some(Flaw::new(event, Some(&id), text))));
            }
        }
        if let Some((id, letter)) = self.letters.iter().min_by_key(|(_, letter)| letter.event) {
            let text = "the log tells of a letter that the file no longer has";
            return Ok((unknown, Some(Flaw::new(Some(letter.event), Some(id), text))));
        }
        let plan: Option<String> = db
            .query_row("SELECT value FROM meta WHERE key = 'plan'", [], |row| {
                row.get(0)
            })
            .optional()?;
        Ok((unknown, self.plan_differs(plan.as_deref(), in_plan)))
    }

    fn plan_differs(&self, plan: Option<&str>, letters: u64) -> Option<Flaw> {
        let same = match &self.plan {
            Some(told) => plan == Some(&told.plan) && letters == told.letters,
            None => self.is_older || (plan.is_none() && letters == 0),
        };
        let text = "the plan, or the number of its letters, is not the one that the log tells of";
        (!same).then(|| Flaw::new(None, None, text))
    }
}

impl Letter {
    /// What follows from the end of a claim, as the settling writes it.
    fn settle(&mut self, ended: ClaimEnded, at: i64) -> Result<(), String> {
        self.state = match ended.outcome.as_str() {
            "accepted" => "accepted",
            "rejected" => "rejected",
            "in_doubt" => "in_doubt",
            "not_taken" => "pending",
            other => return Err(format!("an event tells of an unknown outcome `{other}`")),
        };
        let is_accepted = self.state == "accepted";
        self.accepted_at = is_accepted.then_some(at);
        self.refused = ended.refused;
        (self.receipt, self.error) = match ended.code {
            Some(code) => (None, Some((code, ended.text))),
            None => (Some(ended.text), None),
        };
        Ok(())
    }

    /// What of the stored letter is not as told.
    fn differs(&self, stored: &Self, in_manifest: bool, is_older: bool) -> Option<String> {
        let state = match self.state {
            "" | "pending" | "withdrawn" if in_manifest => "pending",
            "" | "pending" | "withdrawn" => "withdrawn",
            told => told,
        };
        // A letter not yet sent takes the form of the plan; all others keep that of their claim.
        let is_fixed = matches!(state, "accepted" | "in_doubt" | "claimed");
        let differs = if state != stored.state {
            return Some(format!(
                "the letter is {} and the log tells that it is {state}",
                stored.state
            ));
        } else if self.accepted_at != stored.accepted_at {
            "the time at which the letter was accepted"
        } else if self.receipt != stored.receipt || self.refused != stored.refused {
            "what the far side said of the letter"
        } else if self.error != stored.error && !(is_older && self.error.is_none()) {
            "the letter's error"
        } else if is_fixed && self.record.is_some() && self.record != stored.record {
            "the letter's Message-ID, addresses or attachments"
        } else if self.claims != stored.claims && !is_older {
            "the number of its tries"
        } else {
            return None;
        };
        Some(format!("{differs} is not as the log tells"))
    }
}

fn known_state(word: &str) -> &'static str {
    [
        "pending",
        "claimed",
        "accepted",
        "rejected",
        "in_doubt",
        "withdrawn",
    ]
    .into_iter()
    .find(|state| *state == word)
    .unwrap_or("in an unknown state")
}

fn body<T: DeserializeOwned>(event: &Fields<'_>) -> Result<T, String> {
    serde_json::from_str(event.body)
        .map_err(|error| format!("event {} cannot be read: {error}", event.seq))
}
