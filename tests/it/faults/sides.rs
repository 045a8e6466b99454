//! What the four transports talk to, with everything that can go wrong at them.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::faults::ews::Ews;
use crate::faults::exchange::Graph;
use crate::faults::mischief::{Fault, Mischief};
use crate::faults::outbox::Outbox;
use crate::faults::plan::{Plan, Way};
use crate::faults::smtp::Smtp;
use crate::support::{TestBatch, parse_mail};

/// A letter in the recipients' mailbox, whatever carried it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Without its angle brackets.
    pub message_id: String,
    pub subject: String,
    pub to: Vec<String>,
    /// Name and SHA-256 of each attachment.
    pub files: Vec<(String, String)>,
}

pub trait Side {
    fn batch(&self) -> &TestBatch;

    /// Lets things go wrong.
    fn arm(&self, mischief: &Arc<Mischief>);

    /// Writes these lines of `[dispatch]`, beside the transport and its pace.
    fn configure(&self, dispatch: &str);

    /// Waits until all that a run asked for is done, and the run's connections are closed.
    fn settle(&self);

    /// What arrived.
    fn mailbox(&self) -> Vec<Seen>;

    /// Called again and again while a run lasts, for a server that cannot tell by itself what is
    /// done to it.
    fn look(&self, _mischief: &Mischief) {}

    /// Puts something in the way of the next run, where that can be done.
    fn hinder(&self) -> Option<Fault> {
        None
    }

    /// Takes it away.
    fn clear(&self) {}

    /// Signs in again.
    fn sign_in(&self) {}

    /// The addresses that a server refused so far, and took a message for others.
    fn refused(&self) -> Vec<String> {
        Vec::new()
    }

    /// The addresses that a server deferred so far, and took a message for others.
    fn deferred(&self) -> Vec<String> {
        Vec::new()
    }

    /// Breaches of the protocol so far, and of what the server allows at once.
    fn breaches(&self, _connections: usize) -> Vec<String> {
        Vec::new()
    }

    /// What is left at the end and should not be.
    fn leftovers(&self) -> Vec<String> {
        Vec::new()
    }
}

pub fn open(plan: &Plan) -> Box<dyn Side> {
    match plan.way {
        Way::Outbox => Box::new(Outbox::new(plan)),
        Way::Smtp => Box::new(Smtp::new(plan)),
        Way::Graph => Box::new(Graph::new(plan)),
        Way::Ews => Box::new(Ews::new(plan)),
    }
}

pub fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads a message; the envelope counts where there is one.
pub fn read(bytes: &[u8], envelope: Option<Vec<String>>) -> Seen {
    let mail = parse_mail(bytes);
    let files = mail.attachments.into_iter();
    Seen {
        message_id: mail.message_id,
        subject: mail.subject,
        to: envelope.unwrap_or(mail.to),
        files: files.map(|(name, sum)| (name, hex(&sum))).collect(),
    }
}
