//! `[dispatch]` and `[outbox]`: the transport, its pace and its patience.

use std::fmt;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use serde::Deserialize;

use super::Pace;
use super::values::{SendWindow, connections, duration};

/// The transports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum TransportName {
    /// A folder of .eml files.
    Outbox,
    /// A mail server.
    Smtp,
    /// Exchange Online through Microsoft Graph.
    Graph,
    /// Exchange through Exchange Web Services.
    Ews,
}

/// The most letters that may be on their way to Microsoft Graph at once: it allows an app four
/// requests at a time (Microsoft Graph throttling limits, Outlook service), and one is left for
/// whatever else the app does.
const MOST_GRAPH_CONNECTIONS: NonZeroU32 = NonZeroU32::new(3).unwrap();

const FIVE: NonZeroU32 = NonZeroU32::new(5).unwrap();
const FIFTY: NonZeroU32 = NonZeroU32::new(50).unwrap();

impl fmt::Display for TransportName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Outbox => "outbox",
            Self::Smtp => "smtp",
            Self::Graph => "graph",
            Self::Ews => "ews",
        })
    }
}

/// `[dispatch]`: transport, pace and patience.
///
/// The limits default to what Exchange Online allows a mailbox, less a margin ([`Pace::MAILBOX`]), or to
/// those of the mail service that `[smtp] preset` names; the outbox has none unless they are written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DispatchConfig {
    /// The transport.
    pub transport: TransportName,
    /// Letters in any 60 seconds.
    pub messages_per_minute: Option<NonZeroU32>,
    /// Letters in any hour.
    pub messages_per_hour: Option<NonZeroU32>,
    /// Megabytes (10^6 bytes, encoded) in any 5 minutes.
    pub megabytes_per_five_minutes: Option<NonZeroU32>,
    /// Addresses in any 24 hours.
    pub recipients_per_day: Option<NonZeroU32>,
    /// Letters between two checkpoints.
    pub chunk: NonZeroU32,
    /// The pause at a checkpoint.
    #[serde(deserialize_with = "duration")]
    pub pause: Duration,
    /// Letters in flight at once, 64 at most.
    #[serde(deserialize_with = "connections")]
    pub connections: NonZeroU32,
    /// Consecutive failures that stop the run.
    pub stop_after_failures: NonZeroU32,
    /// Tries for one letter while the answers are transient.
    pub attempts: NonZeroU32,
    /// The wait before the second try; it doubles with each further one.
    #[serde(deserialize_with = "duration")]
    pub backoff: Duration,
    /// The largest encoded letter in megabytes (10^6 bytes); 35 by default, none for the outbox.
    pub max_megabytes: Option<NonZeroU32>,
    /// How long a letter in doubt is looked for, where that can be done, before it counts as not
    /// sent.
    #[serde(deserialize_with = "duration")]
    pub patience: Duration,
    /// The hours in which letters may go out.
    pub window: Option<SendWindow>,
    /// What is asked of servers and recipients beside reports of failure: `[returns] receipts`.
    #[serde(skip)]
    pub receipts: Receipts,
    /// The limits where none are written: those of `[smtp] preset`, else those of a mailbox.
    #[serde(skip)]
    pub usual: Pace,
}

/// What is asked of the recipients' servers and programs beside reports of failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Receipts {
    /// Nothing.
    #[default]
    None,
    /// A report when a message is delivered: one mail for each address.
    Delivery,
    /// The same, and one when it is read, which a person may refuse.
    Read,
}

impl Receipts {
    /// The word for it in the batch file.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Delivery => "delivery",
            Self::Read => "read",
        }
    }

    /// Whether a report of delivery is asked for.
    #[must_use]
    pub fn of_delivery(self) -> bool {
        matches!(self, Self::Delivery | Self::Read)
    }

    /// Whether a receipt is asked for when a message is read.
    #[must_use]
    pub fn of_reading(self) -> bool {
        self == Self::Read
    }
}

/// `[returns]`: what is asked for, so that it comes back.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ReturnsTable {
    pub receipts: Receipts,
}

impl Default for DispatchConfig {
    fn default() -> Self {
        Self {
            transport: TransportName::Outbox,
            messages_per_minute: None,
            messages_per_hour: None,
            megabytes_per_five_minutes: None,
            recipients_per_day: None,
            chunk: FIFTY,
            pause: Duration::ZERO,
            connections: NonZeroU32::MIN,
            stop_after_failures: FIVE,
            attempts: FIVE,
            backoff: Duration::from_secs(2),
            max_megabytes: None,
            patience: Duration::from_mins(5),
            window: None,
            receipts: Receipts::None,
            usual: Pace::MAILBOX,
        }
    }
}

impl DispatchConfig {
    /// How many letters are on their way at once: as written, but at most three to Microsoft Graph.
    #[must_use]
    pub fn at_once(&self) -> NonZeroU32 {
        match self.transport {
            TransportName::Graph => self.connections.min(MOST_GRAPH_CONNECTIONS),
            TransportName::Outbox | TransportName::Smtp | TransportName::Ews => self.connections,
        }
    }

    /// Letters in any 60 seconds, if there is a limit.
    #[must_use]
    pub fn message_limit(&self) -> Option<u64> {
        self.limit(self.messages_per_minute, self.usual.messages_per_minute)
    }

    /// Letters in any hour, if there is a limit.
    #[must_use]
    pub fn hour_limit(&self) -> Option<u64> {
        self.limit(self.messages_per_hour, self.usual.messages_per_hour)
    }

    /// Encoded bytes in any 5 minutes, if there is a limit.
    #[must_use]
    pub fn byte_limit(&self) -> Option<u64> {
        let default = (self.transport == TransportName::Graph).then_some(140);
        self.limit(self.megabytes_per_five_minutes, default)
            .map(|megabytes| megabytes * 1_000_000)
    }

    /// Addresses in any 24 hours, if there is a limit.
    #[must_use]
    pub fn recipient_limit(&self) -> Option<u64> {
        self.limit(self.recipients_per_day, self.usual.recipients_per_day)
    }

    /// The largest encoded letter in bytes, if there is a limit.
    #[must_use]
    pub fn size_limit(&self) -> Option<u64> {
        self.limit(self.max_megabytes, self.usual.max_megabytes)
            .map(|megabytes| megabytes * 1_000_000)
    }

    fn limit(&self, written: Option<NonZeroU32>, default: Option<u32>) -> Option<u64> {
        let default = match self.transport {
            TransportName::Outbox => None,
            TransportName::Smtp | TransportName::Graph | TransportName::Ews => default,
        };
        written.map(NonZeroU32::get).or(default).map(u64::from)
    }
}

/// `[outbox]`: where the outbox transport writes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OutboxConfig {
    /// The folder; it is made if it is not there.
    pub path: PathBuf,
}

impl Default for OutboxConfig {
    fn default() -> Self {
        Self {
            path: "outbox".into(),
        }
    }
}
