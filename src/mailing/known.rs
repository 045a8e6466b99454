//! Letters of a batch that went out without its state file knowing: it was lost, lies on another
//! machine, or belongs to a batch of which this one is a copy.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::adopt::Names;
use super::{Loaded, MailingError, Notice, Prepared, StateFile};
use crate::digest::Sha256Digest;
use crate::ledger::{Kind, LedgerError, LedgerView};
use crate::lifecycle::{PlannedMessage, SendingState};
use crate::transport::{Doubt, LookUp, SendError, Transport};

/// Letters that are looked for before the first one goes out. Runs go by the order of the list, so a
/// run that got anywhere left one of them, unless all were rejected.
const LOOKED_FOR: usize = 3;

/// Letters that another state file knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elsewhere {
    /// The file.
    pub path: PathBuf,
    /// Its batch.
    pub batch: String,
    /// The recipients who have a letter with the same reports by it, or may have.
    pub ids: Vec<String>,
}

/// A recipient with what tells the letter from others to the same one.
type Mark = (String, Vec<Sha256Digest>);

/// Letters that are about to go out, and that other state files know: those beside this one, those in
/// the batch's folder, and the one that this is a copy of.
pub(super) fn elsewhere(
    loaded: &Loaded,
    state: &StateFile,
    prepared: &Prepared,
    ledger: &LedgerView,
    is_wanted: &dyn Fn(&str) -> bool,
) -> Result<(Vec<Elsewhere>, Vec<Notice>), LedgerError> {
    let (mut found, mut notices) = (Vec::new(), Vec::new());
    if state.identity.kind != Kind::Mail {
        return Ok((found, notices));
    }
    let others = other_files(loaded, state, ledger)?;
    if others.is_empty() {
        return Ok((found, notices));
    }
    let mut about_to_go: HashSet<Mark> = HashSet::new();
    let names = Names::usual(loaded);
    for (place, planned) in prepared.plan.placed() {
        let id = prepared.letters.id(place);
        if is_wanted(id) && !ledger.has_gone_out(id)? {
            let message = names.message(&prepared.letters, place, planned);
            about_to_go.insert(mark(id, &message));
        }
    }
    for path in others {
        let view = match LedgerView::open_any(&path) {
            Ok(view) => view,
            Err(error) => {
                notices.push(Notice::UnreadState {
                    path: path.display().to_string(),
                    text: error.to_string(),
                });
                continue;
            }
        };
        let mut ids = Vec::new();
        view.each_letter(&mut |record| {
            let sent = record.letter.sendings.iter().filter(|sending| {
                matches!(
                    sending.state,
                    SendingState::Accepted | SendingState::InDoubt | SendingState::Claimed
                )
            });
            let mut marks = sent.map(|sending| mark(&record.id, &sending.message));
            if marks.any(|mark| about_to_go.contains(&mark)) {
                ids.push(record.id);
            }
        })?;
        if !ids.is_empty() {
            found.push(Elsewhere {
                path,
                batch: view.batch()?,
                ids,
            });
        }
    }
    Ok((found, notices))
}

/// The reports tell letters to one recipient apart; a letter without any is told by all of itself.
fn mark(id: &str, message: &PlannedMessage) -> Mark {
    let mut digests: Vec<Sha256Digest> = message
        .attachments
        .iter()
        .map(|attachment| attachment.sha256)
        .collect();
    if digests.is_empty() {
        digests.push(message.digest);
    }
    digests.sort_unstable();
    (id.to_owned(), digests)
}

/// State files of mail that may be those of the same letters.
fn other_files(
    loaded: &Loaded,
    state: &StateFile,
    ledger: &LedgerView,
) -> Result<Vec<PathBuf>, LedgerError> {
    let own = state.path.canonicalize().ok();
    let mut folders = vec![loaded.batch.folder.clone()];
    folders.extend(state.path.parent().map(folder_of));
    let mut files: Vec<PathBuf> = folders.iter().flat_map(|folder| files_in(folder)).collect();
    // Where the file lay at its last run, if it has been copied since.
    files.extend(ledger.places()?);
    let mut seen = HashSet::new();
    files.retain(|path| {
        let whole = path.canonicalize().ok();
        whole.is_some() && whole != own && seen.insert(whole)
    });
    Ok(files)
}

fn folder_of(parent: &Path) -> PathBuf {
    if parent == Path::new("") {
        PathBuf::from(".")
    } else {
        parent.to_owned()
    }
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default();
            name.to_string_lossy().ends_with(".state.db")
        })
        .collect();
    files.sort();
    files
}

/// Looks whether letters of the plan are in the mailbox already, although the state file knows of none
/// or is a copy.
pub(super) fn look_in_mailbox(
    loaded: &Loaded,
    prepared: &Prepared,
    ledger: &LedgerView,
    transport: &mut dyn Transport,
    state: &Path,
    is_wanted: &dyn Fn(&str) -> bool,
) -> Result<Option<Notice>, MailingError> {
    let names = Names::usual(loaded);
    let mut looked_for = 0;
    for (place, planned) in prepared.plan.placed() {
        let id = prepared.letters.id(place);
        if looked_for == LOOKED_FOR {
            break;
        }
        if !is_wanted(id) || ledger.has_gone_out(id)? {
            continue;
        }
        looked_for += 1;
        let message = names.message(&prepared.letters, place, planned);
        let doubt = Doubt {
            id,
            sending: 1,
            message_id: &message.message_id,
            note: None,
        };
        match transport.look_up(&doubt) {
            Ok(LookUp::Found(receipt)) => {
                return Err(MailingError::WentOut {
                    id: id.to_owned(),
                    transport: transport.describe(),
                    receipt: receipt.text,
                    state: state.to_owned(),
                });
            }
            Ok(LookUp::Absent | LookUp::NotSeen | LookUp::Unknown) => {}
            // A password that is wrong is not tried twice.
            Err(error @ SendError::Unauthorised(_)) => return Err(MailingError::Server(error)),
            // The run ends by it, and tells why.
            Err(SendError::Unusable(_)) => return Ok(None),
            // A new batch is rarely an old one, so nobody is kept waiting for an answer.
            Err(error) => return Ok(Some(Notice::MailboxUnknown(error.answer().clone()))),
        }
    }
    Ok(None)
}
