//! Whom the letters come from, and where answers go.

use super::attached::For;
use super::template;
use crate::address::{Address, Mailbox};
use crate::config::{Batch, Secrets, is_template};
use crate::finding::{Finding, quote};

/// A mailbox of the batch file.
#[derive(Debug)]
enum SenderMailbox {
    /// The same for all.
    Fixed(Mailbox),
    /// By a template.
    ByValue,
}

/// The mailboxes that letters come from, and those that answers go to.
#[derive(Debug)]
pub(super) struct Sender {
    from: SenderMailbox,
    reply_to: Option<SenderMailbox>,
    account: Option<Address>,
}

impl Sender {
    /// What batch file and secrets file say.
    pub(super) fn of(batch: &Batch, secrets: &Secrets) -> Result<Self, Vec<Finding>> {
        let file = batch.file.display().to_string();
        let account = secrets.send_emails_as.clone();
        let letter = &batch.letter;
        let from = match (letter.from.as_deref().and_then(written), &account) {
            (Some(SenderMailbox::Fixed(from)), Some(account))
                if from.address.folded() != account.folded() =>
            {
                return Err(vec![another(&from.address, account).file(file)]);
            }
            (Some(from), _) => from,
            (None, Some(account)) => SenderMailbox::Fixed(account.clone().into()),
            (None, None) => {
                return Err(vec![
                    Finding::fault(
                        "there is no sender",
                        "write [letter] from in the batch file, or send_emails_as in the secrets file",
                    )
                    .file(file),
                ]);
            }
        };
        let reply_to = letter.reply_to.as_deref().and_then(written);
        Ok(Self {
            from,
            reply_to,
            account,
        })
    }

    /// The From mailbox that all letters have; none where each may have its own.
    pub(super) fn fixed(&self) -> Option<&Mailbox> {
        match &self.from {
            SenderMailbox::Fixed(from) => Some(from),
            SenderMailbox::ByValue => None,
        }
    }

    /// The From mailbox of one letter.
    pub(super) fn from(&self, recipient: &For<'_>) -> Result<Mailbox, Finding> {
        if let SenderMailbox::Fixed(from) = &self.from {
            return Ok(from.clone());
        }
        let from = parsed(recipient, template::FROM)?.ok_or_else(|| {
            Finding::fault(
                "there is no sender",
                "fill in the cell that [letter] from shows",
            )
            .file(template::FROM)
            .id(recipient.id)
        })?;
        match &self.account {
            Some(account) if from.address.folded() != account.folded() => {
                Err(another(&from.address, account).id(recipient.id))
            }
            _ => Ok(from),
        }
    }

    /// The mailbox that answers to one letter go to, if not to its sender.
    pub(super) fn reply_to(&self, recipient: &For<'_>) -> Result<Option<Mailbox>, Finding> {
        match &self.reply_to {
            None => Ok(None),
            Some(SenderMailbox::Fixed(mailbox)) => Ok(Some(mailbox.clone())),
            Some(SenderMailbox::ByValue) => parsed(recipient, template::REPLY_TO),
        }
    }
}

/// A mailbox as the batch file has it; what is the same for all was parsed with the file.
fn written(text: &str) -> Option<SenderMailbox> {
    if is_template(text) {
        return Some(SenderMailbox::ByValue);
    }
    Mailbox::parse(text).ok().map(SenderMailbox::Fixed)
}

/// The mailbox that a template gives; none if it gives nothing.
fn parsed(recipient: &For<'_>, template: &str) -> Result<Option<Mailbox>, Finding> {
    let text = recipient.render(template)?;
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    Mailbox::parse(text).map(Some).map_err(|error| {
        Finding::fault(
            format!("`{}` cannot be used: {error}", quote(text)),
            "correct the cell: one address, or Name <address>",
        )
        .file(template)
        .id(recipient.id)
    })
}

fn another(from: &Address, account: &Address) -> Finding {
    Finding::fault(
        format!("[letter] from is {from} and send_emails_as is {account}"),
        "make the two the same mailbox, or leave one out",
    )
}
