//! `postroom status`: what happened to each letter.

use std::collections::HashSet;

use super::args::StatusArgs;
use super::console::Console;
use super::exit::{Exit, Stop};
use super::{ending, json, words};
use crate::dispatch::recorded;
use crate::finding::quote;
use crate::ledger::{Counts, LedgerError, LedgerView, LetterRecord, Outcomes, Outdated};
use crate::lifecycle::{
    AddressOutcome, Addresses, ChangedPart, Changes, LetterMail, LetterMailKind, Returned, Sending,
    reason_in_words,
};
use crate::mailing::{self, Loaded, StateFile};
use crate::manifest::LeftOut;
use crate::report::{addresses, handed_over, left_out};
use crate::transport::Answer;

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
        "{batch}\nstate   {}\nso far  {}{}",
        ledger.path().display(),
        counts_line(&ledger.counts()?),
        outcomes_lines(&ledger.outcomes()?)
    ));
    list(
        &ledger,
        console,
        console.output.verbose || !args.only.is_empty(),
        &wanted,
    )?;
    if console.output.verbose && args.only.is_empty() {
        list_left_out(&loaded, &ledger, console)?;
    }
    if args.only.is_empty() && !args.rehearsal {
        for step in ending::in_lines(&next_steps(&loaded, &ledger)?) {
            console.result(&step);
        }
    }
    Ok(Exit::Success)
}

/// What is left to do.
fn next_steps(
    loaded: &Loaded,
    ledger: &LedgerView,
) -> Result<Vec<(Option<&'static str>, String)>, LedgerError> {
    let counts = ledger.counts()?;
    let open = ledger.with_open_addresses()?;
    let mut steps = mailing::next_steps(&counts, open, loaded.batch.dispatch.transport);
    let Outdated {
        new_addresses,
        changed,
        reopened: _,
    } = ledger.outdated()?;
    let outdated = (new_addresses.len() + changed.len()) as u64;
    if outdated > 0 {
        steps.push((
            Some("changed since"),
            format!(
                "{} {} changed in the list since going out: `postroom check` says which, what changed and how to send it again",
                words::plural(outdated, "letter"),
                if outdated == 1 { "has" } else { "have" },
            ),
        ));
    }
    if counts.pending > 0 && !ledger.is_in_use() {
        steps.push((
            Some("pending"),
            "`postroom send` sends what is left".to_owned(),
        ));
    }
    Ok(steps)
}

/// Lists who gets no letter, with why.
fn list_left_out(
    loaded: &Loaded,
    ledger: &LedgerView,
    console: &Console,
) -> Result<(), LedgerError> {
    let mut known = HashSet::new();
    ledger.each_letter(&mut |letter| {
        known.insert(letter.id);
    })?;
    let Some((rows, unknown)) = left_out(&loaded.batch, &loaded.secrets, &|id| known.contains(id))
    else {
        console.note("who is left out is not known: the dispatch list cannot be read; `postroom check` says why");
        return Ok(());
    };
    for LeftOut {
        row,
        id,
        name,
        because,
    } in rows
    {
        let (id, name) = (quote(&id), quote(&name));
        console.result(&format!("  left out  {id}  {name}  (row {row}: {because})"));
    }
    if let Some(fault) = unknown {
        console.note(&format!("who has no report is not known: {}", fault.text));
    }
    Ok(())
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

/// What became of messages at their addresses, in a line of its own; nothing while nothing came back.
pub(super) fn outcomes_lines(outcomes: &Outcomes) -> String {
    if outcomes.is_none() {
        return String::new();
    }
    let mut counted: Vec<String> = [
        (outcomes.bounced, "bounced"),
        (outcomes.delayed, "delayed"),
        (outcomes.relayed, "passed on"),
        (outcomes.delivered, "delivered"),
    ]
    .iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, word)| format!("{} {word}", words::count(*count)))
    .collect();
    if outcomes.to_look_at > 0 {
        counted.push(format!(
            "{} to look at",
            words::plural(outcomes.to_look_at, "letter")
        ));
    }
    let mut text = format!("\nat the addresses  {}", counted.join(", "));
    if outcomes.our_side > 0 {
        text.push_str(&format!(
            "\nour side  at {} our own mailbox or server was blocked or over its limit",
            words::plural(outcomes.our_side, "address")
        ));
    }
    text
}

/// What came back from an address, in one line.
pub(super) fn returned_line(returned: &Returned, shown: &str, whole: bool) -> String {
    let mut text = format!("{} at {shown}", returned.outcome.word());
    if !returned.reason.is_empty() {
        text.push_str(&format!(": {}", reason_in_words(&returned.reason)));
    }
    if let Some(code) = &returned.code {
        text.push_str(&format!(" ({code})"));
    }
    if let Some(line) = returned.text.as_ref().filter(|_| whole) {
        text.push_str(&format!("\n              {line}"));
    }
    text
}

