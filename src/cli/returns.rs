//! `postroom returns`: what came back is read and entered into the record.

use std::cell::Cell;
use std::sync::Arc;

use serde::Serialize;

use super::args::ReturnsArgs;
use super::console::Console;
use super::exit::{Exit, Stop};
use super::signed_in::SignedIn;
use super::{status, words};
use crate::clock::Clock;
use crate::finding::Finding;
use crate::ledger::{LedgerView, Outcomes};
use crate::lifecycle::{AddressReturn, BounceReason, Event, MailEvidence, reason_in_words};
use crate::mailing::{
    Collector, Loaded, MailCounts, MailFate, MailReport, MailingError, ReviewRequest, review,
};
use crate::returns::{MailFiles, MailKind, read_trace};

pub(super) fn run(
    args: &ReturnsArgs,
    console: &Console,
    clock: &Arc<dyn Clock>,
) -> Result<Exit, Stop> {
    let loaded = Loaded::load(&args.common.load_request())?;
    if !args.confirm.is_empty() || !args.dismiss.is_empty() {
        return reviewed(args, &loaded, console, &**clock);
    }
    // Everything that was named is looked for before anything is entered.
    let refused = |fault| Stop::from(MailingError::Returns(fault));
    let mut folders = Vec::new();
    for path in &args.from {
        let files = MailFiles::below(path);
        folders.push(files.map_err(|error| refused(Finding::from_error(&error)))?);
    }
    let mut traces = Vec::new();
    for path in &args.trace {
        let rows = read_trace(path);
        traces.push(rows.map_err(|error| refused(Finding::from_error(&error)))?);
    }
    let is_file = !(args.from.is_empty() && args.trace.is_empty());
    let is_first = Cell::new(true);
    let mut show = |report: &MailReport| {
        if console.output.json {
            if is_shown(report) {
                let begin = if is_first.replace(false) {
                    "{\"messages\":[\n"
                } else {
                    ",\n"
                };
                console.json(begin);
                console.json(&to_json(&ReturnedMessageJson::of(report, is_file)));
            }
        } else {
            shown(report, console);
        }
    };
    let mut collector = Collector::open(&loaded, args.since, &**clock, &mut show)?;
    for files in &folders {
        files.each(&mut |mail| collector.take(mail))?;
    }
    for row in traces.iter().flatten() {
        collector.take_trace(row)?;
    }
    if !is_file {
        let bearer = SignedIn::bearer(&loaded.secrets.sign_in, clock);
        let mailbox = collector.read_mailbox(&loaded, &bearer)?;
        console.note(&format!("looked into the mailbox: {mailbox}"));
        if let Some(trace) = collector.read_service_trace(&loaded, &bearer)? {
            console.note(&trace);
        }
    }
    let (counts, ledger) = collector.finish()?;
    if console.output.json {
        if is_first.get() {
            console.json("{\"messages\":[");
        }
        let (counts, outcomes) = (to_json(&counts), to_json(&ledger.outcomes()?));
        console.json(&format!(
            "],\"counts\":{counts},\"outcomes\":{outcomes}}}\n"
        ));
        console.end_json();
    } else {
        console.result(&summary(&counts));
    }
    ended(&ledger, console)
}

fn reviewed(
    args: &ReturnsArgs,
    loaded: &Loaded,
    console: &Console,
    clock: &dyn Clock,
) -> Result<Exit, Stop> {
    let is_so = !args.confirm.is_empty();
    let request = ReviewRequest {
        ids: if is_so {
            args.confirm.clone()
        } else {
            args.dismiss.clone()
        },
        is_so,
        because: args.because.clone().unwrap_or_default(),
    };
    let ledger = review(loaded, &request, clock)?;
    let letters = words::plural(request.ids.len() as u64, "letter");
    let word = if is_so { "confirmed" } else { "dismissed" };
    if console.output.json {
        console.json(&format!(
            "{{\"outcomes\":{}}}\n",
            to_json(&ledger.outcomes()?)
        ));
        console.end_json();
    }
    console.result(&format!("{letters}: what was suspected is {word}"));
    ended(&ledger, console)
}

/// What is left to do, and the exit code for it.
fn ended(ledger: &LedgerView, console: &Console) -> Result<Exit, Stop> {
    let outcomes = ledger.outcomes()?;
    console.result(&format!(
        "so far  {}{}",
        status::counts_line(&ledger.counts()?),
        status::outcomes_lines(&outcomes)
    ));
    let open = ledger.with_open_addresses()?;
    let mut steps = Vec::new();
    if outcomes.our_side > 0 {
        steps.push(our_side(&outcomes));
    }
    if open > 0 {
        steps.push(format!(
            "{} with an address that does not have it: correct the dispatch list where it is wrong, then `postroom resend --bounced --because TEXT` writes to these addresses alone",
            words::plural(open, "letter")
        ));
    }
    if outcomes.to_look_at > 0 {
        steps.push(format!(
            "{} to look at: `postroom status -v` shows why; then `postroom returns --confirm ID --because TEXT`, or --dismiss",
            words::plural(outcomes.to_look_at, "letter")
        ));
    }
    for step in &steps {
        console.note(&format!("next: {step}"));
    }
    Ok(if steps.is_empty() {
        Exit::Success
    } else {
        Exit::Incomplete
    })
}

/// What is said when our own side was the trouble, once for all letters.
pub(super) fn our_side(outcomes: &Outcomes) -> String {
    format!(
        "our own mailbox or server was blocked or over its limit at {}: {}",
        words::plural(outcomes.our_side, "address"),
        BounceReason::OurSide.next_step()
    )
}

