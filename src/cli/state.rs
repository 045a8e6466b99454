//! Which state file goes with a command, and its opening.

use std::path::PathBuf;

use super::args::Options;
use super::prepare::Loaded;
use crate::clock::Clock;
use crate::config::TransportName;
use crate::ledger::{Holder, Identity, Kind, Ledger, LedgerError};
use crate::letter::Sha256Digest;
use crate::plan::{Begun, PlanId};

/// Where a command's state is.
pub(super) struct StateFile {
    pub path: PathBuf,
    pub identity: Identity,
}

impl StateFile {
    /// The file that `--state` names, else the one beside the batch file. The outbox and rehearsals
    /// have their own, so that a letter in a folder never counts as sent.
    pub fn of(loaded: &Loaded, options: &Options, rehearsal: bool) -> Self {
        let (kind, suffix) = match (rehearsal, loaded.batch.dispatch.transport) {
            (true, _) => (Kind::Rehearsal, "rehearsal.db"),
            (false, TransportName::Outbox) => (Kind::Outbox, "outbox.db"),
            (false, TransportName::Smtp | TransportName::Graph | TransportName::Ews) => {
                (Kind::Mail, "state.db")
            }
        };
        Self {
            path: options
                .state
                .clone()
                .unwrap_or_else(|| loaded.batch.beside(suffix)),
            identity: Identity {
                batch: loaded.batch.name.clone(),
                kind,
            },
        }
    }

    /// Opens it to work with.
    pub fn open(
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
    pub fn begun(&self, sources: &Sha256Digest) -> Option<Begun> {
        let begun = self.glance().ok()?.begun(sources).ok()??;
        Some(Begun {
            plan: PlanId::parse(&begun.plan)?,
            left: begun.left,
        })
    }

    /// Forgets that there was another one, or a newer one. Says whether there was.
    pub fn accept_loss(&self) -> Result<bool, LedgerError> {
        Ledger::accept_loss(&self.path, &self.identity)
    }

    /// Opens it for a first look, before it is opened for a run.
    pub fn glance(&self) -> Result<Ledger, LedgerError> {
        Ledger::glance(&self.path, &self.identity)
    }

    /// Opens it to look at.
    pub fn read(&self) -> Result<Ledger, LedgerError> {
        Ledger::read(&self.path, &self.identity)
    }
}

/// The name of this machine.
pub(super) fn host() -> String {
    gethostname::gethostname().to_string_lossy().into_owned()
}
