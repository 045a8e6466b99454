//! Letters in doubt, settled by a person's word.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Transaction, params};

use super::event::{Kind, Resolved};
use super::log::Log;
use super::{Ledger, LedgerError};

/// A person's word on letters in doubt.
#[derive(Clone, Debug)]
pub struct Word {
    /// Whether they went out.
    pub accepted: bool,
    /// Who says so.
    pub by: String,
    /// Why.
    pub because: Option<String>,
    /// When.
    pub at: Timestamp,
}

impl Ledger {
    /// Settles letters in doubt by a person's word: all of them, or none when one is not in doubt.
    ///
    /// # Errors
    /// When a letter is not in doubt, or the file cannot be written.
    pub fn resolve(&mut self, ids: &[String], word: &Word) -> Result<(), LedgerError> {
        let Word { accepted, at, .. } = *word;
        let body = Resolved {
            accepted,
            by: word.by.clone(),
            because: word.because.clone(),
        };
        let path = self.path.clone();
        let of = |error: rusqlite::Error| LedgerError::of(&path, &error);
        let run = self.run;
        let transaction = self.db.transaction().map_err(of)?;
        let mut log = Log::end(&transaction, run).map_err(of)?;
        for id in ids {
            let found: Option<(i64, String, String)> = transaction
                .query_row(
                    "SELECT seq, state, message_id FROM letters WHERE id = ?1",
                    [id],
                    |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
                )
                .optional()
                .map_err(of)?;
            let (seq, message_id) = match found {
                Some((seq, state, message_id)) if state == "in_doubt" => (seq, message_id),
                Some((_, state, _)) => {
                    return Err(LedgerError::NotInDoubt {
                        id: id.clone(),
                        state: format!("is {state}"),
                    });
                }
                None => {
                    return Err(LedgerError::NotInDoubt {
                        id: id.clone(),
                        state: "is not in this batch".into(),
                    });
                }
            };
            by_hand(&transaction, seq, run, &message_id, accepted, at).map_err(of)?;
            log.append(&transaction, at, Kind::Resolved, Some(id), &body)
                .map_err(of)?;
        }
        transaction.commit().map_err(of)
    }
}

/// The receipt of a letter that a person says went out.
pub(super) const ACCEPTED_BY_HAND: &str = "resolved by hand as accepted";

fn by_hand(
    transaction: &Transaction<'_>,
    seq: i64,
    run: Option<i64>,
    message_id: &str,
    accepted: bool,
    at: Timestamp,
) -> rusqlite::Result<()> {
    let (state, text) = if accepted {
        ("accepted", ACCEPTED_BY_HAND)
    } else {
        ("pending", "resolved by hand as unsent")
    };
    transaction.execute(
        "UPDATE letters SET state = iif(?2 = 'pending' AND position IS NULL, 'withdrawn', ?2), error_code = NULL, error_text = NULL,
            accepted_at = iif(?2 = 'accepted', ?3, NULL), receipt = iif(?2 = 'accepted', ?4, NULL)
         WHERE seq = ?1",
        params![seq, state, at.as_millisecond(), text],
    )?;
    transaction.execute(
        "INSERT INTO attempts (letter, run, message_id, claimed_at, settled_at, bytes, addresses, outcome, code, text)
         VALUES (?1, ?2, ?3, ?4, ?4, 0, 0, 'resolved', ?5, ?6)",
        params![seq, run, message_id, at.as_millisecond(), state, text],
    )?;
    Ok(())
}
