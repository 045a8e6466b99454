//! What can be written on the command line.

mod installed;
mod report;
mod returns;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use clap::{ArgGroup, Args, Parser, Subcommand};

pub(super) use self::installed::{CompletionsArgs, ManArgs};
pub(super) use self::report::{Format, ReportArgs};
pub(super) use self::returns::ReturnsArgs;

use super::completing;
use super::console::Output;
use crate::address::Address;
use crate::auth::Flow;
use crate::config::TransportName;
use crate::mailing::LoadRequest;

/// Sends every school its own report, once, and can prove it.
#[derive(Debug, Parser)]
#[command(bin_name = "postroom", version = version(), long_version = long_version(), max_term_width = 100)]
#[command(after_help = "Exit codes:
  0    all letters accepted
  1    unexpected error
  2    mistake in the command line or a configuration file
  3    the checks found faults, nothing was sent; or the log is not whole
  4    finished, but letters were rejected or are in doubt, or something that came back needs your attention
  5    stopped early; the same command goes on
  6    sign-in needed or refused
  7    another run holds the state file
  130  interrupted, or a question was answered with no; the same command goes on")]
pub(super) struct Cli {
    #[command(subcommand)]
    pub verb: Verb,
}

/// The version, and in a package the commit that it was made from.
pub(super) fn version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| {
        let version = env!("CARGO_PKG_VERSION");
        match option_env!("POSTROOM_COMMIT") {
            Some(commit) if !commit.is_empty() => format!("{version} ({commit})"),
            _ => version.to_owned(),
        }
    });
    &VERSION
}

/// The version with commit and kind of build, for whoever reports a fault.
pub(super) fn long_version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| {
        let commit = match option_env!("POSTROOM_COMMIT") {
            Some(commit) if !commit.is_empty() => commit,
            _ => "not known, for it was built outside of a package",
        };
        let kind = if cfg!(debug_assertions) {
            "for development"
        } else {
            "optimised"
        };
        let c_library = match (cfg!(target_os = "linux"), cfg!(target_env = "musl")) {
            (true, true) => ", static (musl)",
            (true, false) => ", glibc",
            (false, _) => "",
        };
        format!(
            "{}\ncommit  {commit}\nbuild   {} {}{c_library}, {kind}",
            env!("CARGO_PKG_VERSION"),
            std::env::consts::OS,
            std::env::consts::ARCH,
        )
    });
    &VERSION
}

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Write a commented batch into a folder: a starter, or one for a list of your own; nothing there
    /// is overwritten
    Init(InitArgs),
    /// Sign in to the mailbox, once; batches then run without asking
    Login(LoginArgs),
    /// Forget the sign-in
    Logout(SignInArgs),
    /// Show who is signed in, and what the sign-in allows
    Whoami(SignInArgs),
    /// Find everything that can go wrong before anything is sent
    Check(CheckArgs),
    /// Write a gallery of all letters, to look at in a browser, and the exact messages
    Preview(PreviewArgs),
    /// Send what is left; the same command resumes
    Send(SendArgs),
    /// The same as send, but refuse when there is nothing to resume
    Resume(SendArgs),
    /// Send letters again on purpose: to addresses that do not have them, or to all
    Resend(ResendArgs),
    /// Read mail that came back, and enter into the record what became of each address
    Returns(ReturnsArgs),
    /// Show what happened to each letter
    Status(StatusArgs),
    /// Settle letters in doubt by hand
    Resolve(ResolveArgs),
    /// Write the record: a page, the dispatch list with what became of each row, JSON
    Report(ReportArgs),
    /// Print the script by which your shell completes commands, options, ids and batch files
    Completions(CompletionsArgs),
    /// Write manual pages for man into a folder
    Man(ManArgs),
    /// Read PDFs from standard input; postroom runs itself so
    #[command(name = READ_PDFS, hide = true)]
    ReadPdfs,
}

/// The argument by which the program runs itself to read PDFs.
pub(super) const READ_PDFS: &str = "read-pdfs";

