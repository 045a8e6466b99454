//! postroom sends every school its own report, once, and can prove it.
//!
//! This page is the architecture. Read it first; then each thing is where its name says.
//!
//! # One row's way
//!
//! ```text
//! manifest → recipient → letter → message → dispatch → transport
//!                                              │
//!                                  lifecycle → ledger
//! ```
//!
//! It never goes back.
//!
//! 1. [`manifest`] reads the rows of a CSV file or a workbook and groups them by id. Faults are gathered
//!    with file, row and column; with any fault there is no manifest.
//! 2. [`letter`] renders subject and bodies with tera (Markdown becomes HTML), takes the pictures in
//!    that they show, finds the attachments, proves that they belong, and locks those that have a
//!    password. Values are data: never parsed, escaped in HTML, unable to break a header.
//! 3. [`plan`] makes every letter once, on all cores, and keeps only digests, with one digest over
//!    all and where they are sent to. `check` and `send` make the same plan by the same code; a run that goes on with a batch
//!    makes the letters left, and each must be the one that was planned.
//! 4. [`message`] is a letter made ready for the wire: Message-ID, envelope, MIME on demand.
//! 5. [`dispatch`] asks the ledger what is left, waits for its limiter, claims durably, hands the
//!    message to a transport, settles durably and emits an event.
//! 6. [`transport`] turns the world's answers into five words (accepted, throttled, transient,
//!    rejected, in doubt) and two that stop the run (unauthorised, unusable).
//! 7. [`lifecycle`] is what a letter, a sending, an address and a run can be, every event, and what
//!    follows from each: pure, and the one place where a state or event is added.
//! 8. [`ledger`] is the state file: SQLite, one writer, which appends events. Its tables follow from
//!    them by the lifecycle, and verifying is replaying.
//! 9. [`mailing`] is the order of steps that makes all this safe: load, prepare, adopt the plan,
//!    reconcile what is in doubt, dispatch, reconcile again, end; the same for sending again; and
//!    entering what came back.
//! 10. [`returns`] reads mail that came back: what it is, and which message of ours it is about.
//! 11. [`preview`] shows what a plan would send, and [`report`] what became of it; neither can send.
//! 12. [`proposal`] proposes the batch file for a list, reports and a letter that are there already.
//! 13. [`cli`] alone prints, prompts and ends the process.
//!
//! Beside them stand the leaves that know nothing of the rest: [`clock`] (the only reader of time,
//! so that tests can set it), [`address`] (parsed single-line values), [`secret`] (values that
//! cannot be shown), [`finding`] (what the checks find, and what an error says to do), [`figures`]
//! (numbers as people write them), [`digest`] (SHA-256 over parts), [`network`] (the
//! kinds of a failed connection), [`dns`] (what it says of the domains that letters go to), [`http`]
//! (which knows whether the server can have seen a request), [`durable`] (files put in place whole),
//! [`own_folder`] (folders that it fills, held open), [`regular`] (files opened, and nothing else), [`contain`]
//! (panics of other people's code), [`memory`] (how much of it is taken) and [`page`] (pages that open
//! from the disk); [`config`], what people write down; and [`auth`], the sign-in, which knows nothing
//! of what is sent: `cli` hands its tokens to transports.
//!
//! # Words
//!
//! - *batch*: one mailing, described by `batch.toml`
//! - *manifest*: the file with the rows; *recipient*: all rows of one id
//! - *letter*: rendered subject, bodies and attachments of one recipient
//! - *message*: a letter ready for the wire; *envelope*: that of RFC 5321 only
//! - *transport*: how messages leave; *server*: what a transport talks to; *dispatch*: the sending loop
//! - *claim*: written before the wire; *settle*: written after; *attempt*: one hand-over
//! - *sending*: one message of a letter, with a Message-ID of its own; a letter that is sent again
//!   has several
//! - *ledger*: the state file; *event*: one entry of its log
//! - *accepted*: what a server said, never "delivered"; *rejected*: refused for good; *in doubt*:
//!   may have gone out
//! - *refused*, *deferred*: an address, for good or for now, when its message was accepted for others; *rest*:
//!   the sending to deferred addresses; *bounced*, *delayed*,
//!   *delivered*: an address, afterwards
//! - *return*: a mail that came back; *suspected*: what it says of an address, when it names no message
//!   of ours
//! - *rate*: our own pace; *throttled*: the server's push-back
//! - *rehearsal*: a real run with every address replaced
//!
//! # What holds it together
//!
//! **Never twice.** A claim is on the disk before the first byte leaves, and a settlement before
//! the worker's next letter. What was claimed and not settled when a run ended is in doubt, and
//! nothing makes it pending again by itself: the transport it was given to is asked whether it went
//! out (the outbox knows, a mailbox of Exchange can be asked where the sign-in allows, a mail server does
//! not), also before the same run ends; else a person says so with `postroom resolve`. Each address
//! gets one good sending, unless a person opens the letter again on purpose. Where it can be, a letter is a draft first,
//! whose name is in the ledger before it is sent by that name.
//! Before the final dot of SMTP a failure means not taken; after it, silence is doubt.
//!
//! **Never lost.** Every ending but a finished run leaves letters pending in the ledger, and the
//! next run goes on there. A ledger that is gone, older than the last run, empty, damaged, newer,
//! foreign or of another batch is refused: none of these means "start from the beginning". A run stops
//! when its ledger is moved away under it.
//!
//! **Never another's report.** Ids match exactly, each attachment is a readable file inside the
//! batch's folder, the same contents for two recipients are a fault, and so is a report whose text
//! shows another recipient. Each PDF is *proved*: confirmed (by what is its recipient's alone),
//! contradicted (a fault), ambiguous, silent or unreadable, which is never taken for absent. The PDF may
//! come from anywhere, so a process of its own reads it, bounded in memory and time. When a letter is
//! made for the wire it must have the digest of the letter that was checked.
//!
//! **Threads.** The deciding thread owns the ledger. One composer makes the next few letters ready;
//! one worker for each connection hands messages over. Settlements share a commit with the claims
//! that follow them. At most `connections + 2` composed letters wait, so memory does not depend on
//! the size of the batch.
//!
//! Imports between modules go one way; `tests/it/architecture` keeps it so. Public is what is named at the
//! end, and the compiler says of anything else that it is.

