//! Letters of a batch that went out without its state file knowing: it was lost, lies on another
//! machine, or belongs to a batch of which this one is a copy.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::adopt::Names;
use super::{Loaded, MailingError, Notice, Prepared, StateFile};
use crate::digest::Sha256Digest;
use crate::ledger::{Ledger, LedgerError, LedgerKind, LedgerView};
use crate::lifecycle::{PlannedMessage, SendingState};
use crate::message::report_mark;
use crate::transport::{Answer, Doubt, LookUp, Receipt, SendError, Transport};

/// Letters that are looked for before the first one goes out. Runs go by the order of the list, so a
/// run that got anywhere left one of them, unless all were rejected.
const LOOKED_FOR: usize = 3;

/// Letters that another state file knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Elsewhere {
    /// The file.
    pub path: PathBuf,
    /// Its batch.
    pub batch: String,
    /// The recipients who have a letter with the same reports by it, or may have.
    pub ids: Vec<String>,
}

/// A recipient with what distinguishes the letter from others to the same one.
type LetterMark = (String, Vec<Sha256Digest>);

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
    if state.identity.kind != LedgerKind::Mail {
        return Ok((found, notices));
    }
    let others = other_files(loaded, state, ledger)?;
    if others.is_empty() {
        return Ok((found, notices));
    }
    let mut about_to_go: HashSet<LetterMark> = HashSet::new();
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

/// Letters to one recipient are distinguished by their reports; a letter without any, by all of itself.
fn mark(id: &str, message: &PlannedMessage) -> LetterMark {
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

/// What the mailbox knows of the letters that are about to go.
#[derive(Debug, Default)]
pub(super) struct Looked {
    /// Letters to the same recipients with the same reports that went out, and what was found of each.
    pub found: Vec<(String, String)>,
    /// Why it could not be asked.
    pub unknown: Option<Answer>,
}

/// Looks whether letters of the plan are in the mailbox already, although the state file knows of none
/// or is a copy: by their own Message-IDs, and by recipient and reports.
pub(super) fn look_in_mailbox(
    loaded: &Loaded,
    prepared: &Prepared,
    ledger: &Ledger,
    transport: &mut dyn Transport,
    state: &StateFile,
    is_wanted: &dyn Fn(&str) -> bool,
) -> Result<Looked, MailingError> {
    // Nothing went out by a name that only this file has while no letter was handed over.
    let names = if ledger.is_untouched()? {
        Names::usual(loaded)
    } else {
        Names::of(loaded, ledger)?
    };
    let was_moved = ledger.was_moved()?;
    let (mut looked, mut looked_for) = (Looked::default(), 0);
    for (place, planned) in prepared.plan.placed() {
        let id = prepared.letters.id(place);
        if looked_for == LOOKED_FOR {
            break;
        }
        if !is_wanted(id) || ledger.has_gone_out(id)? {
            continue;
        }
        // A transport looks for what it had in hand before it sends that again.
        let is_tried = ledger
            .letter(id)?
            .is_some_and(|record| record.letter.attempts() > 0);
        if is_tried && !was_moved {
            continue;
        }
        looked_for += 1;
        let message = names.message(&prepared.letters, place, planned);
        match ask(transport, id, &message, state.identity.kind) {
            Ok(Seen::Itself(receipt)) => {
                return Err(MailingError::WentOut {
                    id: id.to_owned(),
                    transport: transport.describe(),
                    receipt: receipt.text,
                    state: state.path.clone(),
                    kind: state.identity.kind,
                });
            }
            Ok(Seen::Report(receipt)) => looked.found.push((id.to_owned(), receipt.text)),
            Ok(Seen::Nothing) => {}
            // A password that is wrong is not tried twice.
            Err(error @ SendError::Unauthorised(_)) => return Err(MailingError::Server(error)),
            // The run ends by it, and says why.
            Err(SendError::Unusable(_)) => break,
            // A new batch is rarely an old one, so nobody is kept waiting for an answer.
            Err(error) => {
                looked.unknown = Some(error.answer().clone());
                break;
            }
        }
    }
    Ok(looked)
}

/// What of a letter is in the mailbox.
enum Seen {
    /// The message that is about to go.
    Itself(Receipt),
    /// Another one that brought the recipient the same reports.
    Report(Receipt),
    Nothing,
}

fn ask(
    transport: &mut dyn Transport,
    id: &str,
    message: &PlannedMessage,
    kind: LedgerKind,
) -> Result<Seen, SendError> {
    let doubt = Doubt {
        id,
        sending: 1,
        message_id: &message.message_id,
        note: None,
    };
    if let LookUp::Found(receipt) = transport.look_up(&doubt)? {
        return Ok(Seen::Itself(receipt));
    }
    let digests = message.attachments.iter().map(|attached| attached.sha256);
    let found = match report_mark(id, digests) {
        Some(mark) if kind == LedgerKind::Mail => transport.find_report(&mark)?,
        _ => LookUp::Unknown,
    };
    Ok(match found {
        LookUp::Found(receipt) => Seen::Report(receipt),
        LookUp::Absent | LookUp::NotSeen | LookUp::Unknown => Seen::Nothing,
    })
}
