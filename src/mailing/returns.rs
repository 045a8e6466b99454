//! Entering what came back into the record. Nothing here sends, and nothing but the log changes.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{Loaded, MailingError, StateFile, person};
use crate::address::{Address, Mailbox};
use crate::clock::{Clock, Signal};
use crate::digest::hex;
use crate::finding::Finding;
use crate::ledger::{Entered, Holder, LedgerError, LedgerView, ReturnedMail, ReturnsLedger};
use crate::lifecycle::{
    AddressOutcome, AddressReturn, Event, LetterHistory, LetterMailKind, MailEvidence,
};
use crate::returns::{FoundMail, MAX_MAIL, MailKind, ReadMail, SentMail, TraceRow, judge, read};
use crate::transport::{Bearer, Listed, SendError, incoming, tracing};

/// How long before the first letter the mailbox is read, for clocks that go wrong.
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// How often the service is asked for what it says of a failure: it answers a hundred questions in five
/// minutes.
const MOST_DETAILS: u32 = 80;

/// How many mails are entered with one commit.
const AT_ONCE: usize = 200;

/// What one mail is, and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MailReport {
    /// Where it was found.
    pub place: String,
    /// What it is; none where it cannot be read.
    pub kind: Option<MailKind>,
    /// What tells of it.
    pub evidence: Option<MailEvidence>,
    /// What it means for which letters.
    pub events: Vec<(String, Event)>,
    /// Why.
    pub why: String,
    /// Whether it is in the record.
    pub fate: MailFate,
}

/// Whether a mail is in the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MailFate {
    /// It was entered.
    Entered,
    /// It was there before.
    KnownBefore,
    /// A run works with a letter that it is about: it is read again next time.
    Waits,
    /// It is about nothing of this batch.
    NotOurs,
    /// It was written before the time from which on mail is read.
    TooOld,
    /// It cannot be read.
    Unreadable,
}

/// How many mails became what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub(crate) struct MailCounts {
    /// All that were looked at.
    pub read: u64,
    /// Entered.
    pub entered: u64,
    /// There before.
    pub known_before: u64,
    /// Left for the next time.
    pub waiting: u64,
    /// About nothing of this batch.
    pub not_ours: u64,
    /// Written too early.
    pub too_old: u64,
    /// Not readable.
    pub unreadable: u64,
}

impl MailCounts {
    fn add(&mut self, fate: MailFate) {
        self.read += 1;
        *match fate {
            MailFate::Entered => &mut self.entered,
            MailFate::KnownBefore => &mut self.known_before,
            MailFate::Waits => &mut self.waiting,
            MailFate::NotOurs => &mut self.not_ours,
            MailFate::TooOld => &mut self.too_old,
            MailFate::Unreadable => &mut self.unreadable,
        } += 1;
    }
}

/// Takes mail, and enters what it tells.
pub(crate) struct Collector<'a> {
    ledger: ReturnsLedger,
    clock: &'a dyn Clock,
    since: Option<Timestamp>,
    waiting: Vec<(ReturnedMail, MailReport)>,
    counts: MailCounts,
    /// What is shown of each mail.
    show: &'a mut dyn FnMut(&MailReport),
}

impl SentMail for ReturnsLedger {
    type Error = LedgerError;

    fn by_message_id(&self, id: &str) -> Result<Option<(String, LetterHistory)>, LedgerError> {
        ReturnsLedger::by_message_id(self, id)
    }

    fn by_address(&self, address: &str) -> Result<Vec<(String, LetterHistory)>, LedgerError> {
        ReturnsLedger::by_address(self, address)
    }
}

impl<'a> Collector<'a> {
    /// Opens the state file of a batch. `since` leaves out mail that says it was written before.
    ///
    /// # Errors
    /// When there is none, or it cannot be trusted.
    pub(crate) fn open(
        loaded: &Loaded,
        since: Option<Timestamp>,
        clock: &'a dyn Clock,
        show: &'a mut dyn FnMut(&MailReport),
    ) -> Result<Self, MailingError> {
        let state = StateFile::of(loaded, false);
        let holder = Holder {
            command: "returns".to_owned(),
            transport: String::new(),
            pid: std::process::id(),
            host: super::state_file::host(),
            started: clock.now(),
        };
        Ok(Self {
            ledger: ReturnsLedger::open(&state.path, &state.identity, &holder)?,
            clock,
            since,
            waiting: Vec::new(),
            counts: MailCounts::default(),
            show,
        })
    }

