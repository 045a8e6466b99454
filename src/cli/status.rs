//! `postroom status`: what happened to each letter.

use super::args::StatusArgs;
use super::console::Console;
use super::exit::{Exit, Stop};
use super::prepare::load;
use super::state::StateFile;
use super::{json, words};
use crate::ledger::{Counts, Ledger, LedgerError, LetterStatus, State};

pub(super) fn run(args: &StatusArgs, console: &Console) -> Result<Exit, Stop> {
    let loaded = load(&args.common.batch, &args.common.options)?;
    let state = StateFile::of(&loaded, &args.common.options, args.rehearsal);
    let ledger = state.read()?;
    let wanted = |id: &str| args.only.is_empty() || args.only.iter().any(|only| only == id);
    if console.output.json {
        json::ledger(console, &loaded, &ledger, &wanted)?;
        return Ok(Exit::Success);
    }
    let batch = format!("batch   {}", loaded.batch.name);
    console.result(&format!(
        "{batch}\nstate   {}\nso far  {}",
        ledger.path().display(),
        counts_line(&ledger.counts()?)
    ));
    list(
        &ledger,
        console,
        console.output.verbose || !args.only.is_empty(),
        &wanted,
    )?;
    Ok(Exit::Success)
}

/// The four figures in one line.
pub(super) fn counts_line(counts: &Counts) -> String {
    format!(
        "{} accepted, {} pending, {} rejected, {} in doubt",
        words::count(counts.accepted),
        words::count(counts.pending),
        words::count(counts.rejected),
        words::count(counts.in_doubt)
    )
}

/// Lists letters that need a person, or all of them.
pub(super) fn list(
    ledger: &Ledger,
    console: &Console,
    all: bool,
    wanted: &dyn Fn(&str) -> bool,
) -> Result<(), LedgerError> {
    ledger.each_letter(&mut |letter| {
        let needs_a_person = matches!(letter.state, State::Rejected | State::InDoubt)
            || !letter.refused.is_empty()
            || (letter.state == State::Pending && letter.error.is_some());
        if wanted(&letter.id) && (all || needs_a_person) {
            console.result(&line(&letter, console.output.verbose));
        }
    })
}

fn line(letter: &LetterStatus, whole_addresses: bool) -> String {
    let state = letter.state.word().replace('_', " ");
    let mut text = format!("  {:<9} {}", state, letter.id);
    if let Some(at) = letter.accepted_at {
        text.push_str(&format!("  {}", at.strftime("%Y-%m-%d %H:%M:%S UTC")));
    }
    if let Some(receipt) = letter.receipt.as_deref().filter(|_| whole_addresses) {
        text.push_str(&format!("  {receipt}"));
    }
    if let Some((code, words)) = &letter.error {
        text.push_str(&format!("  {code}: {words}"));
    }
    for refusal in &letter.refused {
        let address = match crate::address::Address::parse(&refusal.address) {
            Ok(address) if !whole_addresses => address.masked(),
            _ => refusal.address.clone(),
        };
        text.push_str(&format!(
            "\n            refused for {address}: {}",
            refusal.answer
        ));
    }
    text
}
