//! `postroom check`: everything that can go wrong, found before anything is sent.

use std::sync::Arc;

use super::args::CheckArgs;
use super::console::Console;
use super::exit::{Exit, Stop};
use super::prepare::{Loaded, Prepared, load, prepare, refused, show, transport};
use super::signed_in::SignedIn;
use super::state::StateFile;
use super::{json, words};
use crate::clock::Clock;
use crate::dispatch::estimate;
use crate::fault::Fault;
use crate::ledger::{Counts, LedgerError};

pub(super) fn run(
    args: &CheckArgs,
    console: &Console,
    clock: &Arc<dyn Clock>,
) -> Result<Exit, Stop> {
    let loaded = load(&args.common.batch, &args.common.options)?;
    let state = StateFile::of(&loaded, &args.common.options, args.redirect_to.is_some());
    let transport = transport(&loaded, &SignedIn::bearer(&loaded.secrets.sign_in, clock))
        .map(|transport| transport.describe());
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
    if console.output.json {
        let planned = planned
            .as_ref()
            .map(|prepared| (&*prepared.letters, &prepared.plan));
        json::plan(console, &loaded, &state, planned, &findings);
    } else {
        show(&findings, console);
    }
    match (planned, begun, transport) {
        (Some(prepared), Some(Ok((counts, _))), Ok(transport))
            if !findings.iter().any(Fault::is_fault) =>
        {
            summary(&loaded, &prepared, &transport, &findings, counts, console);
            Ok(Exit::Success)
        }
        _ => Err(refused(&findings)),
    }
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
    console: &Console,
) {
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
        format!("attachments  {}", words::count(plan.attachments() as u64)),
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
    console.result(&lines.join("\n"));
}
