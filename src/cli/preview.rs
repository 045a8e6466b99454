//! `postroom preview`: every letter, to look at in a browser before anything is sent.

use indicatif::ProgressBar;

use super::args::PreviewArgs;
use super::console::Console;
use super::exit::{Exit, Stop};
use super::prepare::{load, prepare, refused, show, style};
use super::words;
use crate::clock::Clock;
use crate::preview::Preview;

pub(super) fn run(args: &PreviewArgs, console: &Console, clock: &dyn Clock) -> Result<Exit, Stop> {
    let loaded = load(&args.common.batch, &args.common.options)?;
    let prepared = prepare(&loaded, args.redirect_to.as_ref(), console, clock)
        .inspect_err(|findings| show(findings, console))
        .map_err(|findings| refused(&findings))?;
    show(&prepared.findings, console);
    let into = args
        .into
        .clone()
        .unwrap_or_else(|| loaded.batch.folder.join("preview"));
    let preview = Preview {
        batch: &loaded.batch,
        letters: &prepared.letters,
        plan: &prepared.plan,
        findings: &prepared.findings,
        now: clock.now(),
    };
    let bar = console.shows_bar().then(|| {
        ProgressBar::new(prepared.letters.len() as u64)
            .with_style(style("writing  {bar:30} {pos}/{len}"))
    });
    console.set_bar(bar.clone());
    let written = preview.write(&into, &|done| {
        if let Some(bar) = &bar {
            bar.set_position(done as u64);
        }
    });
    console.set_bar(None);
    let page = written.map_err(|error| Stop::new(Exit::Usage, words::in_full(&error)))?;
    console.result(&format!(
        "{} to look at in {}\nplan {}\n  next: open it in a browser; `postroom send --plan {}` sends exactly these",
        words::plural(prepared.letters.len() as u64, "letter"),
        page.display(),
        prepared.plan.id,
        prepared.plan.id
    ));
    if args.open && open::that_detached(&page).is_err() {
        console.note("no browser could be opened: open the page by hand");
    }
    Ok(Exit::Success)
}
