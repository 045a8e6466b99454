//! What mail that came back appends. It may be read beside a run, so this does not take the lock that
//! keeps a second run out: SQLite lets one writer in at a time, and each finds the end of the log anew.
//!
//! A run keeps in memory which letters are left. What is about one of these waits until it has ended.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags};

use super::lock::Lock;
use super::log::{Log, event_of};
use super::projection::{Projection, ProjectionError};
use super::rows::{self, Key};
use super::schema::VERSION;
use super::{BatchIdentity, Holder, Ledger, LedgerError, LedgerView};
use crate::lifecycle::{Addresses, Event, LetterHistory, LetterState, MailEvidence};

/// A state file that mail which came back is entered into.
#[derive(Debug)]
pub(crate) struct ReturnsLedger {
    view: LedgerView,
    projection: Projection,
    /// Letters by the hashes of the Message-IDs of their messages.
    by_message_id: HashMap<u64, i64>,
    /// Letters by the hashes of the addresses that they were written to.
    by_address: HashMap<u64, Vec<i64>>,
    /// Digests and Message-IDs of mail that was read before.
    known: HashSet<String>,
    /// The last event that was looked at for these.
    seen: i64,
}

/// What one mail tells of letters.
#[derive(Clone, Debug)]
pub(crate) struct ReturnedMail {
    /// What tells of it.
    pub evidence: MailEvidence,
    /// Each letter by its id, and what happens to it.
    pub events: Vec<(String, Event)>,
}

/// What became of a mail that was to be entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entered {
    /// It is in the log.
    Appended,
    /// It was there before.
    Known,
    /// A run works with a letter that it is about.
    Waits,
    /// The life of the letter does not allow it.
    Impossible,
}

impl ReturnsLedger {
    /// Opens the state file, and brings one of an older format up to date.
    ///
    /// # Errors
    /// When there is none, or it cannot be trusted; for one of an older format also when a run holds
    /// it.
    pub(crate) fn open(
        path: &Path,
        identity: &BatchIdentity,
        holder: &Holder,
    ) -> Result<Self, LedgerError> {
        let mut view = LedgerView::open(path, identity)?;
        if view.format != VERSION {
            let ledger = Ledger::open(path, identity, holder)?;
            ledger.end_run(holder.started, "brought up to date").1?;
        }
        view = LedgerView::connect(path, identity, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let mut ledger = Self {
            view,
            projection: Projection::default(),
            by_message_id: HashMap::new(),
            by_address: HashMap::new(),
            known: HashSet::new(),
            seen: 0,
        };
        ledger
            .index()
            .map_err(|error| LedgerError::of(path, &error))?;
        Ok(ledger)
    }

    /// The file, to be looked at.
    #[must_use]
    pub(crate) fn view(&self) -> &LedgerView {
        &self.view
    }

    /// The file, when nothing more is to be entered.
    #[must_use]
    pub(crate) fn into_view(self) -> LedgerView {
        self.view
    }

    fn index(&mut self) -> rusqlite::Result<()> {
        let db = &self.view.db;
        let mut statement = db.prepare(
            "SELECT letter, message_id, addresses FROM sendings
             WHERE attempts > 0 OR state <> 'ready' ORDER BY letter, number",
        )?;
        let mut found = statement.query([])?;
        while let Some(row) = found.next()? {
            let letter: i64 = row.get(0)?;
            self.by_message_id
                .insert(hash(row.get_ref(1)?.as_str()?), letter);
            let addresses: Addresses = rows::parsed(2, row.get_ref(2)?.as_str()?)?;
            for (_, address) in addresses.each() {
                let letters = self
                    .by_address
                    .entry(hash(&address.to_lowercase()))
                    .or_default();
                if letters.last() != Some(&letter) {
                    letters.push(letter);
                }
            }
        }
        self.seen = look_for_known(db, 0, &mut self.known)?;
        Ok(())
    }

    /// Whether a mail with this digest, or this Message-ID of its own, was read before.
    #[must_use]
    pub(crate) fn is_known(&self, evidence: &MailEvidence) -> bool {
        is_known(&self.known, evidence)
    }

    /// Whether a mail with this Message-ID of its own was read before.
    #[must_use]
    pub(crate) fn is_known_by_id(&self, id: &str) -> bool {
        self.known.contains(id)
    }

    /// The letter one of whose messages has this Message-ID and was handed over.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn by_message_id(
        &self,
        id: &str,
    ) -> Result<Option<(String, LetterHistory)>, LedgerError> {
        let Some(seq) = self.by_message_id.get(&hash(id)) else {
            return Ok(None);
        };
        let row = self.view.read(|db| rows::load(db, Key::Seq(*seq)))?;
        let has_it = |letter: &LetterHistory| {
            let mut sendings = letter.sendings.iter();
            sendings.any(|sending| sending.message.message_id == id && sending.is_handed_over())
        };
        Ok(row
            .filter(|row| has_it(&row.letter))
            .map(|row| (row.id, row.letter)))
    }