    /// The state file, to be looked at.
    #[must_use]
    pub(crate) fn view(&self) -> &LedgerView {
        self.ledger.view()
    }

    /// Takes one mail.
    ///
    /// # Errors
    /// When the state file cannot be read or written.
    pub(crate) fn take(&mut self, found: FoundMail) -> Result<(), MailingError> {
        let place = found.place;
        let head = match found.head {
            Ok(head) => head,
            Err(why) => {
                self.done(&MailReport {
                    place,
                    kind: None,
                    evidence: None,
                    events: Vec::new(),
                    why,
                    fate: MailFate::Unreadable,
                });
                return Ok(());
            }
        };
        let mail = read(&head);
        let evidence = MailEvidence {
            kind: mail.kind.word().to_owned(),
            sha256: hex(&found.sha256),
            message_id: mail.own_id.clone(),
        };
        self.judged(place, &mail, evidence)
    }

    /// Reads the mailbox that the batch is sent from; says which. `since` is taken for a day before the
    /// first letter went out where nothing else was asked for.
    ///
    /// # Errors
    /// When the mailbox cannot be read, or the state file cannot be read or written.
    pub(crate) fn read_mailbox(
        &mut self,
        loaded: &Loaded,
        bearer: &Arc<dyn Bearer>,
    ) -> Result<String, MailingError> {
        let transport = loaded.batch.dispatch.transport;
        let opened = incoming(transport, &loaded.secrets, bearer, MAX_MAIL + 1)
            .map_err(MailingError::Transport)?;
        let Some(mut mailbox) = opened else {
            return Err(MailingError::Transport(Finding::fault(
                format!("{transport} has no mailbox that could be read"),
                "name it in [returns] of the secrets file, or name an .eml file, a folder of them, a Maildir or an mbox file with --from",
            )));
        };
        let first = self.view().first_hand_over()?;
        let since = self.since.or(first.map(|first| first - DAY));
        let Some(since) = since else {
            return Ok(mailbox.describe());
        };
        let clock = self.clock;
        let listed = patiently(clock, &mut || mailbox.list(since)).map_err(MailingError::Server)?;
        for Listed { name, message_id } in listed {
            let is_known = message_id.is_some_and(|id| self.ledger.is_known_by_id(&id));
            if is_known {
                self.counts.add(MailFate::KnownBefore);
                continue;
            }
            let fetched = patiently(clock, &mut || mailbox.fetch(&name, MAX_MAIL));
            let place = format!("message {name}");
            let found = match fetched {
                Ok(Some(bytes)) => FoundMail::of(place, &bytes),
                // Moved or deleted since it was listed.
                Ok(None) => continue,
                Err(SendError::Unauthorised(answer)) => {
                    return Err(MailingError::Server(SendError::Unauthorised(answer)));
                }
                Err(error) => FoundMail {
                    place,
                    sha256: [0; 32],
                    head: Err(error.answer().in_full()),
                },
            };
            self.take(found)?;
        }
        Ok(mailbox.describe())
    }

    /// Takes a row of a message trace.
    ///
    /// # Errors
    /// When the state file cannot be read or written.
    pub(crate) fn take_trace(&mut self, row: &TraceRow) -> Result<(), MailingError> {
        let mail = ReadMail {
            kind: MailKind::DeliveryReport,
            own_id: None,
            date: None,
            from: None,
            about: vec![std::iter::once(row.message_id.clone()).collect()],
            recipients: vec![row.recipient.clone()],
            reader: None,
            why: "the message trace has it",
        };
        let evidence = row.evidence();
        let place = row.place.clone();
        if self.ledger.by_message_id(&row.message_id)?.is_none() {
            self.done(&MailReport {
                place,
                kind: None,
                evidence: Some(evidence),
                events: Vec::new(),
                why: "it is about no letter of this batch".to_owned(),
                fate: MailFate::NotOurs,
            });
            return Ok(());
        }
        self.judged(place, &mail, evidence)
    }

