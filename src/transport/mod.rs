//! One transport: the trait, its receipt and its one error type.
//!
//! A transport turns the world's answers into five words (accepted, throttled, transient, rejected,
//! in doubt) and two more that stop the run (unauthorised, unusable). It knows the message in hand
//! and nothing of batch or ledger. To add one, write its file and name it here: one `mod` line and
//! one arm in [`open`].

mod answer;
mod attempt;
mod call;
mod drafts;
mod ews;
mod graph;
mod imap;
mod incoming;
mod outbox;
mod redacted;
mod smtp;
mod tracing;
#[doc(hidden)]
pub(crate) mod tried;

pub(crate) use answer::{Answer, Cause, Code};
pub(crate) use attempt::{
    AttemptRecord, Doubt, Earlier, NotTakenFor, Replaced, TransportAttempt, new_trace,
};
pub(crate) use incoming::{Listed, incoming};
pub(crate) use outbox::set_letters_aside;
pub(crate) use tracing::tracing;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use self::answer::one_line;
use self::redacted::{Hidden, Redacted, RedactedBearer};
use crate::address::Address;
use crate::config::{Batch, Secrets, TransportName};
use crate::finding::{Finding, NextStep};
use crate::message::Message;
use crate::secret::Secret;

/// A transport for messages. Each connection of a run has one of its own.
pub(crate) trait Transport: Send {
    /// The transport and its server in a few words, by which people know it, and a later run knows
    /// whether it looks in the same place.
    fn describe(&self) -> String;

    /// Whether it asks messages for their MIME form.
    fn takes_mime(&self) -> bool {
        true
    }

    /// Hands one message over.
    ///
    /// # Errors
    /// One of the six ways in which it was not accepted.
    fn send(
        &mut self,
        message: &Message,
        attempt: &mut TransportAttempt<'_>,
    ) -> Result<Receipt, SendError>;

    /// Whether a message whose outcome is not known went out.
    ///
    /// # Errors
    /// When the place to look cannot be reached now.
    fn look_up(&mut self, doubt: &Doubt<'_>) -> Result<LookUp, SendError>;

    /// Whether a message with this mark of recipient and reports went out, by whichever batch.
    ///
    /// # Errors
    /// When the place to look cannot be reached now.
    fn find_report(&mut self, _report_mark: &str) -> Result<LookUp, SendError> {
        Ok(LookUp::Unknown)
    }

    /// The largest message that can be handed over, if there is a bound that depends on who we are.
    ///
    /// # Errors
    /// When that cannot be known, as when nobody is signed in.
    fn largest(&mut self) -> Result<Option<Largest>, SendError> {
        Ok(None)
    }

    /// Asks the server, without sending anything, whether letters could go out.
    ///
    /// # Errors
    /// What stands in the way.
    fn survey(&mut self) -> Result<Survey, SendError>;

    /// What can be seen of a message that was sent to ourselves; none while it is not there.
    ///
    /// # Errors
    /// When the place to look cannot be reached.
    fn seen(&mut self, _message_id: &str) -> Result<Option<Survey>, SendError> {
        Ok(Some(Survey::default()))
    }
}

/// The largest message that a transport can hand over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Largest {
    /// Bytes on the wire.
    pub bytes: u64,
    /// Who allows no more.
    pub who: &'static str,
    /// What would allow more.
    pub remedy: String,
}

/// What the server says of itself before anything is sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Survey {
    /// What was found, each with a word for it.
    pub facts: Vec<(&'static str, String)>,
    /// What could not be found out, or will be missed, each with its remedy.
    pub warnings: Vec<(String, String)>,
    /// The largest message that the server says it takes.
    pub largest: Option<Largest>,
    /// Our address there, for a probe; none where the transport does not know it.
    pub own_address: Option<Address>,
}

/// Gives the access tokens of the sign-in to the transports that need one.
pub(crate) trait Bearer: Send + Sync {
    /// A token for Microsoft Graph. `refused` is one that the server did not take.
    ///
    /// # Errors
    /// What went wrong and the next step: the run ends, since nobody can be asked.
    fn for_graph(&self, refused: Option<&str>) -> Result<Token, NoToken>;

