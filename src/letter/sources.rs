//! What letters are made of, as one digest.

use sha2::{Digest, Sha256};

use super::{Letters, Sha256Digest};
use crate::address::{Address, Mailbox};

impl Letters {
    /// The digest over what the letters of a batch are made of, but for their attachments: the batch
    /// file, the rows, the templates, the sender, who gets a letter, and the version of the program.
    /// While it stays the same, a letter changes only if its attachments do.
    #[must_use]
    pub fn sources(&self) -> Sha256Digest {
        let mut hasher = Sha256::new();
        // Each part goes in with its length, so that none can pass for the end of another.
        let mut part = |bytes: &[u8]| {
            hasher.update((bytes.len() as u64).to_be_bytes());
            hasher.update(bytes);
        };
        part(env!("CARGO_PKG_VERSION").as_bytes());
        part(self.plan.batch.as_bytes());
        part(self.plan.from.to_string().as_bytes());
        let reply_to = self.plan.reply_to.as_ref().map(Mailbox::to_string);
        part(reply_to.unwrap_or_default().as_bytes());
        let redirect = self.plan.redirect.as_ref().map(Address::to_string);
        part(redirect.unwrap_or_default().as_bytes());
        for (name, source) in &self.templates.sources {
            part(name.as_bytes());
            part(source.as_bytes());
        }
        self.manifest.table().each_part(&mut part);
        for place in self.chosen.iter().flatten() {
            part(&place.to_be_bytes());
        }
        hasher.finalize().into()
    }
}