    /// Looks into the message trace of the service that the batch is sent by, where it keeps one and
    /// the sign-in may see it; says what became of that. A trace that is not shown is no failure: the
    /// mailbox says the same, later.
    ///
    /// # Errors
    /// When the state file cannot be read or written.
    pub(crate) fn read_service_trace(
        &mut self,
        loaded: &Loaded,
        bearer: &Arc<dyn Bearer>,
    ) -> Result<Option<String>, MailingError> {
        let secrets = &loaded.secrets;
        let opened = tracing(loaded.batch.dispatch.transport, secrets, bearer)
            .map_err(MailingError::Transport)?;
        let first = self.view().first_hand_over()?;
        let (Some(mut service), Some(first)) = (opened, first) else {
            return Ok(None);
        };
        let clock = self.clock;
        if !patiently(clock, &mut || service.may_trace()).unwrap_or(false) {
            return Ok(None);
        }
        let (since, until) = (self.since.unwrap_or(first - DAY), clock.now());
        let mut rows = 0_u64;
        let mut details = 0;
        for sender in senders(loaded) {
            let listed = patiently(clock, &mut || service.list(&sender, since, until));
            let traced = match listed {
                Ok(traced) => traced,
                Err(error) => {
                    let line = error.answer().line();
                    return Ok(Some(format!("the message trace cannot be read: {line}")));
                }
            };
            for message in traced {
                if self.ledger.by_message_id(&message.message_id)?.is_none() {
                    continue;
                }
                rows += 1;
                let row = |detail: &str| {
                    TraceRow::of(
                        format!("trace {}", message.name),
                        &message.message_id,
                        &message.recipient,
                        &message.status,
                        detail,
                    )
                };
                let Some(mut found) = row("") else { continue };
                let is_known = self.ledger.is_known(&found.evidence());
                if found.is_failure() && !is_known && details < MOST_DETAILS {
                    details += 1;
                    let detail = patiently(clock, &mut || service.detail(&message));
                    let detail = detail.ok().flatten().unwrap_or_default();
                    found = row(&detail).unwrap_or(found);
                }
                self.take_trace(&found)?;
            }
        }
        Ok(Some(format!(
            "looked into the message trace: {rows} rows about letters of this batch"
        )))
    }

