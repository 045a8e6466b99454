//! `postroom check`: everything that can go wrong, found before anything is sent.

use std::sync::Arc;

use super::args::CheckArgs;
use super::console::Console;
use super::exit::{Exit, Stop};
use super::online::{self, Online};
use super::prepare::{Loaded, Prepared, load, prepare, refused, show, transport};
use super::signed_in::SignedIn;
use super::state::StateFile;
use super::{json, words};
use crate::clock::Clock;
use crate::dispatch::estimate;
use crate::fault::Fault;
use crate::ledger::{Counts, LedgerError};
use crate::transport::Transport;

pub(super) fn run(
    args: &CheckArgs,
    console: &Console,
    clock: &Arc<dyn Clock>,
) -> Result<Exit, Stop> {
    let loaded = load(&args.common.batch, &args.common.options)?;
    let state = StateFile::of(&loaded, &args.common.options, args.redirect_to.is_some());
    let mut transport = transport(&loaded, &SignedIn::bearer(&loaded.secrets.sign_in, clock));
    let (planned, mut findings) =
        match prepare(&loaded, args.redirect_to.as_ref(), console, &**clock) {
            Ok(prepared) => {
                let findings = prepared.findings.clone();
                (Some(prepared), findings)
            }
            Err(findings) => (None, findings),
        };
    findings.extend(transport.as_ref().err().cloned());
    let begun = planned.as_ref().map(|prepared| begun(&state, prepared));
    match &begun {
        Some(Ok((_, differences))) => findings.extend(differences.iter().cloned()),
        Some(Err(error)) => findings.push(untrusted(&state, error)),
        None => {}
    }
    let mut online = Online::default();
    if let (true, Ok(transport)) = (args.online, &mut transport) {
        online = ask_online(args, &mut **transport, &loaded, planned.as_ref(), &**clock)?;
        findings.append(&mut online.findings);
    }
    if console.output.json {
        let planned = planned
            .as_ref()
            .map(|prepared| (&*prepared.letters, &prepared.plan));
        json::plan(console, &loaded, &state, planned, &findings, &online.facts);
    } else {
        show(&findings, console);
    }
    match (planned, begun, transport) {
        (Some(prepared), Some(Ok((counts, _))), Ok(transport))
            if !findings.iter().any(Fault::is_fault) =>
        {
            let mut lines = summary(&loaded, &prepared, &transport.describe(), &findings, counts);
            let width = |(word, text): &(&str, String)| format!("{word:<12} {text}");
            lines.extend(online.facts.iter().map(width));
            console.result(&lines.join("\n"));
            Ok(Exit::Success)
        }
        _ => Err(refused(&findings)),
    }
}

/// Asks the far side, and sends it a probe if that is wanted and nothing stands in the way.
fn ask_online(
    args: &CheckArgs,
    transport: &mut dyn Transport,
    loaded: &Loaded,
    planned: Option<&Prepared>,
    clock: &dyn Clock,
) -> Result<Online, Stop> {
    let (mut online, own_address) = online::ask(transport, loaded, planned)?;
    if !args.probe || online.findings.iter().any(Fault::is_fault) {
        return Ok(online);
    }
    match (planned, own_address.or_else(|| loaded.own_address())) {
        (Some(prepared), Some(to)) => {
            let probe = online::probe(transport, loaded, prepared, &to, clock)?;
            online.facts.extend(probe.facts);
            online.findings.extend(probe.findings);
        }
        (Some(_), None) => online.findings.push(Fault::warning(
            "no probe was sent: it is not known who you are",
            "write username in the secrets file",
        )),
        (None, _) => {}
    }
    Ok(online)
}

/// What the state file knows, when the batch has begun, and how the plan differs from it.
fn begun(
    state: &StateFile,
    prepared: &Prepared,
) -> Result<(Option<Counts>, Vec<Fault>), LedgerError> {
    let ledger = match state.read() {
        Ok(ledger) => ledger,
        Err(LedgerError::Missing { .. }) => return Ok((None, Vec::new())),
        Err(error) => return Err(error),
    };
    let differences = if ledger.has_plan()? {
        prepared.differences(&ledger)?
    } else {
        Vec::new()
    };
    let findings = differences
        .iter()
        .map(|difference| {
            Fault::warning(
                super::changes::in_words(difference),
                "send refuses until it is put back, or takes it with --accept-changes",
            )
            .id(&difference.id)
        })
        .collect();
    Ok((Some(ledger.counts()?), findings))
}

/// A state file that `send` would refuse, as a finding.
fn untrusted(state: &StateFile, error: &LedgerError) -> Fault {
    let path = state.path.display().to_string();
    let told = error.to_string().replace("\n  nothing was sent", "");
    let (text, next_step) = told.split_once("\n  next: ").unwrap_or((&told, ""));
    let text = text.strip_prefix(&path).unwrap_or(text).trim_start();
    Fault::new(text, next_step).file(path)
}

/// What a person can sign.
fn summary(
    loaded: &Loaded,
    prepared: &Prepared,
    transport: &str,
    findings: &[Fault],
    begun: Option<Counts>,
) -> Vec<String> {
    let plan = &prepared.plan;
    let letters = plan.letters.len() as u64;
    let config = &loaded.batch.dispatch;
    let time = estimate(config, letters, plan.bytes(), plan.addresses());
    let mut lines = vec![
        format!("batch        {}", loaded.batch.name),
        format!("from         {}", prepared.letters.from()),
        format!("transport    {transport}"),
        format!(
            "letters      {} to {}",
            words::count(letters),
            words::plural(plan.addresses(), "address")
        ),
        format!("attachments  {}", words::attachments(plan)),
        format!("size         {} on the wire", words::bytes(plan.bytes())),
        format!("time         {}", words::expected(time)),
        format!("warnings     {}", findings.len()),
        format!("plan         {}", plan.id),
    ];
    if let Some(counts) = begun {
        lines.push(format!(
            "so far       {}",
            super::status::counts_line(&counts)
        ));
    }
    lines
}