#![warn(unreachable_pub)]

mod address;
mod auth;
mod cli;
mod clock;
mod config;
mod contain;
mod digest;
mod dispatch;
mod dns;
mod durable;
mod figures;
mod finding;
mod http;
mod ledger;
mod letter;
mod lifecycle;
mod mailing;
mod manifest;
mod memory;
mod message;
mod network;
mod own_folder;
mod page;
mod plan;
mod preview;
mod proposal;
mod regular;
mod report;
mod returns;
mod secret;
mod transport;

// What the program, its tests, benches and fuzz targets take; nothing else is public.
pub use address::{Address, HeaderText, Mailbox, parse_list};
pub use cli::{command, main, run_under};
pub use clock::{Clock, ManualClock, Signal, SystemClock};
pub use config::{Batch, DispatchConfig, Secrets, TransportName};
pub use dispatch::{Cost, Limiter};
pub use finding::Finding;
pub use ledger::{
    AdoptedLetter, BatchIdentity, Claim, Holder, Ledger, LedgerKind, Pending, Settlement,
};
pub use letter::{Letters, read_pdf, render_template};
pub use lifecycle::{
    Accepted, Addresses, PersonalWord, PlannedMessage, Refusal, Reply, SentAttachment, SettledAs,
};
pub use manifest::Manifest;
pub use message::Message;
pub use own_folder::{FolderIdentity, Links, OwnFolder};
pub use plan::{Destination, Plan, PlannedLetter};
pub use preview::Preview;
pub use returns::{MAX_RECIPIENTS, read};
pub use transport::SendError;
pub use transport::tried::{Meanings, ews_answer, graph_error, smtp_bytes, smtp_reply};
