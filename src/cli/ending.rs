//! How a mailing ended, shown.

use super::console::Console;
use super::exit::Exit;
use super::{findings, json, status, words};
use crate::config::TransportName;
use crate::dispatch::Ending;
use crate::ledger::LedgerError;
use crate::mailing::{Finished, Loaded, Reason};

/// Says how a mailing ended and what to do next.
pub(super) fn show_end(
    loaded: &Loaded,
    finished: &Finished,
    rehearsal: bool,
    console: &Console,
) -> Result<Exit, LedgerError> {
    let exit = Exit::from(&finished.conclusion);
    if console.output.json {
        json::ledger(console, loaded, &finished.ledger, &|_| true)?;
    }
    if let Ending::Changed(faults) = &finished.ending {
        findings::show(faults, console);
    }
    if exit != Exit::Success {
        status::list(&finished.ledger, console, false, &|_| true)?;
    }
    let word = if rehearsal { "rehearsal: " } else { "" };
    console.result(&format!("{word}{}", status::counts_line(&finished.counts)));
    match &finished.log {
        // Where the output of a run is kept, so is this, and it is then out of reach of whoever
        // changes the state file.
        Ok(log) => console.note(&format!(
            "log: {}, last hash {}",
            words::plural(log.events, "event"),
            log.short()
        )),
        Err(error) => console.note(&format!("the end of this run is not noted: {error}")),
    }
    let is_mail = loaded.batch.dispatch.transport != TransportName::Outbox && !rehearsal;
    if is_mail && exit == Exit::Success && finished.counts.accepted > 0 {
        console.note(
            "bounces come by mail, within minutes to two days: `postroom returns` enters them into the record",
        );
    }
    // The next step is the last thing that is read.
    if let Some(reason) = finished.conclusion.reason() {
        console.error(&in_words(reason));
    }
    Ok(exit)
}

fn in_words(reason: &Reason) -> String {
    let mut text = reason.text.clone();
    for (about, step) in &reason.next_steps {
        match about {
            Some(about) => text.push_str(&format!("\n  next, {about}: {step}")),
            None => text.push_str(&format!("\n  next: {step}")),
        }
    }
    text
}
