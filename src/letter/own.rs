//! Files that no letter carries: what a run reads or writes itself, and what the system hides.
//!
//! A path may come from a cell, and a cell from anybody. Without this it could mail out the password
//! of the mailbox.

use std::fs::Metadata;
use std::path::{Component, Path, PathBuf};

use super::attachment::Place;
use super::template::Templates;
use crate::config::{Batch, Secrets};
use crate::finding::Finding;
use crate::regular::Opened;

/// The mark of a preview's folder.
const PREVIEW: &str = ".postroom-preview";

/// Folders in which the system shows itself, and everything in them.
const OF_THE_SYSTEM: [&str; 3] = ["/proc", "/sys", "/dev"];

/// Where Linux keeps ordinary files in memory.
const SHARED_MEMORY: &str = "/dev/shm";

/// What a state file is called behind the batch file's stem, and a record.
const STATES: [&str; 3] = ["state.db", "outbox.db", "rehearsal.db"];
const BESIDE_STATES: [&str; 5] = ["", "-wal", "-shm", ".lock", ".new"];
const RECORDS: [&str; 3] = ["", "outbox.", "rehearsal."];
const FORMS: [&str; 4] = ["html", "csv", "json", "xlsx"];

/// The beginning of a state file, as far as it shows that it is one (SQLite, "Database File Format",
/// section 1.3).
const SQLITE: &[u8] = b"SQLite format 3\0";
const APPLICATION: &[u8] = b"post";
const APPLICATION_AT: usize = 68;

/// The files of a run.
#[derive(Debug, Default)]
pub(super) struct OwnFiles {
    files: Vec<Own>,
    outbox: PathBuf,
}

#[derive(Debug)]
struct Own {
    what: &'static str,
    real: PathBuf,
    identity: Option<(u64, u64)>,
}

impl OwnFiles {
    /// What a run of this batch reads and writes.
    pub(super) fn of(batch: &Batch, secrets: &Secrets, templates: &Templates) -> Self {
        let mut own = Self {
            files: Vec::new(),
            outbox: real(&batch.resolve(&batch.outbox.path)),
        };
        own.add("the batch file", &batch.file);
        own.add("the dispatch list", &batch.resolve(&batch.manifest.path));
        let folder = &templates.bodies.folder;
        for (name, _) in &templates.sources {
            // Those that begin so stand in the batch file.
            if !name.starts_with('[') {
                own.add("a template", &batch.resolve(folder).join(name));
            }
        }
        for path in batch.letter.bodies() {
            own.add("a template", &batch.resolve(path));
        }
        if let Some(path) = &batch.letter.stylesheet {
            own.add("the style sheet", &batch.resolve(path));
        }
        let tables = batch.attachments.iter();
        for path in tables.filter_map(|attachment| attachment.files.as_ref()) {
            own.add("the table of files", &batch.resolve(path));
        }
        if let Some(file) = &secrets.file {
            own.add("the secrets file", file);
        }
        for beside in [batch.folder.join(".secrets.toml"), ".secrets.toml".into()] {
            own.add("a secrets file", &beside);
        }
        let store = secrets.sign_in.token_store.as_deref().unwrap_or_default();
        if let Some(store) = store.strip_prefix("file:") {
            own.add("the file of the sign-in", Path::new(store));
        }
        for state in STATES {
            for suffix in BESIDE_STATES {
                own.add("a state file", &batch.beside(&format!("{state}{suffix}")));
            }
        }
        for kind in RECORDS {
            for form in FORMS {
                own.add("a record", &batch.beside(&format!("{kind}report.{form}")));
            }
        }
        own
    }

    fn add(&mut self, what: &'static str, path: &Path) {
        self.files.push(Own {
            what,
            real: real(path),
            identity: std::fs::metadata(path).ok().as_ref().and_then(identity),
        });
    }

