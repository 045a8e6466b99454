//! `postroom resolve`: a person settles letters in doubt.

use super::args::ResolveArgs;
use super::console::Console;
use super::exit::{Exit, Stop};
use super::{json, status, words};
use crate::clock::Clock;
use crate::lifecycle::PersonalWord;
use crate::mailing::{Loaded, StateFile, person};

pub(super) fn run(args: &ResolveArgs, console: &Console, clock: &dyn Clock) -> Result<Exit, Stop> {
    if !args.accepted && !args.unsent {
        // What becomes of a letter is never taken for granted, so both are named.
        return Err(Stop::new(
            Exit::Usage,
            words::with_next(
                "it was not said what became of these letters",
                "add --accepted if they went out, as the server's log, the mailbox or the school says, and they are not sent again; or --unsent if they did not, and the next `postroom send` sends them",
            ),
        ));
    }
    let (batch, ids) = args.parts();
    let loaded = Loaded::load(&args.common.load_request(batch))?;
    let state = StateFile::of(&loaded, false);
    // Only `send` may begin a batch.
    state.view()?;
    let mut ledger = state.open("resolve", "", clock)?;
    let word = PersonalWord {
        accepted: args.accepted,
        by: person(),
        because: args.because.clone(),
    };
    if let Err(error) = ledger.resolve(ids, &word, clock.now()) {
        // Who looks at the runs later must not take it for one that was cut off.
        let _ = ledger.end_run(clock.now(), &error.to_string());
        return Err(error.into());
    }
    let (word, next) = if args.accepted {
        ("accepted", "they are not sent again")
    } else {
        ("unsent", "the next `postroom send` sends them")
    };
    if console.output.json {
        json::ledger(console, &loaded, &ledger, &|_| true)?;
    }
    console.result(&format!(
        "{} settled as {word}: {next}\nso far  {}",
        words::plural(ids.len() as u64, "letter"),
        status::counts_line(&ledger.counts()?)
    ));
    ledger.end_run(clock.now(), "resolved").1?;
    Ok(Exit::Success)
}
