//! What a run would send, shown before it does.

use std::collections::HashSet;

use super::args::SendArgs;
use super::console::Console;
use super::exit::Exit;
use super::prepare::{Loaded, Prepared};
use super::state::StateFile;
use super::{json, words};
use crate::clock::Clock;
use crate::config::TransportName;
use crate::dispatch::estimate;
use crate::ledger::Counts;
use crate::message::Message;

/// Everything but the wire: each letter is made ready to the last byte and thrown away.
pub(super) fn dry_run(
    args: &SendArgs,
    loaded: &Loaded,
    state: &StateFile,
    prepared: &Prepared,
    console: &Console,
    clock: &dyn Clock,
) -> Exit {
    let wanted: HashSet<&str> = args.only.iter().map(String::as_str).collect();
    let Prepared { letters, plan, .. } = prepared;
    let chosen = (0..letters.len())
        .filter(|&index| wanted.is_empty() || wanted.contains(letters.id(index)))
        .take(args.limit.unwrap_or(usize::MAX));
    let (mut count, mut bytes) = (0, 0);
    for index in chosen {
        let Ok((letter, contents)) = letters.make_with_contents(index) else {
            continue;
        };
        let digest = &plan.letters[index].digest;
        let message = Message::new(&loaded.batch.name, letter, digest, contents).dated(clock.now());
        let size = message.mime().len() as u64;
        count += 1;
        bytes += size;
        console.result(&describe(&message, size, console.output.verbose));
    }
    if console.output.json {
        json::plan(
            console,
            loaded,
            state,
            Some((letters, plan)),
            &prepared.findings,
            &[],
        );
    }
    console.result(&format!(
        "dry run: {} made ready, {} in all; nothing was sent\n  next: `postroom send` sends what is left",
        words::plural(count, "letter"),
        words::bytes(bytes)
    ));
    Exit::Success
}

fn describe(message: &Message, size: u64, whole_addresses: bool) -> String {
    let letter = message.letter();
    let mut text = letter.id.clone();
    for (header, mailboxes) in [("To", &letter.to), ("Cc", &letter.cc), ("Bcc", &letter.bcc)] {
        let shown: Vec<_> = mailboxes
            .iter()
            .map(|mailbox| {
                if whole_addresses {
                    mailbox.to_string()
                } else {
                    mailbox.address.masked()
                }
            })
            .collect();
        if !shown.is_empty() {
            text.push_str(&format!("\n  {header}: {}", shown.join(", ")));
        }
    }
    text.push_str(&format!("\n  Subject: {}", letter.subject));
    for attachment in &letter.attachments {
        text.push_str(&format!(
            "\n  attached: {} ({})",
            attachment.name,
            words::bytes(attachment.bytes)
        ));
    }
    text.push_str(&format!("\n  {} on the wire", words::bytes(size)));
    text
}

/// Shows what would go out and asks.
pub(super) fn confirmed(
    args: &SendArgs,
    loaded: &Loaded,
    prepared: &Prepared,
    transport: &str,
    counts: &Counts,
    console: &Console,
) -> bool {
    let config = &loaded.batch.dispatch;
    if config.transport == TransportName::Outbox || args.yes || args.plan.is_some() {
        return true;
    }
    let Prepared { letters, plan, .. } = prepared;
    let go = to_go(args, counts);
    let share = |whole: u64| whole * go / (plan.letters.len() as u64).max(1);
    let (bytes, addresses) = (share(plan.bytes()), share(plan.addresses()));
    let time = estimate(config, go, bytes, addresses);
    let mut text = format!(
        "from       {}\nthrough    {}\nletters    {} of {} (about {}, {})\ntime       {}\nplan       {}",
        letters.from(),
        transport,
        words::count(go),
        words::count(letters.len() as u64),
        words::plural(addresses, "address"),
        words::bytes(bytes),
        words::expected(time),
        plan.id,
    );
    if let Some(address) = &args.redirect_to {
        text.push_str(&format!(
            "\nrehearsal  every letter goes to {address} alone"
        ));
    }
    let first = args.only.first();
    let is_first = |place: usize| first.is_none_or(|first| letters.id(place) == first);
    let example = plan.placed().find(|(place, _)| is_first(*place));
    if let Some((place, planned)) = example
        && let Ok((letter, contents)) = letters.make_with_contents(place)
    {
        let message = Message::new(&loaded.batch.name, letter, &planned.digest, contents);
        let size = message.mime().len() as u64;
        text.push_str(&format!("\nfor example {}", describe(&message, size, true)));
    }
    console.note(&text);
    let verb = if args.redirect_to.is_some() {
        "Rehearse"
    } else {
        "Send"
    };
    Console::confirm(&format!("{verb} {}?", words::plural(go, "letter")))
}

/// About how many letters this run sends.
pub(super) fn to_go(args: &SendArgs, counts: &Counts) -> u64 {
    let mut go = counts.pending;
    if !args.only.is_empty() {
        go = go.min(args.only.len() as u64);
    }
    args.limit.map_or(go, |limit| go.min(limit as u64))
}
