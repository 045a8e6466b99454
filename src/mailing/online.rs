//! What the server says before anything is sent to a school.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::{Loaded, MailingError, Prepared};
use crate::address::{Address, HeaderText};
use crate::clock::{Clock, Signal};
use crate::config::{SaveIn, TransportName};
use crate::dns::{MailDomain, MailDomains};
use crate::figures::{bytes as in_bytes, plural};
use crate::finding::Finding;
use crate::letter::{Extras, Letter};
use crate::message::Message;
use crate::transport::{AttemptRecord, Largest, Survey, Transport, TransportAttempt, new_trace};

/// How long a probe is looked for in the mailbox.
const PATIENCE: Duration = Duration::from_mins(2);
/// The wait between two looks.
const BETWEEN_LOOKS: Duration = Duration::from_secs(5);

/// What the server said, as lines of the summary and findings.
#[derive(Default)]
pub(crate) struct Online {
    /// What was found, each with a word for it.
    pub facts: Vec<(&'static str, String)>,
    /// What is missing or in the way.
    pub findings: Vec<Finding>,
}

/// Which name server is asked about the recipients' domains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NameServer {
    /// Those of the system.
    System,
    /// This one.
    At(SocketAddr),
    /// None: the domains are not looked up.
    Off,
}

impl NameServer {
    /// The variable of the environment that names another one, or `off`. A batch's folder cannot say it.
    pub(crate) const VARIABLE: &str = "POSTROOM_DNS";

    /// The name server that a variable names; none where it cannot be read.
    #[must_use]
    pub(crate) fn named(text: Option<&str>) -> Option<Self> {
        match text.map(str::trim) {
            None | Some("") => Some(Self::System),
            Some("off") => Some(Self::Off),
            Some(text) => {
                let with_port = text.parse().ok();
                let address = text.parse().ok().map(|ip: IpAddr| SocketAddr::new(ip, 53));
                with_port.or(address).map(Self::At)
            }
        }
    }
}

/// What DNS says against the domains that letters go to.
fn recipient_domains(prepared: &Prepared, name_server: NameServer) -> Vec<Finding> {
    let server = match name_server {
        NameServer::Off => return Vec::new(),
        NameServer::System => None,
        NameServer::At(server) => Some(server),
    };
    let mut users: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (index, _) in prepared.plan.placed() {
        let addressees = prepared.letters.addressees(index);
        let mailboxes = [&addressees.to, &addressees.cc, &addressees.bcc];
        for mailbox in mailboxes.into_iter().flatten() {
            let domain = mailbox.address.domain().to_lowercase();
            let ids = users.entry(domain).or_default();
            let id = prepared.letters.id(index);
            if ids.last() != Some(&id) {
                ids.push(id);
            }
        }
    }
    let Some(asked) = MailDomains::new(server) else {
        return Vec::new();
    };
    let domains: Vec<String> = users.keys().cloned().collect();
    let answers = asked.ask(&domains);
    let found = users.into_iter().zip(answers);
    found
        .filter_map(|((domain, ids), answer)| against(&domain, &ids, answer))
        .collect()
}

fn against(domain: &str, ids: &[&str], answer: MailDomain) -> Option<Finding> {
    let others = ids.len() - 1;
    let more = match others {
        0 => String::new(),
        _ => format!(" (and {} more)", plural(others as u64, "recipient")),
    };
    let finding = match answer {
        MailDomain::HasServers | MailDomain::Unknown => return None,
        MailDomain::Missing => Finding::fault(
            format!("there is no domain {domain}{more}"),
            "correct the address: nothing sent there arrives",
        ),
        MailDomain::TakesNone => Finding::fault(
            format!("the domain {domain} says that it takes no mail{more}"),
            "ask for another address",
        ),
        MailDomain::NamesNone => Finding::warning(
            format!("the domain {domain} names no mail server{more}"),
            "look at the spelling: few such domains take mail",
        ),
    };
    Some(finding.id(*ids.first()?))
}

/// Asks the server, and says by which address it knows us.
///
/// # Errors
/// When it does not take us or cannot be reached.
pub(crate) fn ask(
    transport: &mut dyn Transport,
    loaded: &Loaded,
    prepared: Option<&Prepared>,
    name_server: NameServer,
) -> Result<(Online, Option<Address>), MailingError> {
    let mut online = Online::default();
    if let Some(prepared) = prepared {
        online.findings = too_large(transport, prepared)?;
    }
    let survey = transport.survey().map_err(MailingError::Server)?;
    if let (Some(prepared), Some(largest)) = (prepared, &survey.largest) {
        online.findings.extend(beyond(largest, prepared));
    }
    if let Some(prepared) = prepared {
        online
            .findings
            .extend(recipient_domains(prepared, name_server));
    }
    let own_address = survey.own_address.clone();
    online.take(survey);
    if let Some(prepared) = prepared
        && keeps_copies(loaded)
    {
        online.facts.push((
            "copies",
            format!(
                "take about {} in Sent Items",
                in_bytes(prepared.plan.bytes())
            ),
        ));
    }
    Ok((online, own_address))
}

