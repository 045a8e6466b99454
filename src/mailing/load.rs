//! The batch and secrets files.

use std::path::PathBuf;
use std::sync::Arc;

use super::MailingError;
use crate::address::Address;
use crate::config::{Batch, Secrets, TransportName};
use crate::plan::Destination;
use crate::transport::{Bearer, Transport};

/// Which batch, with what was said beside its file.
#[derive(Clone, Debug, Default)]
pub(crate) struct LoadRequest {
    /// The batch file or its folder.
    pub batch: PathBuf,
    /// The transport, if not the batch file's.
    pub transport: Option<TransportName>,
    /// The secrets file, if not the one beside the batch file.
    pub secrets: Option<PathBuf>,
    /// The state file, if not the one beside the batch file.
    pub state: Option<PathBuf>,
}

/// A batch as it is read.
pub(crate) struct Loaded {
    /// The batch file.
    pub batch: Batch,
    /// The secrets file.
    pub secrets: Secrets,
    /// The state file that was named.
    pub(super) state: Option<PathBuf>,
}

impl Loaded {
    /// Reads the batch and secrets files.
    ///
    /// # Errors
    /// When one of them cannot be read or is not valid.
    pub(crate) fn load(request: &LoadRequest) -> Result<Self, MailingError> {
        let mut batch = Batch::load(&request.batch)?;
        if let Some(transport) = request.transport {
            batch.dispatch.transport = transport;
        }
        let environment = |key: &str| std::env::var(key).ok();
        let secrets = Secrets::load(&batch.folder, request.secrets.as_deref(), &environment)?
            .usable_for(batch.dispatch.transport)?;
        // A mail service has limits of its own.
        if batch.dispatch.transport == TransportName::Smtp
            && let Ok(Some(settings)) = secrets.smtp.get()
            && let Some(preset) = settings.preset
        {
            batch.dispatch.usual = preset.pace();
        }
        Ok(Self {
            batch,
            secrets,
            state: request.state.clone(),
        })
    }

    /// The address of the person who sends, where the secrets file names one.
    #[must_use]
    pub(crate) fn own_address(&self) -> Option<Address> {
        Address::parse(self.secrets.sign_in.username.as_deref()?).ok()
    }

    /// Where its letters are sent to.
    #[must_use]
    pub(crate) fn destination(&self) -> Destination {
        Destination::of(&self.batch, &self.secrets)
    }

    /// Opens a transport of the batch. Nothing is connected before the first message.
    ///
    /// # Errors
    /// When something that it needs is not written down.
    pub(crate) fn transport(
        &self,
        bearer: &Arc<dyn Bearer>,
    ) -> Result<Box<dyn Transport>, MailingError> {
        crate::transport::open(
            self.batch.dispatch.transport,
            &self.batch,
            &self.secrets,
            bearer,
        )
        .map_err(MailingError::Transport)
    }
}
