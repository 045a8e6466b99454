//! `postroom send` and `postroom resume`.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::args::SendArgs;
use super::console::Console;
use super::ending::finish;
use super::exit::{Exit, Stop};
use super::prepare::{Loaded, Prepared, load, prepare, prepare_rest, refused, show, transport};
use super::progress::Progress;
use super::show::{confirmed, dry_run, to_go};
use super::signed_in::SignedIn;
use super::state::StateFile;
use super::taking::take_plan;
use super::{json, lost, online, status, words};
use crate::clock::Clock;
use crate::config::TransportName;
use crate::dispatch::{Dispatch, Interrupt, estimate};
use crate::ledger::{Counts, Ledger, LedgerError};

/// From where a run may start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// From the beginning, or where an earlier run stopped.
    Any,
    /// Only where an earlier run stopped.
    Begun,
}

pub(super) fn run(
    args: &SendArgs,
    start: Start,
    console: &Console,
    clock: &Arc<dyn Clock>,
) -> Result<Exit, Stop> {
    let mut args = args.clone();
    let loaded = load(&args.common.batch, &args.common.options)?;
    let bearer = SignedIn::bearer(&loaded.secrets.sign_in, clock);
    let clock = &**clock;
    may_go_unasked(&args, &loaded)?;
    let rehearsal = args.redirect_to.is_some();
    let state = StateFile::of(&loaded, &args.common.options, rehearsal);
    if start == Start::Begun {
        state.glance()?;
    }
    let prepared = prepared(&args, &loaded, &state, console, clock)?;
    show(&prepared.findings, console);
    if let Some(sample) = args.sample {
        args.only = spread(sample.get(), &prepared);
    }
    let args = &args;
    asked_for(args, &prepared)?;
    if args.dry_run {
        return Ok(dry_run(args, &loaded, &state, &prepared, console, clock));
    }
    let mut transports = (0..loaded.batch.dispatch.at_once())
        .map(|_| transport(&loaded, &bearer))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|fault| Stop::new(Exit::Usage, words::next(&fault)))?;
    let described = transports
        .first()
        .map(|transport| transport.describe())
        .unwrap_or_default();
    if let Some(transport) = transports.first_mut() {
        let faults = online::too_large(&mut **transport, &prepared)?;
        if !faults.is_empty() {
            show(&faults, console);
            return Err(refused(&faults));
        }
    }
    let command = if start == Start::Any {
        "send"
    } else {
        "resume"
    };
    let (mut ledger, is_new) = opened(args, &state, command, &described, clock)?;
    take_plan(args, &loaded, &prepared, &mut ledger, rehearsal)?;
    if let (true, Some(transport)) = (is_new, transports.first_mut()) {
        lost::look(
            args,
            &loaded,
            &prepared,
            &mut **transport,
            &state.path,
            console,
        )?;
    }
    let mut before = ledger.counts()?;
    if args.retry_rejected {
        before.pending += std::mem::take(&mut before.rejected);
    }
    if start == Start::Begun && before.pending == 0 && before.in_doubt == 0 {
        return Err(nothing_to_resume(&before));
    }
    if before.pending > 0 && !confirmed(args, &loaded, &prepared, &described, &before, console) {
        ledger.end_run(clock.now(), "not confirmed")?;
        return Err(Stop::new(Exit::Interrupted, "nothing was sent"));
    }
    // Not before the question: who says no has changed nothing.
    if args.retry_rejected {
        ledger.retry_rejected(&args.only, clock.now())?;
    }
    let interrupt = Interrupt::default();
    listen_for_interrupt(&interrupt);
    let dispatch = Dispatch {
        batch: &loaded.batch.name,
        letters: &prepared.letters,
        plan: &prepared.plan,
        config: &loaded.batch.dispatch,
        only: (!args.only.is_empty()).then(|| args.only.iter().cloned().collect()),
        limit: args.limit,
        transport: &described,
        clock,
        interrupt,
    };
    let ending = {
        let progress = Progress::new(
            console,
            to_go(args, &before),
            rehearsal,
            time_for(&loaded, &prepared),
        );
        dispatch.run(&mut ledger, transports, &mut |event| progress.show(&event))
    };
    let ending = ending.map_err(|error| lost_ledger(&error))?;
    finish(args, &loaded, ledger, &ending, console, clock).map_err(|error| lost_ledger(&error))
}

fn nothing_to_resume(counts: &Counts) -> Stop {
    Stop::new(
        Exit::Usage,
        format!(
            "there is nothing to resume: {}\n  next: `postroom status -v` shows what happened to each letter",
            status::counts_line(counts)
        ),
    )
}