    fn judged(
        &mut self,
        place: String,
        mail: &ReadMail,
        evidence: MailEvidence,
    ) -> Result<(), MailingError> {
        let is_too_old = match (self.since, mail.date) {
            (Some(since), Some(date)) => date < since,
            _ => false,
        };
        let mut report = MailReport {
            place,
            kind: Some(mail.kind),
            evidence: Some(evidence.clone()),
            events: Vec::new(),
            why: mail.why.to_owned(),
            fate: MailFate::NotOurs,
        };
        if is_too_old {
            report.fate = MailFate::TooOld;
        } else if self.ledger.is_known(&evidence) {
            report.fate = MailFate::KnownBefore;
        } else {
            let judged = judge(mail, &evidence, &self.ledger)?;
            report.why = judged.why;
            report.events = judged.events;
        }
        if report.events.is_empty() {
            self.done(&report);
            return Ok(());
        }
        let returned = ReturnedMail {
            evidence,
            events: report.events.clone(),
        };
        self.waiting.push((returned, report));
        if self.waiting.len() >= AT_ONCE {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), MailingError> {
        let waiting = std::mem::take(&mut self.waiting);
        let (mail, reports): (Vec<_>, Vec<_>) = waiting.into_iter().unzip();
        if mail.is_empty() {
            return Ok(());
        }
        let entered = self.ledger.enter(&mail, self.clock.now())?;
        for (mut report, entered) in reports.into_iter().zip(entered) {
            report.fate = match entered {
                Entered::Appended => MailFate::Entered,
                Entered::Known => MailFate::KnownBefore,
                Entered::Waits => MailFate::Waits,
                Entered::Impossible => MailFate::NotOurs,
            };
            self.done(&report);
        }
        Ok(())
    }

    fn done(&mut self, report: &MailReport) {
        self.counts.add(report.fate);
        (self.show)(report);
    }

    /// Enters what is left, and says how many mails became what.
    ///
    /// # Errors
    /// When the state file cannot be written.
    pub(crate) fn finish(mut self) -> Result<(MailCounts, LedgerView), MailingError> {
        self.flush()?;
        Ok((self.counts, self.ledger.into_view()))
    }
}

/// The addresses that letters of a batch go out as, and that of who signed in, who may send on behalf.
fn senders(loaded: &Loaded) -> Vec<Address> {
    let from = loaded.batch.letter.from.as_deref();
    let from = from.and_then(|from| Mailbox::parse(from).ok());
    let own = loaded.secrets.sign_in.username.as_deref();
    let all = [
        loaded.secrets.send_emails_as.clone(),
        from.map(|from| from.address),
        own.and_then(|own| Address::parse(own).ok()),
    ];
    let mut senders: Vec<Address> = Vec::new();
    for sender in all.into_iter().flatten() {
        let is_new = !senders
            .iter()
            .any(|other| other.as_str().eq_ignore_ascii_case(sender.as_str()));
        if is_new {
            senders.push(sender);
        }
    }
    senders
}

/// How often a question is asked that the server does not answer now.
const TRIES: u32 = 5;
/// How long is waited when a server does not say.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest wait that is kept to.
const LONGEST_PAUSE: Duration = Duration::from_mins(10);

/// Asks again what a server does not answer now, as long as it asks to wait.
fn patiently<T>(
    clock: &dyn Clock,
    ask: &mut dyn FnMut() -> Result<T, SendError>,
) -> Result<T, SendError> {
    let mut tries = 1;
    loop {
        let wait = match ask() {
            Err(SendError::Throttled { wait, .. }) if tries < TRIES => {
                wait.unwrap_or(PAUSE * tries).min(LONGEST_PAUSE)
            }
            Err(SendError::Transient { .. }) if tries < TRIES => PAUSE * tries,
            other => return other,
        };
        tries += 1;
        clock.wait(&Signal::default(), Some(wait));
    }
}

/// A person's word on suspicions and on what was not clear.
#[derive(Clone, Debug)]
pub(crate) struct ReviewRequest {
    /// Whose letters.
    pub ids: Vec<String>,
    /// Whether what is suspected is so; else it is not.
    pub is_so: bool,
    /// What they found.
    pub because: String,
}

/// Settles suspicions and what was not clear by a person's word: of all these letters, or of none when
/// there is nothing to settle at one of them.
///
/// # Errors
/// When a letter has nothing to settle, or the state file cannot be used.
pub(crate) fn review(
    loaded: &Loaded,
    request: &ReviewRequest,
    clock: &dyn Clock,
) -> Result<LedgerView, MailingError> {
    let state = StateFile::of(loaded, false);
    state.view()?;
    let mut ledger = state.open("returns", "", clock)?;
    let by = person();
    let mut events: Vec<(String, Event)> = Vec::new();
    for id in &request.ids {
        let record = ledger.letter(id)?;
        let letter = record.map(|record| record.letter);
        let Some(letter) = letter.filter(|letter| letter.to_look_at().next().is_some()) else {
            let _ = ledger.end_run(clock.now(), "nothing to settle");
            return Err(MailingError::NothingToReview(id.clone()));
        };
        if request.is_so {
            let suspicions = letter.suspicions();
            let confirmed = suspicions.filter(|mail| mail.kind == LetterMailKind::Suspected);
            events.extend(confirmed.filter_map(|mail| {
                let returned = AddressReturn {
                    message_id: mail.message_id.clone(),
                    address: mail.address.clone()?,
                    hard: mail.hard,
                    reason: mail.why.clone(),
                    code: mail.code.clone(),
                    text: mail.text.clone(),
                    evidence: mail.evidence.clone(),
                };
                let event = Event::Correction {
                    returned,
                    outcome: AddressOutcome::Bounced,
                    by: by.clone(),
                };
                Some((id.clone(), event))
            }));
        }
        events.push((
            id.clone(),
            Event::Reviewed {
                by: by.clone(),
                because: request.because.clone(),
            },
        ));
    }
    ledger.append_all(&events, clock.now())?;
    Ok(ledger.end_run(clock.now(), "reviewed").0)
}
