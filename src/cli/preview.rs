//! `postroom preview`: every letter, to look at in a browser before anything is sent.

use indicatif::ProgressBar;

use super::args::PreviewArgs;
use super::check::chosen;
use super::console::{Console, style};
use super::exit::{Exit, Stop};
use super::findings;
use super::front::TerminalFront;
use super::send::refused;
use super::words;
use crate::clock::Clock;
use crate::dispatch::Interrupt;
use crate::mailing::{Loaded, prepare};
use crate::preview::Preview;

pub(super) fn run(args: &PreviewArgs, console: &Console, clock: &dyn Clock) -> Result<Exit, Stop> {
    let loaded = Loaded::load(&args.common.load_request())?;
    let rehearsal = args.redirect_to.is_some();
    let mut front = TerminalFront::new(console, clock, &Interrupt::default(), rehearsal);
    let prepared = prepare(&loaded, args.redirect_to.as_ref(), clock, &mut front);
    drop(front);
    let prepared = prepared.map_err(|error| refused(error, &loaded, rehearsal, console))?;
    findings::show(&prepared.findings, console);
    let only = chosen(&args.only, &prepared)?;
    let into = args
        .into
        .clone()
        .unwrap_or_else(|| loaded.batch.folder.join("preview"));
    let preview = Preview {
        batch: &loaded.batch,
        letters: &prepared.letters,
        plan: &prepared.plan,
        findings: &prepared.findings,
        only: only.as_ref(),
        now: clock.now(),
    };
    let bar = console.shows_bar().then(|| {
        ProgressBar::new(preview.shown().len() as u64)
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
        words::plural(preview.shown().len() as u64, "letter"),
        page.display(),
        prepared.plan.id,
        prepared.plan.id
    ));
    if args.open && open::that_detached(&page).is_err() {
        console.note("no browser could be opened: open the page by hand");
    }
    Ok(Exit::Success)
}
