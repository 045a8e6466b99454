//! What letters are made of, as one digest.

use super::Letters;
use crate::address::Address;
use crate::digest::{Parts, Sha256Digest};

impl Letters {
    /// The digest over what the letters of a batch are made of, but for their attachments: the batch
    /// file, the rows, the templates, the sender, who gets a letter, and the version of the program.
    /// While it stays the same, a letter changes only if its attachments do.
    #[must_use]
    pub fn sources(&self) -> Sha256Digest {
        let mut parts = Parts::default();
        let mut part = |bytes: &[u8]| {
            parts.add(bytes);
        };
        part(env!("CARGO_PKG_VERSION").as_bytes());
        part(self.plan.batch.as_bytes());
        part(self.plan.from.to_string().as_bytes());
        // What else the letters say of sender and answers stands in the batch file.
        let redirect = self.plan.redirect.as_ref().map(Address::to_string);
        part(redirect.unwrap_or_default().as_bytes());
        for (name, source) in &self.templates.sources {
            part(name.as_bytes());
            part(source.as_bytes());
        }
        for attachment in &self.plan.attachments {
            if let Some(table) = &attachment.table {
                part(table.text.as_bytes());
            }
        }
        self.manifest.table().each_part(&mut part);
        for place in self.chosen.iter().flatten() {
            part(&place.to_be_bytes());
        }
        parts.finish()
    }
}