/// Whether the letters will take room in a mailbox.
fn keeps_copies(loaded: &Loaded) -> bool {
    match loaded.batch.dispatch.transport {
        TransportName::Graph => true,
        TransportName::Ews => loaded
            .secrets
            .ews
            .get()
            .is_ok_and(|ews| ews.save_in != SaveIn::None),
        TransportName::Outbox | TransportName::Smtp => false,
    }
}

/// The letters that are too large for what the sign-in allows.
pub(super) fn too_large(
    transport: &mut dyn Transport,
    prepared: &Prepared,
) -> Result<Vec<Finding>, MailingError> {
    let largest = transport.largest().map_err(MailingError::Server)?;
    Ok(largest.map_or_else(Vec::new, |largest| beyond(&largest, prepared)))
}

fn beyond(largest: &Largest, prepared: &Prepared) -> Vec<Finding> {
    let letters = prepared.plan.placed();
    letters
        .filter(|(_, letter)| letter.bytes() > largest.bytes)
        .map(|(index, letter)| oversize(letter.bytes(), largest).id(prepared.letters.id(index)))
        .collect()
}

pub(super) fn oversize(bytes: u64, largest: &Largest) -> Finding {
    Finding::fault(
        format!(
            "the letter takes {} on the wire, and {} allows {}",
            in_bytes(bytes),
            largest.who,
            in_bytes(largest.bytes)
        ),
        largest.remedy.clone(),
    )
}

/// Sends one letter to ourselves and says what came of it.
///
/// # Errors
/// When it was not accepted.
pub(crate) fn probe(
    transport: &mut dyn Transport,
    loaded: &Loaded,
    prepared: &Prepared,
    to: &Address,
    clock: &dyn Clock,
) -> Result<Online, MailingError> {
    let message = message(loaded, prepared, to, clock);
    let trace = new_trace();
    let mut keep = |_: AttemptRecord| true;
    let mut attempt = TransportAttempt::new(&trace, None, &mut keep);
    let receipt = transport
        .send(&message, &mut attempt)
        .map_err(MailingError::Probe)?;
    let mut online = Online::default();
    online
        .facts
        .push(("probe", format!("to {to}: {}", receipt.text)));
    let (begun, signal) = (clock.elapsed(), Signal::default());
    loop {
        match transport.seen(&message.message_id) {
            Ok(Some(survey)) => {
                online.take(survey);
                return Ok(online);
            }
            Ok(None) => {}
            Err(error) => {
                let answer = error.answer();
                online.findings.push(Finding::warning(
                    format!(
                        "the probe was accepted and could not be looked at: {}",
                        answer.said()
                    ),
                    match answer.next_step() {
                        Some(step) => format!("{step}; look for the probe in Sent Items meanwhile"),
                        None => "look for it in Sent Items and in your inbox".to_owned(),
                    },
                ));
                return Ok(online);
            }
        }
        if clock.elapsed() >= begun + PATIENCE {
            online.findings.push(Finding::warning(
                "the probe was accepted and is not in Sent Items",
                "look there by hand; without a copy letters in doubt cannot be looked up",
            ));
            return Ok(online);
        }
        clock.wait(&signal, Some(BETWEEN_LOOKS));
    }
}

impl Online {
    fn take(&mut self, survey: Survey) {
        self.facts.extend(survey.facts);
        let warnings = survey.warnings.into_iter();
        self.findings
            .extend(warnings.map(|(text, remedy)| Finding::warning(text, remedy)));
    }
}

/// A letter to ourselves that nobody can take for a report.
fn message(loaded: &Loaded, prepared: &Prepared, to: &Address, clock: &dyn Clock) -> Message {
    let now = clock.now();
    let mut digest = [0; 32];
    digest[..16].copy_from_slice(&now.as_nanosecond().to_be_bytes());
    let letter = Letter {
        id: "postroom-probe".into(),
        name: String::new(),
        from: prepared.letters.from().clone(),
        reply_to: None,
        to: vec![to.clone().into()],
        cc: Vec::new(),
        bcc: Vec::new(),
        subject: HeaderText::parse("postroom: a probe, please ignore").unwrap_or_default(),
        html: "<p>This letter was sent by <code>postroom check --online --probe</code> to see whether letters go out. No school got one.</p>".to_owned().into(),
        own_text: None,
        pictures: Vec::new(),
        extras: Extras::default(),
        attachments: Vec::new(),
        is_rehearsal: false,
    };
    Message::first(&loaded.batch.name, letter, &digest, Vec::new()).dated(now)
}