fn summary(counts: &MailCounts) -> String {
    let mut text = format!("read {}", words::plural(counts.read, "message"));
    let kinds = [
        (counts.entered, "entered"),
        (counts.known_before, "known before"),
        (
            counts.waiting,
            "left until the run that is at work has ended",
        ),
        (counts.not_ours, "about no letter of this batch"),
        (counts.too_old, "written before --since"),
        (counts.unreadable, "not readable"),
    ];
    let kinds: Vec<String> = kinds
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{} {word}", words::count(*count)))
        .collect();
    if !kinds.is_empty() {
        text.push_str(&format!(": {}", kinds.join(", ")));
    }
    text
}

/// Whether a mail is worth a line: not those of others, nor what was there before.
fn is_shown(report: &MailReport) -> bool {
    match report.fate {
        MailFate::Entered | MailFate::Waits | MailFate::KnownBefore | MailFate::Unreadable => true,
        MailFate::NotOurs | MailFate::TooOld => {
            report.kind.is_some_and(|kind| kind != MailKind::Other)
        }
    }
}

fn shown(report: &MailReport, console: &Console) {
    match report.fate {
        MailFate::Entered | MailFate::Waits => {}
        MailFate::Unreadable => {
            console.note(&format!("left out {}: {}", report.place, report.why));
            return;
        }
        MailFate::KnownBefore | MailFate::NotOurs | MailFate::TooOld => {
            if console.output.verbose && is_shown(report) {
                console.result(&format!("  -          {}: {}", report.place, report.why));
            }
            return;
        }
    }
    for (id, event) in &report.events {
        console.result(&line(id, event, console.output.verbose));
    }
}

fn line(id: &str, event: &Event, whole: bool) -> String {
    let shown = |address: &str| match crate::address::Address::parse(address) {
        Ok(address) if !whole => address.masked(),
        _ => address.to_owned(),
    };
    let of = |word: &str, of: &AddressReturn| {
        let mut text = format!("  {word:<10} {id}  {}", shown(&of.address));
        if !of.reason.is_empty() {
            text.push_str(&format!(": {}", reason_in_words(&of.reason)));
        }
        if let Some(code) = &of.code {
            text.push_str(&format!(" ({code})"));
        }
        if let Some(line) = of.text.as_ref().filter(|_| whole) {
            text.push_str(&format!("\n             {line}"));
        }
        text
    };
    match event {
        Event::Bounced(returned) => of("bounced", returned),
        Event::Delayed(returned) => of("delayed", returned),
        Event::Relayed(returned) => of("relayed", returned),
        Event::Delivered(returned) => of("delivered", returned),
        Event::Suspected(returned) => {
            format!(
                "{}\n             it names no message of ours, so nothing is marked",
                of("suspected", returned)
            )
        }
        Event::Unclear { why, .. } => format!("  look       {id}  {why}"),
        Event::Read { reader, .. } => {
            let reader = reader.as_deref().map(shown).unwrap_or_default();
            format!("  read       {id}  {reader}")
        }
        Event::AutomaticAnswer { .. } => format!("  automatic  {id}  a program answered"),
        Event::Answer { .. } => format!("  answer     {id}  a person answered"),
        other => format!("  {:<10} {id}", other.kind()),
    }
}

#[derive(Serialize)]
struct ReturnedMessageJson<'a> {
    /// Where it was found: a file,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    /// or a message of a mailbox.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    kind: Option<MailKind>,
    fate: MailFate,
    letters: Vec<&'a str>,
    letter: Option<&'a str>,
    addresses: Vec<ReturnedAddressJson<'a>>,
    evidence: Option<&'a MailEvidence>,
    why: &'a str,
}

#[derive(Serialize)]
struct ReturnedAddressJson<'a> {
    address: &'a str,
    outcome: &'static str,
    hard: bool,
    reason: Option<&'a str>,
    code: Option<&'a str>,
    text: Option<&'a str>,
}

impl<'a> ReturnedMessageJson<'a> {
    fn of(report: &'a MailReport, is_file: bool) -> Self {
        let place = Some(report.place.as_str());
        let mut letters: Vec<&str> = Vec::new();
        for (id, _) in &report.events {
            if !letters.contains(&id.as_str()) {
                letters.push(id);
            }
        }
        Self {
            file: place.filter(|_| is_file),
            id: place.filter(|_| !is_file),
            kind: report.kind,
            fate: report.fate,
            letter: letters.first().copied().filter(|_| letters.len() == 1),
            letters,
            addresses: report
                .events
                .iter()
                .filter_map(|(_, event)| ReturnedAddressJson::of(event))
                .collect(),
            evidence: report.evidence.as_ref(),
            why: &report.why,
        }
    }
}

impl<'a> ReturnedAddressJson<'a> {
    fn of(event: &'a Event) -> Option<Self> {
        let (Event::Bounced(of)
        | Event::Delayed(of)
        | Event::Relayed(of)
        | Event::Delivered(of)
        | Event::Suspected(of)) = event
        else {
            return None;
        };
        Some(Self {
            address: &of.address,
            outcome: event.kind(),
            hard: of.hard,
            reason: Some(of.reason.as_str()).filter(|reason| !reason.is_empty()),
            code: of.code.as_deref(),
            text: of.text.as_deref(),
        })
    }
}

/// These types have string keys and no foreign serializers, so they cannot fail.
fn to_json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}
