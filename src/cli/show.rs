//! What a run would send, shown before it does.

use std::collections::HashSet;

use super::console::Console;
use super::exit::Exit;
use super::{json, status, words};
use crate::clock::Clock;
use crate::dispatch::{Interrupt, estimate};
use crate::lifecycle::Addresses;
use crate::mailing::{Loaded, Prepared, Question, Resend, SendRequest, StateFile};
use crate::message::Message;

/// Everything but the wire: each letter is made ready to the last byte and thrown away.
pub(super) fn dry_run(
    request: &SendRequest,
    loaded: &Loaded,
    state: &StateFile,
    prepared: &Prepared,
    console: &Console,
    clock: &dyn Clock,
) -> Exit {
    let wanted: HashSet<&str> = request.only.iter().map(String::as_str).collect();
    let Prepared { letters, plan, .. } = prepared;
    let chosen = (0..letters.len())
        .filter(|&index| wanted.is_empty() || wanted.contains(letters.id(index)))
        .take(request.limit.unwrap_or(usize::MAX));
    let (mut count, mut bytes) = (0, 0);
    for index in chosen {
        let Ok((letter, contents)) = letters.make_with_contents(index) else {
            continue;
        };
        let digest = &plan.letters[index].digest;
        let message =
            Message::first(&loaded.batch.name, letter, digest, contents).dated(clock.now());
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
            Some((letters, plan, &[])),
            None,
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
            "\n  attached: {} ({}{})",
            attachment.name,
            words::bytes(attachment.bytes),
            if attachment.lock.is_some() {
                ", locked"
            } else {
                ""
            }
        ));
    }
    text.push_str(&format!("\n  {} on the wire", words::bytes(size)));
    text
}

/// Where letters go: all that the plan covers, or the folder of the outbox.
pub(super) fn through(prepared: &Prepared, transport: &str) -> String {
    let destination = prepared.plan.destination.as_str();
    match transport.strip_prefix(destination) {
        // Only the outbox has more to tell.
        Some(more) if more.starts_with(' ') => transport.to_owned(),
        _ => destination.to_owned(),
    }
}

/// Shows what would go out and asks.
pub(super) fn confirmed(question: &Question<'_>, console: &Console, interrupt: &Interrupt) -> bool {
    if !question.resends.is_empty() {
        return confirmed_again(question, console, interrupt);
    }
    let Prepared { letters, plan, .. } = question.prepared;
    let go = question.letters;
    let only: HashSet<&str> = question.only.iter().map(String::as_str).collect();
    let is_named = |place: usize| only.is_empty() || only.contains(letters.id(place));
    let named = || plan.placed().filter(|(place, _)| is_named(*place));
    let (mut count, mut bytes, mut addresses) = (0, 0, 0);
    for (_, planned) in named() {
        count += 1;
        bytes += planned.bytes();
        addresses += u64::from(planned.addresses);
    }
    let about = if count == go {
        ""
    } else {
        // Some of these have their letter, or wait for a later run.
        bytes = bytes * go / count.max(1);
        addresses = addresses * go / count.max(1);
        "about "
    };
    let time = estimate(&question.loaded.batch.dispatch, go, bytes, addresses);
    let mut text = format!(
        "from       {}\nthrough    {}\nletters    {} of {} ({about}{}, {})\ntime       {}\nplan       {}",
        letters.senders(),
        through(question.prepared, question.transport),
        words::count(go),
        words::count(letters.len() as u64),
        words::plural(addresses, "address"),
        words::bytes(bytes),
        words::expected(time),
        question.plan,
    );
    if let Some(left_out) = letters.manifest().left_out_in_words() {
        text.push_str(&format!("\nleft out   {left_out}"));
    }
    if let Some(address) = question.redirect_to {
        text.push_str(&format!(
            "\nrehearsal  every letter goes to {address} alone"
        ));
    }
    let first = question.first.filter(|_| only.is_empty());
    let first = first.or_else(|| named().next().map(|(place, _)| place));
    if let Some(place) = first
        && let Some(planned) = plan.letter(place)
        && let Ok((letter, contents)) = letters.make_with_contents(place)
    {
        let batch = &question.loaded.batch.name;
        let message = Message::first(batch, letter, &planned.digest, contents);
        let size = message.mime().len() as u64;
        text.push_str(&format!("\nfor example {}", describe(&message, size, true)));
    }
    console.note(&text);
    let verb = if question.redirect_to.is_some() {
        "Rehearse"
    } else {
        "Send"
    };
    let letters = words::plural(go, "letter");
    Console::confirm(&format!("{verb} {letters}?"), interrupt)
}

/// Shows for each letter what went where and when, what changed since and where it will go; asks.
fn confirmed_again(question: &Question<'_>, console: &Console, interrupt: &Interrupt) -> bool {
    let mut text = format!(
        "from       {}\nthrough    {}\nplan       {}",
        question.prepared.letters.senders(),
        through(question.prepared, question.transport),
        question.plan,
    );
    for resend in question.resends {
        text.push('\n');
        text.push_str(&again(resend));
    }
    console.note(&text);
    let letters = words::plural(question.letters, "letter");
    Console::confirm(&format!("Send {letters} again?"), interrupt)
}

fn again(resend: &Resend) -> String {
    let mut text = resend.id.clone();
    for sending in resend.earlier() {
        let at = sending
            .accepted_at
            .map(|at| at.strftime("%Y-%m-%d %H:%M UTC").to_string());
        let addresses = &sending.message.addresses;
        text.push_str(&format!(
            "\n  sent       {}  to {}",
            at.unwrap_or_default(),
            listed(addresses)
        ));
        for (_, address) in addresses.each() {
            let fate = sending.known_fate(address);
            if let Some(refusal) = fate.and_then(|fate| fate.refusal.as_ref()) {
                text.push_str(&format!(
                    "\n             refused for {address}: {}",
                    refusal.in_one_line()
                ));
            }
            if let Some(returned) = fate.and_then(|fate| fate.returned.as_ref()) {
                let line = status::returned_line(returned, address, false);
                text.push_str(&format!("\n             {line}"));
            }
        }
    }
    if let Some(differences) = status::changes_line(&resend.changes) {
        text.push_str(&format!("\n  changed    {differences}"));
    }
    text.push_str(&format!("\n  will go    to {}", listed(&resend.addresses)));
    text
}

fn listed(addresses: &Addresses) -> String {
    let addresses: Vec<&str> = addresses.each().map(|(_, address)| address).collect();
    addresses.join(", ")
}