    /// A token for Exchange Online. `refused` is one that the server did not take.
    ///
    /// # Errors
    /// What went wrong and the next step: the run ends, since nobody can be asked.
    fn for_outlook(&self, refused: Option<&str>) -> Result<Secret, NoToken>;
}

/// Why there is no access token. It holds no part of one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub(crate) struct NoToken {
    text: String,
    next_step: String,
    is_unreachable: bool,
}

impl NoToken {
    /// What a sign-in says of itself.
    pub(crate) fn new(error: &impl NextStep) -> Self {
        Self {
            text: error.to_string(),
            next_step: error.next_step().into_owned(),
            is_unreachable: false,
        }
    }

    /// The same for a sign-in service that could not be reached: a matter of the network, and not of who
    /// we are.
    #[must_use]
    pub(crate) fn unreachable(self) -> Self {
        Self {
            is_unreachable: true,
            ..self
        }
    }

    /// Whether the sign-in service could not be reached.
    #[must_use]
    pub(crate) fn is_unreachable(&self) -> bool {
        self.is_unreachable
    }
}

impl NextStep for NoToken {
    fn next_step(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.next_step)
    }
}

/// An access token and what it allows.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    /// The token.
    pub secret: Secret,
    /// The names of its scopes, without the address of the resource; none when they are not known.
    pub scopes: Vec<String>,
    /// Whether it is an app's, without a person.
    pub is_app: bool,
}

/// The server took a message. That is all it means: nobody promises delivery.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Receipt {
    /// The server's words, or the file.
    pub text: String,
    /// Addresses that it did not take the message for, as they were written down before.
    pub not_taken_for: NotTakenFor,
    /// How long it asks to wait before the next one.
    pub wait: Option<Duration>,
}

/// What a look-up found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LookUp {
    /// It went out.
    Found(Receipt),
    /// It certainly did not.
    Absent,
    /// It is not where it would be if it had. The place may lag behind: a while after the try, this
    /// means that it did not.
    NotSeen,
    /// This transport cannot know; a person must.
    Unknown,
}

impl Survey {
    /// Adds something that was found, whoever wrote it.
    fn fact(&mut self, word: &'static str, text: &str) {
        self.facts.push((word, one_line(text)));
    }
}

/// Why a message was not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendError {
    /// Not taken: the server asks everyone to slow down.
    Throttled {
        /// How long it asks to wait, if it says.
        wait: Option<Duration>,
        /// Its words.
        answer: Answer,
    },
    /// Not taken: may succeed later.
    Transient {
        /// What happened.
        answer: Answer,
        /// Whether it would have been the same for any message.
        everyone: bool,
    },
    /// Refused for good.
    Rejected(Answer),
    /// It may have gone out.
    InDoubt(Answer),
    /// Not taken: who we are is not accepted. Stops the run.
    Unauthorised(Answer),
    /// Not taken, and no message would be. Stops the run.
    Unusable(Answer),
}

impl SendError {
    /// What the server said, or what happened instead.
    #[must_use]
    pub fn answer(&self) -> &Answer {
        match self {
            Self::Throttled { answer, .. }
            | Self::Transient { answer, .. }
            | Self::Rejected(answer)
            | Self::InDoubt(answer)
            | Self::Unauthorised(answer)
            | Self::Unusable(answer) => answer,
        }
    }
}

/// Opens the transport of a batch: one arm each. Nothing is connected before the first message.
///
/// # Errors
/// What is missing in the batch or secrets file, with the next step.
pub(crate) fn open(
    name: TransportName,
    batch: &Batch,
    secrets: &Secrets,
    bearer: &Arc<dyn Bearer>,
) -> Result<Box<dyn Transport>, Finding> {
    let hidden = Hidden::of(secrets);
    let bearer: Arc<dyn Bearer> = Arc::new(RedactedBearer {
        inner: Arc::clone(bearer),
        hidden: hidden.clone(),
    });
    let inner = match name {
        TransportName::Outbox => return Ok(outbox::open(batch)),
        TransportName::Smtp => smtp::open(secrets, &bearer)?,
        TransportName::Graph => graph::open(secrets, &bearer)?,
        TransportName::Ews => ews::open(secrets, &bearer)?,
    };
    Ok(Box::new(Redacted { inner, hidden }))
}