    /// The letters that were written to an address.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn by_address(
        &self,
        address: &str,
    ) -> Result<Vec<(String, LetterHistory)>, LedgerError> {
        let seqs = self.by_address.get(&hash(&address.to_lowercase()));
        let mut letters = Vec::new();
        for seq in seqs.into_iter().flatten() {
            let row = self.view.read(|db| rows::load(db, Key::Seq(*seq)))?;
            letters.extend(row.map(|row| (row.id, row.letter)));
        }
        Ok(letters)
    }

    /// Enters mail in one commit, which is on the disk when this returns, and says what became of
    /// each.
    ///
    /// # Errors
    /// When the file cannot be written; then none was entered.
    pub(crate) fn enter(
        &mut self,
        mail: &[ReturnedMail],
        at: Timestamp,
    ) -> Result<Vec<Entered>, LedgerError> {
        let path = self.view.path.clone();
        let entered = self.try_enter(mail, at);
        if entered.is_err() {
            self.projection.forget();
        }
        entered.map_err(|error| match error {
            EnterError::Ledger(error) => error,
            EnterError::Storage(error) => LedgerError::of(&path, &error),
        })
    }

    fn try_enter(
        &mut self,
        mail: &[ReturnedMail],
        at: Timestamp,
    ) -> Result<Vec<Entered>, EnterError> {
        let transaction = self.view.db.transaction()?;
        self.projection.follow(&transaction)?;
        self.seen = look_for_known(&transaction, self.seen, &mut self.known)?;
        let mut log = Log::end(&transaction, &mut self.projection, None)?;
        // Held while it is needed, and only then: a run that begins meanwhile must find it free.
        let mut lock = None;
        let mut all = Vec::with_capacity(mail.len());
        for returned in mail {
            if is_known(&self.known, &returned.evidence) {
                all.push(Entered::Known);
                continue;
            }
            if !all_at_rest(log.db(), &returned.events)? {
                if lock.is_none() {
                    lock = Some(match Lock::take(&self.view.path) {
                        Ok(lock) => Some(lock),
                        Err(LedgerError::Held { .. }) => None,
                        Err(error) => return Err(EnterError::Ledger(error)),
                    });
                }
                if matches!(lock, Some(None)) {
                    all.push(Entered::Waits);
                    continue;
                }
            }
            let mut entered = Entered::Impossible;
            for (id, event) in &returned.events {
                match log.append(at, Some(id), event) {
                    Ok(()) => entered = Entered::Appended,
                    Err(ProjectionError::Illegal(_)) => {}
                    Err(ProjectionError::Storage(error)) => return Err(error.into()),
                }
            }
            if entered == Entered::Appended {
                learn(&mut self.known, &returned.evidence);
            }
            all.push(entered);
        }
        let end = log.reached();
        transaction.commit()?;
        self.seen = i64::try_from(end.events).unwrap_or(i64::MAX);
        Ok(all)
    }
}

enum EnterError {
    Ledger(LedgerError),
    Storage(rusqlite::Error),
}

impl From<rusqlite::Error> for EnterError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Storage(error)
    }
}

/// Whether no run can have one of these letters left to send.
fn all_at_rest(db: &Connection, events: &[(String, Event)]) -> rusqlite::Result<bool> {
    for (id, _) in events {
        let row = rows::load(db, Key::Id(id))?;
        if row.is_some_and(|row| row.letter.state != LetterState::Accepted) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn is_known(known: &HashSet<String>, evidence: &MailEvidence) -> bool {
    let has_id = evidence
        .message_id
        .as_ref()
        .is_some_and(|id| known.contains(id));
    has_id || known.contains(&evidence.sha256)
}

fn learn(known: &mut HashSet<String>, evidence: &MailEvidence) {
    known.insert(evidence.sha256.clone());
    known.extend(evidence.message_id.clone());
}

/// Learns what mail the events after one tell of, and gives the last of them.
fn look_for_known(
    db: &Connection,
    after: i64,
    known: &mut HashSet<String>,
) -> rusqlite::Result<i64> {
    let mut statement = db.prepare_cached(
        "SELECT seq, kind, body FROM events WHERE seq > ?1 AND kind IN ('bounced', 'delayed',
            'relayed', 'delivered', 'automatic_answer', 'answer', 'read', 'suspected', 'unclear')",
    )?;
    let mut rows = statement.query([after])?;
    while let Some(row) = rows.next()? {
        let event = event_of(row.get_ref(1)?.as_str()?, row.get_ref(2)?.as_str()?);
        let evidence = event
            .ok()
            .as_ref()
            .and_then(|event| MailEvidence::parse(event.evidence()?));
        if let Some(evidence) = evidence {
            learn(known, &evidence);
        }
    }
    db.prepare_cached("SELECT coalesce(max(seq), 0) FROM events")?
        .query_row([], |row| row.get(0))
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
