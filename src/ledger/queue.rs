//! What is left of a batch and of its limits: letters to send, letters in doubt, what was spent.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::rows::{moment, time};
use super::{Claimed, LedgerError, LedgerView};
use crate::digest::Sha256Digest;
use crate::lifecycle::Addresses;

/// A letter that is left to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Its number in the ledger.
    pub seq: i64,
    /// Its place in the manifest.
    pub position: usize,
    /// The recipient.
    pub id: String,
    /// Its message's number among the messages of the letter, from 1 on.
    pub sending: u32,
    /// The Message-ID.
    pub message_id: String,
    /// The digest over everything that leaves, as it was checked.
    pub digest: Sha256Digest,
    /// The addresses that it goes to, where those are not all that the list has.
    pub only_to: Option<Addresses>,
    /// Whether its message is the rest of one that was taken for other addresses.
    pub is_rest: bool,
    /// The try before, if there was one.
    pub earlier: Option<EarlierTry>,
    /// Messages of this letter that were tried and not taken, and that this one replaces.
    pub replaced: Vec<ReplacedTry>,
}

/// A message that was tried, not taken, and replaced since by another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplacedTry {
    /// Its Message-ID.
    pub message_id: String,
    /// What the transport wrote down while it had the message in hand.
    pub note: String,
}

/// A try of a message that was not taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EarlierTry {
    /// What the transport wrote down while it had the message in hand.
    pub note: Option<String>,
}

/// A letter that may have gone out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InDoubt {
    /// Its last claim.
    pub claim: Claimed,
    /// The recipient.
    pub id: String,
    /// The number of its message among those of the letter, from 1 on.
    pub sending: u32,
    /// The Message-ID.
    pub message_id: String,
    /// The transport that it was given to, with its server.
    pub transport: String,
    /// What the transport wrote down while it had the letter in hand.
    pub note: Option<String>,
    /// The last moment at which it can have been given there; none when only its claim is known.
    pub settled_at: Option<Timestamp>,
    /// When it was claimed.
    pub claimed_at: Timestamp,
}

/// What an earlier attempt took of the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    /// The last moment at which it can have been taken; none when only its claim is known.
    pub at: Option<Timestamp>,
    /// Bytes on the wire.
    pub bytes: u64,
    /// Addresses.
    pub addresses: u32,
    /// Whether the server took the letter, or may have. If not, its bytes were sent all the same.
    pub taken: bool,
}

