//! The command line: the only module that prints, prompts and ends the process.

mod args;
mod bar;
mod changes;
mod check;
mod completing;
mod console;
mod ending;
mod exit;
mod findings;
mod front;
mod init;
mod installed;
mod json;
mod login;
mod on_end;
mod preview;
mod progress;
mod reading;
mod report;
mod resend;
mod resolve;
mod returns;
mod send;
mod show;
mod signed_in;
mod status;
mod words;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Command, CommandFactory, Parser};

use self::args::{Cli, Verb};
use self::console::Console;
use self::exit::Exit;
use crate::clock::{Clock, SystemClock};
use crate::mailing::Start;

/// The command line: all verbs that people use, with their options, as the manual must have them.
#[must_use]
pub fn command() -> Command {
    let whole = Cli::command();
    // What the program runs of itself is for nobody to complete or to read about.
    let verbs = whole.get_subcommands().filter(|verb| !verb.is_hide_set());
    let mut shown = Command::new("postroom")
        .bin_name("postroom")
        .version(args::version())
        .long_version(args::long_version())
        .subcommands(verbs);
    if let Some(about) = whole.get_about() {
        shown = shown.about(about.clone());
    }
    if let Some(end) = whole.get_after_help() {
        shown = shown.after_help(end.clone());
    }
    shown.disable_help_subcommand(true)
}

/// Runs the program with the arguments of the process.
#[must_use]
pub fn main() -> ExitCode {
    if let Some(exit) = completing::answer() {
        return exit.into();
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // clap writes help and version to stdout and mistakes to stderr, in its own form.
            let failed = error.print().is_err() || error.use_stderr();
            return if failed { Exit::Usage } else { Exit::Success }.into();
        }
    };
    if matches!(cli.verb, Verb::ReadPdfs) {
        return reading::serve();
    }
    reading::prepare();
    run(&cli, &(Arc::new(SystemClock::new()) as Arc<dyn Clock>))
}

/// Runs the program in this process, with arguments and a clock: for tests, which set the time.
#[doc(hidden)]
#[must_use]
pub fn run_under(
    clock: &Arc<dyn Clock>,
    arguments: impl IntoIterator<Item = OsString>,
) -> ExitCode {
    match Cli::try_parse_from(arguments) {
        Ok(cli) => run(&cli, clock),
        Err(_) => Exit::Usage.into(),
    }
}

fn run(cli: &Cli, clock: &Arc<dyn Clock>) -> ExitCode {
    let console = Console::new(cli.verb.output(), cli.verb.batch());
    let result = match &cli.verb {
        Verb::Init(args) => init::run(args, &console),
        Verb::Check(args) => check::run(args, &console, clock),
        Verb::Preview(args) => preview::run(args, &console, &**clock),
        Verb::Send(args) => send::run(args, Start::Any, &console, clock),
        Verb::Resume(args) => send::run(args, Start::Begun, &console, clock),
        Verb::Resend(args) => resend::run(args, &console, clock),
        Verb::Returns(args) => returns::run(args, &console, clock),
        Verb::Status(args) => status::run(args, &console),
        Verb::Report(args) => report::run(args, &console, &**clock),
        Verb::Completions(args) => Ok(installed::completions(args, &console)),
        Verb::Man(args) => installed::man(args, &console),
        Verb::Resolve(args) => resolve::run(args, &console, &**clock),
        Verb::Login(args) => login::login(args, &console, &**clock),
        Verb::Logout(args) => login::logout(args, &console),
        Verb::Whoami(args) => login::whoami(args, &console, clock),
        Verb::ReadPdfs => return reading::serve(),
    };
    match result {
        Ok(exit) => exit.into(),
        Err(stop) => {
            console.error(&stop.text);
            stop.exit.into()
        }
    }
}
