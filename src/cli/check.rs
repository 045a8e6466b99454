//! `postroom check`: everything that can go wrong, found before anything is sent.

use std::collections::HashSet;
use std::sync::Arc;

use super::args::CheckArgs;
use super::console::Console;
use super::exit::{Exit, Stop};
use super::findings::show;
use super::front::TerminalFront;
use super::signed_in::SignedIn;
use super::{json, words};
use crate::clock::Clock;
use crate::config::TransportName;
use crate::dispatch::{Interrupt, estimate};
use crate::finding::{Finding, NextStep, Severity, quote};
use crate::ledger::{Counts, LedgerError, LedgerKind, PlanDifference};
use crate::mailing::{
    self, Loaded, MailingError, Moved, NameServer, Online, Prepared, StateFile, prepare,
};
use crate::transport::Transport;

pub(super) fn run(
    args: &CheckArgs,
    console: &Console,
    clock: &Arc<dyn Clock>,
) -> Result<Exit, Stop> {
    let loaded = Loaded::load(&args.common.load_request())?;
    let rehearsal = args.redirect_to.is_some();
    let state = StateFile::of(&loaded, rehearsal);
    let mut transport = loaded.transport(&SignedIn::bearer(&loaded.secrets.sign_in, clock));
    let mut front = TerminalFront::new(console, &**clock, &Interrupt::default(), rehearsal);
    let prepared = prepare(&loaded, args.redirect_to.as_ref(), &**clock, &mut front);
    drop(front);
    let (planned, mut findings) = match prepared {
        Ok(prepared) => {
            let findings = prepared.findings.clone();
            (Some(prepared), findings)
        }
        Err(MailingError::Faults(findings)) => (None, findings),
        Err(error) => return Err(error.into()),
    };
    if let Err(MailingError::Transport(fault)) = &transport {
        findings.push(fault.clone());
    }
    findings.extend(password_that_ends(&loaded));
    let begun = planned.as_ref().map(|prepared| begun(&state, prepared));
    match &begun {
        Some(Ok(begun)) => findings.extend(begun.findings(state.identity.kind)),
        Some(Err(error)) => findings.push(untrusted(&state, error)),
        None => {}
    }
    let mut online = Online::default();
    if let (true, Ok(transport)) = (args.online, &mut transport) {
        online = ask_online(args, &mut **transport, &loaded, planned.as_ref(), &**clock)?;
        findings.append(&mut online.findings);
    }
    let only = match &planned {
        Some(prepared) => chosen(&args.only, prepared)?,
        None => None,
    };
    if console.output.json {
        let differences = match &begun {
            Some(Ok(begun)) => begun.differences.as_slice(),
            Some(Err(_)) | None => &[],
        };
        let planned = planned
            .as_ref()
            .map(|prepared| (&*prepared.letters, &prepared.plan, differences));
        json::plan(
            console,
            &loaded,
            &state,
            planned,
            only.as_ref(),
            &findings,
            &online.facts,
        );
    } else {
        show(&findings, console);
    }
    match (planned, begun, transport) {
        (Some(prepared), Some(Ok(begun)), Ok(transport))
            if !findings.iter().any(Finding::is_fault) =>
        {
            let mut lines = summary(
                &loaded,
                &prepared,
                &transport.describe(),
                &findings,
                begun.counts,
            );
            if only.is_some() || console.output.verbose {
                lines.extend(listed(only.as_ref(), &prepared));
            }
            let width = |(word, text): &(&str, String)| format!("{word:<12} {text}");
            lines.extend(online.facts.iter().map(width));
            console.result(&lines.join("\n"));
            Ok(Exit::Success)
        }
        _ => Err(MailingError::Faults(findings).into()),
    }
}

/// What works today and not for long.
fn password_that_ends(loaded: &Loaded) -> Option<Finding> {
    let is_smtp = loaded.batch.dispatch.transport == TransportName::Smtp;
    let settings = loaded.secrets.smtp.get().ok()?.as_ref()?;
    (is_smtp && settings.has_password_that_ends()).then(|| {
        Finding::warning(
            format!(
                "{} accepts passwords until the end of December 2026, and then only where an administrator allows it",
                settings.host
            ),
            "write auth = \"oauth\" into [smtp] and run `postroom login`, or use transport = \"graph\"",
        )
    })
}

/// The recipients that `--only` names; none where it names nobody.
pub(super) fn chosen(
    only: &[String],
    prepared: &Prepared,
) -> Result<Option<HashSet<String>>, MailingError> {
    if only.is_empty() {
        return Ok(None);
    }
    let ids = mailing::recipients(only, &prepared.letters)?;
    Ok(Some(ids.into_iter().collect()))
}

/// The letters of some recipients, or of all: who they are and where the letters go.
fn listed(only: Option<&HashSet<String>>, prepared: &Prepared) -> Vec<String> {
    let letters = &prepared.letters;
    let chosen = (0..letters.len())
        .filter(|index| only.is_none_or(|only| only.contains(letters.id(*index))));
    let word = if only.is_some() { "only" } else { "letter" };
    chosen
        .map(|index| {
            let addressees = letters.addressees(index);
            let all = [&addressees.to, &addressees.cc, &addressees.bcc];
            let listed: Vec<String> = all
                .into_iter()
                .flatten()
                .map(|mailbox| mailbox.address.to_string())
                .collect();
            format!(
                "{word:<12} {} {}: {}",
                quote(letters.id(index)),
                quote(letters.name(index)),
                listed.join(", ")
            )
        })
        .collect()
}