impl LedgerView {
    /// The next letters left to send after a place in the manifest, in its order.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn pending(&self, after: Option<usize>, most: usize) -> Result<Vec<Pending>, LedgerError> {
        let after = after.map_or(-1, |after| i64::try_from(after).unwrap_or(i64::MAX));
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.read(|db| {
            db.prepare_cached(
                "SELECT l.seq, l.position, l.id, s.number, s.message_id, s.digest,
                    iif(s.made_from IS NULL, NULL, s.addresses), s.attempts,
                    iif(s.attempts = 0, NULL, (SELECT a.note FROM attempts a
                        WHERE a.letter = l.seq AND a.sending = s.number AND a.note IS NOT NULL
                        ORDER BY a.seq DESC LIMIT 1)), s.rest
                 FROM letters l
                 JOIN sendings s ON s.letter = l.seq
                    AND s.number = (SELECT max(number) FROM sendings WHERE letter = l.seq)
                 WHERE l.state = 'pending' AND l.position > ?1 ORDER BY l.position LIMIT ?2",
            )?
            .query_map([after, most], pending)?
            .map(|found| {
                let mut found = found?;
                // Hardly any letter had a message before.
                if found.sending > 1 {
                    found.replaced = replaced(db, &found)?;
                }
                Ok(found)
            })
            .collect()
        })
    }

    /// Whether no letter was ever claimed.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn is_untouched(&self) -> Result<bool, LedgerError> {
        self.read(|db| {
            db.query_row("SELECT NOT EXISTS (SELECT 1 FROM attempts)", [], |row| {
                row.get(0)
            })
        })
    }

    /// Whether letters wait that no run has tried, although runs tried others behind them in the list.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn has_skipped(&self) -> Result<bool, LedgerError> {
        self.read(|db| {
            db.query_row(
                "SELECT EXISTS (SELECT 1 FROM letters l
                    WHERE l.state IN ('pending', 'claimed', 'accepted', 'rejected', 'in_doubt')
                        AND l.position > (SELECT position FROM letters untried
                            WHERE state = 'pending' AND position IS NOT NULL
                                AND NOT EXISTS (SELECT 1 FROM attempts WHERE letter = untried.seq)
                            ORDER BY position LIMIT 1)
                        AND EXISTS (SELECT 1 FROM attempts WHERE letter = l.seq))",
                [],
                |row| row.get(0),
            )
        })
    }

    /// The letters in doubt, for the transport to look up.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn in_doubt(&self) -> Result<Vec<InDoubt>, LedgerError> {
        self.read(|db| {
            db.prepare(
                "SELECT l.seq, a.seq, l.id, s.message_id, coalesce(r.transport, ''), a.note,
                    a.settled_at, a.claimed_at, a.sending
                 FROM letters l
                 JOIN attempts a ON a.seq = (SELECT max(seq) FROM attempts WHERE letter = l.seq)
                 JOIN sendings s ON s.letter = l.seq AND s.number = a.sending
                 LEFT JOIN runs r ON r.seq = a.run
                 WHERE l.state = 'in_doubt' ORDER BY l.seq",
            )?
            .query_map([], |row| {
                Ok(InDoubt {
                    claim: Claimed {
                        seq: row.get(0)?,
                        attempt: row.get(1)?,
                    },
                    id: row.get(2)?,
                    message_id: row.get(3)?,
                    transport: row.get(4)?,
                    note: row.get(5)?,
                    settled_at: time(row, 6)?,
                    claimed_at: moment(row, 7)?,
                    sending: row.get(8)?,
                })
            })?
            .collect()
        })
    }

    /// What attempts since a moment took of the limits.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn spent_since(&self, since: Timestamp) -> Result<Vec<Spent>, LedgerError> {
        self.read(|db| {
            db.prepare(
                "SELECT settled_at, bytes, addresses, coalesce(outcome, '') <> 'not_taken'
                 FROM attempts WHERE claimed_at >= ?1 ORDER BY claimed_at",
            )?
            .query_map([since.as_millisecond()], |row| {
                Ok(Spent {
                    at: time(row, 0)?,
                    bytes: row.get::<_, i64>(1)?.unsigned_abs(),
                    addresses: row.get(2)?,
                    taken: row.get(3)?,
                })
            })?
            .collect()
        })
    }
}

fn pending(row: &rusqlite::Row<'_>) -> rusqlite::Result<Pending> {
    let only_to: Option<String> = row.get(6)?;
    let tried: u32 = row.get(7)?;
    let only_to = only_to.map(|json| super::rows::parsed(6, &json));
    Ok(Pending {
        seq: row.get(0)?,
        position: usize::try_from(row.get::<_, i64>(1)?).unwrap_or(usize::MAX),
        id: row.get(2)?,
        sending: row.get(3)?,
        message_id: row.get(4)?,
        digest: row.get(5)?,
        only_to: only_to.transpose()?,
        is_rest: row.get(9)?,
        earlier: (tried > 0)
            .then(|| row.get(8).map(|note| EarlierTry { note }))
            .transpose()?,
        replaced: Vec::new(),
    })
}

fn replaced(db: &Connection, of: &Pending) -> rusqlite::Result<Vec<ReplacedTry>> {
    db.prepare_cached(
        "SELECT s.message_id, a.note FROM sendings s
         JOIN attempts a ON a.seq = (SELECT max(seq) FROM attempts
            WHERE letter = s.letter AND sending = s.number AND note IS NOT NULL)
         WHERE s.letter = ?1 AND s.number < ?2 AND s.state IN ('ready', 'rejected')",
    )?
    .query_map(params![of.seq, of.sending], |row| {
        Ok(ReplacedTry {
            message_id: row.get(0)?,
            note: row.get(1)?,
        })
    })?
    .collect()
}
