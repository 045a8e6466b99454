//! `postroom report`: the record of a batch, and whether its log is whole.

use std::path::Path;

use super::args::{Format, ReportArgs};
use super::console::Console;
use super::exit::{Exit, Stop};
use super::words;
use crate::clock::Clock;
use crate::durable;
use crate::ledger::{LedgerKind, LedgerView, LogCheck};
use crate::mailing::{Loaded, StateFile};
use crate::report::Record;

pub(super) fn run(args: &ReportArgs, console: &Console, clock: &dyn Clock) -> Result<Exit, Stop> {
    let loaded = Loaded::load(&args.common.load_request())?;
    let state = StateFile::of(&loaded, args.rehearsal);
    let ledger = state.view()?;
    if args.verify {
        return verify(args, &ledger, console);
    }
    let kind = state.identity.kind;
    let (record, fault) =
        Record::gather(&loaded.batch, &loaded.secrets, kind, &ledger, clock.now())?;
    if let Some(fault) = fault {
        console.note(&format!(
            "the dispatch list cannot be read any more, so the record has the letters alone: {}\n  next: `postroom check` shows all that is wrong with it",
            fault.text
        ));
    }
    if console.output.json {
        console.json(&record.json());
        console.json("\n");
        console.end_json();
        return ended(&record, console);
    }
    let beside = |format| loaded.batch.beside(&suffix(kind, format));
    let mut page = None;
    let formats = args
        .format
        .map_or(Format::USUAL.to_vec(), |format| vec![format]);
    for format in formats {
        if args.output.as_deref() == Some(Path::new("-")) {
            if format == Format::Xlsx && Console::shows_output() {
                return Err(Stop::new(
                    Exit::Usage,
                    "a workbook cannot be shown on a terminal\n  next: name a file with --output, or leave it out",
                ));
            }
            console.raw(&contents(&record, format, false)?);
            continue;
        }
        let path = args.output.clone().unwrap_or_else(|| beside(format));
        let contents = contents(&record, format, true)?;
        durable::put(&path, &contents).map_err(|error| {
            Stop::new(
                Exit::Unexpected,
                format!(
                    "cannot write {}: {error}\n  next: name another place with --format and --output",
                    path.display()
                ),
            )
        })?;
        console.result(&format!("wrote {}", path.display()));
        if format == Format::Html {
            page = Some(path);
        }
    }
    if let Some(page) = page.filter(|_| args.open) {
        open(&page, console);
    }
    ended(&record, console)
}

/// A record whose log is not whole is written all the same, and nobody is left to think it good.
fn ended(record: &Record, console: &Console) -> Result<Exit, Stop> {
    match &record.log().flaw {
        Some(_) if record.log().has_log => return Err(broken(record.log())),
        // Nobody has taken anything away from a file that is older than the log.
        Some(flaw) => console.note(&flaw.text),
        None => {}
    }
    let open = record.to_look_into() as u64;
    if open > 0 {
        console.note(&format!("{} to look into", words::plural(open, "letter")));
    }
    Ok(Exit::Success)
}

fn verify(args: &ReportArgs, ledger: &LedgerView, console: &Console) -> Result<Exit, Stop> {
    let check = ledger.check_log(args.hash.as_deref())?;
    if console.output.json {
        let flaw = check.flaw.as_ref();
        let object = serde_json::json!({
            "whole": flaw.is_none(),
            "events": check.events,
            "last_hash": check.last_hash,
            "before_the_log": check.before_the_log,
            "written_down_at": check.written_down_at,
            "flaw": flaw.map(|flaw| serde_json::json!({
                "event": flaw.event, "letter": flaw.letter, "text": flaw.text,
            })),
        });
        console.json(&format!("{object}\n"));
        console.end_json();
    }
    if check.flaw.is_some() {
        return Err(broken(&check));
    }
    let mut lines = vec![format!(
        "the log is whole: {}, last hash {}",
        words::plural(check.events, "event"),
        &check.last_hash[..16]
    )];
    if let Some(event) = check.written_down_at {
        lines.push(format!(
            "the hash that was written down is that of event {}: nothing up to there was changed since",
            words::count(event)
        ));
    }
    if check.before_the_log > 0 {
        lines.push(format!(
            "it cannot speak of {} that went out or failed before it began",
            words::plural(check.before_the_log, "letter")
        ));
    }
    lines.push(format!("in full        {}", check.last_hash));
    lines.push(
        "The log is tamper-evident, not tamper-proof: whoever writes the whole file anew can write\n\
         a log that is whole. A hash that was written down elsewhere shows that: --hash compares it."
            .to_owned(),
    );
    console.result(&lines.join("\n"));
    Ok(Exit::Success)
}

fn broken(check: &LogCheck) -> Stop {
    if let (false, Some(flaw)) = (check.has_log, &check.flaw) {
        let text = format!(
            "{}\n  next: `postroom send` or `postroom resolve` goes on with the file, and its log begins",
            flaw.text
        );
        return Stop::new(Exit::Faults, text);
    }
    let mut text = "the log is not whole: ".to_owned();
    if let Some(flaw) = &check.flaw {
        text.push_str(&flaw.text);
        match (flaw.event, &flaw.letter) {
            (Some(event), Some(letter)) => {
                text.push_str(&format!(" (event {event}, letter {letter})"));
            }
            (Some(event), None) => text.push_str(&format!(" (event {event})")),
            (None, Some(letter)) => text.push_str(&format!(" (letter {letter})")),
            (None, None) => {}
        }
    }
    text.push_str(&format!(
        "\n  {} before that fit\n  next: keep the file as it is, and compare it with a copy",
        words::plural(check.events, "event")
    ));
    Stop::new(Exit::Faults, text)
}

/// A rehearsal's record is never taken for that of the mail, nor an outbox's.
fn suffix(kind: LedgerKind, format: Format) -> String {
    let kind = match kind {
        LedgerKind::Mail => "",
        LedgerKind::Outbox => "outbox.",
        LedgerKind::Rehearsal => "rehearsal.",
    };
    format!("{kind}report.{}", format.extension())
}

/// The record in one form. A CSV file begins with a mark, without which Excel does not read it as
/// UTF-8; a program at the other end of a pipe would stumble over it.
fn contents(record: &Record, format: Format, mark: bool) -> Result<Vec<u8>, Stop> {
    Ok(match format {
        Format::Html => record.page().into_bytes(),
        Format::Json => (record.json() + "\n").into_bytes(),
        Format::Csv => {
            let mut bytes = if mark {
                "\u{feff}".as_bytes().to_vec()
            } else {
                Vec::new()
            };
            // Writing into memory does not fail.
            let _ = record.write_csv(&mut bytes);
            bytes
        }
        Format::Xlsx => record.workbook().map_err(|error| {
            Stop::new(
                Exit::Unexpected,
                format!("{error}\n  next: `postroom report --format csv` has all of it"),
            )
        })?,
    })
}

fn open(page: &Path, console: &Console) {
    if let Err(error) = open::that_detached(page) {
        console.note(&format!(
            "the page could not be shown: {error}\n  next: open {} in a browser",
            page.display()
        ));
    }
}
