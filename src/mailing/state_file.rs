//! Which state file goes with a batch, and its opening.

use std::path::PathBuf;

use super::Loaded;
use crate::clock::Clock;
use crate::config::TransportName;
use crate::digest::Sha256Digest;
use crate::ledger::{BatchIdentity, Holder, Ledger, LedgerError, LedgerKind, LedgerView};
use crate::plan::{PlanId, ResumedPlan};

/// Where a batch's state is.
#[derive(Clone, Debug)]
pub(crate) struct StateFile {
    /// The file.
    pub path: PathBuf,
    /// Whose state it is.
    pub identity: BatchIdentity,
}

impl StateFile {
    /// The file that was named, else the one beside the batch file. The outbox and rehearsals have
    /// their own, so that a letter in a folder never counts as sent.
    #[must_use]
    pub(crate) fn of(loaded: &Loaded, rehearsal: bool) -> Self {
        let (kind, suffix) = match (rehearsal, loaded.batch.dispatch.transport) {
            (true, _) => (LedgerKind::Rehearsal, "rehearsal.db"),
            (false, TransportName::Outbox) => (LedgerKind::Outbox, "outbox.db"),
            (false, TransportName::Smtp | TransportName::Graph | TransportName::Ews) => {
                (LedgerKind::Mail, "state.db")
            }
        };
        Self {
            path: loaded
                .state
                .clone()
                .unwrap_or_else(|| loaded.batch.beside(suffix)),
            identity: BatchIdentity {
                batch: loaded.batch.name.clone(),
                kind,
            },
        }
    }

    /// Opens it to work with.
    ///
    /// # Errors
    /// When another run holds it, or it cannot be trusted.
    pub(crate) fn open(
        &self,
        command: &str,
        transport: &str,
        clock: &dyn Clock,
    ) -> Result<Ledger, LedgerError> {
        let holder = Holder {
            command: command.to_owned(),
            transport: transport.to_owned(),
            pid: std::process::id(),
            host: host(),
            started: clock.now(),
        };
        Ledger::open(&self.path, &self.identity, &holder)
    }

    /// What is left of a batch that was begun from these sources. A file that cannot be read has
    /// its say when it is opened.
    pub(super) fn begun(&self, sources: &Sha256Digest) -> Option<ResumedPlan> {
        let begun = self.glance().ok()?.begun(sources).ok()??;
        Some(ResumedPlan {
            plan: PlanId::parse(&begun.plan)?,
            destination: begun.destination,
            left: begun.left,
        })
    }

    /// Forgets that there was another one, or a newer one. Says whether there was.
    pub(super) fn accept_loss(&self) -> Result<bool, LedgerError> {
        Ledger::accept_loss(&self.path, &self.identity)
    }

    /// Opens it for a first look, before it is opened for a run.
    pub(super) fn glance(&self) -> Result<LedgerView, LedgerError> {
        LedgerView::glance(&self.path, &self.identity)
    }

    /// Opens it to look at.
    ///
    /// # Errors
    /// When there is none, or it cannot be trusted.
    pub(crate) fn view(&self) -> Result<LedgerView, LedgerError> {
        LedgerView::open(&self.path, &self.identity)
    }
}

/// The user of this machine, as the system calls them. It is what the record has: no proof.
#[must_use]
pub(crate) fn person() -> String {
    let user = ["USER", "LOGNAME", "USERNAME"]
        .into_iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|user| !user.is_empty())
        .unwrap_or_else(|| "unknown".to_owned());
    format!("{user} on {}", host())
}

/// The name of this machine.
pub(super) fn host() -> String {
    gethostname::gethostname().to_string_lossy().into_owned()
}
