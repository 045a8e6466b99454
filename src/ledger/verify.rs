//! Whether the log is whole: each event fits to the one before it, and the letters are where the log
//! says that they are.

use super::event::Kind;
use super::log::{Fields, Hash, beginning, hex};
use super::told::Told;
use super::{Ledger, LedgerError};

/// What a look through the log found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogCheck {
    /// Whether there is a log: files that an older program began have none until the next run.
    pub has_log: bool,
    /// How many events fit, from the first on.
    pub events: u64,
    /// The hash of the last of them, as 64 hexadecimal digits.
    pub last_hash: String,
    /// Letters that were settled before the log began, of which it cannot speak.
    pub before_the_log: u64,
    /// The event that has the hash that was written down before.
    pub written_down_at: Option<u64>,
    /// The first thing that does not fit.
    pub flaw: Option<Flaw>,
}

/// Something that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// The event's number.
    pub event: Option<u64>,
    /// The letter that it tells of.
    pub letter: Option<String>,
    /// What is wrong.
    pub text: String,
}

impl Flaw {
    pub(super) fn new(event: Option<i64>, letter: Option<&str>, text: impl Into<String>) -> Self {
        Self {
            event: event.map(i64::unsigned_abs),
            letter: letter.map(str::to_owned),
            text: text.into(),
        }
    }
}

impl Ledger {
    /// Recomputes the chain and compares it with the letters. `written_down` is a hash, or the
    /// beginning of one, that the log must have had.
    ///
    /// # Errors
    /// When the file cannot be read. A log that is not whole is no error, but what was asked for.
    pub fn check_log(&self, written_down: Option<&str>) -> Result<LogCheck, LedgerError> {
        let _still = self.snapshot()?;
        let wanted = written_down.map(str::to_ascii_lowercase);
        self.walk(wanted.as_deref())
            .map_err(|error| LedgerError::of(&self.path, &error))
    }

    fn walk(&self, wanted: Option<&str>) -> rusqlite::Result<LogCheck> {
        let mut before: Hash = beginning(&self.db)?;
        let mut check = LogCheck {
            has_log: self.has_log()?,
            events: 0,
            last_hash: hex(&before),
            before_the_log: 0,
            written_down_at: None,
            flaw: None,
        };
        if !check.has_log {
            check.flaw = Some(Flaw::new(
                None,
                None,
                "the file has no log: an older postroom made it, and the next run begins one",
            ));
            return Ok(check);
        }
        let mut told = Told::default();
        let mut statement = self
            .db
            .prepare("SELECT seq, at, kind, letter, run, body, hash FROM events ORDER BY seq")?;
        let mut rows = statement.query([])?;
        let mut next = 1;
        while let Some(row) = rows.next()? {
            let (kind, letter, body): (String, Option<String>, String) =
                (row.get(2)?, row.get(3)?, row.get(5)?);
            let fields = Fields {
                seq: row.get(0)?,
                at: row.get(1)?,
                kind: &kind,
                letter: letter.as_deref(),
                run: row.get(4)?,
                body: &body,
            };
            let hash = fields.hash(&before);
            let flaw = if fields.seq != next {
                Err(format!("event {next} is missing"))
            } else if row.get::<_, Vec<u8>>(6)? != hash {
                Err(format!(
                    "event {next} does not fit: it, or one before it, was changed"
                ))
            } else {
                match Kind::parse(&kind) {
                    Some(kind) => told.take(kind, &fields),
                    None => Err(format!("event {next} is of an unknown kind `{kind}`")),
                }
            };
            if let Err(text) = flaw {
                check.flaw = Some(Flaw::new(Some(next), fields.letter, text));
                return Ok(check);
            }
            (before, next) = (hash, next + 1);
            check.events += 1;
            check.last_hash = hex(&hash);
            if wanted.is_some_and(|wanted| check.last_hash.starts_with(wanted)) {
                check.written_down_at = Some(check.events);
            }
        }
        (check.before_the_log, check.flaw) = told.compare(&self.db)?;
        if check.flaw.is_none() && wanted.is_some() && check.written_down_at.is_none() {
            check.flaw = Some(Flaw::new(
                None,
                None,
                "no event has the hash that was written down: the log was written anew, or it is another file's",
            ));
        }
        Ok(check)
    }
}
