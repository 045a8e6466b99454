//! Whom the letters come from.

use crate::address::Mailbox;
use crate::config::{Batch, Secrets};
use crate::fault::Fault;

/// The From mailbox and the one that answers go to.
pub(super) fn sender(
    batch: &Batch,
    secrets: &Secrets,
) -> Result<(Mailbox, Option<Mailbox>), Vec<Fault>> {
    let file = batch.file.display().to_string();
    // Both were parsed when the batch file was read.
    let written = batch
        .letter
        .from
        .as_deref()
        .and_then(|text| Mailbox::parse(text).ok());
    let reply_to = batch
        .letter
        .reply_to
        .as_deref()
        .and_then(|text| Mailbox::parse(text).ok());
    match (written, &secrets.send_emails_as) {
        (Some(from), Some(account)) if from.address.folded() != account.folded() => Err(vec![
            Fault::new(
                format!(
                    "[letter] from is {} and send_emails_as is {account}",
                    from.address
                ),
                "make the two the same mailbox, or leave one out",
            )
            .file(file),
        ]),
        (Some(from), _) => Ok((from, reply_to)),
        (None, Some(account)) => Ok((account.clone().into(), reply_to)),
        (None, None) => Err(vec![
            Fault::new(
                "there is no sender",
                "write [letter] from in the batch file, or send_emails_as in the secrets file",
            )
            .file(file),
        ]),
    }
}
