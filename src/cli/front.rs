//! A mailing on a terminal: bars, lines and the question.

use indicatif::ProgressBar;

use super::changes::resend_command;
use super::console::{Console, style};
use super::progress::Progress;
use super::{findings, show, words};
use crate::clock::Clock;
use crate::dispatch::{DispatchEvent, Interrupt};
use crate::finding::Finding;
use crate::mailing::{Extent, Front, Notice, Question};

/// Shows one mailing.
pub(super) struct TerminalFront<'a> {
    console: &'a Console,
    clock: &'a dyn Clock,
    interrupt: Interrupt,
    rehearsal: bool,
    checking: Option<ProgressBar>,
    progress: Option<Progress<'a>>,
}

impl<'a> TerminalFront<'a> {
    /// A front whose question a person can answer with Ctrl-C too.
    pub(super) fn new(
        console: &'a Console,
        clock: &'a dyn Clock,
        interrupt: &Interrupt,
        rehearsal: bool,
    ) -> Self {
        Self {
            console,
            clock,
            interrupt: interrupt.clone(),
            rehearsal,
            checking: None,
            progress: None,
        }
    }

    fn end_checking(&mut self) {
        if self.checking.take().is_some() {
            self.console.set_bar(None);
        }
    }
}

impl Front for TerminalFront<'_> {
    fn checked(&mut self, done: usize, of: usize) {
        if !self.console.shows_bar() {
            return;
        }
        let bar = self.checking.get_or_insert_with(|| {
            let bar =
                ProgressBar::new(of as u64).with_style(style("checking {bar:30} {pos}/{len}"));
            self.console.set_bar(Some(bar.clone()));
            bar
        });
        bar.set_position(done as u64);
    }

    fn findings(&mut self, found: &[Finding]) {
        self.end_checking();
        findings::show(found, self.console);
    }

    fn notice(&mut self, notice: &Notice) {
        self.console.note(&in_words(notice));
    }

    fn confirm(&mut self, question: &Question<'_>) -> bool {
        show::confirmed(question, self.console, &self.interrupt)
    }

    fn begin(&mut self, extent: Extent) {
        self.end_checking();
        let progress = Progress::new(self.console, self.clock, self.rehearsal, extent);
        self.progress = Some(progress);
    }

    fn event(&mut self, event: &DispatchEvent) {
        if let Some(progress) = &self.progress {
            progress.show(event);
        }
    }
}

impl Drop for TerminalFront<'_> {
    fn drop(&mut self) {
        self.end_checking();
    }
}

fn in_words(notice: &Notice) -> String {
    match notice {
        Notice::MailboxUnknown(answer) => format!(
            "it is not known whether letters of this batch went out before: {}",
            answer.in_full()
        ),
        Notice::OtherAddresses(ids) => format!(
            "accepted already, and the list now has other addresses: {}\n  next: {} writes to the addresses that do not have it",
            some_of(ids, ", "),
            resend_command(ids.first().map_or("ID", String::as_str), false),
        ),
        Notice::OtherLetters(ids) => format!(
            "accepted already, and the letter is another one by now: {}\n  next: `postroom check` says what of it; if those who have it should get the new one, {}",
            some_of(ids, ", "),
            resend_command(ids.first().map_or("ID", String::as_str), true),
        ),
        Notice::OutdatedPractice(ids) => format!(
            "the outbox has these letters as they were, and they would be others by now: {}\n  next: `postroom send --fresh` makes all of them anew, and keeps what was there",
            some_of(ids, ", "),
        ),
        Notice::CalledOff(resends) => {
            let ids: Vec<String> = resends.iter().map(|resend| resend.id.clone()).collect();
            let first = resends.first();
            format!(
                "not sent again, for the letter changed after the resend was confirmed: {}\n  next: {} shows it as it is now",
                some_of(&ids, ", "),
                first.map_or_else(String::new, |first| resend_command(&first.id, first.to_all)),
            )
        }
        Notice::UnreadState { path, text } => {
            format!("{path} may know letters of this batch, and cannot be read: {text}")
        }
        Notice::Elsewhere(elsewhere) => format!(
            "{} with the same reports went out, or may have, by `{}` ({}): {}",
            words::plural(elsewhere.ids.len() as u64, "letter"),
            elsewhere.batch,
            elsewhere.path.display(),
            some_of(&elsewhere.ids, ", "),
        ),
        Notice::InMailbox { transport, found } => {
            let mut text = format!(
                "{} with the same reports went out already, by another batch or an earlier run ({transport}):",
                words::plural(found.len() as u64, "letter"),
            );
            for (id, receipt) in found {
                text.push_str(&format!("\n  {id}: {receipt}"));
            }
            text
        }
        Notice::EveryAddressHasIt(ids) => format!(
            "every address has the letter already, so it is not sent again: {}\n  next: correct the list first, or add --all-addresses",
            some_of(ids, ", ")
        ),
        Notice::Closed(ids) => format!(
            "nothing is left to send again, so these are settled: {}",
            some_of(ids, ", ")
        ),
        Notice::SetAside(paths) => {
            let paths: Vec<String> = paths
                .iter()
                .map(|path| path.display().to_string())
                .collect();
            format!(
                "practising begins again; what was there before is kept: {}",
                paths.join(", ")
            )
        }
        Notice::OthersChanged(count) => format!(
            "{} changed too since the batch was begun; `postroom check` lists them, and this command leaves them as they are",
            words::plural(*count as u64, "other letter")
        ),
    }
}

/// The first few of many.
fn some_of(ids: &[String], separator: &str) -> String {
    const MOST_NAMED: usize = 10;
    let mut text = ids[..ids.len().min(MOST_NAMED)].join(separator);
    if ids.len() > MOST_NAMED {
        text.push_str(&format!(" and {} more", ids.len() - MOST_NAMED));
    }
    text
}
