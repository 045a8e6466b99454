//! The order of steps of a mailing, which is what makes it safe: load, prepare, adopt the plan,
//! reconcile what is in doubt, dispatch, reconcile again, end.
//!
//! Nothing here prints or asks by itself: a [`Front`] does, and gets what it needs as values. Errors
//! are types with their next step as a field, so that no front has to read a text.

mod adopt;
mod changed;
mod choosing;
mod ending;
mod error;
mod fresh;
mod known;
mod load;
mod online;
mod prepare;
mod resend;
mod returns;
mod send;
mod state_file;

pub(crate) use adopt::waits_for_a_word;
pub(crate) use choosing::recipients;
pub(crate) use ending::{Conclusion, Finished, Reason, next_steps};
pub(crate) use error::{MailingError, NotResendable, PlanShownBy};
pub(crate) use known::Elsewhere;
pub(crate) use load::{LoadRequest, Loaded};
pub(crate) use online::{NameServer, Online, ask, probe};
pub(crate) use prepare::{Moved, Prepared, prepare};
pub(crate) use resend::{Resend, ResendChoice, ResendRequest, resend};
pub(crate) use returns::{Collector, MailCounts, MailFate, MailReport, ReviewRequest, review};
pub(crate) use send::{Consent, SendRequest, Start, choose, send};
pub(crate) use state_file::{StateFile, person};

use std::path::PathBuf;
use std::time::Duration;

use crate::address::Address;
use crate::config::DispatchConfig;
use crate::dispatch::{DispatchEvent, estimate};
use crate::finding::Finding;
use crate::ledger::OutdatedResend;
use crate::transport::Answer;

/// Whoever shows a mailing and answers its question.
pub(crate) trait Front {
    /// So many of so many letters are made and checked.
    fn checked(&mut self, done: usize, of: usize);

    /// What the checks found, without a fault among it.
    fn findings(&mut self, findings: &[Finding]);

    /// Something worth knowing before the question.
    fn notice(&mut self, notice: &Notice);

    /// Whether the letters shall go.
    fn confirm(&mut self, question: &Question<'_>) -> bool;

    /// Letters begin to go.
    fn begin(&mut self, extent: Extent);

    /// One thing that happened.
    fn event(&mut self, event: &DispatchEvent);
}

/// How far a run goes, known when its letters begin to go.
#[derive(Clone, Debug)]
pub(crate) struct Extent {
    /// Letters that are done already; none for a run that was asked for some of the letters.
    pub settled: u64,
    /// Letters that this run sends.
    pub to_go: u64,
    /// The limits.
    pub config: DispatchConfig,
    /// Bytes of an average letter.
    pub bytes: u64,
    /// Addresses of an average letter.
    pub addresses: u64,
}

impl Extent {
    /// How long so many letters take under the limits, taking each for an average one.
    #[must_use]
    pub(crate) fn time_for(&self, letters: u64) -> Duration {
        let (bytes, addresses) = (self.bytes * letters, self.addresses * letters);
        estimate(&self.config, letters, bytes, addresses)
    }
}

/// Something worth knowing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Notice {
    /// Whether letters of the batch went out before could not be asked.
    MailboxUnknown(Answer),
    /// Accepted letters that the list would now write to others.
    OtherAddresses(Vec<String>),
    /// Accepted letters of which the list would now make another for those who have them.
    OtherLetters(Vec<String>),
    /// Letters in the outbox that would be others by now.
    OutdatedPractice(Vec<String>),
    /// Letters that were opened again, and are not sent because they would be others than those that a
    /// person looked at.
    CalledOff(Vec<OutdatedResend>),
    /// Another state file that may know letters of the batch cannot be read.
    UnreadState {
        /// The file.
        path: String,
        /// Why.
        text: String,
    },
    /// Letters that other batches sent already.
    Elsewhere(Elsewhere),
    /// Letters to the same recipients with the same reports that the mailbox has already.
    InMailbox {
        /// The transport and its server.
        transport: String,
        /// The recipients, and what was found of each letter.
        found: Vec<(String, String)>,
    },
    /// Letters of which nothing has to be sent again: every address has them.
    EveryAddressHasIt(Vec<String>),
    /// Letters that were opened again, and are what they were before.
    Closed(Vec<String>),
    /// What was practised before, which is kept under these names.
    SetAside(Vec<PathBuf>),
    /// Letters that changed since the batch was begun and are not sent by this verb.
    OthersChanged(usize),
}

/// What a person is asked.
pub(crate) struct Question<'a> {
    /// The batch.
    pub loaded: &'a Loaded,
    /// Its letters.
    pub prepared: &'a Prepared,
    /// The transport and its server.
    pub transport: &'a str,
    /// How many letters go.
    pub letters: u64,
    /// The place of the first of them in the manifest, if it is known.
    pub first: Option<usize>,
    /// Of the recipients that were named those whose letters are left to go; none stands for all.
    pub only: &'a [String],
    /// Where all letters of a rehearsal go.
    pub redirect_to: Option<&'a Address>,
    /// What is sent again, and why that is asked: what went where and what changed since.
    pub resends: &'a [Resend],
    /// The digest over what is sent, as people write it.
    pub plan: String,
}
