//! Practising that begins again: what was practised is set aside, and kept.

use std::path::PathBuf;

use jiff::Timestamp;

use super::{Loaded, MailingError, StateFile};
use crate::config::TransportName;
use crate::ledger::{Ledger, LedgerKind};
use crate::transport::set_letters_aside;

/// Sets state file and outbox aside, under names with the time, so that practising begins again. Gives what
/// they are called now.
///
/// Letters that reach people are not practised: a state file that knows of those is never set aside.
///
/// # Errors
/// When the batch reaches people, another run holds the state file, or something cannot be moved.
pub(super) fn begin_again(
    loaded: &Loaded,
    rehearsal: bool,
    now: Timestamp,
) -> Result<Vec<PathBuf>, MailingError> {
    let transport = loaded.batch.dispatch.transport;
    let is_outbox = transport == TransportName::Outbox;
    if !rehearsal && !is_outbox {
        return Err(MailingError::NotPractice(transport));
    }
    let time = now.strftime("%Y-%m-%d-%H%M%S").to_string();
    let state = StateFile::of(loaded, rehearsal);
    let mut states = vec![state];
    if is_outbox && loaded.state.is_none() {
        // Both kinds of practice put their letters into the one outbox.
        states.push(StateFile::of(loaded, !rehearsal));
    }
    let mut aside = Vec::new();
    for state in states {
        debug_assert_ne!(state.identity.kind, LedgerKind::Mail);
        aside.extend(Ledger::set_aside(&state.path, &state.identity, &time)?);
    }
    if is_outbox {
        let moved = set_letters_aside(&loaded.batch, &time)
            .map_err(|(folder, source)| MailingError::SetAside { folder, source })?;
        aside.extend(moved);
    }
    Ok(aside)
}
