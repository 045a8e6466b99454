//! Practising that begins again: what was practised is set aside, and kept.

use std::path::{Path, PathBuf};
use std::{fs, io};

use jiff::Timestamp;

use super::{Loaded, MailingError, StateFile};
use crate::config::TransportName;
use crate::durable::{keep_rename, make_folder};
use crate::ledger::{Ledger, LedgerKind};

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
        let folder = loaded.batch.resolve(&loaded.batch.outbox.path);
        let moved = set_letters_aside(&folder, &time)
            .map_err(|source| MailingError::SetAside { folder, source })?;
        aside.extend(moved);
    }
    Ok(aside)
}

/// Moves the letters of an outbox into a folder inside it, which no run looks into. Whatever else lies there
/// stays.
fn set_letters_aside(folder: &Path, time: &str) -> io::Result<Option<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        entries => entries?,
    };
    let mut letters = Vec::new();
    for entry in entries {
        let entry = entry?;
        let is_letter = Path::new(&entry.file_name())
            .extension()
            .is_some_and(|end| end == "eml");
        if is_letter && entry.file_type()?.is_file() {
            letters.push(entry.file_name());
        }
    }
    if letters.is_empty() {
        return Ok(None);
    }
    let aside = folder.join(time);
    make_folder(&aside)?;
    for name in &letters {
        fs::rename(folder.join(name), aside.join(name))?;
    }
    keep_rename(&aside.join("letters"))?;
    keep_rename(&aside)?;
    Ok(Some(aside))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_moved_and_nothing_else_is() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("a.eml"), "a").unwrap();
        fs::write(at("notes.txt"), "mine").unwrap();
        fs::create_dir(at("old.eml")).unwrap();
        let aside = set_letters_aside(folder.path(), "2026-11-26-205100").unwrap();
        assert_eq!(aside, Some(at("2026-11-26-205100")));
        assert_eq!(fs::read(at("2026-11-26-205100/a.eml")).unwrap(), b"a");
        assert!(at("notes.txt").exists() && at("old.eml").exists() && !at("a.eml").exists());
        assert_eq!(set_letters_aside(folder.path(), "later").unwrap(), None);
        assert_eq!(set_letters_aside(&at("none"), "later").unwrap(), None);
    }
}