    /// Refuses a file by where it lies: `fixed` is the folder that the batch file itself writes, and
    /// `written` the whole path.
    pub(super) fn refuse(
        &self,
        place: &Place<'_>,
        fixed: &str,
        written: &str,
        opened: &Opened,
    ) -> Result<(), Finding> {
        let real_path = opened.real.as_path();
        refuse_system(real_path)?;
        let found = identity(&opened.metadata);
        let own = self
            .files
            .iter()
            .find(|own| own.real == real_path || (found.is_some() && own.identity == found));
        if let Some(own) = own {
            return Err(refused(&format!("is {} of this batch", own.what)));
        }
        let name = real_path.file_name().unwrap_or_default().to_string_lossy();
        if is_state_beside(real_path, &name) {
            return Err(refused("lies beside a state file and belongs to it"));
        }
        if name.starts_with("sign-in-") && has_suffix(real_path, "json") {
            return Err(refused("is called like the file of a sign-in"));
        }
        if real_path.starts_with(&self.outbox) && has_suffix(real_path, "eml") {
            return Err(refused("is a letter in the outbox"));
        }
        if real_path
            .ancestors()
            .skip(1)
            .take(3)
            .any(|above| above.join(PREVIEW).exists())
        {
            return Err(refused("lies in a preview"));
        }
        let rest = written.strip_prefix(fixed).unwrap_or(written);
        let below = real_path.strip_prefix(place.real);
        let is_hidden_there = is_hidden(below.unwrap_or(Path::new(&*name)))
            // The folder that the batch file itself writes may be hidden: that was somebody's decision.
            && place
                .folder
                .join(fixed)
                .canonicalize()
                .ok()
                .and_then(|above| real_path.strip_prefix(above).ok())
                .is_none_or(is_hidden);
        if is_hidden(Path::new(rest)) || is_hidden_there {
            return Err(refused(
                "is hidden: its name or that of its folder begins with a dot",
            ));
        }
        Ok(())
    }
}

/// Refuses what the system shows of itself.
pub(super) fn refuse_system(real_path: &Path) -> Result<(), Finding> {
    let of = OF_THE_SYSTEM
        .into_iter()
        .find(|of| real_path.starts_with(of));
    match of.filter(|_| !real_path.starts_with(SHARED_MEMORY)) {
        Some(of) => Err(refused(&format!(
            "lies in {of}, where the system shows itself"
        ))),
        None => Ok(()),
    }
}

/// Refuses a file by how it begins: a state file may lie anywhere.
pub(super) fn refuse_contents(start: &[u8]) -> Result<(), Finding> {
    let application = start.get(APPLICATION_AT..APPLICATION_AT + APPLICATION.len());
    if start.starts_with(SQLITE) && application == Some(APPLICATION) {
        return Err(refused("is a state file of postroom"));
    }
    Ok(())
}

fn refused(why: &str) -> Finding {
    Finding::fault(
        format!("the attachment {why}, which no letter carries"),
        "correct the cell or [[attachment]] path: it must name a report",
    )
}

/// Whether a part of a path begins with a dot.
fn is_hidden(path: &Path) -> bool {
    path.components().any(
        |part| matches!(part, Component::Normal(name) if name.to_string_lossy().starts_with('.')),
    )
}

fn is_state_beside(path: &Path, name: &str) -> bool {
    BESIDE_STATES
        .iter()
        .filter(|suffix| !suffix.is_empty())
        .filter_map(|suffix| name.strip_suffix(suffix))
        .any(|state| {
            use std::io::Read;
            let mut start = Vec::new();
            let file = crate::regular::open(&path.with_file_name(state));
            file.is_ok_and(|file| file.take(100).read_to_end(&mut start).is_ok())
                && refuse_contents(&start).is_err()
        })
}

fn has_suffix(path: &Path, wanted: &str) -> bool {
    path.extension()
        .is_some_and(|suffix| suffix.eq_ignore_ascii_case(wanted))
}

/// The path without links, of a file that may not be there yet.
fn real(path: &Path) -> PathBuf {
    if let Ok(real) = path.canonicalize() {
        return real;
    }
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    match (whole.parent(), whole.file_name()) {
        (Some(folder), Some(name)) => folder
            .canonicalize()
            .map_or_else(|_| whole.clone(), |folder| folder.join(name)),
        _ => whole,
    }
}

/// By what a file is known under each of its names, where the system says.
#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other systems do not say")]
fn identity(metadata: &Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn identity(_: &Metadata) -> Option<(u64, u64)> {
    None
}
