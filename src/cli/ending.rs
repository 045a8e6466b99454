//! How a run ended, in words and as an exit code.

use super::args::SendArgs;
use super::console::Console;
use super::exit::Exit;
use super::prepare::{Loaded, show};
use super::{json, status, words};
use crate::clock::Clock;
use crate::dispatch::Ending;
use crate::ledger::{Counts, Ledger, LedgerError};

/// Says how the run ended and what to do next.
pub(super) fn finish(
    args: &SendArgs,
    loaded: &Loaded,
    ledger: Ledger,
    ending: &Ending,
    console: &Console,
    clock: &dyn Clock,
) -> Result<Exit, LedgerError> {
    let counts = ledger.counts()?;
    let partly = ledger.partly_refused()?;
    let ending = match ending {
        // Stopped at the very last letter: there is nothing to go on with.
        Ending::Interrupted | Ending::Breaker { .. } | Ending::Outage(_) if counts.pending == 0 => {
            &Ending::Finished { left: 0 }
        }
        other => other,
    };
    let (exit, reason) = ending_words(ending, &counts, partly, args.redirect_to.is_some());
    if console.output.json {
        json::ledger(console, loaded, &ledger, &|_| true)?;
    }
    if let Ending::Changed(faults) = ending {
        show(faults, console);
    }
    status::list(&ledger, console, false, &|_| exit != Exit::Success)?;
    let word = if args.redirect_to.is_some() {
        "rehearsal: "
    } else {
        ""
    };
    console.result(&format!("{word}{}", status::counts_line(&counts)));
    let ended = reason.as_deref().unwrap_or("finished");
    // Every letter is settled by now: a note that cannot be written changes nothing.
    match ledger.end_run(clock.now(), ended) {
        // Where the output of a run is kept, so is this, and it is then out of reach of whoever
        // changes the state file.
        Ok(log) => console.note(&format!(
            "log: {}, last hash {}",
            words::plural(log.events, "event"),
            log.short()
        )),
        Err(error) => console.note(&format!("the end of this run is not noted: {error}")),
    }
    // The next step is the last thing that is read.
    if let Some(reason) = &reason {
        console.error(reason);
    }
    Ok(exit)
}

fn ending_words(
    ending: &Ending,
    counts: &Counts,
    partly: u64,
    rehearsal: bool,
) -> (Exit, Option<String>) {
    let again = if rehearsal {
        "the same command"
    } else {
        "`postroom send`"
    };
    let stopped =
        |text: String, next: &str| (Exit::Stopped, Some(format!("{text}\n  next: {next}")));
    match ending {
        Ending::Finished { left: 0 } if counts.rejected + counts.in_doubt + partly > 0 => {
            (Exit::Incomplete, Some(incomplete(counts, partly)))
        }
        Ending::Finished { left: 0 } => (Exit::Success, None),
        Ending::Finished { left } => stopped(
            format!(
                "{} not taken and left pending",
                words::plural(*left as u64, "letter")
            ),
            &format!("{again} tries again"),
        ),
        Ending::Interrupted => (
            Exit::Interrupted,
            Some(format!(
                "interrupted\n  next: {again} goes on with the {} left",
                words::plural(counts.pending, "letter")
            )),
        ),
        Ending::Breaker { failures, answer } => stopped(
            format!(
                "stopped after {failures} failures in a row, the last one {} {}",
                answer.code,
                answer.line()
            ),
            &format!("mend the cause, then {again} goes on"),
        ),
        Ending::DayLimit => stopped(
            "stopped: the addresses of the day are used up".to_owned(),
            &format!("{again} goes on tomorrow"),
        ),
        Ending::Outage(answer) => stopped(
            format!(
                "stopped: the server could not be used: {} {}",
                answer.code,
                answer.line()
            ),
            &format!("{again} goes on when it is back"),
        ),
        Ending::Unusable(answer) => stopped(
            format!("stopped: {} {}", answer.code, answer.line()),
            &format!("mend the cause, then {again} goes on"),
        ),
        Ending::Changed(_) => stopped(
            "stopped: a letter changed after it was checked; it and those after it were not sent"
                .to_owned(),
            &format!("look at `postroom check`, then {again} goes on"),
        ),
        Ending::Unauthorised(answer) => (
            Exit::SignIn,
            Some(format!(
                "stopped: the server does not accept the sign-in: {} {}\n  next: correct the account in the secrets file, or `postroom login`, then {again} goes on",
                answer.code,
                answer.line()
            )),
        ),
    }
}

fn incomplete(counts: &Counts, partly: u64) -> String {
    let mut text = String::from("finished, but not everything was accepted");
    if counts.rejected > 0 {
        text.push_str("\n  next, rejected: mend what the answers name, then `postroom send --retry-rejected`, with --accept-changes if an address was corrected");
    }
    if counts.in_doubt > 0 {
        text.push_str("\n  next, in doubt: look in the Sent folder or ask the school, then `postroom resolve BATCH ID --accepted` or `--unsent`");
    }
    if partly > 0 {
        text.push_str("\n  next, refused addresses: the other addresses of the letter have it; write to these by hand");
    }
    text
}