/// Opens the state file, and says whether letters of a lost one are to be looked for.
fn opened(
    args: &SendArgs,
    state: &StateFile,
    command: &str,
    transport: &str,
    clock: &dyn Clock,
) -> Result<(Ledger, bool), Stop> {
    let is_lost = args.accept_lost_state && state.accept_loss()?;
    let ledger = state.open(command, transport, clock)?;
    let is_untouched = ledger.is_untouched()?;
    if args.accept_lost_state && !is_lost && !is_untouched {
        return Err(lost::nothing_lost(&state.path));
    }
    let is_new = is_untouched && args.redirect_to.is_none() && !args.accept_lost_state;
    Ok((ledger, is_new))
}

/// A state file that fails while letters go out. What it says of itself was written for a run that
/// has not begun.
fn lost_ledger(error: &LedgerError) -> Stop {
    let text = error.to_string().replace(
        "\n  nothing was sent",
        "\n  letters in hand are in doubt; `postroom status` shows what is recorded",
    );
    Stop::new(Exit::Stopped, text)
}

/// Makes the letters: those that are left, where the run goes on with a batch that was begun.
fn prepared(
    args: &SendArgs,
    loaded: &Loaded,
    state: &StateFile,
    console: &Console,
    clock: &dyn Clock,
) -> Result<Prepared, Stop> {
    let made = if args.redirect_to.is_some() || args.dry_run {
        prepare(loaded, args.redirect_to.as_ref(), console, clock)
    } else {
        prepare_rest(loaded, state, console, clock)
    };
    made.map_err(|findings| {
        if console.output.json {
            json::plan(console, loaded, state, None, &findings, &[]);
        } else {
            show(&findings, console);
        }
        refused(&findings)
    })
}

/// How long some of the letters take under the limits, taking each for an average one.
fn time_for(loaded: &Loaded, prepared: &Prepared) -> impl Fn(u64) -> Duration + Clone + use<> {
    let config = loaded.batch.dispatch.clone();
    let all = (prepared.plan.letters.len() as u64).max(1);
    let (bytes, addresses) = (prepared.plan.bytes() / all, prepared.plan.addresses() / all);
    move |letters| estimate(&config, letters, bytes * letters, addresses * letters)
}

/// Mail leaves only when a person said so: at the prompt, by --yes, or by the plan they looked at.
fn may_go_unasked(args: &SendArgs, loaded: &Loaded) -> Result<(), Stop> {
    let allowed = loaded.batch.dispatch.transport == TransportName::Outbox
        || args.dry_run
        || args.yes
        || args.plan.is_some()
        || Console::is_terminal();
    if allowed {
        return Ok(());
    }
    Err(Stop::new(
        Exit::Usage,
        "there is no terminal to ask on, so nothing was sent\n  next: look at `postroom check`, then add --plan with its plan id, or --yes",
    ))
}

/// The ids of some letters, the first and the last among them, with about the same number between
/// each two.
fn spread(sample: usize, prepared: &Prepared) -> Vec<String> {
    let count = sample.min(prepared.letters.len());
    let last = prepared.letters.len().saturating_sub(1);
    let steps = count.saturating_sub(1).max(1);
    (0..count)
        .map(|step| prepared.letters.id(step * last / steps).to_owned())
        .collect()
}

/// Refuses ids and plans that are not there.
fn asked_for(args: &SendArgs, prepared: &Prepared) -> Result<(), Stop> {
    if !args.only.is_empty() {
        known(&args.only, prepared)?;
    }
    match &args.plan {
        Some(plan) if !prepared.plan.id.matches(plan) => Err(Stop::new(
            Exit::Faults,
            format!(
                "the plan is now {}, not {plan}: manifest, template, report or sender changed\n  nothing was sent\n  next: look at `postroom check` again",
                prepared.plan.id
            ),
        )),
        _ => Ok(()),
    }
}

fn known(only: &[String], prepared: &Prepared) -> Result<(), Stop> {
    let letters = &prepared.letters;
    let ids: HashSet<&str> = (0..letters.len()).map(|index| letters.id(index)).collect();
    let unknown: Vec<_> = only
        .iter()
        .filter(|id| !ids.contains(id.as_str()))
        .map(String::as_str)
        .collect();
    if unknown.is_empty() {
        return Ok(());
    }
    Err(Stop::new(
        Exit::Usage,
        format!(
            "the manifest has no recipient {}\n  nothing was sent\n  next: correct --only",
            unknown.join(", ")
        ),
    ))
}

/// The first Ctrl-C lets the letters in hand finish, the second ends at once. A terminal that is closed
/// is no impatient person, though the system and the shell both tell of it.
fn listen_for_interrupt(interrupt: &Interrupt) {
    let interrupt = interrupt.clone();
    let terminals = Console::terminals();
    // Without a handler Ctrl-C ends the process, which the ledger survives.
    let _ = ctrlc::set_handler(move || {
        if interrupt.is_asked() && Console::terminals() == terminals {
            Console::leave(Exit::Interrupted);
        }
        interrupt.ask();
    });
}