/// Asks the server, and sends it a probe if that is wanted and nothing stands in the way.
fn ask_online(
    args: &CheckArgs,
    transport: &mut dyn Transport,
    loaded: &Loaded,
    planned: Option<&Prepared>,
    clock: &dyn Clock,
) -> Result<Online, Stop> {
    let variable = std::env::var(NameServer::VARIABLE).ok();
    let name_server = NameServer::named(variable.as_deref()).ok_or_else(|| {
        Stop::new(
            Exit::Usage,
            words::with_next(
                &format!(
                    "{} is not the address of a name server",
                    NameServer::VARIABLE
                ),
                "write it like 127.0.0.1:53, or off",
            ),
        )
    })?;
    let (mut online, own_address) = mailing::ask(transport, loaded, planned, name_server)?;
    if !args.probe || online.findings.iter().any(Finding::is_fault) {
        return Ok(online);
    }
    match (planned, own_address.or_else(|| loaded.own_address())) {
        (Some(prepared), Some(to)) => {
            let probe = mailing::probe(transport, loaded, prepared, &to, clock)?;
            online.facts.extend(probe.facts);
            online.findings.extend(probe.findings);
        }
        (Some(_), None) => online.findings.push(Finding::warning(
            "no probe was sent: it is not known who you are",
            "write username in the secrets file",
        )),
        (None, _) => {}
    }
    Ok(online)
}

const WAITS: &str = "put it back, or send it as it is now by `postroom send --accept-changes`";

/// What the state file knows, when the batch has begun, and how the plan differs from it.
#[derive(Default)]
struct Begun {
    counts: Option<Counts>,
    /// Accepted letters with an address that they did not reach.
    open: u64,
    differences: Vec<PlanDifference>,
    moved: Option<Moved>,
}

impl Begun {
    fn findings(&self, kind: LedgerKind) -> Vec<Finding> {
        let moved = self.moved.iter();
        let moved = moved.map(|moved| Finding::warning(moved.to_string(), WAITS));
        let is_settled = |one: &&PlanDifference| !mailing::waits_for_a_word(one);
        let is_only_one = self.differences.iter().filter(is_settled).count() == 1;
        let differences = self.differences.iter().map(|difference| {
            let next_step = if mailing::waits_for_a_word(difference) {
                WAITS.to_owned()
            } else {
                super::changes::once_more(difference, kind, is_only_one)
            };
            Finding::warning(super::changes::in_words(difference), next_step).id(&difference.id)
        });
        let open = (self.open > 0).then(|| {
            Finding::warning(
                format!(
                    "{} went out, but not to an address that refused it or that it bounced at",
                    words::plural(self.open, "letter")
                ),
                "`postroom status` names them; correct those that are wrong in the list, then `postroom resend --bounced --because TEXT`",
            )
        });
        moved.chain(differences).chain(open).collect()
    }
}

fn begun(state: &StateFile, prepared: &Prepared) -> Result<Begun, LedgerError> {
    let ledger = match state.view() {
        Ok(ledger) => ledger,
        Err(LedgerError::Missing { .. }) => return Ok(Begun::default()),
        Err(error) => return Err(error),
    };
    let (differences, moved) = if ledger.plan()?.is_some() {
        (prepared.differences(&ledger)?, prepared.moved(&ledger)?)
    } else {
        (Vec::new(), None)
    };
    Ok(Begun {
        counts: Some(ledger.counts()?),
        open: ledger.with_open_addresses()?,
        differences,
        moved,
    })
}

/// A state file that `send` would refuse, as a finding.
fn untrusted(state: &StateFile, error: &LedgerError) -> Finding {
    let path = state.path.display().to_string();
    let text = error.to_string();
    // The file is named by the finding.
    let text = text
        .strip_prefix(&path)
        .map_or(text.as_str(), str::trim_start);
    Finding::fault(text, error.next_step()).file(path)
}

/// How many findings are worth a look; notices are not among them.
pub(super) fn warnings(findings: &[Finding]) -> usize {
    let is_warning = |finding: &&Finding| finding.severity != Severity::Notice;
    findings.iter().filter(is_warning).count()
}

/// What a person can sign.
fn summary(
    loaded: &Loaded,
    prepared: &Prepared,
    transport: &str,
    findings: &[Finding],
    begun: Option<Counts>,
) -> Vec<String> {
    let plan = &prepared.plan;
    let letters = plan.letters.len() as u64;
    let config = &loaded.batch.dispatch;
    let time = estimate(config, letters, plan.bytes(), plan.addresses());
    let mut lines = vec![
        format!("batch        {}", loaded.batch.name),
        format!("from         {}", prepared.letters.senders()),
        format!("transport    {}", super::show::through(prepared, transport)),
        format!(
            "letters      {}, to {}",
            words::count(letters),
            words::plural(plan.addresses(), "address")
        ),
        format!("attachments  {}", words::attachments(plan)),
        format!("size         {} on the wire", words::bytes(plan.bytes())),
        format!("time         {}", words::expected(time)),
        format!("warnings     {}", warnings(findings)),
        format!("plan         {}", plan.id),
    ];
    let left_out = prepared.letters.manifest().left_out().len() as u64;
    if left_out > 0 {
        let rows = words::plural(left_out, "row");
        lines.insert(4, format!("left out     {rows} of the list"));
    }
    if let Some(counts) = begun {
        lines.push(format!(
            "so far       {}",
            super::status::counts_line(&counts)
        ));
    }
    lines
}