impl Verb {
    /// How much the verb may say.
    pub(super) fn output(&self) -> Output {
        match self {
            Self::Init(args) => Output {
                quiet: args.quiet,
                json: args.json,
                ..Output::default()
            },
            Self::Login(args) => args.sign_in.output(),
            Self::Logout(args) | Self::Whoami(args) => args.output(),
            Self::Check(args) => args.common.output(),
            Self::Preview(args) => args.common.output(),
            Self::Send(args) | Self::Resume(args) => args.common.output(),
            Self::Resend(args) => args.common.output(),
            Self::Returns(args) => args.common.output(),
            Self::Status(args) => args.common.output(),
            Self::Resolve(args) => args.common.output(),
            Self::Report(args) => args.common.output(),
            Self::Completions(_) | Self::Man(_) | Self::ReadPdfs => Output::default(),
        }
    }

    /// The batch that was named.
    pub(super) fn batch(&self) -> Option<&Path> {
        match self {
            Self::Login(args) => Some(&args.sign_in.batch),
            Self::Logout(args) | Self::Whoami(args) => Some(&args.batch),
            Self::Check(args) => Some(&args.common.batch),
            Self::Preview(args) => Some(&args.common.batch),
            Self::Send(args) | Self::Resume(args) => Some(&args.common.batch),
            Self::Resend(args) => Some(&args.common.batch),
            Self::Returns(args) => Some(&args.common.batch),
            Self::Status(args) => Some(&args.common.batch),
            Self::Resolve(args) => Some(args.parts().0),
            Self::Report(args) => Some(&args.common.batch),
            Self::Init(_) | Self::Completions(_) | Self::Man(_) | Self::ReadPdfs => None,
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// The folder; it is made if it is not there
    pub folder: PathBuf,
    /// Propose the batch file for this list, .csv or a workbook
    #[arg(long, value_name = "LIST")]
    pub from: Option<PathBuf>,
    /// With --from: the folder with the reports [default: reports in the folder or beside the list]
    #[arg(long, value_name = "DIR", requires = "from")]
    pub reports: Option<PathBuf>,
    /// With --from: the letter, .docx, .md, .html or .txt; marks such as «School» become values
    #[arg(long, value_name = "FILE", requires = "from")]
    pub letter: Option<PathBuf>,
    /// With --from: take the proposal without asking
    #[arg(long, short, requires = "from")]
    pub yes: bool,
    /// With --from: write the proposal to standard output as one JSON object, and no file without --yes
    #[arg(long, requires = "from")]
    pub json: bool,
    /// Print only what goes wrong
    #[arg(long, short)]
    pub quiet: bool,
}

/// What the verbs of the sign-in take.
#[derive(Clone, Debug, Args)]
pub(super) struct SignInArgs {
    /// The batch folder whose .secrets.toml is used, or the batch file
    #[arg(default_value = ".", add = completing::batches())]
    pub batch: PathBuf,
    /// The secrets file [default: .secrets.toml beside the batch file, else in the current folder, else in your settings]
    #[arg(long, value_name = "FILE")]
    pub secrets: Option<PathBuf>,
    /// Write one JSON object to standard output
    #[arg(long)]
    pub json: bool,
}

impl SignInArgs {
    fn output(&self) -> Output {
        Output {
            json: self.json,
            ..Output::default()
        }
    }

    /// The folder where the secrets file is looked for.
    pub(super) fn folder(&self) -> &Path {
        if self.batch.is_dir() {
            &self.batch
        } else {
            self.batch.parent().unwrap_or(Path::new("."))
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct LoginArgs {
    #[command(flatten)]
    pub sign_in: SignInArgs,
    /// How [default: what the redirect address of the secrets file fits]
    #[arg(long)]
    pub flow: Option<Flow>,
    /// Only print the links by which a user or an administrator agrees to the permissions
    #[arg(long)]
    pub consent_url: bool,
}

/// What every verb with a batch takes.
#[derive(Clone, Debug, Args)]
pub(super) struct Common {
    /// The batch file, or the folder with its batch.toml
    #[arg(default_value = ".", add = completing::batches())]
    pub batch: PathBuf,
    #[command(flatten)]
    pub options: Options,
}

#[derive(Clone, Debug, Args)]
pub(super) struct Options {
    /// Write one JSON object to standard output
    #[arg(long)]
    pub json: bool,
    /// Print only what goes wrong
    #[arg(long, short)]
    pub quiet: bool,
    /// Show whole addresses and every letter
    #[arg(long, short)]
    pub verbose: bool,
    /// Use this transport instead of the batch file's
    #[arg(long, value_name = "NAME")]
    pub transport: Option<TransportName>,
    /// The secrets file [default: .secrets.toml beside the batch file, else in the current folder, else in your settings]
    #[arg(long, value_name = "FILE")]
    pub secrets: Option<PathBuf>,
    /// The state file [default: beside the batch file]
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
}

impl Common {
    fn output(&self) -> Output {
        self.options.output()
    }

    /// Which batch is meant.
    pub(super) fn load_request(&self) -> LoadRequest {
        self.options.load_request(&self.batch)
    }
}

impl Options {
    /// Which batch is meant, given its file or folder.
    pub(super) fn load_request(&self, batch: &Path) -> LoadRequest {
        LoadRequest {
            batch: batch.to_owned(),
            transport: self.transport,
            secrets: self.secrets.clone(),
            state: self.state.clone(),
        }
    }

    fn output(&self) -> Output {
        Output {
            json: self.json,
            quiet: self.quiet,
            verbose: self.verbose,
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    pub common: Common,
    /// Ask the mail server or Microsoft too: sign-in, mailbox, permissions; and DNS. Nothing is sent
    #[arg(long)]
    pub online: bool,
    /// With --online: send one letter to yourself and see how it arrives
    #[arg(long, requires = "online")]
    pub probe: bool,
    /// Show only these recipients: ids or names, or @FILE with one on each line
    #[arg(long, value_name = "ID", add = completing::ids())]
    pub only: Vec<String>,
    /// Check as a rehearsal to this address
    #[arg(long, value_name = "ADDRESS", value_parser = Address::parse)]
    pub redirect_to: Option<Address>,
}

#[derive(Debug, Args)]
pub(super) struct PreviewArgs {
    #[command(flatten)]
    pub common: Common,
    /// The folder; an older preview there is replaced [default: preview beside the batch file]
    #[arg(long, value_name = "DIR")]
    pub into: Option<PathBuf>,
    /// Open it in the browser
    #[arg(long)]
    pub open: bool,
    /// Show only these recipients: ids or names, or @FILE with one on each line
    #[arg(long, value_name = "ID", add = completing::ids())]
    pub only: Vec<String>,
    /// Show it as a rehearsal to this address
    #[arg(long, value_name = "ADDRESS", value_parser = Address::parse)]
    pub redirect_to: Option<Address>,
}

#[derive(Clone, Debug, Args)]
pub(super) struct SendArgs {
    #[command(flatten)]
    pub common: Common,
    /// Only these recipients: ids or names, separated by commas or given one by one, or @FILE with one on
    /// each line
    #[arg(long, value_name = "ID", add = completing::ids())]
    pub only: Vec<String>,
    /// At most this many letters
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Do everything except hand the letters over
    #[arg(long, conflicts_with_all = ["retry_rejected", "accept_changes"])]
    pub dry_run: bool,
    /// Rehearse: every letter goes to this address alone, with its own state file
    #[arg(long, value_name = "ADDRESS", value_parser = Address::parse)]
    pub redirect_to: Option<Address>,
    /// With --redirect-to: only this many letters, spread over the whole list
    #[arg(
        long,
        value_name = "N",
        requires = "redirect_to",
        conflicts_with = "only"
    )]
    pub sample: Option<NonZeroUsize>,
    /// Send only if the plan still has this id, as check shows it
    #[arg(long, value_name = "ID")]
    pub plan: Option<String>,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
    /// Try rejected letters again
    #[arg(long)]
    pub retry_rejected: bool,
    /// Accept changes to the list, templates and reports for letters not yet sent
    #[arg(long)]
    pub accept_changes: bool,
    /// Go on though the state file is gone or an older copy: what went out may go out again
    #[arg(long, conflicts_with_all = ["dry_run", "redirect_to"])]
    pub accept_lost_state: bool,
    /// Practise from the beginning: in the outbox or a rehearsal alone. What was there is kept
    #[arg(long, conflicts_with_all = ["dry_run", "accept_lost_state", "retry_rejected"])]
    pub fresh: bool,
    /// Send letters once more that another batch sent, of which this one is a copy
    #[arg(long, conflicts_with = "redirect_to")]
    pub again: bool,
}

#[derive(Clone, Debug, Args)]
pub(super) struct ResendArgs {
    #[command(flatten)]
    pub common: Common,
    /// The letters of these recipients: ids or names, or @FILE with one on each line
    #[arg(
        long,
        value_name = "ID",
        required_unless_present = "bounced",
        conflicts_with = "bounced",
        add = completing::ids()
    )]
    pub only: Vec<String>,
    /// Every letter of which an address was refused or bounced
    #[arg(long)]
    pub bounced: bool,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    pub because: String,
    /// Write also to addresses that already have the letter
    #[arg(long)]
    pub all_addresses: bool,
    /// Send only if the plan still has this id, as the question shows it
    #[arg(long, value_name = "ID")]
    pub plan: Option<String>,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
}

#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    #[command(flatten)]
    pub common: Common,
    /// Only this recipient; may be given several times
    #[arg(long, value_name = "ID", add = completing::ids())]
    pub only: Vec<String>,
    /// Show the rehearsal's state
    #[arg(long)]
    pub rehearsal: bool,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("word").args(["accepted", "unsent"]))]
#[command(override_usage = "postroom resolve <--accepted|--unsent> [OPTIONS] ID... [BATCH]")]
pub(super) struct ResolveArgs {
    /// The recipients in doubt, then the batch file or its folder if it is not this one
    #[arg(required = true, value_name = "ID", add = completing::ids())]
    pub ids: Vec<String>,
    /// They went out
    #[arg(long)]
    pub accepted: bool,
    /// They did not; the next send sends them
    #[arg(long)]
    pub unsent: bool,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    pub because: Option<String>,
    #[command(flatten)]
    pub common: Options,
}

impl ResolveArgs {
    /// The batch and the ids. The batch is the last word; the first one too, as it once was.
    pub(super) fn parts(&self) -> (&Path, &[String]) {
        let is_batch = |word: &str| {
            let path = Path::new(word);
            path.join("batch.toml").is_file()
                || path.extension().is_some_and(|end| end == "toml") && path.is_file()
        };
        match &*self.ids {
            [ids @ .., last] if !ids.is_empty() && is_batch(last) => (Path::new(last), ids),
            [first, ids @ ..] if !ids.is_empty() && is_batch(first) => (Path::new(first), ids),
            ids => (Path::new("."), ids),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(words: &[&str]) -> Result<ResolveArgs, clap::Error> {
        let cli = Cli::try_parse_from([&["postroom", "resolve"], words].concat())?;
        match cli.verb {
            Verb::Resolve(args) => Ok(args),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_batch_of_resolve_comes_last_and_may_be_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("batch.toml");
        std::fs::write(&file, "").unwrap();
        let (batch, file) = (folder.path().to_str().unwrap(), file.to_str().unwrap());
        for (words, at) in [
            (&["S001", "S002", batch][..], batch),
            (&["S001", "S002", file], file),
            (&[batch, "S001", "S002"], batch),
            (&["S001", "S002"], "."),
        ] {
            let args = resolve(&[&["--unsent"], words].concat()).unwrap();
            let (found, ids) = args.parts();
            assert_eq!(found, Path::new(at));
            assert_eq!(ids, ["S001", "S002"]);
        }
    }

    #[test]
    fn resolve_takes_one_choice() {
        let said = resolve(&["S001", "--accepted", "--unsent"]).unwrap_err();
        let said = said.to_string();
        assert!(
            said.contains("--accepted") && said.contains("--unsent"),
            "{said}"
        );
    }

    #[test]
    fn help_takes_the_name_of_a_verb() {
        let error = Cli::try_parse_from(["postroom", "help", "send"]).unwrap_err();
        assert_eq!(error.kind(), clap::error::ErrorKind::DisplayHelp);
        assert!(error.to_string().contains("--redirect-to"));
    }
}
