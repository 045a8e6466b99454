//! `postroom resolve`: a person settles letters in doubt.

use super::args::ResolveArgs;
use super::console::Console;
use super::exit::{Exit, Stop};
use super::prepare::load;
use super::state::StateFile;
use super::{json, status, words};
use crate::clock::Clock;
use crate::ledger::Word;

pub(super) fn run(args: &ResolveArgs, console: &Console, clock: &dyn Clock) -> Result<Exit, Stop> {
    let loaded = load(&args.batch, &args.common)?;
    let state = StateFile::of(&loaded, &args.common, false);
    // Only `send` may begin a batch.
    state.read()?;
    let mut ledger = state.open("resolve", "", clock)?;
    let word = Word {
        accepted: args.accepted,
        by: who(),
        because: args.because.clone(),
        at: clock.now(),
    };
    ledger.resolve(&args.ids, &word)?;
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
        words::plural(args.ids.len() as u64, "letter"),
        status::counts_line(&ledger.counts()?)
    ));
    ledger.end_run(clock.now(), "resolved")?;
    Ok(Exit::Success)
}

/// The user of this machine, as the system calls them. It is what the record has: no proof.
fn who() -> String {
    let user = ["USER", "LOGNAME", "USERNAME"]
        .into_iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|user| !user.is_empty())
        .unwrap_or_else(|| "unknown".to_owned());
    format!("{user} on {}", super::state::host())
}
