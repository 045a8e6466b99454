//! A run's beginning and end.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::event::{Kind, Nothing, RunBegun, RunEnded};
use super::log::Log;
use super::{Holder, Ledger, LedgerError, LogEnd};

impl Ledger {
    /// Notes how the run ended, closes the file and says where its log ends.
    ///
    /// # Errors
    /// When the note cannot be written; nothing is lost by that.
    pub fn end_run(mut self, now: Timestamp, ending: &str) -> Result<LogEnd, LedgerError> {
        let run = self.run;
        let mut write = || -> rusqlite::Result<LogEnd> {
            let transaction = self.db.transaction()?;
            transaction.execute(
                "UPDATE runs SET ended_at = ?1, ending = ?2 WHERE seq = ?3",
                params![now.as_millisecond(), ending, run],
            )?;
            let body = RunEnded {
                ending: ending.to_owned(),
            };
            let mut log = Log::end(&transaction, run)?;
            log.append(&transaction, now, Kind::RunEnded, None, &body)?;
            transaction.commit()?;
            Ok(log.reached())
        };
        let end = write().map_err(|error| LedgerError::of(&self.path, &error))?;
        // The note is on the disk before the next run can begin.
        self.lock.take();
        Ok(end)
    }

    pub(super) fn begin_run(&mut self, holder: &Holder) -> Result<(), LedgerError> {
        let mut write = || -> rusqlite::Result<i64> {
            let db = self.db.transaction()?;
            db.execute(
                "INSERT INTO runs (program, command, transport, pid, host, started_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    env!("CARGO_PKG_VERSION"),
                    holder.command,
                    holder.transport,
                    holder.pid,
                    holder.host,
                    holder.started.as_millisecond()
                ],
            )?;
            let run = db.last_insert_rowid();
            let begun = RunBegun {
                program: env!("CARGO_PKG_VERSION").to_owned(),
                command: holder.command.clone(),
                transport: holder.transport.clone(),
                pid: holder.pid,
                host: holder.host.clone(),
            };
            let mut log = Log::end(&db, Some(run))?;
            log.append(&db, holder.started, Kind::RunBegun, None, &begun)?;
            for id in cut_off(&db)? {
                log.append(&db, holder.started, Kind::CutOff, Some(&id), &Nothing {})?;
            }
            db.commit()?;
            Ok(run)
        };
        self.run = Some(write().map_err(|error| LedgerError::of(&self.path, &error))?);
        self.began = holder.started;
        Ok(())
    }
}

/// What a letter is told to be when its run ended before the answer.
pub(super) const CUT_OFF: (&str, &str) =
    ("interrupted", "the run ended before the answer was known");

/// Puts letters in doubt that an earlier run claimed and did not settle.
fn cut_off(db: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = db.prepare(
        "UPDATE letters SET state = 'in_doubt', error_code = ?1, error_text = ?2
         WHERE state = 'claimed' RETURNING id",
    )?;
    statement
        .query_map([CUT_OFF.0, CUT_OFF.1], |row| row.get(0))?
        .collect()
}
