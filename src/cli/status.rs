//! `postroom status`: what happened to each letter.

use super::args::StatusArgs;
use super::console::Console;
use super::exit::{Exit, Stop};
use super::{json, words};
use crate::ledger::{Counts, LedgerError, LedgerView, LetterRecord};
use crate::lifecycle::{Addresses, Sending};
use crate::mailing::{Loaded, StateFile};
use crate::report::{addresses, handed_over};

pub(super) fn run(args: &StatusArgs, console: &Console) -> Result<Exit, Stop> {
    let loaded = Loaded::load(&args.common.load_request())?;
    let state = StateFile::of(&loaded, args.rehearsal);
    let ledger = state.view()?;
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
    ledger: &LedgerView,
    console: &Console,
    all: bool,
    wanted: &dyn Fn(&str) -> bool,
) -> Result<(), LedgerError> {
    ledger.each_letter(&mut |letter| {
        if wanted(&letter.id) && (all || letter.needs_a_person()) {
            console.result(&line(&letter, console.output.verbose));
        }
    })
}

fn line(record: &LetterRecord, whole_addresses: bool) -> String {
    let letter = &record.letter;
    let state = record.state.word().replace('_', " ");
    let mut text = format!("  {:<9} {}", state, record.id);
    let accepted = letter.last_accepted();
    if let Some(at) = accepted.and_then(|sending| sending.accepted_at) {
        text.push_str(&format!("  {}", at.strftime("%Y-%m-%d %H:%M:%S UTC")));
    }
    let receipt = accepted.and_then(|sending| sending.receipt.as_deref());
    if let Some(receipt) = receipt.filter(|_| whole_addresses) {
        text.push_str(&format!("  {receipt}"));
    }
    if let Some(reply) = &letter.error {
        text.push_str(&format!("  {}: {}", reply.code, reply.text));
    }
    if whole_addresses {
        text.push_str(&in_full(record));
        return text;
    }
    for address in letter.open_addresses() {
        let fate = letter.last_written_to(address);
        let fate = fate.and_then(|sending| sending.known_fate(address));
        let refusal = fate.and_then(|fate| fate.refusal.as_ref());
        let Some(refusal) = refusal else { continue };
        let shown = match crate::address::Address::parse(address) {
            Ok(address) => address.masked(),
            Err(_) => address.to_owned(),
        };
        text.push_str(&format!(
            "\n            refused for {shown}: {}",
            refusal.in_one_line()
        ));
    }
    text
}

/// Each message of a letter, and each address with what the last message to it came to.
fn in_full(record: &LetterRecord) -> String {
    let mut text = String::new();
    for sending in handed_over(record) {
        text.push_str(&format!("\n            {}", in_one_line(sending)));
    }
    for address in addresses(record) {
        text.push_str(&format!(
            "\n            {:<8}  {}",
            address.word, address.address
        ));
        if let Some(refusal) = address.refusal {
            text.push_str(&format!(": {}", refusal.in_one_line()));
        }
    }
    text
}

fn in_one_line(sending: &Sending) -> String {
    let when = match sending.accepted_at {
        Some(at) => format!("accepted {}", at.strftime("%Y-%m-%d %H:%M:%S UTC")),
        None => sending.state.word().replace('_', " "),
    };
    let Addresses { to, cc, bcc } = &sending.message.addresses;
    let written: Vec<String> = [("to", to), ("cc", cc), ("bcc", bcc)]
        .into_iter()
        .filter(|(_, list)| !list.is_empty())
        .map(|(header, list)| format!("{header} {}", list.join(", ")))
        .collect();
    let mut line = format!(
        "{when}  {}  {}",
        written.join("; "),
        sending.message.message_id
    );
    if let Some(reason) = &sending.because {
        line.push_str(&format!("  because {reason}"));
    }
    line
}