/// What a person should look at, in one line.
fn look_line(mail: &LetterMail, shown: &str) -> String {
    match mail.kind {
        LetterMailKind::Suspected => format!(
            "suspected at {shown}: {}; the mail names no message of ours",
            reason_in_words(&mail.why)
        ),
        _ => format!("look: {}", mail.why),
    }
}

fn masked(address: &str) -> String {
    match crate::address::Address::parse(address) {
        Ok(address) => address.masked(),
        Err(_) => address.to_owned(),
    }
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

/// Lists letters that need a person at the end of a run. What stopped the run is said after it with the
/// next step, so that the letter that met it says only what happened.
pub(super) fn list_open(
    ledger: &LedgerView,
    console: &Console,
    stopped_by: Option<&Answer>,
) -> Result<(), LedgerError> {
    let recorded = stopped_by.map(|answer| (recorded(answer), answer.text()));
    ledger.each_letter(&mut |mut letter| {
        if !letter.needs_a_person() {
            return;
        }
        if let (Some((reply, words)), Some(error)) = (&recorded, &mut letter.letter.error)
            && reply == error
        {
            (*words).clone_into(&mut error.text);
        }
        console.result(&line(&letter, console.output.verbose));
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
        let shown = masked(address);
        let Some(fate) = letter.last_fate(address) else {
            text.push_str(&format!("\n            nothing was sent to {shown} yet"));
            continue;
        };
        if let Some(returned) = &fate.returned {
            let line = returned_line(returned, &shown, false);
            text.push_str(&format!("\n            {line}"));
        } else if let Some(refusal) = &fate.refusal {
            text.push_str(&format!(
                "\n            refused for {shown}: {}",
                refusal.in_one_line()
            ));
        }
    }
    for address in letter.deferred_addresses() {
        let fate = letter.last_fate(address);
        let said = fate.and_then(|fate| fate.refusal.as_ref());
        let said = said.map(|refusal| format!(": {}", refusal.in_one_line()));
        text.push_str(&format!(
            "\n            not yet taken for {}{}",
            masked(address),
            said.unwrap_or_default()
        ));
    }
    for mail in letter.to_look_at() {
        let shown = mail.address.as_deref().map(masked).unwrap_or_default();
        text.push_str(&format!("\n            {}", look_line(mail, &shown)));
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
        if let Some(returned) = address
            .returned
            .filter(|of| of.outcome != AddressOutcome::Unknown)
        {
            let line = returned_line(returned, address.address, true);
            text.push_str(&format!("\n              {line}"));
        }
    }
    let letter = &record.letter;
    if let Some(differences) = changes_line(&letter.changes()) {
        text.push_str(&format!("\n            changed since: {differences}"));
    }
    for mail in letter.to_look_at() {
        let shown = mail.address.as_deref().unwrap_or_default();
        text.push_str(&format!("\n            {}", look_line(mail, shown)));
    }
    for (kind, words) in [
        (LetterMailKind::Answer, "a person answered"),
        (LetterMailKind::AutomaticAnswer, "a program answered"),
        (LetterMailKind::Read, "read"),
    ] {
        for mail in letter.mail_of(kind) {
            let reader = mail.address.as_deref().unwrap_or_default();
            let at = mail.at.strftime("%Y-%m-%d %H:%M UTC");
            let line = format!("{words} {reader}");
            text.push_str(&format!("\n            {}, entered {at}", line.trim_end()));
        }
    }
    text
}

/// How the list differs from what was sent, in one line; none where it does not. An address that is new in
/// the list is shown by whoever shows where the letter goes.
pub(super) fn changes_line(changes: &Changes) -> Option<String> {
    let mut differences = Vec::new();
    if !changes.former_addresses.is_empty() {
        let former = changes.former_addresses.join(", ");
        differences.push(format!("the list no longer has {former}"));
    }
    for part in &changes.parts {
        let what = match part {
            // Whoever shows where the letter goes shows these.
            ChangedPart::Addresses => continue,
            ChangedPart::Names => "other names of addressees",
            ChangedPart::Attachments => "another report",
            ChangedPart::Passwords => "another password of the report",
            ChangedPart::Text => "another text",
            ChangedPart::Sender => "another sender",
            ChangedPart::TextOrSender => "another text or sender",
        };
        differences.push(what.to_owned());
    }
    (!differences.is_empty()).then(|| differences.join("; "))
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
