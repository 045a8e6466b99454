//! From the command line to a plan: the same steps for every verb that makes letters.

use std::sync::Arc;

use indicatif::{ProgressBar, ProgressStyle};

use super::args::Options;
use super::console::Console;
use super::exit::{Exit, Stop};
use super::state::StateFile;
use super::words;
use crate::address::Address;
use crate::clock::Clock;
use crate::config::{Batch, Secrets};
use crate::fault::Fault;
use crate::ledger::{Difference, Ledger, LedgerError};
use crate::letter::Letters;
use crate::manifest::Manifest;
use crate::plan::Plan;
use crate::transport::{Bearer, Transport};

/// A batch as it is read, with what the command line says.
pub(super) struct Loaded {
    pub batch: Batch,
    pub secrets: Secrets,
}

impl Loaded {
    /// The address of the person who sends, where the secrets file names one.
    pub fn own_address(&self) -> Option<Address> {
        Address::parse(self.secrets.sign_in.username.as_deref()?).ok()
    }
}

/// A batch whose letters were all made once.
pub(super) struct Prepared {
    pub letters: Arc<Letters>,
    pub plan: Plan,
    /// Warnings and notices.
    pub findings: Vec<Fault>,
}

impl Prepared {
    /// How the plan differs from the one that the ledger began with.
    pub fn differences(&self, ledger: &Ledger) -> Result<Vec<Difference>, LedgerError> {
        let ids = (0..self.letters.len()).map(|index| self.letters.id(index));
        let digests = self.plan.letters.iter().map(|letter| letter.digest);
        ledger.differences(ids.zip(digests))
    }
}

/// Reads the batch and secrets files.
pub(super) fn load(path: &std::path::Path, options: &Options) -> Result<Loaded, Stop> {
    let mut batch = Batch::load(path)?;
    if let Some(transport) = options.transport {
        batch.dispatch.transport = transport;
    }
    let environment = |key: &str| std::env::var(key).ok();
    let secrets = Secrets::load(&batch.folder, options.secrets.as_deref(), &environment)?;
    Ok(Loaded { batch, secrets })
}

/// Opens the transport of a batch.
pub(super) fn transport(
    loaded: &Loaded,
    bearer: &Arc<dyn Bearer>,
) -> Result<Box<dyn Transport>, Fault> {
    crate::transport::open(
        loaded.batch.dispatch.transport,
        &loaded.batch,
        &loaded.secrets,
        bearer,
    )
}

/// Reads the manifest and makes every letter once.
///
/// # Errors
/// All findings, when a fault is among them.
pub(super) fn prepare(
    loaded: &Loaded,
    redirect: Option<&Address>,
    console: &Console,
    clock: &dyn Clock,
) -> Result<Prepared, Vec<Fault>> {
    prepare_with(loaded, redirect, |letters| all(letters, console, clock))
}

/// As [`prepare`], but of a batch that was begun only the letters left are made: it takes the time
/// that they need. With anything changed or wrong every letter is made, so that all of it is told.
///
/// # Errors
/// All findings, when a fault is among them.
pub(super) fn prepare_rest(
    loaded: &Loaded,
    state: &StateFile,
    console: &Console,
    clock: &dyn Clock,
) -> Result<Prepared, Vec<Fault>> {
    prepare_with(loaded, None, |letters| {
        let rest = state.begun(&letters.sources()).and_then(|begun| {
            with_bar(console, begun.left.len(), |progress| {
                Plan::take_up(&begun, letters, clock, progress)
            })
        });
        rest.map_or_else(|| all(letters, console, clock), Ok)
    })
}

fn prepare_with(
    loaded: &Loaded,
    redirect: Option<&Address>,
    make_plan: impl FnOnce(&Arc<Letters>) -> Result<Plan, Vec<Fault>>,
) -> Result<Prepared, Vec<Fault>> {
    let (manifest, mut findings) = Manifest::read(&loaded.batch);
    let Some(manifest) = manifest else {
        return Err(findings);
    };
    let made = Letters::new(&loaded.batch, &loaded.secrets, manifest, redirect.cloned()).and_then(
        |letters| {
            let letters = Arc::new(letters);
            findings.extend(letters.findings().iter().cloned());
            let mut plan = make_plan(&letters)?;
            findings.append(&mut plan.findings);
            Ok((letters, plan))
        },
    );
    match made {
        Ok((letters, plan)) => Ok(Prepared {
            letters,
            plan,
            findings,
        }),
        Err(faults) => {
            findings.extend(faults);
            Err(findings)
        }
    }
}

fn all(letters: &Arc<Letters>, console: &Console, clock: &dyn Clock) -> Result<Plan, Vec<Fault>> {
    with_bar(console, letters.len(), |progress| {
        Plan::make(letters, clock, progress)
    })
}

/// Shows how many of so many letters are made, where a bar can be shown.
fn with_bar<T>(
    console: &Console,
    letters: usize,
    make: impl FnOnce(&mut dyn FnMut(usize)) -> T,
) -> T {
    if !console.shows_bar() {
        return make(&mut |_| {});
    }
    let bar = ProgressBar::new(letters as u64).with_style(style("checking {bar:30} {pos}/{len}"));
    console.set_bar(Some(bar.clone()));
    let result = make(&mut |done| bar.set_position(done as u64));
    console.set_bar(None);
    result
}

/// A bar's style; a template that indicatif does not take is its default.
pub(super) fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}

/// Findings that are shown at most; all of them are in the JSON.
const MOST_SHOWN: usize = 100;
/// Recipients that are named in one finding.
const MOST_NAMED: usize = 5;

/// Shows findings one after the other; the same finding for several recipients is shown once.
pub(super) fn show(findings: &[Fault], console: &Console) {
    let mut groups: Vec<(Fault, Vec<&str>)> = Vec::new();
    for finding in findings {
        let mut same = finding.clone();
        same.id = None;
        let ids = finding.id.as_deref();
        match groups
            .iter_mut()
            .rev()
            .take(MOST_SHOWN)
            .find(|(other, _)| *other == same)
        {
            Some((_, together)) => together.extend(ids),
            None => groups.push((same, ids.into_iter().collect())),
        }
    }
    for (mut finding, ids) in groups.iter().take(MOST_SHOWN).cloned() {
        finding.id = match ids.len() {
            0 => None,
            1..=MOST_NAMED => Some(ids.join(", ")),
            more => Some(format!(
                "{} and {} more",
                ids[..MOST_NAMED].join(", "),
                more - MOST_NAMED
            )),
        };
        console.finding(&finding);
    }
    if groups.len() > MOST_SHOWN {
        let more = (groups.len() - MOST_SHOWN) as u64;
        console.error(&format!(
            "and {} more findings; --json lists all",
            words::count(more)
        ));
    }
}

/// The end of a verb whose checks found faults.
pub(super) fn refused(findings: &[Fault]) -> Stop {
    let faults = findings.iter().filter(|fault| fault.is_fault()).count() as u64;
    Stop::new(
        Exit::Faults,
        format!("{} found, nothing was sent", words::plural(faults, "fault")),
    )
}
