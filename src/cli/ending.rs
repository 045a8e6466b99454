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
        let stopped_by = finished.ending.answer();
        status::list_open(&finished.ledger, console, stopped_by)?;
    }
    let word = if rehearsal { "rehearsal: " } else { "" };
    if finished.before.pending == 0 && finished.before.in_doubt == 0 {
        let accepted = finished.counts.accepted;
        let all = finished.counts.total() == accepted;
        let which = if all { "all " } else { "" };
        let verb = if accepted == 1 { "was" } else { "were" };
        let on = last_accepted(finished)?.map_or(String::new(), |day| format!(" on {day}"));
        console.result(&format!(
            "{word}nothing left to send: {which}{} {verb} accepted{on}",
            words::count(accepted)
        ));
    }
    console.result(&format!("{word}{}", status::counts_line(&finished.counts)));
    if loaded.batch.dispatch.transport == TransportName::Outbox && finished.counts.accepted > 0 {
        console.result(&format!(
            "the letters are in {}",
            loaded.batch.resolve(&loaded.batch.outbox.path).display()
        ));
    }
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

/// The day on which the last letter was accepted.
fn last_accepted(finished: &Finished) -> Result<Option<String>, LedgerError> {
    let mut last = None;
    finished.ledger.each_letter(&mut |record| {
        let sending = record.letter.last_accepted();
        last = last.max(sending.and_then(|sending| sending.accepted_at));
    })?;
    Ok(last.map(|at| at.strftime("%-d %B %Y").to_string()))
}

fn in_words(reason: &Reason) -> String {
    let mut text = reason.text.clone();
    for step in in_lines(&reason.next_steps) {
        text.push('\n');
        text.push_str(&step);
    }
    text
}

/// Next steps, each in a line of its own.
pub(super) fn in_lines(
    next_steps: &[(Option<&'static str>, String)],
) -> impl Iterator<Item = String> {
    next_steps.iter().map(|(about, step)| match about {
        Some(about) => format!("  next, {about}: {step}"),
        None => format!("  next: {step}"),
    })
}
