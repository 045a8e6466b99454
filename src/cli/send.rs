//! `postroom send` and `postroom resume`.

use std::sync::Arc;

use super::args::SendArgs;
use super::console::Console;
use super::ending::show_end;
use super::exit::{Exit, Stop};
use super::findings;
use super::front::TerminalFront;
use super::json;
use super::on_end;
use super::show::dry_run;
use super::signed_in::SignedIn;
use crate::clock::Clock;
use crate::dispatch::Interrupt;
use crate::mailing::{
    Consent, Loaded, MailingError, SendRequest, Start, StateFile, choose, prepare, send,
};

pub(super) fn run(
    args: &SendArgs,
    start: Start,
    console: &Console,
    clock: &Arc<dyn Clock>,
) -> Result<Exit, Stop> {
    let loaded = Loaded::load(&args.common.load_request())?;
    let bearer = SignedIn::bearer(&loaded.secrets.sign_in, clock);
    let request = request(args, start);
    let rehearsal = args.redirect_to.is_some();
    let interrupt = Interrupt::default();
    let mut front = TerminalFront::new(console, &**clock, &interrupt, rehearsal);
    if args.dry_run {
        let prepared = prepare(&loaded, args.redirect_to.as_ref(), &**clock, &mut front)
            .map_err(|error| refused(error, &loaded, rehearsal, console))?;
        findings::show(&prepared.findings, console);
        let request = choose(&request, &prepared)?;
        let state = StateFile::of(&loaded, rehearsal);
        drop(front);
        return Ok(dry_run(
            &request, &loaded, &state, &prepared, console, &**clock,
        ));
    }
    listen_for_interrupt(&interrupt);
    let begun = clock.elapsed();
    let finished = send(&loaded, &request, &bearer, &**clock, &interrupt, &mut front);
    drop(front);
    let finished = finished.map_err(|error| refused(error, &loaded, rehearsal, console))?;
    let exit = show_end(&loaded, &finished, rehearsal, console)?;
    let took = clock.elapsed().saturating_sub(begun);
    on_end::announce(&loaded, &finished, rehearsal, took, console);
    Ok(exit)
}

fn request(args: &SendArgs, start: Start) -> SendRequest {
    SendRequest {
        start,
        only: args.only.clone(),
        limit: args.limit,
        redirect_to: args.redirect_to.clone(),
        sample: args.sample,
        plan: args.plan.clone(),
        retry_rejected: args.retry_rejected,
        accept_changes: args.accept_changes,
        accept_lost_state: args.accept_lost_state,
        fresh: args.fresh,
        again: args.again,
        consent: consent(args.yes || args.plan.is_some()),
    }
}

/// Mail leaves only when a person said so: at the prompt, by --yes, or by the plan they looked at.
pub(super) fn consent(was_given: bool) -> Consent {
    if was_given {
        Consent::Given
    } else if Console::is_terminal() {
        Consent::Ask
    } else {
        Consent::None
    }
}

/// Shows what was found before the end is shown.
pub(super) fn refused(
    error: MailingError,
    loaded: &Loaded,
    rehearsal: bool,
    console: &Console,
) -> Stop {
    if let MailingError::Faults(found) = &error {
        if console.output.json {
            let state = StateFile::of(loaded, rehearsal);
            json::plan(console, loaded, &state, None, None, found, &[]);
        } else {
            findings::show(found, console);
        }
    }
    error.into()
}

/// The first Ctrl-C lets the letters in hand finish, the second ends at once. A terminal that is closed
/// is no impatient person, though the system and the shell both report it.
pub(super) fn listen_for_interrupt(interrupt: &Interrupt) {
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
